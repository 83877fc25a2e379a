"""What the arrays of a watched model's full snapshots must be."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from whygrad.record.schema.arrays import Arrays, Form

SIZES = ("pushed", "through", "pulled", "pulls", "delta", "layer")
UPDATE = ("before", "after", "gradient")
LATER = ("came", "asked")
TYPE = "float32"  # whatever the model computes in


def whole_forms(layers: Mapping[str, Any], arrays: Arrays) -> dict[str, Form]:
    """Return the arrays of a step that was kept whole, of the layers that are in the file.

    Args:
        layers: of ``run.json``.
        arrays: by ``layer/name``.
    """
    parts: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        layer, _, which = name.rpartition("/")
        parts.setdefault(layer, {})[which] = array
    return {
        f"{layer}/{name}": form
        for layer, part in parts.items()
        if layer in layers
        for name, form in _forms_of_layer(layers[layer], part).items()
    }


def _forms_of_layer(layer: Mapping[str, Any], arrays: Arrays) -> dict[str, Form]:
    n_in, n_out, shape = layer["n_in"], layer["n_out"], tuple(layer["shape"])
    forms = {name: Form((n_out,), TYPE) for name in SIZES} | {
        "layer": Form((3,), TYPE),
        "pulls": Form(shape, TYPE),
    }
    for which, of_parameter in (("weight", shape), ("bias", (n_out,))):
        found = {name for name in arrays if name.startswith(f"{which}.")}
        is_updated = bool(found - {f"{which}.before"})  # else it is frozen
        states = {name for name in found if name.startswith(f"{which}.state.")}
        optional = states | {f"{which}.{name}" for name in LATER}
        forms |= {
            f"{which}.{name}": Form(of_parameter, TYPE, is_needed=is_updated) for name in UPDATE
        }
        forms |= {name: Form(of_parameter, TYPE, is_needed=False) for name in optional}
    widths = {"sample.input": n_in, "sample.upstream": n_out, "sample.delta": n_out}
    if widths.keys() & arrays.keys():
        rows = max((len(arrays[n]) for n in widths if n in arrays and arrays[n].ndim), default=0)
        forms |= {name: Form((rows, width), TYPE) for name, width in widths.items()}
    return forms
