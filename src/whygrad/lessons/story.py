"""What a lesson tells, as data: paragraphs, formulas, tables and pictures.

Every word is a key of the catalogue and every number comes from the measurement, so that one
telling can be printed, put on a page and read in two languages.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from whygrad.words import t


@dataclass(frozen=True)
class Say:
    """A paragraph: a sentence of the catalogue, and the numbers in it."""

    key: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Names:
    """Names as a list in a sentence, in whatever language the sentence is read."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return t("page.comma").join(self.names)


@dataclass(frozen=True)
class Formula:
    r"""A formula in LaTeX; ``[[name]]`` stands for a measured number.

    ``[[name|arrives]]`` is a number in one of the colours of the lessons, ``\class{arrives}{x}`` a
    symbol: ``arrives`` is what comes in, ``one`` the constant 1, ``slope`` the slope. A value that
    is a :class:`Term` is a word, in whatever language the formula is read.
    """

    latex: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Term:
    """A word of the catalogue in a formula."""

    key: str

    def __str__(self) -> str:
        return t(self.key)


@dataclass(frozen=True)
class Code:
    """A program or its output: the same in every language."""

    text: str


@dataclass(frozen=True)
class Word:
    """A cell of a table that is a word of the catalogue, with its numbers."""

    key: str
    values: dict[str, Any] = field(default_factory=dict)


Cell = str | float | int | Word


@dataclass(frozen=True)
class Table:
    """Numbers side by side.

    Attributes:
        caption: what the table shows, a sentence.
        head: heading of each column.
        rows: their cells; the first of a row is its heading. Plain strings are names and symbols,
            the same in every language; floats are written with four digits.
    """

    caption: Say
    head: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Line:
    """One line of a picture, as numbers: for the terminal, and for the table behind the picture.

    Attributes:
        label: what it is: a name or symbol, or a word.
        x, y: equally long.
    """

    label: Cell
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Legend:
    """What a mark in a picture means.

    Attributes:
        mark: the class of its sample in the stylesheet: a colour (``blue``, ``orange``, ``green``,
            ``purple``, ``red``, ``ink``, ``faint``), alone or with ``dashed``, ``dotted`` or
            ``band``.
        words: what it is.
    """

    mark: str
    words: Cell


@dataclass(frozen=True)
class Picture:
    """A drawing with a sentence of meaning above it.

    Attributes:
        name: unique in the lesson.
        caption: what to see in it; also its text alternative.
        draw: makes the drawing, inside the style of pages; it holds numbers, symbols and names
            only, which are the same in every language.
        axes: what is shown to the right and upwards, or None where that has no meaning.
        legend: what the colours and lines are.
        lines: what is drawn, as numbers.
        is_wide: whether the page gives it all its width.
    """

    name: str
    caption: Say
    draw: Callable[[], Figure]
    axes: tuple[Word, Word] | None = None
    legend: Sequence[Legend] = ()
    lines: Sequence[Line] = ()
    is_wide: bool = False


@dataclass(frozen=True)
class Fold:
    """Blocks that a reader does not need at once: a page shows them when it is asked.

    Attributes:
        title: what is behind it.
    """

    title: Say
    blocks: "tuple[Block, ...]"


@dataclass(frozen=True)
class Oriented:
    """The same twice: with a row for every sample, and with a column for every sample.

    A page shows one of the two and lets its reader choose; a terminal shows one after the other.

    Attributes:
        name: unique in the lesson.
    """

    name: str
    rows: "tuple[Block, ...]"
    columns: "tuple[Block, ...]"


Block = Say | Formula | Code | Table | Picture | Fold | Oriented


def every_block(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield blocks and what is inside them, in the order in which they are read."""
    for block in blocks:
        yield block
        if isinstance(block, Fold):
            yield from every_block(block.blocks)
        if isinstance(block, Oriented):
            yield from every_block((*block.rows, *block.columns))


@dataclass(frozen=True)
class Story:
    """What a lesson tells.

    Attributes:
        told: the experiment and what it measured.
        left_out: what the usual telling leaves out, measured too.
    """

    told: tuple[Block, ...]
    left_out: tuple[Block, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, also those inside others, in their order."""
        return tuple(every_block((*self.told, *self.left_out)))

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All pictures, in their order."""
        return tuple(block for block in self.blocks if isinstance(block, Picture))
