"""Training whygrad's own networks: recorded, resumed, replayed.

:mod:`choosing` chooses what nobody asked for, of two recipes the one that :mod:`comparing` prefers.
:mod:`loop` trains epoch after epoch on the pools of rows that :mod:`feeding` draws, cuts and, of a
stream, reads ahead; :mod:`engine` chooses who takes the steps, :mod:`step` with JAX or
:mod:`numpy_step`, :mod:`recording` keeps, :mod:`recorder` writes, :mod:`replay` takes a step again,
with the engine that ``run.json`` names.

With JAX some plain steps and the recording step after them form a group, the plain ones in a loop
of their own, because a conditional inside one loop would copy all parameters at every turn.

A sample's ``share`` in a mean is 1/m, or its weight over the sum of weights; the mean over samples
is taken in one place, ``LayerAnatomy.mean_with_delta``.

``run.network`` is the network at which a run stands, as ``run.json`` says, and no other.
``run.network_at(step)`` is the one after ``step`` steps, from which step number ``step`` starts:
between checkpoints it is replayed, and the last recorded step on the way must come out as
recorded. Some checkpoints, spread over the run, are kept for that; the newest is always there.
Going on means to take the newest sound one, say so in ``run.json``, drop what was recorded after
it, and do it again with the same numbers.
"""
