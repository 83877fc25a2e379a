"""Where the command line writes: results to stdout, progress and problems to stderr."""

import json
import math
import sys
from io import StringIO
from typing import Any

from rich.console import Console, RenderableType

from whygrad.errors import WhygradError
from whygrad.words import t

WIDTH = 100  # of what is not printed to a terminal


def show(content: RenderableType) -> None:
    """Print something to read on stdout."""
    if sys.stdout.isatty():
        Console(highlight=False, emoji=False, markup=False).print(content)
        return
    console = Console(file=StringIO(), width=WIDTH, highlight=False, emoji=False, markup=False)
    console.print(content)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined] - a StringIO
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in lines))


def show_json(content: Any) -> None:
    """Print JSON on stdout; numbers that are not finite become null."""
    sys.stdout.write(json.dumps(_finite(content), ensure_ascii=False, indent=2, allow_nan=False))
    sys.stdout.write("\n")


def show_error(error: WhygradError, as_json: bool) -> None:
    """Print an error on stderr, or as JSON on stdout."""
    if as_json:
        show_json({"error": error.to_dict()})
        return
    problem(t("cli.error", message=str(error)))


def problem(message: str) -> None:
    """Print a problem on stderr."""
    console = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
    console.print(message, style="red", markup=False)


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(name): _finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    return content
