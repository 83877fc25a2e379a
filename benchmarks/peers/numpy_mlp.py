"""NumPy, written well: nothing is allocated in a step, and Adam runs over one flat buffer.

Adam walks the buffer in blocks that fit the cache: twelve passes over memory become one.
"""

import numpy as np

from benchmarks.cases import (
    BETA1,
    BETA2,
    EPSILON,
    LEARNING_RATE,
    Case,
    Parameters,
    draw_parameters,
    shuffled_rows,
)
from benchmarks.peers import Trainer

CHOICES = ("",)
BLOCK = 32_768  # parameters; five buffers of 128 KiB lie in the second-level cache


class Adam:
    """Kingma and Ba 2015, in place, with the bias corrections folded into two scalars."""

    def __init__(self, size: int):
        self.mean, self.square = np.zeros(size, np.float32), np.zeros(size, np.float32)
        self.scratch = np.empty(min(BLOCK, size), np.float32)
        self.step = 0

    def move(self, parameters: np.ndarray, gradient: np.ndarray) -> None:
        self.step += 1
        correction = np.sqrt(1 - BETA2**self.step)
        rate = np.float32(LEARNING_RATE * correction / (1 - BETA1**self.step))
        epsilon = np.float32(EPSILON * correction)
        for start in range(0, len(parameters), BLOCK):
            part = slice(start, start + BLOCK)
            self._move_block(parameters[part], gradient[part], part, rate, epsilon)

    def _move_block(self, p, g, part: slice, rate: np.float32, epsilon: np.float32) -> None:
        m, v = self.mean[part], self.square[part]
        scratch = self.scratch[: len(p)]
        np.multiply(g, np.float32(1 - BETA1), out=scratch)
        m *= np.float32(BETA1)
        m += scratch
        np.multiply(g, g, out=scratch)
        scratch *= np.float32(1 - BETA2)
        v *= np.float32(BETA2)
        v += scratch
        np.sqrt(v, out=scratch)
        scratch += epsilon
        np.divide(m, scratch, out=scratch)
        scratch *= rate
        p -= scratch


class Perceptron:
    """Parameters and gradients as views into two flat buffers, and a buffer for every output."""

    def __init__(self, case: Case):
        start = draw_parameters(case)
        self.flat = np.concatenate([part.ravel() for pair in start for part in pair])
        self.flat_gradient = np.empty_like(self.flat)
        shapes = [part.shape for pair in start for part in pair]
        self.layers = _pairs(_views(self.flat, shapes))
        self.gradients = _pairs(_views(self.flat_gradient, shapes))
        self.outputs = [np.empty((case.batch, size), np.float32) for size in case.sizes]
        self.deltas = [np.empty((case.batch, size), np.float32) for size in case.sizes]
        self.masks = [np.empty((case.batch, size), bool) for size in case.sizes]
        self.column = np.empty((case.batch, 1), np.float32)
        self.every = np.arange(case.batch)
        self.loss = 0.0

    def forward(self) -> None:
        last = len(self.layers) - 1
        for number, (weight, bias) in enumerate(self.layers):
            z = self.outputs[number + 1]
            np.matmul(self.outputs[number], weight, out=z)
            z += bias
            if number < last:
                np.maximum(z, 0, out=z)

    def backward(self, y: np.ndarray) -> None:
        self._delta_of_loss(y)
        for number in range(len(self.layers) - 1, -1, -1):
            delta, input = self.deltas[number + 1], self.outputs[number]
            weight_gradient, bias_gradient = self.gradients[number]
            np.matmul(input.T, delta, out=weight_gradient)
            np.sum(delta, axis=0, out=bias_gradient)
            if number:
                self._pass_below(number, delta)

    def _delta_of_loss(self, y: np.ndarray) -> None:
        z, delta = self.outputs[-1], self.deltas[-1]
        np.max(z, axis=1, keepdims=True, out=self.column)
        np.subtract(z, self.column, out=delta)
        np.exp(delta, out=delta)
        np.sum(delta, axis=1, keepdims=True, out=self.column)
        delta /= self.column
        self.loss = -np.log(delta[self.every, y]).mean()
        delta[self.every, y] -= 1
        delta *= np.float32(1 / len(y))

    def _pass_below(self, number: int, delta: np.ndarray) -> None:
        below, mask = self.deltas[number], self.masks[number]
        np.matmul(delta, self.layers[number][0].T, out=below)
        np.less_equal(self.outputs[number], 0, out=mask)
        np.copyto(below, 0, where=mask)


def prepare(case: Case, x: np.ndarray, y: np.ndarray, choice: str = "") -> Trainer:
    """Return a trainer that takes every step in the same buffers."""
    network = Perceptron(case)
    adam, rng = Adam(len(network.flat)), np.random.default_rng(2)

    def train(steps: int) -> None:
        for rows in shuffled_rows(case, steps, rng):
            np.take(x, rows, axis=0, out=network.outputs[0], mode="clip")  # "raise" would copy
            network.forward()
            network.backward(y[rows])
            adam.move(network.flat, network.flat_gradient)

    return Trainer(train, lambda: network.layers)


def _views(flat: np.ndarray, shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    parts = np.split(flat, ends[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _pairs(parts: list[np.ndarray]) -> Parameters:
    return list(zip(parts[::2], parts[1::2], strict=True))
