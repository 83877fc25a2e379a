"""Each peer in a process of its own, so that no library's threads disturb another's.

A worker waits idle for its turn: it prepares a case on demand, then times calls on request.
"""

import importlib
import time
from collections.abc import Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median

from benchmarks.cases import Case, accuracy, draw_data

TRIALS = 3  # calls by which the fastest choice is found


class Worker:
    """The near end of a peer's process.

    Attributes:
        name: of the peer, as the results carry it.
        missing: what is not installed, or None.
    """

    def __init__(self, name: str, module: str):
        self.name = name
        context = get_context("spawn")
        self.pipe, far = context.Pipe()
        self.process = context.Process(target=_serve, args=(module, far), daemon=True)
        self.process.start()
        far.close()  # so that a process that dies is noticed at once
        self.missing = self.pipe.recv()

    def ask(self, command: str, *values):
        """Run a command in the process and return what it answers."""
        self.pipe.send((command, values))
        is_done, answer = self.pipe.recv()
        if not is_done:
            raise RuntimeError(f"{self.name}: {answer}")
        return answer

    def close(self) -> None:
        self.pipe.send(None)
        self.process.join()


@contextmanager
def workers(modules: Mapping[str, str]):
    """Start a process a peer; yield those that have what they need, and name the others.

    Args:
        modules: module below :mod:`benchmarks.peers` by the peer's name.
    """
    started = [Worker(name, module) for name, module in modules.items()]
    present = [worker for worker in started if worker.missing is None]
    try:
        yield present, {worker.name: worker.missing for worker in started if worker.missing}
    finally:
        for worker in present:
            worker.close()


def _serve(name: str, pipe: Connection) -> None:
    try:
        module = importlib.import_module(f"benchmarks.peers.{name}")
    except ModuleNotFoundError as error:
        if _is_ours(error.name or ""):
            raise  # a fault of ours must not pass for a peer that is not installed
        pipe.send(error.name)
        return
    pipe.send(None)
    bench = _Bench(module)
    while (request := pipe.recv()) is not None:
        command, values = request
        try:
            pipe.send((True, getattr(bench, command)(*values)))
        except Exception as error:  # the near end raises it again, with the peer's name
            pipe.send((False, f"{type(error).__name__}: {error}"))


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in ("benchmarks", "whygrad")


class _Bench:
    """The far end: what a worker can be asked."""

    def __init__(self, module):
        self.module = module

    def first_choice(self) -> str:
        """Return the way to run this peer that is taken unmeasured."""
        return self.module.CHOICES[0]

    def choose(self, case: Case) -> str:
        """Return the fastest way to run this peer at a case, and keep it prepared."""
        self.data, trials = draw_data(case), {}
        if len(self.module.CHOICES) == 1:
            return self.prepare(case, self.module.CHOICES[0])
        for choice in self.module.CHOICES:
            self.prepare(case, choice)
            trials[choice] = min(self.seconds(case.steps) for _ in range(TRIALS))
        return self.prepare(case, min(trials, key=trials.__getitem__))

    def prepare(self, case: Case, choice: str) -> str:
        """Set up a case and warm it up, compilation included."""
        self.data = draw_data(case)
        self.trainer = self.module.prepare(case, *self.data, choice)
        self.trainer(case.steps)
        return choice

    def seconds(self, steps: int) -> float:
        """Return how long so many steps take."""
        start = time.perf_counter()
        self.trainer(steps)
        return time.perf_counter() - start

    def accuracy(self) -> float:
        """Return the share of training samples that are classified rightly by now."""
        return accuracy(self.trainer.parameters(), *self.data)

    def time_to_accuracy(self, case: Case, data, choice: str, goal: float, epochs: int) -> dict:
        """Train from the start until the test part is classified well enough.

        Args:
            data: x and y of the training part, x and y of the test part.
        """
        start = time.perf_counter()
        trainer = self.module.prepare(case, *data[:2], choice)
        set_up, laps, reached = time.perf_counter() - start, [], 0.0
        while reached < goal and len(laps) < epochs:
            begin = time.perf_counter()
            trainer(case.steps_per_epoch)
            reached = accuracy(trainer.parameters(), *data[2:])
            laps.append(time.perf_counter() - begin)
        first = max(laps[0] - median(laps), 0)
        return {
            "seconds": time.perf_counter() - start,
            "compile_seconds": set_up + first,
            "epochs": len(laps),
            "accuracy": reached,
        }
