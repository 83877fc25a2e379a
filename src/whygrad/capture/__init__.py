"""PyTorch models, watched while they train.

Reads what torch does and changes nothing of it::

    with wg.watch(model) as watch:
        for x, y in loader:
            ...
    print(watch.run.why("encoder.layers.0.linear1.weight[5, 3]"))

    wrapped                                  what may be watched, and under which names
    shards, unsharding                       parameters that lie in several processes
    functions, following -> tracer           what one step shows, while it happens
    uses, convolutions -> kinds -> registry  which layer a function is called for
    contractions, origins -> meetings        any other product or sum that a parameter is in
    products, layer_calls                    what its gradient is a sum of, call by call
    recurrences -> recurrent_calls           gates, from a second run of their recurrence
    gradients, losses, diagnostics           what else a step leaves behind
    readings -> rows                         its numbers, by one copy to the host, and the factors
    snapshots, held -> held_step             what a ledger needs beyond: summed at once, or held
    watch -> record -> writing, schedule     when to look, and the run that comes of it
    warned                                   whose line a warning of torch's is told of
    pace, by_hand                            which steps are recorded, and what is a step
    models -> session, children              whatever a program trains, without a line of it changed

The tracer is a ``TorchFunctionMode``, which is handed every function that is called on a tensor,
whether as a module, a function, a method or in place; it lies below the modes of others.

*The loss* that is recorded is the sum over a step's backward passes of what each was called on,
times the gradient that it was given, without a GradScaler's factor. The gradient that comes back
to what a loss function returned is the weight with which that counts. Passes whose gradients are
thrown away, and those of other models, count for nothing.

*Nothing stays.* Hooks on a graph hold the watch weakly, and nothing of a step lies in a cycle, so
all of it is gone with the graph; the tests switch the collector off. What is compiled would run
uncompiled while it is looked at, so it is refused unless that is asked for.

*Beside its layer* a weight may have another way to the loss: a penalty, a gradient of a gradient,
a second layer that holds it. Of full snapshots the sum of delta times input is therefore taken and
compared with the gradient that came; where they differ the factors explain the former, and the
ledger's stage ``elsewhere`` leads to the latter.

*A full snapshot* is what a ledger of a single weight needs, since no step can be replayed: the
sizes of every weight, the parameters before and after, the gradient as it came and as the
optimizer got it, the optimizer's state.

*Several processes* write a folder each, ``rank0``, ``rank1`` …; they are merged when the run is
opened. Sizes are means over the processes; the norm of the mean gradient, which every process was
given, is kept beside the rows. Only steps that every process has recorded are merged. Of what
``fully_shard`` leaves in shards each process records its own, and the whole is their sum.
"""

from whygrad.capture.watch import Watch

__all__ = ["Watch"]
