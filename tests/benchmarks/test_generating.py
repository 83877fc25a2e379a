"""Drawn networks and faults: what a number draws, what a fault changes, what a sweep sums up."""

import json
from argparse import Namespace
from typing import Any

import numpy as np
import pytest
from benchmarks.faults import sweep as sweeping
from benchmarks.faults.breaking import FAULTS, break_it, suited
from benchmarks.faults.curves import draw
from benchmarks.faults.drawing import CLASSES, QUANTITIES
from benchmarks.faults.generating import LESS, REACHES, data_of, healthy, is_faulty, is_healthy
from benchmarks.faults.summing import (
    THRESHOLDS,
    as_text,
    by_fault,
    counts,
    curves,
    hits,
    is_flagged_at,
    named,
    share_of,
    summed,
)
from benchmarks.faults.sweep import diagnosed_safely, line_of
from hypothesis import given
from hypothesis import strategies as st

from whygrad.doctor.baseline import Baseline
from whygrad.doctor.diagnosing import diagnose
from whygrad.doctor.faults import COMPONENTS
from whygrad.doctor.reference import USUAL_RATE
from whygrad.doctor.setup import Setup
from whygrad.errors import OptionError

NUMBERS = st.integers(0, 10_000)
BASELINE = Baseline(floor=0.5, level=0.9, is_by_heart=False)
ENDS = {
    "numbers": ("identity", "mean_squared"),
    "binary": ("sigmoid", "clipped_binary_cross_entropy"),
    "classes": ("softmax", "clipped_cross_entropy"),
}


def first(task: str, wanted: Any = lambda setup: True) -> Setup:
    """Return the first drawn network of a task for which something holds."""
    drawn = (healthy(number) for number in range(200))
    return next(setup for setup in drawn if setup.task == task and wanted(setup))


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@given(NUMBERS)
def test_a_number_draws_the_same_network_every_time(number):
    one, other = healthy(number), healthy(number)
    assert (one.sizes, one.activations, one.inits) == (other.sizes, other.activations, other.inits)
    assert one.settings == other.settings
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.y, other.y)


@given(NUMBERS)
def test_a_drawn_network_is_by_the_book(number):
    setup = healthy(number)
    assert (setup.activations[-1], setup.settings.loss) == ENDS[setup.task]
    assert setup.sizes[0] == setup.x.shape[1] and setup.sizes[-1] == setup.y.shape[1]
    assert 2 <= len(setup.sizes) - 1 <= 5
    assert setup.task == "numbers" or set(np.unique(setup.y)) == {0.0, 1.0}
    assert np.abs(setup.x).max() < 30 and np.isfinite(setup.x).all()
    assert setup.settings.learning_rate <= 10 * USUAL_RATE[setup.settings.optimizer]
    assert setup.total_steps >= 1500


def test_all_data_sets_are_drawn():
    assert {data_of(number) for number in range(200)} == {*CLASSES, *QUANTITIES}


def test_data_names_what_the_network_is_drawn_on():
    for number in range(40):
        is_told = data_of(number) in CLASSES
        assert healthy(number).is_classifying == is_told


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_changes_a_network_that_it_suits(name):
    fault = FAULTS[name]
    setup = next(s for s in map(healthy, range(200)) if fault.suits(s) and len(s.sizes) > 3)
    broken = break_it(setup, name, rng())
    assert set(fault.components) <= set(COMPONENTS)
    assert what_differs(setup, broken) & set(fault.components)
    broken.start(0)


def what_differs(before: Setup, after: Setup) -> set[str]:
    """Return the components in which two set-ups differ."""
    old, new = before.settings, after.settings
    shuffled = (old.shuffle, new.shuffle)
    pairs = {
        "prep_x": (before.inputs.tolist(), after.inputs.tolist()),
        "prep_y": (before.targets.tolist(), after.targets.tolist()),
        "data": shuffled,
        "layers": (before.sizes, after.sizes),
        "init": (set(before.inits), set(after.inits)),
        "bias_init": (set(before.bias_inits), set(after.bias_inits)),
        "hidden_act": (set(before.activations[:-1]), set(after.activations[:-1])),
        "output_act": (before.activations[-1], after.activations[-1]),
        "loss": ((old.loss, old.reduction), (new.loss, new.reduction)),
        "opt": ((old.learning_rate, old.maximize), (new.learning_rate, new.maximize)),
        "batch": (old.batch_size, new.batch_size),
        "epochs": (old.epochs, new.epochs),
        "dropout": (set(before.dropout), set(after.dropout)),
        "l1": (old.l1, new.l1),
        "l2": (old.l2, new.l2),
    }
    return {name for name, (one, other) in pairs.items() if one != other}


