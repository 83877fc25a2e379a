"""How networks with biases and networks with constant neurons are trained, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from whygrad.core.backprop import propagate, propagate_back
from whygrad.core.nn import Network
from whygrad.core.nn.network import Parameters
from whygrad.core.optimizer import Stage, apply_update, build_stages, run_stages, start
from whygrad.lessons.experiments.constant.network import has_constants, without_constants
from whygrad.lessons.lesson import Tick
from whygrad.settings import Settings

LOSS = "squared"
Samples = tuple[np.ndarray, np.ndarray]  # (m, n_in) and (m, n_out)
MARKS = 40  # at which parameters are compared


@dataclass(frozen=True)
class Plan:
    """What a compiled stretch of steps is made for.

    Attributes:
        settings: optimiser and learning rate.
        decay_kind: ``l2`` adds the decay to the gradient, ``weight_decay`` to the movement.
        steps: length of the whole training.
    """

    settings: Settings
    decay_kind: str
    steps: int


@dataclass(frozen=True)
class Training:
    """One training, or several side by side along a first axis.

    Attributes:
        network: the parameters.
        optimizer: state of every stage.
        learns: 1 for a parameter that learns, 0 for one that is held.
        decays: how much of it every parameter loses, as the optimiser counts it.
        x, y: all samples, in their order.
    """

    network: Network
    optimizer: dict
    learns: Parameters
    decays: Parameters
    x: Float[Array, "*many samples n_in"]
    y: Float[Array, "*many samples n_out"]


@dataclass(frozen=True)
class Trained:
    """What a training left behind.

    Attributes:
        network: at its end.
        losses: before every step.
        path: all weights and biases now and then, (marks, parameters).
        lengths: of all biases together at these marks.
    """

    network: Network
    losses: Float[np.ndarray, " steps"]
    path: Float[np.ndarray, "marks parameters"]
    lengths: Float[np.ndarray, " marks"]


jax.tree_util.register_dataclass(
    Training, ["network", "optimizer", "learns", "decays", "x", "y"], meta_fields=[]
)


def begin(
    plan: Plan,
    network: Network,
    samples: Samples,
    *,
    decay: float = 0.0,
    is_spared: bool = True,
    is_held: bool = True,
) -> Training:
    """Return a training before its first step.

    Args:
        samples: inputs and targets. Where the network has no biases, a 1 is put beside the inputs.
        decay: of every weight.
        is_spared: whether biases, or the weights from constant neurons, do not decay.
        is_held: whether the weights into constant neurons are held.
    """
    decays = _decays(network, decay, is_spared)
    state = start(_stages(plan, decays), network.parameters)
    x, y = samples
    if has_constants(network):
        x = np.hstack([x, np.ones((len(x), 1))])
    return Training(
        network, state, _learns(network, is_held), decays, jnp.asarray(x), jnp.asarray(y)
    )


def _learns(network: Network, is_held: bool) -> Parameters:
    """Return 1 for every parameter, and 0 for weights into constant neurons if they are held."""
    learns = jax.tree.map(jnp.ones_like, network.parameters)
    for name in network.layers[:-1] if has_constants(network) and is_held else ():
        learns[name]["weight"] = learns[name]["weight"].at[:, -1].set(0)
    return learns


def _decays(network: Network, decay: float, is_spared: bool) -> Parameters:
    """Return how much every parameter decays; weights into constant neurons never do."""
    decays = jax.tree.map(lambda p: jnp.full_like(p, decay), network.parameters)
    of_biases = 0.0 if is_spared else decay
    for name, part in decays.items():
        if not has_constants(network):
            part["bias"] = jnp.full_like(part["bias"], of_biases)
            continue
        part["weight"] = part["weight"].at[-1].set(of_biases)
        if name != "output":
            part["weight"] = part["weight"].at[:, -1].set(0)
    return decays


def train(plan: Plan, trainings: Mapping[str, Training], tick: Tick) -> dict[str, Trained]:
    """Train several networks of one shape side by side, by name.

    Args:
        tick: called with the share of the steps that are taken.
    """
    together = _side_by_side(list(trainings.values()))
    stops = np.unique(np.linspace(0, plan.steps, MARKS + 1).round().astype(int)).tolist()
    capacity = max(after - before for before, after in pairwise(stops))
    losses, marks = [], [_weights_and_biases(together.network)]
    for before, after in pairwise(stops):
        together, stretch = advance(plan, together, after - before, capacity)
        losses.append(np.asarray(stretch)[:, : after - before])
        marks.append(_weights_and_biases(together.network))
        tick(after / plan.steps)
    curves = np.concatenate(losses, axis=1)
    weights, biases = (np.stack(way, axis=1) for way in zip(*marks, strict=True))
    return {
        name: Trained(
            network=jax.tree.map(lambda a, i=i: a[i], together.network),
            losses=curves[i],
            path=np.concatenate([weights[i], biases[i]], axis=1),
            lengths=np.linalg.norm(biases[i], axis=1),
        )
        for i, name in enumerate(trainings)
    }


def _weights_and_biases(networks: Network) -> tuple[np.ndarray, np.ndarray]:
    """Return all weights, and all biases or what stands for them; one row a network."""
    parted = without_constants(networks) if has_constants(networks) else networks.parameters
    weights, biases = (
        [np.asarray(part[kind]).reshape(len(part[kind]), -1) for part in parted.values()]
        for kind in ("weight", "bias")
    )
    return np.concatenate(weights, axis=1), np.concatenate(biases, axis=1)


def _side_by_side(trainings: Sequence[Training]) -> Training:
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(one) for one in leaves]), *trainings)


@partial(jax.jit, static_argnums=(0, 3))
def advance(
    plan: Plan, trainings: Training, count: int | Array, capacity: int
) -> tuple[Training, Float[Array, "many capacity"]]:
    """Take ``count`` steps over all samples in every training.

    Returns:
        The trainings, and the loss of every step; what lies beyond ``count`` is 0.
    """

    def run(training: Training) -> tuple[Training, Float[Array, " capacity"]]:
        def step(position: Array, carry: tuple) -> tuple:
            moved, loss = _step(plan, carry[0])
            return moved, carry[1].at[position].set(loss)

        return jax.lax.fori_loop(0, count, step, (training, jnp.zeros(capacity, training.x.dtype)))

    return jax.vmap(run)(trainings)


def _step(plan: Plan, training: Training) -> tuple[Training, Float[Array, ""]]:
    network, before = training.network, training.network.parameters
    share = jnp.full(len(training.x), 1 / len(training.x), training.x.dtype)
    trace = propagate(network, training.x, None)
    anatomy = propagate_back(network, trace, training.y, LOSS, share)
    gradients = _held(training, anatomy.gradients())
    stages = _stages(plan, training.decays)
    outputs, state = run_stages(stages, training.optimizer, gradients, before)
    after = apply_update(before, _held(training, outputs[stages[-1].name]))
    moved = replace(training, network=network.with_parameters(after), optimizer=state)
    return moved, anatomy.loss


def _held(training: Training, parameters: Parameters) -> Parameters:
    return jax.tree.map(lambda p, learns: p * learns, parameters, training.learns)


def _stages(plan: Plan, decays: Parameters) -> list[Stage]:
    """Return the optimiser's stages, with a decay that may differ from parameter to parameter."""
    stages = list(build_stages(plan.settings, plan.settings.learning_rate, plan.steps))
    decay = optax.stateless(lambda u, p: jax.tree.map(lambda u, p, d: u + d * p, u, p, decays))
    stages.insert(0 if plan.decay_kind == "l2" else -1, Stage("decay", decay))
    return stages
