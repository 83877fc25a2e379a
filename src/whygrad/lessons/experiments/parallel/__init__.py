"""Statement 14: the sum over samples is what a parallel machine accelerates."""

import math
import os
from collections.abc import Callable
from dataclasses import asdict
from itertools import count
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from whygrad.errors import WhygradError
from whygrad.lessons.experiments.parallel.story import tell
from whygrad.lessons.instruments.all_reduce import LOSS, Batch, bias_gradient, first_layer
from whygrad.lessons.instruments.gpu_sum import gpu_sum
from whygrad.lessons.instruments.nudge import nudged_losses
from whygrad.lessons.instruments.summation import ORDERS, ROUNDING, rounding_errors
from whygrad.lessons.instruments.timing import median_seconds
from whygrad.lessons.instruments.workers import answers, free_port
from whygrad.lessons.lesson import (
    AT_LEAST,
    AT_MOST,
    EQUALS,
    Exercise,
    Law,
    Lesson,
    Measured,
    Place,
    Tick,
    within,
)
from whygrad.lessons.options import option, setup
from whygrad.settings import Range

WIDTH = 4  # neurons; each brings a sum of its own
SMALLEST = 4  # exponent of the smallest batch
STEP = 2  # between two exponents
LOOPED = 14  # exponent of the largest batch that Python adds row by row
SHARED = 20  # exponent of the largest batch that is split
BLOCKS = 4  # of each size, at most: more sums, steadier errors
NUDGED = 1024  # samples whose delta is checked
TERM_TOLERANCE = 1e-5  # of a delta in float32, relative to the largest
PATIENCE = 0.98  # of what is left of a bar, after one look at work that does not say how far it is
WORKER = "whygrad.lessons.instruments.all_reduce"


@setup
class Parallel:
    """Options: how many samples at most, and over how many workers the sum is split."""

    largest: int = option(22, Range(int, 10, 23))
    devices: int = option(4, Range(int, 2, 17))
    processes: int = option(2, Range(int, 2, 5))
    activation: str = option("tanh", ("identity", "sigmoid", "tanh", "relu", "softplus", "silu"))
    offset: float = option(1.0, Range(float, -1000, 1000))
    seed: int = option(0, Range(int, 0, 2**31))


def measure(setup: Parallel, tick: Tick) -> Measured:
    """Add the same deltas in four orders, then split over devices and over processes."""
    batch = _batch(setup, 2**setup.largest)
    terms = _deltas(batch)
    tick(0.15)
    return {
        "terms": terms[:8, 0],
        "term_difference": _term_difference(batch, terms),
        "gpu": _gpu(terms),
        **_by_size(terms, lambda share: tick(0.15 + 0.35 * share)),
        **_split(setup, lambda share: tick(0.5 + 0.5 * share)),
    }


def laws(setup: Parallel, measured: Measured) -> tuple[Law, ...]:
    """Order decides the error, within its bounds; a split sum is the same sum."""
    last, worst, split = measured["errors"], measured["worst"], measured["split"]
    gpu = measured["gpu"]
    room = split["room"]
    return (
        Law("terms", measured["term_difference"], AT_MOST, TERM_TOLERANCE),
        Law("loop", measured["loop_difference"], EQUALS, 0.0),
        Law("order", float(last["sequential"][-1]), AT_LEAST, 2 * float(last["halving"][-1])),
        Law("sequential", worst["sequential"], AT_MOST, 1.0),
        Law("halving", worst["halving"], AT_MOST, 1.0),
        Law("gpu", gpu["error"], AT_MOST, gpu["rounds"] * ROUNDING),
        Law("compiler", float(split["all_reduces"]), AT_LEAST, 1.0),
        Law("devices", split["devices_difference"], AT_MOST, room),
        Law("processes", split["processes_difference"], AT_MOST, room),
    )


def _batch(setup: Parallel, samples: int) -> Batch:
    return Batch(samples, WIDTH, setup.activation, setup.offset, setup.seed)


def _deltas(batch: Batch) -> Float[np.ndarray, "m n_out"]:
    """Return what every sample asks of every bias, as the backward pass has it."""
    network, share = batch.network, batch.share
    deltas = jax.jit(lambda x, y: first_layer(network, x, y, share).delta)
    with jax.default_matmul_precision("highest"):  # some machines round products further
        return np.asarray(deltas(*batch.draw()))


def _term_difference(batch: Batch, terms: np.ndarray) -> float:
    """Return how far the first deltas are from what moving a bias shows; 1 is the largest."""
    x, y = (part[:NUDGED].astype(np.float64) for part in batch.draw())
    with jax.enable_x64(True):
        nudged = nudged_losses(batch.network, x, y, LOSS)
    return float(np.abs(terms[:NUDGED] - nudged).max() / np.abs(nudged).max())


def _gpu(terms: np.ndarray) -> dict[str, Any]:
    """Return what a GPU's order of the same additions counts, and how far off its sum is."""
    found, stages = gpu_sum(terms)
    exact = terms.sum(axis=0, dtype=np.float64)
    size = np.abs(terms).sum(axis=0, dtype=np.float64)
    device = jax.devices()[0]
    return {
        "stages": [asdict(stage) for stage in stages],
        "rounds": sum(stage.rounds for stage in stages),
        "additions": sum(stage.additions for stage in stages),
        "error": float((np.abs(found - exact) / size).max()),
        "device": device.device_kind if device.platform == "gpu" else None,
    }


