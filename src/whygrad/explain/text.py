"""A ledger in the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding

from whygrad.explain.phrases import (
    Section,
    by_name,
    cells,
    clones,
    columns,
    meaning,
    product,
    sections,
    what,
    when,
)
from whygrad.words import number, t
from whygrad.words.terminal import RenderableType, Table, Text, as_plain, assembled

if TYPE_CHECKING:
    from whygrad.explain.ledger import Ledger

BARS = "▁▂▃▄▅▆▇█"
POINTS = 40
WIDTH = 100


def as_text(ledger: Ledger) -> str:
    """Return a ledger as plain text."""
    return as_plain(as_rich(ledger), WIDTH)


def as_rich(ledger: Ledger) -> RenderableType:
    """Return a ledger for a rich console."""
    named = by_name(ledger)
    names = () if named is None else ((named, "dim"), "  ")
    title = assembled((str(ledger.address), "bold"), "  ", *names, when(ledger))
    equal = [Text(clones(ledger), style="yellow")] if ledger.clones else []
    key, values = ledger.cause
    cause = Padding(Text(t(key, **values)), (1, 0, 0, 2))
    factors = Padding(factor_table(ledger), (1, 0, 0, 2))
    head = Group(title, Text(what(ledger)), *equal)
    return Group(head, factors, cause, *map(as_block, sections(ledger)))


def factor_table(ledger: Ledger) -> Table:
    """Return the four factors with what is usual around them, and their product."""
    table = Table()
    first, *numbers = columns(ledger)
    table.add_column(first, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(t("ledger.column.meaning"))
    for factor in ledger.factors:
        table.add_row(
            t(f"factor.{factor.name}"),
            *cells(factor),
            meaning(factor),
            style="bold" if factor.is_cause else "",
        )
    words = product(ledger)
    table.add_row(t("ledger.product"), number(ledger.product), "", "", words, style="dim")
    return table


def as_block(section: Section) -> RenderableType:
    """Return a section with its title."""
    lines = section.lines if section.note is None else [section.note]
    parts: list[RenderableType] = [Text(f"  {line}") for line in lines]
    if section.rows:
        is_number = isinstance(section.rows[0].value, str)
        table = Table(show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(justify="right" if is_number else "left", no_wrap=True)
        table.add_column(no_wrap=not is_number)
        for row in section.rows:
            value = row.value if isinstance(row.value, str) else sparkline(row.value)
            table.add_row(row.name, value, row.note)
        parts.append(Padding(table, (0, 0, 0, 2)))
    return Padding(Group(Text(section.title, style="bold"), *parts), (1, 0, 0, 0))


def sparkline(values: tuple[float, ...]) -> str:
    """Return at most 40 bars for a series, from 0 to its largest value."""
    stride = max(-(-len(values) // POINTS), 1)
    picked = [value for value in values[::stride] if math.isfinite(value)]
    top = max(picked, default=0) or 1.0
    return "".join(BARS[min(int(value / top * len(BARS)), len(BARS) - 1)] for value in picked)
