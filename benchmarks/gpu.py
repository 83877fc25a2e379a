"""The comparison on an NVIDIA GPU: ``python -m benchmarks.gpu``. Without one it says so.

PyTorch eager, compiled and with CUDA graphs beside whygrad, in float32 (TF32 products on both
sides) and bfloat16 (parameters and Adam too), at the sizes of the CPU and at widths 64 to 4096.
Gradients are checked against the processor's first. As long as results/gpu.json is missing, this
has not been run yet.
"""

import json
import os
import subprocess
from argparse import ArgumentParser

from benchmarks.cases import CASES, Case
from benchmarks.machine import describe
from benchmarks.peers import GPU_MODULES
from benchmarks.run import write
from benchmarks.steps import interleave, spread
from benchmarks.workers import Worker, workers
from whygrad.words import t

DTYPES = ("float32", "bfloat16")
WIDTHS = (64, 256, 1024, 4096)
BATCHES = (2**10, 2**14, 2**18)
ROUNDS = 7
CALL_FLOPS = 2e12  # about how much work one timed call is
GRADIENT_CASE = CASES[3]


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # several processes share the GPU
    name = gpu_name()
    if name is None:
        print(t("bench.no_gpu"))
        return
    results = {"machine": describe() | {"gpu": name}, "gradients": check_gradients()}
    results["steps"] = {case.name: _measure_case(case, rounds) for case in [*CASES, *wide_cases()]}
    write(results, "gpu")
    print(json.dumps(results["gradients"]))


def gpu_name() -> str | None:
    """Return the name of the GPU, or None where there is none that JAX can use."""
    import jax

    try:
        jax.devices("cuda")
    except RuntimeError:
        return None
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def wide_cases() -> list[Case]:
    """Return square networks of every width at every batch."""
    return [_wide_case(width, batch) for width in WIDTHS for batch in BATCHES]


def _wide_case(width: int, batch: int) -> Case:
    once = Case((width, width, width, 10), batch, samples=batch, steps=1)
    steps = min(max(int(CALL_FLOPS / once.flops), 3), 500)
    return Case(once.sizes, batch, once.samples, steps)


def check_gradients() -> dict[str, float]:
    """Return the largest difference of the GPU's gradients from the processor's, relative to the
    largest gradient of the parameter, with exact products and with the default ones."""
    import jax

    cpu = _gradients(jax.devices("cpu")[0], "highest")
    return {
        precision: max(map(_difference, _gradients(jax.devices("cuda")[0], precision), cpu))
        for precision in ("highest", "default")
    }


def _gradients(device, precision: str) -> list:
    import jax
    import numpy as np

    from benchmarks.cases import draw_data, draw_parameters
    from whygrad.core.backprop import backward, forward
    from whygrad.core.nn.network import Network

    x, y = draw_data(GRADIENT_CASE)
    weights, biases = zip(*draw_parameters(GRADIENT_CASE), strict=True)
    names = ["relu"] * (len(weights) - 1) + ["identity"]
    with jax.default_device(device), jax.default_matmul_precision(precision):
        network = Network.from_arrays(weights, biases, activations=names)
        trace = forward(network, x)
        anatomy = backward(network, trace, y, loss="softmax_cross_entropy")
        return [np.asarray(leaf) for leaf in jax.tree.leaves(anatomy.gradients())]


def _difference(left, right) -> float:
    return float(abs(left - right).max() / abs(right).max())


def _measure_case(case: Case, rounds: int) -> dict:
    return {dtype: _measure_dtype(case, dtype, rounds) for dtype in DTYPES}


def _measure_dtype(case: Case, dtype: str, rounds: int) -> dict:
    """Return microseconds a step by peer; a peer for which the case is too large is named."""
    with workers(GPU_MODULES) as (present, missing):
        failed = {worker.name: _prepare(worker, case, dtype) for worker in present}
        ready = [worker for worker in present if failed[worker.name] is None]
        times = interleave(case, ready, rounds)
    found = {worker.name: spread(times[number]) for number, worker in enumerate(ready)}
    return {
        "peers": found,
        "missing": missing,
        "failed": {name: cause for name, cause in failed.items() if cause},
    }


def _prepare(worker: Worker, case: Case, dtype: str) -> str | None:
    how = "record_every=10" if worker.name == "whygrad" else worker.name
    try:
        worker.ask("prepare", case, f"{how}, {dtype}")
    except RuntimeError as error:
        return str(error).splitlines()[0]
    return None


if __name__ == "__main__":
    main()
