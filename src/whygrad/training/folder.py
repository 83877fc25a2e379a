"""A run on disk, read: what it is, how it went, where it stands.

run.json                       what was asked for, how far it came, how it ended
data.safetensors               the data as the network saw it, so that a run stands alone
history.jsonl                  one line a recorded step or ended epoch
anatomy/<step>.safetensors     recorded rows of every neuron, a file a segment
checkpoints/<step>.safetensors everything needed to go on, or to replay, from there
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.core.nn.losses import predictions
from whygrad.core.nn.network import Network
from whygrad.data.table import Data
from whygrad.errors import InputError, RunError, StalledError, unknown_name
from whygrad.record.description import PARTS, read_description
from whygrad.record.fields import ROW_FIELDS
from whygrad.record.files import reading
from whygrad.record.schema import sound
from whygrad.record.schema.arrays import MISFITS, refuse, sound_arrays, steps_ascend
from whygrad.record.sealed import read_tensors
from whygrad.record.steady import check_recorded, is_sealed, lines_of, numbered, steadily
from whygrad.record.versions import differences
from whygrad.settings import Settings
from whygrad.training import arrays as own_arrays
from whygrad.training import schema as own
from whygrad.training.checkpoint import Checkpoint, load_checkpoint, skeleton
from whygrad.training.evaluation import evaluate
from whygrad.training.loop import Task, prepare

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


class RunFolder:
    """A run on disk. Reading never changes it, and it may be written meanwhile.

    Args:
        path: the folder.

    Raises:
        RunError: there is no run there, it is damaged, or of a newer format.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._recorded: tuple[Any, list[int]] = (None, [])
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
        return sound(self.path / "run.json", own.RUN, read_description(self.path))

    @cached_property
    def is_sealed(self) -> bool:
        """Whether the run was written with checksums, so that whatever is read is verified."""
        return is_sealed(self)

    @cached_property
    def settings(self) -> Settings:
        return Settings.from_dict(self.description["settings"])

    @cached_property
    def skeleton(self) -> Network:
        """The network's structure, with shapes in place of parameters."""
        return skeleton(self.description["network"])

    @property
    def layers(self) -> list[str]:
        """The names of the layers, first to last."""
        return list(self.skeleton.layers)

    @cached_property
    def data(self) -> Data:
        """The data, as the network saw it; its fingerprint says that it still is."""
        from whygrad.data import unpack

        path, run = self.path / "data.safetensors", self.description
        arrays, notes = read_tensors(path, may_lack=not self.is_sealed)
        described = sound(path, own.DATA, notes)["description"]
        refuse(path, own_arrays.data_agrees(run, described))
        sound_arrays(path, arrays, own_arrays.data_forms(run, described))
        refuse(path, own_arrays.data_values(arrays, described))
        data = unpack(arrays, described)
        if data.fingerprint != run["data"]["fingerprint"]:
            raise RunError("error.run_other_data", path=path)
        return data

    @cached_property
    def task(self) -> Task:
        skeleton, data, settings = self.skeleton, self.data, self.settings
        try:
            return prepare(skeleton, data, settings)
        except InputError as error:  # they did fit together when the run began
            path = self.path / "run.json"
            raise RunError("error.run_does_not_fit", path=path, problem=error) from error

    @property
    def checkpoints(self) -> list[int]:
        """Steps at which there is a checkpoint, ascending."""
        return self._kept(self.description)

    @property
    def blew_up(self) -> bool:
        """Whether a number that was not finite stopped the run, and not that nothing moved."""
        description = self.description
        kind = (description.get("failure") or {}).get("kind")
        return description["state"] == "failed" and kind != StalledError.__name__

    @property
    def steps(self) -> int:
        """How many steps the run has taken, a failed one included, as far as its files tell."""
        recorded = [line["step"] + 1 for line in self.history_lines[-1:]]
        failed = [self.description["steps"] + 1] if self.blew_up else []
        taken = max([*self.checkpoints[-1:], *recorded, *failed], default=0)
        return min(taken, self.task.total_steps)

    def checkpoint(self, step: int) -> Checkpoint:
        """Read the checkpoint at ``step``.

        Raises:
            RunError: it was not kept, is missing or damaged, or of other versions.
        """
        return steadily(self, lambda description: self._checkpoint(step, description))

    def last_checkpoint(self) -> Checkpoint:
        """Read the checkpoint at which the run stands, as run.json says, and no other.

        Raises:
            RunError: it is missing or damaged; which one is sound is told.
        """
        return steadily(self, self._last_checkpoint)

    def sound_checkpoint(self) -> Checkpoint:
        """Read the newest checkpoint that is sound, to go on from there.

        Raises:
            RunError: none is.
        """
        return steadily(self, self._sound_checkpoint)

    def _kept(self, description: dict[str, Any]) -> list[int]:
        told = description.get("checkpoints")  # of format 1 only the folder tells
        return numbered(self.path / "checkpoints") if told is None else sorted(map(int, told))

    def _stands_at(self, description: dict[str, Any]) -> int:
        if "checkpoint" in description:
            return description["checkpoint"]
        if description["state"] in ("finished", "stopped") and "steps" in description:
            return description["steps"]
        kept = self._kept(description)
        if not kept:
            raise RunError("error.run_without_checkpoint", path=self.path)
        return kept[-1]

    def _checkpoint(self, step: int, description: dict[str, Any]) -> Checkpoint:
        path = self.path / "checkpoints" / f"{step}.safetensors"
        checksum = description.get("checkpoints", {}).get(str(step))
        if checksum is None and self.is_sealed:
            known = ", ".join(map(str, self._kept(description)))
            raise RunError("error.no_checkpoint", path=self.path, step=step, known=known)
        try:
            return load_checkpoint(path, step, self.skeleton, self.task.config, checksum)
        except RunError as error:
            versions = differences(description)
            if error.key in MISFITS and versions:
                key = "error.checkpoint_of_other_versions"
                raise RunError(key, path=path, **versions) from error
            raise

    def _last_checkpoint(self, description: dict[str, Any]) -> Checkpoint:
        assert self.task, "what is wrong with the run itself is no fault of its checkpoints"
        step = self._stands_at(description)
        try:
            return self._checkpoint(step, description)
        except RunError as error:
            if error.key == "error.checkpoint_of_other_versions":
                raise
            sound = int(self._sound_checkpoint(description).state.step)
            path = self.path / "checkpoints" / f"{step}.safetensors"
            raise RunError("error.last_checkpoint", path=path, step=step, sound=sound) from error

    def _sound_checkpoint(self, description: dict[str, Any]) -> Checkpoint:
        assert self.task, "what is wrong with the run itself is no fault of its checkpoints"
        for step in reversed(self._kept(description)):
            try:
                return self._checkpoint(step, description)
            except RunError:
                continue
        raise RunError("error.run_without_checkpoint", path=self.path)

    @cached_property
    def network(self) -> Network:
        """The trained network: the best one where training may stop early, else the last."""
        last = self.last_checkpoint()
        return last.best.network if last.best is not None else last.state.network

    def network_at(self, step: int | None) -> Network:
        """Return the network after ``step`` steps: the one that step number ``step`` starts from.

        Args:
            step: from 0, the start, to :attr:`steps`; None for :attr:`network`.

        Raises:
            AddressError: the run has not taken so many steps.
            RunError: the steps do not replay as they were recorded.
        """
        if step is None:
            return self.network
        from whygrad.training.replay import network_at

        return network_at(self, step)

    def predict(self, x: Any, *, step: int | None = None) -> "np.ndarray | list[tuple[str, ...]]":
        """Return predictions in the user's own terms: class names, labels or quantities.

        Args:
            x: rows as the data came: a DataFrame, or an array with the same columns.
            step: of the network, see :meth:`network_at`.
        """
        return self.data.encoder.answer(self.claims(x, step=step))

    def claims(self, x: Any, *, step: int | None = None) -> np.ndarray:
        """Return what the outputs claim, (m, n_out): probabilities, or standardised quantities."""
        from whygrad.core.backprop import forward

        network = self.network_at(step)
        output = forward(network, self.data.encode(x)).output
        return np.asarray(predictions(self.task.settings.loss, network.output_activation, output))

    def evaluate(self, part: str = "test", *, step: int | None = None) -> dict[str, float]:
        """Return loss and measures on a part of the data: ``train``, ``validation`` or ``test``.

        Args:
            step: of the network, see :meth:`network_at`.

        Raises:
            OptionError: no such part.
            RunError: the part has no samples.
        """
        if part not in PARTS:
            raise unknown_name("part", part, PARTS)
        of_data = getattr(self.data, part)
        if not len(of_data.x):
            raise RunError("error.empty_part", part=part)
        network = self.network_at(step)
        return evaluate(network, of_data.x, of_data.y, self.task.settings.loss, self.data.task)

    @property
    def history_lines(self) -> list[dict[str, Any]]:
        """The history as it stands in the file, one entry a recorded step or ended epoch."""
        return lines_of(self, "history", own.line_of)

    @property
    def history(self) -> "pd.DataFrame":
        """A row a recorded step or ended epoch, in order: step, epoch, loss, and the measures."""
        import pandas as pd

        columns = ["step", "epoch", "loss"]
        return pd.DataFrame(self.history_lines or {name: [] for name in columns})

    def rows(self, layer: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the recorded steps (recorded,), and the rows (recorded, fields, n_out).

        Raises:
            RunError: a file of rows is damaged, or missing for what the history tells.
        """
        return steadily(self, lambda description: self._rows(layer, description))

    def row(self, layer: str, step: int) -> np.ndarray | None:
        """Return what was recorded of a layer at one step, (fields, n_out), or None."""
        return steadily(self, lambda description: self._row(layer, step, description))

    def _rows(self, layer: str, description: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        recorded = self._recorded_steps(description)  # before the rows: there may soon be more
        n_out = self.skeleton[layer].n_out
        steps, rows = [np.empty(0, int)], [np.empty((0, len(ROW_FIELDS), n_out), np.float32)]
        for first in numbered(self.path / "anatomy"):
            some_steps, some_rows = self._rows_of_file(first, layer)
            steps.append(some_steps)
            rows.append(some_rows)
        found = np.concatenate(steps)
        check_recorded(self, recorded, found.tolist())
        return found, np.concatenate(rows)

    def _row(self, layer: str, step: int, description: dict[str, Any]) -> np.ndarray | None:
        for first in [first for first in numbered(self.path / "anatomy") if first <= step][-1:]:
            steps, rows = self._rows_of_file(first, layer)
            place = np.flatnonzero(steps == step)
            if len(place):
                return rows[place[0]]
        if step in self._recorded_steps(description):
            self._rows(layer, description)  # tells which file is missing
        return None

    def _rows_of_file(self, first: int, layer: str) -> tuple[np.ndarray, np.ndarray]:
        path = self.path / "anatomy" / f"{first}.safetensors"
        tensors, _ = read_tensors(path, ("steps", layer), may_lack=not self.is_sealed)
        run, neurons = self.description, {layer: self.skeleton[layer].n_out}
        recorded = tensors["steps"].size if "steps" in tensors else 0
        forms = own_arrays.rows_forms(neurons, recorded, run["network"]["dtype"])
        sound_arrays(path, tensors, forms)
        every, below = run["settings"]["record_every"], own.total_steps(run)
        refuse(path, steps_ascend(tensors["steps"], first=first, below=below, every=every))
        return tensors["steps"], tensors[layer]

    def _recorded_steps(self, description: dict[str, Any]) -> list[int]:
        """Return the steps that were recorded, by the lines that run.json counts.

        The history is read once, unless it grew.
        """
        counted = description.get("lines", {}).get("history")
        path = self.path / "history.jsonl"
        with reading(path):
            told = path.stat() if self.is_sealed or path.exists() else None
        key = None if told is None else (counted, told.st_ino, told.st_size, told.st_mtime_ns)
        if self._recorded[0] != key:
            every = self.settings.record_every
            steps = [line["step"] for line in self.history_lines[:counted]]
            self._recorded = (key, [step for step in steps if every and step % every == 0])
        return self._recorded[1]

    def neurons(self, layer: str) -> "xr.Dataset":
        """Return what was recorded of a layer's neurons, over (step, neuron).

        Variables: upstream, slope, input, agreement (the factors, multiplying to the norm of each
        neuron's weight gradient), open (share of samples outside the flat region), and signature
        (equal for clones; of the neuron after the step).
        """
        import xarray as xr

        steps, rows = self.rows(layer)
        variables = {
            field: (("step", "neuron"), rows[:, position])
            for position, field in enumerate(ROW_FIELDS)
        }
        return xr.Dataset(variables, {"step": steps, "neuron": np.arange(rows.shape[2])})


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
