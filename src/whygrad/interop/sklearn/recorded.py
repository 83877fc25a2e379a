"""The training of an estimator as a run of whygrad's own, for ``why``, ``doctor`` and the report.

It starts from the same weights with the same settings and ends by the same rules. Its numbers are
not those of a fit that is not recorded: a run is float32, and draws the order of its samples from
the seed and the number of the epoch, so that every step can be replayed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.base import is_classifier

from whygrad.core.nn.network import Network
from whygrad.data.encoder import Encoder
from whygrad.data.numeric import weights_in_float32
from whygrad.data.table import Data, Part
from whygrad.interop.sklearn.epochs import Samples
from whygrad.record.files import temporary_folder
from whygrad.settings import Settings
from whygrad.training.beginning import begin
from whygrad.training.recorder import ProgressEvent, record
from whygrad.training.trained import TrainedRun


def begin_run(
    estimator: Any,
    network: Network,
    train: Samples,
    held_back: Samples | None,
    settings: dict[str, Any],
) -> TrainedRun:
    """Make the folder of the run.

    Args:
        network: the start.
        settings: of :class:`whygrad.Settings`.

    Raises:
        RunError: there is already something at the estimator's ``out``.
    """
    folder = temporary_folder() if estimator.out is None else Path(estimator.out)
    data = data_of(estimator, train, held_back)
    return begin(folder, network, data, Settings.from_dict(settings), {})


def train_run(run: TrainedRun, take_in: Callable[[Network, float], bool]) -> None:
    """Train to the end.

    Args:
        take_in: called after every epoch with the network and the mean loss; True ends training.

    Raises:
        NonFiniteError: a number was not finite; the run up to there is kept.
    """

    def look(event: ProgressEvent) -> bool:
        end = event.epoch_end
        return end is not None and take_in(event.network, end.train_loss)

    record(run, look)


def data_of(estimator: Any, train: Samples, held_back: Samples | None) -> Data:
    """Return what an estimator has checked and encoded as data of whygrad's own."""
    task = _task(estimator)
    n_in, n_out = estimator.n_features_in_, estimator.n_outputs_
    names = tuple(map(str, getattr(estimator, "feature_names_in_", range(n_in))))
    names = names if hasattr(estimator, "feature_names_in_") else tuple(f"x{n}" for n in names)
    labels = estimator.classes_ if is_classifier(estimator) else [f"y{k}" for k in range(n_out)]
    targets = tuple(map(str, labels))
    is_number = task == "numbers"
    encoder = Encoder(
        columns=names,
        categories=((),) * n_in,
        fill=np.full(n_in, np.nan),
        median=np.median(train.X, axis=0).astype(np.float64),
        mean=np.zeros(n_in),
        scale=np.ones(n_in),
        image_shape=None,
        task=task,
        target_names=targets,
        target_mean=np.zeros(n_out if is_number else 0),
        target_scale=np.ones(n_out if is_number else 0),
    )
    encoded = _encoded(estimator, held_back) if held_back is not None else train.y[:0]
    held = Samples(train.X[:0], encoded) if held_back is None else held_back
    return Data(
        name=type(estimator).__name__,
        task=task,
        train=_part(task, train.X, train.y, train.weight),
        validation=_part(task, held.X, encoded, held.weight),
        test=_part(task, train.X[:0], train.y[:0], None),
        feature_names=names,
        target_names=targets,
        image_shape=None,
        encoder=encoder,
        notes=(),
        source={"kind": "arrays", "source": type(estimator).__name__, "options": {}},
    )


def _task(estimator: Any) -> str:
    if not is_classifier(estimator):
        return "numbers"
    kinds = {"multiclass": "classes", "binary": "binary"}
    return kinds.get(estimator._label_binarizer.y_type_, "labels")


def _encoded(estimator: Any, held_back: Samples) -> np.ndarray:
    y = held_back.y
    if is_classifier(estimator):
        y = estimator._label_binarizer.transform(y)
    return y.reshape(len(y), -1)


def _part(
    task: str,
    x: Float[np.ndarray, "samples n_in"],
    y: Float[np.ndarray, "samples n_out"] | Int[np.ndarray, "..."] | Bool[np.ndarray, "..."],
    weight: Float[np.ndarray, " samples"] | None,
) -> Part:
    targets = y.argmax(axis=1) if task == "classes" else y[:, 0] if task == "binary" else y
    kind = np.int32 if targets.ndim == 1 else np.float32
    weights, problems = weights_in_float32(weight)
    if problems:
        raise problems[0]
    return Part(np.array(x, np.float32), np.array(targets, kind), np.arange(len(x)), weights)
