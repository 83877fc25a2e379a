"""The update of torch's optimisers, stage by stage, from what they remember.

Each rule returns the named stages between the gradient that the optimiser was given and what it
adds to the parameter, elementwise. They are torch's own formulas, as its documentation of
``torch.optim`` writes them; an optimiser that is not here is one stage, the whole of it. What an
optimiser remembers is not kept of a large model: there, how far the parameter moved tells what the
learning rate was multiplied with.

Source: Kingma and Ba 2015 (Adam); Loshchilov and Hutter 2019 (AdamW); Sutskever et al. 2013
(momentum, Nesterov); Hinton 2012 (RMSprop).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

Settings = Mapping[str, Any]
Part = np.ndarray | np.floating
Arrays = Mapping[str, Part]
Stage = tuple[str, Part]


def stages(settings: Settings, arrays: Arrays) -> list[Stage]:
    """Return the name and the outcome of each stage, in order.

    Args:
        settings: of the parameter's group, with ``name`` of the optimiser and ``step``.
        arrays: ``before`` and ``after`` the update, ``gradient`` as it came back through the layer,
            ``came`` with what came back by another way, ``asked`` as the optimiser was given it,
            both where they are another, and ``state.*`` after the update, or how far it ``moved``.
    """
    found: list[Stage] = []
    asked = arrays["gradient"]
    if "came" in arrays:
        asked = arrays["came"]
        found.append(("elsewhere", asked))
    if "asked" in arrays:
        asked = arrays["asked"]
        found.append(("between", asked))
    opaque = ("opaque", arrays["after"] - arrays["before"])
    rule = RULES.get(settings.get("name", ""))
    if rule is None:
        return [*found, opaque]
    turned: list[Stage] = [("maximize", -asked)] if settings.get("maximize") else []
    try:
        taken = list(rule(settings, arrays, -asked if turned else asked))
    except (KeyError, TypeError, ValueError):  # one of the same name that has not what it needs
        return [*found, opaque]
    return [*found, *turned, *taken]


def _sgd(settings: Settings, arrays: Arrays, gradient: Part) -> Iterator[Stage]:
    current, momentum = gradient, settings["momentum"]
    if settings["weight_decay"]:
        current = current + settings["weight_decay"] * arrays["before"]
        yield "l2", current
    if momentum:
        buffer = arrays.get("state.momentum_buffer")
        if buffer is None:
            current = _before_rate(settings, arrays)
        else:
            current = current + momentum * buffer if settings["nesterov"] else buffer
        yield "nesterov" if settings["nesterov"] else "momentum", current
    yield "learning_rate", -settings["lr"] * current


def _adam(settings: Settings, arrays: Arrays, gradient: Part) -> Iterator[Stage]:
    decay = settings["weight_decay"]
    is_apart = settings["name"] == "AdamW" or settings.get("decoupled_weight_decay", False)
    if decay and not is_apart:
        yield "l2", gradient + decay * arrays["before"]
    size = "state.max_exp_avg_sq" if settings.get("amsgrad") else "state.exp_avg_sq"
    if size in arrays:
        beta1, beta2 = settings["betas"]
        mean = arrays["state.exp_avg"] / (1 - beta1 ** settings["step"])
        typical = np.sqrt(arrays[size] / (1 - beta2 ** settings["step"]))
        current = mean / (typical + settings["eps"])
    else:
        current = _before_rate(settings, arrays) - decay * is_apart * arrays["before"]
    yield "adam", current
    if decay and is_apart:
        current = current + decay * arrays["before"]
        yield "weight_decay", current
    yield "learning_rate", -settings["lr"] * current


def _rmsprop(settings: Settings, arrays: Arrays, gradient: Part) -> Iterator[Stage]:
    current = gradient
    if settings["weight_decay"]:
        current = current + settings["weight_decay"] * arrays["before"]
        yield "l2", current
    square = arrays.get("state.square_avg")
    if square is None:
        current = _before_rate(settings, arrays)
        yield "momentum" if settings["momentum"] else "rmsprop", current
    else:
        if settings.get("centered"):
            square = square - arrays["state.grad_avg"] ** 2
        current = current / (np.sqrt(square) + settings["eps"])
        yield "rmsprop", current
        if settings["momentum"]:
            current = arrays["state.momentum_buffer"]
            yield "momentum", current
    yield "learning_rate", -settings["lr"] * current


def _before_rate(settings: Settings, arrays: Arrays) -> Part:
    """Return what the learning rate was multiplied with, by how far the parameter moved."""
    return -arrays["moved"] / settings["lr"]


RULES: dict[str, Callable[[Settings, Arrays, Part], Iterator[Stage]]] = {
    "SGD": _sgd,
    "Adam": _adam,
    "AdamW": _adam,
    "RMSprop": _rmsprop,
}
