"""Trials: training side by side, measuring, searching within a budget, choosing."""

from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import jax
import numpy as np
import pytest

import whygrad as wg
from whygrad.doctor import verifying
from whygrad.doctor.baseline import Baseline
from whygrad.doctor.diagnosing import verdict_of
from whygrad.doctor.finding import COMPONENTS, Finding, Remedy
from whygrad.doctor.setup import setup_of
from whygrad.doctor.thresholds import CURED, MOST_COMPONENTS, SEEDS
from whygrad.doctor.trials import WORST, Outcome, accuracy, explained, measure_all, try_out
from whygrad.doctor.verifying import Trial, choose, search
from whygrad.settings import Settings
from whygrad.training.batched import train_together

ALL = Baseline(0.0, 1.0, False)
WIDER = Remedy("wide", "layers", {"hidden": (32, 32)})
LONGER = Remedy("longer", "epochs", {"epochs": 1000})
ADAM = Remedy("adam", "opt", {"optimizer": "adam", "learning_rate": 1e-3})
BOTH = Remedy("outputs", "layers", {"outputs": 3}, ("loss",))


@pytest.fixture(scope="module")
def small():
    """Return a network, and few rows in three classes."""
    x = np.random.default_rng(3).normal(size=(40, 4)).astype(np.float32)
    data = wg.from_arrays(x, x[:, :3].argmax(axis=1), validation=0, test=0)
    return wg.Network.create([4, 12, 12, 3]), data


@pytest.mark.long
def test_a_trial_of_a_seed_is_that_seed_trained_alone(small):
    network, data = small
    settings = Settings(epochs=2, batch_size=8, learning_rate=0.01, record_every=0)
    setup = setup_of(network, data, settings, {"network": {"init": "he_normal"}})
    together = try_out(setup).trained
    for seed, ours, losses in zip(SEEDS, together.networks, together.losses, strict=True):
        alone = train_together([setup.start(seed)], data, settings, seeds=[seed])
        for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(alone.networks[0]), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(losses, alone.losses[0], rtol=1e-5)


def test_a_set_up_without_names_starts_from_the_very_weights(small):
    network, data = small
    setup = setup_of(network, data, Settings())
    for ours, theirs in zip(setup.start(7).dense, network.dense, strict=True):
        np.testing.assert_array_equal(ours.weight, theirs.weight)
        np.testing.assert_array_equal(ours.bias, theirs.bias)


def test_a_network_whose_outputs_are_no_numbers_counts_as_the_worst(make):
    setup = make()
    start = setup.start(1000)
    broken = jax.tree.map(lambda leaf: leaf * np.nan, start)
    measures = measure_all(setup, [start, broken])
    assert measures[1] == WORST == -np.inf < measures[0]
    assert Outcome(measures, (), None).median == WORST
    assert ALL.learned(WORST) == -1


@pytest.mark.parametrize(
    ("task", "claims", "right"),
    [
        ("classes", [[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8]], [1, 0, 1]),
        ("binary", [[0.6], [0.4], [0.4]], [1, 0, 1]),
        ("labels", [[0.6, 0.4], [0.4, 0.4], [0.4, 0.4]], [[1, 0], [0, 0], [1, 1]]),
    ],
)
def test_the_accuracy_is_the_share_of_right_answers(make, task, claims, right):
    setup = replace(make(task), labels=np.array(right))
    assert accuracy(setup, np.array(claims)) == pytest.approx(2 / 3)


def test_r2_is_the_explained_share_of_the_variance(make):
    y = np.array([[0.0], [2.0], [4.0]])
    setup = replace(make("numbers"), y=y)
    told = [explained(setup, claims) for claims in (y, np.full((3, 1), 2.0), 4 - y, y * [[1e200]])]
    assert told[:3] == pytest.approx([1, 0, -3])
    assert told[3] == -np.inf


def test_r2_of_constant_targets_is_all_or_nothing(make):
    setup = replace(make("numbers"), y=np.ones((3, 1)))
    assert [explained(setup, np.full((3, 1), told)) for told in (1.0, 0.5)] == [1, 0]


def trial(learned: float, *remedies: Remedy) -> Trial:
    return Trial(remedies, None, Outcome((learned,) * 3, (), None), learned)


@pytest.mark.parametrize(
    ("after", "before", "learned", "verdict"),
    [
        ((0.5, 0.5, 0.9), (0.4, 0.4, 1.0), 0.8, "held"),
        ((0.5, 0.5, 0.9), (0.4, 0.4, 1.0), 0.4, "did not hold"),
        ((0.5, 0.5, 0.9), (0.1, 0.5, 1.0), 1.0, "did not hold"),
        ((0.4, 0.4, 1.0), (0.5, 0.5, 0.5), 1.0, "worse"),
        ((WORST, WORST, 1.0), (0.1, 0.1, 0.1), 0.0, "worse"),
        ((0.1, 0.2, 0.3), (WORST, WORST, 0.9), 0.6, "held"),
    ],
)
def test_the_verdict_follows_the_medians_and_asks_for_half_of_what_was_lost(
    after, before, learned, verdict
):
    best = Trial((WIDER,), None, Outcome(after, (), None), learned)
    assert verdict_of(best, before, 0.0) == verdict


