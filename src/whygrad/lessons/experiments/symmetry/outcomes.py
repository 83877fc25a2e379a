"""Which sentences are true of a run of the lesson on symmetry, and the numbers in them."""

from typing import Any

import numpy as np

from whygrad.lessons.experiments.symmetry.setup import TOLERANCE, Symmetry
from whygrad.lessons.instruments.seats import EPSILON, SEATS
from whygrad.lessons.instruments.stand_in import NUDGE, PREDICTABLE
from whygrad.lessons.lesson import Measured


def numbers(setup: Symmetry, measured: Measured) -> dict[str, Any]:
    """Return every number that a sentence may need, by its name in the sentences."""
    rounded, dropped = measured["rounding"], measured["dropout"]
    replaced = list(measured["replacement"].values())
    rows = [one for row in replaced for one in row.values()]
    first = rounded["first"]
    return {
        **{name: getattr(setup, name) for name in vars(setup)},
        "samples": measured["samples"],
        "guessing": measured["guessing"],
        "outgoing_apart": measured["outgoing"]["apart"],
        "random": measured["random"]["final"],
        "random_width": measured["random"]["width"],
        "random_apart": measured["random"]["apart"],
        "lowest": measured["lowest"],
        "largest": measured["apart"],
        "pairs": len(rows),
        "difference": float(np.max([one["difference"] for one in rows])),
        "unmatched": float(np.max([one["unmatched"] for one in rows])),
        "without_epsilon": float(np.max([row["adam"]["same_epsilon"] for row in replaced])),
        "walked": measured["replacement"][setup.activation][setup.optimizer]["steps"],
        "shortest": min(one["steps"] for one in rows),
        "rate_in": setup.learning_rate / setup.width,
        "rate_out": setup.learning_rate * setup.width,
        "epsilon": EPSILON,
        "epsilon_in": EPSILON * setup.width,
        "nudge": NUDGE,
        "predictable": PREDICTABLE,
        "tolerance": TOLERANCE,
        "zero_final": measured["zeros"]["tanh"]["final"],
        "dropout_percent": round(100 * setup.dropout, 2),
        "dropout_width": dropped["width"],
        "dropout_apart": dropped["apart"],
        "neurons": rounded["neurons"],
        "lanes": SEATS,
        "seated": rounded["seated"]["apart"],
        "seated_final": rounded["seated"]["final"],
        "alone": rounded["alone"]["apart"],
        "alone_width": rounded["alone"]["width"],
        "alone_final": rounded["alone"]["final"],
        "first": first,
        "first_size": float(rounded["alone"]["curve"][first - 1]) if first else 0.0,
    }


def result(measured: Measured) -> str:
    """Return who got further down: ``ahead`` (the random starts), ``level``, or ``lost``."""
    ends = [measured["random"]["final"], *(one["final"] for one in measured["starts"].values())]
    if not np.isfinite(ends).all():
        return "lost"
    return "ahead" if measured["random"]["final"] < measured["lowest"] else "level"


def one(setup: Symmetry, measured: Measured) -> str:
    """Return how the single neuron goes: the ``same`` way, ``shorter``, ``differs`` or ``none``."""
    mine = measured["replacement"][setup.activation][setup.optimizer]
    if not mine["difference"] <= TOLERANCE:
        return "none" if not mine["steps"] else "differs"
    return "same" if mine["steps"] == setup.steps else "shorter"


def replaced(told: dict[str, Any]) -> str:
    """Return what the proof came to: ``same``, ``differs``, or ``none`` where a pair is missing."""
    if not told["shortest"]:
        return "none"
    return "same" if told["difference"] <= TOLERANCE else "differs"


def matching(told: dict[str, Any]) -> list[str]:
    """Return what can be told about other rates: ``matching``, ``matching_lost``, ``epsilon``."""
    if not told["difference"] <= TOLERANCE:
        return []
    parts = {
        "epsilon": told["without_epsilon"] > TOLERANCE,
        "matching": told["unmatched"] > TOLERANCE,
    }
    parts["matching_lost"] = not np.isfinite(told["unmatched"])
    return [name for name in ("matching", "matching_lost", "epsilon") if parts[name]]


def apart(measured: Measured) -> str:
    """Return whether clones stayed ``equal``, were ``parted``, or ``lost`` their numbers."""
    widths = [start["width"] for start in measured["starts"].values()]
    if not np.isfinite([measured["apart"], *widths]).all():
        return "lost"
    return "equal" if measured["apart"] == 0 and set(widths) == {1} else "parted"


def dropout(setup: Symmetry, measured: Measured) -> str:
    """Return what dropout did: ``parted``, ``silent``, ``off`` or ``lost``."""
    if setup.dropout == 0:
        return "off"
    if not np.isfinite([measured["dropout"]["apart"], measured["dropout"]["width"]]).all():
        return "lost"
    return "silent" if measured["dropout"]["apart"] == 0 else "parted"


def rounding(measured: Measured) -> str:
    """Return what rounding did: ``grown``, ``small``, ``even``, ``uneven`` or ``lost``."""
    rounded = measured["rounding"]
    both = [rounded["seated"], rounded["alone"]]
    if not np.isfinite([one[name] for one in both for name in ("apart", "width")]).all():
        return "lost"
    if rounded["seated"]["apart"] != 0:
        return "uneven"
    if rounded["alone"]["apart"] == 0:
        return "even"
    return "grown" if rounded["alone"]["width"] > 1 else "small"
