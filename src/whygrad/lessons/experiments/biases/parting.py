"""How random biases part neurons whose weights are equal: step by step, before any training."""

import jax
import numpy as np
from jaxtyping import Float

from whygrad.core.backprop import Anatomy, backward, forward
from whygrad.core.nn import Network
from whygrad.data.table import Data

LOSSES = {"binary": "binary_cross_entropy", "classes": "softmax_cross_entropy"}
RATE = 0.1  # of the plain steps between the two looks


def parting(network: Network, data: Data, steps: int) -> dict[str, float]:
    """Return how far neurons of the first hidden layer are from their mean, link by link.

    In float64, over the whole training part. Before any step: their ``weights``, their ``slope``
    f'(z), their ``output`` f(z), and the gradients of their weights in, ``first_weights_in``, and
    out, ``weights_out``; after some plain gradient steps that of their weights in, ``weights_in``.
    ``open``: the share of z > 0.

    Args:
        steps: as many as there are hidden layers: what parts the weights of the output needs a
            step a layer on its way down.
    """
    with jax.enable_x64(True):
        start = _in_float64(network)
        first, then = _look(start, data), _look(_stepped(start, data, steps), data)
        here, above = list(first.layers.values())[:2]
        return {
            "slope": _spread(np.asarray(here.slope)),
            "output": _spread(np.asarray(here.output)),
            "weights_out": _spread(np.asarray(above.gradient()["weight"]).T),
            "weights": _spread(np.asarray(start["hidden1"].weight)),
            "first_weights_in": _spread(np.asarray(first["hidden1"].gradient()["weight"])),
            "weights_in": _spread(np.asarray(then["hidden1"].gradient()["weight"])),
            "open": float(np.mean(np.asarray(here.preactivation) > 0)),
        }


def _look(network: Network, data: Data) -> Anatomy:
    trace = forward(network, data.train.x)
    return backward(network, trace, data.train.y, loss=LOSSES[data.task])


def _stepped(network: Network, data: Data, steps: int) -> Network:
    for _ in range(steps):
        gradients = _look(network, data).gradients()
        network = network.with_parameters(
            jax.tree.map(lambda value, slope: value - RATE * slope, network.parameters, gradients)
        )
    return network


def _in_float64(network: Network) -> Network:
    return Network.from_arrays(
        [np.asarray(dense.weight, np.float64) for dense in network.dense],
        [np.asarray(dense.bias, np.float64) for dense in network.dense],
        activations=[dense.activation for dense in network.dense],
    )


def _spread(columns: Float[np.ndarray, "rows neurons"]) -> float:
    """Return how far columns are from their mean, over their length: 0 if all are alike."""
    mean = columns.mean(axis=1, keepdims=True)
    length = np.linalg.norm(columns, axis=0).mean()
    away = np.linalg.norm(columns - mean, axis=0).mean()
    return float(away / length) if length else 0.0
