"""One run that many devices train, and many processes: one records it, the others follow.

Each process reads the run's folder, so that all begin with the same numbers, and takes every step
with its own devices. The first says when to begin, how many steps a segment has, and when to stop;
whatever it writes, only it writes.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from whygrad.core import processes
from whygrad.errors import RunError
from whygrad.training.beginning import layout_of
from whygrad.training.loop import Task, train_steps
from whygrad.training.trained import TrainedRun


@contextmanager
def spread_over(run: TrainedRun, devices: int | None, job: int) -> Iterator[Task]:
    """Give the task of a run, whose steps are taken by many devices if there are many.

    Args:
        devices: see :func:`~whygrad.training.beginning.layout_of`.
        job: its number among those of many processes; 0 without others.

    Raises:
        OptionError: devices that cannot be.
        RunError: another process was lost.
    """
    layout = layout_of(run.task, run.skeleton.sizes, devices)
    if layout is None:
        yield run.task
        return
    from whygrad.training.devices import spread

    layout = layout.of_job(job)
    try:
        with layout.beside():
            yield spread(run.task, layout)
    except Exception as error:
        if processes.is_loss(error) and not isinstance(error, RunError):
            told = {"process": processes.number(), "processes": processes.count()}
            raise RunError("error.process_lost", path=run.path, **told) from error
        raise


def begin_together(job: int, path: Path, step: int | None) -> None:
    """Tell the other processes which run it is and where it begins; None if it is over."""
    if job:
        processes.agreed(f"{job}/run", [str(path.resolve()), step])


def end_together(job: int) -> None:
    """Let the other processes go, or in one of them wait for that: the record is written."""
    if job:
        processes.agreed(f"{job}/end", True)
        processes.end_job()


@contextmanager
def leading() -> Iterator[None]:
    """Let the other processes know where the first one fails before it has begun a run."""
    job = processes.job()
    try:
        yield
    except Exception:
        if job and processes.is_first():
            with suppress(Exception):  # it had begun
                processes.agreed(f"{job}/run", None)
        raise


def follow(devices: int | None, tell: Callable[[Path], None] | None = None) -> Path:
    """Take the steps of a run with the process that records it; return the folder.

    Args:
        devices: see :func:`~whygrad.training.beginning.layout_of`.
        tell: is called with the folder once it is known.

    Raises:
        OptionError: devices that cannot be.
        RunError: the first process failed, or its folder is not to be seen from here.
    """
    job = processes.job()
    told = processes.agreed(f"{job}/run", None)
    if told is None:
        processes.end_job()
        raise RunError("error.first_process_failed", process=processes.number())
    path, step = Path(told[0]), told[1]
    if tell is not None:
        tell(path)
    if not path.exists():
        raise RunError("error.run_not_shared", path=path, process=processes.number())
    run = TrainedRun(path)
    if step is not None:
        with gentle_interrupt() as is_asked, spread_over(run, devices, job) as task:
            start = run.checkpoint(step)
            with closing(train_steps(task, start.state, start.epoch_losses)) as segments:
                for _ in segments:
                    if is_asked():
                        processes.wish_to_stop(job)
    end_together(job)
    return path


@contextmanager
def gentle_interrupt() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a wish to stop; the second one interrupts at once."""
    requested = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield requested.is_set
        return

    def note(number: int, frame: Any) -> None:
        if requested.is_set():
            raise KeyboardInterrupt
        requested.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield requested.is_set
    finally:
        signal.signal(signal.SIGINT, before)