# A step a sample would make a run of a hundred thousand steps: that fault shortens it, too.
@pytest.mark.parametrize("name", sorted({*FAULTS} - {"single_rows"}))
def test_a_fault_changes_nothing_else(name):
    fault = FAULTS[name]
    setup = next(s for s in map(healthy, range(200)) if fault.suits(s) and len(s.sizes) > 3)
    assert what_differs(setup, break_it(setup, name, rng())) <= set(fault.components)


def test_an_unknown_fault_is_named_with_the_nearest():
    with pytest.raises(OptionError) as caught:
        break_it(healthy(0), "rate_upp", rng())
    known = ", ".join(FAULTS)
    assert str(caught.value) == (
        f"There is no fault called rate_upp. Did you mean rate_up? Known: {known}."
    )


def test_faults_are_drawn_for_those_that_they_suit():
    quantities, classes = first("numbers"), first("binary")
    assert "broadcast_loss" in suited(quantities) and "relu_output" not in suited(quantities)
    assert "one_unit_softmax" in suited(classes) and "large_targets" not in suited(classes)
    assert "one_unit_softmax" not in suited(first("classes"))
    adaptive = first("numbers", lambda setup: setup.settings.optimizer == "adam")
    assert "summed_loss" not in suited(adaptive)


def test_healthy_is_what_reaches_most_of_its_baseline():
    enough = BASELINE.floor + REACHES * (BASELINE.level - BASELINE.floor)
    assert is_healthy(BASELINE, [0.0, enough + 1e-6, 1.0])
    assert not is_healthy(BASELINE, [0.0, enough - 1e-6, 1.0])


def test_faulty_is_what_learned_clearly_less():
    lost = LESS * (BASELINE.level - BASELINE.floor)
    assert is_faulty(BASELINE, [0.95], [0.95 - lost - 1e-6])
    assert not is_faulty(BASELINE, [0.95], [0.95 - lost + 1e-6])
    assert is_faulty(BASELINE, [0.95], [-np.inf])


def line(**changed: Any) -> dict[str, Any]:
    """Return a line of a sweep: a healthy network that the doctor leaves alone."""
    plain = {
        "number": 1,
        "data": "moons",
        "fault": None,
        "status": "healthy",
        "components": [],
        "optimizer": "adam",
        "learned": 1.0,
        "of_twin": 1.0,
        "by_heart": False,
        "on_its_way": False,
        "flagged": False,
        "told": [],
        "findings": [],
    }
    return plain | changed


ODD_ONE = {"kind": "clones", "component": "init", "confidence": 0.9}
FOUND = line(
    fault="rate_up",
    status="faulty",
    components=["opt"],
    learned=0.3,
    of_twin=0.2,
    flagged=True,
    told=["dead", "rate_too_high"],
)
MISSED = FOUND | {"fault": "zero_weights", "components": ["init"], "learned": 0.9, "of_twin": 0.7}
MISSED |= {"flagged": False, "told": []}
ASIDE = FOUND | {"status": "set_aside", "findings": [{"component": "opt"}]}
FAILED = {"number": 2, "fault": None, "status": "failed", "error": "ValueError: no"}
LINES = [line(), FOUND, MISSED, ASIDE, FAILED]


def test_a_cause_is_hit_within_the_depth_asked():
    assert not hits(FOUND, 1) and hits(FOUND, 3) and not hits(MISSED, 3)


def test_networks_are_counted_by_what_became_of_them():
    assert counts(LINES) == {
        "drawn": 2,
        "healthy": 1,
        "whole_set_aside": 0,
        "failed": 1,
        "broken": 3,
        "faulty": 2,
        "broken_set_aside": 1,
    }


def test_a_share_comes_with_its_interval():
    share = share_of([FOUND] * 8 + [MISSED] * 2, lambda one: one["flagged"])
    assert (share["held"], share["of"]) == (8, 10)
    assert share["low"] == pytest.approx(0.4902, abs=1e-4)
    assert share["high"] == pytest.approx(0.9433, abs=1e-4)
    assert share_of([], lambda one: True) == {"held": 0, "of": 0, "low": 0.0, "high": 1.0}


