"""Pages of runs with hostile names: the same page as with ordinary names, and it does nothing."""

import getpass
import os
import re
import socket
from collections import Counter
from pathlib import Path

import pytest

from whygrad.explain.html import as_html
from whygrad.words.visible import visible

pytestmark = pytest.mark.long

RUNS = ("watched", "trained")
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


@pytest.fixture(scope="module", params=RUNS)
def pages(request, tmp_path_factory) -> tuple[str, str]:
    """The page of the hostile run, and that of its double."""
    runs = request.getfixturevalue(request.param)
    folder = tmp_path_factory.mktemp("pages")
    written = [runs.hostile.report(folder / "a.html"), runs.harmless.report(folder / "b.html")]
    return written[0].read_text("utf-8"), written[1].read_text("utf-8")


def shape(root) -> Counter:
    """Return how often every element with its attributes stands on a page."""
    return Counter((one.tag, *sorted(one.attributes)) for one in root.every())


@pytest.mark.sampled(2)
def test_a_page_has_the_same_elements_and_attributes_whatever_names_are(pages, read):
    hostile, harmless = map(read, pages)
    assert shape(hostile) == shape(harmless)


def test_ids_come_from_no_name(pages, read):
    hostile, harmless = (
        [one.attributes["id"] for one in read(page).every() if "id" in one.attributes]
        for page in pages
    )
    assert hostile == harmless
    assert len(set(hostile)) == len(hostile)


def test_every_name_stands_on_the_page_as_text(pages, read, trained, watched):
    text = read(pages[0]).text()
    names = watched.hostile.layers
    if 'id="configuration"' in pages[0]:
        names = [trained.hostile.description["data"]["name"], trained.hostile.path.name]
    assert [name for name in names if visible(name, keep="\n\t") not in text] == []


def test_no_character_of_a_page_acts_or_hides(pages):
    assert visible(pages[0], keep="\n\t\u2060") == pages[0]


def test_a_page_says_nothing_of_where_it_was_made(pages, home):
    for page in pages:
        for secret in (home, home.parent, Path.home(), Path.cwd(), socket.gethostname()):
            assert str(secret) not in page
        assert home.name not in page
        assert re.search(rf"\b{re.escape(getpass.getuser())}\b", page) is None or (
            getpass.getuser() in ("root", "runner")  # words of CSS and of English
        )
    assert os.sep + "tmp" + os.sep not in pages[0]


def test_a_ledger_in_a_notebook_is_the_same_with_any_name(watched, read):
    kept = [run.why(f"{run.layers[0]}[1]") for run in (watched.hostile, watched.harmless)]
    hostile, harmless = (read(as_html(ledger)) for ledger in kept)
    assert shape(hostile) == shape(harmless)
    assert read(kept[0]._repr_html_()).text() == hostile.text()
    assert visible(watched.hostile.layers[0], keep="\n\t") in hostile.text()


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_in_a_notebook_is_the_same_with_any_name(kind, request, read):
    runs = request.getfixturevalue(kind)
    hostile, harmless = runs.hostile._repr_html_(), runs.harmless._repr_html_()
    assert shape(read(hostile)) == shape(read(harmless))
    assert visible(hostile, keep="\n\t\u2060") == hostile


COUNT = """() => {
  const every = [...document.querySelectorAll("*")]
  const names = every.flatMap(one => one.getAttributeNames())
  return [every.length, names.filter(name => name != "tabindex").length] // of what scrolls
}"""


def test_without_its_policy_a_page_still_does_nothing(pages, chromium, tmp_path):
    """Neither a script, nor a request, nor a way to leave; and the parser sees the same tree."""
    counts = []
    for number, page in enumerate(pages):
        assert len(POLICY.findall(page)) == 1
        path = tmp_path / f"{number}.html"
        path.write_text(POLICY.sub("", page), "utf-8")
        counts.append(opened(chromium, path))
    assert counts[0] == counts[1]


def opened(chromium, path: Path) -> list[int]:
    context = chromium.new_context(viewport={"width": 390, "height": 900})
    page, events = context.new_page(), []
    page.on("console", lambda message: events.append(message.text))
    page.on("dialog", lambda dialog: (events.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: events.append(str(error)))
    page.on("request", lambda request: events.append(request.url))
    page.on("framenavigated", lambda frame: events.append(f"to {frame.url}"))
    page.goto(path.as_uri())
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    page.mouse.move(200, 400)
    counts = page.evaluate(COUNT)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    context.close()
    visited = {path.as_uri(), f"to {path.as_uri()}"}
    assert [one for one in events if one not in visited and not one.startswith("data:")] == []
    assert wide <= 0, "a long name pushes the page out of its window"
    return counts
