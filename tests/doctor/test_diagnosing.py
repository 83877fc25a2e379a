"""From a set-up to a diagnosis: the healthy are silent, the cause comes first, its remedy holds."""

import json
from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from whygrad.cli.console import show_json
from whygrad.doctor import verifying
from whygrad.doctor.baseline import Baseline
from whygrad.doctor.diagnosing import diagnose, judge, plateau_of
from whygrad.doctor.reference import reference_of
from whygrad.doctor.thresholds import LEARNS_THOUGH_ODD
from whygrad.doctor.trials import WORST

EPOCHS = 30
FELL_YET = np.array([[1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]])


@pytest.fixture(scope="module")
def blobs(make):
    """Return the function to a set-up of three clouds, 120 rows, with some changes."""
    x, labels = make_blobs(120, 4, centers=3, random_state=2)
    healthy = replace(make(), x=x / np.std(x), y=np.eye(3)[labels], labels=labels)
    healthy = healthy.changed({"learning_rate": 0.005, "batch_size": 16, "epochs": EPOCHS})
    return lambda **changes: healthy.changed(changes)


@pytest.fixture
def few_trials(monkeypatch):
    """Let the clock of the search go by a second a look, so that a budget counts the trials."""
    seconds = count()
    clock = SimpleNamespace(monotonic=lambda: float(next(seconds)))
    monkeypatch.setattr(verifying, "time", clock)


def two_classes(blobs):
    setup = blobs()
    labels = (setup.labels > 0).astype(int)
    return replace(setup, y=labels[:, None].astype(float), labels=labels, task="binary")


@pytest.fixture(scope="module")
def healthy(blobs):
    return diagnose(blobs(), verify=True)


@pytest.mark.long
def test_a_healthy_network_has_no_findings_and_nothing_is_tried(healthy):
    assert (healthy.findings, healthy.is_healthy, healthy.plateau) == ((), True, None)
    assert (healthy.verdict, healthy.trials, healthy.remedies) == ("not tried", (), ())
    assert min(healthy.measures) > 0.9
    assert healthy.before.measures == healthy.measures


CAUSES = {
    "clones": {"init": "constant:0.5"},
    "closed_start": {"bias_init": "constant:-50"},
    "rate_too_high": {"optimizer": "sgd", "learning_rate": 1000 * 0.01},
}


def assert_cured(diagnosis, kind: str) -> None:
    assert diagnosis.findings[0].kind == kind
    assert diagnosis.findings[0].severity == "ill"
    assert diagnosis.verdict == "held"
    assert diagnosis.best.remedies[0].component == diagnosis.findings[0].component
    assert diagnosis.best.outcome.median > np.median(diagnosis.measures)
    assert diagnosis.best.learned > 0.9
    assert json.loads(json.dumps(diagnosis.to_dict(), allow_nan=False))


@pytest.mark.long
@pytest.mark.parametrize("kind", CAUSES)
def test_the_cause_is_named_first_and_its_remedy_holds(blobs, few_trials, kind):
    assert_cured(diagnose(blobs(**CAUSES[kind]), verify=True, budget=2.5), kind)


@pytest.mark.long
def test_softmax_over_one_unit_is_named_first_and_its_remedy_holds(blobs, few_trials):
    setup = two_classes(blobs).changed({"outputs": 1, "output_activation": "softmax"})
    setup = setup.changed({"loss": "binary_cross_entropy"})
    assert_cured(diagnose(setup, verify=True, budget=1.5), "one_unit_softmax")


def test_without_verifying_nothing_is_tried_but_the_original_and_its_reference(blobs):
    told = []
    found = diagnose(blobs(init="constant:0.5"), tell=told.append)
    assert told == ["as it was", "a reference configuration"]
    assert (found.verdict, found.best, found.trials) == ("not tried", None, ())
    assert found.findings[0].kind == "clones"


def test_a_network_that_diverged_can_be_written_as_json(blobs, capsys):
    found = diagnose(blobs(optimizer="sgd", learning_rate=1e30))
    assert found.measures == (WORST,) * 3
    assert found.findings[0].kind == "rate_too_high"
    show_json(found.to_dict())
    assert json.loads(capsys.readouterr().out)["measures"] == [None] * 3


def test_the_reference_is_by_the_book_and_for_as_many_steps(blobs):
    sick = blobs(activation="sigmoid", init="zeros", optimizer="sgd", drop=0.9, l1=1.0)
    other = reference_of(sick)
    assert (other.sizes, other.total_steps) == (sick.sizes, sick.total_steps)
    assert other.activations == ("relu", "relu", "softmax")
    settings = other.settings
    assert (settings.optimizer, settings.l1, other.dropout) == ("adam", 0.0, (0.0, 0.0))
    assert other.settings.loss == "softmax_cross_entropy"