def test_a_harmless_change_that_is_named_is_counted_apart():
    harmless, whole = named(LINES, "set_aside"), line(status="set_aside")
    assert (harmless["held"], harmless["of"]) == (1, 1)
    assert named(LINES, "faulty")["held"] == 0
    assert named([*LINES, whole], "set_aside")["of"] == 1


def test_the_confusion_table_counts_first_findings():
    table = by_fault(LINES)
    assert table["rate_up"] == {
        "faulty": 1,
        "set_aside": 1,
        "flagged": 1,
        "right": 0,
        "first": {"dead": 1},
    }
    assert table["zero_weights"]["first"] == {"healthy": 1}


def test_a_threshold_moves_recall_and_silence():
    points = {point["at"]: point for point in curves(LINES)["LEARNS"]}
    assert points[0.5]["recall"] == 0.5 and points[0.94]["recall"] == 1.0
    assert points[1.0]["silence"] == 1.0
    twin = {point["at"]: point for point in curves(LINES)["LEARNS_OF_TWIN"]}
    assert twin[0.68]["recall"] == 0.5 and twin[0.72]["recall"] == 1.0
    odd = [ln | {"findings": [ODD_ONE]} if ln is MISSED else ln for ln in LINES]
    though = {point["at"]: point for point in curves(odd)["LEARNS_THOUGH_ODD"]}
    assert though[0.68]["recall"] == 0.5 and though[0.72]["recall"] == 1.0


@given(st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_on_its_way_is_flagged_only_where_something_is_odd(learned, of_twin, by_heart):
    one = line(learned=learned, of_twin=of_twin, by_heart=by_heart, on_its_way=True)
    strict = dict.fromkeys(THRESHOLDS, 1.0)
    assert not is_flagged_at(one, strict)
    assert is_flagged_at(one | {"findings": [ODD_ONE]}, strict) == (of_twin < 1)
    consequence = ODD_ONE | {"kind": "overfits"}
    assert not is_flagged_at(one | {"findings": [consequence]}, strict)


def test_the_table_and_the_picture_are_of_the_lines():
    told = as_text(summed(LINES))
    assert "networks: 2, healthy: 1, set aside: 0, failed: 1" in told
    assert "recall  50.0% of 2 (95 %: 9.5% to 90.5%)" in told
    svg = draw(LINES)
    assert svg == draw(LINES) and "2 faulty, 1 healthy" in svg


@pytest.mark.long
def test_a_line_says_what_the_doctor_says():
    setup = first("numbers").changed({"epochs": 2})
    one, _ = line_of(setup)
    diagnosis = diagnose(setup)
    assert one["told"] == [finding.kind for finding in diagnosis.findings]
    assert one["flagged"] == (not diagnosis.is_healthy)
    assert one["of_twin"] == pytest.approx(diagnosis.learned)
    assert is_flagged_at(one, THRESHOLDS) == one["flagged"]


def test_a_network_that_cannot_be_drawn_ends_nothing():
    (one,) = diagnosed_safely((-1, 1))
    assert one["status"] == "failed" and one["error"].startswith("ValueError: ")


def test_what_was_done_before_ctrl_c_is_kept(tmp_path, monkeypatch, capsys):
    def interrupted(options):
        yield [line(), FOUND]
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeping, "_worked", interrupted)
    kept = sweeping.sweep(Namespace(out=tmp_path / "new" / "sweep.json", again=False))
    assert kept == [line(), FOUND]
    assert capsys.readouterr().out == "Stopped. What is done is kept.\n"
    assert sweeping.sweep(Namespace(out=tmp_path / "new" / "sweep.json", again=True)) == kept


@pytest.mark.parametrize("page", ["docs/doctor.md", "docs/doctor.zh-CN.md"])
def test_the_figures_that_the_page_tells_are_those_of_the_sweep(page):
    result = json.loads(sweeping.RESULT.read_text(encoding="utf-8"))
    told = (sweeping.ROOT / page).read_text(encoding="utf-8")
    for share in (result["recall"], result["silence"], result["cause"]["1"]):
        assert f"{100 * share['held'] / share['of']:.1f} %" in told
        assert str(share["of"]) in told
    assert f" {sum(of['faulty'] > 0 for of in result['by_fault'].values())} " in told
