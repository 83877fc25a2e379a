"""A lesson in a terminal: paragraphs, laws, tables and curves, in lines that fit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from rich.cells import cell_len

from whygrad.lessons.lesson import AT_LEAST, AT_MOST, EQUALS, Exercise, Law, Lesson, Place, Result
from whygrad.lessons.options import option, setup
from whygrad.lessons.rendering.paragraph import CLOSES, filled
from whygrad.lessons.rendering.sparkline import BARS, scale_of, scale_text, sparkline
from whygrad.lessons.rendering.text import LINES, WIDTH, as_text, setup_line
from whygrad.lessons.story import Formula, Line, Picture, Say, Story, Table, Word
from whygrad.settings import Range
from whygrad.words import catalogue, speaking

LONG = "The loss of the layer of clones and the loss of the single neuron agree " * 2
STEPS = np.arange(200)
WORDS = {
    "lesson.tiny.title": ("One small lesson", "一堂小课"),
    "lesson.tiny.question": ("Is it small?", "它小吗？"),
    "lesson.tiny.told": ("The largest is {largest}.", "最大的是 {largest}。"),
    "lesson.tiny.left": ("It may be large.", "它可以很大。"),
    "lesson.tiny.caption": ("Side by side:", "并排："),
    "lesson.tiny.law.long": (LONG, "克隆层的损失与单个神经元的损失一致，" * 4),
    "lesson.tiny.law.short": ("It is small.", "它很小。"),
    "lesson.tiny.exercise.alone": ("When is it alone?", "它何时独自一个？"),
    "lesson.tiny.word": ("a word", "一个词"),
    "lesson.option.constants.name": ("starts w", "起点 w"),
}


@setup
class Options:
    constants: tuple = option((0.0, 0.5), Range(float, -100, 100))
    activation: str = option("tanh", ("sigmoid", "tanh"))


def curve(label, y) -> Line:
    return Line(label, np.arange(len(y)), np.asarray(y))


def picture(*lines: Line, axes=None) -> Picture:
    return Picture("curve", Say("lesson.tiny.caption"), Figure, axes=axes, lines=lines)


def tell(setup, measured) -> Story:
    table = Table(
        Say("lesson.tiny.caption"),
        ["name", "value", Word("lesson.tiny.word")],
        [["first", 0.5, "—"], ["second", -12.25, 3]],
    )
    axes = (Word("lesson.tiny.word"), Word("lesson.tiny.word"))
    lines = [curve("falling", np.exp(-STEPS / 20)), curve(Word("lesson.tiny.word"), STEPS + 1.0)]
    return Story(
        (Say("lesson.tiny.told", measured), Formula(r"\frac{1}{m} = [[largest]]", measured), table),
        (picture(*lines, axes=axes), Picture("bare", Say("lesson.tiny.left"), Figure)),
    )


LESSON = Lesson(
    name="tiny",
    claim=3,
    setup=Options,
    measure=lambda setup, tick: {"largest": max(setup.constants)},
    laws=lambda setup, measured: (
        Law("short", 1.23456e-12, AT_MOST, 1.1920928955078125e-07),
        Law("long", -0.000123456, AT_LEAST, -12345.678),
        Law("short", measured["largest"], EQUALS, 0.5),
    ),
    tell=tell,
    exercises=(Exercise("alone", lambda setup, measured: False, {}),),
    lab=lambda setup: Place("neuron"),
)


@pytest.fixture
def result(monkeypatch) -> Result:
    for key, sentences in WORDS.items():
        for language, sentence in zip(("en", "zh"), sentences, strict=True):
            monkeypatch.setitem(catalogue(language), key, sentence)
    return LESSON.start({}).run()


TOLD = """\
Lesson 3
One small lesson
Is it small?
Set-up: starts w = 0,0.5 (--constants), activation: tanh (--activation).

The largest is 0.5.

    1/m = 0.5

Side by side:
  name     value  a word
  first      0.5       —
  second  −12.25       3

                                                                            measured  must be
  ✓  It is small.                                                          1.235e-12  ≤ 1.192e-7
"""


def test_the_whole_text(result):
    assert as_text(result)[: len(TOLD)] == TOLD


LEFT_OUT = """\
What the usual telling leaves out

Side by side:
  falling  ▆▅▅▅▅▅▅▅▅▅▄▄▄▄▄▄▄▄▃▃▃▃▃▃▃▃▃▂▂▂▂▂▂▂▂▁▁▁▁▁  1 → 4.77e-5
  a word   ▆▆▇▇▇▇▇▇▇▇▇▇▇▇██████████████████████████  1 → 200
  → a word · ↑ a word
  The bars go from 4.77e-5 to 200 on a logarithmic scale.

It may be large.
  (a picture: it stands on the page)

