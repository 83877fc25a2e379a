"""A diagnosis in words: suspicions that were refuted stand apart; only what held is advised."""

import re
from dataclasses import replace

import pytest

from whygrad.doctor.baseline import Baseline
from whygrad.doctor.diagnosis import Diagnosis
from whygrad.doctor.finding import Finding, Remedy
from whygrad.doctor.rendering import render
from whygrad.doctor.thresholds import LITTLE
from whygrad.doctor.trials import Outcome
from whygrad.doctor.verifying import Trial
from whygrad.doctor.wording import explain, sentence

WIDER = Remedy("wide", "layers", {"hidden": (32, 32)})
LONGER = Remedy("longer", "epochs", {"epochs": 50})
NARROW = Finding("too_narrow", 0.8, {"width": 1}, (WIDER,), explained=0.9)
ADAM = {"optimizer": "adam"}
SHORT = Finding("too_few_steps", 0.4, {"steps": 20, "epochs": 2}, (LONGER,), explained=0.0)


def trial(learned: float, *remedies: Remedy) -> Trial:
    return Trial(remedies, None, Outcome((learned,) * 3, (), None), learned)


def diagnosis(*findings: Finding, best: Trial, verdict: str = "held") -> Diagnosis:
    trials = (best, trial(0.1, LONGER))
    baseline = Baseline(0.0, 1.0, False)
    return Diagnosis(findings, (), 0.1, (0.1,) * 3, verdict, best, trials, baseline=baseline)


def numbered(text: str) -> list[str]:
    return re.findall(r"^\d\. (.+):", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("explained", "causes"),
    [
        (None, ["Too narrow", "Too few steps"]),
        (LITTLE, ["Too narrow", "Too few steps"]),
        (LITTLE - 0.01, ["Too narrow"]),
    ],
)
def test_a_suspicion_whose_remedy_brought_little_back_is_no_cause(explained, causes):
    found = diagnosis(NARROW, replace(SHORT, explained=explained), best=trial(0.9, WIDER))
    assert numbered(render(found)) == causes
    assert ("Looked likely too" in render(found)) == (len(causes) == 1)
    assert [one["refuted"] for one in found.to_dict()["findings"]] == [False, len(causes) == 1]


def test_where_no_remedy_alone_helped_every_suspicion_stands():
    found = diagnosis(replace(NARROW, explained=0.1), SHORT, best=trial(0.2, WIDER))
    assert numbered(render(found)) == ["Too narrow", "Too few steps"]


@pytest.mark.parametrize(
    ("verdict", "heading", "others"),
    [
        ("held", "What to do", "Closest results"),
        ("did not hold", "Closest results", "What to do"),
        ("worse", "Closest results", "What to do"),
    ],
)
def test_only_what_held_is_advised(verdict, heading, others):
    text = render(diagnosis(NARROW, best=trial(0.9, WIDER), verdict=verdict))
    assert heading in text and others not in text


def test_what_was_tried_is_told_in_sentences_the_best_first():
    text = render(diagnosis(NARROW, best=trial(0.9, WIDER, LONGER)))
    rows = [line.split(maxsplit=3) for line in text.splitlines() if re.match(r" +0\.\d", line)]
    assert rows == [
        ["0.1", "10", "%", "as it was"],
        [
            "0.9",
            "90",
            "%",
            "Widen the hidden layers to 32, 32 (network.hidden)."
            " Train for 50 epochs (training.epochs).",
        ],
        ["0.1", "10", "%", "Train for 50 epochs (training.epochs)."],
    ]


def test_weights_may_go_farther_than_they_are_long():
    found = Finding("rate_too_low", 0.6, {"steps": 9, "rate": 1e-3, "usual": 1e-3, "moved": 2.5})
    assert "by 250 % of their own size" in sentence(replace(found, evidence=found.evidence | ADAM))


def test_a_fault_of_both_is_explained_for_both():
    told = explain("dead")
    own, _, of_torch = told.partition("In a PyTorch model that was watched")
    assert "nn." in of_torch and "nn." not in own


def test_a_fault_of_programs_is_explained_under_its_name():
    told = explain("softmax_twice").splitlines()
    assert told[0] == "Softmax before cross_entropy"
    assert told[2] == "What it is"
    assert explain("zero_grad_missing").splitlines()[0] == "zero_grad is missing"
