"""A run on disk, read: what it is, how it went, where it stands.

run.json                       what was asked for, how far it came, how it ended
data.safetensors               the data as the network saw it, so that a run stands alone
history.jsonl                  one line a recorded step or ended epoch
anatomy/<step>.safetensors     recorded rows of every neuron, a file a stretch
checkpoints/<step>.safetensors everything needed to go on, or to replay, from there
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.data.table import Data
from whygrad.errors import RunError
from whygrad.evaluation import evaluate
from whygrad.network.losses import predictions
from whygrad.network.model import Network
from whygrad.recording import ROW_FIELDS
from whygrad.run.checkpoint import Checkpoint, load_checkpoint, skeleton
from whygrad.run.description import FORMAT, is_sound
from whygrad.run.files import read_json, read_lines, read_tensors, reading
from whygrad.settings import Settings
from whygrad.training import Task, prepare

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
        if not (self.path / "run.json").is_file():
            raise RunError("error.no_run", path=self.path)
        came = read_json(self.path / "run.json").get("format")
        if came != FORMAT:
            raise RunError("error.run_format", path=self.path, expected=FORMAT, came=came)
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
        content = read_json(self.path / "run.json")
        if not is_sound(content):
            raise RunError("error.run_file_damaged", path=self.path / "run.json")
        return content

    @cached_property
    def settings(self) -> Settings:
        with reading(self.path / "run.json"):
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

        path = self.path / "data.safetensors"
        arrays, notes = read_tensors(path)
        with reading(path):
            data = unpack(arrays, notes["description"])
            if data.fingerprint != self.description["data"]["fingerprint"]:
                raise ValueError("not the data that the run was begun with")
        return data

    @cached_property
    def task(self) -> Task:
        skeleton, data, settings = self.skeleton, self.data, self.settings
        with reading(self.path / "run.json"):  # they did fit together when the run began
            return prepare(skeleton, data, settings)

    @property
    def checkpoints(self) -> list[int]:
        """Steps at which there is a checkpoint, ascending."""
        return _numbered(self.path / "checkpoints")

    @property
    def steps(self) -> int:
        """How many steps the run has taken, a failed one included, as far as its files tell."""
        recorded = [line["step"] + 1 for line in self.history_lines[-1:]]
        description = self.description
        failed = [description["steps"] + 1] if description["state"] == "failed" else []
        taken = max([*self.checkpoints[-1:], *recorded, *failed], default=0)
        return min(taken, self.task.total_steps)

    def checkpoint(self, step: int) -> Checkpoint:
        """Read the checkpoint at ``step``."""
        path = self.path / "checkpoints" / f"{step}.safetensors"
        checkpoint = load_checkpoint(path, self.skeleton, self.task.recipe)
        if int(checkpoint.state.step) != step:
            raise RunError("error.run_file_damaged", path=path)
        return checkpoint

    def last_checkpoint(self) -> Checkpoint:
        """Read the newest checkpoint that can be read.

        Raises:
            RunError: none can.
        """
        assert self.task, "what is wrong with the run itself is no fault of its checkpoints"
        for step in reversed(self.checkpoints):
            try:
                return self.checkpoint(step)
            except RunError:
                continue
        raise RunError("error.run_without_checkpoint", path=self.path)

    @cached_property
    def network(self) -> Network:
        """The trained network: the best one where training may stop early, else the last."""
        last = self.last_checkpoint()
        return last.best.network if last.best is not None else last.state.network

    def predict(self, x: Any) -> "np.ndarray | list[tuple[str, ...]]":
        """Return predictions in the user's own terms: class names, labels or quantities.

        Args:
            x: rows as the data came: a DataFrame, or an array with the same columns.
        """
        return self.data.encoder.answer(self.claims(x))

    def claims(self, x: Any) -> np.ndarray:
        """Return what the outputs claim, (m, n_out): probabilities, or standardised quantities."""
        from whygrad.backprop import forward

        output = forward(self.network, self.data.encode(x)).output
        return np.asarray(
            predictions(self.task.settings.loss, self.network.output_activation, output)
        )

    def evaluate(self, part: str = "test") -> dict[str, float]:
        """Return loss and measures on a part of the data: ``train``, ``validation`` or ``test``.

        Raises:
            RunError: the part has no samples.
        """
        of_data = getattr(self.data, part)
        if not len(of_data.x):
            raise RunError("error.empty_part", part=part)
        return evaluate(self.network, of_data.x, of_data.y, self.task.settings.loss, self.data.task)

    @property
    def history_lines(self) -> list[dict[str, Any]]:
        """The history as it stands in the file, one entry a recorded step or ended epoch."""
        path = self.path / "history.jsonl"
        lines = read_lines(path)
        with reading(path):
            if not all(_is_of_history(line) for line in lines):
                raise TypeError("a line that no run wrote")
        return lines

    @property
    def history(self) -> "pd.DataFrame":
        """A row a recorded step or ended epoch, in order: step, epoch, loss, and the measures."""
        import pandas as pd

        columns = ["step", "epoch", "loss"]
        return pd.DataFrame(self.history_lines or {name: [] for name in columns})

    def rows(self, layer: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the recorded steps (recorded,), and the rows (recorded, fields, n_out)."""
        n_out = self.skeleton[layer].n_out
        steps, rows = [np.empty(0, int)], [np.empty((0, len(ROW_FIELDS), n_out), np.float32)]
        for first in _numbered(self.path / "anatomy"):
            some_steps, some_rows = self._rows_of_file(first, layer)
            steps.append(some_steps)
            rows.append(some_rows)
        return np.concatenate(steps), np.concatenate(rows)

    def row(self, layer: str, step: int) -> np.ndarray | None:
        """Return what was recorded of a layer at one step, (fields, n_out), or None."""
        before = [first for first in _numbered(self.path / "anatomy") if first <= step]
        if not before:
            return None
        steps, rows = self._rows_of_file(before[-1], layer)
        place = np.flatnonzero(steps == step)
        return rows[place[0]] if len(place) else None

    def _rows_of_file(self, first: int, layer: str) -> tuple[np.ndarray, np.ndarray]:
        path = self.path / "anatomy" / f"{first}.safetensors"
        tensors, _ = read_tensors(path, ("steps", layer))
        shape = (len(tensors["steps"]), len(ROW_FIELDS), self.skeleton[layer].n_out)
        with reading(path):
            return tensors["steps"], tensors[layer].reshape(shape)

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


def _numbered(folder: Path) -> list[int]:
    return sorted(int(p.stem) for p in folder.glob("*.safetensors") if p.stem.isdecimal())


def _is_of_history(line: Any) -> bool:
    is_numbers = all(type(value) in (int, float) for value in line.values())
    return is_numbers and type(line.get("step")) is int and {"epoch", "loss"} <= line.keys()
