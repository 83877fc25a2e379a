"""Where the command line writes: results to stdout, progress and problems to stderr."""

import shutil
import sys
import tempfile
import warnings
from codecs import lookup
from collections.abc import Iterable, Iterator
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
    sys.stdout.write(f"{as_json(finite(content), indent=2, in_ascii=_needs_ascii())}\n")


class LongList:
    """A list of JSON that is too long for memory: it waits in a file without a name.

    So nothing of it is printed when there is an error before its end.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="")
        self._mark, self._needs_ascii = "\n    ", _needs_ascii()

    def extend(self, items: Iterable[Any]) -> None:
        for item in items:
            self._file.write(f"{self._mark}{as_json(finite(item), in_ascii=self._needs_ascii)}")
            self._mark = ",\n    "

    def show_json(self, content: dict[str, Any], name: str) -> None:
        """Print JSON on stdout, whose last member is this list.

        Args:
            content: the members before it, at least one.
            name: of the member.
        """
        head = as_json(finite(content), indent=2, in_ascii=self._needs_ascii).removesuffix("\n}")
        sys.stdout.write(f'{head},\n  "{name}": [')
        self._file.seek(0)
        shutil.copyfileobj(self._file, sys.stdout)
        sys.stdout.write("\n  ]\n}\n")

    def __enter__(self) -> "LongList":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _needs_ascii() -> bool:
    # a stream escapes what its encoding lacks in Python's way, which is not JSON's
    return lookup(sys.stdout.encoding or "utf-8").name != "utf-8"


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
