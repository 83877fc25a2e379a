"""Stand-ins for the data files of published cases, drawn from their figures alone."""

import numpy as np

Table = tuple[np.ndarray, np.ndarray]


def cars() -> Table:
    rng = np.random.default_rng(23)
    highs = ((18, 80), (0, 2), (0, 200), (0, 60_000), (10_000, 150_000))
    x = np.stack([rng.integers(low, high, 963) for low, high in highs], axis=1).astype(float)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    noise = rng.normal(size=963)
    price = 11_000 + 1500 * z[:, 2] + 4000 * z[:, 3] + 2500 * z[:, 4] + 1500 * noise
    return x, np.clip(price, 500, 30_000)


def heart() -> Table:
    mean = (138, 3.6, 4.7, 25.4, 0.4, 53, 26, 17, 43)
    spread = (20, 4.6, 2.1, 7.8, 0.5, 9.8, 4.2, 24.5, 14.6)
    rng = np.random.default_rng(25)
    z = rng.normal(size=(413, 9))
    x = np.maximum(0, np.array(mean) + np.array(spread) * z)
    x[:, 4] = z[:, 4] > 0.2
    pull = z @ np.array((0.1, 0.4, 0.35, 0.1, 0.5, 0.35, -0.1, 0, 0.7)) - 0.7
    return x, _bernoulli(rng, 1.2 * pull)


def letters21() -> Table:
    x = np.random.default_rng(21).integers(65, 71, (21, 3)).astype(float)
    return x, (x.sum(axis=1) > 202).astype(int)


def mpg() -> Table:
    rng = np.random.default_rng(26)
    rows = 392
    size = rng.normal(size=rows)

    def around(mean: float, slope: float, noise: float) -> np.ndarray:
        return mean + slope * size + noise * rng.normal(size=rows)

    cylinders = np.clip(np.round(around(5.5, 1.5, 0.5) / 2) * 2, 4, 8)
    measured = [
        cylinders,
        around(195, 90, 25),
        around(104, 32, 15),
        around(2978, 750, 250),
        around(15.5, -1.6, 2),
    ]
    year = rng.integers(70, 83, rows).astype(float)
    origin = np.eye(3)[rng.choice(3, rows, p=(0.62, 0.18, 0.2))]
    ideal = 22.3 - 6 * size + 1.2 * size**2 + 0.75 * (year - 76) + 1.5 * origin[:, 2]
    y = np.clip(ideal + 2 * rng.normal(size=rows), 9, 47)
    return np.column_stack([*measured, year, origin]), y


def mpg10() -> Table:
    x, y = mpg()
    return x, 10 * y


def mult66() -> Table:
    pairs = [(k * m, (k + 1) * m, (k + 2) * m) for m in range(2, 13) for k in range(1, 5)]
    rows = np.array(pairs, float)
    return rows[:, :2], rows[:, 2]


def packets() -> Table:
    rng = np.random.default_rng(22)
    small = rng.integers(1, 60_001, (21, 4))
    large = 3.232e9 + rng.integers(0, 1_000_001, (21, 2))
    flags = rng.integers(0, 2, (21, 5))
    x = np.column_stack([small, large, flags]).astype(float)
    return x, (x[:, 0] > 30_000).astype(int)


def pima() -> Table:
    mean, spread = (4, 121, 69, 21, 80, 32, 0.47, 33), (3.4, 32, 19, 16, 115, 7.9, 0.33, 11.8)
    rng = np.random.default_rng(24)
    z = rng.normal(size=(768, 8))
    x = np.maximum(0, np.array(mean) + np.array(spread) * z)
    pull = z @ np.array((0.4, 1.2, -0.2, 0, -0.1, 0.7, 0.3, 0.2)) - 0.8
    return x, _bernoulli(rng, 1.3 * pull)


def sin_dir() -> Table:
    return np.random.default_rng(0).normal(size=(299, 2)), np.ones(299, int)


def thresh1d() -> Table:
    x = np.random.default_rng(2).integers(15_000, 25_000, (1000, 1)).astype(float)
    return x, (x[:, 0] < 19_900).astype(int)


def _bernoulli(rng: np.random.Generator, pull: np.ndarray) -> np.ndarray:
    return (rng.random(len(pull)) < 1 / (1 + np.exp(-pull))).astype(int)
