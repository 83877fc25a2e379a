"""The parts that a page is laid out from: figures, tables of numbers, legends."""

from collections.abc import Callable, Iterable, Sequence

from whygrad.words import number, t
from whygrad.words.markup import Child, Markup, both, element, joined, said

TABLE_ROWS = 60  # of a table behind a drawing


def figure(
    name: str,
    svg: Markup,
    caption: Markup,
    *,
    up: Callable[[], str] | None = None,
    legend: Markup | None = None,
    numbers: Markup | None = None,
) -> Markup:
    """Return a drawing with a sentence above it, and its numbers behind a switch.

    Args:
        name: the name that the drawing was made with.
        up: the word for what the drawing shows upwards; then it shows steps to the right.
        numbers: the table of what is drawn.
    """
    table = behind(said("page.numbers"), numbers) if numbers else None
    below = element("div", svg, axes_words(up) if up else None, legend, table)
    return element("figure", element("figcaption", caption, id=f"{name}-caption"), below)


def axes_words(up: Callable[[], str]) -> Markup:
    """Return the line under a drawing that says what its two directions are."""
    return element("p", both(lambda: t("page.steps", up=up())), class_="axes")


def behind(title: Markup, content: Markup, *, is_open: bool = False) -> Markup:
    """Return content that is shown when it is asked for."""
    return element("details", element("summary", title), content, open=is_open)


def table(head: Sequence[Child], rows: Iterable[Sequence[Child]], *, class_: str = "") -> Markup:
    """Return a table; the first cell of a row is its heading, floats are written as numbers."""
    top = element("tr", [element("th", cell, scope="col") for cell in head])
    body = [_row(row) for row in rows]
    content = element("table", element("thead", top), element("tbody", body), class_=class_ or None)
    return element("div", content, class_="scroll")


def _row(cells: Sequence[Child]) -> Markup:
    first, *others = (number(cell) if isinstance(cell, float) else cell for cell in cells)
    return element(
        "tr", element("th", first, scope="row"), [element("td", cell) for cell in others]
    )


def legend(entries: Iterable[tuple[str, Markup]]) -> Markup:
    """Return a legend.

    Args:
        entries: the class of the line's sample in the stylesheet, and what the line is.
    """
    items = [
        element("li", element("i", class_=f"sample {line}", aria_hidden="true"), words)
        for line, words in entries
    ]
    return element("ul", items, class_="legend")


def note(words: Markup) -> Markup:
    """Return a sentence that stands where there is nothing to draw."""
    return element("p", words, class_="note")


def grid(parts: Iterable[Markup]) -> Markup:
    """Return parts side by side, as many as fit."""
    return element("div", joined(parts), class_="grid")


def listed(parts: Iterable[object]) -> str:
    """Return names or numbers as a list in a sentence, in the language in use."""
    return t("page.comma").join(map(str, parts))
