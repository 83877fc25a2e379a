"""A run on disk, read, whichever producer wrote it.

run.json                       what the run is, how far it came, how it ended
history.jsonl                  one line a recorded step, and of our own runs an ended epoch
anatomy/<step>.safetensors     recorded rows of every neuron, a file a stretch

of whygrad's own runs, read by :mod:`whygrad.training.trained`:

data.safetensors               the data as the network saw it, so that a run stands alone
checkpoints/<step>.safetensors everything needed to go on, or to replay, from there

of watched models, which leave neither data nor checkpoints:

facts.jsonl                    one line a recorded step: how the training loop went about it
whole/<step>.safetensors       full snapshots of some recorded steps, or of some layers of them
"""

from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.errors import AddressError, RunError
from whygrad.record.description import UNSEALED
from whygrad.record.fields import ROW_FIELDS
from whygrad.record.layers import LayerSpec
from whygrad.record.producers import PRODUCERS, Producer, blew_up, kind_of
from whygrad.record.reading import (
    Described,
    Standing,
    check_recorded,
    lines_of,
    numbered,
    read_snapshot,
    snapshot_names,
    snapshot_steps,
    snapshot_steps_by_layer,
    standing_of,
    steadily,
)
from whygrad.record.restoring import restored
from whygrad.record.schema.arrays import key_of_rows, refuse, rows_forms, sound_arrays, steps_ascend
from whygrad.record.sealed import open_tensors
from whygrad.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

KEPT_BYTES = 256 * 2**20  # of rows, so that a report reads each file once


