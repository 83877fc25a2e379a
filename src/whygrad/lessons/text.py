"""A lesson's result to read in a terminal."""

from collections.abc import Iterable
from dataclasses import fields
from io import StringIO
from typing import Any

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from whygrad.lessons.lesson import Law, Result
from whygrad.lessons.story import Block, Cell, Formula, Line, Picture, Say, Table, Word
from whygrad.page.formula import as_text as formula_text
from whygrad.page.formula import with_numbers
from whygrad.words import number, t, written

WIDTH = 96
BARS = "▁▂▃▄▅▆▇█"
POINTS = 40  # of a line in the terminal


def as_text(result: Result) -> str:
    """Return the result as plain text, in the language in use."""
    console = Console(file=StringIO(), width=WIDTH, highlight=False, emoji=False, markup=False)
    console.print(as_rich(result))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined] - a StringIO
    return "\n".join(line.rstrip() for line in lines)


def as_rich(result: Result) -> RenderableType:
    """Return the result for a terminal: question, set-up, story, verdict, what is left out."""
    name, story = result.lesson.name, result.story
    return Group(
        Text(t(f"lesson.{name}.title"), style="bold"),
        Text(t(f"lesson.{name}.question"), style="italic"),
        Text(setup_line(result.setup), style="dim"),
        Text(),
        *_blocks(story.told),
        verdict(result),
        Text(),
        Text(t("lesson.left_out"), style="bold"),
        *_blocks(story.left_out),
        exercises(result),
    )


def setup_line(setup: Any) -> str:
    """Return the options of a run in one line."""
    options = [f"{one.name} = {value_text(getattr(setup, one.name))}" for one in fields(setup)]
    return t("lesson.setup", options=t("page.comma").join(options))


def value_text(value: Any) -> str:
    """Return the value of an option as it is written on the command line."""
    if isinstance(value, tuple):
        return ",".join(value_text(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def verdict(result: Result) -> RenderableType:
    """Return every law with what came out, and the verdict."""
    key = "lesson.holds" if result.holds else "lesson.does_not_hold"
    laws = [Text(law_line(result.lesson.name, law)) for law in result.laws]
    style = "bold green" if result.holds else "bold red"
    return Group(*(Padding(law, (0, 0, 0, 2)) for law in laws), Text(t(key), style=style))


def law_line(lesson: str, law: Law) -> str:
    """Return a law in words, with its numbers."""
    said = t(f"lesson.{lesson}.law.{law.name}", measured=law.measured, bound=law.bound)
    numbers = f"{number(law.measured)} {law.relation} {number(law.bound)}"
    key = "lesson.law.holds" if law.holds else "lesson.law.fails"
    return t(key, law=said, numbers=numbers)


def exercises(result: Result) -> RenderableType:
    """Return the questions at the end."""
    name = result.lesson.name
    asked = [
        Padding(Text(f"{place}. {t(f'lesson.{name}.exercise.{one.name}')}"), (0, 0, 0, 2))
        for place, one in enumerate(result.lesson.exercises, 1)
    ]
    return Group(Text(), Text(t("lesson.exercises", name=name), style="bold"), *asked)


def cell_text(cell: Cell) -> str:
    """Return a cell of a table, in the language in use."""
    return t(cell.key, **cell.values) if isinstance(cell, Word) else written(cell)


def _blocks(blocks: Iterable[Block]) -> list[RenderableType]:
    shown: list[RenderableType] = []
    for block in blocks:
        shown += [_block(block), Text()]
    return shown


def _block(block: Block) -> RenderableType:
    if isinstance(block, Say):
        return Text(t(block.key, **block.values))
    if isinstance(block, Formula):
        text = formula_text(with_numbers(block.latex, block.values))
        return Padding(Text(text), (0, 0, 0, 4))
    return _table(block) if isinstance(block, Table) else _picture(block)


def _table(table: Table) -> RenderableType:
    shown = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place, head in enumerate(table.head):
        is_number = all(isinstance(row[place], int | float) for row in table.rows)
        shown.add_column(cell_text(head), justify="right" if is_number else "left")
    for row in table.rows:
        shown.add_row(*map(cell_text, row))
    caption = Text(t(table.caption.key, **table.caption.values))
    return Group(caption, Padding(shown, (0, 0, 0, 2)))


def _picture(picture: Picture) -> RenderableType:
    caption = Text(t(picture.caption.key, **picture.caption.values))
    if not picture.lines:
        return Group(caption, Padding(Text(t("lesson.picture_on_page"), style="dim"), (0, 0, 0, 2)))
    shown = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for line in picture.lines:
        ends = f"{number(float(line.y[0]), 3)} → {number(float(line.y[-1]), 3)}"
        shown.add_row(cell_text(line.label), sparkline(line, _shares_scale(picture.lines)), ends)
    return Group(caption, Padding(shown, (0, 0, 0, 2)))


def _shares_scale(lines: Iterable[Line]) -> tuple[float, float, bool]:
    values = np.concatenate([np.asarray(line.y, np.float64) for line in lines])
    values = values[np.isfinite(values)]
    positive = values[values > 0]
    is_log = bool(len(positive) and (values >= 0).all() and np.ptp(np.log(positive)) > np.log(30))
    low = positive.min() if is_log else values.min(initial=np.inf)
    return float(low), float(values.max(initial=-np.inf)), is_log


def sparkline(line: Line, scale: tuple[float, float, bool]) -> str:
    """Return a line as bars; where its picture spans orders of magnitude, by its logarithm."""
    low, high, is_log = scale
    places = np.linspace(0, len(line.y) - 1, min(POINTS, len(line.y))).round().astype(int)
    shown = np.asarray(line.y, np.float64)[places]
    if is_log:
        shown, low, high = np.log(np.maximum(shown, low)), np.log(low), np.log(high)
    share = np.clip((shown - low) / (high - low), 0, 1) if high > low else np.zeros(len(shown))
    return "".join(BARS[round(one * (len(BARS) - 1))] if np.isfinite(one) else "×" for one in share)
