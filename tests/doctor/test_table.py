"""The table of faults: rows and words, and the one rule of what a finding is."""

from dataclasses import replace

import pytest

from whygrad.doctor.faults import BOTH, COMPONENTS, FAULTS, triage
from whygrad.doctor.finding import Finding
from whygrad.doctor.thresholds import ALARM, ODD
from whygrad.record.fields import FACTORS
from whygrad.words import catalogue

PARTS = {
    "own": ("name", "is", "shows", "check", "remedy", "says"),
    "watched": ("name", "is", "check", "says", "line"),
}
SHARED = [
    "unscaled_inputs",
    "unscaled_targets",
    "out_of_range",
    "closed_output",
    "not_probabilities",
    "clones",
    "small_start",
    "large_start",
    "linear_hidden",
    "dead",
    "strong_dropout",
    "strong_l2",
]


@pytest.mark.parametrize("kind", FAULTS)
def test_every_row_is_whole_and_has_its_words(kind):
    row = FAULTS[kind]
    assert row.kind == kind
    assert row.component in COMPONENTS
    assert row.factor in (*FACTORS, "optimizer", None)
    assert row.source
    for part in {part for producer in row.of for part in PARTS[producer]}:
        for language in ("en", "zh"):
            assert f"doctor.{kind}.{part}" in catalogue(language)


def test_what_both_kinds_of_networks_can_have_stands_in_one_row():
    assert set(SHARED) <= {row.kind for row in FAULTS.values() if row.of == BOTH}


@pytest.mark.parametrize("can_be_tried", [True, False])
def test_a_finding_as_data_holds_what_is_printed(can_be_tried):
    found = Finding("clones", 0.9, {"neurons": 8, "width": 1}, layer="hidden1")
    told = replace(found, can_be_tried=can_be_tried).to_dict()
    assert (told["kind"], told["confidence"], told["layer"]) == ("clones", 0.9, "hidden1")
    assert told["text"].startswith("Different neurons: only 1 of 8")
    assert told["source"] == FAULTS["clones"].source
    assert ("line" in told) is not can_be_tried


def seen(kind: str, confidence: float) -> Finding:
    return Finding(kind, confidence, can_be_tried=False)


def kinds(found: list[Finding], learns: bool | None) -> tuple[list[str], list[str]]:
    alarms, notes = triage(found, learns)
    return [one.kind for one in alarms], [one.kind for one in notes]


@pytest.mark.parametrize(
    ("found", "alarms"),
    [
        ([seen("detached", ODD), seen("stuck", ALARM)], ["detached"]),
        ([seen("steps_too_long", 0.7), seen("stuck", ALARM)], ["steps_too_long"]),
        ([seen("rising_loss", 0.45), seen("stuck", ALARM)], ["rising_loss"]),
        ([seen("stuck", ALARM)], ["stuck"]),
        ([seen("dead", 0.85), seen("large_start", 0.55)], ["large_start", "dead"]),
        ([seen("dead", 0.85), seen("steps_too_short", 0.7)], ["dead"]),
        ([seen("frozen", ALARM - 0.01)], []),
    ],
)
def test_causes_come_before_what_follows_from_them(found, alarms):
    assert kinds(found, None)[0] == alarms


def test_of_a_network_that_learns_what_is_odd_is_a_note():
    found = [Finding("clones", ODD), Finding("linear_hidden", ODD - 0.01)]
    assert kinds(found, True) == ([], ["clones"])
    assert kinds([*found, Finding("overfits", 0.7)], False) == (
        ["clones", "linear_hidden"],
        ["overfits"],
    )
