"""Logging to TensorBoard, Weights & Biases and MLflow, through their own libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whygrad.errors import InputError, OptionError, extra, unknown_name
from whygrad.record.folder import RunFolder
from whygrad.record.tracker import Entry, Tracker, entry_of_part, notes_of_watched
from whygrad.words import command_word, t
from whygrad.words.visible import lines

if TYPE_CHECKING:  # who watches a PyTorch model trains with nothing of ours
    from whygrad.training.recorder import Callback, ProgressEvent
    from whygrad.training.trained import TrainedRun


@dataclass(frozen=True)
class Logged:
    """What was logged.

    Attributes:
        to: ``tensorboard``, ``wandb`` or ``mlflow``; or the class of a tracker that was given.
        where: folder, address or name of the record.
        steps: of how many steps it holds numbers.
        histograms: of how many steps it holds the factors of every neuron.
    """

    to: str
    where: str
    steps: int
    histograms: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        told = t("track.logged", where=self.where, steps=self.steps, histograms=self.histograms)
        if self.to != "tensorboard":
            return told
        return lines([told, t("track.look", folder=command_word(self.where))])


def TensorBoard(folder: str | Path = "logs", *, every: int | None = None) -> Tracker:
    """Return a tracker that writes event files for ``tensorboard --logdir``.

    Args:
        folder: made where it is not there.
        every: steps from one histogram to the next; default: see :class:`Tracker`.

    Raises:
        MissingExtraError: tensorboard is not installed.
    """
    with extra("tensorboard", what="TensorBoard", package="tensorboard"):
        from whygrad.interop.tracking.event_files import TensorBoardTracker

    return TensorBoardTracker(folder, every=_checked(every))


def WandB(project: str = "whygrad", *, every: int | None = None, **options: Any) -> Tracker:
    """Return a tracker that writes a run of Weights & Biases.

    Args:
        project: what the run belongs to.
        every: steps from one histogram to the next; default: see :class:`Tracker`.
        options: ``folder``, and whatever ``wandb.init`` takes, such as ``name`` or
            ``mode="offline"``.

    Raises:
        MissingExtraError: wandb is not installed.
    """
    with extra("wandb", what="WandB", package="wandb"):
        from whygrad.interop.tracking.weights_and_biases import WandBTracker

    return WandBTracker(project, every=_checked(every), **options)


def MLflow(
    experiment: str = "whygrad",
    *,
    tracking_uri: str | None = None,
    name: str | None = None,
    every: int | None = None,
) -> Tracker:
    """Return a tracker that writes a run of MLflow; of histograms, five numbers and a file.

    Args:
        experiment: made where it is not there.
        tracking_uri: of the server or store; default: as MLflow is set up.
        name: of the run; default: as MLflow chooses.
        every: steps from one histogram to the next; default: see :class:`Tracker`.

    Raises:
        MissingExtraError: mlflow is not installed.
    """
    with extra("mlflow", what="MLflow", package="mlflow"):
        from whygrad.interop.tracking.mlflow_runs import MLflowTracker

    return MLflowTracker(experiment, tracking_uri=tracking_uri, name=name, every=_checked(every))


TRACKERS: dict[str, Callable[..., Tracker]] = {
    "tensorboard": TensorBoard,
    "wandb": WandB,
    "mlflow": MLflow,
}


def log(run: RunFolder, to: str | Tracker = "tensorboard", **options: Any) -> Logged:
    """Write a recorded run, also that of a watched model, into the record of another tool.

    Loss and measures go as numbers at their steps, all measures of the test part with the last one,
    and the factors of every neuron as histograms.

    Args:
        to: ``tensorboard``, ``wandb`` or ``mlflow``; or a tracker.
        options: for the tracker, such as ``folder`` (TensorBoard; default ``logs/<run>``),
            ``project`` (Weights & Biases) or ``tracking_uri`` (MLflow).

    Raises:
        OptionError: no such tracker, or the folder holds events already.
        MissingExtraError: its library is not installed.
    """
    if not isinstance(run, RunFolder):
        raise InputError("error.export_subject", actual=type(run).__name__)
    if isinstance(to, str):
        if to not in TRACKERS:
            raise unknown_name("tracker", to, list(TRACKERS))
        if to == "tensorboard":
            asked = options.get("folder")
            folder = Path("logs") / run.path.resolve().name if asked is None else Path(asked)
            if any(folder.glob("events.out.tfevents.*")):
                raise OptionError("error.track_folder", folder=folder)
            options = options | {"folder": folder}
        tracker, name = TRACKERS[to](**options), to
    else:
        tracker, name = to, type(to).__name__
    with tracker:
        history, description = run.history_lines, run.description
        if run.can("train"):
            notes, total = notes_of(run), run.producer.limit_of(description)
        else:
            first = next(iter(run.facts), {"optimizers": []})  # as it is told while it trains
            notes, total = notes_of_watched(description, first["optimizers"]), run.steps
        recorded = {layer: run.rows(layer) for layer in run.layers}
        tracker.take(notes, history, recorded, total_steps=total)
        if description.get("result", {}).get("test") and history:
            from whygrad.training.trained import TrainedRun

            tracker.add(_result(TrainedRun.of(run)))
    return Logged(name, tracker.where, tracker.steps, tracker.histograms)


@contextmanager
def following(run: TrainedRun, tracker: Tracker | None) -> Iterator[Callback | None]:
    """Give the callback that tells a tracker of a run while it trains; None for no tracker.

    After an epoch it hears all measures of the validation part, after the last one those of the
    test part, and is closed then.
    """
    if tracker is None:
        yield None
        return

    def tell(event: ProgressEvent) -> None:
        tracker.hear(event)
        if event.epoch_end is not None and len(run.data.validation):
            recorded = event.epoch_end.validation
            figures = run.measures_of(event.network, "validation").figures
            fresh = {name: value for name, value in figures.items() if name not in recorded}
            tracker.add(entry_of_part(event.step - 1, "validation", fresh))

    yield tell
    if run.description["state"] == "finished":  # else it may go on
        if len(run.data.test):
            tracker.begin(notes_of(run))  # where all steps had been taken before
            tracker.add(_result(run))
        tracker.close()


def _result(run: TrainedRun) -> Entry:
    """Return what a run came to on the test part, as of its last step."""
    recorded = run.description["result"]["test"]
    figures = recorded | run.measures("test").figures | recorded
    return entry_of_part(run.steps - 1, "test", figures)


def notes_of(run: RunFolder) -> dict[str, Any]:
    """Return what a run was asked for, flat."""
    description = run.description
    network = {f"network.{name}": value for name, value in description["network"].items()}
    data = {f"data.{name}": description["data"][name] for name in ("name", "task", "fingerprint")}
    return run.settings.to_dict() | network | data


def _checked(every: int | None) -> int | None:
    if every is not None and (not isinstance(every, int) or every < 1):
        raise OptionError("error.track_every", actual=repr(every))
    return every


__all__ = [
    "TRACKERS",
    "Logged",
    "MLflow",
    "TensorBoard",
    "Tracker",
    "WandB",
    "following",
    "log",
    "notes_of",
    "notes_of_watched",
]
