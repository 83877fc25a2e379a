"""A section of a report: what it is called, and what it may say of places.

A report is passed on: it says what a run and its files are called, not where they lie.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from whygrad.errors import WhygradError
from whygrad.render.page.layout import note, table
from whygrad.render.report.material import Material, evenly
from whygrad.words.markup import Markup, both, element, replacing, said

PLACES = ("path", "folder", "source")  # names of values that say where something lies


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes:
        name: its anchor; ``report.<name>.title`` is its heading.
        body: what stands below.
        meaning: ``report.<name>.<meaning>`` is the sentence under the heading.
    """

    name: str
    body: Markup
    meaning: str = "meaning"

    @property
    def title(self) -> Markup:
        return said(f"report.{self.name}.title")

    def html(self) -> Markup:
        head = element(
            "header",
            element("h2", self.title, id=f"{self.name}-title"),
            element("p", said(f"report.{self.name}.{self.meaning}")),
        )
        labelled = f"{self.name}-title"
        body = element("div", self.body, class_="body")
        return element("section", head, body, id=self.name, aria_labelledby=labelled)


def unrecorded(name: str, material: Material) -> Section | None:
    """Return how neurons are recorded the next time, where it is a setting of the run."""
    if not material.has_network:
        return None
    return Section(name, note(said("report.nothing_recorded")))


def step_table(
    columns: Mapping[str, Mapping[int, Any]],
    most: int,
    written: Callable[[Any], str] = str,
    step_written: Callable[[int], str] = str,
) -> Markup:
    """Return what columns hold at some of their steps; nothing where one holds nothing there.

    Args:
        columns: heading -> what stands at each step.
        most: steps that are shown.
        written: writes a cell.
        step_written: writes the number of a step.
    """
    steps = sorted({step for cells in columns.values() for step in cells})
    rows = []
    for place in evenly(len(steps), most):
        step = steps[place]
        found = [written(cells[step]) if step in cells else "" for cells in columns.values()]
        rows.append([step_written(step), *found])
    return table([said("report.word.step"), *columns], rows)


@contextmanager
def without_folders(run: Path) -> Iterator[None]:
    """Write pages in which neither the folders around a run nor the user's own folder are named.

    What says where it lies is shortened by :func:`nameless`; this is for folders that stand inside
    of other text, such as the message of an exception.
    """
    around = (run.absolute().parent, run.resolve().parent, Path.cwd(), Path.home())
    folders = sorted({str(one) for one in around if one != one.parent}, key=len, reverse=True)
    with replacing({folder: "…" for folder in folders}):
        yield


def nameless(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with the last part of a path in place of the whole, at any depth."""
    found = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found[name] = nameless(value)
        elif isinstance(value, Path) or (name in PLACES and isinstance(value, str)):
            found[name] = PureWindowsPath(value).name or "…"  # it knows both separators
        else:
            found[name] = value
    return found


def told(error: WhygradError) -> str:
    """Return what an error says, with names in place of paths."""
    return str(WhygradError(error.key, **nameless(error.values)))


def noted(error: WhygradError) -> Markup:
    """Return what an error says in both languages, where a section should stand."""
    return note(both(lambda: told(error)))
