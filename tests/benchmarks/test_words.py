"""A fault file of three cases: expressed, diagnosed, and the remedy read back as it was tried."""

from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from benchmarks.faults.expressing import express
from benchmarks.faults.run import diagnose_one, jobs_of
from benchmarks.faults.words import remedy_in_words

from whygrad.doctor import diagnosing, verifying

FILE = """
cases:
  - id: tiny-gate
    task: binary
    data: {recipe: and4}
    faulty:
      layers: [2, 4, 1]
      activations: [relu, softmax]
      loss: bce
      optimizer: {name: sgd, lr: 0.1, momentum: 0.9}
      batch: 4
      epochs: 30
  - id: tiny-line
    task: regression
    data: {recipe: lin200}
    faulty:
      layers: [1, 6, 1]
      activations: [tanh, sigmoid]
      weight_init: ["const:0.5", glorot_uniform]
      loss: mse
      l2: 0.01
      dropout_after_layer: [0.5]
      optimizer: {name: rmsprop, lr: 0.001, rho: 0.8, eps: 1.0e-6}
      batch: 32
      epochs: 4
  - id: tiny-flowers
    task: multiclass
    data: {recipe: iris}
    faulty:
      layers: [4, 5, 3]
      activations: [sigmoid, softmax]
      input_prep: minmax
      loss: scce
      optimizer: {name: adam, lr: 0.001, gradient_sign: -1}
      shuffle: apart
      batch: 50
      epochs: 3
controls:
  - id: well
    task: binary
    data: {recipe: and4}
    config: {layers: [2, 1], activations: [sigmoid], loss: bce, optimizer: {name: sgd, lr: 1}}
"""
CASES = {case["id"]: case for case in yaml.safe_load(FILE)["cases"]}
REMEDIES = {
    "layers": {"hidden": (32,)},
    "deeper": {"hidden": (16, 16)},
    "hidden": {"activation": "relu"},
    "output": {"output_activation": "identity"},
    "init": {"init": "he_normal"},
    "bias": {"bias_init": "constant:0.1"},
    "loss": {"loss": "mean_absolute", "reduction": "mean"},
    "adam": {"optimizer": "adam", "learning_rate": 0.01, "beta2": 0.999, "epsilon": 1e-7},
    "epochs": {"epochs": 40},
    "batch": {"batch_size": 8},
    "l1": {"l1": 0.5},
    "l2": {"l2": 0.0},
    "dropout": {"drop": 0.0},
    "inputs": {"input_scaling": "standard"},
}


def read_back(config: dict, words: dict) -> dict:
    """Return a configuration with a remedy."""
    return config | words


# how data are scaled shows in inputs and targets; Adam has no momentum
HIDDEN = ("x", "y", "labels", "input_scaling", "target_coding", "settings")


def assert_same(ours, theirs) -> None:
    """Compare all that decides a training; what scales data shows in the data."""
    for field in fields(ours):
        if field.name in HIDDEN:
            continue
        np.testing.assert_equal(getattr(ours, field.name), getattr(theirs, field.name), field.name)
    assert replace(ours.settings, momentum=0) == replace(theirs.settings, momentum=0)
    if theirs.settings.optimizer in ("momentum", "nesterov"):
        assert ours.settings.momentum == theirs.settings.momentum
    np.testing.assert_allclose(ours.inputs, theirs.inputs, atol=1e-5)
    np.testing.assert_allclose(ours.targets, theirs.targets, atol=1e-5)


@pytest.mark.parametrize("remedy", REMEDIES)
@pytest.mark.parametrize("name", CASES)
def test_a_remedy_in_words_reads_back_as_the_set_up_that_was_tried(name, remedy):
    case = CASES[name]
    before = express(case, case["faulty"])
    after = before.changed(REMEDIES[remedy])
    again = express(case, read_back(case["faulty"], remedy_in_words(case["faulty"], before, after)))
    assert_same(again, after)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("tiny-line", {"target_coding": "standard"}),
        ("tiny-line", {"target_coding": "unit"}),
        ("tiny-line", {"learning_rate": 0.01}),
        ("tiny-flowers", {"shuffle": "together"}),
        ("tiny-flowers", {"maximize": False}),
        ("tiny-flowers", {"learning_rate": 0.01}),
        ("tiny-gate", {"learning_rate": 0.01}),
    ],
    ids=str,
)
def test_a_remedy_for_one_case_reads_back(name, changes):
    case = CASES[name]
    before = express(case, case["faulty"])
    after = before.changed(changes)
    again = express(case, read_back(case["faulty"], remedy_in_words(case["faulty"], before, after)))
    assert_same(again, after)


def test_nothing_changed_is_no_word():
    for case in CASES.values():
        setup = express(case, case["faulty"])
        assert remedy_in_words(case["faulty"], setup, setup) == {}


@pytest.fixture
def tried(monkeypatch):
    """Stop the search after a few trials, and keep what was advised."""
    kept = {}
    ticks = iter(range(1000))

    def watched(setup, **options):
        kept["setup"] = setup
        kept["diagnosis"] = original(setup, **options | {"budget": 2.5})
        return kept["diagnosis"]

    original = diagnosing.diagnose
    monkeypatch.setattr(diagnosing, "diagnose", watched)
    monkeypatch.setattr(verifying, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    return kept


NAMED = {
    "tiny-gate": "one_unit_softmax",
    "tiny-line": "out_of_range",
    "tiny-flowers": "flipped_sign",
}


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_a_case_is_diagnosed_without_its_answer_and_its_remedy_reads_back(tried, name):
    case = CASES[name]
    record = diagnose_one((name, {"task": case["task"], "data": case["data"]}, case["faulty"]))
    assert record["id"] == name
    assert NAMED[name] in [finding["kind"] for finding in record["findings"]]
    assert record["remedy"], "something was advised"
    again = express(case, read_back(case["faulty"], record["remedy"]))
    assert_same(again, tried["diagnosis"].best.setup)
    assert len(record["before"]) == len(record["after"]) == 3


@pytest.mark.parametrize(
    ("only", "with_controls", "ids"),
    [
        (None, True, ["tiny-gate", "tiny-line", "tiny-flowers", "well"]),
        (None, False, ["tiny-gate", "tiny-line", "tiny-flowers"]),
        ("line", True, ["tiny-line"]),
    ],
)
def test_what_is_to_be_diagnosed(only, with_controls, ids):
    jobs = jobs_of(yaml.safe_load(FILE), only, with_controls)
    assert [case["id"] for case, _ in jobs] == ids
