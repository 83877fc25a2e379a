"""What must stand in ``run.json``, so that whoever reads on can rely on it.

Format 2 brought the checksums, and what makes a missing file noticed: ``checkpoint`` (the step at
which the run stands), ``checkpoints`` (step -> checksum of the file), ``lines`` (how many each file
of lines holds at least). Runs of format 1 are read, and remain what they are.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from whygrad.errors import RunError
from whygrad.network.activations import ACTIVATIONS
from whygrad.run.sealed import KEY, read_json
from whygrad.settings import RANGES

FORMAT = 2
UNSEALED = 1  # the format without checksums
CHECKSUM = re.compile("[0-9a-f]{8}")
FIRST = frozenset(RANGES) - {"l1"}  # settings that runs have had from the start
PARTS = ("train", "validation", "test")
STATES = ("training", "stopped", "failed", "finished")
MEASURES = ("loss", "accuracy", "r2")
DTYPES = ("float16", "bfloat16", "float32", "float64")

Check = Callable[[Any], bool]


def read_description(folder: Path) -> dict[str, Any]:
    """Return what ``run.json`` says, verified; of a run of any kind.

    Raises:
        RunError: there is no run, it is of another format, or ``run.json`` is damaged.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise RunError("error.no_run", path=folder)
    content = read_json(path, lambda content: not _is_sealed(content))
    if not _is_known(content.get("format")):
        expected = f"{UNSEALED}, {FORMAT}"
        raise RunError(
            "error.run_format", path=folder, expected=expected, came=content.get("format")
        )
    return content


def _is_sealed(content: dict[str, Any]) -> bool:
    came = content.get("format")
    return came == FORMAT or (came == UNSEALED and KEY in content)


def _is_known(came: Any) -> bool:
    return type(came) is int and came in (UNSEALED, FORMAT)


def is_sound(content: dict[str, Any]) -> bool:
    """Return whether everything that must be in a description is there and of its kind."""
    since = NEEDED | (STANDING if content.get("format") == FORMAT else {})
    needed = all(name in content and check(content[name]) for name, check in since.items())
    return needed and all(check(content[name]) for name, check in LATER.items() if name in content)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_network(value: Any) -> bool:
    if not _is_object(value) or not isinstance(value.get("sizes"), list):
        return False
    layers = len(value["sizes"]) - 1
    sizes = layers > 0 and all(_is_count(size) and size > 0 for size in value["sizes"])
    named = _are(value.get("activations"), layers, lambda name: _is_text(name) and name in KNOWN)
    biases = _are(value.get("biases"), layers, lambda bias: isinstance(bias, bool))
    told = value.get("dropout")
    dropout = _is_share(told) or _are(told, layers - 1, _is_share)
    return sizes and named and biases and dropout and value.get("dtype") in DTYPES


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value < 1


def _are(values: Any, count: int, check: Check) -> bool:
    return isinstance(values, list) and len(values) == count and all(map(check, values))


def _is_settings(value: Any) -> bool:
    """Return whether the numbers of the settings are there; their ranges are checked elsewhere."""
    return (
        _is_object(value) and _is_text(value.get("loss")) and all(name in value for name in FIRST)
    )


def _is_data(value: Any) -> bool:
    if not _is_object(value) or not _is_object(value.get("samples")):
        return False
    texts = all(_is_text(value.get(name)) for name in ("name", "task", "fingerprint"))
    return texts and all(_is_count(value["samples"].get(part)) for part in PARTS)


def _is_result(value: Any) -> bool:
    return _is_object(value) and all(
        part in PARTS and _is_object(measures) and _are_measures(measures)
        for part, measures in value.items()
    )


def _are_measures(measures: dict[str, Any]) -> bool:
    return all(name in MEASURES and _is_number(value) for name, value in measures.items())


def _is_best(value: Any) -> bool:
    return value is None or (_is_object(value) and _is_count(value.get("epoch")))


def are_checksums(value: Any) -> bool:
    """Return whether something is a dictionary from steps to checksums."""
    return _is_object(value) and all(
        step.isdecimal() and _is_text(told) and CHECKSUM.fullmatch(told)
        for step, told in value.items()
    )


def are_counts(value: Any) -> bool:
    """Return whether something is a dictionary of counts."""
    return _is_object(value) and all(map(_is_count, value.values()))


KNOWN = frozenset(ACTIVATIONS)
NEEDED: dict[str, Check] = {
    "state": lambda value: _is_text(value) and value in STATES,
    "created": _is_text,
    "origin": _is_object,
    "network": _is_network,
    "settings": _is_settings,
    "data": _is_data,
}
STANDING: dict[str, Check] = {  # since format 2
    "checkpoint": _is_count,
    "checkpoints": are_checksums,
    "lines": are_counts,
}
LATER: dict[str, Check] = {  # written as the run goes on
    "steps": _is_count,
    "result": _is_result,
    "best": _is_best,
    "failure": _is_object,
}
