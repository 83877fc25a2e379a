"""Settings, weights, inputs and targets of any size: every run fails in words, or truly trains.

A trial held if training raised a WhygradError, or if it moved a parameter and recorded nothing but
finite numbers. A run that ends with every parameter where it started did not hold.
"""

import random
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

import whygrad as wg
from benchmarks.attack import Trial
from whygrad.errors import WhygradError
from whygrad.estimators import MLPClassifier, MLPRegressor
from whygrad.settings import CHOICES, RANGES

SAMPLES, COLUMNS = 40, 3
# ends of float32 and float64, what rounds to 0 or 1, and sizes between
SIZES = (5e-324, 1e-300, 1e-50, 1e-46, 1e-45, 1.1e-38, 1.2e-38, 1e-30, 1e-20, 1e-12, 1e-7, 1e-3)
SIZES += (1.0, 30.0, 1e3, 1e7, 1e12, 1e15, 1e18, 1e19, 1e20, 1e30, 1e38, 3.4e38, 3.5e38, 1e200)
NEAR_1 = (0.9, 0.999, 0.9999999, 0.99999999, 0.999999999999)
WHOLE = (0, 1, 2, 3, 7, 64, 10**4, 2**31 - 1, 2**31, 2**63, 10**30)
LOSSES = ("squared", "absolute", "huber", "log_cosh")
ACTIVATIONS = ("relu", "tanh", "sigmoid", "leaky_relu", "identity", "softplus")


def attack(seed: int, folder: Path) -> Iterator[Trial]:
    """Yield trials without end: of ``wg.train``, and at times of an estimator."""
    draw = random.Random(f"extremes {seed}")
    while True:
        way = draw.choice((_train, _train, _train, _fit))
        told, attempt = way(draw, folder / "run")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield Trial(told, _problem(attempt))
        shutil.rmtree(folder / "run", ignore_errors=True)


def _problem(attempt: Callable[[], str]) -> str:
    try:
        return attempt()
    except WhygradError as error:
        return "" if str(error) else "an error without a message"
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:400]


def _size(draw: random.Random) -> float:
    return draw.choice(SIZES) * draw.choice((1.0, 1.0, 1.7))


def _scaled(draw: random.Random, shape: tuple[int, ...]) -> tuple[str, np.ndarray]:
    """Return normal numbers, at times with one column, row or number of an extreme size."""
    values = np.random.default_rng(draw.randrange(2**32)).normal(size=shape)
    how = draw.choice(("usual", "usual", "all", "column", "one", "zeros"))
    if how == "zeros":
        return how, values * 0
    if how == "usual":
        return how, values
    size = _size(draw)
    with np.errstate(over="ignore"):
        values[{"all": ..., "column": (..., 0), "one": (0, 0)}[how]] *= size
    return f"{how} * {size:g}", values


def _weights(draw: random.Random) -> tuple[str, np.ndarray | None]:
    if draw.random() < 0.7:
        return "None", None
    low, high = _size(draw), _size(draw)
    chosen = [draw.choice((low, high, 0.0)) for _ in range(SAMPLES)]
    return f"{low:g}, {high:g} or 0", np.array(chosen)


def _setting(draw: random.Random, name: str) -> Any:
    allowed = RANGES[name]
    if allowed.kind is int:
        return draw.choice(WHOLE)
    return draw.choice(NEAR_1) if allowed.high == 1 and draw.random() < 0.7 else _size(draw)


def _settings(draw: random.Random) -> dict[str, Any]:
    """Return settings for few short epochs, some of them extreme."""
    extreme = draw.sample(sorted(set(RANGES) - {"epochs", "patience"}), draw.choice((0, 1, 1, 2)))
    chosen: dict[str, Any] = {
        "epochs": draw.choice((1, 2)),
        "record_every": 1,
        "batch_size": draw.choice((8, 40)),
    }
    if draw.random() < 0.3:
        chosen["optimizer"] = draw.choice(CHOICES["optimizer"])
    if draw.random() < 0.2:
        chosen["schedule"] = draw.choice(CHOICES["schedule"])
    if draw.random() < 0.1:
        chosen["reduction"] = "sum"
    return chosen | {name: _setting(draw, name) for name in extreme}


