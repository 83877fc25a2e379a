"""What all cases come to."""

from collections.abc import Iterable
from statistics import median
from typing import Any

ENOUGH = 0.99  # of the parameters


def totals(found: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return what all cases come to."""
    found = list(found)
    tried_ones = [one for one in found if "failed" not in one]
    return {
        "architectures": len(tried_ones),
        "failed": len(found) - len(tried_ones),
        "same": sum(one["same"] for one in tried_ones),
        "taken_apart": sum(one["share"] >= ENOUGH for one in tried_ones),
        "least_share": min((one["share"] for one in tried_ones), default=None),
        "gradients": sum(one["compared"] for one in tried_ones),
        "gradients_differ": sum(len(one["differ"]) for one in tried_ones),
        "alarmed": sum(bool(one["alarms"]) for one in tried_ones),
        "ratio": median([one["ratio"] for one in tried_ones] or [float("nan")]),
    }