Try it: change an option and run it again with `whygrad lesson tiny … --check`.
  1.  When is it alone?"""


def test_what_was_left_out_and_the_questions_close_it(result):
    assert as_text(result)[-len(LEFT_OUT) :] == LEFT_OUT


def test_in_a_notebook_the_text_is_text_all_the_same(result, notebook, monkeypatch):
    expected = as_text(result)
    notebook()
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert as_text(result) == expected


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_line_fits(result, language):
    with speaking(language):
        assert max(map(cell_len, as_text(result).splitlines())) <= WIDTH


def test_a_law_that_does_not_hold_is_marked(result):
    broken = replace(result, laws=(Law("short", float("nan"), AT_MOST, float("inf")),))
    text = as_text(broken)
    assert "  ✗  It is small." in text and "NaN  ≤ ∞" in text
    assert "The law did not hold here." in text and "The law held" not in text


def test_the_set_up_line_says_in_words_what_every_option_is_and_how_it_is_typed(result):
    assert setup_line("tiny", Options(constants=(1e-5, -3.0))) == (
        "Set-up: starts w = 1e-05,−3 (--constants), activation: tanh (--activation)."
    )
    with speaking("zh"):
        assert setup_line("tiny", Options()) == (
            "设置：起点 w = 0,0.5（--constants）、激活函数：tanh（--activation）。"
        )


def test_a_result_shows_its_call_and_its_verdict(result):
    assert repr(result) == (
        "whygrad.lessons.tiny(constants=(0.0, 0.5), activation='tanh').run()  # The law held in "
        "this run. Read it with print(), see it with .plot(), take its numbers from .measured."
    )
    assert str(result) == as_text(result)


@given(st.text(st.sampled_from("ab（中文），。1 \n"), max_size=60), st.integers(6, 40))
def test_filled_lines_lose_nothing_and_fit(text, width):
    lines = list(filled(text, width))
    assert "".join("".join(lines).split()) == "".join(text.split())
    longest = max((cell_len(word) for word in text.split()), default=0)
    assert all(cell_len(line) <= max(width, longest) for line in lines)


@given(st.text(st.sampled_from("中文字，。（）"), max_size=60))
def test_no_line_begins_with_what_closes(text):
    clean = text.lstrip(CLOSES)
    assert not any(line[:1] in CLOSES for line in filled(clean, 20) if line)


def test_chinese_fills_its_lines_and_english_breaks_between_words():
    assert list(filled("在这次运行中，规律成立。它用了 64 个样本", 12)) == [
        "在这次运行",
        "中，规律成",
        "立。它用了",
        "64 个样本",
    ]
    assert list(filled("one two three", 8)) == ["one two", "three"]
    assert list(filled("", 8)) == [""]


def test_curves_share_a_scale_that_is_told():
    low, high = curve("low", [0.0, 1.0]), curve("high", [0.0, 8.0])
    scale = scale_of([low, high])
    assert (sparkline(low, scale), sparkline(high, scale)) == ("▁▂", "▁█")
    assert scale_text([low, high]) == "The bars go from 0 to 8."


def test_a_curve_over_orders_of_magnitude_is_shown_by_its_logarithm():
    falling = curve("falling", 10.0 ** -np.arange(8))
    assert sparkline(falling, scale_of([falling])) == BARS[::-1]
    assert scale_text([falling]) == "The bars go from 1e-7 to 1 on a logarithmic scale."
    with_zero = curve("with zero", [0.0, 1e-7, 1.0])
    assert sparkline(with_zero, scale_of([with_zero])) == "▁▁█"


def test_a_level_curve_and_one_that_is_not_finite():
    level = curve("level", [2.0, 2.0])
    assert sparkline(level, scale_of([level])) == "▁▁"
    assert scale_text([level]) == "All values are the same."
    broken = curve("broken", [1.0, np.nan, np.inf, 2.0])
    assert sparkline(broken, scale_of([broken])) == "▁××█"
    gone = curve("gone", [np.nan, np.nan])
    assert sparkline(gone, scale_of([gone])) == "××"
    assert scale_text([gone]) == "No value is finite."


def test_many_curves_are_shown_in_part(result):
    many = [curve(f"line {place}", [0.0, 1.0]) for place in range(LINES + 3)]
    story = Story((picture(*many),), ())
    lesson = replace(LESSON, tell=lambda setup, measured: story)
    text = as_text(replace(result, lesson=lesson))
    assert text.count("▁█") == LINES
    assert f"Curves shown here: {LINES} of {LINES + 3}; the page has all of them." in text


@given(st.lists(st.floats(), min_size=1, max_size=90))
def test_any_numbers_make_a_curve(values):
    line = curve("any", values)
    bars = sparkline(line, scale_of([line]))
    assert len(bars) == min(len(values), 40) and set(bars) <= {*BARS, "×"}
    assert scale_text([line])
