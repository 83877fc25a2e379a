"""What pyarrow has under a private name only. Tried with pyarrow 26.0.

A dataset that was filtered gives the fragments of all rows, and nothing public tells it from one
that was not.
"""

from typing import Any


def is_filtered(dataset: Any) -> bool:
    """Return whether only some rows of a dataset are wanted."""
    return bool(getattr(dataset, "_scan_options", None))
