"""What the words mean: dead, closed, clones, what an output can reach, what can be learned."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.doctor.baseline import Baseline, baseline_of
from whygrad.doctor.checks.ends import one_unit_softmax, out_of_range
from whygrad.doctor.checks.starts import clones
from whygrad.doctor.evidence import LayerRows
from whygrad.doctor.faults import run_checks
from whygrad.doctor.reference import RANGES
from whygrad.doctor.states import states_of
from whygrad.record.fields import ROW_FIELDS
from whygrad.record.layers import DENSE, LayerSpec

SEED = 1000
Z = np.concatenate([np.linspace(-80, 80, 4001), [-1e4, 1e4]])


def state_with(make, first_bias: float, activation: str = "relu", row: int | None = None):
    """Return how the layers are where the first neuron's bias is set, open for one row or none."""
    setup = make(activation=activation)
    weights = [np.array(dense.weight) for dense in setup.start(SEED).dense]
    weights[0][:, 0] = 0.0 if row is None else 100 * setup.x[row] / np.sum(setup.x[row] ** 2)
    biases = np.zeros(12)
    biases[0] = first_bias
    changed = replace(setup, inits=tuple(weights), bias_inits=(biases, "zeros", "zeros"))
    return states_of(changed, [changed.start(SEED)])[0]


def test_a_relu_that_is_closed_for_every_sample_is_dead(make):
    assert 0 in state_with(make, -1.0)["hidden1"].dead


def test_a_relu_that_is_open_for_one_sample_is_closed_but_not_dead(make):
    farthest = int(np.argmax(np.sum(make().x ** 2, axis=1)))
    layer = state_with(make, -99.0, row=farthest)["hidden1"]
    assert 0 not in layer.dead
    assert 0 in layer.closed


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_a_saturated_neuron_with_any_slope_left_is_closed_and_not_dead(make, activation):
    layer = state_with(make, 7.0, activation)["hidden1"]
    assert 0 in layer.closed
    assert 0 not in layer.dead


def test_outputs_are_never_dead_nor_closed(make):
    setup = make("numbers", output_activation="relu", bias_init="constant:-50")
    output = states_of(setup, [setup.start(SEED)])[0]["output"]
    assert (output.dead, output.closed, output.slope_share) == ((), (), 0.0)


def test_a_neuron_is_saturated_however_large_its_gradient(make):
    """A gradient says how much is asked for, not whether anything gets through."""
    setup = make("numbers", activation="sigmoid", bias_init="constant:15")
    loud = make("numbers", activation="sigmoid", bias_init="constant:15", target_scale=1e6)
    quiet, pushed = (states_of(s, [s.start(SEED)])[0]["hidden1"] for s in (setup, loud))
    assert pushed.gradient > 1e4 * quiet.gradient
    assert pushed.closed == quiet.closed == tuple(range(12))


def arrays_with(make, **copied: bool):
    """Return a set-up whose second hidden1 neuron takes over some weights of the first."""
    setup = make()
    weights = [np.array(dense.weight) for dense in setup.start(SEED).dense]
    if copied.get("incoming"):
        weights[0][:, 1] = weights[0][:, 0]
    if copied.get("outgoing"):
        weights[1][1] = weights[1][0]
    return replace(setup, inits=tuple(weights))


def test_neurons_with_equal_weights_in_and_out_are_clones(make, examined):
    found = clones(examined(arrays_with(make, incoming=True, outgoing=True)))
    assert (found.kind, found.layer) == ("clones", "hidden1")
    assert found.evidence == {"neurons": 12, "width": 11}


@pytest.mark.parametrize("copied", ["incoming", "outgoing"])
def test_neurons_that_share_one_side_only_are_no_clones(make, examined, copied):
    assert clones(examined(arrays_with(make, **{copied: True}))) is None


def test_softmax_over_one_unit_is_certain_of_everything(make, examined):
    evidence = examined(make("binary", output_activation="softmax", loss="squared"), measured=True)
    first = run_checks(evidence)[0]
    assert first == one_unit_softmax(evidence)
    assert evidence.starts[0]["output"].slope_share == 0
    assert evidence.starts[0]["output"].gradient == 0


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"softmax"}))
def test_the_range_of_every_output_is_what_the_activation_reaches(name):
    with np.errstate(all="ignore"):
        reached = np.asarray(ACTIVATIONS[name].value(jnp.asarray(Z)), np.float64)
    low, high = RANGES.get(name, (-np.inf, np.inf))
    widest = (reached.min(), reached.max())
    ends = [bound if abs(bound) < 50 else np.sign(bound) * np.inf for bound in widest]
    assert (low, high) == pytest.approx(ends, abs=2e-3)


