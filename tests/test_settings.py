"""Settings: one table of ranges, and messages that say it."""

import math
from dataclasses import fields

import numpy as np
import pytest

from whygrad.errors import OptionError
from whygrad.settings import CHOICES, RANGES, Range, Settings

NUMBERS = sorted(RANGES)


def message(**given) -> str:
    with pytest.raises(OptionError) as raised:
        Settings(**given)
    return str(raised.value)


def test_the_defaults_are_allowed():
    assert Settings().optimizer == "adam"


def test_every_range_and_choice_belongs_to_a_setting():
    names = {field.name for field in fields(Settings)}
    assert set(RANGES) | set(CHOICES) <= names


@pytest.mark.parametrize("name", NUMBERS)
def test_a_value_below_its_range_is_refused(name):
    allowed = RANGES[name]
    value = allowed.kind(allowed.low - 1)
    assert f"{name} must be " in message(**{name: value})


@pytest.mark.parametrize("name", NUMBERS)
def test_the_lower_end_belongs_to_the_range_only_if_it_says_so(name):
    allowed = RANGES[name]
    assert allowed.allows(allowed.kind(allowed.low)) is allowed.includes_low


@pytest.mark.parametrize("name", [name for name in NUMBERS if RANGES[name].high])
def test_the_upper_end_never_belongs_to_the_range(name):
    assert not RANGES[name].allows(RANGES[name].kind(RANGES[name].high))


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [math.nan, math.inf, "3", True, [1]])
def test_what_is_no_number_is_refused(name, value):
    assert f"{name} must be " in message(**{name: value})


@pytest.mark.parametrize("name", [name for name in NUMBERS if RANGES[name].kind is float])
@pytest.mark.parametrize("value", [1e-50, 1e-46, 1e-39, 5e-324])
def test_a_value_that_float32_makes_0_is_refused(name, value):
    assert " in float32 too, in which training computes, got " in message(**{name: value})


@pytest.mark.parametrize("name", ["momentum", "beta1", "beta2"])
def test_a_share_that_float32_makes_1_is_refused(name):
    assert message(**{name: 0.999999999}) == (
        f"{name} must be a finite number ≥ 0, < 1 in float32 too, in which training computes, got "
        "0.999999999, which float32 makes 1. Choose a value from 1.2e-38 to 3.4e38 in size, at "
        "least 1e-7 away from an end that is not 0."
    )
    assert getattr(Settings(**{name: 0.9999999}), name) == 0.9999999


@pytest.mark.parametrize("name", ["learning_rate", "epsilon", "l2", "weight_decay", "clip_norm"])
def test_a_value_that_float32_makes_infinite_is_refused(name):
    assert ", which float32 makes ∞." in message(**{name: 1e39})


def test_a_class_weight_that_float32_makes_0_is_refused():
    assert message(class_weight=(1.0, 1e-46)) == (
        "class_weight must be a finite number ≥ 0 in float32 too, in which training computes, got "
        "1e-46, which float32 makes 0. Choose a value from 1.2e-38 to 3.4e38 in size, at least "
        "1e-7 away from an end that is not 0."
    )
    assert Settings(class_weight=(1.0, 0.0)).class_weight == (1.0, 0.0)


@pytest.mark.parametrize("name", NUMBERS)
def test_none_means_off_only_where_that_is_allowed(name):
    assert RANGES[name].allows(None) is (name in ("clip_norm", "patience"))


def test_a_whole_number_is_a_number_but_not_the_other_way_round():
    assert Settings(learning_rate=1).learning_rate == 1
    assert not RANGES["epochs"].allows(2.0)


def test_messages_say_the_range_and_what_came():
    assert message(learning_rate=-1.0) == (
        "learning_rate must be a finite number > 0, got -1.0. Choose a value in that range."
    )
    assert message(momentum=1.0) == (
        "momentum must be a finite number ≥ 0, < 1, got 1.0. Choose a value in that range."
    )
    assert message(epochs=0) == (
        "epochs must be a whole number ≥ 1, got 0. Choose a value in that range."
    )
    assert message(optimizer="adamm") == (
        "There is no optimiser called adamm. Did you mean adam? "
        "Known: sgd, momentum, nesterov, adam, adamw, nadam, adamax, rmsprop, adagrad, adadelta, "
        "lion."
    )
    assert message(schedule="step") == (
        "There is no schedule called step. Known: constant, linear, cosine, exponential."
    )
    assert message(shuffle="alone") == (
        "There is no order of the samples called alone. Known: together, never, apart."
    )
    assert message(reduction="means") == (
        "There is no reduction over the batch called means. Did you mean mean? Known: mean, sum."
    )
    assert message(maximize=1) == (
        "maximize must be true or false, got 1. Leave it out: training then descends the loss."
    )
    assert message(l1=-0.5) == (
        "l1 must be a finite number ≥ 0, got -0.5. Choose a value in that range."
    )
    assert message(class_weight="even") == (
        "There is no class weighting called even. Known: balanced."
    )


def test_settings_go_to_a_dict_and_back():
    settings = Settings(optimizer="lion", clip_norm=1.5, patience=3)
    assert Settings.from_dict(settings.to_dict()) == settings


def test_settings_of_runs_from_before_these_were_there_are_what_they_did():
    later = ("l1", "maximize", "shuffle", "reduction")
    told = {name: value for name, value in Settings().to_dict().items() if name not in later}
    assert Settings.from_dict(told) == Settings()
    assert (Settings().l1, Settings().maximize) == (0, False)
    assert (Settings().shuffle, Settings().reduction) == ("together", "mean")


def test_an_unknown_setting_names_the_nearest():
    with pytest.raises(OptionError) as raised:
        Settings.from_dict({"learning_rat": 1.0})
    known = ", ".join(field.name for field in fields(Settings))
    assert str(raised.value) == (
        f"There is no setting called learning_rat. Did you mean learning_rate? Known: {known}."
    )


def test_a_range_reads_as_a_sentence_part():
    assert str(Range(float, 0, 1)) == "≥ 0, < 1"
    assert str(Range(int, 1)) == "≥ 1"
    assert str(Range(float, 0, includes_low=False)) == "> 0"


def test_numpy_numbers_are_numbers_and_become_plain():
    settings = Settings(epochs=np.int64(3), learning_rate=np.float32(0.5))  # type: ignore[arg-type]
    assert (settings.epochs, settings.learning_rate) == (3, 0.5)
    assert (type(settings.epochs), type(settings.learning_rate)) == (int, float)


@pytest.mark.parametrize("name", ["learning_rate", "l2", "seed"])
def test_a_number_beyond_every_float_is_out_of_range(name):
    with pytest.raises(OptionError, match=f"^{name} must be a"):
        Settings(**{name: 10**400})
