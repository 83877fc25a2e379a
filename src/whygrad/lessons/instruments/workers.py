"""Processes that a lesson starts: each does one task and answers in JSON.

None outlives the lesson: they are ended when one fails, when time is up and on Ctrl-C, and each
ends itself when the process that started it is gone (:func:`end_with_parent`).
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any

from whygrad.errors import WhygradError

LOOPBACK = "127.0.0.1"  # where processes speak to one another; nobody else can listen in
LIMIT = 60.0  # seconds
TURN = 0.05  # seconds between two looks

# What is set for this process and must not reach a worker: where to compute, on how many devices,
# in which precision; and proxies, which would be asked for 127.0.0.1.
DROPPED = ("JAX_NUM_CPU_DEVICES", "XLA_FLAGS", "JAX_ENABLE_X64", "JAX_DEFAULT_MATMUL_PRECISION")
FORCED = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass(frozen=True)
class Worker:
    """A running process and what it writes."""

    module: str
    process: subprocess.Popen
    said: IO[bytes]
    complained: IO[bytes]

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def answer(self) -> Any:
        """Return the last line of what it said, read as JSON; libraries may have spoken before."""
        try:
            return json.loads(_lines(self.said)[-1])
        except (IndexError, json.JSONDecodeError):
            raise self.failed() from None

    def failed(self) -> WhygradError:
        """Return the error that says how it ended, with the last line of its complaint."""
        complaints = [line for line in _lines(self.complained) if line.strip("- ")]
        reason = complaints[-1] if complaints else "?"
        code = self.process.returncode
        return WhygradError("error.worker_failed", module=self.module, code=code, reason=reason)


def answers(
    module: str,
    tasks: Sequence[dict[str, Any]],
    wait: Callable[[], None] = lambda: None,
    limit: float = LIMIT,
) -> list[Any]:
    """Do every task in a process of its own, all at the same time, and return their answers.

    Args:
        module: runs as ``python -m module TASK``.
        tasks: what each is given, as JSON.
        wait: called many times a second while they work.
        limit: seconds that they may take.

    Raises:
        WhygradError: one failed, or time was up; by then all have ended.
    """
    with ExitStack() as stack:
        workers = [stack.enter_context(_started(module, task)) for task in tasks]
        end = time.monotonic() + limit
        while any(worker.is_running for worker in workers):
            _check(workers)
            if time.monotonic() > end:
                raise WhygradError("error.worker_timeout", module=module, seconds=limit)
            wait()
            time.sleep(TURN)
        _check(workers)
        return [worker.answer() for worker in workers]


def free_port() -> int:
    """Return a port of 127.0.0.1 at which nobody listened a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def end_with_parent() -> None:
    """End this process when the one that started it is gone, however that went.

    To be called in a worker: its standard input is a pipe that closes with its parent.
    """

    def watch() -> None:
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _started(module: str, task: dict[str, Any]) -> Iterator[Worker]:
    # -P: a file called jax.py in the folder that the user stands in is not ours to import
    command = [sys.executable, "-P", "-m", module, json.dumps(task)]
    with TemporaryFile() as said, TemporaryFile() as complained:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=said, stderr=complained, env=_environment()
            )
        except OSError as error:
            raise WhygradError(
                "error.worker_not_started", module=module, reason=str(error)
            ) from None
        try:
            yield Worker(module, process, said, complained)
        finally:
            process.kill()
            process.communicate()


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in DROPPED and not name.lower().endswith("_proxy")
    }
    return kept | FORCED


def _check(workers: Sequence[Worker]) -> None:
    """Raise the error of the first worker that failed."""
    for worker in workers:
        if worker.process.poll():
            raise worker.failed()


def _lines(file: IO[bytes]) -> list[str]:
    file.seek(0)
    return file.read().decode(errors="replace").splitlines()
