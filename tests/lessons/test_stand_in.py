"""Statement 8's proof by replacement: both curves by plain NumPy, and one neuron for any clones."""

from functools import cache

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whygrad import lessons
from whygrad.core.nn import Network
from whygrad.lessons.experiments.symmetry.runs import task_of
from whygrad.lessons.experiments.symmetry.setup import Symmetry
from whygrad.lessons.instruments.seats import EPSILON, Member, train_seated
from whygrad.lessons.instruments.stand_in import common, comparable, difference, matched, stand_in
from whygrad.lessons.lesson import Result

pytestmark = [pytest.mark.long, pytest.mark.sampled]

SMALL = {"steps": 40, "seeds": 3, "width": 4, "learning_rate": 0.1}
ACTIVATIONS = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a)),
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "relu": (lambda z: np.maximum(z, 0), lambda a: (a > 0) * 1.0),
}


@cache
def small() -> Result:
    return lessons.symmetry(**SMALL).run(lambda share: None)


class InNumpy:
    """A network 2-n-1 from a constant, its descent written down anew, part by part."""

    def __init__(self, n: int, constant: float, activation: str, how: str, rate: float):
        self.function, self.slope = ACTIVATIONS[activation]
        self.parts = [np.full((2, n), constant), np.zeros(n), np.full((n, 1), constant)]
        self.parts.append(np.zeros(1))
        self.how, self.rates, self.epsilons = how, [rate] * 4, [1e-8] * 4
        self.means, self.squares = ([np.zeros_like(part) for part in self.parts] for _ in "ms")

    def step(self, x, y, number: int) -> float:
        weight, bias, out, out_bias = self.parts
        a = self.function(x @ weight + bias)
        z = a @ out + out_bias
        delta = (1 / (1 + np.exp(-z)) - y) / len(x)
        below = (delta @ out.T) * self.slope(a)
        self._move([x.T @ below, below.sum(axis=0), a.T @ delta, delta.sum(axis=0)], number)
        return float(np.mean(np.logaddexp(0, z) - y * z))

    def _move(self, gradients, number: int) -> None:
        for i, gradient in enumerate(gradients):
            self.means[i] = 0.9 * self.means[i] + 0.1 * gradient
            self.squares[i] = 0.999 * self.squares[i] + 0.001 * gradient**2
            mean = self.means[i] / (1 - 0.9**number)
            root = np.sqrt(self.squares[i] / (1 - 0.999**number))
            way = mean / (root + self.epsilons[i]) if self.how == "adam" else gradient
            self.parts[i] = self.parts[i] - self.rates[i] * way


def learnt(network: InNumpy, setup: Symmetry) -> np.ndarray:
    with jax.enable_x64(True):
        task = task_of(setup, "float64")
        x, y = np.asarray(task.x), np.asarray(task.y)
    return np.array([network.step(x, y, number) for number in range(1, setup.steps + 1)])


@pytest.mark.parametrize("how", ["sgd", "adam"])
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_both_curves_of_the_proof_are_those_of_plain_numpy(activation, how):
    setup, n = small().setup, SMALL["width"]
    found = small().measured["replacement"][activation][how]
    clones = InNumpy(n, 0.5, activation, how, 0.1)
    one = InNumpy(1, 0.5, activation, how, 0.1)
    one.parts[2] = one.parts[2] * n
    into = (0.1, n * 1e-8) if how == "adam" else (0.1 / n, 1e-8)
    one.rates, one.epsilons = [into[0], into[0], n * 0.1, 0.1], [into[1], into[1], 1e-8, 1e-8]
    np.testing.assert_allclose(found["clones"], learnt(clones, setup), rtol=1e-9)
    np.testing.assert_allclose(found["one"], learnt(one, setup), rtol=1e-9)


def test_the_curves_of_the_constants_are_those_of_plain_numpy():
    result = small()
    for name, start in result.measured["starts"].items():
        network = InNumpy(4, float(name), "tanh", "adam", 0.1)
        np.testing.assert_allclose(start["losses"], learnt(network, result.setup), rtol=1e-9)


@cache
def short_task():
    with jax.enable_x64(True):
        return task_of(lessons.symmetry().setup, "float64")


@settings(max_examples=15)
@given(
    st.integers(2, 16),
    st.floats(-2, 2),
    st.floats(1e-4, 0.5),
    st.sampled_from(("sgd", "adam")),
    st.floats(-1, 1),
)
def test_one_neuron_replaces_clones_whatever_their_number(n, constant, rate, how, shift):
    with jax.enable_x64(True):
        into = np.full((2, n), constant) * [[1.0], [shift]]
        clones = Network.from_arrays(
            [into, np.full((n, 1), 1 - constant)],
            [np.full(n, shift), np.zeros(1)],
            activations=["tanh", "identity"],
        )
        members = {
            "clones": Member(clones, common(rate), how == "adam"),
            "one": Member(stand_in(clones), matched(how, rate, n), how == "adam"),
        }
        courses = train_seated(members, short_task(), 5)
    assert difference(courses["clones"].losses, courses["one"].losses) <= 1e-9
    assert courses["clones"].apart.max() == 0


def test_matched_rates_are_what_the_lesson_says():
    sgd, adam = matched("sgd", 0.3, 4), matched("adam", 0.3, 4)
    assert (sgd.into, sgd.out, sgd.output_bias, sgd.epsilon_into) == (0.075, 1.2, 0.3, EPSILON)
    assert (adam.into, adam.out, adam.output_bias) == (0.3, 1.2, 0.3)
    assert (adam.epsilon_into, adam.epsilon) == (4 * EPSILON, EPSILON)


def test_curves_are_compared_until_training_does_not_repeat_itself():
    one = np.array([1.0, 1.0, 1.0, 1.0])
    off, echo = np.array([1.0, 1.0, 2.0, 2.0]), np.array([1.0, 1.0, 1.0, 1.1])
    assert comparable(one, one, echo, 1e-9) == 4
    assert comparable(off, one, one, 1e-9) == 4  # it repeats itself: the difference counts
    assert comparable(off, one, echo, 1e-9) == 3
    assert comparable(one * np.nan, one * np.nan, one, 1e-9) == 0
    assert difference(off, one) == 0.5 and np.isnan(difference(off * np.nan, one))
