"""MLflow: a stand-in with the client's signatures, and the library where it is installed."""

import inspect
import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from posixpath import normpath
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import whygrad as wg
from whygrad.record.fields import ROW_FIELDS
from whygrad.record.tracker import entries

OURS = "whygrad.interop.tracking.mlflow_runs"
MOST_METRICS, MOST_PARAMS = 1000, 100  # what a server takes at once
ACCEPTED = re.compile(r"[\w\-. /]+")  # names of metrics; newer servers take a colon, too


class Metric:
    def __init__(self, key, value, timestamp, step):
        self.key, self.value, self.timestamp, self.step = key, value, timestamp, step


class Param:
    def __init__(self, key, value):
        assert isinstance(value, str)
        self.key, self.value = key, value


class MlflowClient:
    made: "list[MlflowClient]" = []  # noqa: RUF012 - emptied by the fixture

    def __init__(self, tracking_uri=None, registry_uri=None):
        self.uri, self.metrics, self.params, self.files = tracking_uri, [], {}, {}
        self.ended: list[str] = []
        self.experiments: dict[str, str] = {}
        MlflowClient.made.append(self)

    def get_experiment_by_name(self, name):
        number = self.experiments.get(name)
        return None if number is None else SimpleNamespace(experiment_id=number)

    def create_experiment(self, name, artifact_location=None, tags=None):
        self.experiments[name] = "7"
        return "7"

    def create_run(self, experiment_id, start_time=None, tags=None, run_name=None):
        self.name = run_name
        return SimpleNamespace(info=SimpleNamespace(run_id=f"run-of-{experiment_id}"))

    def log_batch(self, run_id, metrics=(), params=(), tags=(), synchronous=None):
        assert len(metrics) <= MOST_METRICS and len(params) <= MOST_PARAMS
        for metric in metrics:  # what a server checks
            assert ACCEPTED.fullmatch(metric.key) and normpath(metric.key) == metric.key
        self.metrics += metrics
        self.params |= {param.key: param.value for param in params}

    def log_dict(self, run_id, dictionary, artifact_file):
        self.files[artifact_file] = json.loads(json.dumps(dictionary))

    def set_terminated(self, run_id, status=None, end_time=None):
        self.ended.append(run_id)
        self.status = status


USED = ("get_experiment_by_name", "create_experiment", "create_run", "log_batch", "log_dict")
USED += ("set_terminated",)


@pytest.fixture
def library(monkeypatch):
    """Put a stand-in in the place of the library, and return the clients that were made."""
    MlflowClient.made.clear()
    module, entities = ModuleType("mlflow"), ModuleType("mlflow.entities")
    module.__dict__.update(MlflowClient=MlflowClient, entities=entities)
    entities.__dict__.update(Metric=Metric, Param=Param)
    monkeypatch.setitem(sys.modules, "mlflow", module)
    monkeypatch.setitem(sys.modules, "mlflow.entities", entities)
    monkeypatch.delitem(sys.modules, OURS, raising=False)
    yield MlflowClient.made
    sys.modules.pop(OURS, None)


def of(client, name: str) -> list[tuple[int, float]]:
    return [(metric.step, metric.value) for metric in client.metrics if metric.key == name]


def history(run, column: str) -> list[tuple[int, float]]:
    known = run.history.dropna(subset=[column])
    return list(zip(known["step"], known[column], strict=True))


def test_numbers_params_and_factors_are_told(run, library):
    logged = wg.log(run, "mlflow", tracking_uri="sqlite:///x.db", name="first")
    (client,) = library
    assert logged.where == "whygrad/run-of-7" and client.ended == ["run-of-7"]
    assert client.uri == "sqlite:///x.db" and client.name == "first"
    assert client.params["learning_rate"] == "0.001"
    assert client.params["network.sizes"] == "[4, 5, 3]"
    for ours, theirs in (("loss", "loss/batch"), ("validation_accuracy", "accuracy/validation")):
        assert of(client, theirs) == history(run, ours)
    slopes = run.neurons("hidden1").slope
    middle = of(client, "hidden1/slope/median")
    assert [step for step, _ in middle] == slopes.step.values.tolist()
    np.testing.assert_allclose([v for _, v in middle], np.median(slopes.values, axis=1), rtol=1e-6)
    told = client.files["factors.json"]["hidden1/slope"]
    assert [one["step"] for one in told] == [0, 2, 4]
    assert [sum(one["counts"]) for one in told] == [5, 5, 5] and len(told[0]["edges"]) == 31


def test_watching_tells_the_same_numbers(ask, run, library):
    wg.train(**ask, log=wg.MLflow("mine"))
    (client,) = library
    assert of(client, "loss/batch") == history(run, "loss")
    assert client.experiments == {"mine": "7"} and client.ended == ["run-of-7"]


def test_much_is_told_in_pieces(ask, library):
    settings = dict(ask) | {"record_every": 1, "epochs": 12}
    wg.log(wg.train(**settings), "mlflow")  # the stand-in takes no more at once than a server
    assert len(library[0].metrics) > MOST_METRICS


def test_names_of_layers_that_a_server_refuses_are_changed(library):
    row = (np.array([0]), np.ones((1, len(ROW_FIELDS), 2)))
    layers = {name: row for name in ("heads.a (b)", "heads.c=d", "heads./e/", "in_proj[0:64]")}
    with wg.MLflow() as tracker:
        tracker.take({}, [], layers)
    (client,) = library
    assert {metric.key for metric in client.metrics if metric.key.endswith("slope/max")} == {
        "heads.a _b_/slope/max", "heads.c_d/slope/max", "heads..e./slope/max",
        "in_proj.0-64/slope/max",
    }  # fmt: skip
    assert client.ended == ["run-of-7"] and client.status == "FINISHED"


def test_a_run_whose_last_numbers_are_refused_is_ended_as_failed(library, monkeypatch):
    tracker = wg.MLflow()
    tracker.take({}, [], {})

    def refuse(run_id, **given):
        raise ConnectionError("gone")

    monkeypatch.setattr(library[0], "log_batch", refuse)
    tracker.add(next(entries([{"step": 0, "loss": 1.0}], {}, [])))
    with pytest.raises(ConnectionError):
        tracker.close()
    assert library[0].ended == ["run-of-7"] and library[0].status == "FAILED"


@pytest.mark.skipif(find_spec("mlflow") is None, reason="mlflow is not installed")
@pytest.mark.filterwarnings("default")  # what the library itself warns of
def test_the_library_itself_takes_it(run, tmp_path, monkeypatch):
    import mlflow

    for name in USED:
        fake, real = (getattr(kind, name) for kind in (MlflowClient, mlflow.MlflowClient))
        assert set(inspect.signature(fake).parameters) <= set(inspect.signature(real).parameters)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    store = (tmp_path / "store").as_uri()
    logged = wg.log(run, "mlflow", tracking_uri=store)
    client = mlflow.MlflowClient(tracking_uri=store)
    number = logged.where.removeprefix("whygrad/")
    kept = client.get_metric_history(number, "loss/batch")
    assert [(one.step, one.value) for one in kept] == history(run, "loss")
    assert client.get_run(number).info.status == "FINISHED"
    files = json.loads(Path(client.download_artifacts(number, "factors.json")).read_text())
    assert [sum(one["counts"]) for one in files["output/open"]] == [3, 3, 3]
