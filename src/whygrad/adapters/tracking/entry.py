"""What a run recorded, step by step, as any tracker takes it: numbers, and one value a neuron."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from whygrad.recording import ROW_FIELDS

FACTORS = tuple(name for name in ROW_FIELDS if name != "signature")  # that one is a mark
NAMES = {"loss": "loss/batch", "train_loss": "loss/train", "epoch": "epoch"}
VALIDATION = "validation_"

Line = Mapping[str, Any]
Rows = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Entry:
    """What there is to say about one step.

    Attributes:
        scalars: such as ``loss/batch``, ``loss/validation`` and ``accuracy/validation``.
        factors: such as ``hidden1/slope``: one finite value a neuron.
    """

    step: int
    scalars: dict[str, float] = field(default_factory=dict)
    factors: dict[str, np.ndarray] = field(default_factory=dict)


def entries(
    lines: Sequence[Line], steps: np.ndarray, rows: Rows, chosen: Sequence[int]
) -> Iterator[Entry]:
    """Yield what history lines and recorded rows say, by ascending step.

    Args:
        lines: of the history.
        steps: numbers of the recorded steps, (recorded,).
        rows: by layer, (recorded, fields, n_out).
        chosen: the recorded steps whose neurons are wanted.
    """
    spoken = {int(line["step"]): line for line in lines}
    places = {int(step): place for place, step in enumerate(steps)}
    for step in sorted({*spoken, *chosen}):
        factors = _factors(rows, places[step]) if step in chosen else {}
        yield Entry(step, _scalars(spoken.get(step, {})), factors)


def last_entry(step: int, result: Mapping[str, Mapping[str, float]]) -> Entry:
    """Return what a run came to on the test part, as of its last step."""
    return Entry(step, {f"{name}/test": value for name, value in result.get("test", {}).items()})


def spread(steps: np.ndarray, first: int, every: int) -> list[int]:
    """Return the recorded steps that are due: from ``first`` on, at least ``every`` apart."""
    due, found = first, []
    for step in steps.tolist():
        if step >= due:
            found.append(step)
            due = step + every
    return found


def _scalars(line: Line) -> dict[str, float]:
    return {_name(key): float(value) for key, value in line.items() if key != "step"}


def _name(key: str) -> str:
    if key.startswith(VALIDATION):
        return f"{key.removeprefix(VALIDATION)}/validation"
    return NAMES.get(key, key)


def _factors(rows: Rows, place: int) -> dict[str, np.ndarray]:
    found = {}
    for layer, recorded in rows.items():
        for name in FACTORS:
            values = recorded[place, ROW_FIELDS.index(name)]
            values = values[np.isfinite(values)].astype(np.float64)
            if len(values):
                found[f"{layer}/{name}"] = values
    return found
