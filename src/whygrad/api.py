"""What a Python user calls: ``train``, ``resume``, ``diagnose`` and ``watch``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from whygrad.errors import InputError, extra
from whygrad.record.files import temporary_folder
from whygrad.record.schema.checks import brief, place_text
from whygrad.record.schema.trained import ORIGIN
from whygrad.record.tracker import check_log
from whygrad.runs import Run
from whygrad.settings import Settings, SettingsGiven, shows_settings

if TYPE_CHECKING:
    from jax.typing import ArrayLike
    from torch import nn
    from torch.optim import Optimizer

    from whygrad.capture import Watch
    from whygrad.capture.lightning import LightningWatch
    from whygrad.capture.transformers import TrainerWatch
    from whygrad.core.nn.network import Network
    from whygrad.data.table import Data
    from whygrad.doctor.diagnosis import Diagnosis
    from whygrad.record.tracker import Tracker
    from whygrad.training.recorder import Callback

# what trains is imported where it is needed: who watches a PyTorch model pays for no JAX


def watch(
    model: nn.Module,
    *,
    every: int | Literal["auto"] = "auto",
    out: str | Path | None = None,
    optimizer: Optimizer | list[Optimizer] | None = None,
    explain: Sequence[str] = (),
    room: float | None = None,
    log: Tracker | None = None,
    uncompiled: bool = False,
) -> Watch:
    """Watch a PyTorch model while it trains, without changing anything.

    Use it around an ordinary training loop, ``with wg.watch(model) as watch:``, or call
    ``attach()`` and ``detach()``. ``watch.run`` holds what was recorded.

    Args:
        model: any module.
        every: how many optimiser steps from one recorded step to the next; ``"auto"``: as many as
            keep what recording takes at 5 % of all time, but 20 recorded steps at least, and one
            whenever the run has become longer by a quarter.
        out: folder of the run, new or empty; default: a temporary one, gone with the process.
        optimizer: the optimiser, or several; default: every one that holds the model's parameters.
        explain: names of layers that ``why`` is to explain first, where ``room`` is too small for
            all of them.
        room: megabytes on disk that what ``why`` needs may take; default: three times what the
            parameters take, and 10.5 at least, which do for every layer at the last recorded step.
        log: a tracker, such as ``wg.TensorBoard("logs")``, that is told of every recorded step.
        uncompiled: whether a compiled model may run uncompiled on the steps that are recorded. Its
            results may differ there by rounding, and where it draws random numbers.

    Raises:
        MissingExtraError: PyTorch is not installed.
        OptionError: no module, no tracker, a compiled model without ``uncompiled``, or ``every``
            or ``room`` out of range.
        RunError: there is already something at ``out``.
    """
    with extra("torch", what="wg.watch", package="torch"):
        from whygrad.capture import Watch

    return Watch(
        model,
        every=every,
        out=out,
        optimizer=optimizer,
        explain=explain,
        room=room,
        log=log,
        uncompiled=uncompiled,
        opened=Run,
    )


def watch_lightning(
    *,
    every: int | Literal["auto"] = "auto",
    out: str | Path | None = None,
    optimizer: Optimizer | list[Optimizer] | None = None,
    explain: Sequence[str] = (),
    room: float | None = None,
    log: Tracker | None = None,
    uncompiled: bool = False,
) -> LightningWatch:
    """Return a callback for Lightning's ``Trainer(callbacks=[...])`` that watches the module.

    Its ``run`` holds what was recorded. The arguments are those of :func:`watch`.

    Raises:
        MissingExtraError: Lightning is not installed.
    """
    with extra("lightning", what="wg.watch_lightning", package="lightning"):
        from whygrad.capture.lightning import LightningWatch

    return LightningWatch(
        every=every,
        out=out,
        optimizer=optimizer,
        explain=explain,
        room=room,
        log=log,
        uncompiled=uncompiled,
        opened=Run,
    )


def watch_trainer(
    *,
    every: int | Literal["auto"] = "auto",
    out: str | Path | None = None,
    optimizer: Optimizer | list[Optimizer] | None = None,
    explain: Sequence[str] = (),
    room: float | None = None,
    log: Tracker | None = None,
    uncompiled: bool = False,
) -> TrainerWatch:
    """Return a callback for Hugging Face's ``Trainer(callbacks=[...])`` that watches the model.

    Its ``run`` holds what was recorded. The arguments are those of :func:`watch`.

    Raises:
        MissingExtraError: transformers is not installed.
    """
    with extra("transformers", what="wg.watch_trainer", package="transformers"):
        from whygrad.capture.transformers import TrainerWatch

    return TrainerWatch(
        every=every,
        out=out,
        optimizer=optimizer,
        explain=explain,
        room=room,
        log=log,
        uncompiled=uncompiled,
        opened=Run,
    )


@shows_settings
def train(
    network: Network,
    data: Data | str | Path | tuple[ArrayLike, ArrayLike],
    *,
    out: str | Path | None = None,
    watch: Callback | None = None,
    log: Tracker | None = None,
    origin: dict[str, Any] | None = None,
    devices: int | None = None,
    **settings: Unpack[SettingsGiven],
) -> Run:
    """Train a network and return the run.

    Args:
        network: the start; it stays as it is.
        data: what :func:`whygrad.load` or :func:`whygrad.from_arrays` gave; a name or path to
            load; or a pair (x, y) of arrays.
        out: folder of the run, new or empty; default: a temporary one, gone with the process.
        watch: a callback, called after every segment of steps with how far training is; if it
            returns True, training stops there, to be gone on with by :func:`resume`.
        log: a tracker, such as ``wg.TensorBoard("logs")``, that is told of every recorded step, of
            all measures of the validation part after each epoch, and of the test part at the end.
        origin: how network and data were asked for, kept with the run.
        devices: how many devices share each batch, which changes no number but by rounding;
            default: all that there are, where JAX takes the steps. In a program whose processes
            JAX has joined, each calls this function, and those of all of them train together.
        settings: see :class:`whygrad.Settings`; ``loss="auto"`` matches the target.

    Raises:
        InputError: network, data and settings do not fit together.
        OptionError: ``log`` is no tracker, or there are not so many devices.
        RunError: there is already something at ``out``.
        NonFiniteError: a number was not finite; the run up to there is kept.
        StalledError: the first epoch moved no parameter; the run is kept.
    """
    from whygrad.core import processes
    from whygrad.core.memory import running_out
    from whygrad.interop.tracking import following
    from whygrad.training.beginning import begin
    from whygrad.training.recorder import record
    from whygrad.training.together import follow, leading

    check_log(log)
    fault = ORIGIN(origin or {})
    if fault is not None:
        raise InputError(
            "error.train_origin", place=place_text(fault.place), actual=brief(fault.actual)
        )
    if not processes.is_first():
        return Run(follow(devices))
    folder = Path(out) if out is not None else temporary_folder()
    data = _as_data(data)
    with running_out(), leading():
        run = begin(folder, network, data, Settings.from_dict(settings), origin or {}, devices)
        run.data = data  # what was just written need not be read, and held, a second time
        with following(run, log) as tell:
            record(run, tell, watch, devices=devices)
    return Run(folder)


def resume(
    path: str | Path,
    *,
    watch: Callback | None = None,
    log: Tracker | None = None,
    devices: int | None = None,
) -> Run:
    """Go on with a run that was stopped or killed; the result is that of an uninterrupted run.

    Args:
        watch: a callback, as for :func:`train`.
        log: a tracker, as for :func:`train`.
        devices: how many devices share each batch, as for :func:`train`; another number than before
            gives the same numbers within rounding.

    Raises:
        OptionError: ``log`` is no tracker, or there are not so many devices.
        RunError: there is no run at ``path``, or another process is writing it.
    """
    from whygrad.core import processes
    from whygrad.core.memory import running_out
    from whygrad.interop.tracking import following
    from whygrad.training.recorder import record
    from whygrad.training.together import follow, leading

    check_log(log)
    if not processes.is_first():
        return Run(follow(devices))
    with running_out(), leading():
        run = Run(path).trained
        with following(run, log) as tell:
            record(run, tell, watch, devices=devices)
    return Run(path)


@shows_settings
def diagnose(
    network: Network,
    data: Data | str | Path | tuple[ArrayLike, ArrayLike],
    *,
    verify: bool = False,
    budget: float = 60.0,
    **settings: Unpack[SettingsGiven],
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
    from whygrad.doctor import diagnosing
    from whygrad.doctor.setup import setup_of

    setup = setup_of(network, _as_data(data), Settings.from_dict(settings))
    return diagnosing.diagnose(setup, verify=verify, budget=budget)


def _as_data(data: Data | str | Path | tuple[ArrayLike, ArrayLike]) -> Data:
    from whygrad.data import from_arrays, load
    from whygrad.data.table import Data

    if isinstance(data, str | Path):
        return load(data)
    if isinstance(data, tuple) and len(data) == 2:
        return from_arrays(*data)
    if not isinstance(data, Data):
        raise InputError("error.train_data", actual=type(data).__name__)
    return data