def test_of_remedies_that_do_as_well_the_smaller_change_is_taken():
    trials = [trial(1.0, WIDER, LONGER), trial(0.98, BOTH), trial(0.975, LONGER)]
    assert choose(trials, []) is trials[2]


def test_a_smaller_change_that_does_not_do_as_well_is_not_taken():
    trials = [trial(1.0, WIDER, LONGER), trial(0.96, LONGER)]
    assert choose(trials, []) is trials[0]


def test_of_changes_as_small_the_likeliest_cause_decides():
    trials = [trial(1.0, WIDER), trial(1.0, LONGER), trial(1.0, ADAM)]
    causes = [Finding("too_few_steps", 0.9), Finding("too_narrow", 0.5)]
    assert choose(trials, causes) is trials[1]
    assert choose([], causes) is None


@pytest.fixture
def tried(monkeypatch):
    """Return a function that searches without training: every trial takes a second.

    ``good`` says how much a set of components brings.
    """

    def look(setup, findings, good=lambda components: 0.0, budget=1e9):
        seconds = count()
        clock = SimpleNamespace(monotonic=lambda: float(next(seconds)))
        monkeypatch.setattr(verifying, "time", clock)

        def attempt(setup, remedies, baseline):
            return trial(good(verifying.components_of(remedies)), *remedies)

        monkeypatch.setattr(verifying, "_try", attempt)
        return search(setup, findings, ALL, 0.0, budget=budget)

    return look


NARROW = Finding("too_narrow", 0.5, {}, (WIDER,))
SHORT = Finding("too_few_steps", 0.4, {}, (LONGER, ADAM))


@pytest.mark.parametrize("budget", [0.5, 3.5, 20.5])
def test_no_trial_begins_after_the_budget(make, tried, budget):
    assert len(tried(make(), [NARROW, SHORT], budget=budget).trials) == int(budget)


def test_without_a_trial_nothing_is_advised(make, tried):
    found = tried(make(), [NARROW, SHORT], budget=0.5)
    assert (found.best, found.findings) == (None, (NARROW, SHORT))


def test_ctrl_c_keeps_what_was_tried(make, tried):
    def good(components):
        if components == {"opt"}:
            raise KeyboardInterrupt
        return 0.3

    found = tried(make(), [NARROW, SHORT], good)
    assert [t.remedies for t in found.trials] == [(WIDER,), (LONGER,)]
    assert found.best.remedies == (WIDER,) and len(found.findings) == 2


def test_all_remedies_of_the_findings_are_tried_first_and_each_once(make, tried):
    again = Finding("dead", 0.3, {}, (replace(WIDER, name="again"),))
    found = tried(make(), [NARROW, SHORT, again], lambda parts: 1.0 * (parts == {"opt"}))
    assert [t.remedies for t in found.trials] == [(WIDER,), (LONGER,), (ADAM,)]
    assert found.best.remedies == (ADAM,)


def test_the_search_goes_on_to_usual_changes_and_ends_when_one_cures(make, tried):
    found = tried(make(), [NARROW], lambda parts: CURED * (parts == {"prep_x"}))
    assert [t.remedies[0].name for t in found.trials][-1] == "inputs_standard"
    assert found.best is found.trials[-1]
    assert [f.kind for f in found.findings] == ["found_by_trial", "too_narrow"]
    assert found.findings[0].component == "prep_x"


def test_pairs_change_two_components_and_never_more(make, tried):
    wide = Finding("too_few_outputs", 0.9, {}, (BOTH,))
    found = tried(make(), [wide, SHORT])
    pairs = [t for t in found.trials if len(t.remedies) > 1]
    assert {len(t.components) for t in pairs} == {MOST_COMPONENTS}
    assert not any(BOTH in t.remedies for t in pairs), "it changes two by itself"
    for pair in pairs:
        places = [COMPONENTS.index(remedy.component) for remedy in pair.remedies]
        assert places == sorted(places)
    together = [[remedy.changes for remedy in pair.remedies] for pair in pairs]
    assert all(together.count(changes) == 1 for changes in together)


def test_the_most_promising_pair_comes_first(make, tried):
    def good(components):
        return 0.95 if components == {"epochs", "layers"} else 0.2 * ("opt" not in components)

    found = tried(make(), [NARROW, SHORT], good)
    pairs = [t for t in found.trials if len(t.remedies) > 1]
    assert [t.remedies for t in pairs] == [(WIDER, LONGER)]
    assert found.best is pairs[0]


def test_a_finding_is_weighed_by_what_its_remedies_brought_back(make, tried):
    slow = Finding("slow_optimizer", 0.4, {}, (ADAM,))
    found = tried(make(), [NARROW, slow], lambda parts: 0.95 if parts == {"opt"} else 0.1)
    shares = [(f.kind, pytest.approx(f.explained)) for f in found.findings]
    assert shares == [("slow_optimizer", 0.95), ("too_narrow", 0.1)]
