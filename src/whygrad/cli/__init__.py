"""Level 8: the command line. It shows what the levels below compute, and computes nothing."""

import os
import sys
from io import TextIOWrapper
from pathlib import Path

from whygrad import words


def main() -> None:
    """Run the command line; the language is chosen before any help text is built."""
    for stream in (sys.stdout, sys.stderr):  # a terminal without Chinese is no reason to fail
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    words.choose(_asked_language(sys.argv[1:]) or words.language())
    _keep_compiled()
    from whygrad.cli.app import run

    sys.exit(run(sys.argv[1:]))


def _asked_language(arguments: list[str]) -> str | None:
    for position, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--lang":
            return value or next(iter(arguments[position + 1 :]), None)
    return None


def _keep_compiled() -> None:
    """Let JAX keep what it compiled for the next command, which then starts in half the time."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = caches / "whygrad" / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(folder, os.W_OK):
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "0")
