"""A page that needs nothing else, and its parts: one file, both languages, light and dark."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from whygrad.words import language, number, t
from whygrad.words.markup import TAGS, Child, Markup, both, element, joined, said

TABLE_ROWS = 60  # of a table behind a drawing
NAMES = {"en": "English", "zh-Hans": "中文"}  # each language in its own words
THEMES = ("auto", "light", "dark")


@dataclass(frozen=True)
class Entry:
    """A line of the table of contents.

    Attributes:
        anchor: id of the section.
        title: its name.
        inner: the sections inside it.
    """

    anchor: str
    title: Markup
    inner: "tuple[Entry, ...]" = ()


def whole_page(
    title: str,
    *,
    top: Child,
    contents: Iterable[Entry],
    main: Markup,
    footer: Markup,
    style: str = "",
    kind: str | None = None,
) -> str:
    """Return an HTML page. It speaks both languages, and opens in the one in use.

    Args:
        title: of the window.
        top: what stands above the table of contents.
        contents: every section; none for a page without a table of contents.
        main: the sections.
        style: rules to add to those that all pages share.
        kind: the class of the page, for its rules.
    """
    contents = tuple(contents)
    label = element("p", said("page.contents"), id="contents", class_="label")
    body = element(
        "body",
        element("a", said("page.skip"), href="#main", class_="skip"),
        element("header", _switches(), top, class_="top"),
        element("nav", label, _listed(contents), aria_labelledby="contents") if contents else None,
        element("main", main, id="main", tabindex="-1"),
        element("footer", element("p", footer)),
        element("script", Markup(resource("script.js"))),
        class_=kind,
    )
    script = hashlib.sha256(resource("script.js").encode()).digest()
    # a second wall behind the escaping of names; frames and requests fall under default-src
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
        f"form-action 'none'; script-src 'sha256-{base64.b64encode(script).decode()}'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(resource("style.css") + resource("parts.css") + style)),
    )
    html = element("html", head, body, lang=TAGS[language()])
    return f"<!DOCTYPE html>\n{html}\n"


@cache
def resource(name: str) -> str:
    """Return a stylesheet or script of pages."""
    return (files("whygrad.render.page") / name).read_text(encoding="utf-8")


def _switches() -> Markup:
    """Return the buttons that change language and colours."""
    languages = [
        element("button", name, type="button", lang=tag, data_lang=tag)
        for tag, name in NAMES.items()
    ]
    themes = [
        element("button", said(f"page.theme.{theme}"), type="button", data_theme=theme)
        for theme in THEMES
    ]
    switches = []
    for name, buttons in (("languages", languages), ("themes", themes)):
        label = element("span", said(f"page.{name}"), id=name, class_="spoken")
        group = element("div", buttons, class_="switch", role="group", aria_labelledby=name)
        switches += [label, group]
    return element("div", switches, class_="switches")


def _listed(entries: tuple[Entry, ...]) -> Markup:
    items = [
        element(
            "li",
            element("a", entry.title, href=f"#{entry.anchor}"),
            _listed(entry.inner) if entry.inner else None,
        )
        for entry in entries
    ]
    return element("ol", items)


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
    body = []
    for row in rows:
        first, *others = (number(cell) if isinstance(cell, float) else cell for cell in row)
        cells = [element("td", cell) for cell in others]
        body.append(element("tr", element("th", first, scope="row"), cells))
    content = element("table", element("thead", top), element("tbody", body), class_=class_ or None)
    return element("div", content, class_="scroll")


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
