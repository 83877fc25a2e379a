"""Where the command line writes: results to stdout, progress and problems to stderr."""

import json
import math
import sys
from typing import Any

from rich.console import Console, RenderableType

from whygrad.errors import WhygradError
from whygrad.words import t


def show(content: RenderableType) -> None:
    """Print something to read on stdout."""
    width = None if sys.stdout.isatty() else 100
    Console(width=width, highlight=False, emoji=False).print(content)


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
