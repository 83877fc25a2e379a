"""What other programs say, asked when the page is written: no room types it in."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

SAMPLES, INPUTS = 97, 89  # stand for their numbers; the page puts in its own
NEURONS = 3


def batch() -> dict[str, str]:
    """Return what JAX makes of the way back through a layer, in both orientations."""
    array = jax.ShapeDtypeStruct

    def columns(a_prev: Array, delta: Array) -> tuple[Array, Array]:
        shapes = array((NEURONS, INPUTS), float), array((NEURONS, 1), float)
        return jax.linear_transpose(lambda w, b: w @ a_prev + b, *shapes)(delta)

    def rows(x: Array, delta: Array) -> tuple[Array, Array]:
        shapes = array((INPUTS, NEURONS), float), array((NEURONS,), float)
        return jax.linear_transpose(lambda w, b: x @ w + b, *shapes)(delta)

    by_column = jnp.zeros((INPUTS, SAMPLES)), jnp.zeros((NEURONS, SAMPLES))
    by_row = jnp.zeros((SAMPLES, INPUTS)), jnp.zeros((SAMPLES, NEURONS))
    return {
        "columns": str(jax.make_jaxpr(columns)(*by_column)),
        "rows": str(jax.make_jaxpr(rows)(*by_row)),
    }


FACTS: dict[str, Callable[[], dict[str, str]]] = {"batch": batch}
