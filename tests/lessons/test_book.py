"""The book as a file: whole, in order, in both languages, safe, and true to its results."""

import base64
import hashlib
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from whygrad import lessons
from whygrad.lessons.lesson import AT_MOST, Law
from whygrad.lessons.rendering.book import PARTS, book, write_book
from whygrad.lessons.rendering.html import as_html, chapter
from whygrad.words import catalogue, number, speaking

pytestmark = [pytest.mark.long, pytest.mark.sampled]

QUICK = {"chain": {}, "flat": {"points": 41}, "broadcast": {}, "outer": {"batch": 16}}


@pytest.fixture(scope="module")
def results():
    return [
        lessons.find(name).start(options).run(lambda share: None) for name, options in QUICK.items()
    ]


@pytest.fixture(scope="module")
def page(results) -> str:
    return book(results)


@pytest.fixture(scope="module")
def root(page, read):
    return read(page)


def by_id(root, name: str):
    return next(one for one in root.every() if one.attributes.get("id") == name)


def classed(root, name: str):
    return [one for one in root.every() if name in (one.attributes.get("class") or "").split()]


def test_parts_are_the_lessons_in_their_order():
    assert tuple(name for part in PARTS for name in part.lessons) == lessons.NAMES


def test_sections_stand_in_their_order(root):
    names = [one.attributes["id"] for one in root.all("section")]
    lesson_names = ["part-neuron", "chain", "flat", "part-many", "broadcast", "outer"]
    assert names == ["introduction", *lesson_names, "summary"]
    links = [one.attributes["href"] for one in root.all("nav")[0].all("a")]
    assert links == [f"#{name}" for name in names]


def test_lessons_stand_in_the_order_of_the_book_however_they_come(results, page):
    assert book(results[::-1]) == page


