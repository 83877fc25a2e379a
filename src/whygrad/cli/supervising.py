"""``whygrad train`` as one of many processes: a child trains, and its parent tells how that ended.

JAX ends a process whose peers are lost from within, with pages of its own text and no exception
that could be caught. So the command starts itself again, passes signals on, and turns such an end
into one sentence. What JAX and gloo print goes into a file; what whygrad prints goes where it goes.
"""

import ctypes
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from whygrad.cli.ending import SIGNALS
from whygrad.cli.streams import print_aside
from whygrad.core import processes
from whygrad.core.processes import Job
from whygrad.errors import OptionError, RunError, WhygradError
from whygrad.training.together import follow, leading

JOB, LOG = "WHYGRAD_JOB", "WHYGRAD_JOB_LOG"  # variables by which a child knows what it is
JOINED, RUN = "whygrad: joined", "whygrad: run "  # lines of the log that are our own
# what JAX says of the others: which did not answer, or that it was the first
LOST = re.compile(r"Task (\d+) heartbeat timeout|\(stopped sending heartbeats\):\s+(\d+)")
FIRST_LOST = "the leader task was preempted/died"
PR_SET_PDEATHSIG = 1  # of linux/prctl.h


def in_job(command: Callable[[], int], devices: int | None, distributed: bool, **named: Any) -> int:
    """Run a command, in a job of many processes where that is asked for; return the exit code.

    Args:
        devices: how many share each batch, of each process; None for all.
        distributed: whether the launcher of this process is asked what the job is.
        named: the job as it is named otherwise: ``coordinator``, ``processes``, ``process``.

    Raises:
        OptionError: the job is not named whole, or no launcher is found.
        RunError: a process was lost.
    """
    if JOB in os.environ:
        return _as_child(command, devices, Job.from_json(os.environ[JOB]))
    job = job_of(distributed, **named)
    return command() if job is None else supervise(job)


def job_of(
    distributed: bool,
    coordinator: str | None = None,
    processes: int | None = None,
    process: int | None = None,
) -> Job | None:
    """Return the job that the options of the command line name; None for no other processes."""
    named = {"--coordinator": coordinator, "--processes": processes, "--process": process}
    missing = [option for option, value in named.items() if value is None]
    if distributed:
        if len(missing) < len(named):
            raise OptionError("error.distributed_and_coordinator")
        from whygrad.core.processes import found

        return found()
    if coordinator is None or processes is None or process is None:
        if len(missing) < len(named):
            raise OptionError("error.coordinator_incomplete", missing=", ".join(missing))
        return None
    return Job(coordinator, processes, process)


# --- the child --------------------------------------------------------------------------------


def note_run(path: Path) -> None:
    """Tell the parent, if there is one, which run it is."""
    _note(f"{RUN}{path}")


def _note(line: str) -> None:
    if LOG in os.environ:
        with Path(os.environ[LOG]).open("a", encoding="utf-8", errors="surrogateescape") as log:
            log.write(f"\n{line}\n")


def _end_with_parent() -> None:
    """Have Linux send SIGTERM to this process if its parent is killed: nobody would hear of it."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _as_child(command: Callable[[], int], devices: int | None, job: Job) -> int:
    """Join the others and run the command, or follow whoever runs it."""
    _end_with_parent()
    print_aside(Path(os.environ[LOG]))
    processes.join(job)
    _note(JOINED)
    try:
        if processes.is_first():
            with leading():
                code = command()
        else:
            follow(devices, note_run)
            code = 0
    except WhygradError as error:
        # the others are still at work where this one alone failed: it may not wait for them
        if processes.is_first() and error.key != "error.process_lost":
            processes.leave()
        elif error.key == "error.first_process_failed":
            processes.leave()
        raise
    processes.leave()
    return code


# --- the parent -------------------------------------------------------------------------------


def supervise(job: Job) -> int:
    """Run this very command as a process of a job, and return its exit code.

    Raises:
        RunError: the process was ended, by JAX because another one was lost, or from outside.
    """
    number, name = tempfile.mkstemp(prefix="whygrad-", suffix=".log")
    os.close(number)
    log = Path(name)
    environment = os.environ | {JOB: job.to_json(), LOG: name}
    command = [sys.executable, *sys.orig_argv[1:]]
    # in a group of its own: a terminal sends Ctrl-C to all of ours, and it would come twice
    child = subprocess.Popen(command, env=environment, process_group=0)
    with _passing_on_to(child):
        code = child.wait()
    if code < 0:
        raise what_ended(job, -code, log)
    log.unlink(missing_ok=True)
    return code


@contextmanager
def _passing_on_to(child: subprocess.Popen) -> Iterator[None]:
    """Pass signals on to the child, which ends as it sees fit."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            child.send_signal(number)

    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def what_ended(job: Job, number: int, log: Path) -> RunError:
    """Return the error that tells why a signal ended the child."""
    said = log.read_text("utf-8", "replace")
    runs = [line.removeprefix(RUN) for line in said.splitlines() if line.startswith(RUN)]
    known = {"processes": job.processes, "process": job.process, "log": log}
    told = known | {"path": runs[-1] if runs else "RUN"}
    if number != signal.SIGABRT:
        return RunError("error.process_ended", **told, signal=number)
    if JOINED not in said:
        seconds = processes.join_seconds()
        where = {"coordinator": job.coordinator, "seconds": seconds}
        return RunError("error.processes_missing", **known, **where)
    lost = [a or b for a, b in LOST.findall(said)] or (["0"] if FIRST_LOST in said else [])
    if lost:
        return RunError("error.process_lost_known", **told, lost=int(lost[0]))
    return RunError("error.process_lost", **told)
