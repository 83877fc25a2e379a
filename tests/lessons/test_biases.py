"""Statement 11: the paired difference by a second way, the parting link by link, every outcome."""

import copy

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from whygrad import lessons
from whygrad.core.nn import Network
from whygrad.data import load
from whygrad.lessons.experiments.biases.parting import parting
from whygrad.lessons.lesson import Result
from whygrad.render.page.canvas import styled
from whygrad.settings import Settings
from whygrad.training.batched import train_together
from whygrad.words import catalogue, speaking

pytestmark = [pytest.mark.long, pytest.mark.sampled]

LESSON = lessons.find("biases")
SMALL = {"data": "iris", "width": 4, "epochs": 3, "seeds": 6, "batch": 32, "optimizer": "sgd"}
SMALL |= {"learning_rate": 0.1}


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
    return {getattr(block, "key", "").removeprefix("lesson.biases.") for block in blocks}


@pytest.fixture(scope="module")
def small() -> Result:
    return run(**SMALL)


@pytest.fixture(scope="module")
def default() -> Result:
    return run()


def test_the_law_holds_by_default(default):
    assert default.holds
    assert default.answered() == {"too_large": False, "enough": False}
    assert {"differ", "alone.weak", "way", "straight.closed"} <= keys(default)
    assert keys(default) & {"interval.around", "interval.small"}
    told(default)


def test_differences_are_those_of_runs_trained_one_by_one(small):
    data = load("iris")
    settings = Settings(optimizer="sgd", learning_rate=0.1, batch_size=32, epochs=3, record_every=0)
    finals = {"zeros": [], "normal:0.1": []}
    for bias, losses in finals.items():
        for seed in range(6):
            network = Network.create(
                [4, 4, 3], activation="tanh", init="glorot_normal", bias_init=bias, seed=seed
            )
            alone = train_together([network], data, settings, seeds=[seed])
            losses.append(float(alone.losses[0, -4:].mean()))
    apart = np.sort(np.subtract(finals["normal:0.1"], finals["zeros"]))
    spread = np.subtract(*np.quantile(finals["zeros"], [0.75, 0.25]))
    differ, matter = small.laws
    assert (differ.measured, differ.bound) == (4, 4)
    assert matter.measured == pytest.approx(max(-apart[0], apart[-1]), rel=1e-3)
    assert matter.bound == pytest.approx(spread, rel=1e-3)
    assert small.measured["difference"]["middle"] == pytest.approx(np.median(apart), abs=1e-5)


def test_large_biases_break_the_law():
    result = run(**SMALL | {"spread": 30.0})
    assert [law.holds for law in result.laws] == [True, False]
    assert keys(result) & {"interval.matters", "interval.wide"}
    told(result)


def test_equal_weights_break_the_law(monkeypatch):
    monkeypatch.setattr("whygrad.lessons.experiments.biases.proper", lambda name: "constant:0.1")
    result = run(**SMALL)
    assert not result.laws[0].holds
    assert "differ_not" in keys(result)
    told(result)


@pytest.mark.parametrize("exercise", LESSON.exercises, ids=lambda one: one.name)
def test_a_solution_answers_its_exercise(exercise):
    assert run(**exercise.solution | {"seeds": 6}).answered()[exercise.name]
    for language in ("en", "zh"):
        assert f"lesson.biases.exercise.{exercise.name}.answer" in catalogue(language)


ODD = {
    "two neurons, deep": {"width": 2, "depth": 3, "activation": "relu", "straight": "identity"},
    "whole batch": {"batch": 4096, "activation": "sigmoid", "straight": "leaky_relu"},
    "silent": {"constant": -50.0, "data": "digits", "epochs": 1},
    "constant 0": {"constant": 0.0, "spread": 50.0},
    "two classes": {"data": "xor", "activation": "softplus"},
    "no numbers": {"learning_rate": 1e30},
}


@pytest.mark.parametrize("options", ODD.values(), ids=list(ODD))
def test_odd_options_are_told_truly(options):
    result = run(**SMALL | options)
    texts = told(result)
    gap, said = result.measured["difference"], keys(result)
    is_known = bool(np.isfinite([gap["low"], gap["high"]]).all())
    assert ("interval.lost" in said) == (not is_known)
    assert ("interval.around" in said) == (
        is_known and result.laws[1].holds and gap["low"] <= 0 <= gap["high"]
    )
    assert all("{" not in text for text in texts.values())


def test_a_straight_piece_has_equal_slopes_and_silent_neurons_nothing():
    result = run(**SMALL | ODD["silent"])
    links = result.measured["parting"]["straight"]
    assert (links["slope"], links["output"], links["open"]) == (0, 0, 0)
    assert "straight.silent" in keys(result)


