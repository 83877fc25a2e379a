"""The lab in Firefox and in WebKit: the same page as in Chromium, which other tests hold to
whygrad."""

import csv
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import whygrad as wg
from whygrad.lab.page import as_page, rooms
from whygrad.words import number, t

sys.path.insert(0, str(Path(__file__).parent))  # what tests share lies beside them
import webdriver
from recorded_runs import trained

pytestmark = pytest.mark.long

CALM = {"reduced_motion": "reduce"}
BACK, STEP = (f".player-button:nth-of-type({place})" for place in (2, 4))
# What the button hands over as a file, which a browser would ask its reader about.
TABLE = """() => new Promise(done => {
  const [url, link] = [URL.createObjectURL, HTMLAnchorElement.prototype.click];
  HTMLAnchorElement.prototype.click = () => {};
  URL.createObjectURL = file => (file.text().then(done), "data:,");
  document.querySelector(".switches button:nth-of-type(3)").click();
  URL.createObjectURL = url;
  HTMLAnchorElement.prototype.click = link;
})"""


@pytest.fixture(scope="module")
def firefox(tmp_path_factory) -> Iterator[webdriver.Page]:
    if not webdriver.FIREFOX.exists():
        pytest.skip(f"there is no browser at {webdriver.FIREFOX}")
    with webdriver.firefox(tmp_path_factory.mktemp("firefox")) as browser:
        yield webdriver.Page(browser)


@pytest.fixture(scope="module")
def webkit(tmp_path_factory) -> Iterator[webdriver.Page]:
    if lacking := webdriver.missing_of_webkit():
        pytest.skip(f"WebKit cannot be driven on this machine, which lacks {lacking}")
    with webdriver.webkit(tmp_path_factory.mktemp("webkit")) as browser:
        yield webdriver.Page(browser)


@pytest.fixture(
    params=[pytest.param(one, marks=pytest.mark.again) for one in ("firefox", "webkit")]
)
def elsewhere(request) -> Iterator[Callable]:
    """Return the function that opens a file in another browser than Chromium, as ``show`` does."""
    page = request.getfixturevalue(request.param)

    def show(path: Path, hash: str = "", *, width: int = 1280, height: int = 900):
        page.goto("about:blank")
        page.goto(f"{path.as_uri()}{hash}")
        page.resize(width, height)
        page.wait_for_selector("#lab main")
        return page

    yield show
    assert page.problems() == []


def go(page, room: str, hash: str = "") -> None:
    """Open a room of a page that is open."""
    page.evaluate("hash => { location.hash = hash; }", f"room={room}{hash}")
    page.wait_for_function("room => document.querySelector(`main > .${room}`)", arg=room)


def text(page) -> str:
    """Return all that the page says, the texts of its pictures among it."""
    return page.evaluate("document.querySelector('main').textContent")


def table(page) -> list[list[str]]:
    """Return the numbers on screen, with all of their digits."""
    return list(csv.reader(io.StringIO(page.evaluate(TABLE).removeprefix("\ufeff"))))


def same(cell: str, wanted: str) -> bool:
    """Return whether two cells hold the same text, or numbers that differ by roundings."""
    with suppress(ValueError):
        return float(cell) == pytest.approx(float(wanted), rel=1e-9, abs=1e-15, nan_ok=True)
    return cell == wanted


def test_every_room_says_the_same(show, elsewhere, lab):
    there, here = elsewhere(lab), show(lab, **CALM)
    for language in ("en", "zh-Hans"):
        for room in rooms():
            for page in (there, here):
                go(page, room, f"&lang={language}")
            assert there.evaluate("document.documentElement.lang") == language
            assert text(there) == text(here)
            assert there.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            cells = [[cell for row in table(page) for cell in row] for page in (there, here)]
            pairs = zip(*cells, strict=True)
            assert [pair for pair in pairs if not same(*pair)] == []


def test_one_neuron_by_mouse_and_by_keys(elsewhere, lab, mouse, expect, numbers_of):
    """Tasks 1 to 4, and 20."""
    page = elsewhere(lab)
    expect(page, **numbers_of())
    hand = mouse(page)
    hand.move("input", 4)
    expect(page, **numbers_of(input=4.0, held=0.5))
    hand.press("[data-control=hold]")
    expect(page, **numbers_of(input=4.0))
    hand.slider("input").focus()
    for _ in range(40):
        page.keyboard.press("ArrowLeft")
    expect(page, **numbers_of(input=0.0))
    assert page.locator(".tap.dry").get_attribute("aria-hidden") == "true"
    hand.press(".picture [data-number=delta]")
    hand.press(".asked .action")
    difference = page.locator(".asked [data-is=difference]").inner_text()
    assert difference == number(numbers_of(input=0.0)["delta"])
    hand.slider("bias").focus()
    page.keyboard.press("Home")
    expect(page, **numbers_of(input=0.0, bias=-30.0))
    assert page.locator(".gear.stuck").get_attribute("data-number") == "slope"
    apart = float(page.locator(".badge[data-apart]").get_attribute("data-apart"))
    assert 0 <= apart <= 1e-12


def test_copies_stay_one_neuron_and_steps_go_back_exactly(elsewhere, lab, mouse):
    page = elsewhere(lab, "#room=copying&step=100")

    def reach(step: int) -> list[list[str]]:
        said = t("lab.player.at", step=str(step))
        page.wait_for_function(
            "said => document.querySelector('.step-count')?.textContent === said", arg=said
        )
        return table(page)

    at_100 = reach(100)
    assert len(at_100) == 17 and len({tuple(row[1:]) for row in at_100[1:]}) == 1
    mouse(page).press(BACK)
    at_99 = reach(99)
    assert at_99 != at_100
    mouse(page).press(STEP)
    assert reach(100) == at_100
    mouse(page).press(BACK)
    assert reach(99) == at_99


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    run: wg.Run = trained(folder / "own")
    path = folder / "lab.html"
    path.write_text(as_page(run=run), encoding="utf-8")
    return path


def test_a_recorded_run_answers(show, elsewhere, recorded, mouse):
    there, here = elsewhere(recorded), show(recorded, **CALM)
    for page in (there, here):
        go(page, "recorded", "&layer=&neuron=-1&lang=en")
        for pressed in (
            "[data-layer='0']",
            ".list-neurons [role=option]:nth-child(3)",
            ".list-weights [role=option]:nth-child(2)",
            ".list-samples [role=option]",
        ):
            mouse(page).press(pressed)
        page.wait_for_selector(".chain math")
    assert "hidden1.weight[" in there.locator(".says").inner_text()
    assert text(there) == text(here)
