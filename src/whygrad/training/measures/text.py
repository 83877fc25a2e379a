"""Measures in the terminal."""

import numpy as np
from rich.cells import cell_len
from rich.console import Group
from rich.padding import Padding

from whygrad.training.measures import phrases
from whygrad.training.measures.measured import Measures
from whygrad.words import number, t
from whygrad.words.terminal import RenderableType, Table, Text, as_plain
from whygrad.words.visible import shortened, visible

WIDTH = 100
NAME, COLUMN = 22, 10  # columns of a terminal that a name may take, at the side and above
WIDEST = 78
SHADES = "·░▒▓█"  # from no row of a class to all of them


def as_text(measures: Measures) -> str:
    """Return measures as plain text."""
    return as_plain(as_rich(measures), WIDTH)


def as_rich(measures: Measures) -> RenderableType:
    """Return measures for a rich console."""
    standing = phrases.standing(measures)
    blocks = [
        phrases.of_each(measures),
        None if _has_matrix(measures) else phrases.worst_confusions(measures),
        phrases.calibration(measures),
    ]
    parts = [_block(block) for block in blocks if block is not None]
    if _has_matrix(measures):
        parts.insert(1, _matrix(measures))
    parts += [Text(str(note)) for note in measures.notes]
    first = [] if standing is None else [Padding(Text(standing), (0, 0, 0, 2))]
    below = (Padding(part, (1, 0, 0, 0)) for part in parts)
    return Group(_block(phrases.overview(measures)), *first, *below)


def _block(block: phrases.Block) -> RenderableType:
    table = Table()
    for place, name in enumerate(block.head):
        table.add_column(name, justify="left" if place == 0 else "right", no_wrap=not place)
    for name, *cells in block.rows:
        table.add_row(*(shortened(visible(cell), 2 * NAME) for cell in (name, *cells)))
    return Group(Text(block.title, style="bold"), Padding(table, (0, 0, 0, 2)))


def _has_matrix(measures: Measures) -> bool:
    return measures.counts is not None and len(measures.counts) <= phrases.MOST_CLASSES


def _matrix(measures: Measures) -> RenderableType:
    """Return the confusion matrix, each cell with its number and the shade of its share."""
    assert measures.counts is not None
    counts, names = measures.counts, [visible(one.name) for one in measures.classes]
    heads = [shortened(name, COLUMN) for name in names]
    places = [str(place) for place in range(len(names))]
    cells = [[number(count) for count in row] for row in counts.tolist()]
    columns = zip(heads, *cells, strict=True)
    widths = [2 + max(cell_len(head), 2 + max(map(len, counts))) for head, *counts in columns]
    if NAME + sum(widths) > WIDEST:
        heads, names = (
            places,
            [f"{place} {name}" for place, name in zip(places, names, strict=True)],
        )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    table = Table()
    table.add_column("", no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for name, row, of_row in zip(names, cells, shares, strict=True):
        shades = [SHADES[int(np.ceil(share * (len(SHADES) - 1)))] for share in of_row]
        shown = [f"{cell} {shade}" for cell, shade in zip(row, shades, strict=True)]
        table.add_row(shortened(name, NAME), *shown)
    title = Text(t("measures.confusion.title"), style="bold")
    return Group(title, Padding(table, (0, 0, 0, 2)))