def test_headings_go_down_step_by_step(root):
    levels = [int(one.tag[1]) for one in root.every() if re.fullmatch(r"h\d", one.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_id_is_there_once_and_every_reference_leads_somewhere(root):
    ids = [one.attributes["id"] for one in root.every() if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    for one in root.every():
        for key in ("href", "aria-labelledby", "clip-path"):
            target = re.sub(r"^url\(#|\)$|^#", "", one.attributes.get(key) or "")
            assert not target or target.startswith("data:") or target in ids


def test_nothing_comes_from_elsewhere(page, root):
    assert "://" not in page
    assert not re.findall(r"url\((?!#)", page)
    assert [one.tag for one in root.every()].count("script") == 1
    assert not [one for one in root.every() if any(key[:2] == "on" for key in one.attributes)]


def test_only_the_own_script_may_run(root):
    script = root.all("script")[0].text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(m for m in root.all("meta") if m.attributes.get("http-equiv")).attributes
    assert policy["content"] == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; "
        f"script-src 'sha256-{digest}'"
    )


def test_every_phrase_is_there_in_both_languages(root):
    said = [one for one in root.every() if one.attributes.get("class") == "said"]
    assert [one.attributes["lang"] for one in said] == ["en", "zh-Hans"] * (len(said) // 2)
    assert len(said) > 200
    for one in said[1::2]:
        is_foreign = one.text() and not one.text("en")
        assert is_foreign or re.search(r"[\u4e00-\u9fff]", one.text()), one.text()


def test_no_key_stands_in_place_of_words(root):
    assert not re.search(r"\blesson\.\w+\.\w+", root.text())


def test_a_word_of_the_introduction_stands_in_the_other_language_too(root):
    rows = by_id(root, "introduction").all("tbody")[0].all("tr")
    head = rows[1].all("th")[0]
    english, chinese = head.all("b")[0].children
    assert (english.text(), chinese.text()) == ("preactivation", "加权输入")
    english, chinese = (one.all("span")[0] for one in classed(head, "other")[0].children)
    assert (english.text(), english.attributes) == ("加权输入", {"lang": "zh-Hans"})
    assert (chinese.text(), chinese.attributes) == ("preactivation", {"lang": "en"})


def test_every_lesson_shows_all_that_it_has(root, results):
    for result in results:
        name, section = result.lesson.name, by_id(root, result.lesson.name)
        text = section.text("zh-Hans").replace("\u00a0%", " %")
        for key in ("title", "question", "statement"):
            assert catalogue("en")[f"lesson.{name}.{key}"] in text
        assert len(section.all("figure")) == len(result.story.pictures)
        for law in result.laws:
            assert f"{number(law.measured)} {law.relation} {number(law.bound)}" in text
        for exercise in result.lesson.exercises:
            assert catalogue("en")[f"lesson.{name}.exercise.{exercise.name}"] in text


def test_every_drawing_is_named_by_its_caption(root):
    drawings = [one for one in root.all("svg") if one.attributes.get("role") == "img"]
    captions = {one.attributes["id"]: one for one in root.all("figcaption")}
    assert len(drawings) == len(captions) > 5
    for one in drawings:
        assert captions[one.attributes["aria-labelledby"]].text("zh-Hans").strip()
        assert not re.search(r"#01010\d", str(one))


def test_every_formula_can_be_heard(root):
    formulas = root.all("math")
    assert len(formulas) > 10
    assert all(one.attributes["alttext"] for one in formulas)


def test_commands_can_be_typed(root, results):
    """Every command is one that the lesson's own table of options takes."""
    for result in results:
        written = [one.text() for one in by_id(root, result.lesson.name).all("pre")]
        codes = [code for code in written if code.startswith("whygrad ")]
        assert len(codes) == 1 + len(result.lesson.exercises)
        for code in codes:
            assert re.fullmatch(
                rf"whygrad lesson {result.lesson.name}( --[a-z-]+ \S+)* --check", code
            )
            options = re.findall(r"--([a-z-]+) \S", code)
            fields = {one.replace("-", "_") for one in options}
            assert fields <= set(result.setup.__dataclass_fields__)


def test_links_lead_through_the_book(root):
    def targets(name: str) -> list[str]:
        return [one.attributes["href"] for one in classed(root, name)]

    assert targets("next") == ["#flat", "#broadcast", "#outer"]
    assert targets("previous") == ["#chain", "#flat", "#broadcast"]


def test_the_summary_counts_what_held(root, results):
    summary = by_id(root, "summary")
    laws = [law for result in results for law in result.laws]
    held = f"held when this page was written: {len(laws)} of {len(laws)}."
    assert held in summary.text("zh-Hans")
    assert len(classed(summary, "numbers")) == len(laws)


def test_a_law_that_did_not_hold_is_told_as_such(results, read):
    broken = replace(results[0], laws=(Law("weight", 2.0, AT_MOST, 1.0), *results[0].laws[1:]))
    root = read(book([broken, results[1]]))
    verdict = by_id(root, "chain-verdict")
    assert verdict.attributes["class"] == "verdict ill"
    assert catalogue("en")["lesson.does_not_hold"] in verdict.text("zh-Hans")
    assert "2 ≤ 1" in verdict.text("zh-Hans") and "✗did not hold" in verdict.text("zh-Hans")
    assert len(classed(by_id(root, "summary"), "ill")) == 1
    laws = len(broken.laws) + len(results[1].laws)
    assert f"{laws - 1} of {laws}" in by_id(root, "summary").text("zh-Hans")


def test_one_lesson_stands_alone(results, read):
    root = read(book(results[:1]))
    assert [one.attributes["id"] for one in root.all("section")] == ["chain"]
    assert not root.all("nav")
    assert root.all("h1")[0].text("zh-Hans") == catalogue("en")["lesson.chain.title"]
    assert not classed(root, "bridge") and not classed(root, "pager")


def test_the_page_opens_in_the_language_in_use(results, page, read):
    with speaking("zh"):
        chinese = book(results)
    assert read(chinese).all("html")[0].attributes == {"lang": "zh-Hans"}
    assert chinese.replace('<html lang="zh-Hans">', '<html lang="en">') == page


def test_the_same_results_give_the_same_file(results, page, tmp_path):
    path = write_book(results, tmp_path / "deep" / "book.html")
    assert path == tmp_path / "deep" / "book.html"
    assert path.read_text("utf-8") == page


def test_one_choice_turns_every_batch_of_the_page(page, tmp_path, show):
    path = tmp_path / "book.html"
    path.write_text(page, encoding="utf-8")
    shown = show(path)
    assert turned(shown) == {"rows": 3, "columns": 0}
    choice = shown.get_by_role("radio", name="Columns are samples").nth(1)
    choice.scroll_into_view_if_needed()
    height = choice.bounding_box()["y"]
    choice.check()
    assert turned(shown) == {"rows": 0, "columns": 3}
    assert choice.bounding_box()["y"] == pytest.approx(height, abs=1)
    shown.locator("a[href='#outer']").first.click()
    assert "samples=columns" in shown.url and "at=outer" in shown.url
    shown.reload()
    assert turned(shown) == {"rows": 0, "columns": 3}
    choice.focus()
    shown.keyboard.press("ArrowUp")
    assert turned(shown) == {"rows": 3, "columns": 0}
    assert "samples=rows" in shown.url


def test_without_a_script_every_batch_turns_by_itself(page, tmp_path, show):
    path = tmp_path / "book.html"
    path.write_text(page, encoding="utf-8")
    shown = show(path, java_script_enabled=False)
    shown.get_by_role("radio", name="Columns are samples").nth(1).check()
    assert turned(shown) == {"rows": 2, "columns": 1}


def turned(shown) -> dict[str, int]:
    """Return how many batches of a page are seen in either orientation."""
    sides = ("rows", "columns")
    return {side: shown.locator(f".oriented > .{side} >> visible=true").count() for side in sides}


def test_a_chapter_may_have_a_heading_of_any_level(results, read):
    root = read(chapter(results[0], level=2))
    assert [one.tag for one in root.every() if re.fullmatch(r"h\d", one.tag)][:2] == ["h2", "h3"]


@pytest.mark.parametrize(
    ("language", "tag", "other"), [("en", "en", "zh"), ("zh", "zh-Hans", "en")]
)
def test_a_fragment_speaks_one_language_and_runs_nothing(results, read, language, tag, other):
    with speaking(language):
        root = read(as_html(results[0]))
        assert results[0]._repr_html_() == as_html(results[0])
    body = classed(root, "whygrad-lesson")[0]
    assert body.attributes["lang"] == tag
    assert catalogue(language)["lesson.chain.title"] in body.text()
    assert catalogue(other)["lesson.chain.title"] not in body.text()
    assert not classed(root, "said") and not root.all("script")
    assert not [one for one in body.every() if one.tag == "h1"]


def test_the_style_of_a_fragment_touches_nothing_else(results):
    """Every rule outside of the block of the fragment names the fragment."""
    style = re.sub(
        r"/\*.*?\*/",
        "",
        re.findall(r"<style>(.*?)</style>", as_html(results[0]), re.S)[0],
        flags=re.S,
    )
    depth, selector, selectors = 0, "", []
    for letter in style:
        if letter == "{":
            selectors += [selector.strip()] if depth == 0 else []
            depth += 1
        elif letter == "}":
            depth -= 1
        selector = "" if letter in "{}" else selector + letter
    assert depth == 0
    assert selectors and all(one.startswith(".whygrad-lesson") for one in selectors)
