"""Other people's interfaces: estimators, export, import, trackers.

    run | Network --as_portable--> Portable --write_*--> trial on rows --> file       exporting
    module | params | weights --> Draft, ... --network_of--> Network                  importing
    history lines, recorded rows --entries--> Entry, ... --Tracker--> someone's log     tracking

A ``Portable`` is a network with its loss and encoder: how raw rows go in, and what comes out. Each
writer makes its file in memory or a temporary folder, runs it with the reader that its users will
have, compares outputs, and only then writes; the network of a run must first have the figures that
the run recorded. What is imported is read by names and shapes, without importing its library, and
checked under its own names. A ``Tracker`` takes an ``Entry`` a step, from a finished run or from
one that trains; what was recorded both tell alike, and the test part's measures at the end.
"""
