"""Errors that nobody expected: a package that cannot be imported, and faults of whygrad itself."""

import os
import platform
import sys
import tempfile
import traceback
from importlib import metadata
from pathlib import Path
from types import TracebackType

from whygrad.words import t

TOLD = ("whygrad", "jax", "jaxlib", "numpy", "optax", "torch")  # whose versions a report needs
LABELS = ("issues", "issue tracker", "bug tracker", "bugs", "bug reports")


def keep_traceback(error: BaseException, arguments: list[str]) -> Path | None:
    """Write an error's traceback, with what is needed to understand it, to a file of this user.

    Returns:
        The file, in the folder for temporary ones; None if none can be written there.
    """
    lines = [
        f"whygrad {' '.join(map(repr, arguments))}",
        f"Python {platform.python_version()}, {platform.platform()}",
        *(f"{name} {_version(name)}" for name in TOLD),
        "",
        *traceback.format_exception(error),
    ]
    try:
        number, path = tempfile.mkstemp(prefix="whygrad-", suffix=".txt")  # for this user only
        with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write("\n".join(lines))
    except OSError:
        return None
    return Path(path)


def tracker() -> str:
    """Return where to report an error: the address that the package names, if it names one."""
    try:
        urls = metadata.metadata("whygrad").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        urls = []
    named = (url.partition(",") for url in urls)
    addresses = [url.strip() for label, _, url in named if label.strip().lower() in LABELS]
    return addresses[0] if addresses else t("cli.tracker")


def broken_package(error: BaseException) -> str | None:
    """Return the package that could not be imported, if that is what the error is about.

    A package may fail with any error while it is imported: it is too old for another one, or reads
    a variable of the environment that makes no sense.
    """
    if isinstance(error, ImportError) and error.name and _is_foreign(error.name):
        return error.name.partition(".")[0]
    importing = [name for name, is_module in _frames(error.__traceback__) if is_module]
    if not importing or not _is_foreign(importing[0]):
        return None
    return importing[0].partition(".")[0]


def _frames(trace: TracebackType | None) -> list[tuple[str, bool]]:
    """Return the frames below the last one of whygrad: module, and whether it is being imported."""
    frames = []
    for frame, _ in traceback.walk_tb(trace):
        name = str(frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] == "whygrad":
            frames = []
        elif not name.startswith("importlib."):
            frames.append((name, frame.f_code.co_name == "<module>"))
    return frames


def _is_foreign(module: str) -> bool:
    package = module.partition(".")[0]
    return package != "whygrad" and package not in sys.stdlib_module_names


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "-"
