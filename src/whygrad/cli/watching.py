"""``whygrad watch``: somebody's program, run as it is and watched.

    watch_command --exec--> program --torch is imported--> begin_session … end_session

The program gets a process in which nothing of the command line has been: no stream, signal or
variable that was set for a command. What there is to say comes at its end, on stderr: stdout is
the program's.
"""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from whygrad import words
from whygrad.errors import OptionError, RunError, in_short
from whygrad.record.files import make_folder, writing

if TYPE_CHECKING:
    from whygrad.capture.pace import Every
    from whygrad.capture.session import Session


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Attributes:
        module: whether the program is named as a module.
        out: folder of the runs, absolute; None where processes that train together have to agree.
        name: of the program, for its folder.
        home: the folder that the command was called in.
        tells: whether this process tells of what was watched.
    """

    every: "Every"
    module: bool
    fail_on_finding: bool
    uncompiled: bool
    as_json: bool
    lang: str
    out: str | None
    name: str
    home: str
    tells: bool = True


def watch_command(
    program: str,
    arguments: list[str],
    *,
    out: Path | None,
    module: bool,
    every: str,
    **asked: Any,
) -> NoReturn:
    """Leave this process to the program.

    Raises:
        InputError: there is no such program, or ``every`` is none.
        RunError: there is something at ``out``.
    """
    _check_there(program, module)
    name = program.rpartition(".")[2] if module else Path(program).resolve().stem
    rank = _rank()
    options = Options(
        **asked,
        every=every_of(every),
        module=module,
        lang=words.language(),
        out=_folder(out, name, rank),
        name=name,
        home=str(Path.cwd()),
        tells=rank in (None, 0),
    )
    told = json.dumps(asdict(options))
    command = [sys.executable, *_flags(), "-m", "whygrad.cli.program", told, program, *arguments]
    if os.name == "posix":
        os.execv(sys.executable, command)
    sys.exit(subprocess.call(command))


def every_of(given: str) -> "Every":
    """Return what ``--every`` asks for.

    Raises:
        OptionError: neither ``auto`` nor a whole number from 1.
    """
    is_number = given.isascii() and given.isdigit() and int(given) > 0
    if not (is_number or given == "auto"):
        raise OptionError("error.every", option="--every", actual=given)
    return int(given) if is_number else "auto"


def begin_session(options: dict[str, Any]) -> "Session":
    """Watch whatever is trained in this process from here on."""
    from whygrad.capture.children import watch_children
    from whygrad.capture.session import Session
    from whygrad.runs import Run

    out, name, home = options["out"], options["name"], Path(options["home"])
    watch_children(begin_in_child, options)
    session = Session(
        folder=lambda: Path(out) if out else _reserved(name, home),
        every=options["every"],
        uncompiled=options["uncompiled"],
        opened=Run,
    )
    _explain_on_signal(session)
    return session.attach()


def _explain_on_signal(session: "Session") -> None:
    """Let SIGUSR1 ask for the next step, unless the program has a use for it of its own."""
    number = getattr(signal, "SIGUSR1", None)
    is_main = threading.current_thread() is threading.main_thread()
    if number is not None and is_main and signal.getsignal(number) is signal.SIG_DFL:
        signal.signal(number, lambda *_: session.explain_now())


def begin_in_child(options: dict[str, Any]) -> None:
    """Watch in a process that the program has started, which tells nothing itself."""
    begin_session(options)


def end_session(
    options: dict[str, Any],
    session: "Session | None",
    error: BaseException | None,
    problem: str | None,
) -> int:
    """Finish all runs, tell of them, and return 1 if that was asked for and something was found."""
    words.choose(options["lang"])
    said = [] if problem is None else [words.t("watch.program.gave_up", problem=problem)]
    found = False
    try:
        if session is not None:
            session.detach(error)
        if options["tells"]:
            from whygrad.cli.verdict import tell_of_runs

            folder = options["out"] or (session and session.path)
            said = [*said, *(session.said if session is not None else [])]
            found = tell_of_runs(
                sys.__stderr__,
                Path(folder) if folder else None,
                said,
                imported_torch=session is not None,
                as_json=options["as_json"],
            )
    except Exception as ours:
        _last_words(words.t("watch.program.gave_up", problem=in_short(ours)))
    return int(found and options["fail_on_finding"])


def _last_words(sentence: str) -> None:
    if sys.__stderr__ is not None and not sys.__stderr__.closed:
        sys.__stderr__.write(f"{sentence}\n")


def _check_there(program: str, module: bool) -> None:
    if module:
        sys.path.insert(0, "" if sys.path[:1] != [""] else sys.path[0])
        try:
            is_there = importlib.util.find_spec(program) is not None
        except (ImportError, ValueError):
            is_there = False
        if not is_there:
            raise OptionError("error.watch_program_module", name=program)
    elif not Path(program).exists():
        raise OptionError("error.watch_program", path=program)


def _rank() -> int | None:
    """Return the number of this process among those of a launcher, None if it is alone."""
    try:
        rank, ranks = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    except (KeyError, ValueError):
        return None
    return rank if ranks > 1 else None


def _folder(out: Path | None, name: str, rank: int | None) -> str | None:
    if out is None:
        return None if rank is not None else str(_reserved(name, Path.cwd()))
    if rank is None:
        with writing(out):
            if out.exists() and (not out.is_dir() or any(out.iterdir())):
                raise RunError("error.run_exists", path=out)
            make_folder(out)
    return str(out.absolute())


def _reserved(name: str, home: Path) -> Path:
    from whygrad.cli.runs import RUNS, reserve

    return reserve(home / RUNS, name)


def _flags() -> list[str]:
    """Return the options that this Python was started with."""
    before = sys.orig_argv[1 : len(sys.orig_argv) - (len(sys.argv) - 1)]
    return before[:-2] if before[-2:-1] in (["-m"], ["-c"]) else before[:-1]
