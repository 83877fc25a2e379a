"""What is chosen for data: by how many samples train, and around what was asked for."""

import json
from dataclasses import replace

import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

import whygrad as wg
from whygrad.cli.plan import Plan, as_options, make_plan, read_options
from whygrad.core.optimizer import schedule_of
from whygrad.doctor.prescribing import as_toml
from whygrad.settings import Settings
from whygrad.training.choosing import (
    MOST_STEPS,
    RESTRAINED,
    THOROUGH,
    chosen_network,
    chosen_training,
)


def table(samples: int, task: str = "classes", validation: float = 0.1) -> wg.Data:
    x = np.arange(samples, dtype=np.float32)[:, None] % 7
    y = np.arange(samples) % 3 if task == "classes" else x[:, 0] / 3
    return wg.from_arrays(x, y, task=task, validation=validation, test=0)


@pytest.mark.parametrize(
    ("samples", "hidden", "batch", "epochs"),
    [
        (30, [64, 64], 64, 500),
        (300, [64, 64], 64, 100),
        (2000, [128, 128], 64, 100),
        (60_000, [128, 128], 256, 28),
    ],
)
def test_more_samples_get_wider_layers_larger_batches_and_fewer_passes(
    samples, hidden, batch, epochs
):
    data = table(samples)
    assert chosen_network(data)["hidden"] == hidden
    chosen = chosen_training(data, {})
    assert (chosen["batch_size"], chosen["epochs"]) == (batch, epochs)
    assert epochs * -(-len(data.train) // batch) <= MOST_STEPS


@given(
    st.integers(20, 3000),
    st.fixed_dictionaries(
        {},
        optional={
            "epochs": st.integers(1, 500),
            "batch_size": st.integers(1, 500),
            "learning_rate": st.floats(1e-5, 1.0),
        },
    ),
    st.sampled_from([RESTRAINED, THOROUGH]),
)
def test_the_decay_forgets_over_a_share_of_the_run(samples, given, recipe):
    """The decay of a constant rate over its memory shrinks a weight to 1/e."""
    data = table(samples)
    settings = Settings.from_dict(chosen_training(data, given, recipe) | given)
    steps = -(-len(data.train) // settings.batch_size) * settings.epochs
    decay = settings.learning_rate * settings.weight_decay
    assert decay * steps * recipe.memory == pytest.approx(1, rel=0.06)  # two digits are written


@pytest.mark.parametrize(
    ("recipe", "samples", "epochs"),
    [
        (RESTRAINED, 20, 500),
        (RESTRAINED, 140, 250),
        (THOROUGH, 100, 1500),
        (THOROUGH, 300, 600),
        (THOROUGH, 2000, 104),
        (THOROUGH, 5000, 84),
        (THOROUGH, 60_000, 28),
    ],
)
def test_a_run_takes_steps_enough_and_not_too_many(recipe, samples, epochs):
    data = table(samples)
    chosen = chosen_training(data, {}, recipe)
    steps = -(-len(data.train) // chosen["batch_size"]) * chosen["epochs"]
    assert chosen["epochs"] == epochs
    assert recipe.least_steps <= steps <= MOST_STEPS


def test_a_thorough_run_drops_nothing_out():
    assert chosen_network(table(300), THOROUGH)["dropout"] == 0


def test_the_rate_falls_along_a_cosine():
    settings = Settings.from_dict(chosen_training(table(300), {}))
    falls, peer = schedule_of(settings, 500), optax.cosine_decay_schedule(1.0, 500)
    assert falls is not None
    assert [falls(step) for step in (0, 250, 499)] == [peer(step) for step in (0, 250, 499)]


@given(
    st.dictionaries(
        st.sampled_from(["epochs", "batch_size", "patience"]), st.integers(1, 99), max_size=3
    ),
    st.sampled_from(["adam", "sgd", "lion"]),
)
def test_what_is_asked_for_is_never_chosen(given, optimizer):
    given = given | {"optimizer": optimizer}
    chosen = chosen_training(table(200), given)
    assert not set(chosen) & set(given)
    assert ("learning_rate" in chosen) == (optimizer == "adam")


def test_quantities_and_other_losses_have_no_labels_to_smooth():
    assert chosen_training(table(200), {})["label_smoothing"] > 0
    assert "label_smoothing" not in chosen_training(table(200, "numbers"), {})
    assert "label_smoothing" not in chosen_training(table(200), {"loss": "mean_squared"})


def test_a_small_validation_part_picks_no_epoch():
    assert "patience" not in chosen_training(table(200, validation=0), {})
    assert "patience" not in chosen_training(table(490), {})
    assert chosen_training(table(500), {})["patience"] == 100
    assert chosen_training(table(500), {"epochs": 7})["patience"] == 7


def test_a_completed_plan_is_exact_and_needs_no_more_choosing():
    data = table(300)
    plan = Plan({"source": "iris"}, {"hidden": [5]}, {"epochs": 7}).completed(data)
    assert plan.network["hidden"] == [5] and plan.training["epochs"] == 7
    assert "hidden" not in plan.chosen and "epochs" not in plan.chosen
    again = Plan(plan.data, plan.network, plan.training).completed(table(60_000))
    assert again.to_dict() == plan.to_dict() and not again.chosen
    assert Settings.from_dict(plan.training) == Settings.from_dict(
        json.loads(json.dumps(plan.training))
    )


def test_the_options_that_are_printed_ask_for_the_same():
    chosen = Plan({"source": "iris"}, {}, {}).completed(table(300, validation=0)).chosen
    words = as_options(chosen).split()
    names = [word.removeprefix("--").replace("-", "_") for word in words[::2]]
    asked = dict(zip(names, words[1::2], strict=True))
    assert set(asked) == set(chosen)
    rest = dict.fromkeys(("class_weight", "drop", "hidden"))
    options = read_options(rest | asked | {"data": "iris"})
    assert options["hidden"] == chosen["hidden"]
    numbers = {name: float(asked[name]) for name in chosen if name not in ("hidden", "schedule")}
    assert numbers == {name: chosen[name] for name in numbers}


def test_a_plan_of_nothing_but_data_trains_alike_when_it_is_written_out(tmp_path):
    data = replace(table(60), name="rows")
    plan = Plan({"source": "iris"}, {}, {"epochs": 2}).completed(data)
    path = tmp_path / "c.toml"
    path.write_text(as_toml(plan.to_dict()))
    read = make_plan(path, {}).completed(data)
    assert read.to_dict() == plan.to_dict()
