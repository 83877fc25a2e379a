"""What watching costs a PyTorch model: ``python -m benchmarks.watching``.

Every program of :mod:`benchmarks.watched` trains twice in one process, watched at every 10th step
and not, the two step by step in turns, so that whatever else the machine does meets both. Counted
is the processor's time and no other, with one thread for PyTorch; what the watch's own thread
takes, which writes, is counted with the watched steps. Each round is a process of its own. Writes
``benchmarks/results/watching.json``; ``python -m benchmarks.table`` fills docs/benchmarks.md.
"""

import json
import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from statistics import median

from benchmarks.machine import describe
from benchmarks.run import write

EVERY = 10
WARM = 5  # steps of each before the first that counts
STEPS = {True: 1000, False: 100}  # of a small model, of others
SMALL = 0.02  # seconds a step


def measure(rounds: int, names: list[str]) -> dict[str, dict[str, float]]:
    """Return by program, as medians over rounds, times relative to a step without a watch."""
    table = {}
    for name in names:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        told = [_in_a_process(name) for _ in range(rounds)]
        table[name] = {key: median(one[key] for one in told) for key in told[0]}
        table[name]["rounds"] = rounds
    return table


def _in_a_process(name: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.watching", "--train", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def train(name: str) -> dict[str, float]:
    """Train one of the programs here and return what its steps took."""
    import torch

    import whygrad as wg
    from benchmarks.watched import PROGRAMS

    torch.set_num_threads(1)
    (_, plain_step), (network, watched_step) = PROGRAMS[name](), PROGRAMS[name]()
    for _ in range(WARM):
        plain_step()
        watched_step()
    began = time.thread_time()
    plain_step()
    steps = STEPS[time.thread_time() - began < SMALL]
    plain, watched = list[float](), list[float]()
    with wg.watch(network, every=EVERY) as watch:
        watched_step()  # all sorts of things start with the first one
        for _ in range(EVERY - 1):
            watched_step()
        elsewhere = time.process_time() - time.thread_time()
        for _ in range(steps):
            for step, seconds in ((plain_step, plain), (watched_step, watched)):
                began = time.thread_time()
                step()
                seconds.append(time.thread_time() - began)
        run = watch.run  # waits for what is being written
        elsewhere = time.process_time() - time.thread_time() - elsewhere
    whole = {step - EVERY for step in run.whole_steps}
    recorded = range(0, steps, EVERY)
    apart = [watched[at] for at in recorded if at not in whole] or [watched[at] for at in recorded]
    usual = median(plain)
    more = sum(watched) - sum(plain) + elsewhere
    return {
        "milliseconds": 1e3 * usual,
        "recorded": median(apart) / usual,
        "whole": median(watched[at] for at in recorded if at in whole) / usual,
        "others": median(watched[at] for at in range(steps) if at % EVERY) / usual,
        "share": more / (sum(plain) + more),
    }


def main() -> None:
    from benchmarks.watched import PROGRAMS

    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--train", metavar="PROGRAM", help="one of them, here")
    parser.add_argument("-n", "--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.train:
        print(json.dumps(train(options.train)))
        return
    load = round(os.getloadavg()[0], 1)
    table = measure(options.rounds, list(PROGRAMS))
    write({"machine": describe(), "load": load, "watching": table}, "watching")


if __name__ == "__main__":
    main()
