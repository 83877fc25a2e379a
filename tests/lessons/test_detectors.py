"""Statement 10: detectors by plain NumPy, the verdict made to fail, and every outcome told."""

import copy
import json
from functools import cache

import numpy as np
import pytest

from whygrad import lessons
from whygrad.core.nn import Network
from whygrad.data import load
from whygrad.lessons.experiments import detectors
from whygrad.lessons.experiments.detectors import scales as detectors_scales
from whygrad.lessons.lesson import Result
from whygrad.lessons.rendering.html import as_html
from whygrad.words import speaking

pytestmark = [pytest.mark.long, pytest.mark.sampled]

LESSON = lessons.find("detectors")
SWEPT = {"narrow": 8, "wide": 8, "other_activation": "relu"}  # one shape: compiled once
SMALL = {"width": 4, "epochs": 2, "seeds": 2, "optimizer": "sgd", "learning_rate": 0.1} | SWEPT
NOT_A_NUMBER = float("nan")


def fresh(**options) -> Result:
    """Run the lesson with small networks, and with every fifth scale only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detectors_scales, "SCALES", detectors_scales.SCALES[::5])
        return LESSON.start(SMALL | options).run(lambda share: None)


small = cache(fresh)


def holding(result: Result) -> dict[str, bool]:
    return {law.name: law.holds for law in result.laws}


def told(result: Result) -> None:
    """Tell the story in both languages."""
    for language in ("en", "zh"):
        with speaking(language):
            assert "{" not in str(result)


def drawn(result: Result) -> None:
    """Make the page, with every picture, and the data."""
    told(result)
    assert as_html(result)
    assert json.dumps(result.to_dict())


def keys(result: Result) -> set[str]:
    blocks = result.story.blocks
    captions = (picture.caption.key for picture in result.story.pictures)
    return {
        key.removeprefix("lesson.detectors.")
        for key in (*(getattr(block, "key", "") for block in blocks), *captions)
    }


def changed(start: str, **parts) -> Result:
    """Return the small result with other measurements of a start."""
    measured = copy.deepcopy(small().measured)
    measured["starts"][start] |= parts
    return Result(LESSON, small().setup, measured, LESSON.laws(small().setup, measured))


def swept(best: dict[str, float], **options) -> Result:
    """Return the small result with other options, and with networks that read so much at best."""
    measured = copy.deepcopy(small().measured)
    for name, share in best.items():
        kind = measured["scales"][name]
        kind["middle"] = np.array([0.1, share, 0.1])
        kind["best"], kind["window"] = 1, [1, 1]
    return Result(LESSON, LESSON.start(SMALL | options).setup, measured, ())


def trained_in_numpy(init: str, seed: int) -> tuple[np.ndarray, float]:
    """Return the weights in after two epochs, and the share of test images read right."""
    data = load("digits")
    network = Network.create([64, 4, 10], activation="relu", init=init, seed=seed)
    first, second = (np.asarray(dense.weight, np.float64) for dense in network.dense)
    biases = [np.zeros(4), np.zeros(10)]
    for epoch in range(2):
        order = np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(1258)
        for rows in (order[i : i + 64] for i in range(0, 1258, 64)):
            x, y = data.train.x[rows].astype(np.float64), data.train.y[rows]
            a = np.maximum(x @ first + biases[0], 0)
            shares = np.exp(a @ second + biases[1])
            delta = (shares / shares.sum(axis=1, keepdims=True) - np.eye(10)[y]) / len(y)
            below = (delta @ second.T) * (a > 0)
            second = second - 0.1 * (a.T @ delta + 0.01 * second)
            first = first - 0.1 * (x.T @ below + 0.01 * first)
            biases = [biases[0] - 0.1 * below.sum(axis=0), biases[1] - 0.1 * delta.sum(axis=0)]
    output = np.maximum(data.test.x @ first + biases[0], 0) @ second + biases[1]
    return first, float(np.mean(output.argmax(axis=1) == data.test.y))


def test_the_law_holds_by_default():
    result = LESSON.start({}).run(lambda share: None)
    assert holding(result) == dict.fromkeys(("copies", "different", "alike", "apart"), True)
    assert result.answered() == {"blind": False, "too_narrow": False}
    assert {"fading", "constant.copies", "random", "fan_in.larger", "activation"} <= keys(result)
    assert len(result.measured["scales"]["wide"]["scales"]) == 15
    drawn(result)


@pytest.mark.parametrize(("start", "init"), [("constant", "constant:0.5"), ("random", "he_normal")])
def test_detectors_and_laws_are_those_of_plain_numpy(start, init):
    found = small().measured["starts"][start]
    runs = [trained_in_numpy(init, seed) for seed in range(2)]
    np.testing.assert_allclose(found["after"], runs[0][0], atol=2e-4)
    cosines = []
    for weights, _ in runs:
        unit = weights / np.sqrt((weights**2).sum(axis=0))
        cosines += [unit[:, i] @ unit[:, j] for i in range(4) for j in range(i)]
    assert found["least_alike"] == pytest.approx(min(cosines), abs=1e-3)
    assert found["mean_alike"] == pytest.approx(np.mean(np.abs(cosines)), abs=1e-3)
    assert found["hits"] == pytest.approx(np.median([hits for _, hits in runs]), abs=0.01)
    different = [len(np.unique(weights.round(5), axis=1).T) for weights, _ in runs]
    assert [found["most_neurons"], found["fewest_neurons"]] == [max(different), min(different)]


def test_favourites_are_the_images_with_the_largest_weighted_sums():
    data, found = load("digits"), small().measured["starts"]["random"]
    sums = data.train.x @ found["after"]  # the same bias for all images of a neuron
    for neuron in range(4):
        strongest = np.argsort(-sums[:, neuron], kind="stable")[:40]
        mean = data.train.x[strongest].mean(axis=0)
        np.testing.assert_allclose(found["images"][neuron], mean, atol=0.03)
        assert found["digits"][neuron].sum() == 40


def test_a_random_start_that_is_none_flips_the_verdict(monkeypatch):
    monkeypatch.setattr(detectors, "proper", lambda activation: "constant:0.1")
    result = fresh()
    assert holding(result) == {"copies": True, "different": False, "alike": True, "apart": False}
    drawn(result)


def test_a_constant_start_that_is_none_flips_the_verdict(monkeypatch):
    monkeypatch.setattr(detectors, "Start", lambda name: detectors_scales.Start("he_normal"))
    result = fresh()
    assert holding(result) == {"copies": False, "different": True, "alike": False, "apart": True}
    assert "constant.parted" in keys(result)
    told(result)


@pytest.mark.parametrize(
    ("start", "laws"), [("constant", ("copies", "alike")), ("random", ("different", "apart"))]
)
def test_a_seed_that_lost_its_numbers_spoils_what_is_said_of_every_seed(start, laws):
    result = changed(start, lost=1)
    assert not any(holding(result)[law] for law in laws)
    assert "lost" in keys(result) and "lost" not in keys(small())
    told(result)


@pytest.mark.parametrize(
    ("start", "parts", "key"),
    [
        ("constant", {"fire": 8, "contrast": 0.3}, "constant.copies"),
        ("constant", {"fire": 8, "contrast": 1e-6}, "constant.plain"),
        ("constant", {"fire": 0, "fired": 8}, "constant.died"),
        ("constant", {"fire": 0, "fired": 0}, "constant.silent"),
        ("constant", {"most_neurons": 3}, "constant.parted"),
        ("constant", {"most_neurons": NOT_A_NUMBER, "lost": 2}, "constant.lost"),
        ("random", {"hits": 0.9}, "random"),
        ("random", {"hits": 0.2}, "random_failed"),
        ("random", {"fewest_neurons": NOT_A_NUMBER, "lost": 2}, "random_lost"),
    ],
)
def test_every_outcome_has_its_sentence(start, parts, key):
    result = changed(start, **parts)
    first = start if start == "constant" else "random"
    said = {one for one in keys(result) if one.partition(".")[0].partition("_")[0] == first}
    assert said == {key}
    told(result)


@pytest.mark.parametrize(
    ("best", "options", "said"),
    [
        ({"narrow": 0.5, "wide": 0.9, "other": 0.6}, {"narrow": 9}, {"fan_in", "activation.same"}),
        ({"narrow": 0.2, "wide": 0.9, "other": 0.6}, {"narrow": 2}, {"fan_in.failed"}),
        ({"wide": 0.9, "other": 0.6}, {}, {"fan_in.same", "activation.same"}),
        ({"wide": 0.9, "other": 0.6}, {"other_activation": "elu"}, {"activation", "fail"}),
        ({"wide": 0.9, "other": 0.2}, {"other_activation": "elu"}, {"activation.failed"}),
    ],
)
def test_the_scales_are_told_by_who_learnt(best, options, said):
    result = swept(best, **options)
    assert said <= keys(result)
    told(result)


def test_only_starts_that_are_not_safe_are_shown_beside_the_best():
    result = swept({"narrow": 0.5, "wide": 0.9, "other": 0.6})
    result.measured["scales"]["wide"]["shown"] = {"best": 1}
    assert "picture.learning.best" in keys(result)
    picture = result.story.pictures[-1]
    assert len(picture.lines) == len(picture.legend) == 1
    drawn(result)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"constant": 0.0}, "constant.silent"),
        ({"learning_rate": 1e-9, "l2": 0.0}, "constant.plain"),
        ({"learning_rate": 1e30}, "random_lost"),
    ],
)
def test_odd_options_are_told_truly(options, key):
    result = fresh(**options)
    assert key in keys(result)
    assert ("fading" in keys(result)) == (result.setup.l2 > 0)
    drawn(result)


@pytest.mark.parametrize("exercise", LESSON.exercises, ids=lambda one: one.name)
def test_a_solution_answers_its_exercise(exercise):
    less = {"wide": exercise.solution.get("narrow", 8)} | {"other_activation": "relu", "epochs": 2}
    result = LESSON.start(less | exercise.solution).run(lambda share: None)
    assert result.answered() == {one.name: one is exercise for one in LESSON.exercises}