def test_the_reference_of_quantities_tells_them_standardised(make):
    other = reference_of(make("numbers", target_scale=1e6))
    assert other.targets.std() == pytest.approx(1)
    assert np.std(other.inputs, axis=0) == pytest.approx(np.ones(4))


def test_a_run_that_ends_while_its_loss_falls_is_on_its_way(make, examined):
    known = {"measures": (0.85,), "losses": FELL_YET, "baseline": Baseline(0.4, 1.0, False)}
    assert judge(examined(make(), **known)).is_healthy
    sick = judge(examined(make(init="constant:0.5"), **known))
    assert sick.findings[0].kind == "clones"


@pytest.mark.parametrize(
    ("changes", "of_reference", "is_healthy"),
    [
        ({}, LEARNS_THOUGH_ODD - 0.01, True),
        ({"init": "constant:0.5"}, LEARNS_THOUGH_ODD - 0.01, False),
        ({"init": "constant:0.5"}, LEARNS_THOUGH_ODD, True),
    ],
)
def test_where_something_is_odd_more_is_asked(make, examined, changes, of_reference, is_healthy):
    ordinary = Baseline(0.0, of_reference, False)
    evidence = examined(make(**changes), measures=(of_reference,), baseline=ordinary)
    assert judge(evidence, replace(ordinary, level=1.0)).is_healthy == is_healthy


def test_what_is_odd_and_harmless_is_a_note(make, examined):
    found = judge(examined(make(init="constant:0.5"), measures=(1.0,)))
    assert found.is_healthy
    assert [note.kind for note in found.notes] == ["clones"]


def test_a_failure_that_nothing_explains_is_said_to_be_one(make, examined):
    found = judge(examined(make()))
    assert [finding.kind for finding in found.findings] == ["unexplained"]
    assert not found.is_healthy


def test_knowing_the_rows_by_heart_is_a_note_and_no_cause(make, examined):
    found = judge(examined(make(), validation=[3.0, 1.0, 2.0, 2.0]))
    assert [finding.kind for finding in found.findings] == ["unexplained"]
    assert [note.kind for note in found.notes] == ["overfits"]


def test_at_most_five_findings_are_told_the_surest_first(make, examined):
    sick = make("binary", init="normal:2", epochs=5, maximize=True, shuffle="apart", l1=1.0, l2=1.0)
    found = judge(examined(sick.changed({"drop": 0.9, "reduction": "sum"})))
    assert len(found.findings) == 5
    weights = [finding.weight for finding in found.findings]
    assert weights == sorted(weights, reverse=True)


@pytest.fixture(scope="module")
def linear(make):
    """Return a set-up that no line can tell, and the accuracy of the best one."""
    setup = make("binary")
    inputs = np.column_stack([setup.x, np.ones(64)])
    told = inputs @ np.linalg.lstsq(inputs, setup.y, rcond=None)[0]
    return setup, float(np.mean((told > 0.5) == setup.y))


@pytest.mark.parametrize(
    ("off", "level", "plateau"),
    [(0.0, 1.0, "linear"), (0.04, 1.0, None), (-0.2, 1.0, "base_rate"), (0.0, 0.6, None)],
)
def test_where_a_classifier_got_stuck(linear, off, level, plateau):
    setup, by_line = linear
    assert by_line < 0.7
    assert plateau_of(setup, by_line + off, Baseline(by_line - 0.2, level, True)) == plateau


def test_quantities_told_as_well_as_the_range_allows_are_at_a_plateau(make):
    setup = make("numbers", output_activation="sigmoid")
    y = setup.y
    reach = 1 - np.sum((np.clip(y, 0, 1) - y) ** 2) / np.sum(y**2)
    baseline = Baseline(0.0, 1.0, False)
    assert plateau_of(setup, reach, baseline) == "range"
    assert plateau_of(make("numbers"), reach, baseline) != "range"


@pytest.mark.parametrize(
    ("changes", "sizes"),
    [
        ({"hidden": (32, 32)}, (4, 32, 32, 3)),
        ({"hidden": (16,)}, (4, 16, 3)),
        ({"hidden": (12, 12, 12)}, (4, 12, 12, 12, 3)),
        ({"outputs": 5}, (4, 12, 12, 5)),
    ],
    ids=str,
)
def test_arrays_that_fit_no_more_are_drawn(make, changes, sizes):
    given = make()
    dense = given.start(1).dense
    given = replace(
        given,
        inits=tuple(np.array(layer.weight) for layer in dense),
        bias_inits=tuple(np.array(layer.bias) for layer in dense),
    )
    changed = given.changed(changes)
    assert changed.start(7).sizes == sizes
    if changes == {"outputs": 5}:
        assert changed.inits[:2] == given.inits[:2], "what fits is kept"
