"""A page that needs nothing else: one file, both languages, light and dark, no network."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from whygrad.words import language
from whygrad.words.markup import TAGS, Child, Markup, element, joined, said

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
    body = element(
        "body",
        element("a", said("page.skip"), href="#main", class_="skip"),
        element("header", _switches(), top, class_="top"),
        _contents(tuple(contents)),
        element("main", main, id="main", tabindex="-1"),
        element("footer", element("p", footer)),
        element("script", Markup(resource("script.js"))),
        class_=kind,
    )
    html = element("html", _head(title, style), body, lang=TAGS[language()])
    return f"<!DOCTYPE html>\n{html}\n"


@cache
def resource(name: str) -> str:
    """Return a stylesheet or script of pages."""
    return (files("whygrad.render.page") / name).read_text(encoding="utf-8")


def _head(title: str, style: str) -> Markup:
    script = hashlib.sha256(resource("script.js").encode()).digest()
    # a second wall behind the escaping of names; frames and requests fall under default-src
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
        f"form-action 'none'; script-src 'sha256-{base64.b64encode(script).decode()}'"
    )
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(resource("style.css") + resource("parts.css") + style)),
    )


def _switches() -> Markup:
    languages = [
        element("button", name, type="button", lang=tag, data_lang=tag)
        for tag, name in NAMES.items()
    ]
    themes = [
        element("button", said(f"page.theme.{theme}"), type="button", data_theme=theme)
        for theme in THEMES
    ]
    return element(
        "div", _switch("languages", languages), _switch("themes", themes), class_="switches"
    )


def _switch(name: str, buttons: list[Markup]) -> Markup:
    label = element("span", said(f"page.{name}"), id=name, class_="spoken")
    group = element("div", buttons, class_="switch", role="group", aria_labelledby=name)
    return joined(label, group)


def _contents(entries: tuple[Entry, ...]) -> Markup | None:
    if not entries:
        return None
    label = element("p", said("page.contents"), id="contents", class_="label")
    return element("nav", label, _listed(entries), aria_labelledby="contents")


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
