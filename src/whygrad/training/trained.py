"""A run of whygrad's own networks: its data, its checkpoints, and the network that came of it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from whygrad.core.backprop import forward
from whygrad.core.nn.losses import gives_probabilities, predictions
from whygrad.core.nn.network import Network
from whygrad.data import unpack
from whygrad.data.matching import Substitutions
from whygrad.data.notes import Note
from whygrad.data.rows import most_rows
from whygrad.data.table import Data, Part
from whygrad.errors import InputError, OptionError, RunError, unknown_name
from whygrad.record.description import PARTS, differences, engine_of
from whygrad.record.folder import RunFolder, kept_checkpoints
from whygrad.record.naming import Names
from whygrad.record.reading import Described, steadily
from whygrad.record.schema import sound, trained
from whygrad.record.schema.arrays import MISFITS, refuse, sound_arrays
from whygrad.record.sealed import read_tensors
from whygrad.training import replay
from whygrad.training.checkpoint import Checkpoint, load_checkpoint, skeleton
from whygrad.training.evaluation import ROWS_AT_ONCE, claims_by_piece, evaluate
from whygrad.training.loop import Task, prepare
from whygrad.training.measures import Measures, Tally, constant_answer, tally_of
from whygrad.training.measures.tally import Asked


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
        return skeleton(self.description["network"], engine_of(self.description))

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
    def names(self) -> Names:
        """What the data call the network's inputs and outputs."""
        outputs = self.data.target_names
        return Names(self.data.feature_names, outputs[-self.data.n_out :])

    @cached_property
    def task(self) -> Task:
        skeleton, data, settings = self.skeleton, self.data, self.settings
        try:
            return prepare(skeleton, data, settings, engine_of(self.description))
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
        blocks = self.claims_in_blocks([x], step=step)
        return np.concatenate([claims for _, claims in blocks])

    def claims_in_blocks(
        self, blocks: Iterable[Any], *, step: int | None = None, told: Substitutions | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield inputs (m, n_in) and what the outputs claim of them (m, n_out), as rows come.

        The blocks that go in are encoded one after the other; those that come out have the rows in
        the same order, and as many rows each, so that the network is compiled once.

        Args:
            blocks: rows as the data came.
            step: of the network, see :meth:`network_at`.
            told: takes in what stands in for cells that are not as in training; without it a
                warning says so.
        """
        network, loss = self.network_at(step), self.task.settings.loss
        encoder = self.data.encoder
        encoded = (encoder.encode(block, told) for block in blocks)
        for x in of_one_length(encoded, min(ROWS_AT_ONCE, most_rows(encoder))):
            output = forward(network, x).output
            yield x, np.asarray(predictions(loss, network.output_activation, output))

    def evaluate(
        self, part: str = "test", *, step: int | None = None, weighted: bool = False
    ) -> dict[str, float]:
        """Return loss and measures on a part of the data: ``train``, ``validation`` or ``test``.

        Args:
            step: of the network, see :meth:`network_at`.
            weighted: count rows by the weights that they were trained with; else each counts once.

        Raises:
            OptionError: no such part, or weights where the run has none.
            RunError: the part has no samples.
        """
        of_data, network = self._filled(part), self.network_at(step)
        weight, loss = self._weight(of_data) if weighted else None, self.task.settings.loss
        return evaluate(network, of_data.x, of_data.y, loss, self.data.task, weight)

    def measures(
        self, part: str = "test", *, step: int | None = None, weighted: bool = False
    ) -> Measures:
        """Return how good the predictions are on a part of the data, beside a baseline.

        Args:
            part: ``train``, ``validation`` or ``test``.
            step: of the network, see :meth:`network_at`.
            weighted: count rows by the weights that they were trained with; else each counts once.

        Raises:
            OptionError: no such part, or weights where the run has none.
            RunError: the part has no samples.
            InputError: none of them has a weight.
            NonFiniteError: the outputs overflow.
        """
        return self.measures_of(self.network_at(step), part, weighted=weighted)

    def measures_of(self, network: Network, part: str, *, weighted: bool = False) -> Measures:
        """Return how good the predictions of a network of this run are; see :meth:`measures`."""
        of_data, loss = self._filled(part), self.task.settings.loss
        weight = self._weight(of_data) if weighted else None
        tally = self.tally(weighted=weighted)
        for rows, claims in claims_by_piece(network, of_data.x, loss):
            tally.add(claims, of_data.y[rows], None if weight is None else weight[rows])
        measures = tally.measures(part)
        if weighted or of_data.sample_weight is None:
            return measures
        return replace(measures, notes=(*measures.notes, Note("measures.note.unweighted", {})))

    def _weight(self, part: Part) -> np.ndarray:
        if part.sample_weight is None:
            raise OptionError("error.no_sample_weights", path=self.path)
        return part.sample_weight

    def tally(self, *, weighted: bool = False) -> Tally:
        """Return an empty tally, to which claims and targets of any rows can be added.

        Args:
            weighted: whether the baseline is that of the weighted training part.
        """
        data, weight = self.data, self.data.train.sample_weight if weighted else None
        constant = constant_answer(data.task, data.train.y, weight)
        names, are_probabilities = data.target_names, self.gives_probabilities
        asked = Asked(data.task, names, constant, are_probabilities=are_probabilities)
        if data.task == "numbers":
            encoder = data.encoder
            asked = replace(asked, mean=encoder.target_mean, scale=encoder.target_scale)
        return tally_of(asked)

    @property
    def held_out(self) -> str:
        """The part that says most about new rows: the last that has samples, ``test`` by right."""
        return next(part for part in reversed(PARTS) if len(getattr(self.data, part).x))

    def _filled(self, part: str) -> Part:
        """Return a part of the data that has samples.

        Raises:
            OptionError: no such part.
            RunError: it has none.
        """
        if part not in PARTS:
            raise unknown_name("part", part, PARTS)
        of_data = getattr(self.data, part)
        if not len(of_data.x):
            raise RunError("error.empty_part", part=part)
        return of_data

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


def of_one_length(blocks: Iterable[np.ndarray], rows: int) -> Iterator[np.ndarray]:
    """Yield the rows of some blocks in blocks of ``rows`` each, the last one shorter.

    Without any row, one block without rows comes, if any did.
    """
    waiting: list[np.ndarray] = []
    begun = False
    for block in blocks:
        begun = begun or len(block) > 0
        waiting.append(block)
        if sum(map(len, waiting)) >= rows:
            joined = np.concatenate(waiting) if len(waiting) > 1 else block
            whole = len(joined) - len(joined) % rows
            yield from (joined[start : start + rows] for start in range(0, whole, rows))
            waiting = [joined[whole:]]
    if waiting and (sum(map(len, waiting)) or not begun):
        yield np.concatenate(waiting)
