"""What stands out of a record: planted, and found; the ratios worked out a second time."""

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import whygrad as wg
from whygrad.errors import OptionError
from whygrad.explain.looking import A_LAYER, LEAST, Looks, worth_a_look
from whygrad.record.fields import FACTORS, ROW_FIELDS
from whygrad.record.folder import RunFolder
from whygrad.record.layers import LayerSpec
from whygrad.words import number, speaking

LAYERS = {"hidden1": 6, "hidden2": 5, "output": 3}
STEPS = 30


class Recorded(RunFolder):
    """A run that recorded these rows, (steps, fields, neurons) of each layer."""

    def __init__(self, rows: dict[str, np.ndarray]):
        self.recorded = rows

    @property
    def layers(self) -> list[str]:
        return list(self.recorded)

    def rows(self, layer: str) -> tuple[np.ndarray, np.ndarray]:
        rows = self.recorded[layer]
        return 10 * np.arange(len(rows)), rows

    def spec(self, layer: str) -> LayerSpec:
        neurons = self.recorded[layer].shape[2]
        return LayerSpec(
            name=layer,
            kind="dense",
            n_in=4,
            n_out=neurons,
            shape=(4, neurons),
            weight=f"{layer}.weight",
            bias=None,
            activation="relu",
            steepest=1.0,
            is_exactly_flat=True,
        )


def alike(seed: int = 0, steps: int = STEPS) -> dict[str, np.ndarray]:
    """Return rows in which nothing is three times as large as its peers."""
    rng = np.random.default_rng(seed)
    shape = (steps, len(ROW_FIELDS))
    return {name: rng.uniform(1.0, 1.2, (*shape, n)) for name, n in LAYERS.items()}


def looks_at(rows: dict[str, np.ndarray], count: int = 5) -> Looks:
    return worth_a_look(Recorded(rows), count)


@given(st.integers(0, 10**6))
def test_where_all_is_alike_nothing_is_told(seed):
    assert looks_at(alike(seed)) == ()
    assert str(looks_at(alike(seed))) == (
        "Nothing stands out: no neuron, layer or step differs from its peers by more than 3 times."
    )


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("times", [1e-3, 0.1, 50.0])
def test_a_neuron_with_a_factor_of_its_own_is_found(factor, times):
    rows = alike()
    rows["hidden2"][:, ROW_FIELDS.index(factor), 4] *= times
    look = looks_at(rows)[0]
    assert (look.address, look.kind, look.factor, look.step) == (
        *("hidden2[4]", "factor", factor),
        10 * (STEPS - 1),
    )
    last = rows["hidden2"][-10:, ROW_FIELDS.index(factor)]
    medians = [statistics.median(last[:, neuron]) for neuron in range(LAYERS["hidden2"])]
    assert look.value == pytest.approx(medians[4])
    assert look.ratio == pytest.approx(medians[4] / statistics.median(medians))
    assert look.text == (
        f"hidden2[4]: its {factor} is {number(look.value)}, {number(look.ratio)} times that of "
        "the median neuron of hidden2 (medians over the last 10 recorded steps)."
    )


def test_a_layer_whose_gradients_fade_is_found():
    rows = alike()
    rows["hidden1"][:, 0] *= 1e-4
    look = looks_at(rows)[0]
    assert (look.address, look.kind) == ("hidden1", "layer")
    sizes = {
        name: statistics.median(np.prod(one[-10:, :4], axis=1).ravel())
        for name, one in rows.items()
    }
    assert look.ratio == pytest.approx(sizes["hidden1"] / statistics.median(sizes.values()))


def test_a_step_whose_gradient_jumps_is_found():
    rows = alike()
    rows["output"][17, 0] *= 40
    look = looks_at(rows)[0]
    assert (look.address, look.kind, look.step) == ("output", "step", 170)
    sizes = np.linalg.norm(np.prod(rows["output"][:, :4], axis=1), axis=1)
    assert look.ratio == pytest.approx(
        sizes[17] / max(statistics.median(sizes[12:17]), statistics.median(sizes[18:23]))
    )


def test_a_gradient_that_fades_with_the_loss_is_no_jump():
    rows = alike()
    fading = np.exp(-np.arange(STEPS) / 5)[:, None]
    for one in rows.values():
        one[:, 0] *= fading
    assert looks_at(rows) == ()


