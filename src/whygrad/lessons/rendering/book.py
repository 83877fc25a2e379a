"""The book: lessons one after the other, as one page that stands alone; or one lesson alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from whygrad import __version__
from whygrad.lessons import PARTS as LESSONS_BY_PART
from whygrad.lessons.rendering.html import chapter, law_numbers, law_words, mark, stylesheet
from whygrad.lessons.rendering.introduction import introduction
from whygrad.lessons.rendering.sentences import sentence
from whygrad.record.files import write_together
from whygrad.render.page.lab_links import lab_beside
from whygrad.render.page.layout import Entry, whole_page
from whygrad.words import LANGUAGES, catalogue, t
from whygrad.words.markup import Markup, both, element, joined, said

if TYPE_CHECKING:
    from whygrad.lessons.lesson import Law, Result


@dataclass(frozen=True)
class Part:
    """A part of the book: lessons that belong together.

    Attributes:
        name: ``lesson.book.part.<name>`` is its title, ``….lead`` leads to it from the part before.
    """

    name: str
    lessons: tuple[str, ...]


PARTS = tuple(Part(*part) for part in LESSONS_BY_PART.items())
NUMERALS = ("I", "II", "III", "IV")
Lab = Callable[[Collection[str]], str]  # takes the names of rooms


def write_book(results: Sequence[Result], out: Path, *, lab: Lab | None = None) -> Path:
    """Write lessons as one self-contained HTML page and return its path.

    Args:
        out: the file; folders on the way to it are made.
        lab: makes the lab with some rooms, here those that the lessons link into. It is written
            beside the page; without it there are no links.
    """
    out, contents = Path(out), {}
    if lab is not None:
        rooms = {result.lesson.lab(result.setup).room for result in results}
        contents[lab_beside(out)] = lab(rooms).encode()
    page = book(results, lab=lab_beside(out).name if lab else None)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_together(contents | {out: page.encode()})  # the page last: no link leads nowhere
    return out


def book(results: Sequence[Result], *, lab: str | None = None) -> str:
    """Return the page; it speaks both languages and opens in the one in use.

    A single lesson stands without the book's introduction and summary.

    Args:
        lab: name of the file of the lab that it links into.
    """
    return _one_lesson(results[0], lab) if len(results) == 1 else _whole_book(results, lab)


def _one_lesson(result: Result, lab: str | None) -> str:
    key = f"lesson.{result.lesson.name}.title"
    return whole_page(
        _window_title(key, "whygrad"),
        top=element("p", said("lesson.book.kind"), class_="kind"),
        contents=(),
        main=chapter(result, level=1, lab=lab),
        footer=_footer(lab),
        style=stylesheet("lesson.css") + stylesheet("book.css"),
        kind="single",
    )


def _footer(lab: str | None) -> Markup:
    words = said("lesson.book.footer", version=__version__)
    return words if lab is None else joined(words, " ", said("page.lab_beside", file=lab))


def _whole_book(results: Sequence[Result], lab: str | None) -> str:
    known = {result.lesson.name: result for result in results}
    parts = [
        (numeral, part, [known[name] for name in part.lessons if name in known])
        for numeral, part in zip(NUMERALS, PARTS, strict=True)
    ]
    told = [one for one in parts if one[2]]
    order = [result for _, _, inside in told for result in inside]
    return whole_page(
        _window_title("lesson.book.title", "whygrad"),
        top=_title(len(order)),
        contents=[
            Entry("introduction", said("lesson.book.introduction")),
            *(_entry(*one) for one in told),
            Entry("summary", said("lesson.book.summary")),
        ],
        main=joined(introduction(), (_part(*one, order, lab) for one in told), _summary(order)),
        footer=_footer(lab),
        style=stylesheet("lesson.css") + stylesheet("book.css"),
        kind="book",
    )


def _window_title(key: str, name: str) -> str:
    """Return a title for the window, which has one for both languages."""
    return " · ".join((*(catalogue(one)[key] for one in LANGUAGES), name))


def _title(count: int) -> Markup:
    return element(
        "div",
        element("p", said("lesson.book.kind"), class_="kind"),
        element("h1", said("lesson.book.title")),
        element("p", said("lesson.book.meaning", count=count), class_="lead"),
        class_="title",
    )


def _entry(numeral: str, part: Part, results: Sequence[Result]) -> Entry:
    inner = (
        Entry(result.lesson.name, said(f"lesson.{result.lesson.name}.title")) for result in results
    )
    title = joined(f"{numeral} ", said(f"lesson.book.part.{part.name}"))
    return Entry(f"part-{part.name}", title, tuple(inner))


def _part(
    numeral: str,
    part: Part,
    results: Sequence[Result],
    order: Sequence[Result],
    lab: str | None,
) -> Markup:
    key, name = f"lesson.book.part.{part.name}", f"part-{part.name}"
    head = element(
        "header",
        element("p", said("lesson.book.part", number=numeral), class_="kind"),
        element("h2", said(key), id=f"{name}-title"),
        element("p", said(f"{key}.lead"), class_="lead"),
        class_="part-head",
    )
    lessons = [
        joined(
            chapter(result, level=3, bridge=_bridge(place, result), lab=lab),
            _pager(result, order),
        )
        for place, result in enumerate(results)
    ]
    return element(
        "section", head, lessons, id=name, class_="part", aria_labelledby=f"{name}-title"
    )


def _bridge(place: int, result: Result) -> Markup | None:
    """Return what leads from the lesson before to this one; the part leads to its first."""
    return sentence(f"lesson.book.bridge.{result.lesson.name}") if place else None


def _pager(result: Result, order: Sequence[Result]) -> Markup:
    """Return links to the lesson before and to the next one."""
    place = [one.lesson.name for one in order].index(result.lesson.name)
    before = _link("previous", order[place - 1]) if place else None
    after = _link("next", order[place + 1]) if place + 1 < len(order) else None
    return element("p", before, after, class_="pager")


def _link(way: str, result: Result) -> Markup:
    name = result.lesson.name
    words = both(lambda: t(f"lesson.book.{way}", title=t(f"lesson.{name}.title")))
    return element("a", words, href=f"#{name}", class_=way)


def _summary(results: Sequence[Result]) -> Markup:
    """Return the table of all laws."""
    laws = [law for result in results for law in result.laws]
    held = sum(law.holds for law in laws)
    columns = ("law", "numbers")
    head = [element("th", said(f"lesson.book.head.{one}"), scope="col") for one in columns]
    bodies = [element("tbody", _laws(result)) for result in results]
    table = element("table", element("thead", element("tr", head)), bodies, class_="all-laws")
    return element(
        "section",
        element("h2", said("lesson.book.summary"), id="summary-title"),
        element("p", said("lesson.book.summary.meaning", held=held, laws=len(laws))),
        element("div", table, class_="scroll"),
        id="summary",
        class_="summary",
        aria_labelledby="summary-title",
    )


def _laws(result: Result) -> list[Markup]:
    lesson = result.lesson
    link = element("a", said(f"lesson.{lesson.name}.title"), href=f"#{lesson.name}")
    title = element("th", f"{lesson.claim} ", link, colspan=2, scope="rowgroup")
    return [element("tr", title), *(_law(lesson.name, law) for law in result.laws)]


def _law(lesson: str, law: Law) -> Markup:
    return element(
        "tr",
        element("td", mark(law.holds), law_words(lesson, law), class_="words"),
        element("td", law_numbers(law)),
        class_=None if law.holds else "ill",
    )