def _by_size(terms: np.ndarray, tick: Tick) -> Measured:
    """Return time and rounding error of every order, for every size of the batch."""
    last = int(math.log2(len(terms)))
    exponents = sorted(range(last, SMALLEST - 1, -STEP))
    seconds, errors = ({name: [] for name in ORDERS} for _ in range(2))
    worst = dict.fromkeys(ORDERS, 0.0)
    for exponent in exponents:
        names = [name for name in ORDERS if name != "loop" or exponent <= LOOPED]
        blocks = min(BLOCKS, len(terms) >> exponent)
        for name, found in rounding_errors(names, terms[: blocks << exponent], blocks).items():
            errors[name].append(float(np.sqrt(np.mean(found**2))))
            worst[name] = max(worst[name], _share_of_bound(name, found, exponent))
        for name, one in _seconds(names, terms[: 2**exponent]).items():
            seconds[name].append(one)
        tick(2.0 ** ((exponent - last) / 2))  # the larger half of the work is the last size
    looped = terms[: 2 ** min(LOOPED, last)]
    return {
        "sizes": 2 ** np.array(exponents),
        "seconds": {name: np.array(values) for name, values in seconds.items()},
        "errors": {name: np.array(values) for name, values in errors.items()},
        "growth": {name: _growth(exponents, values) for name, values in errors.items()},
        "worst": worst,
        "loop_difference": _furthest(ORDERS["loop"](looped), ORDERS["sequential"](looped)),
    }


def _share_of_bound(name: str, errors: np.ndarray, exponent: int) -> float:
    """Return the largest error over the most it can be: one rounding an addition on the way."""
    additions = exponent if name == "halving" else 2**exponent - 1
    return float(np.abs(errors).max()) / (additions * ROUNDING)


def _seconds(names: list[str], terms: np.ndarray) -> dict[str, float]:
    ways: dict[str, Callable[[], Any]] = {
        name: lambda name=name: ORDERS[name](terms) for name in names
    }
    return median_seconds(ways)


def _growth(exponents: list[int], errors: list[float]) -> float:
    """Return p where the error grows like m to the p; NaN where it cannot be told."""
    sizes, is_seen = np.array(exponents[: len(errors)]), np.array(errors) > 0
    logs = np.log2(np.maximum(errors, 1e-300))
    return float(np.polyfit(sizes[is_seen], logs[is_seen], 1)[0]) if is_seen.sum() > 2 else math.nan


def _split(setup: Parallel, tick: Tick) -> Measured:
    """Return what the all-reduces gave, over devices and over processes."""
    equal = math.lcm(setup.devices, setup.processes)
    batch = _batch(setup, 2 ** min(setup.largest, SHARED) // equal * equal)
    network, share = batch.network, batch.share
    x, y = batch.draw()
    with jax.default_matmul_precision("highest"):
        program = jax.jit(lambda x, y: bias_gradient(network, x, y, share))
        whole = np.asarray(program(x, y), np.float64)
    scale = np.abs(_deltas(batch)).mean(axis=0, dtype=np.float64)
    devices = _over_devices(batch, setup.devices, _creep(tick, 0.1, 0.5))
    processes = _over_processes(batch, setup.processes, _creep(tick, 0.5, 1.0))
    together = np.array([one["gradient"] for one in processes])
    return {
        "split": {
            "samples": batch.samples,
            "room": 2 * math.sqrt(batch.samples) * ROUNDING,
            "whole": whole,
            "devices": np.array(devices["gradient"]),
            "parts": devices["parts"],
            "all_reduces": devices["all_reduces"],
            "devices_difference": _furthest(devices["gradient"] / scale, whole / scale),
            "own": np.array([one["own"] for one in processes]),
            "processes": together[0],
            "processes_difference": _furthest(together / scale, whole / scale),
            "cores": os.cpu_count() or 1,
        }
    }


def _over_devices(batch: Batch, parts: int, wait: Callable[[], None]) -> dict[str, Any]:
    task = {"task": "devices", "count": parts, "batch": asdict(batch)}
    return answers(WORKER, [task], wait)[0]


def _over_processes(batch: Batch, parts: int, wait: Callable[[], None]) -> list[dict[str, Any]]:
    try:
        return _at_port(free_port(), batch, parts, wait)
    except WhygradError as error:
        if error.key != "error.worker_failed":
            raise
    return _at_port(free_port(), batch, parts, wait)  # the first may have been taken meanwhile


def _at_port(port: int, batch: Batch, parts: int, wait: Callable[[], None]) -> list[dict[str, Any]]:
    shared = {"task": "processes", "count": parts, "port": port, "batch": asdict(batch)}
    return answers(WORKER, [shared | {"rank": rank} for rank in range(parts)], wait)


def _creep(tick: Tick, begin: float, end: float) -> Callable[[], None]:
    """Return a tick for work that does not say how far it is: ever closer to its end."""
    rests = (PATIENCE**turn for turn in count())
    return lambda: tick(end - (end - begin) * next(rests))


def _furthest(one: Any, other: Any) -> float:
    return float(np.abs(np.asarray(one) - np.asarray(other)).max())


def _in_the_lab(setup: Parallel) -> Place:
    """Return as many terms as the room adds, over as many cards as it has of those here."""
    power, cards = within(setup.largest, 3, 10), 2 ** int(math.log2(min(setup.devices, 8)))
    told = {"terms": 2**power, "cards": cards}
    return Place("gpu", {"power": power, "cards": str(cards)}, values=told)


LESSON = Lesson(
    name="parallel",
    claim=14,
    setup=Parallel,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise(
            "small_error",
            lambda setup, measured: (
                measured["sizes"][-1] == 2**22 and measured["errors"]["sequential"][-1] < 1e-6
            ),
            {"offset": 0.0},
        ),
        Exercise(
            "small_ratio",
            lambda setup, measured: (
                measured["errors"]["sequential"][-1] < 100 * measured["errors"]["halving"][-1]
            ),
            {"largest": 12},
        ),
    ),
    lab=_in_the_lab,
)
