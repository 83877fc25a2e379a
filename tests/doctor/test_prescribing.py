"""A remedy as a configuration: TOML that reads back as it was and that training accepts."""

import tomllib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from whygrad.cli.plan import KNOWN, make_network, make_plan
from whygrad.cli.training import load_data
from whygrad.doctor.examples import EXAMPLES, ill
from whygrad.doctor.faults import FAULTS
from whygrad.doctor.finding import Remedy
from whygrad.doctor.prescribing import as_toml, prescribe
from whygrad.doctor.reference import ADAM

ASKED = {
    "data": {"source": "iris", "standardize": False, "seed": 3},
    "network": {"hidden": [4, 4], "activation": "sigmoid", "dropout": 0.5},
    "training": {"optimizer": "sgd", "learning_rate": 10.0, "epochs": 1},
}
PRESCRIBED = {  # change -> where it goes
    "activation": ("tanh", {"network": {"activation": "tanh"}}),
    "output_activation": ("softmax", {"network": {"output_activation": "softmax"}}),
    "init": ("he_normal", {"network": {"init": "he_normal"}}),
    "bias_init": ("zeros", {"network": {"bias_init": "zeros"}}),
    "hidden": ((32, 32), {"network": {"hidden": [32, 32]}}),
    "drop": (0.0, {"network": {"dropout": 0.0}}),
    "input_scaling": ("standard", {"data": {"standardize": True}}),
    "target_coding": ("standard", {"data": {"target_scaling": "standard"}}),
    "loss": ("cross_entropy", {"training": {"loss": "cross_entropy"}}),
    "epochs": (40, {"training": {"epochs": 40}}),
    "maximize": (False, {"training": {"maximize": False}}),
    "shuffle": ("together", {"training": {"shuffle": "together"}}),
    "l1": (0.0, {"training": {"l1": 0.0}}),
    "outputs": (3, {}),  # the data says how many
}


def remedy(**changes) -> Remedy:
    return Remedy("any", "opt", changes)


@pytest.mark.parametrize("name", PRESCRIBED)
def test_a_change_goes_to_its_place_and_nothing_else_changes(name):
    value, expected = PRESCRIBED[name]
    wanted = {section: values | expected.get(section, {}) for section, values in ASKED.items()}
    assert prescribe(ASKED, [remedy(**{name: value})]) == wanted


@pytest.mark.parametrize(
    ("asked", "changes", "expected"),
    [
        ({}, {"input_scaling": "standard"}, {"standardize": True, "target_scaling": "none"}),
        (
            {"target_scaling": "unit"},
            {"input_scaling": "standard"},
            {"standardize": True, "target_scaling": "unit"},
        ),
        (
            {},
            {"input_scaling": "standard", "target_coding": "unit"},
            {"standardize": True, "target_scaling": "unit"},
        ),
        ({}, {"target_coding": "standard"}, {"target_scaling": "standard"}),
        (
            {"standardize": True},
            {"target_coding": "unit"},
            {"standardize": True, "target_scaling": "unit"},
        ),
        ({"standardize": True}, {"epochs": 3}, {"standardize": True}),
    ],
)
def test_inputs_and_numbers_to_predict_are_scaled_apart(asked, changes, expected):
    assert prescribe({"data": asked}, [remedy(**changes)], "numbers")["data"] == expected


def test_what_was_asked_is_left_as_it_was():
    before = {section: dict(values) for section, values in ASKED.items()}
    prescribe(ASKED, [remedy(hidden=(8,)), remedy(epochs=9)])
    assert before == ASKED


def test_remedies_follow_one_another():
    sections = prescribe({}, [remedy(**ADAM), remedy(learning_rate=0.5, init="zeros")])
    assert sections == {
        "training": {**ADAM, "learning_rate": 0.5},
        "network": {"init": "zeros"},
    }


@pytest.fixture(scope="module")
def every_remedy(make, examined):
    """Return every remedy that a check gives for an example of its fault."""
    found = {}
    for kind in EXAMPLES:
        evidence = examined(ill(kind))
        for fault in FAULTS.values():
            finding = fault(evidence)
            for one in finding.remedies if finding else ():
                found.setdefault(f"{one.component} {sorted(one.changes)}", []).append(one)
    return found


def test_there_are_remedies_of_many_kinds(every_remedy):
    assert len(every_remedy) >= 12


def test_every_remedy_reads_back_from_toml_as_it_was(every_remedy):
    for remedies in every_remedy.values():
        for one in remedies:
            sections = prescribe(ASKED, [one])
            assert tomllib.loads(as_toml(sections)) == sections


def test_every_remedy_is_a_plan_that_training_accepts(every_remedy, tmp_path):
    path = tmp_path / "remedy.toml"
    for remedies in every_remedy.values():
        sections = prescribe(ASKED, remedies[:1])
        path.write_text(as_toml(sections), encoding="utf-8")
        plan = make_plan(path, {})
        for section, values in sections.items():
            asked = {name: plan.to_dict()[section][name] for name in values}
            assert asked == values


@pytest.mark.parametrize("hidden", [(8,), (8, 8), (8, 8, 8)])
def test_other_hidden_layers_fit_what_was_asked_a_layer(hidden, tmp_path):
    """One activation, start or share of dropout a layer, for layers that are no more."""
    layered = {
        "hidden": [4, 4],
        "activation": ["tanh", "relu"],
        "init": ["zeros", "he_normal", "zeros"],
        "bias_init": ["zeros", "zeros", "constant:1"],
        "dropout": [0.1, 0.2],
    }
    sections = prescribe(ASKED | {"network": layered}, [remedy(hidden=hidden)])
    path = tmp_path / "remedy.toml"
    path.write_text(as_toml(sections), encoding="utf-8")
    plan = make_plan(path, {})
    data = load_data(plan)
    assert make_network(plan.completed(data), data).sizes == (4, *hidden, 3)


@pytest.mark.parametrize(("loss", "smoothing"), [("cross_entropy", 0.1), ("mean_squared", 0.0)])
def test_a_loss_without_labels_ends_their_smoothing(loss, smoothing):
    asked = ASKED | {"training": {"loss": "softmax_cross_entropy", "label_smoothing": 0.1}}
    training = prescribe(asked, [remedy(loss=loss)])["training"]
    assert training == {"loss": loss, "label_smoothing": smoothing}
    assert "label_smoothing" not in prescribe(ASKED, [remedy(loss=loss)]).get("training", {})


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    st.lists(TEXT, max_size=3),
    st.lists(st.integers(0, 9), max_size=3),
)
NAMES = st.sampled_from([name for names in KNOWN.values() for name in names])


@example({"data": {"source": '\x7f \0 \\ " \u2028 \U0001f600'}})
@given(st.dictionaries(st.sampled_from(list(KNOWN)), st.dictionaries(NAMES, VALUES), min_size=1))
def test_any_configuration_reads_back_from_toml_as_it_was(sections):
    assert tomllib.loads(as_toml(sections)) == sections


def test_what_is_not_set_is_left_out():
    assert as_toml({"training": {"patience": None, "epochs": 2}}) == "[training]\nepochs = 2\n"


def test_tuples_of_settings_are_lists():
    sections = {"training": {"class_weight": (1.0, 2.0)}}
    assert tomllib.loads(as_toml(sections)) == {"training": {"class_weight": [1.0, 2.0]}}


def test_numbers_of_numpy_are_numbers():
    changed = prescribe({}, [remedy(learning_rate=float(np.float64(0.1)))])
    assert as_toml(changed) == "[training]\nlearning_rate = 0.1\n"
