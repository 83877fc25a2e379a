"""One neuron and one sample: what the lesson on the chain measures on."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array

from whygrad.core.backprop import backward, forward, propagate
from whygrad.core.nn import Network
from whygrad.core.nn.losses import sample_losses
from whygrad.lessons.instruments import second_way
from whygrad.lessons.options import option, setup
from whygrad.settings import Range

VALUE = Range(float, -100, 100)


@setup
class Chain:
    """Options: the neuron, its sample, and what is asked of it."""

    weight: float = option(0.5, VALUE)
    bias: float = option(-1.0, VALUE)
    input: float = option(3.0, VALUE)
    target: float = option(1.0, VALUE)
    activation: str = option("sigmoid", tuple(second_way.ACTIVATIONS))
    loss: str = option("squared", tuple(second_way.LOSSES))


def chain_of(
    setup: Chain, weight: float, bias: float, input: float, target: float
) -> dict[str, float]:
    """Return every number of the chain, forward and back, as whygrad's engine has it.

    ``weight_gradient`` and ``bias_gradient`` are what training would use.
    """
    network = _neuron(setup, weight, bias)
    x, y = np.array([[input]]), np.array([[target]])
    anatomy = backward(network, forward(network, x), y, loss=setup.loss)
    neuron, gradient = anatomy["output"], anatomy.gradients()["output"]
    numbers: Mapping[str, Array] = {
        "input": neuron.input,
        "constant": neuron.constant,
        "preactivation": neuron.preactivation,
        "output": neuron.output,
        "loss": anatomy.loss,
        "upstream": neuron.upstream,
        "slope": neuron.slope,
        "delta": neuron.delta,
        "weight_gradient": gradient["weight"],
        "bias_gradient": gradient["bias"],
    }
    given = {"weight": weight, "bias": bias, "target": target}
    return given | {name: np.asarray(value).item() for name, value in numbers.items()}


def losses_of(setup: Chain) -> Callable[[ArrayLike, ArrayLike], np.ndarray]:
    """Return the way forward alone: weights and biases -> losses, one for each pair of them."""
    target = jnp.array([[setup.target]])
    return _forward(
        setup,
        lambda last: sample_losses(
            setup.loss, setup.activation, last.preactivation, last.output, target
        )[0],
    )


def preactivations_of(setup: Chain) -> Callable[[ArrayLike, ArrayLike], np.ndarray]:
    """Return the first step forward alone: weights and biases -> z, one for each pair of them."""
    return _forward(setup, lambda last: last.preactivation[0, 0])


def _forward(
    setup: Chain, found: Callable[[Any], Array]
) -> Callable[[ArrayLike, ArrayLike], np.ndarray]:
    """Return what is found in the trace of the neuron, for pairs of weights and biases."""
    network, x = _neuron(setup, setup.weight, setup.bias), jnp.array([[setup.input]])

    @jax.jit
    @jax.vmap
    def one(weight: Array, bias: Array) -> Array:
        moved = {"weight": weight[None, None], "bias": bias[None]}
        return found(propagate(network.with_parameters({"output": moved}), x, None)["output"])

    def every(weights: ArrayLike, biases: ArrayLike) -> np.ndarray:
        pairs = np.broadcast_arrays(weights, biases)
        values = one(*(np.atleast_1d(part) for part in pairs))
        return np.asarray(values).reshape(pairs[0].shape)

    return every


def autodiff_of(setup: Chain) -> dict[str, float]:
    """Return the derivatives as JAX's autodiff has them, from formulas that are not whygrad's."""
    value, loss = second_way.ACTIVATIONS[setup.activation], second_way.LOSSES[setup.loss]

    def cost(weight: Array, bias: Array) -> Array:
        return loss(value(weight * setup.input + bias), setup.target)

    z = jnp.asarray(setup.weight * setup.input + setup.bias)
    weight, bias = jax.grad(cost, (0, 1))(setup.weight, setup.bias)
    slope, upstream = jax.grad(value)(z), jax.grad(loss)(value(z), setup.target)
    sums = jax.grad(lambda weight, bias: weight * setup.input + bias, (0, 1))
    of_weight, of_bias = sums(setup.weight, setup.bias)
    found = {
        "weight_gradient": weight,
        "bias_gradient": bias,
        "slope": slope,
        "upstream": upstream,
        "input": of_weight,
        "constant": of_bias,
    }
    return {name: float(one) for name, one in found.items()}


def _neuron(setup: Chain, weight: float, bias: float) -> Network:
    arrays = [np.array([[weight]])], [np.array([bias])]
    return Network.from_arrays(*arrays, activations=[setup.activation])
