"""Small networks of different widths, trained side by side in one compiled loop.

Every hidden layer has the same number of seats, and a neuron sits on each of the first ones. The
others are empty: their weights are 0 and are set back to 0 after every step, so they add nothing to
any sum. That gives all networks one shape; and it lets the processor treat all neurons alike. It
computes several of them at once and the rest one by one, with instructions that may round
differently: a difference between neurons that is in no formula.

Gradients are whygrad's own; the optimisers are optax's, with a rate and an epsilon for every part.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float

from whygrad.core.backprop import Anatomy, propagate, propagate_back
from whygrad.core.nn import Network, Parameters

SEATS = 16  # a layer has a multiple of so many; no processor computes more numbers at once
EPSILON = 1e-8  # Adam's, where nothing else is asked for
PARTS = {  # of a network with one hidden layer, by the names of the lessons
    "hidden_weight": ("hidden1", "weight"),
    "hidden_bias": ("hidden1", "bias"),
    "output_weight": ("output", "weight"),
    "output_bias": ("output", "bias"),
}


@dataclass(frozen=True)
class Rates:
    """How far a step goes, part by part.

    Attributes:
        into: learning rate of the weights into the neurons, and of their biases.
        out: of the weights out of them.
        output_bias: of the biases of the output.
        epsilon_into: Adam's epsilon for the weights into the neurons and their biases.
        epsilon: Adam's epsilon for the output layer.
    """

    into: float
    out: float
    output_bias: float
    epsilon_into: float = EPSILON
    epsilon: float = EPSILON

    def parts(self) -> dict[str, dict[str, float | Float[Array, ""]]]:
        """Return the learning rates, each where its parameter stands."""
        return {
            "hidden1": {"weight": self.into, "bias": self.into},
            "output": {"weight": self.out, "bias": self.output_bias},
        }


@dataclass(frozen=True)
class Member:
    """One network of those that are trained side by side.

    Attributes:
        network: with one hidden layer, of its own width.
        rates: how far its steps go.
        uses_adam: Adam if true, plain gradient descent if not.
    """

    network: Network
    rates: Rates
    uses_adam: bool


@dataclass(frozen=True)
class Task:
    """What is learnt, all samples in every step.

    Attributes:
        x: inputs.
        y: targets, one column an output.
        loss: name of the loss.
    """

    x: Float[Array, "m n_in"]
    y: Float[Array, "m n_out"]
    loss: str


@dataclass(frozen=True)
class Course:
    """What became of one network.

    Attributes:
        losses: before every step, (steps,).
        apart: after every step, the largest difference between two neurons in any weight or bias,
            (steps,).
        moved: by part, how far its most moved number is from its start after every step, (steps,).
        network: as trained, without empty seats.
    """

    losses: Float[np.ndarray, " steps"]
    apart: Float[np.ndarray, " steps"]
    moved: dict[str, Float[np.ndarray, " steps"]]
    network: Network


for record, fields in (
    (Rates, ["into", "out", "output_bias", "epsilon_into", "epsilon"]),
    (Member, ["network", "rates", "uses_adam"]),
):
    jax.tree_util.register_dataclass(record, data_fields=fields, meta_fields=[])
jax.tree_util.register_dataclass(Task, data_fields=["x", "y"], meta_fields=["loss"])


def train_seated(
    members: Mapping[str, Member],
    task: Task,
    steps: int,
    *,
    seats: int | None = None,
    seed: int = 0,
) -> dict[str, Course]:
    """Train networks side by side and return what became of each.

    Args:
        members: networks of one activation; of any width.
        seats: of every hidden layer; default: enough, and a multiple of :data:`SEATS`.
        seed: of the dropout, where the networks have any.
    """
    widths = [member.network.sizes[1] for member in members.values()]
    count = seats or -(-max(widths) // SEATS) * SEATS
    dtype = task.x.dtype
    seated = [
        Member(seat(m.network, count), jax.tree.map(dtype.type, m.rates), m.uses_adam)
        for m in members.values()
    ]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *seated)
    taken = np.arange(count) < np.array(widths)[:, None]
    trained = jax.tree.map(np.asarray, _train(stacked, taken, task, steps, np.uint32(seed)))
    networks, losses, apart, moved = trained
    return {
        name: Course(
            losses[i],
            apart[i],
            {part: values[i] for part, values in moved.items()},
            unseat(jax.tree.map(lambda leaf, i=i: leaf[i], networks), widths[i]),
        )
        for i, name in enumerate(members)
    }


def seat(network: Network, seats: int) -> Network:
    """Return the same network with empty seats in its hidden layer, up to ``seats``."""
    hidden, output = network.dense
    empty = seats - hidden.n_out
    assert hidden.bias is not None
    return Network.from_arrays(
        [
            np.pad(np.asarray(hidden.weight), ((0, 0), (0, empty))),
            np.pad(np.asarray(output.weight), ((0, empty), (0, 0))),
        ],
        [np.pad(np.asarray(hidden.bias), (0, empty)), output.bias],
        activations=[hidden.activation, output.activation],
        dropout=hidden.dropout,
    )


def unseat(network: Network, width: int) -> Network:
    """Return a network without its empty seats; its numbers need not be finite."""
    hidden, output = network.dense
    assert hidden.bias is not None
    kept = replace(hidden, weight=hidden.weight[:, :width], bias=hidden.bias[:width])
    return Network((kept, replace(output, weight=output.weight[:width])))


@partial(jax.jit, static_argnums=3)
def _train(
    members: Member, taken: Bool[Array, "many seats"], task: Task, steps: int, seed: Array
) -> tuple:
    key = jax.random.key(seed)
    return jax.vmap(partial(_train_one, task=task, steps=steps, key=key))(members, taken)


def _train_one(
    member: Member, taken: Bool[Array, " seats"], *, task: Task, steps: int, key: Array
) -> tuple:
    start = member.network.parameters
    adam = {  # one a layer, because their epsilons may differ
        "hidden1": optax.scale_by_adam(eps=member.rates.epsilon_into),
        "output": optax.scale_by_adam(eps=member.rates.epsilon),
    }

    def step(carry: tuple, number: Array) -> tuple[tuple, tuple]:
        network, state = carry
        anatomy = examine(network, task, jax.random.fold_in(key, number))
        gradients, scaled, next_state = anatomy.gradients(), {}, {}
        for layer, rule in adam.items():
            scaled[layer], next_state[layer] = rule.update(gradients[layer], state[layer])
        direction = jax.tree.map(partial(jnp.where, member.uses_adam), scaled, gradients)
        after = jax.tree.map(
            lambda before, rate, way: before - rate * way,
            network.parameters,
            member.rates.parts(),
            direction,
        )
        after = _keep_empty(after, taken)
        seen = (anatomy.loss, _apart(after, taken), _moved(start, after))
        return (network.with_parameters(after), next_state), seen

    states = {layer: rule.init(start[layer]) for layer, rule in adam.items()}
    (network, _), seen = jax.lax.scan(step, (member.network, states), jnp.arange(steps))
    return network, *seen


@jax.jit
def examine(network: Network, task: Task, key: Array | None = None) -> Anatomy:
    """Return every layer's part in the gradient of all samples.

    Args:
        key: draws the dropout; without a key nothing is dropped.
    """
    samples = task.x.shape[0]
    share = jnp.full(samples, 1 / samples, task.x.dtype)
    trace = propagate(network, task.x, key)
    return propagate_back(network, trace, task.y, task.loss, share)


def _keep_empty(parameters: Parameters, taken: Bool[Array, " seats"]) -> Parameters:
    hidden, output = parameters["hidden1"], parameters["output"]
    return {
        "hidden1": {name: jnp.where(taken, values, 0) for name, values in hidden.items()},
        "output": output | {"weight": jnp.where(taken[:, None], output["weight"], 0)},
    }


def _apart(parameters: Parameters, taken: Bool[Array, " seats"]) -> Float[Array, ""]:
    """Return the largest difference between two neurons, in any weight in, bias or weight out."""
    hidden = parameters["hidden1"]
    rows = (hidden["weight"], hidden["bias"][None, :], parameters["output"]["weight"].T)
    table = jnp.concatenate(rows)
    highest = jnp.max(jnp.where(taken, table, -jnp.inf), axis=1)
    return jnp.max(highest - jnp.min(jnp.where(taken, table, jnp.inf), axis=1))


def _moved(start: Parameters, after: Parameters) -> dict[str, Float[Array, ""]]:
    return {
        part: jnp.max(jnp.abs(after[layer][name] - start[layer][name]))
        for part, (layer, name) in PARTS.items()
    }
