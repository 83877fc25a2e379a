"""The run of a watched model, as a Python user has it: what was recorded, and why."""

from pathlib import Path

from whygrad.backprop import LayerAnatomy
from whygrad.doctor.watched import WatchedDiagnosis, diagnose_watched
from whygrad.errors import AddressError
from whygrad.ledger.record import Ledger
from whygrad.ledger.watched import explain_watched, rows_of_layer, whole_layers
from whygrad.run.watched import WatchedFolder


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
        if sample is not None:
            raise AddressError("error.watched_sample", sample=sample)
        return explain_watched(self, address, step=step)

    def anatomy(self, step: int | None = None) -> dict[str, LayerAnatomy]:
        """Return the anatomy of the layers whose rows were kept, at a step that was kept whole.

        A row is a sample, or a sample at a position. Upstream and delta are per row, before the
        mean over all rows; :func:`whygrad.factors` takes each layer's.

        Args:
            step: number of the step, from ``run.whole_steps``; default: the last of them.

        Raises:
            AddressError: the step was not kept whole.
        """
        described = self.description["layers"]
        laid = {
            name: rows_of_layer(arrays, described[name])
            for name, arrays in whole_layers(self, step).items()
        }
        return {name: layer for name, layer in laid.items() if layer is not None}

    def doctor(self) -> WatchedDiagnosis:
        """Say why the model does not learn, or that nothing speaks against it.

        Printing the result tells it, each finding with the line of PyTorch to change.

        Raises:
            RunError: nothing was recorded.
        """
        return diagnose_watched(self)

    def report(self, out: str | Path | None = None) -> Path:
        """Write the run as one self-contained HTML page and return its path.

        Args:
            out: the file; default: ``report.html`` in the run's folder.
        """
        from whygrad.report.watched import write_watched_report

        return write_watched_report(self, Path(out) if out else self.path / "report.html")

    def __repr__(self) -> str:
        description = self.description
        return f"WatchedRun({str(self.path)!r}, {description['model']}, {description['state']})"
