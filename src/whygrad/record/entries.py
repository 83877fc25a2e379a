"""What a run recorded, step by step, as any tracker takes it: numbers, and one value a neuron."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from whygrad.record.fields import ROW_FIELDS
from whygrad.words.visible import visible

FACTORS = tuple(name for name in ROW_FIELDS if name != "signature")  # that one is a mark
NAMES = {"loss": "loss/batch", "train_loss": "loss/train", "epoch": "epoch"}
VALIDATION = "validation_"

Line = Mapping[str, Any]
# by layer: the recorded steps, (recorded,), and the rows, (recorded, fields, n_out)
Recorded = Mapping[str, tuple[np.ndarray, np.ndarray]]
# a slash groups for all trackers; brackets are those of packed projections, such as ``[0:64]``
PUNCTUATION = str.maketrans({"/": ".", "[": ".", ":": "-", "]": None})


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


def entries(lines: Sequence[Line], recorded: Recorded, chosen: Sequence[int]) -> Iterator[Entry]:
    """Yield what history lines and recorded rows say, by ascending step.

    Args:
        lines: of the history.
        recorded: what was recorded of each layer.
        chosen: the recorded steps whose neurons are wanted.
    """
    spoken = {int(line["step"]): line for line in lines}
    for step in sorted({*spoken, *chosen}):
        factors = _factors(recorded, step) if step in chosen else {}
        yield Entry(step, _scalars(spoken.get(step, {})), factors)


def notes_of_watched(
    description: Mapping[str, Any], optimizers: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what is known of a watched model and of what updates it, flat.

    Args:
        description: of the run.
        optimizers: as a line of its facts tells them.
    """
    names = ("model", "parameters", "device", "every")
    notes = {name: description[name] for name in names if name in description}
    for number, one in enumerate(optimizers):
        who = f"optimizer{number or ''}"
        notes[who] = one["name"]
        rates = one.get("initial_rates") or one.get("rates")
        if rates:
            notes[f"{who}.learning_rate"] = rates[0]
    return notes


def last_entry(step: int, result: Mapping[str, Mapping[str, float]]) -> Entry:
    """Return what a run came to on the test part, as of its last step."""
    return Entry(step, {f"{name}/test": value for name, value in result.get("test", {}).items()})


def _scalars(line: Line) -> dict[str, float]:
    """Return the finite numbers of a line; another is None once it was written."""
    known = {key: value for key, value in line.items() if key != "step" and value is not None}
    return {_name(key): float(value) for key, value in known.items() if np.isfinite(value)}


def _name(key: str) -> str:
    if key.startswith(VALIDATION):
        return f"{key.removeprefix(VALIDATION)}/validation"
    return NAMES.get(key, key)


def _factors(recorded: Recorded, step: int) -> dict[str, np.ndarray]:
    """Return the finite values of every neuron that were recorded in a step."""
    found = {}
    for layer, (steps, rows) in recorded.items():
        for row in rows[steps == step]:
            for name in FACTORS:
                values = row[ROW_FIELDS.index(name)]
                values = values[np.isfinite(values)].astype(np.float64)
                if len(values):
                    found[f"{visible(layer.translate(PUNCTUATION))}/{name}"] = values
    return found
