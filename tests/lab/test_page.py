"""The page of the lab in Chromium, whichever room is open: address, languages, frames, reach."""

import json
import re
from html import unescape

import pytest

from whygrad.lab.page import Lab, as_page, rooms
from whygrad.words import catalogue, number, t

pytestmark = pytest.mark.long

CALM = {"reduced_motion": "reduce"}


def test_a_link_leads_to_the_same_picture_in_the_readers_language(show, lab, mouse, shown):
    """Task 18."""
    page = show(lab, "#hold=0", locale="zh-CN", **CALM)
    mouse(page).move("input", -2.5)
    mouse(page).move("target", 0)
    page.locator("select").first.select_option("tanh")
    for _ in range(2):
        page.locator(".player-button").nth(3).click()
    page.get_by_role("button", name="链接").click()
    link = page.locator(".panel textarea").input_value()
    assert len(link.partition("#")[2]) < 300
    other = show(lab, f"#{link.partition('#')[2]}", **CALM)
    assert shown(other) == shown(page)
    assert other.locator(".step-count").inner_text() == "step 2"
    assert other.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"


def test_the_address_follows_and_outlasts_a_reload(show, lab, mouse, shown):
    page = show(lab, **CALM)
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="深色").click()
    mouse(page).move("input", 4)
    page.wait_for_url("**#room=neuron&input=4&lang=zh-Hans&theme=dark")
    before = shown(page)
    page.reload()
    page.wait_for_selector(".picture")
    assert shown(page) == before
    state = "[document.documentElement.lang, document.documentElement.dataset.theme]"
    assert page.evaluate(state) == ["zh-Hans", "dark"]


@pytest.mark.parametrize(
    "hash",
    [
        "#room=kitchen",
        "#input=99&activation=__proto__&step=-1",
        "#input=x&step=1e9&ask=constructor",
    ],
)
def test_an_address_of_nonsense_does_no_harm(show, lab, hash, expect, numbers_of):
    page = show(lab, hash, **CALM)
    inputs = {"#input=99&activation=__proto__&step=-1": 5.0}
    held = numbers_of(input=inputs.get(hash, 3.0), held=0.5)
    expect(page, **held)


def test_everyone_can_use_it(show, lab, axe, language, theme, width):
    page = show(lab, f"#lang={language}&theme={theme}&ask=delta", width=width, **CALM)
    page.locator(".asked .action").click()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.keyboard.press("Escape")
    page.locator(".switches button").nth(1).click()
    assert axe(page) == []


def test_it_fits_a_phone_of_360_pixels(show, lab):
    page = show(lab, "#lang=en", width=360, **CALM)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("width", [390, 1280])
def test_what_is_pressed_is_large_enough(show, lab, width):
    page = show(lab, width=width, **CALM)
    small = page.locator("button, select, [role=slider]").evaluate_all(
        """all => all.filter(one => one.checkVisibility()).map(one => {
             const box = (one.querySelector(".hit") ?? one).getBoundingClientRect();
             return [one.outerHTML.slice(0, 80), box.width, box.height];
           }).filter(([, width, height]) => width < 43.5 || height < 35)"""
    )
    assert small == []


def test_it_says_whether_it_computes_what_whygrad_computes(show, lab):
    page = show(lab, **CALM)
    page.wait_for_selector(".badge[data-apart]")
    apart = float(page.locator(".badge").get_attribute("data-apart"))
    assert 0 <= apart <= 1e-12
    assert page.locator(".badge").inner_text() == t("lab.same", apart=number(apart, 2))


def test_it_says_when_it_does_not(show, lab, tmp_path):
    html = lab.read_text(encoding="utf-8")
    found = re.search(r'(?<=id="data">).*?(?=</script>)', html, re.S)
    assert found is not None
    data = json.loads(found[0])
    data["references"][0]["loss"] += 1e-6
    other = tmp_path / "other.html"
    other.write_text(html.replace(found[0], json.dumps(data)), encoding="utf-8")
    page = show(other, **CALM)
    page.wait_for_selector(".badge.off")
    assert page.locator(".badge").inner_text().startswith("Not the same as whygrad")


