"""Healthy networks drawn by number, and when a drawn network counts as healthy or as faulty.

What a number draws never changes with what came before it: every number has its own generator.
Shapes come from small sets, so that many networks share one compiled program.
"""

from collections.abc import Sequence

import numpy as np

from benchmarks.faults.breaking import FAULTS, break_it, suited
from benchmarks.faults.drawing import CLASSES, QUANTITIES
from whygrad.doctor.baseline import Baseline
from whygrad.doctor.setup import Setup, standardised
from whygrad.settings import Settings

__all__ = ["FAULTS", "break_it", "data_of", "healthy", "is_faulty", "is_healthy", "suited"]

REACHES = 0.75  # of what its baseline says: below, a drawn network is not taken for healthy
LESS = 0.2  # of what its baseline says: a fault that costs less is none
ROWS = 300
WIDTHS = (16, 32, 64)
DEPTHS = (0.3, 0.35, 0.2, 0.15)  # share of the networks with one to four hidden layers
BATCHES = (16, 64)
OF_QUANTITIES = 0.35  # share of the networks that tell quantities
UNUSUAL = 0.15  # share of every harmless oddity
RATES = {
    "adam": (1e-3, 3e-3, 1e-2),
    "rmsprop": (1e-3, 3e-3),
    "momentum": (1e-2, 3e-2),
    "sgd": (3e-2, 0.1),
}
STEPS = {"adam": 2500, "rmsprop": 2500, "momentum": 3000, "sgd": 5000}
STARTS = {
    "relu": ("he_normal", "he_uniform"),
    "elu": ("he_normal", "glorot_uniform"),
    "tanh": ("glorot_uniform", "glorot_normal"),
    "sigmoid": ("glorot_uniform",),
}


def healthy(number: int) -> Setup:
    """Return the healthy network of a number: data, task, layers and training, all by the book."""
    rng = np.random.default_rng(number)
    name = _drawn_name(rng)
    x, labels = {**CLASSES, **QUANTITIES}[name](rng, ROWS)
    task, y, output, loss = _ends(rng, np.asarray(labels), is_told=name in CLASSES)
    hidden, activation = _hidden(rng)
    layers = len(hidden) + 1
    return Setup(
        x=_scaled(rng, np.asarray(x, float)),
        y=y,
        labels=y if task == "numbers" else np.asarray(labels).astype(int),
        task=task,
        sizes=(np.shape(x)[1], *hidden, y.shape[1]),
        activations=(*(activation,) * len(hidden), output),
        inits=(str(rng.choice(STARTS[activation])),) * layers,
        bias_inits=("zeros",) * layers,
        dropout=(_oddity(rng, 0.1) if min(hidden) >= 32 else 0.0,) * len(hidden),
        settings=_settings(rng, loss, len(x)),
    )


def data_of(number: int) -> str:
    """Return the name of the data set that a number draws."""
    return _drawn_name(np.random.default_rng(number))


def _drawn_name(rng: np.random.Generator) -> str:
    names = list(QUANTITIES if rng.random() < OF_QUANTITIES else CLASSES)
    return str(rng.choice(names))


def _ends(
    rng: np.random.Generator, labels: np.ndarray, *, is_told: bool
) -> tuple[str, np.ndarray, str, str]:
    """Return task, targets, output activation and loss, all of which match."""
    if not is_told:
        return "numbers", _scaled(rng, labels.reshape(-1, 1)), "identity", "mean_squared"
    classes = int(labels.max()) + 1
    if classes == 2 and rng.random() < 0.7:
        y = labels.reshape(-1, 1).astype(float)
        return "binary", y, "sigmoid", "clipped_binary_cross_entropy"
    return "classes", np.eye(classes)[labels], "softmax", "clipped_cross_entropy"


def _scaled(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """Return columns of mean 0 and spread 1; now and then from 0 to 1."""
    if rng.random() >= UNUSUAL:
        return standardised(values)
    low, high = values.min(axis=0), values.max(axis=0)
    return (values - low) / np.where(high > low, high - low, 1)


def _hidden(rng: np.random.Generator) -> tuple[tuple[int, ...], str]:
    """Return the widths of one to four hidden layers, and their activation."""
    layers, width = int(rng.choice(4, p=DEPTHS)) + 1, int(rng.choice(WIDTHS))
    names = ["relu", "relu", "tanh", "elu", *(["sigmoid"] if layers == 1 else [])]
    return (width,) * layers, str(rng.choice(names))


def _oddity(rng: np.random.Generator, value: float) -> float:
    return value if rng.random() < UNUSUAL else 0.0


def _settings(rng: np.random.Generator, loss: str, rows: int) -> Settings:
    optimizer = str(rng.choice(list(RATES)))
    batch = int(rng.choice(BATCHES))
    steps = STEPS[optimizer] * rng.uniform(0.8, 1.5)
    return Settings(
        loss=loss,
        optimizer=optimizer,
        learning_rate=float(rng.choice(RATES[optimizer])),
        beta2=0.9 if optimizer == "rmsprop" else 0.999,
        epsilon=1e-7,
        batch_size=batch,
        epochs=max(int(steps * batch / rows), 1),
        l2=_oddity(rng, 1e-4),
        record_every=0,
    )


def is_healthy(baseline: Baseline, measures: Sequence[float]) -> bool:
    """Return whether a drawn network reaches most of what its baseline says."""
    return baseline.learned(float(np.median(measures))) >= REACHES


def is_faulty(baseline: Baseline, whole: Sequence[float], broken: Sequence[float]) -> bool:
    """Return whether a broken network really learned clearly less than the whole one.

    Args:
        baseline: that of the whole network.
        whole, broken: accuracy or r2 on the training part, one a seed.
    """
    room = max(baseline.level - baseline.floor, 1e-6)
    return bool(np.median(whole) - np.median(broken) >= LESS * room)
