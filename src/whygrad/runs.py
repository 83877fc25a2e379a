"""A run as a Python user has it: what was recorded, what came out, and why."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.errors import OptionError, RunError
from whygrad.record.folder import RunFolder
from whygrad.record.merging import merge_ranks
from whygrad.record.reading import Described
from whygrad.words.visible import visible

if TYPE_CHECKING:
    from whygrad.core.backprop import LayerAnatomy
    from whygrad.core.nn.network import Network
    from whygrad.data.table import Data
    from whygrad.doctor.diagnosis import Diagnosis
    from whygrad.explain import Ledger
    from whygrad.explain.looking import Looks
    from whygrad.interop.exporting import Exported
    from whygrad.lab.page import Lab
    from whygrad.record.coverage import Coverage
    from whygrad.training.checking import Checked
    from whygrad.training.checkpoint import Checkpoint
    from whygrad.training.loop import Task
    from whygrad.training.measures import Measures
    from whygrad.training.trained import TrainedRun


class Run(RunFolder):
    """A run: what was trained or watched, how it went, and why its parameters move.

    ``run.history`` and ``run.neurons(layer)`` hold what was recorded, ``run.why(address)``
    explains and ``run.doctor()`` diagnoses. Of a network that whygrad trained, ``run.network``,
    ``run.predict(x)`` and ``run.evaluate()`` are what came out; the run of a watched model holds
    no network, and says so: ``run.can("network")``.
    """

    def __init__(self, path: str | Path, *, described: Described | None = None):
        super().__init__(path, described=described)
        told = self.description
        if "rank" in told and any("sharded" in layer for layer in told["layers"].values()):
            one = {"rank": told["rank"], "ranks": told["ranks"]}
            raise RunError("error.run_of_shard", path=self.path, whole=self.path.parent, **one)

    def why(
        self,
        address: str,
        *,
        step: int | None = None,
        sample: int | None = None,
        text_of: Callable[[list[int]], str] | None = None,
    ) -> "Ledger":
        """Explain a weight, a bias, a neuron or a layer at a step.

        Args:
            address: ``hidden1.weight[5, 3]``, ``hidden1.bias[3]``, ``hidden1[3]`` or ``hidden1``;
                inputs and outputs by name too, ``hidden1.weight[age, 3]``, in quotes where a name
                holds a comma, a bracket or a quote, or is a number: ``output.bias["7"]``;
                of a watched model ``encoder.layers.0.linear1.weight[5, 3]`` in its own names and
                order of axes.
            step: number of the step; default: the last one. Of a watched model one from
                ``run.whole_steps``.
            sample: row of the training part; then the chain for this one sample is shown too.
            text_of: makes text of tokens, such as a tokenizer's ``decode``, for the rows that
                pull at a watched model that reads tokens.

        Raises:
            AddressError: no such parameter, step or sample, or a sample of a watched model.
            RunError: the step does not replay as it was recorded.
        """
        from whygrad.explain import explain

        return explain(self, address, step=step, sample=sample, text_of=text_of)

    def anatomy(self, step: int | None = None) -> "dict[str, LayerAnatomy]":
        """Return the anatomy of each layer at a step; :func:`whygrad.factors` takes each.

        Of a watched model: of the layers whose rows were kept. A row is a sample, or a sample at a
        position. Upstream and delta are per row, before the mean over all rows.

        Args:
            step: number of the step; default: the last one, of a watched model the last from
                ``run.whole_steps``.

        Raises:
            AddressError: there is no such step, or no full snapshot of it.
        """
        if not self.can("replay"):
            from whygrad.explain.anatomy import anatomy_of_snapshot

            return anatomy_of_snapshot(self, step)
        from whygrad.training.replay import replay

        replayed = replay(self.trained, self.steps - 1 if step is None else step)
        return dict(replayed.seen.anatomy.layers)

    def doctor(self, *, verify: bool = False, budget: float = 60.0) -> "Diagnosis":
        """Say why the network does not learn, or that it does; printing the result tells it.

        Args:
            verify: try the remedies beside the original, from several seeds.
            budget: seconds after which no new trial begins.

        Raises:
            OptionError: remedies of a watched model are to be tried.
            RunError: nothing was recorded.
        """
        from whygrad.doctor.asking import diagnose_run

        return diagnose_run(self, verify=verify, budget=budget)

    def worth_a_look(self, count: int = 5) -> "Looks":
        """Return what most deserves a look: neurons, layers and steps unlike their peers.

        Printing the result tells it; ``why`` takes the address of each.

        Args:
            count: at most so many, ≥ 1.

        Raises:
            OptionError: the count is out of range.
            RunError: what was recorded is damaged.
        """
        from whygrad.explain.looking import worth_a_look

        return worth_a_look(self, count)

    def coverage(self) -> "Coverage":
        """Return how much of the model is taken apart, and why the rest is not.

        ``.share`` counts the parameters that a gradient came to, 0 to 1; ``.missing`` is a sentence
        for each of the others, by name. Of whygrad's own networks nothing is missing.
        """
        from whygrad.record.coverage import coverage_of

        return coverage_of(self.description)

    def check(self) -> "Checked":
        """Verify the folder whole: every file, every tensor, every line.

        Printing the result tells what is wrong, file by file.
        """
        from whygrad.training.checking import check_run

        return check_run(self.path)

    def report(
        self,
        out: str | Path | None = None,
        *,
        lab: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> Path:
        """Write the run as one self-contained HTML page and return its path.

        Beside it stands the lab over the run, ``report-lab.html`` beside ``report.html``: the page
        links each finding, each ledger and each timeline to what it tells of.

        Args:
            out: the file; default: ``report.html`` in the run's folder.
            lab: whether the lab is written; without it, and where nothing was recorded, the page
                has no links.
            progress: called with how many parts are done, and how many there are.
        """
        from whygrad.lab.page import as_page
        from whygrad.render.report import write_report

        def over_this(linked: Mapping[int, bool]) -> str:
            return as_page(run=self, only=(), linked=linked)

        page = Path(out) if out else self.path / "report.html"
        return write_report(self, page, lab=over_this if lab else None, progress=progress)

    def lab(
        self,
        out: str | Path | None = None,
        *,
        steps: Sequence[int] | None = None,
        lang: str | None = None,
    ) -> "Lab":
        """Return the lab over this run: its recorded steps, every number in its formula.

        In a notebook the page shows itself; elsewhere it is written.

        Args:
            out: the file; default: ``lab.html`` in the run's folder, and none in a notebook.
            steps: the recorded steps to hold whole, with their samples and weights; default: a
                few that are worth a look.
            lang: ``en`` or ``zh``; default: that of the reader's browser.

        Raises:
            OptionError: more steps were asked for than fit into the page.
            AddressError: a step was not recorded, or nothing was kept of it to be shown whole.
            RunError: nothing was recorded, the run is damaged, or a step does not replay.
        """
        from whygrad.lab.page import is_notebook, lab

        path = self.path / "lab.html" if out is None and not is_notebook() else out
        return lab(run=self, steps=steps, out=path, lang=lang)

    def __repr__(self) -> str:
        description = self.description
        what = description["data"]["name"] if self.can("data") else description["model"]
        return visible(f"Run({str(self.path)!r}, {what}, {description['state']})")

    def _repr_html_(self) -> str:
        from whygrad.render.run import as_html

        return as_html(self)

    # --- of a network that whygrad trained ----------------------------------------------------

    @cached_property
    def trained(self) -> "TrainedRun":
        """The run with its data, checkpoints and network.

        Raises:
            OptionError: whygrad did not train it.
        """
        self.require("network")
        from whygrad.training.trained import TrainedRun

        return TrainedRun.of(self)

    @property
    def network(self) -> "Network":
        """The trained network: the best one where training may stop early, else the last.

        Its parameters are JAX's, whoever took the steps.

        Raises:
            RunError: they are of float64, and JAX is set to float32.
        """
        return _on_device(self.trained.network)

    def network_at(self, step: int | None) -> "Network":
        """Return the network after ``step`` steps: the one that step number ``step`` starts from.

        Args:
            step: from 0, the start, to :attr:`steps`; None for :attr:`network`.

        Raises:
            AddressError: the run has not taken so many steps.
            RunError: the steps do not replay as they were recorded.
        """
        return _on_device(self.trained.network_at(step))

    @property
    def data(self) -> "Data":
        """The data, as the network saw it; its fingerprint says that it still is."""
        return self.trained.data

    def predict(self, x: Any, *, step: int | None = None) -> "np.ndarray | list[tuple[str, ...]]":
        """Return predictions in the user's own terms: class names, labels or quantities.

        Missing numbers and dates are filled as in training, categories that it never saw have no
        input; a warning counts what training did not meet, and says in which rows.

        Args:
            x: rows as the data came: a DataFrame, a dict of columns or an Arrow table, in any order
                of columns; or an array with the same columns.
            step: of the network, see :meth:`network_at`.

        Raises:
            InputError: a column is missing or of another kind, or a value is not finite.
        """
        return self.trained.predict(x, step=step)

    def predict_proba(self, x: Any, *, step: int | None = None) -> np.ndarray:
        """Return the probability of each class or label, (m, classes), in the order of their names.

        Args:
            x: rows as :meth:`predict` takes them.
            step: of the network, see :meth:`network_at`.

        Raises:
            InputError: the run predicts numbers, or its outputs are no probabilities; or the rows
                are not as :meth:`predict` takes them.
        """
        return self.trained.predict_proba(x, step=step)

    @property
    def gives_probabilities(self) -> bool:
        """Whether the run tells classes or labels, each with its probability."""
        return self.trained.gives_probabilities

    def as_probabilities(self, claims: np.ndarray) -> np.ndarray:
        """Return :meth:`claims` with a column for each class or label, (m, classes).

        Raises:
            InputError: they are numbers, or scores.
        """
        return self.trained.as_probabilities(claims)

    def claims(self, x: Any, *, step: int | None = None) -> np.ndarray:
        """Return what the outputs claim, (m, n_out): probabilities, or standardised quantities."""
        return self.trained.claims(x, step=step)

    def evaluate(
        self, part: str = "test", *, step: int | None = None, weighted: bool = False
    ) -> dict[str, float]:
        """Return loss and measures on a part of the data: ``train``, ``validation`` or ``test``.

        ``loss``, ``accuracy`` or ``r2`` as the run recorded them, then what :meth:`measures` tells
        in single numbers.

        Args:
            step: of the network, see :meth:`network_at`.
            weighted: count rows by the weights that they were trained with; else each counts once.

        Raises:
            OptionError: no such part, or weights where the run has none.
            RunError: the part has no samples.
        """
        recorded = self.trained.evaluate(part, step=step, weighted=weighted)
        measures = self.trained.measures(part, step=step, weighted=weighted)
        return recorded | measures.figures | recorded

    def measures(
        self, part: str = "test", *, step: int | None = None, weighted: bool = False
    ) -> "Measures":
        """Return how good the predictions are on a part of the data, beside a baseline.

        Printing the result tells it: of classes and labels accuracy, balanced accuracy, F1, AUC,
        confusions and calibration; of numbers R² and the mean absolute error in their unit.

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
        return self.trained.measures(part, step=step, weighted=weighted)

    def export(
        self,
        out: str | Path | None = None,
        *,
        format: str | None = None,
        step: int | None = None,
    ) -> "Exported":
        """Write the trained network, with its preparation of raw rows, for use elsewhere.

        Args:
            out: the file; default: ``model.onnx``, or what ``format`` asks for, in the run's
                folder.
            format: ``onnx``, ``safetensors`` or ``torch``; default: as the ending of ``out`` tells.
            step: of the network, see :meth:`network_at`; default: the trained one.

        Returns:
            What was written, and by how much its claims differ from ours on the run's own rows.

        Raises:
            OptionError: no such format, or an ending that tells none.
            AddressError: the run has not taken so many steps.
            ExportError: what was made does not give what the network gives, or the network not the
                figures that the run recorded; nothing is written.
            MissingExtraError: the package of the format is not installed.
        """
        self.require("export")
        from whygrad.interop.exporting import DEFAULT_FORMAT, default_path, export

        path = default_path(self.path, format or DEFAULT_FORMAT) if out is None else out
        return export(self.trained, path, format=format, step=step)

    @property
    def task(self) -> "Task":
        """What stays the same during the training."""
        return self.trained.task

    @property
    def skeleton(self) -> "Network":
        """The network's structure, with shapes in place of parameters."""
        return self.trained.skeleton

    def checkpoint(self, step: int) -> "Checkpoint":
        """Read the checkpoint at ``step``.

        Raises:
            RunError: it was not kept, is missing or damaged, or of other versions.
        """
        return self.trained.checkpoint(step)

    def last_checkpoint(self) -> "Checkpoint":
        """Read the checkpoint at which the run stands, as run.json says, and no other.

        Raises:
            RunError: it is missing or damaged; which one is sound is told.
        """
        return self.trained.last_checkpoint()

    def sound_checkpoint(self) -> "Checkpoint":
        """Read the newest checkpoint that is sound, to go on from there.

        Raises:
            RunError: none is.
        """
        return self.trained.sound_checkpoint()


def _on_device(network: "Network") -> "Network":
    try:
        return network.on("jax")
    except OptionError as error:
        raise RunError("error.run_needs_x64") from error


WatchedRun = Run  # what the run of a watched model was called


def open_run(path: str | Path) -> Run:
    """Open a run on disk: one of whygrad's own, or that of a model that was watched.

    What several processes watched of one model is merged.

    Raises:
        RunError: there is no run at ``path``, or it is damaged.
    """
    merge_ranks(Path(path))
    return Run(path)
