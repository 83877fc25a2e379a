"""Where the command line writes: results to stdout, progress and problems to stderr."""

import sys
import warnings
from codecs import lookup
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from whygrad.errors import RunWarning, WhygradError
from whygrad.words import t
from whygrad.words.terminal import Console, RenderableType, as_plain
from whygrad.words.visible import as_json, finite, visible

WIDTH = 100  # of what is not printed to a terminal


def show(content: RenderableType) -> None:
    """Print something to read on stdout."""
    if sys.stdout.isatty():
        Console().print(content, crop=False)
    else:
        sys.stdout.write(f"{as_plain(content, WIDTH)}\n")


def show_json(content: Any) -> None:
    """Print JSON on stdout; numbers that are not finite become null."""
    # a stream escapes what its encoding lacks in Python's way, which is not JSON's
    in_ascii = lookup(sys.stdout.encoding or "utf-8").name != "utf-8"
    sys.stdout.write(f"{as_json(finite(content), indent=2, in_ascii=in_ascii)}\n")


def show_table(text: str) -> None:
    """Print rows of a table on stdout: as they are to a program, made visible to a person."""
    sys.stdout.write(visible(text, keep="\n") if sys.stdout.isatty() else text)


def show_error(error: WhygradError, as_json: bool) -> None:
    """Print an error on stderr, or as JSON on stdout."""
    if as_json:
        show_json({"error": error.to_dict()})
        return
    problem(t("cli.error", message=error))


def problem(message: str) -> None:
    """Print a problem on stderr."""
    Console(stderr=True, soft_wrap=True).print(message, style="red")


def remark(message: str) -> None:
    """Print on stderr what belongs to the results, and not into them."""
    Console(stderr=True, soft_wrap=True).print(message)


@contextmanager
def warnings_in_words() -> Iterator[None]:
    """Print warnings that speak of a run as notes on stderr; all others as Python does."""
    with warnings.catch_warnings():
        otherwise = warnings.showwarning

        def show_warning(message: Warning | str, category: type[Warning], *where: Any) -> None:
            if issubclass(category, RunWarning):
                remark(t("cli.data.note", note=str(message)))
            else:
                otherwise(message, category, *where)

        warnings.showwarning = show_warning
        yield
