"""Equal starts: no slope is blamed for what cancels, no factor where all are healthy."""

import numpy as np
import pytest

from whygrad.doctor.baseline import Baseline
from whygrad.doctor.checks.hidden import saturating_hidden
from whygrad.doctor.checks.starts import clones
from whygrad.doctor.checks.steps import rate_too_low
from whygrad.doctor.gathering import gather
from whygrad.doctor.rendering import where_and_when
from whygrad.doctor.thresholds import BARELY, LED
from whygrad.doctor.trials import try_out
from whygrad.doctor.wording import explain, sentence
from whygrad.words import speaking

EQUAL = [
    pytest.param(init, activation, hidden, id=f"{init}-{activation}-{len(hidden)}")
    for init in ("constant:0.02", "constant:0.1", "constant:0.3")
    for activation in ("sigmoid", "tanh")
    for hidden in ((12,), (12, 12))
]


@pytest.mark.parametrize(("init", "activation", "hidden"), EQUAL)
def test_what_cancels_at_a_softmax_is_no_matter_of_slopes(make, examined, init, activation, hidden):
    evidence = examined(make(init=init, activation=activation, hidden=hidden), measured=True)
    last = f"hidden{len(hidden)}"
    assert evidence.starts[0][last].factors["upstream"] < 1e-6, "the case that this is about"
    assert saturating_hidden(evidence) is None
    found = clones(evidence)
    assert (found.kind, found.said, found.factor) == ("clones", "cancels", "upstream")
    assert found.evidence["left"] == pytest.approx(left_over(evidence, last), rel=1e-6, abs=1e-12)
    assert "sum to 0" in sentence(found) and last in sentence(found)
    with speaking("zh"):
        assert "δ 之和为 0" in sentence(found)


def left_over(evidence, layer: str) -> float:
    """Return what is left of |w| |delta| behind the weights of the output, worked out anew."""
    state = evidence.starts[0]
    output = state["output"]
    delta = output.factors["upstream"] * output.factors["slope"]
    return state[layer].factors["upstream"] / (output.weight * delta)


@pytest.mark.parametrize("task", ["binary", "labels", "numbers"])
def test_where_nothing_cancels_no_factor_of_clones_fails(make, examined, task):
    evidence = examined(make(task, init="constant:0.5", activation="tanh"), measured=True)
    found = clones(evidence)
    assert (found.said, found.factor, found.to_dict()["factor"]) == ("says", None, None)
    assert "first failing factor" not in where_and_when(found)
    assert "all four factors may be healthy" in where_and_when(found)
    with speaking("zh"):
        assert where_and_when(found).startswith("四个因子都可能正常；问题在于各神经元的梯度相等")


def test_clones_are_explained_without_a_failing_factor():
    assert "First failing factor" not in explain("clones")
    assert "First failing factor: slope" in explain("dead")


@pytest.mark.parametrize("init", ["constant:0.1", "zeros"])
def test_of_many_sigmoids_the_slopes_are_told_all_the_same(make, examined, init):
    setup = make(init=init, activation="sigmoid", hidden=(12,) * 6)
    found = saturating_hidden(examined(setup, measured=True))
    assert 0.2**6 < found.evidence["through"] <= 0.25**6


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_what_the_slopes_are_said_to_let_through_is_their_product(make, examined, activation):
    evidence = examined(make(activation=activation), measured=True)
    setup, found = evidence.setup, saturating_hidden(evidence)
    x, slopes = setup.inputs, []
    for dense in setup.start(1000).dense[:-1]:
        z = x @ np.asarray(dense.weight) + np.asarray(dense.bias)
        x = np.tanh(z) if activation == "tanh" else 1 / (1 + np.exp(-z))
        slopes.append(np.mean(1 - x**2 if activation == "tanh" else x * (1 - x)))
    assert found.evidence["through"] == pytest.approx(np.prod(slopes), rel=1e-3)


SGD = {"optimizer": "sgd", "learning_rate": 0.01}  # the usual rate


def trained(setup):
    """Return what is known of a set-up once it was trained, from one seed."""
    return gather(setup, Baseline(0.4, 1.0, False), try_out(setup, seeds=(1000,)))


@pytest.mark.parametrize(
    ("init", "activation"),
    [("zeros", "tanh"), ("constant:0.5", "tanh"), ("constant:2", "sigmoid")],
)
def test_weights_that_no_gradient_leads_on_are_not_told_to_take_longer_steps(
    make, init, activation
):
    evidence = trained(make(init=init, activation=activation, **SGD))
    assert max(evidence.moved) < BARELY, "the case that this is about"
    assert evidence.gradient_left < LED
    assert rate_too_low(evidence) is None


def test_weights_that_barely_moved_along_a_gradient_that_is_still_there_are(make):
    evidence = trained(make(epochs=2, **SGD))
    assert max(evidence.moved) < BARELY and evidence.gradient_left > LED
    assert rate_too_low(evidence).evidence["moved"] == evidence.moved[0]


def test_what_is_left_of_a_gradient_is_known_of_networks_that_ended_finite_only(make, examined):
    setup = make()
    assert examined(setup).gradient_left == 1
    assert np.isnan(examined(setup, ends=(None,)).gradient_left)
