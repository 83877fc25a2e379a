"""A run as one self-contained HTML page, in both languages."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from whygrad.explain.html import STYLE as LEDGER_STYLE
from whygrad.record.files import write_whole
from whygrad.render.page.layout import Entry, whole_page
from whygrad.render.report import (
    configuration,
    curves,
    diagnosis,
    heatmap,
    ledgers,
    pictures,
    summary,
    timelines,
)
from whygrad.render.report.material import Material
from whygrad.render.report.section import Section, without_folders
from whygrad.words.markup import joined, said

if TYPE_CHECKING:
    from whygrad.runs import Run

Progress = Callable[[int, int], None]
Part = Callable[[Material], Section | None]  # None where the run holds nothing to tell

PARTS: tuple[Part, ...] = (
    summary.section,
    diagnosis.section,
    summary.layers,
    curves.section,
    timelines.section,
    heatmap.section,
    timelines.clones,
    pictures.section,
    ledgers.section,
    configuration.section,
)


def write_report(run: "Run", out: Path, *, progress: Progress | None = None) -> Path:
    """Write a run as one self-contained HTML page and return its path.

    The page speaks both languages and opens in the one in use; it needs no network. Sections for
    which the run holds nothing are left out.

    Args:
        out: the file; folders on the way to it are made.
        progress: called with how many sections are done, and how many there are.

    Raises:
        RunError: the run is damaged.
    """
    material, sections = Material(run), []
    with without_folders(run.path):
        for done, part in enumerate(PARTS, start=1):
            sections.append(part(material))
            if progress is not None:
                progress(done, len(PARTS))
        content = page(material, [section for section in sections if section]).encode()
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, content)
    return out


def page(material: Material, sections: list[Section]) -> str:
    """Return the HTML page."""
    style = (files("whygrad.render.report") / "report.css").read_text(encoding="utf-8")
    version = material.description.get("versions", {}).get("whygrad", "")
    return whole_page(
        f"{material.name} · whygrad",
        top=summary.title(material),
        contents=[Entry(section.name, section.title) for section in sections],
        main=joined(section.html() for section in sections),
        footer=said("report.footer", version=version),
        style=style + LEDGER_STYLE,
    )


__all__ = ["write_report"]
