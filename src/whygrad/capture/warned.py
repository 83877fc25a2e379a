"""Warnings of what is called through a mode, told of the line that would be told without it.

Python tells of the frame that called, and through a mode that is ours: warnings of many lines would
count as one, and one of them as another as soon as a step is not recorded. So they are warned of
again, of the program's line, and its filters decide.
"""

import sys
import warnings
import weakref
from types import FrameType
from typing import Any, TextIO

from whygrad.capture.torch_private import HANDING_OVER

_modes = weakref.WeakSet[Any]()  # that are open
_show: Any = None  # what shows warnings otherwise


def attribute_warnings(mode: object, of: dict[str, Any]) -> None:
    """Attribute what is warned of in a module to who called it, until :func:`no_longer`.

    Args:
        mode: that is open now.
        of: the names of the module whose frames hand functions on.
    """
    global _show
    _modes.add(mode)
    _handing_on[of["__file__"]] = of
    if warnings.showwarning is not _shown:
        _show, warnings.showwarning = warnings.showwarning, _shown


def no_longer(mode: object) -> None:
    """Leave warnings as they are, once no mode is open."""
    _modes.discard(mode)
    if not _modes and warnings.showwarning is _shown:
        warnings.showwarning = _show


_handing_on: dict[str, dict[str, Any]] = {}  # names of modules, by their file


def _shown(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    ours = _handing_on.get(filename)
    frame = None if ours is None else _caller(sys._getframe(1), filename)
    if ours is None or frame is None:
        _show(message, category, filename, lineno, file, line)
        return
    ours.get("__warningregistry__", {}).clear()  # another line may warn of the same
    names = frame.f_globals
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        names.get("__name__") or "<unknown>",
        names.setdefault("__warningregistry__", {}),
    )


def _caller(frame: FrameType | None, filename: str) -> FrameType | None:
    """Return who called the function that was handed on, through all modes of ours."""
    while frame is not None and frame.f_code.co_filename != filename:
        frame = frame.f_back
    while frame is not None and frame.f_code.co_filename == filename:
        frame = frame.f_back
        if frame is not None and frame.f_code is HANDING_OVER:  # by the function itself
            frame = frame.f_back and frame.f_back.f_back
    return frame
