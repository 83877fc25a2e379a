"""What the files of the run of a watched model must hold: their JSON, and their arrays.

``RUN`` is ``run.json``, ``LINE`` a line of ``history.jsonl``, ``FACTS`` one of ``facts.jsonl``, and
``WHOLE`` the notes beside the arrays of ``whole/<step>.safetensors``. A number that was not finite
stands as null in all of them.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from whygrad.record.coverage import REASONS
from whygrad.record.description import UNSEALED
from whygrad.record.layers import WATCHED_KINDS, layout_of
from whygrad.record.schema.arrays import INTEGER, Arrays, Form
from whygrad.record.schema.checks import (
    Check,
    Fault,
    agreeing,
    anything,
    by_step,
    checksum,
    disagrees,
    either,
    flag,
    list_of,
    map_of,
    maybe,
    number,
    one_of,
    ranged,
    record,
    text,
    whole,
)
from whygrad.settings import Range

STATES = ("training", "failed", "finished")
COUNT = whole(0, 2**31)
SIZE = whole(1, 2**31)
LARGE = whole(0, 2**63)  # parameters, rows
MEASURE = maybe(number)
NORM = maybe(ranged(Range(float, 0)))
TEXTS = list_of(text)
MEASURES = list_of(MEASURE)


def _shape_fits(layer: dict[str, Any]) -> Iterator[Fault]:
    """n_out and n_in are what the shape tells, by the kind of the layer and its axes."""
    axes = layer.get("neuron_axes", [])
    known = sorted({axis for axis in axes if axis < len(layer["shape"])})
    if axes != known:
        yield disagrees(("neuron_axes",), axes, known, "shape")
        return
    n_in, n_out = layout_of(layer["kind"], layer.get("neuron_axes")).sizes(layer["shape"])
    for name, expected in (("n_out", n_out), ("n_in", n_in)):
        if layer[name] != expected:
            yield disagrees((name,), layer[name], expected, "shape")


LAYER = record(
    {
        "kind": one_of(WATCHED_KINDS),
        "weight": text,
        "n_in": SIZE,
        "n_out": SIZE,
        "activation": text,
        "steepest": NORM,
        "shape": list_of(SIZE, 1),
        "bias": maybe(text),
        "first": COUNT,
        "is_shared": flag,
        "feeds": maybe(text),
    },
    {
        "parameter_rows": COUNT,
        "bias_first": COUNT,
        "bias_rows": COUNT,
        "neuron_axes": list_of(COUNT),
        "sharded": list_of(one_of(("weight", "bias"))),
    },
    also=[agreeing(_shape_fits)],
)
MEASURED = record(
    {name: number for name in ("recording_step", "other_step", "ratio", "share")},
)


def _overhead(value: Any) -> Fault | None:
    """What watching cost; nothing where too few steps were taken to tell."""
    return None if value == {} else MEASURED(value)


MISSING = record({"why": one_of(REASONS), "function": text, "count": LARGE})
STANDING: dict[str, Check] = {  # since format 2
    "whole": by_step(checksum),
    "lines": record({"history": COUNT, "facts": COUNT}),
}


def _has_standing(run: dict[str, Any]) -> Iterator[Fault]:
    for name in STANDING if run["format"] != UNSEALED else ():
        if name not in run:
            yield Fault("missing", place=(name,))


def _every(value: Any) -> Fault | None:
    return None if value == "auto" else SIZE(value)


RUN = record(
    {
        "format": COUNT,
        "kind": one_of(("watched",)),
        "state": one_of(STATES),
        "created": text,
        "versions": map_of(text),
        "model": text,
        "every": _every,
        "layers": map_of(LAYER),
    },
    {
        "device": text,
        "fields": COUNT,
        "parameters": LARGE,
        "uncovered": TEXTS,
        "missing": map_of(MISSING),
        "learned": LARGE,
        "explainable": TEXTS,
        "steps": COUNT,
        "overhead": _overhead,
        "failure": record({"kind": text, "message": text}),
        "rank": COUNT,
        "ranks": SIZE,
        "merged": list_of(list_of(anything, 3, 3)),
        "rows": list_of(COUNT),
        **STANDING,
    },
    also=[agreeing(_has_standing)],
)
LINE = record({"step": COUNT}, {"loss": MEASURE})
GIVEN = record(  # what a loss is given: claims or targets; nothing where it is no plain tensor
    {},
    {
        "shape": list_of(COUNT),
        "type": text,
        "low": MEASURE,
        "high": MEASURE,
        "sums_to_one": flag,
    },
)
LOSS = record(
    {
        "name": text,
        "value": MEASURE,
        "claims": GIVEN,
        "targets": GIVEN,
        "claims_from": maybe(text),
        "reduction": text,
    },
    {"weight": MEASURE, "part": MEASURE},
)
NORMS = record(
    {"weight": NORM, "update": NORM, "gradient": NORM, "asked": NORM},
    {"rows": LARGE, "calls": COUNT},
)
FACTS = record(
    {"step": COUNT},
    {
        "losses": list_of(LOSS),
        "backwards": MEASURES,
        "scales": MEASURES,
        **{
            name: TEXTS
            for name in (
                "left_over",
                "in_eval_mode",
                "frozen",
                "not_held",
                "without_gradient",
                "cut_off",
                "uncovered",
                "early_schedulers",
            )
        },
        "dropout": map_of(NORM),
        "modal": COUNT,
        "strangers": COUNT,
        "made_in_forward": COUNT,
        "optimizers": list_of(
            record(
                {"name": text, "rates": MEASURES},
                {"weight_decays": MEASURES, "initial_rates": MEASURES, "maximizes": flag},
            )
        ),
        "layers": map_of(NORMS),
    },
)
NUMBERS = either(MEASURES, MEASURE)  # Adafactor has two where others have one
SWITCH = maybe(lambda value: None if value in (0, 1) else flag(value))
UPDATED = record(  # the settings of a parameter's group; an optimiser of the user's has any of them
    {},
    {
        "name": text,
        **{
            name: NUMBERS
            for name in ("lr", "momentum", "dampening", "weight_decay", "alpha", "betas", "eps")
        },
        **{
            name: SWITCH
            for name in ("nesterov", "maximize", "amsgrad", "centered", "decoupled_weight_decay")
        },
        "step": LARGE,
    },
)
PACKED = record({}, {"as": text, "type": text, "shape": list_of(COUNT), "planes": list_of(LARGE)})
WHOLE = record(
    {"line": LINE, "optimizers": map_of(record({"weight": UPDATED}, {"bias": UPDATED}))},
    {"packed": map_of(PACKED)},
)


def facts_of(run: Mapping[str, Any]) -> Check:
    """Return what a line of the facts must be, in a run of this description."""

    def check(line: Any) -> Fault | None:
        fault = FACTS(line)
        for name in line.get("layers", ()) if fault is None else ():
            if name not in run["layers"]:
                return Fault("no_layer", place=("layers", name))
        return fault

    return check


def whole_of(step: int, layers: Collection[str], names: Collection[str] = ()) -> Check:
    """Return what the notes must be beside the arrays of a step that was kept whole.

    Args:
        layers: those that the arrays are of.
        names: of the arrays as they are written.
    """

    def check(notes: Any) -> Fault | None:
        fault = WHOLE(notes)
        if fault is not None:
            return fault
        if notes["line"]["step"] != step:
            actual = notes["line"]["step"]
            return disagrees(("line", "step"), actual, step, f"{step}.safetensors")
        told = notes["optimizers"]
        for name in told.keys() ^ set(layers):
            return Fault("missing" if name in layers else "unknown", place=("optimizers", name))
        for name, note in notes.get("packed", {}).items():
            is_whole = note.keys() in ({"as"}, {"type", "shape", "planes"})
            if note.get("as", name) not in names or not is_whole:
                return Fault("unknown", place=("packed", name))
        return None

    return check


# --- arrays of full snapshots -----------------------------------------------------------------


SIZES = ("pushed", "through", "pulled", "pulls", "delta", "layer")
UPDATE = ("before", "after", "gradient")
PLACES = ("places", "tokens")
LATER = ("came", "asked", "moved")
TYPE = "float32"  # whatever the model computes in


def whole_forms(
    layers: Mapping[str, Any], arrays: Arrays, names: Collection[str] = ()
) -> dict[str, Form]:
    """Return the arrays of a step that was kept whole, of the layers that are in the file.

    Args:
        layers: of ``run.json``.
        arrays: by ``layer/name``.
        names: of all that are in the file, where only some were read.
    """
    nothing = np.empty(0)
    parts: dict[str, dict[str, np.ndarray]] = {}
    for name in {**dict.fromkeys(names), **arrays}:
        layer, _, which = name.rpartition("/")
        parts.setdefault(layer, {})[which] = arrays.get(name, nothing)
    return {
        f"{layer}/{name}": form
        for layer, part in parts.items()
        if layer in layers
        for name, form in _forms_of_layer(layers[layer], part).items()
    }


def _forms_of_layer(layer: Mapping[str, Any], arrays: Arrays) -> dict[str, Form]:
    n_in, n_out, shape = layer["n_in"], layer["n_out"], tuple(layer["shape"])
    is_in_samples = "sample.delta" in arrays
    forms = {name: Form((n_out,), TYPE) for name in SIZES} | {
        "layer": Form((3,), TYPE),
        "pulls": Form(shape, TYPE, is_needed=not is_in_samples),
        "length": Form((1,), TYPE, is_needed=False),
        "closeness": Form((4,), TYPE, is_needed=False),
        **{name: Form(arrays[name].shape, INTEGER) for name in PLACES if name in arrays},
    }
    for which, of_parameter in (("weight", shape), ("bias", (n_out,))):
        found = {name for name in arrays if name.startswith(f"{which}.")}
        is_updated = bool(found - {f"{which}.before"})  # else it is frozen
        is_needed = {name: is_updated for name in UPDATE}
        is_needed["after"] &= f"{which}.moved" not in found
        is_needed["gradient"] &= not (is_in_samples and which == "weight")
        states = {name for name in found if name.startswith(f"{which}.state.")}
        optional = states | {f"{which}.{name}" for name in LATER}
        forms |= {
            f"{which}.{name}": Form(of_parameter, TYPE, is_needed=needed)
            for name, needed in is_needed.items()
        }
        forms |= {name: Form(of_parameter, TYPE, is_needed=False) for name in optional}
        forms[f"{which}.ratio"] = Form((1,), TYPE, is_needed=False)
    for part in ("sample", "strongest"):
        widths = {f"{part}.input": n_in, f"{part}.upstream": n_out, f"{part}.delta": n_out}
        found = widths.keys() & arrays.keys()
        rows = max((len(arrays[n]) for n in found if arrays[n].ndim), default=0)
        for name, width in widths.items():
            needed = bool(found) and name != f"{part}.upstream"
            forms[name] = Form((rows, width), TYPE, is_needed=needed)
        if found and part == "strongest":
            forms["strongest.rows"] = Form((rows,), INTEGER)
            forms["strongest.of"] = Form((1,), INTEGER)
    return forms
