"""A remedy as a configuration: what ``whygrad train --config`` accepts."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from whygrad.core.nn.losses import LOSSES
from whygrad.data.assembling import TARGET_SCALINGS
from whygrad.doctor.finding import Remedy
from whygrad.settings import Settings

Sections = dict[str, dict[str, Any]]

PLACES = {  # what a remedy changes -> section and name
    "activation": ("network", "activation"),
    "output_activation": ("network", "output_activation"),
    "init": ("network", "init"),
    "bias_init": ("network", "bias_init"),
    "hidden": ("network", "hidden"),
    "drop": ("network", "dropout"),
} | {field.name: ("training", field.name) for field in fields(Settings)}
LAYERED = {"activation": 0, "dropout": 0, "init": 1, "bias_init": 1}  # entries for the output


def prescribe(
    asked: Mapping[str, Mapping[str, Any]], remedies: Iterable[Remedy], task: str = "classes"
) -> Sections:
    """Return a configuration with the changes of some remedies.

    How classes are coded is no part of it: whygrad codes them as the loss needs them.

    Args:
        asked: the configuration as it was, by section.
        task: ``classes``, ``binary``, ``labels`` or ``numbers``.
    """
    sections = {name: dict(values) for name, values in asked.items()}
    for remedy in remedies:
        for name, value in remedy.changes.items():
            _put(sections, name, value)
    data = sections.get("data", {})
    if task == "numbers" and data.get("standardize") and not _is_standardized(asked):
        data.setdefault("target_scaling", "none")  # which would follow the inputs
    return sections


def _is_standardized(asked: Mapping[str, Mapping[str, Any]]) -> bool:
    return bool(asked.get("data", {}).get("standardize"))


def _put(sections: Sections, name: str, value: Any) -> None:
    if name == "input_scaling" and value == "standard":
        sections.setdefault("data", {})["standardize"] = True
    elif name == "target_coding" and value in TARGET_SCALINGS:
        sections.setdefault("data", {})["target_scaling"] = value
    elif name in PLACES:
        section, key = PLACES[name]
        sections.setdefault(section, {})[key] = list(value) if isinstance(value, tuple) else value
    training = sections.get("training", {})
    if name == "loss" and "label_smoothing" in training and not LOSSES[str(value)].is_categorical:
        training["label_smoothing"] = 0.0  # which the loss would refuse
    if name == "hidden":
        sections["network"] |= _lengthened(sections["network"], len(value))


def _lengthened(network: Mapping[str, Any], hidden: int) -> dict[str, list]:
    """Return the lists of one entry a layer for so many hidden layers, all as the first was."""
    lists = {name: network[name] for name in LAYERED if isinstance(network.get(name), list)}
    return {
        name: [*given[:1] * hidden, *given[-1:] * LAYERED[name]]
        for name, given in lists.items()
        if len(given) != hidden + LAYERED[name]
    }


def as_toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a configuration as TOML; what is not set is left out."""
    blocks = [
        "\n".join([f"[{_key(section)}]", *_lines(values)]) for section, values in sections.items()
    ]
    return "\n\n".join(blocks) + "\n"


def _lines(values: Mapping[str, Any]) -> list[str]:
    # strings, numbers, switches and lists of them are written alike in JSON and TOML, but for DEL
    return [
        f"{_key(name)} = {_written(value)}" for name, value in values.items() if value is not None
    ]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _written(name)


def _written(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return text.encode(errors="replace").decode()  # TOML holds no lone surrogates
