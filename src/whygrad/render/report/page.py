"""The page: all sections of a report in one file that needs nothing else."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from whygrad.explain.html import STYLE as LEDGER_STYLE
from whygrad.record.files import write_whole
from whygrad.render.page.shell import Entry, whole_page
from whygrad.render.report import (
    configuration,
    curves,
    diagnosis,
    heatmap,
    pictures,
    summary,
    timelines,
    width,
)
from whygrad.render.report import ledgers as telling
from whygrad.render.report.material import Material
from whygrad.render.report.places import without_folders
from whygrad.render.report.section import Section
from whygrad.training.folder import RunFolder
from whygrad.words.markup import Markup, element, joined, said

Progress = Callable[[int, int], None]
Part = Callable[[Material], Section]

SECTIONS: tuple[Part, ...] = (
    summary.section,
    diagnosis.section,
    curves.section,
    timelines.section,
    heatmap.section,
    width.section,
    pictures.section,
    telling.section,
    configuration.section,
)


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
    with without_folders(run.path):
        for done, part in enumerate(SECTIONS):
            sections.append(part(material))
            if progress is not None:
                progress(done + 1, len(SECTIONS))
        content = page(material, sections).encode()
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, content)
    return out


def page(material: Material, sections: list[Section]) -> str:
    """Return the HTML page."""
    return whole_page(
        f"{material.name} · whygrad",
        top=_title(material),
        contents=[Entry(section.name, section.title) for section in sections],
        main=joined(section.html() for section in sections),
        footer=said("report.footer", version=_version(material)),
        style=stylesheet() + LEDGER_STYLE,
    )


def _title(material: Material) -> Markup:
    return element(
        "div",
        element("p", said("report.title"), class_="kind"),
        element("h1", material.name),
        element("p", summary.network_line(material), class_="network"),
        summary.facts(material),
    )


def stylesheet() -> str:
    """Return the style of every report."""
    return (files("whygrad.render.report") / "report.css").read_text(encoding="utf-8")


def _version(material: Material) -> str:
    return material.description.get("versions", {}).get("whygrad", "")
