"""The ordinary loop of JAX: a Flax module, optax's Adam, one jitted step, a loop in Python.

The step gathers its batch itself from arrays on the device, the faster of the usual ways.
"""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.cases import (
    BETA1,
    BETA2,
    EPSILON,
    LEARNING_RATE,
    Case,
    Parameters,
    draw_parameters,
    shuffled_rows,
)
from benchmarks.peers import Trainer

CHOICES = ("",)
OPTIMIZER = optax.adam(LEARNING_RATE, BETA1, BETA2, EPSILON)


class Perceptron(nn.Module):
    """Dense layers with ReLU between them."""

    sizes: tuple[int, ...]

    @nn.compact
    def __call__(self, x):
        for size in self.sizes[1:-1]:
            x = nn.relu(nn.Dense(size)(x))
        return nn.Dense(self.sizes[-1])(x)


@partial(jax.jit, static_argnums=0, donate_argnums=(1, 2))
def step(model: Perceptron, parameters, state, x, y, rows):
    """Take one step and return parameters, optimiser state and loss."""

    def loss_of(parameters):
        logits = jnp.asarray(model.apply({"params": parameters}, x[rows]))
        return optax.softmax_cross_entropy_with_integer_labels(logits, y[rows]).mean()

    loss, gradients = jax.value_and_grad(loss_of)(parameters)
    updates, state = OPTIMIZER.update(gradients, state)
    return optax.apply_updates(parameters, updates), state, loss


def prepare(case: Case, x: np.ndarray, y: np.ndarray, choice: str = "") -> Trainer:
    """Return a trainer whose first step compiles."""
    model, rng = Perceptron(case.sizes), np.random.default_rng(2)
    inputs, classes = jnp.asarray(x), jnp.asarray(y)
    parameters = {
        f"Dense_{number}": {"kernel": jnp.asarray(weight), "bias": jnp.asarray(bias)}
        for number, (weight, bias) in enumerate(draw_parameters(case))
    }
    carry = {"now": (parameters, OPTIMIZER.init(parameters))}

    def train(steps: int) -> None:
        now = carry["now"]
        for rows in shuffled_rows(case, steps, rng):
            *now, _ = step(model, *now, inputs, classes, rows)
        carry["now"] = jax.block_until_ready(now)

    return Trainer(train, lambda: _parameters(carry["now"][0]))


def _parameters(parameters) -> Parameters:
    layers = [parameters[f"Dense_{number}"] for number in range(len(parameters))]
    return [(np.asarray(layer["kernel"]), np.asarray(layer["bias"])) for layer in layers]
