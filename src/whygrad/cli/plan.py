"""What a training run is asked for: a file, then the command line; the rest is chosen for the data.

A plan has three parts, the sections of a TOML file:

    [data]      source, target, weight, validation, test, delimiter, encoding, samples, noise,
                drop, categories, task, stream, buffer
    [network]   hidden, activation, output_activation, init, bias_init, bias, dropout
    [training]  every setting of whygrad.Settings, and seed for all three
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whygrad.data.source import read_given
from whygrad.errors import InputError, OptionError, unknown_name
from whygrad.settings import Settings

if TYPE_CHECKING:
    from whygrad.core.nn.network import Network
    from whygrad.data.table import Data
    from whygrad.training.choosing import Recipe
    from whygrad.training.comparing import Comparison

Section = dict[str, Any]
LONGEST = 200_000  # bytes of a configuration
STRING = re.compile(r"""\"(?:\\.|[^"\\\n])*+"|'[^'\n]*+'""")
DEEP = re.compile(r"(?:\.[ \t]*+[\w-]*+[ \t]*+){20}")  # tomllib takes the square of a key's parts

NETWORK_DEFAULTS: Section = {
    "activation": "relu",
    "output_activation": "identity",
    "init": "he_normal",
    "bias_init": "zeros",
    "bias": True,
    "seed": 0,
}
KINDS: dict[str, dict[str, str]] = {  # the settings check their own numbers
    "data": {
        "source": "text",
        "target": "texts",
        "weight": "text",
        "validation": "number",
        "test": "number",
        "seed": "whole_number",
        "standardize": "switch",
        "target_scaling": "text",
        "delimiter": "text",
        "encoding": "text",
        "samples": "whole_number",
        "noise": "number",
        "drop": "texts",
        "categories": "texts",
        "task": "text",
        "stream": "switch",
        "buffer": "whole_number",
    },
    "network": {
        "hidden": "whole_numbers",
        "activation": "texts",
        "output_activation": "text",
        "init": "texts",
        "bias_init": "texts",
        "bias": "switch",
        "dropout": "numbers",
        "seed": "whole_number",
    },
    "training": {
        "loss": "text",
        "optimizer": "text",
        "schedule": "text",
        "class_weight": "text",
        "shuffle": "text",
        "reduction": "text",
        "maximize": "switch",
    },
}
KNOWN: dict[str, tuple[str, ...]] = {name: tuple(kinds) for name, kinds in KINDS.items()}
KNOWN["training"] = tuple(field.name for field in fields(Settings))


@dataclass(frozen=True)
class Plan:
    """What is asked for, by section.

    Attributes:
        chosen: which of it was chosen for the data, by option.
        comparison: of the two recipes, where it decided between them.
    """

    data: Section
    network: Section
    training: Section
    chosen: Section = field(default_factory=dict)
    comparison: "Comparison | None" = None

    def completed(self, data: "Data") -> "Plan":
        """Return the plan with all that was not asked for: chosen for the data, or the default.

        Where two recipes are left to choose from and the job is small, both are tried.
        """
        from whygrad.training.choosing import RESTRAINED, THOROUGH

        plans = [self._by_recipe(data, recipe) for recipe in (RESTRAINED, THOROUGH)]
        comparison = None
        if plans[0].to_dict() != plans[1].to_dict():
            comparison = self._comparison(data, RESTRAINED, THOROUGH)
        if comparison is None:
            return plans[0]
        return replace(plans[comparison.prefers_second], comparison=comparison)

    def _comparison(self, data: "Data", *recipes: "Recipe") -> "Comparison | None":
        """Return what two recipes come to on a sample of the data, or None if none can tell."""
        from whygrad.training.comparing import can_compare, compare, sample_of

        sample = sample_of(data)
        plans = [self._by_recipe(sample, recipe) for recipe in recipes]
        first, second = (
            (make_network(plan, sample), Settings.from_dict(plan.training)) for plan in plans
        )
        can_tell = can_compare((first, second), sample)
        return compare((first, second), sample) if can_tell else None

    def _by_recipe(self, data: "Data", recipe: "Recipe") -> "Plan":
        from whygrad.training.choosing import chosen_network, chosen_training

        of_network = {
            k: v for k, v in chosen_network(data, recipe).items() if k not in self.network
        }
        of_training = chosen_training(data, self.training, recipe)
        network = NETWORK_DEFAULTS | of_network | self.network
        training = Settings.from_dict(of_training | self.training).to_dict()
        return Plan(self.data, network, training, of_network | of_training)

    def to_dict(self) -> dict[str, Section]:
        return {"data": self.data, "network": self.network, "training": self.training}


def make_network(plan: Plan, data: "Data") -> "Network":
    """Return the starting network of a completed plan, as the data needs it at both ends.

    NumPy holds it: training puts it on JAX's device where JAX trains it.
    """
    from whygrad.core.nn.network import Network

    options = dict(plan.network)
    hidden = options.pop("hidden")
    return Network.create([data.n_in, *hidden, data.n_out], **options, engine="numpy")


