"""The standard streams, as a command may find them: closed, full, without a reader, in ASCII."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from whygrad.errors import WhygradError

STDIN, STDOUT, STDERR = range(3)
# What stands in for a closed stream. The one for stdout cannot be written to: a result that
# nobody gets is a failure.
STAND_INS = {STDIN: os.O_RDONLY, STDOUT: os.O_RDONLY, STDERR: os.O_WRONLY}


class Stdout(TextIOWrapper):
    """Standard output; what it does not take is an error in words."""

    def write(self, text: str) -> int:
        with _in_words():
            return super().write(text)

    def flush(self) -> None:
        with _in_words():
            super().flush()


class Stderr(TextIOWrapper):
    """Standard error; what it does not take is lost, for there is nobody to tell."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def prepare_streams() -> None:
    """Let every stream be there, and write what its encoding lacks with backslashes.

    A closed one would otherwise give its number to the next file that is opened, and whatever a
    library writes there would end in that file.
    """
    for number, mode in STAND_INS.items():
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free: this one
    sys.stdin = sys.stdin or open(STDIN, closefd=False)
    sys.stdout = sys.__stdout__ = _again(Stdout, sys.stdout, STDOUT)
    sys.stderr = sys.__stderr__ = _again(Stderr, sys.stderr, STDERR)


def print_aside(path: Path) -> None:
    """Send what libraries print past Python into a file; what Python prints goes where it went."""
    with path.open("ab") as aside:
        for kind, name, number in ((Stdout, "stdout", STDOUT), (Stderr, "stderr", STDERR)):
            stream = getattr(sys, name)
            stream.flush()
            kept = os.fdopen(os.dup(number), "wb")
            os.dup2(aside.fileno(), number)
            by_line = stream.line_buffering
            again = kind(kept, stream.encoding, "backslashreplace", line_buffering=by_line)
            setattr(sys, name, again)
            setattr(sys, f"__{name}__", again)


def start_in_utf8() -> None:
    """Start this command again where Python would read names of files as ASCII.

    Python changes to UTF-8 by itself in the locale C, unless it was told not to.
    """
    if sys.getfilesystemencoding() != "utf-8" and os.name == "posix":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def finish_stdout() -> None:
    """Write what still waits for stdout.

    Raises:
        BrokenPipeError: whoever read is gone.
        WhygradError: it cannot be written.
    """
    if sys.stdout is not None:  # as in a program without a console
        sys.stdout.flush()


def silence(stream: Any) -> None:
    """Send a stream nowhere, so that Python does not fail to empty it when it exits."""
    try:
        number = stream.fileno()
    except (AttributeError, OSError, ValueError):  # not a file, as in a notebook
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def _again(kind: type[TextIOWrapper], stream: Any, number: int) -> TextIOWrapper:
    """Return a stream as another kind, written line by line where it was, or to stderr."""
    buffer = open(number, "wb", closefd=False) if stream is None else stream.detach()
    encoding = "utf-8" if stream is None else stream.encoding
    by_line = number == STDERR or buffer.isatty()
    return kind(buffer, encoding, "backslashreplace", line_buffering=by_line)


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WhygradError("error.output", problem=error.strerror or str(error)) from error
