"""Statement 9: the verdict by a second way, made to fail, and told truly whatever came out."""

import copy
import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from whygrad import lessons
from whygrad.core.nn import Network
from whygrad.data import load
from whygrad.lessons.instruments import side_by_side
from whygrad.lessons.instruments.curves_drawing import spread
from whygrad.lessons.lesson import Result
from whygrad.render.page.canvas import VARIABLES, standalone_svg, styled
from whygrad.words import catalogue, speaking

pytestmark = [pytest.mark.long, pytest.mark.sampled]

LESSON = lessons.find("starts")
SGD = {"optimizer": "sgd", "learning_rate": 0.1}
OTHER = {f"other_{name}": value for name, value in SGD.items()}  # the same: compiled once
SMALL = {"data": "iris", "width": 4, "epochs": 3, "seeds": 6, "batch": 32} | SGD | OTHER


def run(**options) -> Result:
    return LESSON.start(options).run(lambda share: None)


def told(result: Result) -> dict[str, str]:
    """Return the story in both languages, with every picture drawn."""
    texts = {}
    for language in ("en", "zh"):
        with speaking(language):
            texts[language] = str(result)
    for picture in result.story.pictures:
        with styled(picture.name):
            picture.draw()
    return texts


def keys(result: Result) -> set[str]:
    blocks = result.story.blocks
    return {getattr(block, "key", "").removeprefix("lesson.starts.") for block in blocks}


@pytest.fixture(scope="module")
def small() -> Result:
    return run(**SMALL)


@pytest.fixture(scope="module")
def default() -> Result:
    return run()


def trained_in_numpy(init: str, seed: int) -> float:
    """Return the mean loss of the last epoch: relu, softmax, cross-entropy and plain descent."""
    data = load("iris")
    network = Network.create([4, 4, 4, 3], init=init, seed=seed)
    weights = [np.asarray(dense.weight, np.float64) for dense in network.dense]
    biases = [np.zeros(dense.n_out) for dense in network.dense]
    for epoch in range(3):
        order = np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(105)
        losses = []
        for rows in (order[i : i + 32] for i in range(0, 105, 32)):
            losses.append(descend(weights, biases, data.train.x[rows], data.train.y[rows], 0.1))
    return float(np.mean(losses))


