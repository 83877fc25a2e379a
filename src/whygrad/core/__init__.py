"""The chain rule, written out: :mod:`backprop` first, then :mod:`factors`.

``Anatomy`` is the joint. ``backprop`` makes it; ``factors``, ``attribution``, ``symmetry`` and the
rooms above read it; neither knows the other.

Softmax with cross-entropy, sigmoid with binary cross-entropy and identity with squared error are
taken as one function of z: slope 1, delta = a - y (``nn.losses.is_matched``). Every other pair of
output activation and loss goes through the true Jacobian. A cross-entropy on an identity output
brings its own softmax or sigmoid.

Where many equal layers follow one another they are folded into one stack (:mod:`nn.folding`),
compiled once and walked through by a scan; with fewer than ``FEWEST`` nothing changes.

Formulas are written once, over ``record.arrays.xp``, and compute with NumPy or JAX as their arrays
come; :mod:`arrays` holds the few things that the two do not call alike, :mod:`keys` what is drawn
at random. Nothing here imports JAX before it is needed, and :mod:`backend` is the one door to it:
what computes with it asks there first, and is told what is wrong with the environment, where XLA
would end the process or hang. :mod:`memory` is asked before anything large is held.
"""
