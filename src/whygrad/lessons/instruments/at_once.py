"""Parts of an experiment that do not need each other, two at a time.

Most of their time goes into compiling, which leaves Python's lock alone.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from whygrad.lessons.lesson import Tick

Name = TypeVar("Name")
Found = TypeVar("Found")
THREADS = 2


def at_once(jobs: Mapping[Name, Callable[[], Found]], tick: Tick) -> dict[Name, Found]:
    """Return what every job returns, by name and in their order.

    Args:
        jobs: settings of JAX that belong to a thread, such as float64, are for each to make.
        tick: called with the share of the jobs that are done.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        running = {pool.submit(job): name for name, job in jobs.items()}
        for done, _ in enumerate(as_completed(running), 1):
            tick(done / len(jobs))
        return {name: future.result() for future, name in running.items()}
