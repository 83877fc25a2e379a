"""A run on disk, as any producer writes it and any reader reads it. NumPy alone.

    fields, activations, layers      what is kept of a neuron, and what a layer is: tables
    description, producers, schema   who writes runs, what their files must hold, what they lack
    files, sealed, writing           writing: whole files, checksums, one writer a folder
    folder, reading                  reading, also while another process writes
    merging                          what several processes watched, as one
    address                          what a user asks about, by the network's own names
    step, factors                    one step, whoever recorded it, as ledgers take it
    tracker                          a run as other tools take it

*Checksums.* Every byte is under a checksum that stands in its own file (:mod:`sealed`), so that
one rename replaces both: ``run.json`` has one over its text, a tensor file one for each tensor and
one for the header with these, every line its own. Reading verifies what it reads. ``run.json``
also says what must be there: ``checkpoint``, the step at which the run stands; ``checkpoints``, or
``whole`` of a watched run, step by step with the checksum of each file; ``lines``, how many each
file of lines holds at least. Files of rows follow from the lines counted: each is named by its
first recorded step. Runs of format 1 had none of this; they open, stay what they are, and say that
nothing verified them.

*Order is safety.* Rows, checkpoint and history, then ``run.json``, and only then is removed what
``run.json`` no longer names. Each is synced, and its folder too, before the next is given its name
(:mod:`files`). A reader who finds something missing reads ``run.json`` again before it complains
(:mod:`reading`). A torn last line is an append that was cut off: it is ignored, and cut off before
the next. ``benchmarks/attack/disk.py`` is a disk that keeps no more than was synced, and the tests
cut the power at every call.

*Who may.* One process writes a run, whoever holds ``run.lock``. Folders of runs are 0700 and their
files 0600, and none is ever written through a link; what a user makes to hand on (a report, an
export, a configuration) follows the umask.

*What may be said.* Every reader hands what it read over to :mod:`schema` at the door, so code
behind relies on it. A name that stands in no table is refused, so whoever writes something new
adds it there. ``benchmarks/attack/descriptions.py`` changes anything anywhere, signs it again, and
drives every reader.
"""
