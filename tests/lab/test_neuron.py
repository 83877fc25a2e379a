"""The first room in Chromium: by mouse, touch and keyboard, its numbers held to whygrad's."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest

from whygrad.lab.reference import KNOWN
from whygrad.words import number, speaking, t

pytestmark = pytest.mark.long

CALM = {"reduced_motion": "reduce"}
HEIGHTS = {390: 844, 1280: 800}


def says(page) -> str:
    return page.locator(".says").inner_text()


def sentence(key: str, **values: object) -> str:
    """Return a sentence as the page writes it, with a subscript in it."""
    return t(key, **values).replace("a_in", "ain")


HOLD = "[data-control=hold]"


@pytest.fixture
def trained(numbers_of):
    """Return the function that takes steps down the gradient, and returns the numbers after."""

    def after(steps: int, rate: float = 1.0) -> dict[str, float]:
        weight, bias = 0.5, -1.0
        for _ in range(steps):
            found = numbers_of(weight=weight, bias=bias)
            weight -= rate * found["weightGradient"]
            bias -= rate * found["biasGradient"]
        return numbers_of(weight=weight, bias=bias) | {"weight": weight, "bias": bias}

    return after


def test_all_numbers_are_there_without_scrolling(
    show, lab, language, theme, width, expect, numbers_of
):
    """Task 1."""
    page = show(lab, f"#lang={language}&theme={theme}", width=width, height=HEIGHTS[width])
    wanted = numbers_of()
    expect(page, **wanted)
    assert page.evaluate("scrollY") == 0
    for name in wanted:
        value = page.locator(f".picture [data-number={name}] .value")
        box = value.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, name
        assert box["y"] >= 0 and box["y"] + box["height"] <= HEIGHTS[width], name
    assert page.evaluate("document.documentElement.lang") == language


def test_the_first_numbers_are_those_of_the_notes(show, lab, shown):
    page = show(lab, **CALM)
    found = shown(page)
    told = ("preactivation", "output", "loss", "delta", "weightGradient", "biasGradient")
    wanted = ["0.5", "0.6225", "0.07127", "−0.08872", "−0.2662", "−0.08872"]
    assert [found[name] for name in told] == wanted


def test_every_number_is_whygrads(show, lab, expect, numbers_of):
    """Of neurons that are drawn, with every activation."""
    page = show(lab, **CALM)
    draw = np.random.default_rng(0)
    for activation in KNOWN["activation"]:
        given = {name: round(draw.uniform(-5, 5), 3) for name in ("input", "weight", "bias")}
        given["target"] = round(draw.uniform(-1, 1), 3)
        held = {"held": round(draw.uniform(-3, 3), 3)} if draw.random() < 0.5 else {}
        address = given | held | {"activation": activation, "hold": len(held)}
        page.evaluate("hash => { location.hash = hash }", urlencode(address))
        expect(page, **numbers_of(**given, **held, activation=activation))


def test_steps_begin_where_z_is_held(show, lab, expect, numbers_of):
    page = show(lab, "#input=4", **CALM)
    expect(page, **numbers_of(input=4.0, held=0.5))
    page.get_by_role("button", name="Step").click()
    begun = numbers_of(input=4.0, held=0.5)
    weight, bias = 0.5 - begun["weightGradient"], -1.5 - begun["biasGradient"]
    after = numbers_of(input=4.0, weight=weight, bias=bias)
    expect(page, **after, weight=weight, bias=bias)
    losses = {"first": begun["loss"], "loss": after["loss"]}
    assert says(page) == t("lab.neuron.says.learnt", step="1", steps=1, rate=1.0, **losses)


def test_the_weight_follows_the_input_while_z_is_held(hand, expect, numbers_of):
    """Task 2."""
    hand.move("input", 4)
    held = numbers_of(input=4.0, held=0.5)
    expect(hand.page, **held)
    assert number(held["biasGradient"]) == number(numbers_of()["biasGradient"])
    assert says(hand.page) == sentence("lab.neuron.says.held", delta=held["delta"])
    hand.press(HOLD)
    free = numbers_of(input=4.0)
    expect(hand.page, **free)
    changed = sentence("lab.neuron.says.changed", was=held["delta"], delta=free["delta"])
    assert says(hand.page) == changed


def test_without_pressure_the_tap_is_dry(hand, expect, numbers_of):
    """Task 3."""
    hand.press(HOLD)
    hand.move("input", 0)
    wanted = numbers_of(input=0.0)
    assert wanted["weightGradient"] == 0
    expect(hand.page, **wanted)
    assert says(hand.page) == sentence("lab.neuron.says.dry", delta=wanted["delta"])
    assert hand.page.locator(".tap.dry").count() == 1


def test_a_flat_curve_silences_both(hand, expect, numbers_of):
    """Task 4."""
    hand.move("bias", -30)
    wanted = numbers_of(bias=-30.0)
    expect(hand.page, **wanted)
    assert max(abs(wanted["weightGradient"]), abs(wanted["biasGradient"])) < 1e-11
    cause = hand.page.locator(".gear.stuck")
    assert cause.get_attribute("data-number") == "slope"
    assert t("lab.neuron.stuck") in cause.get_attribute("aria-label")
    assert hand.page.locator(".gears .caption").inner_text() == t("lab.neuron.gears.slope")


def test_both_gradients_are_equal_where_the_input_is_1(hand, expect, numbers_of):
    """Task 5."""
    hand.press(HOLD)
    hand.move("input", 1)
    wanted = numbers_of(input=1.0)
    expect(hand.page, **wanted)
    assert wanted["weightGradient"] == wanted["biasGradient"]
    assert says(hand.page) == sentence("lab.neuron.says.equal", delta=wanted["delta"])


DERIVATIVES = ("upstream", "slope", "delta", "weightGradient", "biasGradient")


def test_a_number_says_where_it_comes_from_and_can_be_doubted(hand, numbers_of):
    for name in DERIVATIVES:
        hand.press(f".picture [data-number={name}]")
        card = hand.page.locator(".asked")
        assert card.get_attribute("data-asked") == name
        hand.press(".asked .action")
        difference = card.locator("[data-is=difference]").inner_text()
        assert difference == number(numbers_of()[name])
        hand.page.keyboard.press("Escape")
        assert card.count() == 0


def test_a_number_that_is_asked_follows_the_picture(show, lab, mouse, numbers_of):
    page = show(lab, "#ask=weightGradient&hold=0", **CALM)
    mouse(page).move("input", -2)
    wanted = number(numbers_of(input=-2.0)["weightGradient"])
    assert wanted in page.locator(".asked .value").inner_text()


def test_a_number_can_be_typed(show, lab, expect, numbers_of):
    page = show(lab, "#hold=0", **CALM)
    page.locator(".picture [data-number=bias]").click()
    page.locator(".typed input").fill("0.375")
    page.keyboard.press("Enter")
    expect(page, **numbers_of(bias=0.375))
    page.locator(".typed input").fill("nonsense")
    page.keyboard.press("Enter")
    expect(page, **numbers_of(bias=-1.0))


def test_steps_go_forward_and_back_exactly(hand, shown, expect, trained):
    press = lambda name: hand.press(f".player-button:nth-of-type({name})")  # noqa: E731
    rewind, back, step = 1, 2, 4
    for taken in (1, 2, 3):
        press(step)
        expect(hand.page, **trained(taken))
    third = shown(hand.page)
    losses = {"first": trained(0)["loss"], "loss": trained(3)["loss"]}
    assert says(hand.page) == t("lab.neuron.says.learnt", step="3", steps=3, rate=1.0, **losses)
    press(step)
    press(back)
    assert shown(hand.page) == third
    press(back)
    expect(hand.page, **trained(2))
    press(rewind)
    expect(hand.page, **trained(0))
    assert hand.page.locator(".step-count").inner_text() == "step 0"


def test_play_walks_on_until_it_is_paused(show, lab, expect, trained):
    page = show(lab, **CALM)
    page.locator("select").last.select_option("100")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "() => parseInt(document.querySelector('.step-count').textContent.slice(5)) > 20"
    )
    page.get_by_role("button", name="Pause").click()
    steps = int(page.locator(".step-count").inner_text().removeprefix("step "))
    expect(page, **trained(steps))


def test_another_start_is_another_neuron_and_the_same_each_time(show, lab, shown):
    page = show(lab, **CALM)
    page.get_by_role("button", name="New start").click()
    first = shown(page)
    page.get_by_role("button", name="New start").click()
    assert shown(page)["weight"] != first["weight"]
    again = show(lab, **CALM)
    again.get_by_role("button", name="New start").click()
    assert shown(again) == first


def test_what_is_dragged_after_steps_starts_from_there(
    show, lab, mouse, expect, numbers_of, trained
):
    page = show(lab, "#step=3", **CALM)
    now = trained(3)
    mouse(page).move("input", 2)
    expect(page, **numbers_of(input=2.0, weight=now["weight"], bias=now["bias"]))
    assert page.locator(".step-count").inner_text() == "step 0"


@pytest.mark.sampled
@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("hash", ["hold=0&input=-1.5&bias=0.5", "input=4"])
def test_the_program_prints_the_same_numbers(show, lab, tmp_path, steps, hash, shown):
    page = show(lab, f"#{hash}&step={steps}", **CALM)
    page.get_by_role("button", name="Python").click()
    program = tmp_path / "program.py"
    program.write_text(page.locator(".panel textarea").input_value(), encoding="utf-8")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    printed = [float(line.split()[-1]) for line in done.stdout.splitlines()]
    found = shown(page)
    names = ("preactivation", "output", "loss", *DERIVATIVES)
    assert [number(value) for value in printed] == [found[name] for name in names]


def test_the_table_is_what_the_picture_shows(show, lab, numbers_of):
    page = show(lab, "#hold=0&input=2", accept_downloads=True, **CALM)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "quantity,value"
    table = {name: float(value) for name, value in (line.split(",") for line in lines[1:])}
    wanted = numbers_of(input=2.0)
    assert {name: table[name] for name in wanted} == pytest.approx(wanted, rel=1e-12)


def overlapping(page) -> list[str]:
    """Return the texts of the picture and the gears that lie over one another."""
    return page.evaluate(
        """() => [".picture", ".gears svg"].flatMap(inside => {
             const texts = [...document.querySelectorAll(`${inside} text`)];
             const all = texts.filter(one => one.textContent.trim());
             const boxes = all.map(one => one.getBoundingClientRect());
             const found = [];
             for (let i = 0; i < all.length; i++) for (let k = i + 1; k < all.length; k++) {
               const [a, b] = [boxes[i], boxes[k]];
               const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
               const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
               if (wide > 1 && high > 6)
                 found.push(`${all[i].textContent} | ${all[k].textContent}`);
             }
             return found; })"""
    )


@pytest.mark.parametrize(
    "hash", ["", "#hold=0&bias=-30", "#hold=0&input=0", "#hold=0&input=-4.9&weight=-4.9"]
)
@pytest.mark.parametrize("width", [390, 1280])
def test_no_text_of_the_picture_lies_over_another(show, lab, width, hash):
    assert overlapping(show(lab, hash, width=width, **CALM)) == []


def test_it_moves_by_itself_once_and_then_waits_to_be_dragged(show, lab, mouse):
    page = show(lab)
    page.clock.install()
    page.reload()
    page.wait_for_selector(".picture")
    glow, pulse = page.locator(".slider.glowing"), page.locator(".pulse")
    assert pulse.count() == glow.count() == 0
    page.clock.run_for(3500)
    assert pulse.count() == 2 and page.locator(".lit").count() == 2
    page.clock.run_for(8000)
    assert pulse.count() == 0
    assert glow.get_attribute("data-control") == "input"
    assert page.get_by_text("drag me").is_visible()
    assert not page.locator(".quiz").is_visible()
    page.clock.run_for(10_000)
    assert page.locator(".quiz").is_visible()
    mouse(page).move("input", 4)
    assert glow.count() == 0


def test_who_wants_no_motion_gets_none(show, lab, expect, numbers_of):
    page = show(lab, **CALM)
    expect(page, **numbers_of())
    assert page.locator(".pulse").count() == 0
    assert page.locator(".quiz").is_visible()
    moving = "document.getAnimations().filter(one => one.playState === 'running').length"
    assert page.evaluate(moving) == 0
    page.get_by_role("button", name="both").click()
    expect(page, **numbers_of(bias=-30.0))


def test_a_guess_is_shown_to_be_right_or_wrong(hand, expect, numbers_of):
    hand.press("[data-answer=none]")
    found = numbers_of(bias=-30.0)
    expect(hand.page, **found)
    values = {"weight": found["weightGradient"], "bias": found["biasGradient"]}
    shows = t("lab.neuron.quiz.die.shows", slope=found["slope"], **values)
    wanted = f"{t('lab.quiz.wrong', answer=t('lab.neuron.answer.both'))} {shows}"
    assert hand.page.locator(".verdict").inner_text() == wanted


def test_the_learning_rate_can_be_chosen(show, lab, expect, trained, numbers_of):
    page = show(lab, "#step=2", **CALM)
    page.locator("[data-control=rate]").select_option("3")
    start = trained(2)
    expect(page, **start)
    page.locator(".player-button").nth(3).click()
    weight = start["weight"] - 3 * start["weightGradient"]
    bias = start["bias"] - 3 * start["biasGradient"]
    after = numbers_of(weight=weight, bias=bias)
    expect(page, **after)
    losses = {"first": start["loss"], "loss": after["loss"]}
    assert says(page) == t("lab.neuron.says.learnt", step="1", steps=1, rate=3.0, **losses)


@pytest.mark.parametrize("name", ["equal", "dry", "deaf"])
def test_a_locked_task_shows_what_it_needs_and_ends(show, made, name, keyboard, expect, numbers_of):
    """Task 19, for this room."""
    page = show(made(task=name, lock=True, lang="zh"), **CALM)
    with speaking("zh"):
        assert page.locator(".task p").first.inner_text() == t(f"lab.neuron.task.{name}")
        assert page.locator(".task.done").count() == 0
        control = "bias" if name == "deaf" else "input"
        sliders = page.locator("[role=slider]").evaluate_all(
            "all => all.map(one => one.dataset.control)"
        )
        assert sliders == [control]
        assert page.locator("[data-control=hold], .choice, .quiz, .strip").count() == 0
        goal = {"equal": 1.0, "dry": 0.0, "deaf": -30.0}[name]
        keyboard(page).move(control, goal)
        assert t(f"lab.neuron.task.{name}.done") in page.locator(".task.done").inner_text()
    expect(page, **numbers_of(**{control: goal}))
