"""What the lesson on symmetry runs: clones, their single stand-in, and all that parts them."""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from whygrad.core.nn import Network
from whygrad.data import load
from whygrad.lessons.experiments.symmetry.setup import Symmetry
from whygrad.lessons.instruments.at_once import at_once
from whygrad.lessons.instruments.seats import EPSILON, Course, Member, Task, train_seated
from whygrad.lessons.instruments.side_by_side import proper
from whygrad.lessons.instruments.stand_in import common, matched, nudged, stand_in
from whygrad.lessons.lesson import Tick

CONSTANTS = (0.0, 0.5, 1.0)
ACTIVATIONS = ("sigmoid", "tanh", "relu")
OPTIMIZERS = ("sgd", "adam")
SAMPLES = 151  # odd: no class is just a half, where even zeros would have nothing to learn

Courses = dict[str, Course]


def run_all(setup: Symmetry, tick: Tick) -> tuple[dict[str, Courses], dict[str, Courses]]:
    """Train everything that the lesson looks at.

    Returns:
        The races by activation, the chosen one first; and the other runs by name.
    """
    names = list(dict.fromkeys([setup.activation, *ACTIVATIONS]))
    jobs = {name: partial(_raced, setup, name) for name in names}
    jobs["dropout"] = partial(_dropped, setup)
    jobs |= {name: partial(_rounded, setup, name == "seated") for name in ("seated", "alone")}
    found = at_once(jobs, tick)
    return {name: found.pop(name) for name in names}, found


def task_of(setup: Symmetry, dtype: str) -> Task:
    """Return what is learnt; the first samples of a shuffled set, so no class is just a half."""
    samples = None if setup.data == "digits" else 3 * SAMPLES
    train = load(setup.data, seed=setup.seed, samples=samples).train
    x, y = jnp.asarray(train.x[:SAMPLES], dtype), train.y[:SAMPLES]
    if setup.data == "digits":
        return Task(x, jax.nn.one_hot(y, 10, dtype=dtype), "softmax_cross_entropy")
    return Task(x, jnp.asarray(y[:, None], dtype), "binary_cross_entropy")


def constants(setup: Symmetry) -> list[float]:
    """Return the constants that layers start from, ascending: three, and the chosen one."""
    return sorted({*CONSTANTS, chosen(setup)})


def chosen(setup: Symmetry) -> float:
    """Return the chosen constant; minus zero is zero."""
    return setup.constant + 0.0


def _network(activation: str, width: int, task: Task, start: str, **more: Any) -> Network:
    sizes = [task.x.shape[1], width, task.y.shape[1]]
    dtype = str(task.x.dtype)
    return Network.create(sizes, activation=activation, init=start, dtype=dtype, **more)


def _clones(
    setup: Symmetry, activation: str, task: Task, constant: float | None = None, **more: Any
) -> Network:
    """Return a layer of clones, from the chosen constant unless another is given."""
    start = setup.constant if constant is None else constant
    return _network(activation, setup.width, task, f"constant:{start}", **more)


def _raced(setup: Symmetry, activation: str) -> Courses:
    """Train all networks of an activation side by side."""
    with jax.enable_x64(True):
        task = task_of(setup, "float64")
        members = _replacing(setup, activation, task) | _starting(setup, activation, task)
        return train_seated(members, task, setup.steps)


def _replacing(setup: Symmetry, activation: str, task: Task) -> dict[str, Member]:
    """Return clones, and one neuron in their place: with matched rates, nudged, and with theirs."""
    clones, rate, members = _clones(setup, activation, task), setup.learning_rate, {}
    for how in OPTIMIZERS:
        one, rates, is_adam = stand_in(clones), matched(how, rate, setup.width), how == "adam"
        members[f"{how} clones"] = Member(clones, common(rate), is_adam)
        members[f"{how} one"] = Member(one, rates, is_adam)
        members[f"{how} echo"] = Member(nudged(one), rates, is_adam)
        members[f"{how} plain"] = Member(one, common(rate), is_adam)
        same = replace(rates, epsilon_into=EPSILON)
        members[f"{how} same epsilon"] = Member(one, same, is_adam)
    return members


def _starting(setup: Symmetry, activation: str, task: Task) -> dict[str, Member]:
    """Return who starts from a constant, and who at random; of other activations only zeros."""
    mine = activation == setup.activation
    starts = {
        f"w = {c}": _clones(setup, activation, task, c)
        for c in (constants(setup) if mine else CONSTANTS[:1])
    }
    for i in range(setup.seeds if mine else 0):
        starts[f"random {i}"] = _network(
            activation, setup.width, task, proper(activation), seed=setup.seed + i
        )
    return {name: _member(setup, start) for name, start in starts.items()}


def _member(setup: Symmetry, network: Network) -> Member:
    return Member(network, common(setup.learning_rate), setup.optimizer == "adam")


def _dropped(setup: Symmetry) -> Courses:
    """Train the clones once more, with dropout."""
    with jax.enable_x64(True):
        task = task_of(setup, "float64")
        network = _clones(setup, setup.activation, task, dropout=setup.dropout)
        members = {"clones": _member(setup, network)}
        return train_seated(members, task, setup.steps, seed=setup.seed)


def _rounded(setup: Symmetry, is_seated: bool) -> Courses:
    """Train an odd number of clones in float32, with seats to spare or with none."""
    with jax.enable_x64(False):
        task, width = task_of(setup, "float32"), odd(setup)
        network = _network(setup.activation, width, task, f"constant:{setup.constant}")
        members = {"clones": _member(setup, network)}
        return train_seated(members, task, setup.steps, seats=None if is_seated else width)


def odd(setup: Symmetry) -> int:
    """Return the next odd number of neurons: no processor computes an odd number at once."""
    return setup.width + 1 + setup.width % 2
