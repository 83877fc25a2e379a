"""How much memory this process can still take, and what training takes, asked before it is held.

Three things set the limit, and the smallest counts: what the machine has free, what the control
groups of the process (containers, batch jobs) allow, and its own resource limits (``ulimit``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from whygrad.errors import InputError, TooLargeError, WhygradError
from whygrad.words import byte_size

SHARE = 0.9  # of the free memory: an estimate is off by some, and other processes live too
UNLIMITED = 1 << 60  # version 1 of control groups writes about 2^63 where there is no limit


def require_memory(needed: int | float, key: str, /, **values: object) -> None:
    """Refuse what would not fit into memory, before any of it is held.

    Nothing is refused on a system that does not tell how much memory is free.

    Args:
        needed: bytes that will be held at once, beside what is held already.
        key: the sentence of the refusal, which may use ``{needed}`` and ``{free}``: sizes that are
            written out, such as ``4.5 GB``.
        values: what else the sentence says.

    Raises:
        TooLargeError: ``needed`` is more than :data:`SHARE` of the free memory.
    """
    free = free_memory()
    if free is not None and needed > SHARE * free:
        raise TooLargeError(key, needed=byte_size(needed), free=byte_size(free), **values)


def fits(needed: int | float) -> bool:
    """Return whether :func:`require_memory` would let so many bytes be held."""
    free = free_memory()
    return free is None or needed <= SHARE * free


def free_memory(root: Path = Path("/")) -> int | None:
    """Return how many bytes this process can still take; None where the system does not tell.

    Args:
        root: where ``proc`` and ``sys`` are.
    """
    room = [*_of_machine(root), *_of_control_groups(root), *_of_resource_limits(root)]
    return max(0, min(room)) if room else None


def _of_machine(root: Path) -> Iterator[int]:
    available = _table(root / "proc/meminfo").get("MemAvailable")
    if available is not None:
        yield available * 1024
    elif sys.platform == "win32":
        yield _of_windows()
    elif "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):  # macOS: all memory there is
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_windows() -> int:
    """Return the free memory that ``GlobalMemoryStatusEx`` tells; its record has 64 bytes."""
    import ctypes

    record = (ctypes.c_uint64 * 8)(64)
    ctypes.windll.kernel32.GlobalMemoryStatusEx(record)  # type: ignore[attr-defined]
    return record[2]  # length and load share the first number; then total and available memory


def _of_control_groups(root: Path) -> Iterator[int]:
    """Yield what each control group of the process, and each one above it, leaves free.

    Inside a container the group may be mounted as the root itself: a path that is not there says
    nothing, and the ones above it are read all the same.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
    """
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if not controllers:
            base, limits, used = root / "sys/fs/cgroup", ("memory.max", "memory.high"), "current"
            reclaimed = "inactive_file"
        elif "memory" in controllers.split(","):
            base, limits = root / "sys/fs/cgroup/memory", ("memory.limit_in_bytes",)
            used, reclaimed = "usage_in_bytes", "total_inactive_file"
        else:
            continue
        group = base / path.strip("/")
        for folder in (group, *(above for above in group.parents if above.is_relative_to(base))):
            taken = _number(folder / f"memory.{used}")
            cached = _table(folder / "memory.stat").get(reclaimed, 0)
            for name in limits:
                limit = _number(folder / name)
                if limit is not None and limit < UNLIMITED:
                    yield limit - max(0, (taken or 0) - cached)


def _of_resource_limits(root: Path) -> Iterator[int]:
    try:
        import resource
    except ImportError:  # Windows has none
        return
    status = _table(root / "proc/self/status")
    for kind, taken in ((resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")):
        limit, _ = resource.getrlimit(kind)
        if limit not in (resource.RLIM_INFINITY, -1):
            yield limit - status.get(taken, 0) * 1024


def _table(path: Path) -> dict[str, int]:
    """Return the lines ``name: number`` of a file of the kernel; none where it cannot be read."""
    pairs = (line.replace(":", " ").split() for line in _text(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) > 1 and pair[1].isdigit()}


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


# --- what a network takes while it trains -----------------------------------------------------

FLOAT = 4  # bytes
COPIES = 4  # of the parameters: themselves, their gradients, and two moments of the optimiser
ACTIVATIONS = 4  # arrays (batch, n_out) that a step holds of every layer at least
HUGE = 10**30  # of which no machine has so much; larger numbers are not told exactly


def check_network(sizes: Sequence[int]) -> None:
    """Check that a network of these sizes can be trained in the memory that there is.

    Args:
        sizes: numbers of neurons, from the inputs to the outputs.

    Raises:
        TooLargeError: it cannot.
    """
    count = _parameters(sizes)
    _check("error.network_too_large", FLOAT * COPIES * count, parameters=count)


def check_step(sizes: Sequence[int], batch: int, recorded: int) -> None:
    """Check that a step of training can be held in the memory that there is.

    Args:
        batch: samples a step.
        recorded: numbers that wait on the device to be recorded.

    Raises:
        TooLargeError: it cannot.
    """
    check_network(sizes)
    neurons = sum(map(int, sizes))
    needed = FLOAT * (ACTIVATIONS * batch * neurons + recorded)
    _check("error.batch_too_large", needed, batch=batch, neurons=neurons)


def bytes_of_step(sizes: Sequence[int], batch: int) -> int:
    """Return how many bytes a step holds at least: of parameters, and of a batch's outputs."""
    return FLOAT * (COPIES * _parameters(sizes) + ACTIVATIONS * batch * sum(map(int, sizes)))


def _parameters(sizes: Sequence[int]) -> int:
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(map(int, sizes)))


@contextmanager
def running_out() -> Iterator[None]:
    """Turn memory that runs out all the same into an error of whygrad's own.

    Raises:
        InputError: there was not enough memory.
    """
    try:
        yield
    except Exception as error:
        if is_shortage(error):
            raise InputError("error.out_of_memory") from error
        raise


def is_shortage(error: Exception) -> bool:
    """Return whether an error, NumPy's or XLA's, says that memory ran out."""
    if isinstance(error, WhygradError):
        return False
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)


def _check(key: str, needed: int, **values: int) -> None:
    told = {name: float(min(value, HUGE)) for name, value in values.items()}
    require_memory(min(needed, HUGE), key, **told)
