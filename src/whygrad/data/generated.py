"""Generated problems, small enough to look at: each asks something else of a network.

A maker takes the number of samples, the spread of its noise and a random generator, and returns
inputs (m, 2) and targets.
"""

from __future__ import annotations

import numpy as np

Made = tuple[np.ndarray, np.ndarray]
CELLS = 4  # a checkerboard has so many cells a side
TURNS = 1.5  # each arm of the spiral goes round so often


def spiral(samples: int, noise: float | int, generator: np.random.Generator) -> Made:
    """Three interleaved arms; a bend for every turn."""
    y = np.arange(samples) % 3
    along = generator.uniform(0.08, 1.0, samples)
    angle = 2 * np.pi * (TURNS * along + y / 3) + generator.normal(0, noise, samples)
    return np.stack([along * np.cos(angle), along * np.sin(angle)], axis=1), y


def circles(samples: int, noise: float | int, generator: np.random.Generator) -> Made:
    """A ring around a ring; no straight line parts them."""
    y = np.arange(samples) % 2
    angle = generator.uniform(0, 2 * np.pi, samples)
    radius = np.where(y == 1, 0.5, 1.0)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return x + generator.normal(0, noise, x.shape), y


def moons(samples: int, noise: float | int, generator: np.random.Generator) -> Made:
    """Two half-moons that reach into each other."""
    y = np.arange(samples) % 2
    angle = generator.uniform(0, np.pi, samples)
    side = 1 - 2 * y
    x = np.stack([side * np.cos(angle) + y, side * np.sin(angle) + y / 2], axis=1)
    return x + generator.normal(0, noise, x.shape), y


def xor(samples: int, noise: float | int, generator: np.random.Generator) -> Made:
    """Class 1 where the signs of the two inputs differ; the noise blurs the border."""
    x = generator.uniform(-1, 1, (samples, 2))
    y = (x[:, 0] > 0) != (x[:, 1] > 0)
    return x + generator.normal(0, noise, x.shape), y.astype(int)


def checkerboard(samples: int, noise: float | int, generator: np.random.Generator) -> Made:
    """The fields of a board of 4 by 4; many corners for a small network."""
    x = generator.uniform(0, CELLS, (samples, 2))
    y = np.floor(x).astype(int).sum(axis=1) % 2
    return (x - CELLS / 2) / (CELLS / 2) + generator.normal(0, noise, x.shape), y


def linear(samples: int, noise: float | int, generator: np.random.Generator) -> Made:
    """A plane, 2 x1 - 3 x2 + 1: what a single neuron can learn."""
    x = generator.uniform(-1, 1, (samples, 2))
    y = x @ np.array([2.0, -3.0]) + 1 + generator.normal(0, noise, samples)
    return x, y[:, None]
