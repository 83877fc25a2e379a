"""This machine's matrix-product peak, measured: ``python -m benchmarks.peak``.

The best rate of JAX, NumPy and PyTorch over the products of the large case and a square one is
what nothing here can beat; the large case, at its fastest, is held against it.
"""

import json
import time
from collections.abc import Callable

import numpy as np

from benchmarks.cases import LARGE, MNIST

BATCH = LARGE.batch
SHAPES = (  # m, k, n
    (BATCH, 784, 1024),
    (BATCH, 1024, 1024),
    (1024, BATCH, 1024),
    (MNIST.sizes[0], BATCH, 1024),
    (2048, 2048, 2048),
)
ROUNDS = 25


def measure(rounds: int = ROUNDS) -> dict:
    """Return GFLOP/s by library and shape, and the peak over all of them."""
    found: dict[str, dict[str, float]] = {}
    for m, k, n in SHAPES:
        for name, product in _products(m, k, n).items():
            rate = 2 * m * k * n / _fastest(product, rounds) / 1e9
            found.setdefault(name, {})[f"{m}x{k}x{n}"] = rate
    peak = max(rate for rates in found.values() for rate in rates.values())
    return {"gflops": found, "peak_gflops": peak}


def higher(one: dict, other: dict) -> dict:
    """Return the measurement with the higher peak: a busy minute of the machine lowers it."""
    return max(one, other, key=lambda found: found["peak_gflops"])


def share_of_peak(microseconds: float, peak_gflops: float) -> float:
    """Return the large case's arithmetic rate over the peak; its Adam counts as no work at all."""
    return LARGE.flops / microseconds / 1e3 / peak_gflops


def _products(m: int, k: int, n: int) -> dict[str, Callable[[], object]]:
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(m, k)), rng.normal(size=(k, n))
    pair = left.astype(np.float32), right.astype(np.float32)
    out = np.empty((m, n), np.float32)
    found = {"NumPy": lambda: np.matmul(*pair, out=out), "JAX": _in_jax(*pair)}
    try:
        found["PyTorch"] = _in_torch(*pair)
    except ModuleNotFoundError:
        pass  # the results then show two libraries instead of three
    return found


def _in_jax(left: np.ndarray, right: np.ndarray) -> Callable[[], object]:
    import jax

    product, pair = jax.jit(lambda a, b: a @ b), jax.device_put((left, right))
    return lambda: product(*pair).block_until_ready()


def _in_torch(left: np.ndarray, right: np.ndarray) -> Callable[[], object]:
    import torch

    pair = torch.from_numpy(left), torch.from_numpy(right)
    out = torch.empty(left.shape[0], right.shape[1])
    return lambda: torch.mm(*pair, out=out)


def _fastest(product: Callable[[], object], rounds: int) -> float:
    product()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        product()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
