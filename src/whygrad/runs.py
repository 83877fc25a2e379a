"""A run as a Python user has it: what was recorded, what came out, and why."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.core.backprop import LayerAnatomy
from whygrad.core.nn.losses import gives_probabilities
from whygrad.doctor.asking import diagnose_run
from whygrad.doctor.diagnosing import Diagnosis
from whygrad.doctor.watched import WatchedDiagnosis, diagnose_watched
from whygrad.errors import InputError
from whygrad.explain import Ledger, explain
from whygrad.record.merging import merge_ranks
from whygrad.record.watched import WatchedFolder, is_watched
from whygrad.training.checking import Checked, check_run
from whygrad.training.folder import RunFolder
from whygrad.words.visible import visible

if TYPE_CHECKING:
    from whygrad.interop.exporting import Exported


class Run(RunFolder):
    """A run: what was trained, how it went, and why its parameters move.

    ``run.history`` and ``run.neurons(layer)`` hold what was recorded; ``run.network``,
    ``run.predict(x)`` and ``run.evaluate()`` what came out; ``run.why(address)`` explains.
    """

    def why(self, address: str, *, step: int | None = None, sample: int | None = None) -> Ledger:
        """Explain a weight, a bias, a neuron or a layer at a step.

        Args:
            address: ``hidden1.weight[5, 3]``, ``hidden1.bias[3]``, ``hidden1[3]`` or ``hidden1``.
            step: number of the step; default: the last one.
            sample: row of the training part; then the chain for this one sample is shown too.

        Raises:
            AddressError: no such parameter, step or sample.
            RunError: the step does not replay as it was recorded.
        """
        return explain(self, address, step=step, sample=sample)

    def doctor(self, *, verify: bool = False, budget: float = 60.0) -> Diagnosis:
        """Say why the network does not learn, or that it does; printing the result tells it.

        Args:
            verify: try the remedies beside the original, from several seeds.
            budget: seconds after which no new trial begins.
        """
        return diagnose_run(self, verify=verify, budget=budget)

    def check(self) -> Checked:
        """Verify the folder whole: every file, every tensor, every line.

        Printing the result tells what is wrong, file by file.
        """
        return check_run(self.path)

    def report(self, out: str | Path | None = None) -> Path:
        """Write the run as one self-contained HTML page and return its path.

        Args:
            out: the file; default: ``report.html`` in the run's folder.
        """
        from whygrad.render.report import write_report

        return write_report(self, Path(out) if out else self.path / "report.html")

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
        from whygrad.interop.exporting import DEFAULT_FORMAT, default_path, export

        path = default_path(self.path, format or DEFAULT_FORMAT) if out is None else out
        return export(self, path, format=format, step=step)

    def __repr__(self) -> str:
        description = self.description
        told = f"{str(self.path)!r}, {description['data']['name']}, {description['state']}"
        return visible(f"Run({told})")


class WatchedRun(WatchedFolder):
    """The run of a model that was watched while something else trained it.

    ``run.history`` and ``run.neurons(layer)`` hold what was recorded; ``run.why(address)``
    explains, in the model's own names.
    """

    def why(self, address: str, *, step: int | None = None, sample: int | None = None) -> Ledger:
        """Explain a weight, a bias, a neuron or a layer at a step that was kept whole.

        Args:
            address: such as ``encoder.layers.0.linear1.weight[5, 3]``, in the order of axes that
                the model has; ``encoder.layers.0.linear1[5]`` for a neuron.
            step: number of the step, from ``run.whole_steps``; default: the last of them.
            sample: must be None; there is no data here that a sample could be of.

        Raises:
            AddressError: no such parameter, or the step was not kept whole.
        """
        return explain(self, address, step=step, sample=sample)

    def anatomy(self, step: int | None = None) -> dict[str, LayerAnatomy]:
        """Return the anatomy of the layers whose rows were kept, at a step that was kept whole.

        A row is a sample, or a sample at a position. Upstream and delta are per row, before the
        mean over all rows; :func:`whygrad.factors` takes each layer's.

        Args:
            step: number of the step, from ``run.whole_steps``; default: the last of them.

        Raises:
            AddressError: the step was not kept whole.
        """
        from whygrad.explain.anatomy import anatomy_of_snapshot

        return anatomy_of_snapshot(self, step)

    def doctor(self) -> WatchedDiagnosis:
        """Say why the model does not learn, or that nothing speaks against it.

        Printing the result tells it, each finding with the line of PyTorch to change.

        Raises:
            RunError: nothing was recorded.
        """
        return diagnose_watched(self)

    def check(self) -> Checked:
        """Verify the folder whole: every file, every tensor, every line.

        Printing the result tells what is wrong, file by file.
        """
        return check_run(self.path)

    def report(self, out: str | Path | None = None) -> Path:
        """Write the run as one self-contained HTML page and return its path.

        Args:
            out: the file; default: ``report.html`` in the run's folder.
        """
        from whygrad.render.report.watched import write_watched_report

        return write_watched_report(self, Path(out) if out else self.path / "report.html")

    def __repr__(self) -> str:
        description = self.description
        told = f"{str(self.path)!r}, {description['model']}, {description['state']}"
        return visible(f"WatchedRun({told})")


def open_run(path: str | Path) -> Run | WatchedRun:
    """Open a run on disk: one of whygrad's own, or that of a model that was watched.

    What several processes watched of one model is merged.

    Raises:
        RunError: there is no run at ``path``, or it is damaged.
    """
    merge_ranks(Path(path))
    return WatchedRun(path) if is_watched(path) else Run(path)
