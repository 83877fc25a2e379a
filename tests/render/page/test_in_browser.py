"""The report, the book and a lesson of its own, opened in Chromium."""

import re
from pathlib import Path

import pytest

import whygrad as wg
from whygrad import lessons
from whygrad.lessons.rendering.book import write_book
from whygrad.lessons.rendering.html import as_html
from whygrad.render.report import write_report
from whygrad.words import speaking

pytestmark = pytest.mark.long

PAGES = ("report", "book", "single")
WIDTHS = (360, 1280)
# every two of language, theme and width meet in one of them
LOOKS = (("en", "light", 360), ("en", "dark", 1280), ("zh-Hans", "dark", 360))
LOOKS += (("zh-Hans", "light", 1280),)
QUICK = {  # two parts, so that there is one to come to from another; formulas, tables, all pictures
    "chain": {},
    "flat": {"points": 41},
    "broadcast": {},
    "outer": {"batch": 16},
}


@pytest.fixture(scope="session")
def results():
    return [
        lessons.find(name).start(options).run(lambda share: None) for name, options in QUICK.items()
    ]


@pytest.fixture(scope="session")
def pages(tmp_path_factory, results) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    network = wg.Network.create([64, 12, 8, 10], seed=1)
    settings = {"epochs": 2, "batch_size": 32, "record_every": 2}
    run = wg.train(network, wg.load("digits"), out=folder / "run", **settings)
    return {
        # with their links into the lab, which is tested elsewhere
        "report": write_report(run, folder / "report.html", lab=lambda steps: ""),
        "book": write_book(results, folder / "book.html", lab=lambda rooms: ""),
        "single": write_book(results[:1], folder / "single.html", lab=lambda rooms: ""),
    }


