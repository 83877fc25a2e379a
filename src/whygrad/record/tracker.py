"""What all trackers share: each is told, step by step, what a run recorded or is recording."""

import atexit
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.errors import OptionError, RunError, WhygradError
from whygrad.record.fields import ROW_FIELDS
from whygrad.words.visible import visible

if TYPE_CHECKING:
    from whygrad.training.recorder import ProgressEvent

FACTORS = tuple(name for name in ROW_FIELDS if name != "signature")  # that one is a mark
NAMES = {"loss": "loss/batch", "train_loss": "loss/train", "epoch": "epoch"}

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


def entry_of_part(step: int, part: str, measures: Mapping[str, float]) -> Entry:
    """Return measures of a part as of a step, such as ``auc/test``."""
    return Entry(step, {f"{name}/{part}": value for name, value in measures.items()})


def _scalars(line: Line) -> dict[str, float]:
    """Return the finite numbers of a line; another is None once it was written."""
    scalars = {}
    for key, value in line.items():
        if key != "step" and value is not None and np.isfinite(value):
            measure = key.removeprefix("validation_")
            name = NAMES.get(key, key) if measure == key else f"{measure}/validation"
            scalars[name] = float(value)
    return scalars


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


MOST_HISTOGRAMS = 200  # a layer and factor, spread over a run
FURTHER_APART = 50  # steps after which they begin to part, where nobody knows the end of a run


class Tracker:
    """Someone else's record of a run.

    Give it to ``wg.train(..., log=tracker)`` or ``wg.watch(model, log=tracker)``, or a run to
    ``wg.log(run, to=tracker)``. It opens at the first thing it hears and closes with the last step,
    at the end of a ``with`` block, or with the process.

    Args:
        every: steps from one histogram to the next; default: so many that there are at most 200;
            of a model that is watched, ever further apart, by a fiftieth of the steps so far.
    """

    def __init__(self, every: int | None = None):
        self.every = every
        self.steps = 0  # that it was told of
        self.histograms = 0  # steps of which it was told the factors
        self._due = 0
        self._is_open = False

    # what a library does its own way
    def _open(self, notes: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def _write(self, entry: Entry) -> None:
        raise NotImplementedError

    def _flush(self) -> None:
        pass

    def _close(self) -> None:
        pass

    @property
    def where(self) -> str:
        """Where the record is to be found."""
        raise NotImplementedError

    def __call__(self, event: "ProgressEvent") -> None:
        """Take over what a segment of steps recorded, and close after the last one."""
        self.hear(event)
        if event.step >= event.total_steps:
            self.close()

    def hear(self, event: "ProgressEvent") -> None:
        """Take over what a segment of steps recorded."""
        recorded = {name: (event.recorded_steps, rows) for name, rows in event.rows.items()}
        notes, total = event.settings.to_dict(), event.total_steps
        self.take(notes, event.lines, recorded, total_steps=total)

    def take(
        self,
        notes: Mapping[str, Any],
        lines: Sequence[Line],
        recorded: Recorded,
        *,
        total_steps: int | None = None,
    ) -> None:
        """Take over what was recorded, which comes after all that was taken before.

        Args:
            notes: what was asked for, by name.
            lines: of the history.
            recorded: what was recorded of each layer.
            total_steps: of the run; None where nobody knows.

        Raises:
            RunError: the library refuses.
        """
        self.begin(notes)
        steps = sorted({int(step) for of_layer, _ in recorded.values() for step in of_layer})
        for entry in entries(lines, recorded, self._chosen(steps, total_steps)):
            self._write(entry)
            self.steps += 1
            self.histograms += bool(entry.factors)
        self._flush()

    def _chosen(self, steps: Sequence[int], total_steps: int | None) -> list[int]:
        """Return the steps whose histograms are due, and note when the next one is."""
        chosen = []
        for step in steps:
            if step >= self._due:
                chosen.append(step)
                self._due = step + self.spacing(total_steps, step)
        return chosen

    def begin(self, notes: Mapping[str, Any]) -> None:
        """Open the record, if it is not open yet.

        Args:
            notes: what was asked for: settings by name.

        Raises:
            RunError: the library refuses.
        """
        if self._is_open:
            return
        self.steps = self.histograms = self._due = 0  # the same tracker may hear of another run
        try:
            told = ((visible(name), value) for name, value in notes.items())
            self._open({name: visible(v) if isinstance(v, str) else v for name, v in told})
        except WhygradError:
            raise
        except Exception as error:  # of a library: no network, no key, a store it does not take
            name = type(self).__name__.removesuffix("Tracker")
            raise RunError("error.track_refused", tracker=name, problem=error) from error
        self._is_open = True
        atexit.register(self.close)  # training may stop before its last step

    def add(self, entry: Entry) -> None:
        """Write more about the last step that was told."""
        self._write(entry)

    def spacing(self, total_steps: int | None, step: int = 0) -> int:
        """Return how many steps lie between the histogram at a step and the next."""
        if total_steps is None:
            return self.every or max(step // FURTHER_APART, 1)
        return self.every or max(-(-total_steps // MOST_HISTOGRAMS), 1)

    def close(self) -> None:
        """Close the record; nothing happens where it is not open."""
        if self._is_open:
            self._is_open = False
            atexit.unregister(self.close)
            self._close()

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def check_log(log: object) -> None:
    """Refuse what cannot be told of a run.

    Raises:
        OptionError: no tracker.
    """
    if log is not None and not isinstance(log, Tracker):
        raise OptionError("error.watch_log", actual=repr(log))
