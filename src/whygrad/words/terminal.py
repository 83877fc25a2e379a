"""Words in a terminal: rich's own parts, through which no name can act.

A plain string becomes visible where it enters a text or a cell, so that it is measured as it is
shown; what was forgotten is made visible where it is printed. Nothing is taken for rich's markup.
Whatever prints takes these from here, and not from rich; a test walks the imports.
"""

from collections.abc import Iterable
from io import StringIO
from typing import Any

from rich import console, segment, table, text

from whygrad.words.visible import cleaned, visible

RenderableType = console.RenderableType


class Text(text.Text):
    """Text with a style. Only a :class:`whygrad.words.visible.Sentence` keeps its line breaks."""

    def __init__(self, words: str = "", *args: Any, **options: Any) -> None:
        super().__init__(cleaned(words), *args, **options)


class Command(Text):
    """A line with a command to copy: never broken, also where it is wider than the terminal."""

    def __init__(self, words: str) -> None:
        super().__init__(words, no_wrap=True, overflow="ignore")


class Table(table.Table):
    """A table without lines; its cells are strings, cleaned, or what a terminal shows."""

    def __init__(self, *headers: Any, **options: Any) -> None:
        plain: dict[str, Any] = {"box": None, "pad_edge": False, "padding": (0, 2, 0, 0)}
        super().__init__(*headers, **plain | options)

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        shown = (Text(cell) if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*shown, **options)


class Console(console.Console):
    """A console that takes words as they are: no markup, no highlighting, no codes of any kind."""

    def __init__(self, **options: Any) -> None:
        plain: dict[str, Any] = {"highlight": False, "emoji": False, "markup": False}
        super().__init__(**plain | options)

    def render(self, renderable: RenderableType, options: Any = None) -> Iterable[segment.Segment]:
        for one in super().render(renderable, options):
            is_plain = one.text == "\n" or (one.text.isascii() and one.text.isprintable())
            is_ours = one.control or is_plain
            yield one if is_ours else one._replace(text=visible(one.text, keep="\n"))


def assembled(*parts: str | tuple[str, str]) -> Text:
    """Return strings, and strings with a style, as one text."""
    whole = Text()
    for part in parts:
        words, style = (part, "") if isinstance(part, str) else part
        whole.append(cleaned(words), style)
    return whole


def as_plain(content: RenderableType, width: int) -> str:
    """Return what a terminal of some width would show, without colours or spaces at line ends."""
    page = StringIO()  # in a notebook, too: there a console would write to the page instead
    options: dict[str, Any] = {"color_system": None, "force_jupyter": False}
    Console(file=page, width=width, **options).print(content, crop=False)
    return "\n".join(line.rstrip() for line in page.getvalue().split("\n")).removesuffix("\n")
