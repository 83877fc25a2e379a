"""What the arrays of the run of a watched model must be."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from whygrad.record.fields import ROW_FIELDS
from whygrad.record.schema.arrays import INTEGER, Arrays, Form

SIZES = ("pushed", "through", "pulled", "pulls", "delta", "layer")
UPDATE = ("before", "after", "gradient")
LATER = ("came", "asked")
TYPE = "float32"  # whatever the model computes in
REDUCED = "/reduced"  # behind a layer's name: |gradient| of the mean over all processes, (n_out,)


def key_of_rows(layer: str) -> str:
    """Return what a layer's rows are called beside ``steps``; no path begins with a dot."""
    return f".{layer}" if layer == "steps" else layer


def rows_forms(layers: Mapping[str, Any], names: Iterable[str], arrays: Arrays) -> dict[str, Form]:
    """Return what a file of recorded rows holds: rows of some layers, and what stands beside them.

    Args:
        layers: of ``run.json``.
        names: of all arrays in the file: a layer's, and ``layer/reduced``.
        arrays: those that were read.
    """
    recorded = arrays["steps"].size if "steps" in arrays else 0
    forms = {"steps": Form((recorded,), INTEGER)}
    by_key = {key_of_rows(layer): of_layer for layer, of_layer in layers.items()}
    for name in names:
        of_layer = by_key.get(name) or layers.get(name.removesuffix(REDUCED))
        if of_layer is not None and name != "steps":
            fields = (len(ROW_FIELDS),) if name in by_key else ()
            shape = (recorded, *fields, of_layer["n_out"])
            forms[name] = Form(shape, TYPE, is_needed=False)
    return forms


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
