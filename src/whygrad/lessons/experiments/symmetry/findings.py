"""What the lesson on symmetry finds in its runs."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from whygrad.core.backprop import backward, forward
from whygrad.core.nn import Network
from whygrad.core.symmetry import effective_width, proof
from whygrad.lessons.experiments.symmetry.runs import (
    OPTIMIZERS,
    Courses,
    chosen,
    constants,
    odd,
    run_all,
    task_of,
)
from whygrad.lessons.experiments.symmetry.setup import TOLERANCE, Symmetry
from whygrad.lessons.instruments.elementwise import VALUES
from whygrad.lessons.instruments.seats import PARTS, SEATS, Course, Task, examine, seat
from whygrad.lessons.instruments.stand_in import comparable, difference
from whygrad.lessons.instruments.statistics import band
from whygrad.lessons.lesson import Measured, Tick

LOST = 1e100  # beyond, the square of a number may not be one
STILL = 1e-12  # what moved less has not moved


def measure(setup: Symmetry, tick: Tick) -> Measured:
    """Train clones and single neurons side by side; then part the clones in two ways."""
    runs, found = run_all(setup, tick)
    mine = runs[setup.activation]
    starts = {repr(c): _described(c, mine[f"w = {c}"]) for c in constants(setup)}
    clones = mine[f"w = {chosen(setup)}"]
    with jax.enable_x64(True):
        task = task_of(setup, "float64")
        trained = _looked_at(clones.network, task)
    return {
        "samples": len(task.x),
        "guessing": _guessing(np.asarray(task.y), task.loss),
        "starts": starts,
        "random": _random([mine[f"random {i}"] for i in range(setup.seeds)]),
        "outgoing": _outgoing(setup, task),
        "lowest": float(np.nanmin([start["losses"] for start in starts.values()])),
        "apart": _most_apart(runs),
        "links": trained["links"],
        "replacement": {
            name: {how: _replaced(courses, how) for how in OPTIMIZERS}
            for name, courses in runs.items()
        },
        "zeros": {name: _zeros(name, courses["w = 0.0"]) for name, courses in runs.items()},
        "moved": _ends(clones.moved),
        "highest": float(np.max(np.sum(np.asarray(task.x), axis=1) * setup.constant)),
        "open": trained["open"],
        "dropout": _described(setup.constant, found["dropout"]["clones"]),
        "rounding": {
            "neurons": odd(setup),
            "first": _first(found["alone"]["clones"].apart, 0),
            **{
                name: _described(setup.constant, found[name]["clones"])
                for name in ("seated", "alone")
            },
        },
    }


def _outgoing(setup: Symmetry, task: Task) -> dict[str, float]:
    """Return how far one plain step parts neurons that differ in their outgoing weights alone."""
    n_in, n_out = task.x.shape[1], task.y.shape[1]
    rng = np.random.default_rng(setup.seed)
    with jax.enable_x64(True):
        network = Network.from_arrays(
            [
                np.full((n_in, setup.width), setup.constant),
                rng.normal(0, 1 / np.sqrt(setup.width), (setup.width, n_out)),
            ],
            [np.zeros(setup.width), np.zeros(n_out)],
            activations=[setup.activation, "sigmoid" if n_out == 1 else "softmax"],
        )
        pulls = np.asarray(_gradient(network, task)["hidden1"]["weight"])
    steps = setup.learning_rate * pulls
    return {"apart": float(np.ptp(steps, axis=1).max()), "pull": float(np.abs(pulls).max())}


def _gradient(network: Network, task: Task) -> Any:
    trace = forward(network, task.x)
    rows = np.asarray(task.y) if task.y.shape[1] == 1 else np.argmax(task.y, axis=1)
    return backward(network, trace, rows, loss=task.loss).gradients()


def _described(constant: float, course: Course) -> dict[str, Any]:
    return {
        "constant": constant,
        "losses": course.losses,
        "final": float(course.losses[-1]),
        "apart": float(course.apart.max()),
        "curve": course.apart,
        "width": _width(course.network),
    }


def _width(network: Network) -> int | float:
    """Return how many different hidden neurons there are; NaN where numbers were lost."""
    return float("nan") if _is_lost(network) else effective_width(network)["hidden1"]


def _is_lost(network: Network) -> bool:
    """Return whether a number is none any more, or too large to work with."""
    largest = max(float(np.max(np.abs(leaf))) for leaf in jax.tree.leaves(network))
    return not largest < LOST


def _random(courses: Sequence[Course]) -> dict[str, Any]:
    curves = band(np.stack([course.losses for course in courses]))
    apart = band(np.stack([course.apart for course in courses]))
    return {
        "losses": vars(curves),
        "final": float(curves.middle[-1]),
        "apart": float(apart.middle[-1]) if np.isfinite(curves.middle[-1]) else float("nan"),
        "width": float(np.min([_width(course.network) for course in courses])),
    }


def _most_apart(runs: dict[str, Courses]) -> float:
    """Return how far clones were apart at most, in any step of any run."""
    found = [
        float(course.apart.max())
        for courses in runs.values()
        for name, course in courses.items()
        if "clones" in name or "w = " in name
    ]
    return float(np.max(found))


def _replaced(courses: Courses, how: str) -> dict[str, Any]:
    clones, one, echo, plain, same = (
        courses[f"{how} {who}"].losses for who in ("clones", "one", "echo", "plain", "same epsilon")
    )
    steps = comparable(clones, one, echo, TOLERANCE)
    return {
        "clones": clones,
        "one": one,
        "steps": steps,
        "difference": difference(clones[:steps], one[:steps]) if steps else float("nan"),
        "unmatched": difference(clones[:steps], plain[:steps]),
        "same_epsilon": difference(clones[:steps], same[:steps]),
    }


def _zeros(activation: str, course: Course) -> dict[str, Any]:
    """Return when each part of a network first moves that starts from nothing but zeros."""
    first = {part: _first(way, STILL) for part, way in course.moved.items()}
    value = float(VALUES[activation](np.float64(0)))
    final = float(course.losses[-1])
    return {"value": value, "first": first, "moved": _ends(course.moved), "final": final}


def _first(sizes: np.ndarray, bound: float) -> int:
    """Return the first step, counted from 1, after which a size is above a bound; 0 for never."""
    above = np.flatnonzero(sizes > bound)
    return int(above[0]) + 1 if len(above) else 0


def _ends(moved: dict[str, np.ndarray]) -> dict[str, float]:
    return {part: float(moved[part][-1]) for part in PARTS}


def _looked_at(network: Network, task: Task) -> dict[str, Any]:
    """Return the chain of equalities in trained clones, and for how many samples they are open."""
    if _is_lost(network):
        return {"links": [], "open": float("nan")}
    seated = seat(network, -(-network.sizes[1] // SEATS) * SEATS)
    anatomy = examine(seated, task)
    mine = [one for one in proof(seated, anatomy) if {0, 1} <= set(one.group.neurons)]
    links = mine[0].links if mine and mine[0].group.kind == "equal" else ()
    return {
        "links": [{"name": link.name, "difference": link.difference} for link in links],
        "open": float(np.mean(np.asarray(anatomy["hidden1"].slope)[:, 0] != 0)),
    }


def _guessing(targets: np.ndarray, loss: str) -> float:
    """Return the smallest loss of who sees no input: the entropy of the classes, in nats."""
    shares = targets.mean(axis=0)
    if loss == "binary_cross_entropy":
        shares = np.array([shares[0], 1 - shares[0]])
    return float(-np.sum(shares[shares > 0] * np.log(shares[shares > 0])))
