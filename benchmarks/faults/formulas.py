"""Data written down or drawn from a formula, with the seeds of the published cases."""

import numpy as np

from benchmarks.faults.surrogates import Table


def avg2(n: int = 4000) -> Table:
    x = np.random.default_rng(13).integers(0, 101, (n, 2)).astype(float)
    return x, x.mean(axis=1)


def bitperm() -> Table:
    rows = np.array([[number >> bit & 1 for bit in range(7, -1, -1)] for number in range(256)])
    return rows, rows[np.random.default_rng(3).permutation(256)]


def const128(n: int = 1000) -> Table:
    return np.repeat([1.0, 0.0], n)[:, None] * np.ones(128), np.repeat([1, 0], n)


def copycoord(n: int = 4000) -> Table:
    x = np.random.default_rng(9).uniform(-1, 1, (n, 30))
    return x, x[:, 1]


def grid10() -> Table:
    x = np.array([(a, b) for a in range(1, 11) for b in range(1, 11)], float)
    return x, x


def lin200() -> Table:
    x = np.linspace(0, 10, 200)
    return x, 2 * x + 5 + 0.1 * np.random.default_rng(12).normal(size=200)


def lin3_big(n: int = 4000) -> Table:
    x = np.random.default_rng(1).uniform(0, 1e4, (n, 3))
    return x, x @ [2, 1, 0.5] + 2.2


def lin8() -> Table:
    rng = np.random.default_rng(11)
    x = rng.uniform(-8, 8, 8)
    return x, 5 * x - 3 + rng.uniform(-1, 1, 8)


def line_and_one() -> Table:
    t = np.arange(100.0)
    y = 2 * t + 4 + 10 * np.random.default_rng(6).uniform(0, 1, 100)
    return np.column_stack([t, np.ones(100)]), y


def merged5() -> Table:
    rng = np.random.default_rng(0)
    return rng.integers(1, 11, (5, 5)), rng.integers(0, 5, (5, 4))


def negreg200() -> Table:
    x = np.random.default_rng(4).normal(size=(200, 2))
    return x, 0.8 * x[:, 0] - 0.6 * x[:, 1]


def poly5() -> Table:
    x = np.arange(0, 10, 0.05)
    powers = (0, 15.72807, -7.273893, 1.4912, -0.1384615, 0.00474359)
    terms = (factor * x**power for power, factor in enumerate(powers))
    return x, 0.05 * sum(terms, np.zeros_like(x))


def quad() -> Table:
    x = np.arange(-100, 101) / 10
    return x, x**2 + 3


def quad_noise() -> Table:
    x = np.arange(50) / 10
    return x, 5 * x**2 + np.random.default_rng(7).normal(size=50) ** 3


def randint50() -> Table:
    rng = np.random.default_rng(10)
    return rng.integers(50, 2000, (50, 10)), rng.integers(600, 4000, 50).astype(float)


def rows11() -> Table:
    y = np.repeat([0, 1, 2, 3], [2, 3, 3, 3])
    x = np.stack([y, 2 * y, 6 - 2 * y], axis=1) + np.arange(11)[:, None] % 3 * 0.1
    return x, y


def sine(n: int = 1000) -> Table:
    x = np.sort(np.random.default_rng(8).uniform(-10, 10, n))
    return x, np.sin(x)


def sq4() -> Table:
    t = np.arange(4.0)
    return np.column_stack([t**2, t]), t**2


def sq_lin(n: int = 1000) -> Table:
    x = np.linspace(0, 10, n)
    return x, x**2


def toy2(n: int = 200) -> Table:
    rng = np.random.default_rng(5)
    low, high = rng.uniform(0.2, 0.4, (n // 2, 2)), rng.uniform(0.5, 0.7, (n // 2, 2))
    return np.concatenate([low, high]), np.repeat([0, 1], n // 2)


def x4() -> Table:
    x = np.arange(-200, 200) / 2
    return x, x**4


def five_rows() -> Table:
    x = np.array([0.5, 1, 0.4, 5, 25])
    return x, x / 2


def two_points() -> Table:
    return np.array([1.0, 2.0]), np.array([1, 0])


def gate(rows: str, answers: str) -> Table:
    """Return a truth table: ``gate("00 11", "0 1")`` has the rows (0, 0) -> 0 and (1, 1) -> 1."""
    x = np.array([[int(digit) for digit in row] for row in rows.split()], float)
    return x, np.array([int(answer) for answer in answers.split()])