def test_a_number_in_a_formula_can_be_asked(show, lab):
    page = show(lab, **CALM)
    for of, name in (("slopeLink", "slope"), ("weightLink", "input"), ("upstream", "upstream")):
        page.locator(f".formulas [data-of={of}]").first.click()
        assert page.locator(".asked").get_attribute("data-asked") == name


def test_a_room_stands_for_its_first_task(show, made):
    page = show(made(task="neuron"), **CALM)
    assert page.locator(".task p").first.inner_text() == t("lab.neuron.task.equal")


def test_arrows_turn_the_slides(show, made, expect, numbers_of):
    page = show(made(slides=True, lang="en"), **CALM)
    slides = [t(key) for key in catalogue("en") if key.startswith("lab.neuron.slide.")]
    told = []
    for at in range(len(slides)):
        text, count = page.locator(".slide p").inner_text().split("\n")[0], page.locator(".count")
        told.append(text.removesuffix(count.inner_text()).strip())
        assert count.inner_text() == f"{at + 1} / {len(slides)}"
        page.keyboard.press("ArrowRight")
    assert sorted(told) == sorted(slides)
    expect(page, **numbers_of(bias=-30.0))
    page.keyboard.press("ArrowLeft")
    expect(page, **numbers_of(input=0.0))
    assert 4 <= len(slides) <= 6


def test_an_address_names_a_slide_and_what_differs_from_it(show, made, expect, numbers_of):
    page = show(made(slides=True), "#slide=9", **CALM)
    expect(page, **numbers_of(bias=-30.0))  # there are fewer: the last one
    page = show(made(slides=True), "#slide=9&input=2", **CALM)
    expect(page, **numbers_of(bias=-30.0, input=2.0))


def test_a_scene_sets_the_controls(show, made, expect, numbers_of):
    scene = {"room": "neuron", "set": {"input": 2, "hold": False, "bias": "nonsense"}}
    page = show(made(scene=scene), **CALM)
    expect(page, **numbers_of(input=2.0))


def test_it_lives_in_a_frame_of_a_notebook(show, tmp_path, numbers_of):
    host = tmp_path / "host.html"
    frame = Lab(as_page())._repr_html_()
    assert "<!DOCTYPE html>" in unescape(frame)
    host.write_text(
        f"<!DOCTYPE html><html lang='en'><meta charset='utf-8'><title>host</title>{frame}</html>",
        encoding="utf-8",
    )
    page = show(host, **CALM)
    inside = page.frame_locator("iframe")
    slider = inside.locator("[role=slider][data-control=input]")
    slider.focus()
    slider.press("ArrowRight")
    value = inside.locator(".picture [data-number=weightGradient] .value")
    wanted = numbers_of(input=3.1, held=0.5)["weightGradient"]
    assert value.text_content() == number(wanted)
    inside.get_by_role("button", name="Python").click()
    assert "import whygrad" in inside.locator(".panel textarea").input_value()


def test_the_language_is_that_of_the_browser_unless_one_was_asked_for(show, lab, made):
    language = "document.documentElement.lang"
    assert show(lab, locale="zh-TW", **CALM).evaluate(language) == "zh-Hans"
    assert show(lab, locale="de-DE", **CALM).evaluate(language) == "en"
    assert show(made(lang="zh"), **CALM).evaluate(language) == "zh-Hans"


def test_it_prints_on_white(show, lab):
    page = show(lab, "#theme=dark", **CALM)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator(".player").is_visible()
    assert page.locator(".picture").is_visible()
    assert page.locator(".quiz .question").is_visible()
    assert not page.locator(".slider").first.is_visible()


def test_the_keyboard_comes_back_to_the_number_that_was_asked(show, lab):
    page = show(lab, **CALM)
    page.locator(".picture [data-number=delta]").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.className") == "close"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.number") == "delta"


def test_without_a_script_it_says_what_it_needs(show, lab):
    page = show(lab, java_script_enabled=False)
    told = page.locator("#lab > p")
    told.wait_for(state="visible")
    assert told.inner_text().split("\n")[0] == t("lab.needs")


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_each_room_prints_as_one_sheet(show, lab, language):
    page = show(lab, f"#lang={language}", **CALM)
    for place, room in enumerate(rooms()):
        page.locator(".strip button").nth(place).click()
        page.wait_for_selector(f".{room}")
        sheets = re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))
        assert len(sheets) == 1, room
