"""What a Python user calls: ``train``, ``open_run`` and the Run they give."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import finalize

from jax.typing import ArrayLike

from whygrad.adapters.watched_run import WatchedRun
from whygrad.data import from_arrays, load
from whygrad.data.table import Data
from whygrad.doctor import diagnosing
from whygrad.doctor.asking import diagnose_run, setup_of
from whygrad.doctor.diagnosing import Diagnosis
from whygrad.errors import InputError, extra
from whygrad.ledger import Ledger, explain
from whygrad.network.model import Network
from whygrad.run.folder import RunFolder
from whygrad.run.recorder import Watch as Watching
from whygrad.run.recorder import begin, record
from whygrad.run.watched import is_watched
from whygrad.settings import Settings

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from whygrad.adapters.exporting import Exported
    from whygrad.adapters.torch import Watch


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

    def report(self, out: str | Path | None = None) -> Path:
        """Write the run as one self-contained HTML page and return its path.

        Args:
            out: the file; default: ``report.html`` in the run's folder.
        """
        from whygrad.report import write_report

        return write_report(self, Path(out) if out else self.path / "report.html")

    def export(self, out: str | Path | None = None, *, format: str | None = None) -> "Exported":
        """Write the trained network, with its preparation of raw rows, for use elsewhere.

        Args:
            out: the file; default: ``model.onnx``, or what ``format`` asks for, in the run's
                folder.
            format: ``onnx``, ``safetensors`` or ``torch``; default: as the ending of ``out`` tells.

        Returns:
            What was written, and by how much its claims differ from ours on the run's own rows.

        Raises:
            OptionError: no such format, or an ending that tells none.
            ExportError: what was made does not give what the network gives; nothing is written.
            MissingExtraError: the package of the format is not installed.
        """
        from whygrad.adapters.exporting import DEFAULT_FORMAT, default_path, export

        path = default_path(self.path, format or DEFAULT_FORMAT) if out is None else out
        return export(self, path, format=format)

    def __repr__(self) -> str:
        description = self.description
        return f"Run({str(self.path)!r}, {description['data']['name']}, {description['state']})"


def watch(
    model: "nn.Module",
    *,
    every: int = 10,
    out: str | Path | None = None,
    optimizer: "Optimizer | list[Optimizer] | None" = None,
    explain: Sequence[str] = (),
) -> "Watch":
    """Watch a PyTorch model while it trains, without changing anything.

    Use it around an ordinary training loop, ``with wg.watch(model) as watch:``, or call
    ``attach()`` and ``detach()``. ``watch.run`` holds what was recorded.

    Args:
        model: any module.
        every: how many optimiser steps from one recorded step to the next.
        out: folder of the run, new or empty; default: a temporary one, gone with the process.
        optimizer: the optimiser, or several; default: every one that holds the model's parameters.
        explain: names of layers whose single weights ``why`` is to explain; default: as many as
            fit into 32 MB a step, the small ones first.

    Raises:
        MissingExtraError: PyTorch is not installed.
        OptionError: no module, or ``every`` below 1.
        RunError: there is already something at ``out``.
    """
    with extra("torch", what="wg.watch", package="torch"):
        from whygrad.adapters.torch import Watch

    return Watch(model, every=every, out=out, optimizer=optimizer, explain=explain)


def train(
    network: Network,
    data: "Data | str | Path | tuple[ArrayLike, ArrayLike]",
    *,
    out: str | Path | None = None,
    watch: Watching | None = None,
    origin: dict[str, Any] | None = None,
    **settings: Any,
) -> Run:
    """Train a network and return the run.

    Args:
        network: the start; it stays as it is.
        data: what :func:`whygrad.load` or :func:`whygrad.from_arrays` gave; a name or path to
            load; or a pair (x, y) of arrays.
        out: folder of the run, new or empty; default: a temporary one, gone with the process.
        watch: called after every stretch of steps with how far training is; if it returns True,
            training stops there, to be gone on with by :func:`resume`.
        origin: how network and data were asked for, kept with the run.
        settings: see :class:`whygrad.Settings`; ``loss="auto"`` matches the target.

    Raises:
        InputError: network, data and settings do not fit together.
        RunError: there is already something at ``out``.
        NonFiniteError: a number was not finite; the run up to there is kept.
    """
    folder = Path(out) if out is not None else _temporary_folder()
    run = begin(folder, network, _as_data(data), Settings.from_dict(settings), origin or {})
    record(run, watch)
    return Run(folder)


def resume(path: str | Path, *, watch: Watching | None = None) -> Run:
    """Go on with a run that was stopped or killed; the end is the same as without interruption.

    Raises:
        RunError: there is no run at ``path``, or another process is writing it.
    """
    run = Run(path)
    record(run, watch)
    return Run(path)


def open_run(path: str | Path) -> Run | WatchedRun:
    """Open a run on disk: one of whygrad's own, or that of a model that was watched.

    Raises:
        RunError: there is no run at ``path``, or it is damaged.
    """
    return WatchedRun(path) if is_watched(path) else Run(path)


def diagnose(
    network: Network,
    data: "Data | str | Path | tuple[ArrayLike, ArrayLike]",
    *,
    verify: bool = False,
    budget: float = 60.0,
    **settings: Any,
) -> Diagnosis:
    """Say why a network would not learn from data, or that it would, before any run.

    Args:
        network: the start.
        data: as for :func:`train`.
        verify: try the remedies beside the original.
        budget: seconds after which no new trial begins.
        settings: see :class:`whygrad.Settings`.

    Raises:
        InputError: network, data and settings do not fit together.
    """
    setup = setup_of(network, _as_data(data), Settings.from_dict(settings))
    return diagnosing.diagnose(setup, verify=verify, budget=budget)


def _as_data(data: "Data | str | Path | tuple[ArrayLike, ArrayLike]") -> Data:
    if isinstance(data, str | Path):
        return load(data)
    if isinstance(data, tuple) and len(data) == 2:
        return from_arrays(*data)
    if not isinstance(data, Data):
        raise InputError("error.train_data", came=type(data).__name__)
    return data


def _temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="whygrad-"))
    finalize(_AtExit, shutil.rmtree, folder, ignore_errors=True)
    return folder


class _AtExit:
    """Lives as long as the process; what is tied to it is tidied away at the end."""
