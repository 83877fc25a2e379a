"""What a training run is asked for: built-in defaults, then a file, then the command line.

A plan has three parts, the sections of a TOML file:

    [data]      source, target, weight, validation, test, delimiter, samples, noise, drop, task
    [network]   hidden, activation, output_activation, init, bias_init, bias, dropout
    [training]  every setting of whygrad.Settings, and seed for all three
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from whygrad.errors import InputError, OptionError, unknown_name
from whygrad.settings import Settings

Section = dict[str, Any]

DATA = ("source", "target", "weight", "validation", "test", "seed", "standardize", "delimiter")
DATA += ("samples", "noise", "drop", "task")
NETWORK_DEFAULTS: Section = {
    "hidden": [32, 32],
    "activation": "relu",
    "output_activation": "identity",
    "init": "he_normal",
    "bias_init": "zeros",
    "bias": True,
    "dropout": 0.0,
    "seed": 0,
}
KNOWN: dict[str, tuple[str, ...]] = {
    "data": DATA,
    "network": tuple(NETWORK_DEFAULTS),
    "training": tuple(field.name for field in fields(Settings)),
}


@dataclass(frozen=True)
class Plan:
    """What is asked for, by section."""

    data: Section
    network: Section
    training: Section

    def to_dict(self) -> dict[str, Section]:
        return {"data": self.data, "network": self.network, "training": self.training}


def make_plan(config: Path | None, options: Mapping[str, Any]) -> Plan:
    """Return the plan of a file with options of the command line over it.

    Args:
        config: a TOML file, or the folder of a run whose own configuration is wanted.
        options: name -> value; None is not given.

    Raises:
        InputError: the file cannot be read, or a name in it is unknown.
        OptionError: no data is named anywhere.
    """
    sections = read_config(config) if config else {}
    given = {name: value for name, value in options.items() if value is not None}
    merged = {
        section: dict(sections.get(section, {})) | _chosen(given, names)
        for section, names in KNOWN.items()
    }
    if "seed" in given:
        for section in merged.values():
            section["seed"] = given["seed"]
    if "source" not in merged["data"]:
        raise OptionError("error.no_data_named")
    network = NETWORK_DEFAULTS | merged["network"]
    training = Settings.from_dict(merged["training"]).to_dict()
    return Plan(merged["data"], network, training)


def read_config(path: Path) -> dict[str, Section]:
    """Return the sections of a TOML file, or of a run's own configuration.

    Raises:
        InputError: the file cannot be read.
        OptionError: it has an unknown section or name.
    """
    content = _of_run(path) if _is_run(path) else _of_toml(path)
    for section, values in content.items():
        if section not in KNOWN or not isinstance(values, dict):
            raise unknown_name("section", section, tuple(KNOWN))
        for name in values:
            if name not in KNOWN[section]:
                raise unknown_name("setting", name, KNOWN[section])
    return content


def _chosen(given: Mapping[str, Any], names: tuple[str, ...]) -> Section:
    return {name: given[name] for name in names if name in given and name != "seed"}


def _is_run(path: Path) -> bool:
    return (path / "run.json").is_file() or path.name == "run.json"


def _of_run(path: Path) -> dict[str, Section]:
    from whygrad.run.folder import RunFolder

    folder = path.parent if path.name == "run.json" else path
    origin = RunFolder(folder).description.get("origin")
    if not origin:
        raise InputError("error.run_made_in_python", path=folder)
    return json.loads(json.dumps(origin))


def _of_toml(path: Path) -> dict[str, Section]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("error.config_unreadable", path=path) from error
    except tomllib.TOMLDecodeError as error:
        raise InputError("error.config_no_toml", path=path, problem=str(error)) from error
