"""The book: lessons one after the other, as one page that stands alone."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from whygrad import __version__
from whygrad.lessons.html import chapter
from whygrad.lessons.lesson import Result
from whygrad.page.shell import whole_page
from whygrad.run.files import write_whole
from whygrad.words import language
from whygrad.words.markup import TAGS, Markup, element, joined, said


def write_book(results: Sequence[Result], out: Path) -> Path:
    """Write lessons as one self-contained HTML page and return its path.

    Args:
        out: the file; folders on the way to it are made.
    """
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, book(results).encode())
    return out


def book(results: Sequence[Result]) -> str:
    """Return the page; it speaks both languages and opens in the one in use."""
    chapters = joined(chapter(result) for result in results)
    return whole_page(
        "whygrad",
        top=_title(results),
        contents=[
            (result.lesson.name, said(f"lesson.{result.lesson.name}.title")) for result in results
        ],
        main=chapters,
        footer=said("lesson.book.footer", version=__version__),
        style=_style(),
    )


def fragment(result: Result) -> str:
    """Return one lesson for a notebook: it brings its style, and speaks the language in use."""
    style = element("style", Markup(_notebook_style() + _style()))
    body = element("div", chapter(result), class_="whygrad-lesson", lang=TAGS[language()])
    return joined(style, body)


def _title(results: Sequence[Result]) -> Markup:
    return element(
        "div",
        element("p", said("lesson.book.kind"), class_="kind"),
        element("h1", said("lesson.book.title")),
        element("p", said("lesson.book.meaning"), class_="lead"),
    )


def _style() -> str:
    return (files("whygrad.lessons") / "book.css").read_text(encoding="utf-8")


def _notebook_style() -> str:
    """Return what a page's own style says to a lesson that stands outside of one."""
    return ""