@pytest.mark.parametrize("name", sorted(RANGES))
def test_a_quantity_beyond_the_range_is_found_and_one_inside_is_not(make, examined, name):
    low, high = RANGES[name]
    inside = np.linspace(max(low, -9), min(high, 9), 64)[:, None]
    for y, finds in ((inside, False), (inside + (low - 5 if high == np.inf else high + 5), True)):
        setup = make("numbers", output_activation=name, y=y, labels=y)
        assert bool(out_of_range(examined(setup))) is finds


def test_what_is_known_of_the_floor_alone_is_nothing_and_of_the_level_is_all():
    baseline = Baseline(0.4, 0.9, False)
    told = [baseline.learned(measure) for measure in (0.4, 0.65, 0.9, 1.0, 0.15)]
    assert told == pytest.approx([0, 0.5, 1, 1, -0.5])
    assert Baseline(0.0, 1.0, False).learned(-np.inf) == -1


def test_a_task_that_holds_nothing_is_learned_by_knowing_its_floor():
    assert [Baseline(0.5, 0.5, True).learned(m) for m in (0.5, 1.0, 0.4)] == [1, 1, 0]


@pytest.mark.parametrize("task", ["classes", "labels", "numbers"])
def test_a_table_with_structure_has_a_level_of_unseen_rows(make, task):
    setup = make(task)
    if task == "numbers":  # a line, which an ordinary model carries over
        setup = replace(setup, y=setup.x[:, :1], labels=setup.x[:, :1])
    baseline = baseline_of(setup)
    assert not baseline.is_by_heart
    assert baseline.floor < 0.65 < baseline.level <= 1


def test_few_rows_are_measured_by_heart(make):
    setup = make()
    assert not baseline_of(replace(setup, x=setup.x[:40], labels=setup.labels[:40])).is_small
    few = baseline_of(replace(setup, x=setup.x[:39], labels=setup.labels[:39]))
    assert (few.level, few.is_by_heart, few.is_small) == (1.0, True, True)


def test_labels_without_structure_are_measured_by_heart(make):
    generator = np.random.default_rng(5)
    x, labels = generator.normal(size=(400, 4)), generator.permutation(np.arange(400) % 2)
    assert baseline_of(replace(make("binary"), x=x, labels=labels)) == Baseline(0.5, 1.0, True)


def test_equal_rows_with_unlike_labels_lower_what_can_be_known_by_heart(make):
    setup = make("binary")
    few = replace(setup, x=np.repeat(setup.x[:4], 4, axis=0), labels=np.tile([0, 0, 0, 1], 4))
    assert baseline_of(few).level == 0.75


@pytest.mark.parametrize("task", ["binary", "numbers"])
def test_constant_targets_hold_nothing_to_learn(make, task):
    setup = make(task)
    baseline = baseline_of(replace(setup, labels=np.zeros_like(setup.labels)))
    assert baseline.learned(1.0) == 1


def recorded(*opened: list[float]) -> LayerRows:
    rows = np.zeros((len(opened), len(ROW_FIELDS), 2))
    rows[:, ROW_FIELDS.index("open")] = opened
    spec = LayerSpec("hidden1", DENSE, 1, 2, (1, 2), "hidden1.weight", None, "relu", 1.0, True)
    return LayerRows(spec, np.arange(len(opened)) * 10, rows)


@pytest.mark.parametrize(
    ("opened", "neurons", "step"),
    [
        ([[1, 1], [0, 1], [0, 0.5]], [0], 10),
        ([[1, 1], [0, 1], [0, 0.5]], [0, 1], None),
        ([[0, 1], [0.1, 1], [0, 1]], [0], 20),  # open again in between
        ([[0, 0], [0, 0]], [0, 1], 0),
    ],
)
def test_the_step_from_which_on_neurons_were_shut(opened, neurons, step):
    assert recorded(*opened).first_shut(neurons) == step
