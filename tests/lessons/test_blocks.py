"""What a story may hold beside text: folded parts, two orientations, code, coloured symbols."""

import re
from importlib.resources import files

import pytest

from whygrad.lessons.notation import ARRIVES, ONE, SLOPE, arrives, below, one, slope
from whygrad.lessons.rendering.blocks import as_blocks
from whygrad.lessons.rendering.formulas import filled, steps
from whygrad.lessons.rendering.html import stylesheet
from whygrad.lessons.story import Code, Fold, Formula, Oriented, Say, Story, Term, every_block
from whygrad.render.page.canvas import DARK, LIGHT, VARIABLES
from whygrad.render.page.formula import as_text
from whygrad.words import speaking

SAID = Say("lesson.oriented.choose")
STYLE = (files("whygrad.render.page") / "style.css").read_text("utf-8")


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    low, high = sorted(map(luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


def defined(name: str) -> list[str]:
    """Return a colour of all pages, in light and in dark."""
    found = re.findall(rf"--{name}: (#\w{{6}})", STYLE)
    return [found[0], found[1]]


def in_light_and_dark(name: str) -> list[str]:
    """Return a colour of the lessons, in light and in dark."""
    value = re.search(rf"--{name}: ([^;]+);", stylesheet("lesson.css"))
    assert value is not None
    if other := re.fullmatch(r"var\(--(\w+)\)", value[1]):
        return defined(other[1])
    return re.findall(r"#\w{6}", value[1])


@pytest.mark.parametrize("ground", ["paper", "panel", "measured"])
@pytest.mark.parametrize("name", ["arrives", "one", "slope"])
def test_the_colours_can_be_read_on_every_ground(name, ground):
    pairs = zip(in_light_and_dark(name), defined(ground), strict=True)
    assert min(contrast(*pair) for pair in pairs) >= 4.5


def test_each_colour_is_defined_once_and_drawings_use_the_same():
    for name, mark in (("arrives", ARRIVES), ("one", ONE), ("slope", SLOPE)):
        assert stylesheet("lesson.css").count(f"--{name}: ") == 1
        assert in_light_and_dark(name) == [LIGHT[VARIABLES[mark]], DARK[VARIABLES[mark]]]


def test_a_colour_stands_in_the_formula_and_leaves_its_text_alone():
    latex = rf"{arrives('x')} \cdot {one()} \cdot {slope()} = [[x|arrives]] \cdot [[s]]"
    shown = filled(latex, {"x": -3.0, "s": -0.5})
    assert as_text(shown) == "x · 1 · f′(z) = −3 · (−0.5)"
    assert r"\class{measured arrives}{-3}" in shown and r"\class{measured}{-0.5}" in shown


def test_a_word_below_a_brace_is_read_in_either_language():
    formula = Formula(below("u", "who"), {"who": Term("lesson.term.slope")})
    texts = []
    for language in ("en", "zh"):
        with speaking(language):
            texts.append(as_text(filled(formula.latex, formula.values)))
    assert texts == ["u [the slope]", "u [斜率]"]
    page = as_blocks("chain", [formula])
    assert "the slope" in page and "斜率" in page


def test_a_line_may_break_before_a_relation_only():
    assert steps(r"a = b \cdot c \approx 2") == [["a ", r"= b \cdot c ", r"\approx 2"]]
    assert steps(r"\sum_{i=1}^{n} x \qquad y = (n = 2)") == [
        [r"\sum_{i=1}^{n} x "],
        [" y ", "= (n = 2)"],
    ]


def test_a_page_folds_a_part_and_shows_one_orientation():
    rows, columns = (Code("delta.sum(axis=0)"),), (Code("Delta.sum(axis=1)"), SAID)
    blocks = (Fold(SAID, (Oriented("batch", rows, columns),)),)
    assert [type(block).__name__ for block in every_block(blocks)] == [
        "Fold", "Oriented", "Code", "Code", "Say",
    ]  # fmt: skip
    assert Story(blocks, ()).blocks == tuple(every_block(blocks))
    page = as_blocks("chain", blocks)
    assert page.startswith("<details><summary>")
    assert page.count('type="radio"') == 2 and page.count(" checked") == 1
    assert page.index("delta.sum(axis=0)") < page.index("Delta.sum(axis=1)")
