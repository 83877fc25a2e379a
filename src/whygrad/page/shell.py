"""A page that needs nothing else: one file, both languages, light and dark, no network."""

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from whygrad.words import language
from whygrad.words.markup import TAGS, Child, Markup, element, joined, said

NAMES = {"en": "English", "zh-Hans": "中文"}  # each language in its own words
THEMES = ("auto", "light", "dark")


def whole_page(
    title: str,
    *,
    top: Child,
    contents: Iterable[tuple[str, Markup]],
    main: Markup,
    footer: Markup,
    style: str = "",
) -> str:
    """Return an HTML page. It speaks both languages, and opens in the one in use.

    Args:
        title: of the window.
        top: what stands above the table of contents.
        contents: the anchor and the name of every section.
        main: the sections.
        style: rules to add to those that all pages share.
    """
    body = element(
        "body",
        element("header", _switches(), top, class_="top"),
        _contents(contents),
        element("main", main),
        element("footer", element("p", footer)),
        element("script", Markup(_resource("script.js"))),
    )
    html = element("html", _head(title, style), body, lang=TAGS[language()])
    return f"<!DOCTYPE html>\n{html}\n"


def _head(title: str, style: str) -> Markup:
    script = hashlib.sha256(_resource("script.js").encode()).digest()
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{base64.b64encode(script).decode()}'"
    )
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(_resource("style.css") + style)),
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
        "div",
        element("div", languages, class_="switch", role="group"),
        element("div", themes, class_="switch", role="group"),
        class_="switches",
    )


def _contents(entries: Iterable[tuple[str, Markup]]) -> Markup:
    links = [element("li", element("a", name, href=f"#{anchor}")) for anchor, name in entries]
    return element("nav", element("ol", joined(links)))


@cache
def _resource(name: str) -> str:
    return (files("whygrad.page") / name).read_text(encoding="utf-8")
