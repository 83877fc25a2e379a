"""What other programs say, asked when the page is written: no room types it in."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

SAMPLES, INPUTS = 97, 89  # stand for their numbers; the page puts in its own
NEURONS = 3


def batch() -> dict[str, dict[str, str]]:
    """Return what JAX makes of the way back through a layer, in both orientations.

    With a single sample nothing is copied on the way out, so nothing is summed on the way back.
    """
    many, one = _way_back(SAMPLES), _way_back(1)
    return {layout: {"many": many[layout], "one": one[layout]} for layout in many}


def _way_back(samples: int) -> dict[str, str]:
    array = jax.ShapeDtypeStruct

    def columns(a_prev: Array, delta: Array) -> tuple[Array, Array]:
        shapes = array((NEURONS, INPUTS), float), array((NEURONS, 1), float)
        return jax.linear_transpose(lambda w, b: w @ a_prev + b, *shapes)(delta)

    def rows(x: Array, delta: Array) -> tuple[Array, Array]:
        shapes = array((INPUTS, NEURONS), float), array((NEURONS,), float)
        return jax.linear_transpose(lambda w, b: x @ w + b, *shapes)(delta)

    by_column = jnp.zeros((INPUTS, samples)), jnp.zeros((NEURONS, samples))
    by_row = jnp.zeros((samples, INPUTS)), jnp.zeros((samples, NEURONS))
    return {
        "columns": str(jax.make_jaxpr(columns)(*by_column)),
        "rows": str(jax.make_jaxpr(rows)(*by_row)),
    }


FACTS: dict[str, Callable[[], dict[str, Any]]] = {"batch": batch}
