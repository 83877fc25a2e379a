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
from whygrad.run.checkpoint import Checkpoint, load_checkpoint, skeleton
from whygrad.run.files import read_json, read_lines, read_tensors
from whygrad.settings import Settings
from whygrad.stepping import ROW_FIELDS
from whygrad.training import Task, prepare

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

FORMAT = 1
PARTS = ("train", "validation", "test")


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
        if self.description.get("format") != FORMAT:
            raise RunError(
                "error.run_format",
                path=self.path,
                expected=FORMAT,
                came=self.description.get("format"),
            )

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def description(self) -> dict[str, Any]:
        """``run.json`` as it is now."""
        return read_json(self.path / "run.json")

    @cached_property
    def settings(self) -> Settings:
        return Settings.from_dict(self._described("settings"))

    @cached_property
    def skeleton(self) -> Network:
        """The network's structure, with shapes in place of parameters."""
        return skeleton(self._described("network"))

    @cached_property
    def data(self) -> Data:
        """The data, as the network saw it."""
        from whygrad.data import unpack

        arrays, notes = read_tensors(self.path / "data.safetensors")
        return unpack(arrays, notes["description"])

    @cached_property
    def task(self) -> Task:
        return prepare(self.skeleton, self.data, self.settings)

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
        return max([*self.checkpoints[-1:], *recorded, *failed], default=0)

    def checkpoint(self, step: int) -> Checkpoint:
        """Read the checkpoint at ``step``."""
        path = self.path / "checkpoints" / f"{step}.safetensors"
        return load_checkpoint(path, self.skeleton, self.task.recipe)

    def last_checkpoint(self) -> Checkpoint:
        """Read the newest checkpoint that can be read.

        Raises:
            RunError: none can.
        """
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
        claimed = self.claims(x)
        if self.data.task == "classes":
            return self.data.decode(claimed.argmax(axis=1))
        if self.data.task == "binary":
            is_one = claimed.argmax(axis=1) if claimed.shape[1] == 2 else claimed[:, 0] > 0.5
            return self.data.decode(is_one.astype(int))
        return self.data.decode(claimed > 0.5 if self.data.task == "labels" else claimed)

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
        return read_lines(self.path / "history.jsonl")

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
            tensors, _ = read_tensors(self.path / "anatomy" / f"{first}.safetensors")
            steps.append(tensors["steps"])
            rows.append(tensors[layer])
        return np.concatenate(steps), np.concatenate(rows)

    def neurons(self, layer: str) -> "xr.Dataset":
        """Return what was recorded of a layer's neurons, over (step, neuron).

        Variables: upstream, slope, input, agreement (the factors, multiplying to the norm of each
        neuron's weight gradient), open (share of samples outside the flat region), weight_norm,
        update_norm, and signature (equal for clones).
        """
        import xarray as xr

        steps, rows = self.rows(layer)
        variables = {
            field: (("step", "neuron"), rows[:, position])
            for position, field in enumerate(ROW_FIELDS)
        }
        return xr.Dataset(variables, {"step": steps, "neuron": np.arange(rows.shape[2])})

    def _described(self, part: str) -> dict[str, Any]:
        if not isinstance(self.description.get(part), dict):
            raise RunError("error.run_file_damaged", path=self.path / "run.json")
        return self.description[part]


def find_runs(folder: Path) -> list[RunFolder]:
    """Return the runs directly inside a folder, newest first; what cannot be read is left out."""
    found = []
    for path in sorted(folder.glob("*/run.json")):
        try:
            found.append(RunFolder(path.parent))
        except RunError:
            continue
    return sorted(found, key=lambda run: run.description.get("created", ""), reverse=True)


def _numbered(folder: Path) -> list[int]:
    return sorted(int(p.stem) for p in folder.glob("*.safetensors") if p.stem.isdigit())
