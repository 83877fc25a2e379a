"""The page: all sections of a report in one file that needs nothing else."""

import base64
import hashlib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from whygrad.ledger.html import STYLE as LEDGER_STYLE
from whygrad.report import (
    configuration,
    curves,
    heatmap,
    pictures,
    summary,
    telling,
    timelines,
    width,
)
from whygrad.report.layout import Section
from whygrad.report.material import Material
from whygrad.run.files import write_whole
from whygrad.run.folder import RunFolder
from whygrad.words import language
from whygrad.words.markup import TAGS, Markup, element, joined, said

Progress = Callable[[int, int], None]
Part = Callable[[Material], Section]

SECTIONS: tuple[Part, ...] = (
    summary.section,
    curves.section,
    timelines.section,
    heatmap.section,
    width.section,
    pictures.section,
    telling.section,
    configuration.section,
)
NAMES = {"en": "English", "zh-Hans": "中文"}  # each language in its own words
THEMES = ("auto", "light", "dark")


def write_report(run: RunFolder, out: Path, *, progress: Progress | None = None) -> Path:
    """Write a run as one self-contained HTML page and return its path.

    The page speaks both languages and opens in the one in use; it needs no network.

    Args:
        out: the file; folders on the way to it are made.
        progress: called with how many sections are done, and how many there are.

    Raises:
        RunError: the run is damaged.
    """
    material, sections = Material(run), []
    for done, part in enumerate(SECTIONS):
        sections.append(part(material))
        if progress is not None:
            progress(done + 1, len(SECTIONS))
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, page(material, sections).encode())
    return out


def page(material: Material, sections: list[Section]) -> str:
    """Return the HTML page."""
    body = element(
        "body",
        element("header", _switches(), _title(material), class_="top"),
        _nav(sections),
        element("main", joined(section.html() for section in sections)),
        element("footer", element("p", said("report.footer", version=_version(material)))),
        element("script", Markup(_resource("script.js"))),
    )
    html = element("html", _head(material), body, lang=TAGS[language()])
    return f"<!DOCTYPE html>\n{html}\n"


def _head(material: Material) -> Markup:
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
        element("title", f"{material.run.name} · whygrad"),
        element("style", Markup(_resource("style.css") + LEDGER_STYLE)),
    )


def _title(material: Material) -> Markup:
    return element(
        "div",
        element("p", said("report.title"), class_="kind"),
        element("h1", material.run.name),
        element("p", summary.network_line(material), class_="network"),
        summary.facts(material),
    )


def _switches() -> Markup:
    languages = [
        element("button", name, type="button", lang=tag, data_lang=tag)
        for tag, name in NAMES.items()
    ]
    themes = [
        element("button", said(f"report.theme.{theme}"), type="button", data_theme=theme)
        for theme in THEMES
    ]
    return element(
        "div",
        element("div", languages, class_="switch", role="group"),
        element("div", themes, class_="switch", role="group"),
        class_="switches",
    )


def _nav(sections: list[Section]) -> Markup:
    links = [
        element("li", element("a", section.title, href=f"#{section.name}")) for section in sections
    ]
    return element("nav", element("ol", links))


def _version(material: Material) -> str:
    return material.description.get("versions", {}).get("whygrad", "")


def _resource(name: str) -> str:
    return (files("whygrad.report") / name).read_text(encoding="utf-8")
