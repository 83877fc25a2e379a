"""What whygrad promises about its speed, and whether the results keep it."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.cases import LARGE, MNIST, SMALL, Case


@dataclass(frozen=True)
class Target:
    """One promise.

    Attributes:
        name: word key ``bench.target.<name>``.
        value: reads the measured value out of the results.
        limit: what it is held against.
        is_floor: whether more is better.
        unit: written behind the numbers.
    """

    name: str
    value: Callable[[dict], float]
    limit: float
    is_floor: bool
    unit: str

    def judge(self, results: dict) -> dict:
        """Return measured value, limit, whether it is reached, and by how much, relative to it.

        ``margin`` is above 0 where the target is reached, below 0 where it is missed. What could
        not be measured has no value and is not reached.
        """
        try:
            value = self.value(results)
        except (KeyError, ValueError):  # a peer is missing, or a measurement failed
            return self._verdict(None, None)
        ratio = value / self.limit - 1
        return self._verdict(value, ratio if self.is_floor else -ratio)

    def _verdict(self, value: float | None, margin: float | None) -> dict:
        return {
            "name": self.name,
            "value": value,
            "limit": self.limit,
            "is_floor": self.is_floor,
            "unit": self.unit,
            "reached": margin is not None and margin >= 0,
            "margin": margin,
        }


def times_faster(case: Case, *peers: str) -> Callable[[dict], float]:
    """Return how to read whygrad's speed over that of the fastest of some peers; of all if none."""

    def read(results: dict) -> float:
        row = results["steps"]["cases"][case.name]
        others = peers or tuple(name for name in row if name != "whygrad")
        return min(row[name]["median"] for name in others) / row["whygrad"]["median"]

    return read


def recording_cost(how: str, part: str = "recording") -> Callable[[dict], float]:
    """Return how to read the largest cost of recording over all cases, as a factor."""

    def read(results: dict) -> float:
        return max(row[how]["cost"] for row in results[part].values())

    return read


def _startup(results: dict, what: str) -> float:
    return results["startup"][f"{what}_seconds"]


TARGETS = (
    Target("eager_small", times_faster(SMALL, "PyTorch eager"), 20, True, "x"),
    Target("sklearn_small", times_faster(SMALL, "scikit-learn"), 8, True, "x"),
    Target("best_mnist", times_faster(MNIST), 1.3, True, "x"),
    Target("best_large", times_faster(LARGE, "PyTorch eager", "NumPy"), 1.05, True, "x"),
    Target("record_default", recording_cost("record_every=10"), 1.03, False, "x"),
    Target("record_numpy", recording_cost("record_every=10", "recording_numpy"), 1.03, False, "x"),
    Target("record_all", recording_cost("record_every=1"), 1.4, False, "x"),
    Target("import", lambda results: results["startup"]["import_seconds"], 0.3, False, "s"),
    Target("import_jax", lambda results: 1 + results["startup"]["import_loads_jax"], 1, False, ""),
    Target("iris", lambda results: _startup(results, "train_iris"), 4, False, "s"),
    Target("iris_again", lambda results: _startup(results, "train_iris_again"), 4, False, "s"),
    Target("memory", lambda results: 1 + results["memory"]["growth"], 1.05, False, "x"),
)


def _longest(results: dict, what: str) -> float:
    return results["milliseconds"][what]["p95"]


def _frames_a_second(results: dict) -> float:
    """Return those of the room that is slowest to redraw, over a whole drag."""
    return 1000 / max(room["mean"] for room in results["drag"].values())


LAB_TARGETS = (
    Target("lab_opening", lambda results: _longest(results, "opening"), 1000, False, "ms"),
    Target("lab_drag", _frames_a_second, 30, True, ""),
    Target("lab_click", lambda results: _longest(results, "click"), 100, False, "ms"),
    Target("lab_engine", lambda results: results["engine"]["median"], 0.5, False, "s"),
    Target("lab_bytes", lambda results: results["bytes"]["lab"] / 1000, 400, False, "kB"),
    Target("lab_run_bytes", lambda results: results["bytes"]["recorded"] / 1e6, 5, False, "MB"),
)

# of the longest recorded run, from the shell
GROWTH_TARGETS = tuple(
    Target(
        f"growth_{what}",
        lambda results, what=what: results["reading"]["seconds"][what],
        5,
        False,
        "s",
    )
    for what in ("open", "show", "why", "report")
)


def judge_all(results: dict, targets: tuple[Target, ...] = TARGETS) -> list[dict]:
    """Return the verdict on every target."""
    return [target.judge(results) for target in targets]