def widest(page) -> int:
    """Return by how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("language", "theme", "width"), LOOKS)
def test_a_page_fits_and_is_within_reach_of_everyone(
    pages, show, axe, name, language, theme, width
):
    page = show(pages[name], f"#lang={language}&theme={theme}", width=width)
    assert widest(page) <= 0
    assert axe(page) == []
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    assert widest(page) <= 0


@pytest.mark.parametrize("name", PAGES)
def test_one_language_is_shown_at_a_time(pages, show, name):
    page = show(pages[name], "#lang=zh-Hans")
    shown = page.locator(".said:visible").evaluate_all("all => all.map(one => one.lang)")
    assert set(shown) == {"zh-Hans"} and len(shown) > 20
    page.get_by_role("button", name="English").click()
    shown = page.locator(".said:visible").evaluate_all("all => all.map(one => one.lang)")
    assert set(shown) == {"en"}


def test_what_was_chosen_stands_in_the_address(pages, show):
    page = show(pages["book"])
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="深色").click()
    assert page.url.endswith("#lang=zh-Hans&theme=dark&samples=rows")
    page.reload()
    state = "[document.documentElement.lang, document.documentElement.dataset.theme]"
    assert page.evaluate(state) == ["zh-Hans", "dark"]


def test_colours_follow_the_system_until_one_is_chosen(pages, show):
    paper = "getComputedStyle(document.body).backgroundColor"
    light, dark = "rgb(255, 255, 255)", "rgb(20, 23, 26)"
    page = show(pages["book"], color_scheme="dark")
    assert page.evaluate(paper) == dark
    page.get_by_role("button", name="light").click()
    assert page.evaluate(paper) == light
    page.get_by_role("button", name="system").click()
    page.emulate_media(color_scheme="light")
    assert page.evaluate(paper) == light


def test_paper_is_white_when_printed(pages, show):
    page = show(pages["book"], "#theme=dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()
    assert not page.locator(".switches").is_visible()


@pytest.mark.parametrize("name", PAGES)
def test_the_first_stop_leads_to_the_text(pages, show, name):
    page = show(pages[name])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_reader_needs_no_mouse(pages, show):
    """Choose the language, go to a lesson, open what is closed, and go back."""
    page = show(pages["book"])
    focused = "document.activeElement"

    def press_until(found: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate(f"{focused}.matches({found!r})"):
                return
        raise AssertionError(f"no way to {found}")

    press_until("button[data-lang='zh-Hans']")
    page.keyboard.press("Space")
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    press_until("nav a[href='#broadcast']")
    page.keyboard.press("Enter")
    assert page.evaluate(f"{focused}.id") == "broadcast"
    assert "at=broadcast" in page.url
    press_until("#broadcast summary")
    page.keyboard.press("Enter")
    assert page.locator("#broadcast details[open]").count() == 1
    outline = f"getComputedStyle({focused}).outlineStyle"
    assert page.evaluate(outline) == "solid"
    page.go_back()
    assert "at=" not in page.url


def test_a_plain_anchor_leads_to_its_lesson(pages, show):
    page = show(pages["book"], "#broadcast")
    page.wait_for_function("document.activeElement.id === 'broadcast'")
    top = page.locator("#broadcast").evaluate("one => one.getBoundingClientRect().top")
    assert abs(top) < 60


def test_the_contents_show_where_the_reader_is(pages, show):
    page = show(pages["book"])
    page.locator("nav a[href='#broadcast']").click()
    page.wait_for_selector("nav a[href='#broadcast'][aria-current='true']")
    assert page.locator("nav a[aria-current]").count() == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_only_what_scrolls_is_a_stop_on_the_way(pages, show, width):
    page = show(pages["book"], width=width)
    page.wait_for_function("document.querySelectorAll('.scroll[tabindex]').length >= 0")
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    wrong = page.locator(".scroll:visible").evaluate_all(
        """all => all.filter(one => one.hasAttribute("tabindex") !==
             (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1))
             .map(one => one.outerHTML.slice(0, 200))"""
    )
    assert wrong == []


def test_a_command_can_be_copied(pages, show):
    page = show(pages["single"])
    page.evaluate(
        """Object.defineProperty(navigator, "clipboard",
             {value: {writeText: async (text) => { window.copied = text; }}})"""
    )
    page.locator(".copy:visible").first.click()
    page.wait_for_function("window.copied")
    assert page.evaluate("copied") == "whygrad lesson chain --bias -1.0 --input 3 --check".replace(
        "-1.0", "-1"
    )
    assert page.locator(".copy:visible").first.inner_text() == "Copied"


def test_without_a_script_everything_is_there(pages, show):
    page = show(pages["book"], java_script_enabled=False)
    assert not page.locator(".switches").is_visible()
    assert not page.locator(".copy").first.is_visible()
    page.locator("nav a[href='#broadcast']").click()
    assert page.url.endswith("#broadcast")


def test_who_wants_no_motion_gets_none(pages, show):
    page = show(pages["book"], reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_a_phone_shows_every_formula_whole(pages, show):
    page = show(pages["book"], width=390)
    boxes = page.locator(".formula").evaluate_all("all => all.map(one => one.clientWidth)")
    inside = page.locator(".formula").evaluate_all("all => all.map(one => one.scrollWidth)")
    assert boxes and max(boxes) <= 390
    assert [one for one in zip(boxes, inside, strict=True) if one[0] < one[1]] == []


def test_text_of_drawings_is_large_enough(pages, show):
    """At 360 px no letter of a lesson's drawing is smaller than 7 px, none at 1280 below 9."""
    for width, least in ((360, 7), (1280, 9)):
        page = show(pages["book"], width=width)
        sizes = page.locator("figure svg text").evaluate_all(
            """all => all.map(one => parseFloat(getComputedStyle(one).fontSize)
                 * one.ownerSVGElement.getBoundingClientRect().width
                 / one.ownerSVGElement.viewBox.baseVal.width)"""
        )
        assert min(size for size in sizes if size) >= least  # what is folded has no size


def luminance(colour: str) -> float:
    shares = [float(part) for part in re.findall(r"[\d.]+", colour)[:3]]
    shares = shares if "srgb" in colour else [part / 255 for part in shares]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


NOTEBOOKS = {"light": ("#ffffff", "rgba(0, 0, 0, 0.87)"), "dark": ("#111111", "#ffffff")}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("theme", NOTEBOOKS)
def test_a_lesson_is_at_home_in_a_notebook(results, tmp_path, show, axe, theme, language):
    paper, ink = NOTEBOOKS[theme]
    with speaking(language):
        lesson = as_html(results[0])
    host = tmp_path / "notebook.html"
    host.write_text(
        f"<!DOCTYPE html><html lang='en'><meta charset='utf-8'><title>notebook</title>"
        f"<style>body {{ background: {paper}; color: {ink} }}</style><main>{lesson}</main></html>",
        encoding="utf-8",
    )
    page = show(host, width=800)
    assert widest(page) <= 0
    assert axe(page, ".whygrad-lesson") == []
    colours = page.locator(".whygrad-lesson").evaluate(
        """one => ["blue", "orange", "green", "purple"].map(name => {
             const probe = one.appendChild(document.createElement("i"));
             probe.style.color = `color-mix(in srgb, var(--${name}), transparent 0%)`;
             return getComputedStyle(probe).color; })"""
    )
    ground = luminance("rgb(255, 255, 255)" if theme == "light" else "rgb(17, 17, 17)")
    for colour in colours:
        low, high = sorted((luminance(colour), ground))
        assert (high + 0.05) / (low + 0.05) >= 4.5, colour
