"""A sum as a GPU takes it, done and counted in NumPy: threads, warps, blocks, launches.

A thread adds a few terms one after the other. The 32 threads of a warp then fold their sums, after
them the warps of a block; blocks cannot wait for one another, so another launch adds what they
leave. Terms are float32 of shape (m, n), m a power of two; the m rows are added.

Source: Harris 2007, "Optimizing Parallel Reduction in CUDA"; NVIDIA, CUDA C++ Programming Guide,
on the hierarchy of threads.
"""

from dataclasses import dataclass

from whygrad.lessons.instruments.summation import Sums, Terms, halving, sequential

WARP, WARPS = 32, 8  # threads of a warp, warps of a block
EACH = 16  # terms of a thread, at most


@dataclass(frozen=True)
class Stage:
    """What one kind of worker does in one launch.

    Attributes:
        launch: 1 for the first.
        worker: ``thread``, ``warp`` or ``block``.
        workers: how many of them add at the same time.
        rounds: additions that wait for one another.
        additions: of all of them together.
        left: sums that remain.
    """

    launch: int
    worker: str
    workers: int
    rounds: int
    additions: int
    left: int


def gpu_sum(terms: Terms) -> tuple[Sums, list[Stage]]:
    """Return the sum of the rows as float32 has it in this order, and who added what."""
    stages: list[Stage] = []
    launch = 0
    while len(terms) > 1:
        launch += 1
        threads = WARP * WARPS
        for worker, most in (("thread", EACH), ("warp", WARP), ("block", WARPS)):
            spread = threads if worker == "thread" else 1  # threads come before terms each
            share = min(most, max(1, len(terms) // spread))
            if share == 1:
                continue
            left = len(terms) // share
            if worker == "thread":  # neighbouring threads read neighbouring terms
                parts, add, rounds = terms.reshape(share, -1), sequential, share - 1
            else:  # a warp and a block fold what lies side by side
                parts = terms.reshape(left, share, -1).swapaxes(0, 1).reshape(share, -1)
                add, rounds = halving, share.bit_length() - 1
            stages.append(Stage(launch, worker, left, rounds, len(terms) - left, left))
            terms = add(parts).reshape(left, -1)
    return terms[0], stages
