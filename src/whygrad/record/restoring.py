"""What a full snapshot holds of a layer, as if all of it had been written.

Where samples take less room than a gradient, they stand for it, and for its pulls; and where a
weight's movement was kept, that and the weight before it stand for the weight after it.
"""

from collections.abc import Mapping

import numpy as np

from whygrad.record.layers import LayerSpec

Arrays = Mapping[str, np.ndarray]


def restored(spec: LayerSpec, arrays: Arrays) -> dict[str, np.ndarray]:
    """Return the arrays of a layer, by name, with all that can be worked out from them."""
    found = dict(arrays)
    if "sample.delta" in found:
        input, delta = found["sample.input"], found["sample.delta"]
        found.setdefault("sample.upstream", delta)
        if "weight.gradient" not in found:
            found["weight.gradient"] = spec.from_matrix(input.T @ delta)
        if "pulls" not in found:
            found["pulls"] = spec.from_matrix(abs(input).T @ abs(delta))
    if "strongest.delta" in found:
        found.setdefault("strongest.upstream", found["strongest.delta"])
    for which in ("weight", "bias"):
        if f"{which}.moved" in found:
            found[f"{which}.after"] = found[f"{which}.before"] + found[f"{which}.moved"]
        if f"{which}.ratio" in found:
            came = found.get(f"{which}.came", found[f"{which}.gradient"])
            found[f"{which}.asked"] = came * found.pop(f"{which}.ratio")
    return found
