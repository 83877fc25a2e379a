"""Where lessons lead into the lab: every address is taken up, and the numbers are the lesson's."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from whygrad import lessons
from whygrad.lab.page import PREFIX, rooms
from whygrad.lab.scenes import circles
from whygrad.lessons.experiments.responsibility.network import LOUD, QUIET
from whygrad.lessons.instruments.gpu_sum import gpu_sum
from whygrad.lessons.lesson import Lesson, Place
from whygrad.lessons.options import allowed_values
from whygrad.render.page.lab_links import lab_hash
from whygrad.settings import Range
from whygrad.words import LANGUAGES, catalogue, number, speaking, t

LARGE = 1e6  # where a range has no end
BESIDE = {"step", "look", "ask", "slide"}  # what an address holds that is no control
ROUNDING = 1e-12


pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def taken_up(node):
    """Return the function that says what the page makes of places."""
    x, y = circles()
    samples = {"input": x.tolist(), "target": y.reshape(-1, 1).tolist()}
    words = {
        key.removeprefix(PREFIX): text
        for key, text in catalogue("en").items()
        if key.startswith(PREFIX)
    }
    page = {
        "room": rooms()[0],
        "rooms": rooms(),
        "references": [{"room": "copying", "batch": samples}],
        "words": {"en": words},
        "scene": {},
    }

    def ask(places: list[Place], *, is_walked: bool = True) -> list[dict[str, Any]]:
        addresses = [lab_hash(place.whole_address) for place in places]
        given = {"page": page, "addresses": addresses, "isWalked": is_walked}
        return node("addresses.mjs", given)

    return ask


def extremes(lesson: Lesson) -> list[Any]:
    """Return the usual set-up, and set-ups in which one option is as far out as it may be."""
    setups = [lesson.setup()]
    several = {one.name for one in fields(lesson.setup) if isinstance(one.default, tuple)}
    for name, allowed in allowed_values(lesson.setup).items():
        for value in ends(allowed):
            given = (value,) if name in several else value
            setups.append(lesson.setup(**{name: given}))
    return setups


def ends(allowed: Range | tuple[str, ...]) -> list[Any]:
    if not isinstance(allowed, Range):
        return [*allowed]
    high = LARGE if allowed.high is None else allowed.high
    if allowed.kind is int:
        return [int(allowed.low), int(high) - 1]
    low = allowed.low if allowed.includes_low else allowed.low + 1e-6
    return [float(low), float(np.nextafter(high, low))]


@pytest.fixture(scope="module")
def everywhere(taken_up) -> dict[str, list[tuple[Place, dict[str, Any]]]]:
    """Return the places of each lesson, whatever its options, and what the page makes of them."""
    found = [lessons.find(name) for name in lessons.NAMES]
    places = {lesson.name: [lesson.lab(setup) for setup in extremes(lesson)] for lesson in found}
    taken = iter(taken_up([one for of in places.values() for one in of], is_walked=False))
    return {name: [(place, next(taken)) for place in of] for name, of in places.items()}


@pytest.mark.parametrize("name", lessons.NAMES)
def test_every_address_of_a_lesson_is_taken_up(everywhere, name):
    """Each control exists, and takes the value that it is given."""
    for place, found in everywhere[name]:
        assert found["room"] == place.room in rooms()
        assert set(place.address) <= set(found["controls"]) | BESIDE
        given = {k: v for k, v in place.address.items() if k not in BESIDE}
        assert {k: found["set"][k] for k in given} == given
        assert 0 <= place.address.get("step", 0) <= found["last"]
        assert place.address.get("look") in (None, found["look"])
        ask = place.address.get("ask")
        assert ask is None or (found["asked"] == ask and ask in found["numbers"])
        slide = place.address.get("slide")
        if slide is not None:
            meant = next(one for one in found["slides"] if one["name"] == slide)
            assert {k: found["set"][k] for k in meant["set"]} == meant["set"]
            assert meant.get("look") in (None, found["look"])


@pytest.mark.parametrize("name", lessons.NAMES)
def test_every_lesson_says_what_one_will_see(name):
    lesson = lessons.find(name)
    for place in map(lesson.lab, extremes(lesson)):
        for language in LANGUAGES:
            with speaking(language):
                told = t(f"lesson.{name}.{place.says}", **place.values)
                assert told and "{" not in told and t(f"lab.{place.room}.name")


def measured_of(name: str, **options: Any) -> tuple[dict[str, Any], Place]:
    lesson = lessons.find(name)
    setup = lesson.setup(**options)
    return lesson.measure(setup, lambda share: None), lesson.lab(setup)


def test_the_neuron_of_the_chain_is_that_of_the_lab(taken_up):
    options = [{}, {"input": 1.5, "bias": 2.0, "activation": "tanh", "target": -0.5}]
    runs = [measured_of("chain", **one) for one in options]
    names = {"weight_gradient": "weightGradient", "bias_gradient": "biasGradient"}
    for (measured, place), found in zip(runs, taken_up([p for _, p in runs]), strict=True):
        assert place.says == "lab"
        for name, value in measured["chain"].items():
            assert found["numbers"][names.get(name, name)] == pytest.approx(value, rel=ROUNDING)
    assert lessons.find("chain").lab(lessons.find("chain").setup(input=50.0)).says == "lab.near"


@pytest.mark.parametrize("activation", ["all", "relu", "softplus"])
def test_the_first_neuron_of_the_sweep_is_that_of_the_lab(taken_up, activation):
    measured, place = measured_of("flat", activation=activation, points=41)
    swept = measured["activations"]["sigmoid" if activation == "all" else activation]
    numbers = taken_up([place])[0]["numbers"]
    shown = [numbers[name] for name in ("slope", "weightGradient", "biasGradient")]
    told = [float(swept[name][0]) for name in ("slope", "weight", "bias")]
    assert shown == pytest.approx(told, rel=1e-9, abs=1e-18)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_the_neuron_without_input_is_that_of_the_lab(taken_up, activation):
    measured, place = measured_of("zeros", activation=activation, bias=0.25, steps=1)
    numbers, neuron = taken_up([place])[0]["numbers"], measured["neurons"][activation]
    assert numbers["weightGradient"] == 0 == neuron["weight_with"]
    assert numbers["biasGradient"] == pytest.approx(neuron["bias"], rel=ROUNDING)


def test_the_quiet_and_the_loud_neuron_hear_the_same_in_the_lab(taken_up):
    measured, place = measured_of("responsibility")
    numbers = taken_up([place])[0]["numbers"]
    for k, of_lesson in enumerate((QUIET, LOUD)):
        assert number(numbers[f"a1{k}"]) == number(float(measured["output"][of_lesson]))
        assert number(numbers[f"u1{k}"]) == number(float(measured["sum"][of_lesson]))


def test_as_many_additions_are_made_in_the_lab(taken_up):
    place = lessons.find("parallel").lab(lessons.find("parallel").setup(largest=10))
    _, stages = gpu_sum(np.ones((place.values["terms"], 1), np.float32))
    numbers = taken_up([place])[0]["numbers"]
    assert numbers["additions_queue"] == sum(stage.additions for stage in stages)


@pytest.mark.sampled
@pytest.mark.parametrize("options", [{}, {"constant": 0.0}, {"width": 5, "optimizer": "sgd"}])
def test_the_copies_have_the_same_loss_in_the_lab(taken_up, options):
    lesson, steps = lessons.find("symmetry"), 60
    setup = lesson.setup(steps=steps, seeds=1, **options)
    losses = lesson.measure(replace(setup, steps=steps + 1), lambda share: None)["starts"]
    place = lesson.lab(setup)
    found = taken_up([place])[0]
    assert (place.says, found["step"]) == ("lab", steps)
    # the lesson tells the loss before every step, the lab that after it
    told = losses[repr(setup.constant)]["losses"][steps]
    assert found["numbers"]["loss"] == pytest.approx(float(told), rel=1e-9)
    assert found["numbers"]["width"] == 1
