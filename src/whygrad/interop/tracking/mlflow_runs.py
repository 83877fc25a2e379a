"""MLflow, by its own client.

MLflow knows numbers over steps and files, but no histograms. So a layer's factors become five
numbers a step (``hidden1/slope/min``, ``q1``, ``median``, ``q3``, ``max``), and the histograms
themselves one file of the run, ``factors.json``: counts and edges by name and step.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from whygrad.record.tracker import Entry, Tracker

mlflow: Any = import_module("mlflow")  # types are checked where it is not installed, too
entities: Any = import_module("mlflow.entities")

BINS = 30
REFUSED = re.compile(r"[^\w\-. /]")  # in names; keys of an nn.ModuleDict may hold anything
AT_ONCE = 1000  # metrics that a server takes in one call
PARAMS_AT_ONCE = 100
QUANTILES = {"min": 0.0, "q1": 0.25, "median": 0.5, "q3": 0.75, "max": 1.0}


class MLflowTracker(Tracker):
    """A run of MLflow.

    Args:
        experiment: made where it is not there.
        tracking_uri: of the server or store; default: as MLflow is set up.
        name: of the run; default: as MLflow chooses.
        every: steps from one histogram to the next; default: see :class:`Tracker`.
    """

    def __init__(
        self,
        experiment: str = "whygrad",
        *,
        tracking_uri: str | None = None,
        name: str | None = None,
        every: int | None = None,
    ):
        super().__init__(every)
        self.experiment, self.name = experiment, name
        self.tracking_uri = tracking_uri
        self._metrics: list[Any] = []
        self._histograms: dict[str, list[dict[str, Any]]] = {}
        self.run_id = ""

    @property
    def where(self) -> str:
        return f"{self.experiment}/{self.run_id}"

    def _open(self, notes: Mapping[str, Any]) -> None:
        self._client = mlflow.MlflowClient(tracking_uri=self.tracking_uri)
        found = self._client.get_experiment_by_name(self.experiment)
        known = found.experiment_id if found else self._client.create_experiment(self.experiment)
        self.run_id = self._client.create_run(known, run_name=self.name).info.run_id
        params = [entities.Param(name, str(value)) for name, value in notes.items()]
        for some in _in_pieces(params, PARAMS_AT_ONCE):
            self._client.log_batch(self.run_id, params=some)

    def _write(self, entry: Entry) -> None:
        now = int(time.time() * 1000)
        numbers = dict(entry.scalars)
        for name, values in entry.factors.items():
            of_name = zip(QUANTILES, np.quantile(values, list(QUANTILES.values())), strict=True)
            numbers |= {f"{name}/{part}": float(value) for part, value in of_name}
            counts, edges = np.histogram(values, BINS)
            told = {"step": entry.step, "counts": counts.tolist(), "edges": edges.tolist()}
            self._histograms.setdefault(name, []).append(told)
        self._metrics += [
            entities.Metric(REFUSED.sub("_", name), value, now, entry.step)
            for name, value in numbers.items()
        ]
        if len(self._metrics) >= AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        for some in _in_pieces(self._metrics, AT_ONCE):
            self._client.log_batch(self.run_id, metrics=some)
        self._metrics = []

    def _close(self) -> None:
        status = "FAILED"
        try:
            self._flush()
            if self._histograms:
                self._client.log_dict(self.run_id, self._histograms, "factors.json")
            status = "FINISHED"
        finally:
            self._client.set_terminated(self.run_id, status)


def _in_pieces(things: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]
