"""A report is passed on: it says what a run and its files are called, not where they lie."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import Any

from whygrad.errors import WhygradError
from whygrad.render.page.layout import note
from whygrad.words.markup import Markup, both, replacing

PLACES = ("path", "folder", "source")  # names of values that say where something lies


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
    return {name: _short(name, value) for name, value in values.items()}


def told(error: WhygradError) -> str:
    """Return what an error says, with names in place of paths."""
    return str(WhygradError(error.key, **nameless(error.values)))


def noted(error: WhygradError) -> Markup:
    """Return what an error says in both languages, where a section should stand."""
    return note(both(lambda: told(error)))


def _short(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return nameless(value)
    is_place = isinstance(value, Path) or (name in PLACES and isinstance(value, str))
    return PureWindowsPath(value).name or "…" if is_place else value  # it knows both separators