class RunFolder:
    """A run on disk. Reading never changes it, and it may be written meanwhile.

    Args:
        path: the folder.
        described: its ``run.json``, where somebody has read it already.

    Raises:
        RunError: there is no run there, it is damaged, or of a newer format.
    """

    def __init__(self, path: str | Path, *, described: Described | None = None):
        self.path = Path(path)
        self.described = Described(self.path) if described is None else described
        self.rows_read: dict[str, tuple[Any, tuple[np.ndarray, np.ndarray]]] = {}
        self.lines_read: dict[str, tuple[Standing | None, list[dict[str, Any]]]] = {}
        assert self.description, "reading it checks it"

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def description(self) -> dict[str, Any]:
        """``run.json`` as it is now.

        Raises:
            RunError: it is damaged, or something in it is missing or of the wrong kind.
        """
        return self.described.read()

    @cached_property
    def kind(self) -> str:
        """Who wrote it: ``trained`` (whygrad's own) or ``watched`` (a PyTorch model)."""
        return kind_of(self.description)

    @property
    def producer(self) -> Producer:
        """What is known of all runs of its kind."""
        return PRODUCERS[self.kind]

    def can(self, what: str) -> bool:
        """Return whether the run can do something.

        Args:
            what: ``train``, ``network``, ``data``, ``replay``, ``export``, ``sample`` or
                ``verify``.
        """
        return what not in self.producer.lacks

    def require(self, what: str, **told: Any) -> None:
        """Check that the run can do something, see :meth:`can`.

        Args:
            told: what the error says besides.

        Raises:
            InputError: it cannot.
        """
        if not self.can(what):
            kind, key = self.producer.lacks[what]
            raise kind(key, path=self.path, **told)

    @cached_property
    def is_sealed(self) -> bool:
        """Whether the run was written with checksums, so that whatever is read is verified."""
        return self.description["format"] != UNSEALED

    @cached_property
    def settings(self) -> Settings:
        """How the network is trained.

        Raises:
            InputError: whygrad does not train it.
        """
        self.require("train")
        return Settings.from_dict(self.description["settings"])

    @property
    def specs(self) -> dict[str, LayerSpec]:
        """The layers by name, first to last; of a watched model in the order of their calls."""
        return self.producer.specs_of(self.description)

    def spec(self, layer: str) -> LayerSpec:
        """Return what a layer is.

        Raises:
            AddressError: there is none of that name.
        """
        known = self.specs
        if layer not in known:
            raise AddressError("error.unknown_layer", name=layer, known=", ".join(known))
        return known[layer]

    @property
    def layers(self) -> list[str]:
        """The names of the layers, first to last."""
        return list(self.specs)

    @property
    def blew_up(self) -> bool:
        """Whether a number that was not finite stopped the run, and not that nothing moved."""
        return blew_up(self.description)

    @property
    def checkpoints(self) -> list[int]:
        """Steps at which there is a checkpoint, ascending."""
        return kept_checkpoints(self.path, self.description)

    @property
    def steps(self) -> int:
        """How many steps were taken, a failed one included, as far as the files tell."""
        description = self.description
        recorded = [line["step"] + 1 for line in self.history_lines[-1:]]
        kept = kept_checkpoints(self.path, description)[-1:]
        taken = max([*kept, *recorded, self.producer.taken_of(description)])
        limit = self.producer.limit_of(description)
        return taken if limit is None else min(taken, limit)

    # --- lines and rows -----------------------------------------------------------------------

    @property
    def history_lines(self) -> list[dict[str, Any]]:
        """The history as it stands in the file, one entry a recorded step or ended epoch."""
        producer = self.producer
        return lines_of(self, "history", producer.line_of, producer.are_sound_lines)

    @property
    def history(self) -> "pd.DataFrame":
        """A row a recorded step or ended epoch, in order: step, loss, and the measures."""
        import pandas as pd

        columns = ["step", "epoch", "loss"] if self.can("train") else ["step", "loss"]
        return pd.DataFrame(self.history_lines or {name: [] for name in columns})

    @property
    def facts(self) -> list[dict[str, Any]]:
        """How the training loop went about each recorded step; [] where that is our own."""
        facts_of = self.producer.facts_of
        return [] if facts_of is None else lines_of(self, "facts", facts_of)

    def rows(self, layer: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the recorded steps (recorded,), and the rows (recorded, fields, n_out).

        Both are read-only: whoever asks next may be given the same.

        Raises:
            AddressError: there is no such layer.
            RunError: a file of rows is damaged, or missing for what the history tells.
        """
        shape = (len(ROW_FIELDS), self.spec(layer).n_out)
        return steadily(self, lambda description: self._stack(layer, shape, description))

    def beside(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return what stands beside the rows of a layer, as ``layer/name``, (recorded, n_out)."""
        shape = (self.spec(name.rpartition("/")[0]).n_out,)
        return steadily(self, lambda description: self._stack(name, shape, description))

    def row(self, layer: str, step: int) -> np.ndarray | None:
        """Return what was recorded of a layer at one step, (fields, n_out), or None."""
        return steadily(self, lambda description: self._row(layer, step, description))

    def neurons(self, layer: str) -> "xr.Dataset":
        """Return what was recorded of a layer's neurons, over (step, neuron).

        Variables: those of :data:`whygrad.record.fields.ROW_FIELDS`.
        """
        import xarray as xr

        steps, rows = self.rows(layer)
        variables = {
            field: (("step", "neuron"), rows[:, position])
            for position, field in enumerate(ROW_FIELDS)
        }
        return xr.Dataset(variables, {"step": steps, "neuron": np.arange(rows.shape[2])})

    def _stack(
        self, name: str, shape: tuple[int, ...], description: dict[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        merged = description.get("rows")  # named by what merged them; others by their first step
        numbers = numbered(self.path / "anatomy") if merged is None else merged
        standing = (standing_of(self.path / "history.jsonl"), list(numbers))
        before, kept = self.rows_read.get(name, (None, None))
        if kept is not None and before == standing:
            return kept
        recorded = self._recorded_steps(description)  # before the rows: there may soon be more
        steps, rows = [np.empty(0, int)], [np.empty((0, *shape), np.float32)]
        found = [np.empty(0, int)]
        for number in numbers:
            of_file, values = self._read_rows(number, name, description)
            found.append(of_file)
            if values is not None:
                steps.append(of_file)
                rows.append(values)
        check_recorded(self, recorded, np.concatenate(found))
        stacked = np.concatenate(steps), np.concatenate(rows)
        self._keep_rows(name, standing, stacked)
        return stacked

    def _keep_rows(self, name: str, standing: Any, stacked: tuple[np.ndarray, np.ndarray]) -> None:
        """Keep what was read of a layer, and let the oldest go where there is too much of it."""
        for array in stacked:
            array.flags.writeable = False
        self.rows_read.pop(name, None)
        self.rows_read[name] = standing, stacked
        sizes = {one: sum(a.nbytes for a in kept) for one, (_, kept) in self.rows_read.items()}
        while sum(sizes.values()) > KEPT_BYTES:
            oldest = next(iter(sizes))
            del sizes[oldest], self.rows_read[oldest]

    def _row(self, layer: str, step: int, description: dict[str, Any]) -> np.ndarray | None:
        if "rows" in description:
            steps, rows = self.rows(layer)
            return next(iter(rows[steps == step]), None)
        for number in [first for first in numbered(self.path / "anatomy") if first <= step][-1:]:
            steps, rows = self._read_rows(number, layer, description)
            place = np.flatnonzero(steps == step)
            if len(place) and rows is not None:
                return rows[place[0]]
        if step in self._recorded_steps(description):
            self.rows(layer)  # tells which file is missing
        return None

    def _read_rows(
        self, number: int, name: str, description: dict[str, Any]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the steps of a file of rows, and what it holds of a name, verified."""
        path, key = self.path / "anatomy" / f"{number}.safetensors", key_of_rows(name)
        producer = self.producer
        with open_tensors(path, may_lack=not self.is_sealed) as file:
            wanted = {one: file[one] for one in ("steps", key) if one in file.names}
            names = file.names
        neurons = {layer: spec.n_out for layer, spec in producer.specs_of(description).items()}
        forms = rows_forms(
            neurons,
            names,
            wanted,
            producer.dtype_of(description),
            needed=(key,) if producer.rows_of_all else (),
        )
        sound_arrays(path, wanted, forms, names)
        is_named = "rows" not in description and (self.is_sealed or producer.rows_of_all)
        faults = steps_ascend(
            wanted["steps"],
            first=number if is_named else None,
            below=producer.limit_of(description),
            every=producer.every_of(description),
        )
        refuse(path, faults)
        return wanted["steps"], wanted.get(key)

    def _recorded_steps(self, description: dict[str, Any]) -> np.ndarray:
        """Return the steps that were recorded, by the lines that run.json counts."""
        counted = description.get("lines", {}).get("history")
        every = self.producer.every_of(description)
        steps = np.array([line["step"] for line in self.history_lines[:counted]], int)
        return steps[steps % every == 0] if every else steps[:0]

    # --- full snapshots -----------------------------------------------------------------------

    @property
    def whole_steps(self) -> list[int]:
        """The steps of which there is a full snapshot, of any layer, ascending."""
        return snapshot_steps(self.path, self.description)

    def kept_whole(self) -> dict[str, list[int]]:
        """Return by layer the steps of which there is a full snapshot of it, ascending.

        All of them for a small model; the layers of a large one take turns.

        Raises:
            RunError: a file is damaged.
        """
        return steadily(self, lambda description: snapshot_steps_by_layer(self, description))

    def whole(
        self, step: int | None = None, *, layers: Collection[str] | None = None
    ) -> tuple[int, dict[str, np.ndarray], dict[str, Any]]:
        """Return a full snapshot: its step, its arrays by ``layer/name``, its notes.

        Args:
            step: default: the last one.
            layers: those that are wanted; of a large model all together take much memory.

        Raises:
            AddressError: it was not kept.
            RunError: none was, or its file is damaged.
        """
        known = self.whole_steps
        if not known:
            raise RunError("error.watched_nothing", path=self.path)
        step = known[-1] if step is None else step
        if step not in known:
            near = _nearest(known, step)
            raise AddressError("error.step_not_whole", step=step, near=near, count=len(known))

        def is_wanted(name: str) -> bool:
            return layers is None or name.rpartition("/")[0] in layers

        def read(description: dict[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
            arrays, notes = read_snapshot(self, step, description, is_wanted)
            of_all: dict[str, dict[str, np.ndarray]] = {}
            for name, array in arrays.items():
                layer, _, which = name.rpartition("/")
                of_all.setdefault(layer, {})[which] = array
            specs = self.producer.specs_of(description)
            found = {layer: restored(specs[layer], part) for layer, part in of_all.items()}
            return {f"{a}/{b}": one for a, part in found.items() for b, one in part.items()}, notes

        return step, *steadily(self, read)

    def whole_sizes(
        self, step: int
    ) -> tuple[dict[str, np.ndarray], np.ndarray | None, dict[str, Any]]:
        """Return the sizes of every layer in a full snapshot, its tokens, and its notes.

        Returns:
            Of every layer to which a gradient came the sums of |upstream|, |delta| and |delta|
            |input|, norms over its neurons, and the norm of the gradient, (4,); without the last,
            (3,), where it stands for itself. The tokens are what was looked up in the table of
            which most was, such as (samples, positions); None where nothing was.
        """

        def read(description: dict[str, Any]) -> tuple[Any, ...]:
            def is_wanted(name: str) -> bool:
                return name.rpartition("/")[2] in ("layer", "length", "tokens")

            arrays, notes = read_snapshot(self, step, description, is_wanted)
            names = snapshot_names(self, step, description)
            names = [n for n in names if n.endswith(("/weight.gradient", "/weight.moved"))]
            came = dict.fromkeys(name.rpartition("/")[0] for name in names)
            parts = ([arrays[f"{n}/layer"], arrays.get(f"{n}/length", [])] for n in came)
            tokens = [one for name, one in arrays.items() if name.endswith("/tokens")]
            most = max(tokens, key=lambda one: (one.size, one.ndim), default=None)
            return dict(zip(came, map(np.concatenate, parts), strict=True)), most, notes

        return steadily(self, read)

    def step_of(self, layer: str, step: int | None = None) -> int:
        """Return a step of which there is a full snapshot of a layer.

        Args:
            step: None for the last one.

        Raises:
            AddressError: none holds it, or that of this step does not.
            RunError: no step was kept, or a file is damaged.
        """
        known = self.kept_whole().get(layer, [])
        if not known and self.whole_steps:
            raise AddressError("error.layer_not_whole", layer=layer)
        if known and step not in (None, *known):
            took_part = step not in self.whole_steps or step in self.rows(layer)[0]
            key = "error.layer_not_whole_then" if took_part else "error.layer_not_in_step"
            told = {"layer": layer, "step": step, "near": _nearest(known, step)}
            raise AddressError(key, count=len(known), **told)
        if not known:
            raise RunError("error.watched_nothing", path=self.path)
        return known[-1] if step is None else step


def _nearest(steps: list[int], step: int) -> int:
    return min(steps, key=lambda one: abs(one - step))


def kept_checkpoints(path: Path, description: dict[str, Any]) -> list[int]:
    """Return the steps at which a run has a checkpoint, ascending."""
    told = description.get("checkpoints")  # of format 1 only the folder tells
    return numbered(path / "checkpoints") if told is None else sorted(map(int, told))


def find_runs(folder: Path) -> list[RunFolder]:
    """Return the runs directly inside a folder, newest first; what cannot be read is left out."""
    found = []
    for path in sorted(folder.glob("*/run.json")):
        try:
            run = RunFolder(path.parent)
            found.append((run.description["created"], run))
        except RunError:
            continue
    return [run for _, run in sorted(found, key=lambda pair: pair[0], reverse=True)]
