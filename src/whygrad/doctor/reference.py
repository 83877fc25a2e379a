"""The usual choice for every part of a set-up, and the reference configuration made of them."""

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whygrad.doctor.setup import Setup

USUAL_RATE = {
    "sgd": 1e-2,
    "momentum": 1e-2,
    "nesterov": 1e-2,
    "adam": 1e-3,
    "adamw": 1e-3,
    "nadam": 1e-3,
    "adamax": 2e-3,
    "rmsprop": 1e-3,
    "adagrad": 1e-2,
    "adadelta": 1.0,
    "lion": 1e-4,
}
ADAPTIVE = ("adam", "adamw", "nadam", "adamax", "rmsprop", "lion")
OF_PROBABILITIES = (
    "softmax_cross_entropy",
    "cross_entropy",
    "binary_cross_entropy",
    "clipped_cross_entropy",
    "clipped_binary_cross_entropy",
    "plain_cross_entropy",
    "kl_divergence",
)
OF_MEMBERSHIP = ("softmax_cross_entropy", "cross_entropy", "clipped_cross_entropy")
OF_YES_OR_NO = ("binary_cross_entropy", "clipped_binary_cross_entropy")
OF_MARGINS = ("hinge", "squared_hinge", "categorical_hinge")
RANGES = {  # what an output can be
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, math.inf),
    "softplus": (0.0, math.inf),
    "exponential": (0.0, math.inf),
    "elu": (-1.0, math.inf),
    "selu": (-1.7581, math.inf),
    "gelu": (-0.17, math.inf),
    "silu": (-0.2785, math.inf),
}
ADAM: dict[str, Any] = {
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": 1e-7,
    "maximize": False,
}
USUAL_LOSSES = {
    "matched": {
        "numbers": "squared",
        "softmax": "softmax_cross_entropy",
        "sigmoid": "binary_cross_entropy",
    },
    "means": {
        "numbers": "mean_squared",
        "softmax": "clipped_cross_entropy",
        "sigmoid": "clipped_binary_cross_entropy",
    },
}


def usual_output(setup: "Setup") -> str:
    """Return the output activation that fits the task and the number of outputs."""
    if setup.task == "numbers":
        return "identity"
    return "sigmoid" if setup.task == "labels" or setup.sizes[-1] == 1 else "softmax"


def usual_loss(setup: "Setup") -> str:
    """Return the loss that fits the task and the number of outputs, of the same family."""
    from whygrad.core.nn.means import MEANS

    family = "means" if setup.settings.loss in MEANS else "matched"
    if setup.task == "numbers":
        return USUAL_LOSSES[family]["numbers"]
    return USUAL_LOSSES[family][usual_output(setup)]


def usual_init(activation: str) -> str:
    """Return the initialiser that keeps the size of signals through an activation."""
    return "he_normal" if activation in ("relu", "leaky_relu", "elu") else "glorot_uniform"


def with_outputs(setup: "Setup") -> dict[str, Any]:
    """Return the changes that give one output a class, if there are too few; else none."""
    if setup.classes <= max(setup.sizes[-1], 2):
        return {}
    coded = {"target_coding": "onehot", "loss": "clipped_cross_entropy"}
    return {"outputs": setup.classes, **coded}


def reference_of(setup: "Setup") -> "Setup":
    """Return the reference configuration: sizes, data and steps as given, all else as usual."""
    whole = setup.changed(with_outputs(setup))
    coding = {"target_coding": "standard"} if whole.task == "numbers" else {}
    return whole.changed(
        {
            "activation": "relu",
            "output_activation": usual_output(whole),
            "init": "he_normal",
            "bias_init": "zeros",
            "drop": 0.0,
            "loss": usual_loss(whole),
            "reduction": "mean",
            "l1": 0.0,
            "l2": 0.0,
            "label_smoothing": 0.0,
            "shuffle": "together",
            "input_scaling": "standard",
            **ADAM,
            **coding,
        }
    )
