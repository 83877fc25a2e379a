"""How a command ends: with an exit code, and with a sentence if anything went wrong.

0 it did what was asked; 1 it found something, or failed; 2 it was asked for something that cannot
be; 70 an error of whygrad itself; 128 and the number of the signal that ended it.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

from whygrad.cli.console import problem, show_error, show_json
from whygrad.cli.streams import finish_stdout, silence
from whygrad.cli.unexpected import broken_package, keep_traceback, tracker
from whygrad.errors import InputError, WhygradError, in_short
from whygrad.words import t

FAILED, USAGE, UNEXPECTED, BY_SIGNAL = 1, 2, 70, 128
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

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
        show_error(_unexpected(error, arguments), as_json)
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


def _unexpected(error: Exception, arguments: list[str]) -> WhygradError:
    values = {"problem": in_short(error), "where": tracker()}
    path = keep_traceback(error, arguments)
    if path is None:
        return WhygradError("error.unexpected_unkept", **values)
    return WhygradError("error.unexpected", path=path, **values)


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
    if _is_importing(frame):  # C code that is being imported may abort the process instead
        _end_at_once()
    of_training = signal.getsignal(signal.SIGINT)  # finishes its step first
    if callable(of_training) and of_training is not _interrupt:
        of_training(signal.SIGINT, frame)
    else:
        raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__") == "importlib._bootstrap":
            return True
        frame = frame.f_back
    return False


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
