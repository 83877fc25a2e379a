"""One small network a fault: a healthy one, and what has to be changed to make it ill."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from whygrad.doctor.setup import Setup
from whygrad.settings import Settings


@dataclass(frozen=True)
class Example:
    """A healthy set-up by name, and the changes that bring a fault."""

    of: str
    changes: Mapping[str, Any]


def healthy(name: str) -> Setup:
    """Return a small network that learns: ``spirals`` (three classes), ``moons`` or ``waves``."""
    return BASES[name]()


def ill(kind: str) -> Setup:
    """Return a small network with a fault."""
    example = EXAMPLES[kind]
    return healthy(example.of).changed(example.changes)


def _setup(x: np.ndarray, y: np.ndarray, labels: np.ndarray, task: str, output: str) -> Setup:
    loss = {"identity": "squared", "sigmoid": "binary_cross_entropy"}
    return Setup(
        x=x,
        y=y,
        labels=labels,
        task=task,
        sizes=(x.shape[1], 16, 16, y.shape[1]),
        activations=("tanh", "tanh", output),
        inits=("glorot_uniform",) * 3,
        bias_inits=("zeros",) * 3,
        dropout=(0.0, 0.0),
        settings=Settings(
            loss=loss.get(output, "softmax_cross_entropy"),
            optimizer="adam",
            learning_rate=0.01,
            batch_size=32,
            epochs=120,
            record_every=0,
        ),
    )


def spirals() -> Setup:
    """Three spiral arms, 240 rows: one class an arm."""
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(3), 80)
    along = np.tile(np.linspace(0.2, 1, 80), 3)
    angle = 4 * along + labels * 2 * np.pi / 3
    x = 2 * (along * np.stack([np.cos(angle), np.sin(angle)])).T
    x = x + rng.normal(0, 0.05, x.shape)
    return _setup(x, np.eye(3)[labels], labels, "classes", "softmax")


def moons() -> Setup:
    """Two half moons, 200 rows."""
    from sklearn.datasets import make_moons

    made = make_moons(200, noise=0.1, random_state=1)
    x, labels = np.asarray(made[0]), np.asarray(made[1])
    return _setup(x, labels[:, None].astype(float), labels, "binary", "sigmoid")


def waves() -> Setup:
    """A wave over a slope, 200 rows: quantities of both signs."""
    x = np.random.default_rng(2).uniform(-2, 2, (200, 1))
    y = np.sin(2 * x) + 0.3 * x
    return _setup(x, y, y, "numbers", "identity")


BASES = {"spirals": spirals, "moons": moons, "waves": waves}
SLOW = {"optimizer": "sgd", "learning_rate": 0.01}
EXAMPLES: dict[str, Example] = {
    "one_unit_softmax": Example("moons", {"output_activation": "softmax", "loss": "squared"}),
    "too_few_outputs": Example(
        "spirals", {"outputs": 1, "output_activation": "sigmoid", "target_coding": "numbered"}
    ),
    "out_of_range": Example("waves", {"output_activation": "sigmoid"}),
    "closed_output": Example(
        "waves", {"output_activation": "relu", "target_coding": "unit", "bias_init": "constant:-1"}
    ),
    "not_probabilities": Example(
        "spirals", {"output_activation": "relu", "loss": "clipped_cross_entropy"}
    ),
    "loss_of_one_unit": Example("moons", {"loss": "clipped_cross_entropy"}),
    "loss_of_classes": Example("waves", {"loss": "plain_cross_entropy"}),
    "misfit_loss": Example("waves", {"loss": "poisson"}),
    "loss_of_quantities": Example("moons", {"loss": "absolute"} | SLOW),
    "summed_loss": Example("waves", {"reduction": "sum"} | SLOW | {"learning_rate": 0.05}),
    "broadcast_loss": Example("waves", {"loss": "broadcast_squared"}),
    "flipped_sign": Example("moons", {"maximize": True}),
    "rows_apart": Example("moons", {"shuffle": "apart"}),
    "unscaled_inputs": Example("spirals", {"input_scale": 1000.0}),
    "unscaled_targets": Example("waves", {"target_scale": 10_000.0}),
    "clones": Example("spirals", {"init": "constant:0.5"}),
    "small_start": Example("spirals", {"init": "normal:0.001", "epochs": 20}),
    "large_start": Example("spirals", {"init": "normal:20"}),
    "closed_start": Example("spirals", {"activation": "relu", "bias_init": "constant:-20"}),
    "linear_hidden": Example("waves", {"activation": "identity"}),
    "exploding_hidden": Example("spirals", {"activation": "exponential", "init": "normal:2"}),
    "saturating_hidden": Example("moons", {"hidden": (8,) * 8, "activation": "sigmoid"}),
    "too_deep": Example("moons", {"hidden": (4,) * 12, "activation": "relu", "epochs": 40}),
    "too_narrow": Example("spirals", {"hidden": (1,), "epochs": 40}),
    "dead": Example("spirals", {"activation": "relu", "learning_rate": 10.0}),
    "rate_too_high": Example("spirals", {"learning_rate": 3.0}),
    "rate_too_low": Example("spirals", {"learning_rate": 1e-6}),
    "slow_optimizer": Example("spirals", SLOW),
    "too_few_steps": Example("spirals", {"epochs": 2}),
    "noisy_batch": Example(
        "spirals", {"batch_size": 1, "optimizer": "momentum", "learning_rate": 0.05, "epochs": 10}
    ),
    "few_batches": Example("spirals", {"batch_size": 240, "epochs": 10}),
    "strong_dropout": Example("spirals", {"drop": 0.95}),
    "strong_l1": Example("spirals", {"l1": 0.3}),
    "strong_l2": Example("spirals", {"l2": 0.3}),
    "unrelated_targets": Example("moons", {"labels_shuffled": 7}),
}