def test_a_step_at_which_gradients_stay_large_is_no_jump():
    rows = alike()
    rows["output"][17:, 0] *= 40
    assert [one for one in looks_at(rows) if one.kind == "step"] == []


def test_neurons_without_a_gradient_come_first_by_the_factor_that_is_0():
    rows = alike()
    rows["hidden1"][:, 0, 2] *= 1e-6
    rows["hidden2"][-10:, 1, 3] = 0
    rows["hidden2"][-10:, 2, 3] = 0
    first, second, *_ = looks_at(rows)
    assert (first.address, first.factor, first.count, first.of) == ("hidden2[3]", "slope", 1, 5)
    assert first.text == (
        "hidden2[3]: it got no gradient in the last 10 recorded steps; its first factor that is 0 "
        "is slope."
    )
    assert second.address == "hidden1[2]"
    rows["hidden2"][-10:, 0, :4] = 0
    first = looks_at(rows)[0]
    assert (first.address, first.factor, first.count) == ("hidden2", "upstream", 4)
    assert first.text.startswith("hidden2: 4 of its 5 neurons got no gradient in the last 10 ")


def test_what_is_not_finite_comes_before_all():
    rows = alike()
    rows["hidden1"][-10:, 1, 0] = 0
    rows["output"][20:, 0, 1] = np.nan
    first = looks_at(rows)[0]
    assert first.text == (
        "output: what was recorded is NaN or infinite at 10 of 30 recorded steps, first at step "
        "200."
    )
    assert first.to_dict()["ratio"] is None


@given(st.integers(0, 10**6), st.sampled_from([2.0**-20, 0.5, 4.0, 2.0**30]))
def test_a_unit_that_changes_changes_no_ratio(seed, unit):
    rng = np.random.default_rng(seed)
    rows = {name: one * np.exp(rng.normal(size=one.shape)) for name, one in alike(seed).items()}
    other = {name: one * np.where(np.arange(one.shape[1]) == 0, unit, 1)[:, None]
             for name, one in rows.items()}  # fmt: skip
    before, after = looks_at(rows), looks_at(other)
    assert [one.address for one in before] == [one.address for one in after]
    np.testing.assert_allclose([a.ratio for a in before], [b.ratio for b in after])


@given(st.integers(0, 10**6), st.integers(1, 7))
def test_looks_are_few_and_far_and_in_order(seed, count):
    rng = np.random.default_rng(seed)
    rows = {name: one * np.exp(2 * rng.normal(size=one.shape)) for name, one in alike(seed).items()}
    looks = looks_at(rows, count)
    assert len(looks) <= count
    assert len({one.address for one in looks}) == len(looks)
    assert all(sum(one.layer == two.layer for two in looks) <= A_LAYER for one in looks)
    far = [abs(np.log(one.ratio)) for one in looks]
    assert far == sorted(far, reverse=True) and min(far, default=9) > np.log(LEAST)


def test_a_record_of_one_step_or_none_will_do():
    assert looks_at(alike(steps=1)) == ()
    assert looks_at(alike(steps=0)) == ()


def test_a_count_is_at_least_one():
    with pytest.raises(OptionError, match=r"^count must be a whole number ≥ 1, got 0\. Choose"):
        looks_at(alike(), 0)


def test_a_run_tells_it_in_both_languages_and_why_takes_the_address(tmp_path):
    network = wg.Network.create([4, 6, 3], init="zeros", engine="numpy")
    run = wg.train(network, wg.load("iris"), epochs=2, record_every=1, out=tmp_path / "run")
    looks = run.worth_a_look()
    assert [(one.address, one.factor) for one in looks] == [
        ("hidden1", "upstream"),
        ("output", "input"),
    ]
    for look in looks:
        assert run.why(look.address, step=look.step).gradient == 0
    assert str(looks).startswith("Worth a look:\n- hidden1: 6 of its 6 neurons got no gradient")
    assert "<li>hidden1: 6 of its 6 neurons" in looks._repr_html_()
    with speaking("zh"):
        assert str(looks).startswith("值得一看：\n- hidden1：6 个神经元中有 6 个")
        assert looks.to_dict()["looks"][0]["text"] == looks[0].text
