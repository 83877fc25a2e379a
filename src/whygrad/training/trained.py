"""A run of whygrad's own networks: its data, its checkpoints, and the network that came of it."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from whygrad.core.backprop import forward
from whygrad.core.nn.losses import gives_probabilities, predictions
from whygrad.core.nn.network import Network
from whygrad.data import unpack
from whygrad.data.table import Data
from whygrad.errors import InputError, RunError, unknown_name
from whygrad.record.description import PARTS, differences
from whygrad.record.folder import RunFolder, kept_checkpoints
from whygrad.record.reading import Described, steadily
from whygrad.record.schema import sound, trained
from whygrad.record.schema.arrays import MISFITS, refuse, sound_arrays
from whygrad.record.sealed import read_tensors
from whygrad.training import replay
from whygrad.training.checkpoint import Checkpoint, load_checkpoint, skeleton
from whygrad.training.evaluation import evaluate
from whygrad.training.loop import Task, prepare


class TrainedRun(RunFolder):
    """A run on disk, and what only a network of our own can do once it was trained.

    Args:
        path: the folder.
        described: its ``run.json``, where somebody has read it already.

    Raises:
        RunError: there is no run there, it is damaged, or of a newer format.
        InputError: it is that of a model that whygrad does not train.
    """

    def __init__(self, path: str | Path, *, described: Described | None = None):
        super().__init__(path, described=described)
        self.require("train")

    @classmethod
    def of(cls, run: RunFolder) -> "TrainedRun":
        """Return a run as this class has it, so that what it reads is read once.

        Raises:
            InputError: whygrad does not train it.
        """
        if isinstance(run, cls):
            return run
        kept = vars(run)
        if "trained" not in kept:
            kept["trained"] = trained = cls(run.path, described=run.described)
            trained.lines_read, trained.rows_read = run.lines_read, run.rows_read
        return kept["trained"]

    @cached_property
    def skeleton(self) -> Network:
        """The network's structure, with shapes in place of parameters."""
        return skeleton(self.description["network"])

    @cached_property
    def data(self) -> Data:
        """The data, as the network saw it; its fingerprint says that it still is."""
        path, run = self.path / "data.safetensors", self.description
        arrays, notes = read_tensors(path, may_lack=not self.is_sealed)
        described = sound(path, trained.DATA, notes)["description"]
        refuse(path, trained.data_agrees(run, described))
        sound_arrays(path, arrays, trained.data_forms(run, described))
        refuse(path, trained.data_values(arrays, described))
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

    def _checkpoint(self, step: int, description: dict[str, Any]) -> Checkpoint:
        path = self.path / "checkpoints" / f"{step}.safetensors"
        checksum = description.get("checkpoints", {}).get(str(step))
        if checksum is None and self.is_sealed:
            known = ", ".join(map(str, kept_checkpoints(self.path, description)))
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
        step = description.get("checkpoint")
        if step is None and description["state"] in ("finished", "stopped"):
            step = description.get("steps")
        if step is None:
            step = next(iter(kept_checkpoints(self.path, description)[::-1]), None)
        if step is None:
            raise RunError("error.run_without_checkpoint", path=self.path)
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
        for step in reversed(kept_checkpoints(self.path, description)):
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
        return replay.network_at(self, step)

    def predict(self, x: Any, *, step: int | None = None) -> "np.ndarray | list[tuple[str, ...]]":
        """Return predictions in the user's own terms: class names, labels or quantities.

        Args:
            x: rows as the data came: a DataFrame, or an array with the same columns.
            step: of the network, see :meth:`network_at`.
        """
        return self.data.encoder.answer(self.claims(x, step=step))

    def claims(self, x: Any, *, step: int | None = None) -> np.ndarray:
        """Return what the outputs claim, (m, n_out): probabilities, or standardised quantities."""
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

    def predict_proba(self, x: Any, *, step: int | None = None) -> np.ndarray:
        """Return the probability of each class or label, (m, classes), in the order of their names.

        Args:
            x: rows as the data came: a DataFrame, or an array with the same columns.
            step: of the network, see :meth:`network_at`.

        Raises:
            InputError: the run predicts numbers, or its outputs are no probabilities.
        """
        return self.as_probabilities(self.claims(x, step=step))

    def as_probabilities(self, claims: np.ndarray) -> np.ndarray:
        """Return :meth:`claims` with a column for each class or label, (m, classes).

        Raises:
            InputError: they are numbers, or scores.
        """
        if not self.gives_probabilities:
            raise InputError("error.no_probabilities", path=self.path)
        is_one = self.data.task == "binary" and claims.shape[1] == 1
        return np.concatenate([1 - claims, claims], axis=1) if is_one else claims

    @property
    def gives_probabilities(self) -> bool:
        """Whether the run tells classes or labels, each with its probability."""
        activation = self.skeleton.output_activation
        is_bounded = gives_probabilities(self.task.settings.loss, activation)
        return is_bounded and self.data.task != "numbers"
