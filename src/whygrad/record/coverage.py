"""How much of a watched model is taken apart, and why the rest is not."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from whygrad.words import percent, t

UNTOUCHED = "no_gradient"  # the one reason for which there is nothing to take apart
REASONS = ("unseen", "hidden", "mixed", "not_plain", "not_again", UNTOUCHED)

Reasons = dict[str, tuple[str, dict[str, str]]]


@dataclass(frozen=True)
class Coverage:
    """How much of a model is taken apart.

    Attributes:
        share: of the numbers of all parameters that a gradient came to, 0 to 1.
        reasons: of each other parameter, by name: the key of a sentence, and what it tells.
        alone: the part of ``share`` that goes alone into functions that are no product and no sum:
            it is told as biases are, with one row for all samples.
    """

    share: float
    reasons: Reasons
    alone: float = 0.0

    @property
    def missing(self) -> dict[str, str]:
        """Why each of the other parameters is not taken apart, by name."""
        return {name: t(key, **told) for name, (key, told) in self.reasons.items()}

    @property
    def text(self) -> str:
        """The shares in words, in the language in use."""
        shares = {"share": percent(self.share, 1), "alone": percent(self.alone, 1)}
        return t("coverage.share.alone" if self.alone else "coverage.share", **shares)

    def __str__(self) -> str:
        return "\n".join([self.text, *(f"  {name}: {why}" for name, why in self.missing.items())])


def coverage_of(description: Mapping[str, Any]) -> Coverage:
    """Return how much of a model is taken apart: of whygrad's own networks all.

    Args:
        description: ``run.json``. One of an older version names modules, and no reasons.
    """
    if "every" not in description:
        return Coverage(1.0, {})
    layers = description["layers"].values()
    known = {name for one in layers for name in (one["weight"], one["bias"]) if name}
    missing = {n: one for n, one in description.get("missing", {}).items() if n not in known}
    if "learned" not in description:
        told: Reasons = {
            n: ("coverage.missing.unseen", {}) for n in description.get("uncovered", ())
        }
        counted = {one["weight"]: _numbers(one) for one in layers}
        return Coverage(min(sum(counted.values()) / (description.get("parameters") or 1), 1), told)
    left = sum(one["count"] for one in missing.values() if one["why"] != UNTOUCHED)
    told = {
        name: (f"coverage.missing.{one['why']}", {"function": one["function"]})
        for name, one in sorted(missing.items())
    }
    learned = max(description["learned"], 1)
    alone = sum({one["weight"]: _numbers(one) for one in layers if one["kind"] == "alone"}.values())
    return Coverage(1 - left / learned, told, alone / learned)


def _numbers(layer: Mapping[str, Any]) -> int:
    rows = layer.get("parameter_rows", layer["shape"][0])
    return rows * prod(layer["shape"][1:]) + (layer["n_out"] if layer["bias"] else 0)
