"""A lesson's result to read in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.constrain import Constrain
from rich.padding import Padding

from whygrad.lessons.options import allowed_values, told
from whygrad.lessons.rendering.formulas import filled
from whygrad.lessons.rendering.paragraph import Paragraph
from whygrad.lessons.rendering.sparkline import scale_of, scale_text, sparkline
from whygrad.lessons.story import (
    Block,
    Cell,
    Code,
    Fold,
    Formula,
    Line,
    Oriented,
    Picture,
    Say,
    Table,
    Word,
)
from whygrad.render.page.formula import as_text as formula_text
from whygrad.words import language, number, t, written
from whygrad.words.terminal import RenderableType, Text, as_plain
from whygrad.words.terminal import Table as Grid
from whygrad.words.visible import Sentence, lines

if TYPE_CHECKING:
    from whygrad.lessons.lesson import Exercise, Result

WIDTH = 96
INDENT = (0, 0, 0, 2)
SET_IN = (0, 0, 0, 4)
LINES = 12  # of one picture


def as_text(result: Result) -> str:
    """Return the result as plain text, in the language in use."""
    return as_plain(as_rich(result), WIDTH)


def as_rich(result: Result) -> RenderableType:
    """Return the result for a terminal: question, set-up, story, verdict, what is left out."""
    story = result.story
    return _page(
        *_head(result),
        *_blocks(story.told),
        verdict(result),
        Text(),
        Text(t("lesson.left_out"), style="bold"),
        Text(),
        *_blocks(story.left_out),
        *_asked(result),
    )


def as_rich_check(result: Result) -> RenderableType:
    """Return which exercises a run answers, and whether its law held."""
    answered = result.answered()
    exercises = [
        _checked(result.lesson.name, place, one, answered[one.name])
        for place, one in enumerate(result.lesson.exercises, 1)
    ]
    return _page(*_head(result), *exercises, Text(), verdict(result))


def setup_line(lesson: str, setup: Any) -> str:
    """Return the options of a run as a sentence."""
    return t("lesson.setup", options=told(lesson, setup, allowed_values(type(setup))))


def verdict(result: Result) -> RenderableType:
    """Return every law with what came out and what it had to be, and the verdict."""
    key = "lesson.holds" if result.holds else "lesson.does_not_hold"
    style = "bold green" if result.holds else "bold red"
    return Group(Padding(_laws(result), INDENT), Text(t(key), style=style))


def cell_text(cell: Cell) -> str:
    """Return a cell of a table, in the language in use."""
    return t(cell.key, **cell.values) if isinstance(cell, Word) else written(cell)


def _page(*parts: RenderableType) -> RenderableType:
    return Constrain(Group(*parts), WIDTH)


def _head(result: Result) -> list[RenderableType]:
    name = result.lesson.name
    return [
        Text(t("lesson.claim", number=result.lesson.claim), style="dim"),
        Paragraph(t(f"lesson.{name}.title"), "bold"),
        Paragraph(t(f"lesson.{name}.question"), "italic" if language() == "en" else ""),
        Paragraph(setup_line(name, result.setup), "dim"),
        Text(),
    ]


def _laws(result: Result) -> Grid:
    table = Grid(show_header=True, header_style="dim")
    table.add_column()
    table.add_column(ratio=1)
    table.add_column(t("lesson.law.measured"), justify="right", no_wrap=True)
    table.add_column(t("lesson.law.bound"), no_wrap=True)
    for law in result.laws:
        values = {"measured": law.measured, "bound": law.bound}
        words = t(f"lesson.{result.lesson.name}.law.{law.name}", **values)
        mark = Text("✓", "green") if law.holds else Text("✗", "bold red")
        bound = f"{law.relation} {number(law.bound)}"
        table.add_row(mark, Paragraph(words), number(law.measured), bound)
    return table


def _asked(result: Result) -> list[RenderableType]:
    name = result.lesson.name
    title = Paragraph(t("lesson.exercises", name=name), "bold")
    questions = [
        _numbered(place, Paragraph(t(f"lesson.{name}.exercise.{one.name}")))
        for place, one in enumerate(result.lesson.exercises, 1)
    ]
    return [title, *questions]


def _checked(lesson: str, place: int, exercise: Exercise, is_answered: bool) -> RenderableType:
    key = f"lesson.{lesson}.exercise.{exercise.name}"
    if is_answered:
        state = Paragraph(t("lesson.exercise.answered", answer=t(f"{key}.answer")), "green")
    else:
        state = Paragraph(t("lesson.exercise.open"), "yellow")
    return _numbered(place, Group(Paragraph(t(key)), state))


def _numbered(place: int, content: RenderableType) -> RenderableType:
    grid = Grid(show_header=False)
    grid.add_row(f"{place}.", content)
    return Padding(grid, INDENT)


def _blocks(blocks: Iterable[Block]) -> list[RenderableType]:
    shown: list[RenderableType] = []
    for block in blocks:
        if isinstance(block, Fold):
            shown += [Paragraph(t(block.title.key, **block.title.values), "bold"), Text()]
            shown += _blocks(block.blocks)
        elif isinstance(block, Oriented):
            for side in ("rows", "columns"):
                shown += [Paragraph(t(f"lesson.oriented.{side}"), "bold"), Text()]
                shown += _blocks(getattr(block, side))
        else:
            shown += [_block(block), Text()]
    return shown


def _block(block: Say | Formula | Code | Table | Picture) -> RenderableType:
    if isinstance(block, Say):
        return _said(block)
    if isinstance(block, Formula):
        text = formula_text(filled(block.latex, block.values))
        return Padding(Text(Sentence(text)), SET_IN)
    if isinstance(block, Code):
        return Padding(Text(lines(block.text.splitlines())), SET_IN)
    return _table(block) if isinstance(block, Table) else _picture(block)


def _said(say: Say) -> Paragraph:
    return Paragraph(t(say.key, **say.values))


def _table(table: Table) -> RenderableType:
    shown = Grid(header_style="dim")
    for place, head in enumerate(table.head):
        is_number = any(isinstance(row[place], int | float) for row in table.rows)
        justify = "right" if is_number and place else "left"
        shown.add_column(cell_text(head), justify=justify, overflow="fold")
    for row in table.rows:
        shown.add_row(*(_cell(one) for one in row))
    return Group(_said(table.caption), Padding(shown, INDENT))


def _cell(cell: Cell) -> RenderableType:
    return Paragraph(cell_text(cell)) if isinstance(cell, Word) else cell_text(cell)


def _picture(picture: Picture) -> RenderableType:
    if not picture.lines:
        shown: RenderableType = Paragraph(t("lesson.picture_on_page"), "dim")
    else:
        shown = Group(_curves(picture.lines[:LINES]), *_axes(picture))
    return Group(_said(picture.caption), Padding(shown, INDENT))


def _curves(lines: Iterable[Line]) -> Grid:
    shown = Grid(show_header=False)
    shown.add_column(overflow="fold")
    shown.add_column(no_wrap=True)
    shown.add_column(no_wrap=True)
    scale = scale_of(lines)
    for line in lines:
        ends = f"{number(float(line.y[0]), 3)} → {number(float(line.y[-1]), 3)}"
        shown.add_row(_cell(line.label), sparkline(line, scale), ends)
    return shown


def _axes(picture: Picture) -> list[RenderableType]:
    """Return what stands below the curves: what is shown where, and lines that are not."""
    told = [scale_text(picture.lines)]
    if picture.axes is not None:
        right, up = map(cell_text, picture.axes)
        told.insert(0, t("lesson.axes", right=right, up=up))
    if len(picture.lines) > LINES:
        told.append(t("lesson.lines_on_page", shown=LINES, all=len(picture.lines)))
    return [Paragraph(line, "dim") for line in told]
