"""PyTorch models, watched while they train.

Reads what torch does and changes nothing of it::

    with wg.watch(model, every=10) as watch:
        for x, y in loader:
            ...
    print(watch.run.why("encoder.layers.0.linear1.weight[5, 3]"))

    wrapped                         what may be watched, and under which names
    functions -> tracer             what one step shows, while it happens
    registry, uses, kinds           which layer a function was called for
    layer_calls -> accumulators     and its sums over samples, on the way back
    gradients, before, diagnostics  what else a step leaves behind
    watch -> record -> writing      when to look, and the run that comes of it
    schedule                        which weights are in which full snapshot
    isolation                       what goes wrong here ends the watching alone
"""

from whygrad.capture.watch import Watch

__all__ = ["Watch"]
