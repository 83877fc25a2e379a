"""Full snapshots of a watched model as anatomies, which the chain rule's own rooms read."""

import jax.numpy as jnp
import numpy as np

from whygrad.core import backend
from whygrad.core.backprop import LayerAnatomy
from whygrad.core.factors import ratio
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.explain.snapshot import by_layer, rows_of
from whygrad.record.folder import RunFolder
from whygrad.record.layers import LayerSpec
from whygrad.record.step import Rows


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
        rows = rows_of(arrays)
        if rows is not None:
            weight = specs[name].as_matrix(arrays["weight.before"])
            found[name] = _anatomy(specs[name], rows, weight, arrays.get("bias.before"))
    return found


def _anatomy(
    spec: LayerSpec, rows: Rows, weight: np.ndarray, bias: np.ndarray | None
) -> LayerAnatomy:
    z = rows.input @ weight + (0 if bias is None else bias)
    name = spec.activation if spec.activation in ACTIVATIONS else "identity"
    upstream, delta = jnp.asarray(rows.upstream), jnp.asarray(rows.delta)
    return LayerAnatomy(
        input=jnp.asarray(rows.input),
        preactivation=jnp.asarray(z),
        output=ACTIVATIONS[name].value(jnp.asarray(z)),
        upstream=upstream,
        slope=ratio(delta, upstream),
        delta=delta,
        share=jnp.asarray(rows.share),
        activation=name,
        has_bias=bias is not None,
    )
