"""A small table that is printed as text and shown in a notebook as HTML."""

from dataclasses import dataclass

from whygrad.words import language
from whygrad.words.visible import visible

MOST = 24  # rows that are shown; of more, the first and the last ones


@dataclass(frozen=True)
class Grid:
    """Rows of words under a title; the first column names, the others hold numbers.

    Example:
        >>> print(Grid("Sizes", ("layer", "neurons"), (("hidden1", "32"), ("output", "3"))))
        Sizes
        layer    neurons
        hidden1       32
        output         3
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def shown(self) -> tuple[tuple[str, ...], ...]:
        """The rows, with a gap in the place of those in the middle where there are many."""
        if len(self.rows) <= MOST:
            return self.rows
        gap = ("…",) * len(self.head)
        return (*self.rows[: MOST // 2], gap, *self.rows[-MOST // 2 :])

    def __str__(self) -> str:
        from whygrad.words.terminal import Table, as_plain

        table = Table()
        for place, name in enumerate(self.head):
            table.add_column(name, justify="right" if place else "left", no_wrap=True)
        for row in self.shown:
            table.add_row(*row)
        return f"{visible(self.title)}\n{as_plain(table, 1000)}"

    def _repr_html_(self) -> str:
        from whygrad.words.markup import TAGS, element, joined  # which text does without

        head = element("tr", [element("th", name, scope="col") for name in self.head])
        body = [
            element("tr", element("th", name, scope="row"), [element("td", one) for one in others])
            for name, *others in self.shown
        ]
        table = element("table", element("thead", head), element("tbody", body))
        title = element("p", element("b", self.title))
        return joined(element("div", title, table, class_="whygrad-table", lang=TAGS[language()]))
