"""From a case of a fault file to a set-up, and from a remedy back to the case's own words."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.faults.preparing import prepare_inputs, prepare_targets
from benchmarks.faults.recipes import make_data
from whygrad.doctor.setup import Setup
from whygrad.settings import Settings

ACTIVATIONS: dict[str, str] = {"linear": "identity"}
LOSSES: dict[str, str] = {
    "mse": "mean_squared",
    "mae": "mean_absolute",
    "mape": "mean_absolute_percentage",
    "msle": "mean_squared_logarithmic",
    "logcosh": "log_cosh",
    "kld": "kl_divergence",
    "cce": "clipped_cross_entropy",
    "scce": "clipped_cross_entropy",
    "bce": "clipped_binary_cross_entropy",
    "mse_sum": "mean_squared",
    "mse_bcast": "broadcast_squared",
    "ce_1out": "plain_cross_entropy",
}
INITS = {"normal": "normal:0.05", "uniform": "uniform:0.05", "ones": "constant:1", "zeros": "zeros"}
TASKS = {
    "regression": "numbers",
    "binary": "binary",
    "multiclass": "classes",
    "multilabel": "labels",
}
EPSILON = 1e-7  # Keras
L2_SHARE = 2  # the penalty l2 * w^2 has the gradient 2 * l2 * w


def express(case: Mapping[str, Any], config: Mapping[str, Any]) -> Setup:
    """Return the set-up of a configuration of a case; what is ``removed`` was not said."""
    config = {name: value for name, value in config.items() if value != "removed"}
    data = case["data"]
    x, raw = make_data(data["recipe"], data.get("args"))
    task = TASKS[case["task"]]
    layers = fitted_layers(config["layers"], x.shape[1], data["recipe"])
    labels = raw if task == "numbers" else np.asarray(raw).astype(int)
    classes = 0 if task in ("numbers", "labels") else int(labels.max()) + 1
    coding = config.get("target_prep", "none")
    if config["loss"] == "scce" and coding == "none":
        coding = "onehot"
    targets = np.asarray(prepare_targets(raw, coding, max(classes, layers[-1])), np.float64)
    targets = targets.reshape(len(targets), -1)
    return Setup(
        x=np.asarray(prepare_inputs(x, config.get("input_prep", "none")), np.float64),
        y=targets,
        labels=targets if task == "numbers" else labels,
        task=task,
        sizes=layers,
        activations=tuple(_ours(ACTIVATIONS, name) for name in config["activations"]),
        inits=per_layer(config.get("weight_init", "glorot_uniform"), len(layers) - 1),
        bias_inits=per_layer(config.get("bias_init", "zeros"), len(layers) - 1),
        dropout=dropout(config, len(layers) - 2),
        settings=_settings(config),
    )


def fitted_layers(layers: list[int], inputs: int, recipe: str) -> tuple[int, ...]:
    """Return the sizes with the surrogate's inputs: MNIST's images are digits here."""
    if not recipe.startswith("mnist") or layers[0] == inputs:
        return tuple(layers)
    return (inputs, *(min(size, 128) for size in layers[1:-1]), layers[-1])


def per_layer(given: Any, count: int) -> tuple[str, ...]:
    """Return the start of each of so many layers."""
    names = given if isinstance(given, list) else [given] * count
    return tuple(_init(name) for name in names)


def _init(name: Any) -> str:
    if isinstance(name, int | float):
        return f"constant:{name}"
    return _ours(INITS, name.replace("const:", "constant:"))


def _ours(table: Mapping[str, str], name: str) -> str:
    return table[name] if name in table else name


def dropout(config: Mapping[str, Any], hidden: int) -> tuple[float, ...]:
    """Return the dropout of each of so many hidden layers."""
    given = config.get("dropout_after_layer") or [0.0] * hidden
    return tuple(float(share) for share in given[:hidden])


def _settings(config: Mapping[str, Any]) -> Settings:
    given = config["optimizer"]
    name = given["name"]
    if name == "sgd" and given.get("momentum"):
        name = "nesterov" if given.get("nesterov") else "momentum"
    return Settings(
        loss=_ours(LOSSES, config["loss"]),
        reduction="sum" if config["loss"].endswith("_sum") else "mean",
        optimizer=name,
        learning_rate=given["lr"],
        momentum=given.get("momentum", 0.0),
        beta1=given.get("beta1", 0.9),
        beta2=given.get("beta2", given.get("rho", 0.9 if name == "rmsprop" else 0.999)),
        epsilon=given.get("eps", EPSILON),
        maximize=given.get("gradient_sign", 1.0) < 0,
        batch_size=config["batch"],
        epochs=config["epochs"],
        l1=float(config.get("l1", 0.0)),
        l2=L2_SHARE * float(config.get("l2", 0.0)),
        shuffle="apart" if config.get("shuffle") else "together",
        record_every=0,
    )