def spread(columns) -> float:
    columns = np.asarray(columns)
    away = np.linalg.norm(columns - columns.mean(axis=1, keepdims=True), axis=0)
    return float(away.mean() / np.linalg.norm(columns, axis=0).mean())


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_links_are_those_of_automatic_differentiation(activation):
    data = load("digits")
    network = Network.create(
        [64, 6, 10], activation=activation, init="constant:0.05", bias_init="normal:0.2", seed=1
    )
    f = {"tanh": jnp.tanh, "relu": jax.nn.relu}[activation]

    def loss(parameters):
        (w, b), (v, c) = parameters
        logits = f(data.train.x @ w + b) @ v + c
        return -jax.nn.log_softmax(logits)[jnp.arange(len(data.train.y)), data.train.y].mean()

    with jax.enable_x64(True):
        start = [
            (jnp.asarray(dense.weight, jnp.float64), jnp.asarray(dense.bias, jnp.float64))
            for dense in network.dense
        ]
        slopes = jax.grad(loss)(start)
        moved = jax.tree.map(lambda value, slope: value - 0.1 * slope, start, slopes)
        z = data.train.x @ start[0][0] + start[0][1]
        links = {
            "slope": spread(jax.vmap(jax.vmap(jax.grad(f)))(z)),
            "output": spread(f(z)),
            "weights_out": spread(slopes[1][0].T),
            "weights": spread(start[0][0]),
            "weights_in": spread(jax.grad(loss)(moved)[0][0]),
            "open": float((z > 0).mean()),
        }
    found = parting(network, data, 1)
    del found["first_weights_in"]  # rounding alone: the δ of softmax cancel in equal weights out
    assert found == pytest.approx(links, rel=1e-6, abs=1e-9)
    assert (found["slope"] == 0) == (activation == "relu")
    assert found["weights_in"] > 0.01  # parted, whichever way


def test_random_weights_part_the_first_gradient_as_automatic_differentiation_finds():
    data = load("digits")
    network = Network.create([64, 6, 10], activation="tanh", init="glorot_normal", seed=1)

    def loss(weight):
        logits = (
            jnp.tanh(data.train.x @ weight + network["hidden1"].bias) @ network["output"].weight
        )
        logits = logits + network["output"].bias
        return -jax.nn.log_softmax(logits)[jnp.arange(len(data.train.y)), data.train.y].mean()

    gradient = jax.grad(loss)(network["hidden1"].weight)
    found = parting(network, data, 1)["first_weights_in"]
    assert found == pytest.approx(spread(gradient), rel=1e-4) and found > 0.1


def test_without_biases_nothing_parts_equal_weights():
    data = load("iris")
    network = Network.create([4, 5, 3], activation="tanh", init="constant:0.3")
    links = parting(network, data, 1)
    assert max(links[name] for name in ("slope", "output", "weights_out", "weights_in")) < 1e-12


def changed(result: Result, low: float, high: float, room: float = 1.0) -> Result:
    """Return a result with another interval."""
    measured = copy.deepcopy(result.measured)
    measured["difference"] |= {"low": low, "middle": (low + high) / 2, "high": high}
    measured["reach"], measured["seeds_apart"] = max(abs(low), abs(high)), room
    return Result(LESSON, result.setup, measured, LESSON.laws(result.setup, measured))


@pytest.mark.parametrize(
    ("low", "high", "key", "holds"),
    [
        (-0.5, 0.5, "interval.around", True),
        (0.2, 0.5, "interval.small", True),
        (-0.5, -0.2, "interval.small", True),
        (0.5, 2.0, "interval.matters", False),
        (-2.0, -0.5, "interval.matters", False),
        (-2.0, 0.5, "interval.wide", False),
        (float("nan"), float("nan"), "interval.lost", False),
    ],
)
def test_every_interval_has_its_sentence(small, low, high, key, holds):
    result = changed(small, low, high)
    assert key in keys(result)
    assert result.laws[1].holds == holds
    told(result)


@pytest.mark.parametrize(
    ("alone", "neither", "final", "key"),
    [
        (4.0, 1.0, 9.0, "alone.weak"),
        (4.0, 1.0, 0.001, "alone.enough"),
        (1.0, 1.0, 9.0, "alone.same"),
        (float("nan"), 1.0, 9.0, "alone.lost"),
    ],
)
def test_biases_on_their_own_are_told_by_what_became_of_them(small, alone, neither, final, key):
    result = changed(small, -0.1, 0.1)
    curved = result.measured["curved"]
    curved["alone"]["neurons"], curved["neither"]["neurons"] = alone, neither
    curved["alone"]["final"]["middle"] = final
    assert key in keys(result)
    told(result)
