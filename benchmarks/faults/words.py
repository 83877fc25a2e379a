"""A changed set-up in the words of a case: the keys of its configuration that differ."""

from collections.abc import Mapping
from typing import Any

from benchmarks.faults.expressing import EPSILON, L2_SHARE, LOSSES, dropout, per_layer
from whygrad.doctor.setup import Setup

Config = Mapping[str, Any]
NAMES = {"identity": "linear"}
LOSS_NAMES = {value: key for key, value in reversed(list(LOSSES.items()))}
CODINGS = {"standard": "standard", "unit": "minmax01", "onehot": "onehot"}
OF_OPTIMIZER = ("optimizer", "learning_rate", "momentum", "beta1", "beta2", "epsilon", "maximize")


def remedy_in_words(config: Config, before: Setup, after: Setup) -> dict[str, Any]:
    """Return the keys of a case's configuration that a remedy changes, with their new values.

    Args:
        config: the configuration, which ``before`` expresses.
    """
    words: dict[str, Any] = {}
    if before.sizes != after.sizes:
        words["layers"] = list(after.sizes)
    if before.activations != after.activations:
        words["activations"] = [NAMES.get(name, name) for name in after.activations]
    words |= _training(before, after) | _preparation(before, after)
    if "loss" in words and config["loss"] == "scce":  # which alone takes class numbers as they are
        words.setdefault("target_prep", "onehot")
    for name, default, starts in (
        ("weight_init", "glorot_uniform", after.inits),
        ("bias_init", "zeros", after.bias_inits),
    ):
        if per_layer(config.get(name, default), len(starts)) != starts:
            words[name] = list(starts)
    if dropout(config, len(after.dropout)) != after.dropout:
        words["dropout_after_layer"] = list(after.dropout)
    return words


def _training(before: Setup, after: Setup) -> dict[str, Any]:
    old, new = before.settings, after.settings
    words: dict[str, Any] = {}
    if any(getattr(old, name) != getattr(new, name) for name in OF_OPTIMIZER):
        words["optimizer"] = _optimizer(after)
    if (old.loss, old.reduction) != (new.loss, new.reduction):
        words["loss"] = LOSS_NAMES.get(new.loss, new.loss)
    for name, ours, share in (("l1", "l1", 1), ("l2", "l2", L2_SHARE)):
        if getattr(old, ours) != getattr(new, ours):
            words[name] = getattr(new, ours) / share
    for name, ours in (("epochs", "epochs"), ("batch", "batch_size")):
        if getattr(old, ours) != getattr(new, ours):
            words[name] = getattr(new, ours)
    if old.shuffle != new.shuffle:
        words["shuffle"] = "removed"
    return words


def _optimizer(after: Setup) -> dict[str, Any]:
    settings = after.settings
    is_sgd = settings.optimizer in ("sgd", "momentum", "nesterov")
    words: dict[str, Any] = {
        "name": "sgd" if is_sgd else settings.optimizer,
        "lr": settings.learning_rate,
    }
    if is_sgd and settings.optimizer != "sgd":
        words |= {"momentum": settings.momentum, "nesterov": settings.optimizer == "nesterov"}
    if settings.optimizer == "rmsprop":
        words["rho"] = settings.beta2
    elif not is_sgd:
        words |= {"beta1": settings.beta1, "beta2": settings.beta2}
    if settings.epsilon != EPSILON:
        words["eps"] = settings.epsilon
    return words | ({"gradient_sign": -1} if settings.maximize else {})


def _preparation(before: Setup, after: Setup) -> dict[str, Any]:
    words: dict[str, Any] = {}
    if before.input_scaling != after.input_scaling:
        words["input_prep"] = after.input_scaling
    if before.target_coding == after.target_coding:
        return words
    if after.target_coding == "onehot" and after.settings.loss == "clipped_cross_entropy":
        return words | {"loss": "scce"}  # class numbers as they are: that loss codes them itself
    return words | {"target_prep": CODINGS[after.target_coding]}


def finding_in_words(finding: Any) -> Mapping[str, Any]:
    """Return a finding as a diagnosis file wants it."""
    return {
        "component": finding.component,
        "kind": finding.kind,
        "severity": finding.severity,
        "layer": finding.layer,
        "factor": finding.factor,
        "confidence": finding.confidence,
        "explained": finding.explained,
    }