def _train(draw: random.Random, folder: Path) -> tuple[str, Callable[[], str]]:
    of_x, x = _scaled(draw, (SAMPLES, COLUMNS))
    of_w, weight = _weights(draw)
    settings, is_classes = _settings(draw), draw.random() < 0.5
    of_y, y = _scaled(draw, (SAMPLES, 1))
    if is_classes:
        of_y, y = "classes", np.arange(SAMPLES) % 3
        if draw.random() < 0.2:
            settings["class_weight"] = tuple(_size(draw) for _ in range(draw.choice((2, 3, 3, 4))))
    elif draw.random() < 0.5:
        settings["loss"] = draw.choice(LOSSES)
    start: dict[str, Any] = {"activation": draw.choice(ACTIVATIONS), "bias": draw.random() < 0.7}
    if draw.random() < 0.3:
        start["init"] = draw.choice(("zeros", f"normal:{_size(draw)}", f"constant:{_size(draw)}"))
    if draw.random() < 0.2:
        start["dropout"] = draw.choice((*NEAR_1, 5e-324))
    told = f"train: x {of_x}, y {of_y}, sample_weight {of_w}, {start}, {settings}"

    def attempt() -> str:
        network = wg.Network.create([COLUMNS, 4, 3 if is_classes else 1], **start)
        task = None if is_classes else "numbers"
        data = wg.from_arrays(x, y, sample_weight=weight, task=task)
        return _flaw(network, wg.train(network, data, out=folder, **settings))

    return told, attempt


def _flaw(start: wg.Network, run: wg.Run) -> str:
    """Return what is wrong with a run that ended without an error."""
    if stands_still(start, run.network) and not _is_learnt(run):
        return "every parameter stands where it started"
    rows = [rows for name in run.layers for rows in run.rows(name)]
    numbers = [*jax.tree.leaves(run.network), *rows, run.history.select_dtypes("number")]
    measures = [run.evaluate(part) for part in ("train", "validation", "test")]
    numbers += [np.array(list(of.values())) for of in measures]
    is_sound = all(not np.isinf(np.asarray(one, float)).any() for one in numbers)
    is_sound = is_sound and all(np.isfinite(np.asarray(one)).all() for one in rows)
    return "" if is_sound else "a number in the record is not finite"


def stands_still(before: wg.Network, after: wg.Network) -> bool:
    """Return whether every parameter is exactly where it was."""
    pairs = zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)
    return all(np.array_equal(one, other) for one, other in pairs)


def _is_learnt(run: wg.Run) -> bool:
    """Return whether nothing was left to learn."""
    return run.evaluate("train")["loss"] < 1e-6


def _fit(draw: random.Random, folder: Path) -> tuple[str, Callable[[], str]]:
    of_x, x = _scaled(draw, (SAMPLES, COLUMNS))
    of_w, weight = _weights(draw)
    of_y, y = _scaled(draw, (SAMPLES, 1))
    dtype = draw.choice((np.float32, np.float64))
    kind = draw.choice((MLPClassifier, MLPRegressor))
    options: dict[str, Any] = {"max_iter": 2, "random_state": 0, "hidden_layer_sizes": (4,)}
    for name in ("learning_rate_init", "epsilon", "alpha"):
        if draw.random() < 0.2:
            options[name] = _size(draw)
    if draw.random() < 0.2:
        options["beta_2"] = draw.choice(NEAR_1)
    if draw.random() < 0.3:
        options |= {"record_every": 1, "out": folder}
    if kind is MLPClassifier:
        of_y, y = "classes", np.arange(SAMPLES) % 3
        if draw.random() < 0.3:
            options["class_weight"] = {k: _size(draw) for k in range(3)}
    told = f"{kind.__name__}: x {of_x} {dtype.__name__}, y {of_y}, weight {of_w}, {options}"

    def attempt() -> str:
        with np.errstate(over="ignore"):
            given = x.astype(dtype)
        try:
            fitted = kind(**options).fit(given, y.ravel(), weight)
        except ValueError as error:  # what scikit-learn refuses, it refuses in words of its own
            is_theirs = "infinity or a value too large" in str(error)
            # an error of its parameters is both
            if isinstance(error, TypeError) or is_theirs:
                return ""
            raise
        parts = [*fitted.coefs_, *fitted.intercepts_]
        return "" if all(np.isfinite(p).all() for p in parts) else "a fitted weight is not finite"

    return told, attempt
