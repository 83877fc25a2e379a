"""The work that every peer does: one network, one data set, the same shuffled mini-batches."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

LEARNING_RATE = 1e-3
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

Parameters = list[tuple[np.ndarray, np.ndarray]]  # weight (n_in, n_out) and bias (n_out,) a layer


@dataclass(frozen=True)
class Case:
    """A network and the batches it is trained with: ReLU, softmax cross-entropy, Adam, float32.

    Attributes:
        sizes: numbers of neurons, from the inputs to the classes.
        batch: samples a step.
        samples: rows of the data set; whole batches, so that every step of every peer is full.
        steps: length of one timed call; whole epochs.
    """

    sizes: tuple[int, ...]
    batch: int
    samples: int
    steps: int

    @property
    def name(self) -> str:
        return f"{'-'.join(map(str, self.sizes))} batch {self.batch}"

    @property
    def steps_per_epoch(self) -> int:
        return self.samples // self.batch

    @property
    def flops(self) -> int:
        """Multiplications and additions of a step's matrix products.

        Three products a layer of 2 * batch * n_in * n_out each: forward, gradient of the weights,
        upstream of the layer below. The first layer has nobody below.
        """
        pairs = list(pairwise(self.sizes))
        products = 3 * sum(n_in * n_out for n_in, n_out in pairs) - pairs[0][0] * pairs[0][1]
        return 2 * self.batch * products


SMALL = Case((64, 32, 10), 32, 2048, 2048)
MNIST = Case((784, 128, 10), 64, 2048, 256)
LARGE = Case((784, 1024, 1024, 10), 512, 5120, 10)
CASES = (
    SMALL,
    Case((64, 100, 10), 200, 2000, 500),
    MNIST,
    Case((784, 256, 128, 10), 256, 2048, 40),
    LARGE,
)


OF_NUMPY = CASES[:3]  # of sizes whose short jobs NumPy does


def draw_data(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs (samples, n_in), float32, and classes (samples,), int32."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((case.samples, case.sizes[0]), np.float32)
    return x, rng.integers(0, case.sizes[-1], case.samples).astype(np.int32)


def draw_parameters(case: Case) -> Parameters:
    """Return the weights (n_in, n_out) and biases (n_out,) that all peers start from."""
    rng = np.random.default_rng(1)
    return [
        (
            rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out)).astype(np.float32),
            np.zeros(n_out, np.float32),
        )
        for n_in, n_out in pairwise(case.sizes)
    ]


def shuffled_rows(case: Case, steps: int, rng: np.random.Generator) -> np.ndarray:
    """Return the row numbers of the next ``steps`` batches, (steps, batch); whole epochs."""
    epochs = steps // case.steps_per_epoch
    rows = np.concatenate([rng.permutation(case.samples) for _ in range(epochs)])
    return rows.astype(np.int32).reshape(steps, case.batch)


def accuracy(
    parameters: list[tuple[np.ndarray, np.ndarray]], x: np.ndarray, y: np.ndarray
) -> float:
    """Return the share of samples whose class the network finds."""
    for weight, bias in parameters[:-1]:
        x = np.maximum(x @ weight + bias, 0)
    weight, bias = parameters[-1]
    return float(np.mean(np.argmax(x @ weight + bias, axis=1) == y))