def read_options(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of the command line, where lists are written with commas, for a plan.

    Raises:
        OptionError: not a number where there should be one.
    """
    hidden, weights, drop = (written[name] for name in ("hidden", "class_weight", "drop"))
    options = {**written, "source": written["data"]}
    options["categories"] = written.get("categories") or None  # an empty list: none were given
    if hidden is not None:
        try:
            options["hidden"] = [int(size) for size in hidden.split(",") if size.strip()]
        except ValueError:
            raise OptionError("error.hidden", actual=hidden) from None
    if weights is not None and "," in weights:
        try:
            options["class_weight"] = [float(weight) for weight in weights.split(",")]
        except ValueError:
            raise OptionError("error.class_weight_values", actual=weights) from None
    if drop is not None:
        options["drop"] = [name.strip() for name in drop.split(",")]
    return options


def as_options(values: Mapping[str, Any]) -> str:
    """Return values as they are written on the command line, lists with commas."""
    written = {
        name: ",".join(map(str, value)) if isinstance(value, list) else value
        for name, value in values.items()
    }
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in written.items())


def make_plan(config: Path | None, options: Mapping[str, Any]) -> Plan:
    """Return the plan of a file with options of the command line over it, not yet completed.

    Args:
        config: a TOML file, or the folder of a run whose own configuration is wanted.
        options: name -> value; None is not given.

    Raises:
        InputError: the file cannot be read, or a name in it is unknown.
        OptionError: no data is named anywhere, or a setting is out of range.
    """
    sections = read_config(config) if config else {}
    given = {name: value for name, value in options.items() if value is not None}
    merged = {
        section: dict(sections.get(section, {}))
        | {name: given[name] for name in names if name in given and name != "seed"}
        for section, names in KNOWN.items()
    }
    if "seed" in given:
        for section in merged.values():
            section["seed"] = given["seed"]
    if "source" not in merged["data"]:
        raise OptionError("error.no_data_named")
    Settings.from_dict(merged["training"])  # what is wrong is told before the data are read
    return Plan(merged["data"], merged["network"], merged["training"])


def read_config(path: Path) -> dict[str, Section]:
    """Return the sections of a TOML file, or of a run's own configuration.

    Raises:
        InputError: the file cannot be read.
        OptionError: it has an unknown section or name.
    """
    is_run = path.name == "run.json" or (path / "run.json").is_file()
    content = _of_run(path) if is_run else _of_toml(path)
    if not isinstance(content, dict):  # as a run's own configuration may be
        raise OptionError("error.config_section", section="origin", actual=_said(content))
    for section, values in content.items():
        if section not in KNOWN:
            raise unknown_name("section", section, tuple(KNOWN))
        if not isinstance(values, dict):
            raise OptionError("error.config_section", section=section, actual=_said(values))
        for name in values:
            if name not in KNOWN[section]:
                raise unknown_name("setting", name, KNOWN[section])
            value, kind = values[name], KINDS.get(section, {}).get(name)
            if kind and value is not None and not IS_KIND[kind](value):
                option = {"section": section, "name": name, "actual": _said(value)}
                raise OptionError(f"error.config_{kind}", **option)
    return content


def _said(value: Any) -> str:
    """Return a value as it can stand in a sentence, whatever it is."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deeply, or a number of thousands of digits
        text = type(value).__name__
    return text if len(text) <= 80 else text[:80] + "…"


def _is_list_of(check: Callable[[Any], bool], value: Any) -> bool:
    return isinstance(value, list) and all(map(check, value))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


IS_KIND: dict[str, Callable[[Any], bool]] = {
    "text": _is_text,
    "texts": lambda value: _is_text(value) or _is_list_of(_is_text, value),
    "whole_number": _is_whole,
    "whole_numbers": lambda value: _is_list_of(_is_whole, value),
    "number": _is_number,
    "numbers": lambda value: _is_number(value) or _is_list_of(_is_number, value),
    "switch": lambda value: isinstance(value, bool),
}


def _of_run(path: Path) -> dict[str, Section]:
    from whygrad.record.folder import RunFolder

    folder = path.parent if path.name == "run.json" else path
    origin = RunFolder(folder).description.get("origin")
    if not origin:
        raise InputError("error.run_made_in_python", path=folder)
    return json.loads(json.dumps(origin))


def _of_toml(path: Path) -> dict[str, Section]:
    try:
        text = read_given(path, LONGEST).decode("utf-8-sig")
        if DEEP.search(STRING.sub("", text)):
            raise InputError("error.config_nested", path=path)
        return tomllib.loads(text.replace("\r\n", "\n"))
    except (OSError, UnicodeDecodeError):
        raise InputError("error.config_unreadable", path=path) from None
    except tomllib.TOMLDecodeError as error:
        raise InputError("error.config_no_toml", path=path, problem=str(error)) from None
    except (RecursionError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        # brackets within brackets, a whole number of thousands of digits
        raise InputError("error.config_nested", path=path) from None
