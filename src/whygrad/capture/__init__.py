"""PyTorch models, watched while they train.

Reads what torch does and changes nothing of it::

    with wg.watch(model, every=10) as watch:
        for x, y in loader:
            ...
    print(watch.run.why("encoder.layers.0.linear1.weight[5, 3]"))

    wrapped                         what may be watched, and under which names
    functions -> seeing -> passages -> sums, seen
                                    what one step shows, while it happens
    places, calls, kinds            which layer a function was called for, and its sums over samples
    gradients, before, facts        what else a step leaves behind
    watching -> record -> writing   when to look, and the run that comes of it
"""

from whygrad.capture.watch import Watch

__all__ = ["Watch"]
