"""What a bias does to the loss, found out by moving it: the second way, beside the chain rule."""

import jax
import numpy as np
from jaxtyping import Array, Float

from whygrad.core.backprop import propagate
from whygrad.core.nn import Network
from whygrad.core.nn.losses import sample_losses

NUDGE = 1e-5  # up and down


def nudged_losses(
    network: Network, x: Float[np.ndarray, "m n_in"], y: Float[np.ndarray, "m n_last"], loss: str
) -> Float[np.ndarray, "m n_out"]:
    """Return how the loss of every sample moves with every bias of the first layer.

    By central differences, (C(b + h) - C(b - h)) / 2h, which err by about h squared. Only the way
    forward is walked. To be called where JAX computes in float64.
    """

    @jax.jit
    def columns(x: Array, y: Array, nudges: Array) -> Array:
        def change(nudge: Array) -> Array:
            up, down = (_losses(_moved(network, by), x, y, loss) for by in (nudge, -nudge))
            return (up - down) / (2 * NUDGE)

        # a loop, not vmap: all nudges at once would need a copy of the batch each
        return jax.lax.map(change, nudges)

    nudges = NUDGE * np.eye(network["hidden1"].n_out)
    return np.asarray(columns(x, y, nudges)).T


def _moved(network: Network, nudge: Float[Array, " n_out"]) -> Network:
    parameters = network.parameters
    first = parameters["hidden1"] | {"bias": parameters["hidden1"]["bias"] + nudge}
    return network.with_parameters(parameters | {"hidden1": first})


def _losses(network: Network, x: Array, y: Array, loss: str) -> Float[Array, " m"]:
    last = propagate(network, x, None)["output"]
    return sample_losses(loss, network.output_activation, last.preactivation, last.output, y)
