"""How time and memory grow with a job: ``python -m benchmarks.growth``.

One thing at a time grows, all else stays: samples, width, depth, steps, recorded steps. Every job
trains in a process of its own, whose peak memory is told; then the commands that read a run read
the one with the most recorded steps. Writes ``benchmarks/results/growth.json`` and a
picture of it for docs/benchmarks.md.
"""

import json
import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from benchmarks.machine import describe
from benchmarks.run import write
from benchmarks.targets import GROWTH_TARGETS, judge_all
from whygrad.render.page.canvas import BLUE, GREEN, ORANGE, PURPLE, RED, standalone_svg, styled
from whygrad.words import number, speaking, t

DOCS = Path(__file__).parents[1] / "docs"
PICTURES = {"en": DOCS / "growth.svg", "zh": DOCS / "growth.zh-CN.svg"}
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, RED)
TRAIN = """
import json, resource, sys, time
import numpy as np
import whygrad as wg
job, folder = json.loads(sys.argv[1]), sys.argv[2]
rng = np.random.default_rng(0)
samples, (n_in, *_, n_out) = job["samples"], job["sizes"]
x = rng.standard_normal((samples, n_in), np.float32)
data = wg.from_arrays(x, rng.integers(0, n_out, samples), validation=0, test=0)
network = wg.Network.create(job["sizes"])
settings = {name: job[name] for name in ("epochs", "batch_size", "record_every")}
start = time.perf_counter()
wg.train(network, data, out=folder, **settings)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB
print(json.dumps({"seconds": seconds, "peak_mib": peak}))
"""
WHYGRAD = ("-m", "whygrad")
READ = {  # what Python is asked, with {run} for the folder
    "open": ("-c", "import whygrad as wg; wg.open_run('{run}').history"),
    "show": (*WHYGRAD, "show", "{run}"),
    "why": (*WHYGRAD, "why", "{run}", "hidden1.weight[0,0]"),
    "doctor": (*WHYGRAD, "doctor", "{run}"),
    "report": (*WHYGRAD, "report", "{run}", "--no-lab"),
}
FOUND = 1  # what the doctor ends with where it found something


@dataclass(frozen=True)
class Job:
    """What is trained, on random inputs and classes."""

    samples: int = 10_000
    sizes: tuple[int, ...] = (10, 32, 2)
    epochs: int = 1
    batch_size: int = 256
    record_every: int = 10


LONG = Job(samples=1000, sizes=(4, 16, 3), batch_size=1)  # a thousand steps an epoch
AXES: dict[str, dict[int, Job]] = {
    "samples": {10**power: Job(samples=10**power) for power in range(3, 8)},
    "width": {width: Job(sizes=(64, width, width, 10), epochs=5) for width in (32, 128, 512, 2048)},
    "depth": {depth: Job(sizes=(64, *[64] * depth, 10), epochs=5) for depth in (1, 4, 16, 64, 256)},
    "steps": {1000 * epochs: replace(LONG, epochs=epochs) for epochs in (1, 10, 100, 1000)},
    "recorded": {
        1000 * epochs: replace(LONG, epochs=epochs, record_every=1) for epochs in (1, 10, 50, 200)
    },
}


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, help="leave out what is larger, for a quick look")
    most = parser.parse_args().most or sys.maxsize
    results: dict[str, Any] = {"machine": describe(), "growth": {}}
    with TemporaryDirectory() as folder:
        for axis, jobs in AXES.items():
            results["growth"][axis] = {}
            for size, job in jobs.items():
                if size <= most:
                    run = Path(folder) / f"{axis}{size}"
                    results["growth"][axis][size] = trained(job, run)
                    print(axis, size, results["growth"][axis][size], flush=True)
        sizes = results["growth"]["recorded"]
        reading(Path(folder) / f"recorded{min(sizes)}", home=Path(folder))  # compiles modules
        size = max(sizes)
        results["reading"] = {
            "recorded": size,
            "seconds": reading(Path(folder) / f"recorded{size}"),
        }
        print(results["reading"], flush=True)
    results["targets"] = judge_all(results, GROWTH_TARGETS)
    if most == sys.maxsize:
        write(results, "growth")
        for language, path in PICTURES.items():
            with speaking(language):
                path.write_text(draw(results["growth"]), encoding="utf-8")


def trained(job: Job, run: Path) -> dict[str, float]:
    """Return the seconds and the peak memory in MiB of a training in a fresh process."""
    command = [sys.executable, "-c", TRAIN, json.dumps(asdict(job)), str(run)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def reading(run: Path, home: Path | None = None) -> dict[str, float]:
    """Return how long each way to look at a run takes from the shell, in seconds.

    Args:
        home: of what JAX compiles; None for that of whoever measures.
    """
    seconds = {}
    environment = os.environ | ({} if home is None else {"XDG_CACHE_HOME": str(home)})
    for name, words in READ.items():
        command = [sys.executable, *(word.replace("{run}", str(run)) for word in words)]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        seconds[name] = time.perf_counter() - start
        if done.returncode not in (0, FOUND):
            raise RuntimeError(f"{name}: {done.stderr}")
    return seconds


def draw(growth: dict[str, dict[int, dict[str, float]]]) -> str:
    """Return a picture of seconds and memory against the size of the job, in multiples, as SVG."""
    with styled("growth"):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        panels = figure.subplots(1, 2)
        for panel, what in zip(panels, ("seconds", "peak_mib"), strict=True):
            for (axis, jobs), colour in zip(growth.items(), COLOURS, strict=True):
                sizes = np.array(list(jobs), float)
                values = [found[what] for found in jobs.values()]
                label = t(f"bench.growth.{axis}")
                panel.plot(sizes / sizes[0], values, color=colour, marker="o", label=label)
            panel.set(xscale="log", yscale="log" if what == "seconds" else "linear")
            panel.set_xlabel(t("bench.growth.size"))
            panel.set_ylabel(t(f"bench.growth.{what}"))
            for side in (panel.xaxis, panel.yaxis):
                side.set_major_formatter(FuncFormatter(lambda value, _: number(value, 6)))
                side.set_minor_formatter(NullFormatter())
        lines = panels[0].get_legend_handles_labels()
        figure.legend(*lines, loc="outside right center", frameon=False)
        return standalone_svg(figure, "growth", t("bench.growth.picture"))


if __name__ == "__main__":
    main()
