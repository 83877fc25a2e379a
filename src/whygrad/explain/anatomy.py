"""Full snapshots of a watched model as anatomies, which the chain rule's own rooms read."""

import jax.numpy as jnp

from whygrad.core import backend
from whygrad.core.backprop import LayerAnatomy
from whygrad.core.factors import ratio
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.explain.snapshot import by_layer, rows_of
from whygrad.record.folder import RunFolder


def anatomy_of_snapshot(run: RunFolder, step: int | None) -> dict[str, LayerAnatomy]:
    """Return the anatomy of each layer whose rows were kept, a row a sample and position.

    Args:
        step: one that was kept whole; default: the last of them.

    Raises:
        AddressError: the step was not kept whole.
    """
    backend.start()
    specs, found = run.specs, {}
    for name, arrays in by_layer(run.whole(step)[1]).items():
        spec, rows, bias = specs[name], rows_of(arrays), arrays.get("bias.before")
        if rows is None:
            continue
        z = rows.input @ spec.as_matrix(arrays["weight.before"]) + (0 if bias is None else bias)
        activation = spec.activation if spec.activation in ACTIVATIONS else "identity"
        upstream, delta = jnp.asarray(rows.upstream), jnp.asarray(rows.delta)
        found[name] = LayerAnatomy(
            input=jnp.asarray(rows.input),
            preactivation=jnp.asarray(z),
            output=ACTIVATIONS[activation].value(jnp.asarray(z)),
            upstream=upstream,
            slope=ratio(delta, upstream),
            delta=delta,
            share=jnp.asarray(rows.share),
            activation=activation,
            has_bias=bias is not None,
        )
    return found
