"""What JAX and PyTorch really run for the gradients of one layer, as they write it down themselves.

The layer is written with columns as samples: Z = W @ A_prev + b, with b of shape (n, 1). The cost
is the mean over the samples of half the squared errors. Neither graph is typed in: each framework
traces the gradient, and its own text is kept.
"""

import importlib.util
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp


@cache
def jax_graph(n_out: int, n_in: int, m: int) -> str:
    """Return the gradient of b and W as JAX traces it."""

    def cost(b: jax.Array, W: jax.Array, A_prev: jax.Array, Y: jax.Array) -> jax.Array:
        return jnp.sum((jnp.tanh(W @ A_prev + b) - Y) ** 2) / (2 * m)

    shapes = ((n_out, 1), (n_out, n_in), (n_in, m), (n_out, m))
    zeros = (jnp.zeros(shape, jnp.float32) for shape in shapes)
    return str(jax.make_jaxpr(jax.grad(cost, argnums=(0, 1)))(*zeros))


@cache
def torch_graph(n_out: int, n_in: int, m: int) -> str | None:
    """Return the gradient of b and W as PyTorch traces it; None where PyTorch is not installed."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    def cost(b: Any, W: Any, A_prev: Any, Y: Any) -> Any:
        return ((torch.tanh(W @ A_prev + b) - Y) ** 2).sum() / (2 * m)

    shapes = ((n_out, 1), (n_out, n_in), (n_in, m), (n_out, m))
    zeros = (torch.zeros(shape) for shape in shapes)
    return make_fx(torch.func.grad(cost, argnums=(0, 1)))(*zeros).code.strip()
