"""How a command ends: with an exit code, and with a sentence if anything went wrong.

0 it did what was asked; 1 it found something, or failed; 2 it was asked for something that cannot
be; 70 an error of whygrad itself; 128 and the number of the signal that ended it.
"""

import os
import platform
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn

from whygrad.cli.console import problem, show_error, show_json
from whygrad.cli.streams import finish_stdout, silence
from whygrad.errors import InputError, WhygradError, in_short
from whygrad.record.description import versions_of
from whygrad.words import t

FAILED, USAGE, UNEXPECTED, BY_SIGNAL = 1, 2, 70, 128
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
TOLD = ("whygrad", "jax", "jaxlib", "numpy", "optax", "torch")  # whose versions a report needs
LABELS = ("issues", "issue tracker", "bug tracker", "bugs", "bug reports")

_ended_by: int = signal.SIGINT


def end(command: Callable[[], Any], arguments: list[str]) -> int:
    """Run a command, say what went wrong, and return the exit code."""
    try:
        code = _ended(command, arguments)
        finish_stdout()
        return code
    except BrokenPipeError:  # whoever read has enough
        silence(sys.stdout)
        return FAILED
    except WhygradError as error:  # stdout took nothing
        silence(sys.stdout)
        show_error(error, as_json=False)
        return FAILED


def end_on_signals() -> None:
    """Let every wish to end this process be heard like Ctrl-C: what is kept then is kept now."""
    for number in _heard():
        signal.signal(number, _interrupt)
    sys.unraisablehook = _even_if_lost


def end_no_more() -> None:
    """Let a signal that comes while Python exits not change how the command ended."""
    for number in _heard():
        signal.signal(number, signal.SIG_IGN)


def _ended(command: Callable[[], Any], arguments: list[str]) -> int:
    as_json = "--json" in arguments
    try:
        return int(command() or 0)
    except WhygradError as error:
        show_error(error, as_json)
        return USAGE if isinstance(error, InputError) else FAILED
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        return _interrupted(arguments, as_json)
    except SystemExit as leave:  # the command-line library leaves so when stdout has no reader
        return leave.code if isinstance(leave.code, int) else FAILED
    except Exception as error:
        told = _in_words(error)
        if told is not None:
            show_error(told, as_json)
            return FAILED
        values = {"problem": in_short(error), "where": tracker()}
        path = keep_traceback(error, arguments)
        kept = {"path": path} if path else {}
        key = "error.unexpected" if path else "error.unexpected_unkept"
        show_error(WhygradError(key, **kept, **values), as_json)
        return UNEXPECTED


def _in_words(error: Exception) -> WhygradError | None:
    """Return what the world around whygrad did, or None if the error is its own."""
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):  # NumPy's, XLA's
        return WhygradError("error.out_of_memory")
    package = broken_package(error)
    if package is not None:
        values = {"package": package, "problem": in_short(error)}
        return WhygradError("error.package_broken", **values)
    if isinstance(error, OSError):
        said = error.strerror or str(error)
        return WhygradError("error.system", path=error.filename or "", problem=said)
    if type(error).__name__ in ("JaxRuntimeError", "XlaRuntimeError"):
        return WhygradError("error.backend_failed", problem=in_short(error))
    return None


def _interrupted(arguments: list[str], as_json: bool) -> int:
    known = ("lesson", "train")
    key = f"cli.{arguments[0]}.interrupted" if arguments[:1] and arguments[0] in known else None
    sentence = t(key or "cli.interrupted")
    if as_json:
        show_json({"error": {"kind": "Interrupted", "message": sentence}})
    else:
        problem(sentence)
    return BY_SIGNAL + _ended_by


def _heard() -> list[signal.Signals]:
    """Return the signals that this system has and nobody told us to ignore, as nohup does."""
    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _ended_by
    _ended_by = number
    running = (one.f_globals.get("__name__") for one, _ in traceback.walk_stack(frame))
    if "importlib._bootstrap" in running:  # C code being imported may abort the process instead
        _end_at_once()
    of_training = signal.getsignal(signal.SIGINT)  # finishes its step first
    if callable(of_training) and of_training is not _interrupt:
        of_training(signal.SIGINT, frame)
    else:
        raise KeyboardInterrupt


def _even_if_lost(lost: Any) -> None:
    """End here if Ctrl-C came where Python cannot pass it on, as while it frees an object."""
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        return sys.__unraisablehook__(lost)
    _end_at_once()


def _end_at_once() -> NoReturn:
    try:
        _interrupted(sys.argv[1:], "--json" in sys.argv)
        finish_stdout()
    finally:
        os._exit(BY_SIGNAL + _ended_by)


def keep_traceback(error: BaseException, arguments: list[str]) -> Path | None:
    """Write an error's traceback, with what is needed to understand it, to a file of this user.

    Returns:
        The file, in the folder for temporary ones; None if none can be written there.
    """
    versions = versions_of(*TOLD)
    lines = [
        f"whygrad {' '.join(map(repr, arguments))}",
        f"Python {platform.python_version()}, {platform.platform()}",
        *(f"{name} {versions.get(name, '-')}" for name in TOLD),
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
