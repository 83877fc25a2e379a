"""How training grows with devices and processes: ``python -m benchmarks.scaling``.

One job trains on 1, 2, … cores of this machine, a device each: as devices of one process, and as
processes that speak over gloo. The batch stays the same, so that twice the cores should take half
of the time. What more machines would take is worked out, and called so: :func:`modelled`. Writes
``benchmarks/results/scaling.json``; ``python -m benchmarks.table`` fills docs/benchmarks.md.
"""

import json
import os
import socket
import subprocess
import sys
from argparse import ArgumentParser
from itertools import pairwise
from tempfile import TemporaryDirectory

from benchmarks.machine import describe
from benchmarks.run import write

SIZES, BATCH, EPOCHS, SAMPLES = (256, 1024, 1024, 10), 2048, 12, 16_384
FLOAT = 4  # bytes
LINKS = {  # bytes a second, and seconds until the first of them comes
    "ethernet_10": (10e9 / 8, 50e-6),
    "infiniband_100": (100e9 / 8, 5e-6),
}
MACHINES = (1, 2, 4, 8, 16, 32, 64)
CHILD = """
import json, os, sys, time
cores, number, count, address, out = json.loads(sys.argv[1])
os.sched_setaffinity(0, cores)
os.environ["JAX_NUM_CPU_DEVICES"] = str(len(cores))
import numpy as np
import whygrad as wg
from whygrad.core import processes
if count > 1:
    processes.join(processes.Job(address, count, number))
sizes, batch, epochs, samples = json.loads(sys.argv[2])
draw = np.random.default_rng(0)
x = draw.standard_normal((samples, sizes[0]), np.float32)
data = wg.from_arrays(x, draw.integers(0, sizes[-1], samples), validation=0, test=0)
ends = []
def note(event):
    ends.append((event.step, time.perf_counter()))
wg.train(wg.Network.create(sizes), data, out=out, watch=note, batch_size=batch, epochs=epochs,
         record_every=0, optimizer="sgd")
print(json.dumps(ends))
processes.leave()
"""


def trained(count: int, how: str) -> float:
    """Return the seconds of a step on so many cores: the fastest segment after the first."""
    cores = sorted(os.sched_getaffinity(0))[:count]
    parts = [cores] if how == "devices" else [[core] for core in cores]
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{one.getsockname()[1]}"
    with TemporaryDirectory() as folder:
        started = []
        for number, part in enumerate(parts):
            job = json.dumps([part, number, len(parts), address, f"{folder}/run"])
            size = json.dumps([SIZES, BATCH, EPOCHS, SAMPLES])
            command = [sys.executable, "-c", CHILD, job, size]
            started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        said = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        raise RuntimeError(f"{how}: a process failed")
    ends = json.loads(said[0].splitlines()[-1])
    return min((t - before) / (s - step) for (step, before), (s, t) in pairwise(ends))


def all_reduce(machines: int, size: int, bandwidth: float, latency: float) -> float:
    """Return the seconds in which a ring adds ``size`` bytes up over machines.

    2 (N - 1) / N * size / bandwidth + 2 (N - 1) * latency

    Source: Patarasuk and Yuan 2009, bandwidth optimal all-reduce algorithms for clusters of
    workstations.
    """
    rounds = 2 * (machines - 1)
    return rounds / machines * size / bandwidth + rounds * latency


def modelled(step: float, size: int) -> dict[str, dict[int, float]]:
    """Return how many times as fast machines would be as one, by link, with the same batch.

    Each takes its part of the step, and all wait for the gradient to be added up; what networks
    overlap of the two is left out.

    Args:
        step: seconds of a step on one of them.
        size: bytes of the gradient.
    """
    return {
        link: {n: step / (step / n + all_reduce(n, size, *of_link)) for n in MACHINES}
        for link, of_link in LINKS.items()
    }


def measure(rounds: int) -> dict:
    """Return the seconds of a step by number of cores; the fastest of some rounds, in turns."""
    most = len(os.sched_getaffinity(0))
    asked = [(n, how) for n in range(1, most + 1) for how in ("devices", "processes")]
    asked.remove((1, "processes"))  # the same as one device
    seconds: dict[str, dict[str, list[float]]] = {"devices": {}, "processes": {}}
    for _ in range(rounds):
        for count, how in asked:
            print(f"measuring: {count} {how}", file=sys.stderr, flush=True)
            seconds[how].setdefault(str(count), []).append(trained(count, how))
    fastest = {how: {n: min(all_) for n, all_ in by.items()} for how, by in seconds.items()}
    fastest["processes"] = {"1": fastest["devices"]["1"]} | fastest["processes"]
    size = FLOAT * sum((n_in + 1) * n_out for n_in, n_out in pairwise(SIZES))
    return {
        "scaling": fastest,
        "rounds": rounds,
        "load": os.getloadavg()[0],
        "modelled": modelled(fastest["devices"]["1"], size),
    }


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--rounds", type=int, default=5)
    write({"machine": describe(), **measure(parser.parse_args().rounds)}, "scaling")


if __name__ == "__main__":
    main()