def descend(weights, biases, x, y, rate) -> float:
    outputs = [x.astype(np.float64)]
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        outputs.append(np.maximum(outputs[-1] @ weight + bias, 0))
    z = outputs[-1] @ weights[-1] + biases[-1]
    shares = np.exp(z - z.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    loss = -np.log(shares[np.arange(len(y)), y]).mean()
    delta = (shares - np.eye(3)[y]) / len(y)
    for layer in (2, 1, 0):
        below = (delta @ weights[layer].T) * (outputs[layer] > 0)
        weights[layer] -= rate * outputs[layer].T @ delta
        biases[layer] -= rate * delta.sum(axis=0)
        delta = below
    return float(loss)


def test_numbers_and_laws_are_those_of_plain_numpy(small):
    result = small
    starts = {
        "zero": "zeros",
        "constant": "constant:0.5",
        "tiny": "normal:0.001",
        "proper": "he_normal",
        "huge": "normal:1",
    }
    finals = {
        name: np.array([trained_in_numpy(init, seed) for seed in range(6)])
        for name, init in starts.items()
    }
    for name, values in finals.items():
        assert result.measured["starts"][name]["final"]["middle"] == pytest.approx(
            np.median(values), rel=1e-4
        )
    guess, zero, constant, far, lowest = result.laws
    middles = [np.median(finals[name]) for name in ("zero", "constant")]
    assert guess.measured == pytest.approx(min(middles), rel=1e-4)
    assert guess.bound == pytest.approx(0.95 * np.log(3), rel=1e-6)
    assert far.bound == pytest.approx(0.5 * np.log(3), rel=1e-6)
    assert far.measured == lowest.measured
    for law, name in ((zero, "zero"), (constant, "constant")):
        apart = np.sort(finals[name] - finals["proper"])
        assert law.measured == pytest.approx(apart[0], rel=1e-3)  # 6 seeds: from end to end
        assert law.bound == pytest.approx(0.05 * np.log(3), rel=1e-6)
    others = [np.median(values) for name, values in finals.items() if name != "proper"]
    assert lowest.measured == pytest.approx(np.median(finals["proper"]), rel=1e-4)
    assert lowest.bound == pytest.approx(min(others), rel=1e-4)


def test_the_law_holds_by_default(default):
    assert default.holds
    assert default.answered() == {"zero_learns": False, "tiny_stuck": False, "huge_wins": False}
    assert {"zero.flat", "constant.rises.stuck", "clones.same", "tiny.late", "huge.high"} <= keys(
        default
    )
    assert {"pairs", "rest", "optimizer.frees"} <= keys(default)
    told(default)


def test_all_starts_and_seeds_are_one_compiled_call(monkeypatch):
    calls = []
    whole = side_by_side.train_together

    def counted(networks, *arguments, **options):
        calls.append((len(networks), list(options["seeds"])))
        return whole(networks, *arguments, **options)

    monkeypatch.setattr(side_by_side, "train_together", counted)
    run(**SMALL | {"seeds": 7, "seed": 5})
    assert calls == [(5 * 7, [*range(5, 12)] * 5), (5 * 6, [*range(5, 11)] * 5)]


def test_a_proper_start_that_is_none_breaks_the_law(monkeypatch):
    monkeypatch.setitem(side_by_side.FITTING, "relu", "zeros")
    monkeypatch.setattr("whygrad.lessons.experiments.starts.proper", lambda name: "zeros")
    monkeypatch.setattr("whygrad.lessons.experiments.starts.story.SIGMA", {"zeros": "0"})
    result = run(**SMALL)
    assert {law.name for law in result.laws if not law.holds} >= {"zero", "constant", "far"}
    assert not result.holds
    told(result)


def test_equal_weights_that_learn_break_the_law():
    result = run(activation="sigmoid")  # the answer to an exercise: f(0) is not 0
    assert result.answered()["zero_learns"]
    assert "guess" in {law.name for law in result.laws if not law.holds}


@pytest.mark.parametrize("exercise", LESSON.exercises, ids=lambda one: one.name)
def test_a_solution_answers_its_exercise(exercise):
    assert run(**exercise.solution | {"seeds": 6}).answered()[exercise.name]
    for language in ("en", "zh"):
        assert f"lesson.starts.exercise.{exercise.name}.answer" in catalogue(language)


ODD = {
    "one neuron": {"width": 1, "depth": 1},
    "deep, whole batch": {"depth": 4, "activation": "sigmoid", "batch": 4096},
    "negative constant": {"constant": -1.0},
    "constant 0": {"constant": 0.0},
    "two classes": {"data": "xor", "activation": "softplus"},
    "linear, far too large": {"activation": "identity", "constant": 99.0, "huge": 900.0},
    "the other way round": {"other_optimizer": "adam"},
}


@pytest.mark.parametrize("options", ODD.values(), ids=list(ODD))
def test_odd_options_are_told_truly(options):
    result = run(**SMALL | options)
    texts = told(result)
    said, measured = keys(result), result.measured
    finals = {name: one["final"]["middle"] for name, one in measured["starts"].items()}
    assert ("tiny.ahead" in said) == (finals["tiny"] <= finals["proper"])
    assert ("huge.ahead" in said) == (finals["huge"] <= finals["proper"])
    assert ("zero.flat" in said) == (abs(finals["zero"] / measured["guessing"] - 1) <= 0.05)
    assert ("clones.single" in said) == (result.setup.width == 1 and None not in list(
        measured["neurons"].values()))  # fmt: skip
    assert all("{" not in text for text in texts.values())


def test_runs_that_lose_their_numbers_leave_no_interval():
    result = run(**SMALL | {"learning_rate": 1e30})
    assert "pairs_lost" in keys(result)
    assert not result.holds
    assert result.measured["starts"]["proper"]["lost"] == 6
    told(result)


def changed(result: Result, **finals: float) -> Result:
    """Return a result with other medians at the end."""
    measured = copy.deepcopy(result.measured)
    for name, value in finals.items():
        measured["starts"][name]["final"]["middle"] = value
    return Result(LESSON, result.setup, measured, LESSON.laws(result.setup, measured))


@pytest.mark.parametrize(
    ("finals", "key"),
    [
        ({"zero": 1.0986}, "zero.flat"),
        ({"zero": 0.5}, "zero.learns"),
        ({"zero": np.inf}, "zero.above"),
        ({"tiny": 1.09, "proper": 0.2}, "tiny.stuck"),
        ({"tiny": 0.7, "proper": 0.2}, "tiny.late"),
        ({"tiny": 0.1, "proper": 0.2}, "tiny.ahead"),
        ({"huge": 0.1, "proper": 0.2}, "huge.ahead"),
        ({"huge": 9.0, "proper": 0.2}, "huge.behind"),
    ],
)
def test_every_outcome_has_its_sentence(small, finals, key):
    result = changed(small, **finals)
    assert key in keys(result)
    assert all("{" not in text for text in told(result).values())


def test_a_huge_start_is_told_by_where_it_begins(small):
    result = changed(small, huge=9.0)
    result.measured["starts"]["huge"]["first"] = 100.0
    assert "huge.high" in keys(result)
    told(result)


@pytest.mark.parametrize(
    ("peak", "final", "key"),
    [
        (9.0, 1.1, "constant.rises.stuck"),
        (9.0, 0.5, "constant.rises.learns"),
        (1.1, 1.1, "constant.calm.stuck"),
        (1.1, 0.5, "constant.calm.learns"),
    ],
)
def test_a_constant_start_is_told_by_its_curve(small, peak, final, key):
    result = changed(small, constant=final)
    one = result.measured["starts"]["constant"]
    one["first"], one["half"]["middle"] = 1.1, np.array([1.1, peak, final, final])
    assert key in keys(result)
    told(result)


@pytest.mark.parametrize(
    ("neurons", "key"), [(1, "clones.same"), (3, "clones.parted"), (None, None)]
)
def test_clones_are_told_by_their_number(small, neurons, key):
    result = changed(small)
    result.measured["neurons"] = {"zero": neurons, "constant": neurons}
    assert {one for one in keys(result) if one.startswith("clones")} == ({key} if key else set())
    told(result)


def test_only_the_biases_of_the_output_move_from_zero_with_relu(small):
    assert "rest" in keys(small)
    assert [name for name, way in small.measured["moved"].items() if way] == ["output_bias"]
    assert "moves" in keys(run(**SMALL | {"activation": "sigmoid"}))


def test_curves_are_drawn_whatever_their_size(small):
    result = changed(small)
    for one in result.measured["starts"].values():
        one["most"]["high"] = one["most"]["high"] * np.inf
        one["half"]["middle"] = np.array([1.0, np.inf, np.inf, np.inf])
    told(result)


@pytest.mark.parametrize(
    "heights", [[0.0, 0.0, 0.0], [5.0, 1.0, 90.0], [10.0, 9.0, 8.0, 7.0], [3.0]], ids=str
)
def test_labels_keep_apart_and_in_order(heights):
    placed = np.array(spread(heights, 10.0))
    order = np.argsort(heights, kind="stable")
    assert (np.diff(placed[order]) >= 10 - 1e-9).all()
    assert np.abs(placed - heights).max() <= 10 * len(heights)


def test_labels_with_room_stay_where_they_are():
    assert spread([0.0, 50.0, 100.0], 10.0) == [0, 50, 100]


def test_the_picture_stands_alone_in_light_and_dark(small):
    with styled("starts"):
        figure = small.story.pictures[0].draw()
        text = standalone_svg(figure, "starts", "a < b", json.dumps({"x": "<"}))
    root = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{space}svg"
    assert root.find(f"{space}title").text == "a < b"
    assert json.loads(root.find(f"{space}metadata").text) == {"x": "<"}
    style = root.find(f"{space}style").text
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for variable in (*VARIABLES.values(), "--paper"):
        assert f"{variable}:" in light and f"{variable}:" in dark
    assert not [mark for mark in VARIABLES if mark in text]
    assert "w = 0" in {one.text for one in root.iter(f"{space}text")}
