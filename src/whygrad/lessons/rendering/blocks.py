"""The blocks of a story as HTML: paragraphs, formulas, tables, pictures."""

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from whygrad.lessons.rendering.formulas import filled, steps
from whygrad.lessons.rendering.sentences import sentence, with_whole_formulas
from whygrad.lessons.story import (
    Block,
    Cell,
    Code,
    Fold,
    Formula,
    Oriented,
    Picture,
    Say,
    Table,
    Word,
)
from whygrad.render.page import layout
from whygrad.render.page.canvas import as_svg, styled
from whygrad.render.page.formula import as_mathml
from whygrad.words import number, speaking, t, written
from whygrad.words.markup import Markup, both, element, joined, said

NUMBER = re.compile(r"[+−-]?[\d.]+(e[−-]?\d+)?( %)?|[−-]?∞|NaN|[–—−-]")
LONG = 24  # letters; longer cells may break
TABLE_ROWS = 40  # of the numbers behind a picture


def as_blocks(lesson: str, blocks: Iterable[Block]) -> Markup:
    """Return blocks one after the other; ``lesson`` makes the ids of its pictures its own."""
    return joined(_block(lesson, block) for block in blocks)


def formula(latex: str, values: dict) -> Markup:
    """Return a formula on a line of its own; where that is too short, on several."""
    return element("div", both(lambda: _steps(latex, values), name="div"), class_="formula scroll")


def _steps(latex: str, values: dict) -> Markup:
    equations = (
        element("div", [as_mathml(piece, inline=True) for piece in one], class_="steps")
        for one in steps(filled(latex, values))
    )
    return element("div", [*equations], class_="equations")


def table(head: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> Markup:
    """Return a table; words stand to the left of their column, numbers to the right."""
    sides = [_kind([row[place] for row in rows]) for place in range(len(head))]
    top = [
        element("th", cell(one), scope="col", class_=side)
        for one, side in zip(head, sides, strict=True)
    ]
    body = [_row(row, sides) for row in rows]
    content = element("table", element("thead", element("tr", top)), element("tbody", body))
    return element("div", content, class_="scroll")


def cell(one: Cell) -> Markup:
    """Return a cell of a table, a label or an entry of a legend."""
    if isinstance(one, Word):
        return sentence(one.key, **one.values)
    return with_whole_formulas(written(one))


def _block(lesson: str, block: Block) -> Markup:
    if isinstance(block, Say):
        return element("p", sentence(block.key, **block.values))
    if isinstance(block, Formula):
        return formula(block.latex, block.values)
    if isinstance(block, Code):
        return element("pre", element("code", block.text))
    if isinstance(block, Fold):
        inside = element("div", as_blocks(lesson, block.blocks), class_="folded")
        return layout.behind(sentence(block.title.key, **block.title.values), inside)
    if isinstance(block, Oriented):
        sides = {side: as_blocks(lesson, getattr(block, side)) for side in ("rows", "columns")}
        return oriented(f"{lesson}-{block.name}", sides)
    return _table(block) if isinstance(block, Table) else _picture(lesson, block)


def oriented(name: str, sides: Mapping[str, Markup]) -> Markup:
    """Return both ways to write a batch, and what chooses one of them.

    That needs no script; where pages have theirs, one choice turns all batches of a page.

    Args:
        name: unique on the page.
        sides: by what a sample is, ``rows`` or ``columns``; the first is shown at first.
    """
    choices, shown = [], []
    for side, content in sides.items():
        is_first, words = not choices, sentence(f"lesson.oriented.{side}")
        button = element("input", type="radio", name=name, value=side, checked=is_first)
        choices.append(element("label", button, element("span", words)))
        title = element("p", words, class_="label")
        shown.append(element("div", title, content, class_=f"side {side}"))
    legend = element("legend", said("lesson.oriented.choose"), class_="spoken")
    choice = element("fieldset", legend, choices, class_="choice")
    return element("div", choice, shown, class_="oriented")


def _table(block: Table) -> Markup:
    caption = element("p", sentence(block.caption.key, **block.caption.values), class_="caption")
    return element("div", caption, table(block.head, block.rows), class_="table")


def _row(row: Sequence[Cell], sides: Sequence[str | None]) -> Markup:
    (first, *others), (_, *sides) = row, sides
    cells = [element("td", cell(one), class_=side) for one, side in zip(others, sides, strict=True)]
    return element("tr", element("th", cell(first), scope="row"), cells)


def _kind(column: Sequence[Cell]) -> str | None:
    """Return the class of a column: none for numbers, also where some are missing.

    It goes by the English, so that a page is the same whatever language it opens in.
    """
    with speaking("en"):
        texts = [one for one in map(_text, column) if one and not NUMBER.fullmatch(one)]
    if not texts:
        return None
    return "words sentence" if max(map(len, texts)) > LONG else "words"


def _text(one: Cell) -> str:
    return t(one.key, **one.values) if isinstance(one, Word) else written(one)


def _picture(lesson: str, picture: Picture) -> Markup:
    name = f"{lesson}-{picture.name}"
    with styled(name):
        svg = as_svg(picture.draw(), name)
    caption = sentence(picture.caption.key, **picture.caption.values)
    return element(
        "figure",
        element("figcaption", caption, id=f"{name}-caption"),
        element("div", svg, class_="drawing scroll"),
        _key(picture),
        layout.behind(said("page.numbers"), _numbers(picture)) if picture.lines else None,
        class_="wide" if picture.is_wide else None,
    )


def _key(picture: Picture) -> Markup | None:
    """Return what the directions and the marks of a picture are."""
    axes, marks = None, None
    if picture.axes is not None:
        right, up = picture.axes
        line = both(lambda: t("lesson.axes", right=_words(right), up=_words(up)))
        axes = element("p", line, class_="axes")
    if picture.legend:
        marks = layout.legend((one.mark, cell(one.words)) for one in picture.legend)
    return element("div", axes, marks, class_="key") if axes or marks else None


def _numbers(picture: Picture) -> Markup:
    """Return what a picture draws as a table: a row a place to the right, a column a line."""
    every = np.unique(np.concatenate([np.asarray(line.x, np.float64) for line in picture.lines]))
    places = np.linspace(0, len(every) - 1, min(TABLE_ROWS, len(every))).round().astype(int)
    known = [dict(zip(np.asarray(line.x, float), line.y, strict=True)) for line in picture.lines]
    head = [
        cell(picture.axes[0]) if picture.axes else "",
        *(cell(one.label) for one in picture.lines),
    ]
    rows = [
        [number(x, 6), *(number(float(one[x])) if x in one else "" for one in known)]
        for x in every[places]
    ]
    return layout.table(head, rows)


def _words(word: Word) -> str:
    return t(word.key, **word.values)
