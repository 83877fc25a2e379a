"""The command line. It shows what the levels below compute, and computes nothing.

    main --streams, language, signals--> end(command) --> exit code

:mod:`ending` runs every command, and turns whatever it raises into one sentence and an exit code:
1 for a failure or a finding, 2 for usage, 70 for an error of our own, whose traceback goes to a
private file, 128 and the number of the signal that ended it. :mod:`streams` puts streams in the
place of those that are closed, full or in another encoding.
"""

import gc
import os
import sys

BY_CTRL_C = 130
TRAINS = ("train", "doctor")  # commands that take steps
NEW_OBJECTS = 100_000  # before Python looks for cycles: a command makes many, and keeps most


def main() -> None:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(NEW_OBJECTS)
    if sys.argv[1:2] and sys.argv[1] in TRAINS:
        _compute_on_one_core()
    try:
        code = _run(sys.argv[1:])
    except KeyboardInterrupt:  # so early that there were no words for it yet
        code = BY_CTRL_C
    sys.exit(code)


def _compute_on_one_core() -> None:
    """Let NumPy, which takes small steps, use one core; to be called before it is imported.

    Threads of BLAS wait for each other in a loop: where other programs use the cores too, a step
    takes many times as long. A job that would gain from them is left to JAX.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _run(arguments: list[str]) -> int:
    from whygrad import words
    from whygrad.cli.streams import prepare_streams, start_in_utf8
    from whygrad.core import backend, compiled, processes

    is_ours = arguments[:1] != ["watch"]  # whose process becomes a program's, as we found it
    if is_ours:
        start_in_utf8()
    prepare_streams()
    # the language is chosen before any help text is built
    words.choose(_requested_language(arguments) or words.language())
    if is_ours:
        backend.drop_checks()
        compiled.keep()
    from whygrad.cli.ending import end, end_no_more, end_on_signals

    end_on_signals()

    def command() -> int:
        from whygrad.cli.app import run_command

        return run_command(arguments)

    code = end(command, arguments)
    end_no_more()
    if processes.count() > 1:  # JAX would wait, when Python exits, for whoever waits for this one
        os._exit(code)
    return code


def _requested_language(arguments: list[str]) -> str | None:
    for position, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--lang":
            return value or next(iter(arguments[position + 1 :]), None)
    return None
