"""A paragraph in a terminal. Chinese breaks between any two characters, English between words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import ConsoleOptions
from rich.measure import Measurement

from whygrad.words.terminal import Text

NARROWEST = 20  # cells that a paragraph beside something else asks for
HAN = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
OPENS, CLOSES = r"（「《“‘", r"，。：；？！、）」》”’…—·"
# a piece is what no line break may part: a word, or one character with its punctuation
PIECE = re.compile(rf"\s+|[{OPENS}]*(?:[{HAN}]|[^\s{HAN}{OPENS}]+)[{CLOSES}]*|[{OPENS}]")


@dataclass(frozen=True)
class Paragraph:
    """Text that fills the lines it is given."""

    text: str
    style: str = ""

    def __rich_console__(self, console: Any, options: ConsoleOptions) -> Iterator[Text]:
        for line in filled(self.text, options.max_width):
            yield Text(line, self.style, no_wrap=True)

    def __rich_measure__(self, console: Any, options: ConsoleOptions) -> Measurement:
        longest = max(cell_len(line) for line in self.text.splitlines() or [""])
        return Measurement(min(NARROWEST, longest), longest).with_maximum(options.max_width)


def filled(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a text, each at most ``width`` cells where its longest word allows it."""
    for paragraph in text.splitlines() or [""]:
        line = ""
        for piece in PIECE.findall(paragraph):
            if line and cell_len(line) + cell_len(piece.rstrip()) > width:
                yield line.rstrip()
                line = ""
            line += piece if line or not piece.isspace() else ""
        yield line.rstrip()
