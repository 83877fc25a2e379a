"""A lesson's result as HTML: a part of the book, or a fragment for a notebook."""

from collections.abc import Iterable
from textwrap import fill

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from whygrad.lessons.lesson import Law, Result
from whygrad.lessons.story import Block, Cell, Formula, Picture, Say, Table, Word
from whygrad.lessons.text import setup_line
from whygrad.page import layout
from whygrad.page.canvas import LIGHT, VARIABLES, as_svg, styled
from whygrad.page.formula import as_mathml, with_numbers
from whygrad.words import number, t
from whygrad.words.markup import Markup, both, element, joined, said

TABLE_ROWS = 40  # of the numbers behind a picture


def as_html(result: Result) -> str:
    """Return a result as a fragment that brings its own style, in the language in use."""
    from whygrad.lessons.book import fragment

    return fragment(result)


def chapter(result: Result) -> Markup:
    """Return a lesson as a section of a page, in both languages."""
    name = result.lesson.name
    story = result.story
    head = element(
        "header",
        element("p", said("lesson.claim", number=result.lesson.claim), class_="kind"),
        element("h2", said(f"lesson.{name}.title"), id=f"{name}-title"),
        element("p", said(f"lesson.{name}.question"), class_="question"),
        element("p", both(lambda: setup_line(result.setup)), class_="setup"),
    )
    told = element("div", _blocks(name, story.told), class_="told")
    left_out = element(
        "div",
        element("h3", said("lesson.left_out")),
        _blocks(name, story.left_out),
        class_="left-out",
    )
    body = element("div", told, verdict(result), left_out, exercises(result), class_="body")
    return element("section", head, body, id=name, aria_labelledby=f"{name}-title")


def verdict(result: Result) -> Markup:
    """Return every law with its numbers, and whether it held in this run."""
    key, mark = ("lesson.holds", "well") if result.holds else ("lesson.does_not_hold", "ill")
    laws = element("ul", [_law(result.lesson.name, law) for law in result.laws], class_="laws")
    sentence = element("p", said(key), class_="verdict-line")
    return element("div", sentence, laws, class_=f"verdict {mark}")


def exercises(result: Result) -> Markup:
    """Return the questions at the end of a lesson."""
    name = result.lesson.name
    items = [
        element("li", said(f"lesson.{name}.exercise.{one.name}")) for one in result.lesson.exercises
    ]
    title = element("h3", said("lesson.exercises_title"))
    how = element("p", said("lesson.exercises_how", name=name), class_="how")
    return element("div", title, element("ol", items), how, class_="exercises")


def plot(picture: Picture) -> Figure:
    """Return a picture as a figure of its own, in the colours of a light page."""
    with styled(picture.name):
        figure = picture.draw()
        caption = t(picture.caption.key, **picture.caption.values)
        width = int(figure.get_figwidth() * 12)
        figure.suptitle(fill(caption, width), y=1.0, va="bottom", fontsize=11)
    _put_colours(figure)
    figure.set_facecolor("white")
    figure.set_dpi(144)
    return figure


def _put_colours(figure: Figure) -> None:
    """Replace the marks that pages put their colours for."""
    real = {to_rgba(mark)[:3]: LIGHT[variable] for mark, variable in VARIABLES.items()}

    def put(value: object) -> object:
        if value is None or (isinstance(value, str) and value == "none"):
            return value
        colours = np.atleast_2d(np.asarray([to_rgba(one) for one in _listed(value)], np.float64))
        return [(*to_rgba(real.get(tuple(c[:3]), tuple(c)))[:3], c[3]) for c in colours]

    for artist in figure.findobj():
        for part in ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor"):
            if hasattr(artist, f"get_{part}") and hasattr(artist, f"set_{part}"):
                given = getattr(artist, f"get_{part}")()
                colours = put(given)
                if isinstance(colours, list):
                    one = len(colours) == 1 and not _is_many(given)
                    getattr(artist, f"set_{part}")(colours[0] if one else colours)


def _is_many(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 2


def _listed(value: object) -> Iterable:
    return list(value) if _is_many(value) else [value]  # type: ignore[call-overload]


def _law(lesson: str, law: Law) -> Markup:
    words = said(f"lesson.{lesson}.law.{law.name}", measured=law.measured, bound=law.bound)
    numbers = f"{number(law.measured)} {law.relation} {number(law.bound)}"
    mark = element("span", "✓" if law.holds else "✗", class_="mark", aria_hidden="true")
    state = said("lesson.held" if law.holds else "lesson.held_not")
    spoken = element("span", state, class_="spoken")
    return element("li", mark, spoken, " ", words, " ", element("code", numbers))


def _blocks(lesson: str, blocks: Iterable[Block]) -> Markup:
    return joined(_block(lesson, block) for block in blocks)


def _block(lesson: str, block: Block) -> Markup:
    if isinstance(block, Say):
        return element("p", said(block.key, **block.values))
    if isinstance(block, Formula):
        mathml = as_mathml(with_numbers(block.latex, block.values))
        return element("div", mathml, class_="formula", tabindex="0")
    return _table(block) if isinstance(block, Table) else _picture(lesson, block)


def _table(table: Table) -> Markup:
    caption = element("p", said(table.caption.key, **table.caption.values), class_="caption")
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    return element("div", caption, layout.table([*map(_cell, table.head)], rows), class_="table")


def _picture(lesson: str, picture: Picture) -> Markup:
    name = f"{lesson}-{picture.name}"
    with styled(name):
        svg = as_svg(picture.draw(), name)
    parts = [svg]
    if picture.axes is not None:
        right, up = picture.axes
        line = both(lambda: t("lesson.axes", right=_words(right), up=_words(up)))
        parts.append(element("p", line, class_="axes"))
    if picture.legend:
        parts.append(layout.legend((entry.mark, _cell(entry.words)) for entry in picture.legend))
    if picture.lines:
        parts.append(layout.behind(said("page.numbers"), _numbers(picture)))
    caption = said(picture.caption.key, **picture.caption.values)
    head = element("figcaption", caption, id=f"{name}-caption")
    kind = "wide" if picture.is_wide else None
    return element("figure", head, element("div", parts), class_=kind)


def _numbers(picture: Picture) -> Markup:
    """Return what a picture draws as a table: a row a place to the right, a column a line."""
    every = np.unique(np.concatenate([np.asarray(line.x, np.float64) for line in picture.lines]))
    places = np.linspace(0, len(every) - 1, min(TABLE_ROWS, len(every))).round().astype(int)
    known = [dict(zip(np.asarray(line.x, float), line.y, strict=True)) for line in picture.lines]
    head = [
        _cell(picture.axes[0]) if picture.axes else "",
        *(_cell(one.label) for one in picture.lines),
    ]
    rows = [
        [number(x, 6), *(number(float(one[x])) if x in one else "" for one in known)]
        for x in every[places]
    ]
    return layout.table(head, rows)


def _cell(cell: Cell) -> Markup:
    if isinstance(cell, Word):
        return said(cell.key, **cell.values)
    return joined(number(cell) if isinstance(cell, float) else str(cell))


def _words(word: Word) -> str:
    return t(word.key, **word.values)
