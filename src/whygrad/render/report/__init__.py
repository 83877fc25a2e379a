"""A run as one self-contained HTML page, in both languages."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from whygrad.errors import OptionError
from whygrad.explain.html import STYLE as LEDGER_STYLE
from whygrad.record.files import write_together
from whygrad.render.page.lab_links import lab_beside
from whygrad.render.page.layout import Entry, whole_page
from whygrad.render.report import (
    configuration,
    curves,
    diagnosis,
    heatmap,
    ledgers,
    looks,
    measures,
    pictures,
    summary,
    timelines,
)
from whygrad.render.report.in_lab import LabLinks
from whygrad.render.report.material import Material
from whygrad.render.report.section import Section, without_folders
from whygrad.words.markup import joined, said

if TYPE_CHECKING:
    from whygrad.runs import Run

Progress = Callable[[int, int], None]
Part = Callable[[Material], Section | None]  # None where the run holds nothing to tell
Lab = Callable[[Mapping[int, bool]], str]  # see LabLinks.steps; the lab's page

PARTS: tuple[Part, ...] = (
    looks.section,
    summary.section,
    measures.section,
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


def write_report(
    run: "Run", out: Path, *, lab: Lab | None = None, progress: Progress | None = None
) -> Path:
    """Write a run as one self-contained HTML page and return its path.

    The page speaks both languages and opens in the one in use; it needs no network. Sections for
    which the run holds nothing are left out.

    Args:
        out: the file; folders on the way to it are made.
        lab: makes the lab over the run. It is written beside the page, which links into it; where
            nothing was recorded, there is nothing to link to.
        progress: called with how many parts are done, and how many there are: the sections, and
            the lab.

    Raises:
        OptionError: there is a folder at ``out``.
        RunError: the run is damaged.
    """
    out = Path(out)
    if out.is_dir():
        raise OptionError("error.report_is_folder", path=out)
    material, sections = Material(run), []
    if lab is not None and material.records:
        material.links = LabLinks(lab_beside(out).name)
    count = len(PARTS) + (material.links is not None)
    tell = progress or (lambda done, total: None)
    with without_folders(run.path):
        for done, part in enumerate(PARTS, start=1):
            sections.append(part(material))
            tell(done, count)
        content = page(material, [section for section in sections if section])
    contents = {}
    if lab is not None and material.links is not None:
        contents[lab_beside(out)] = lab(material.links.steps).encode()
        tell(count, count)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_together(contents | {out: content.encode()})  # the page last: no link leads nowhere
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
