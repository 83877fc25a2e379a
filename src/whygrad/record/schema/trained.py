"""What the files of one of whygrad's own runs must hold: their JSON, and their arrays.

``RUN`` is ``run.json``, ``LINE`` a line of ``history.jsonl``, ``DATA`` and ``CHECKPOINT`` are the
notes beside the arrays of ``data.safetensors`` and ``checkpoints/<step>.safetensors``.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from math import prod
from typing import Any

import numpy as np

from whygrad.record.activations import OWN
from whygrad.record.description import (
    DTYPES,
    ENGINES,
    MATCHED,
    MEASURES,
    PARTS,
    STATES,
    TASKS,
    UNSEALED,
)
from whygrad.record.schema.arrays import INTEGER, Arrays, Form, first_wrong
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
from whygrad.settings import CHOICES, RANGES, Range

COUNT = whole(0, 2**31)
SIZE = whole(1, 2**31)
SHARE = ranged(Range(float, 0, 1))
# not yet by the first versions
LATER_SETTINGS = ("l1", "maximize", "shuffle", "reduction", "label_smoothing")
NEEDED_BY_STATE = {
    "training": (),
    "stopped": ("steps", "result"),
    "failed": ("steps", "failure"),
    "finished": ("steps", "result"),
}


def _a_layer_each(network: dict[str, Any]) -> Iterator[Fault]:
    layers = len(network["sizes"]) - 1
    counts = {"activations": layers, "biases": layers, "dropout": layers - 1}
    for name, expected in counts.items():
        told = network[name]
        if isinstance(told, list) and len(told) != expected:
            yield disagrees((name,), len(told), expected, "sizes")


def _has_all_of_its_state(run: dict[str, Any]) -> Iterator[Fault]:
    since = () if run["format"] == UNSEALED else STANDING
    for name in (*NEEDED_BY_STATE[run["state"]], *since):
        if name not in run:
            yield Fault("missing", place=(name,))


def _within_its_length(run: dict[str, Any]) -> Iterator[Fault]:
    total, epochs = total_steps(run), run["settings"]["epochs"]
    if run.get("steps", 0) > total:
        yield disagrees(("steps",), run["steps"], f"≤ {total}", "settings.epochs")
    if run.get("checkpoint", 0) > total:
        yield disagrees(("checkpoint",), run["checkpoint"], f"≤ {total}", "settings.epochs")
    best = run.get("best")
    if best is not None and best["epoch"] > epochs:
        yield disagrees(("best", "epoch"), best["epoch"], f"≤ {epochs}", "settings.epochs")


def _weights_count(settings: dict[str, Any]) -> Iterator[Fault]:
    weights = settings.get("class_weight")
    if isinstance(weights, list) and not 0 < sum(weights) < float("inf"):
        yield Fault("number", sum(weights), ("class_weight",), {"range": " > 0"})


def steps_per_epoch(run: Mapping[str, Any]) -> int:
    """Return how many batches an epoch has, as ``run.json`` tells."""
    return -(-run["data"]["samples"]["train"] // run["settings"]["batch_size"])


def total_steps(run: Mapping[str, Any]) -> int:
    """Return how many steps a whole run takes, as ``run.json`` tells."""
    return steps_per_epoch(run) * run["settings"]["epochs"]


STANDING: dict[str, Check] = {  # since format 2
    "checkpoint": COUNT,
    "checkpoints": by_step(checksum),
    "lines": record({"history": COUNT}),
}
SETTINGS: dict[str, Check] = {
    "loss": one_of(tuple(MATCHED)),
    **{name: ranged(allowed) for name, allowed in RANGES.items()},
    **{name: one_of(choices) for name, choices in CHOICES.items()},
    "class_weight": maybe(either(list_of(ranged(Range(float, 0)), 1), one_of(("balanced",)))),
    "maximize": flag,
}
NETWORK = record(
    {
        "sizes": list_of(SIZE, 2),
        "activations": list_of(one_of(tuple(OWN))),
        "biases": list_of(flag),
        "dropout": either(list_of(SHARE), SHARE),
        "dtype": one_of(DTYPES),
    },
    also=[agreeing(_a_layer_each)],
)
MEASURED = record({"loss": number}, {name: number for name in MEASURES})
SECTIONS = {name: map_of(anything) for name in ("data", "network", "training")}
ORIGIN = record({}, SECTIONS, others=anything)
RUN = record(
    {
        "format": COUNT,
        "state": one_of(STATES),
        "created": text,
        "versions": map_of(text),
        "device": text,
        "origin": ORIGIN,
        "network": NETWORK,
        "settings": record(
            {name: check for name, check in SETTINGS.items() if name not in LATER_SETTINGS},
            {name: SETTINGS[name] for name in LATER_SETTINGS},
            also=[agreeing(_weights_count)],
        ),
        "data": record(
            {
                "name": text,
                "task": one_of(TASKS),
                "fingerprint": text,
                "samples": record({"train": SIZE, "validation": COUNT, "test": COUNT}),
            }
        ),
    },
    {
        **STANDING,
        "engine": one_of(tuple(ENGINES)),
        "devices": COUNT,
        "fields": COUNT,
        "steps": COUNT,
        "result": record({}, {part: MEASURED for part in PARTS}),
        "best": maybe(record({"epoch": SIZE, "loss": number})),
        "failure": record({"kind": text, "key": text, "message": text}, others=anything),
    },
    also=[agreeing(_has_all_of_its_state), agreeing(_within_its_length)],
)
OF_EVERY_LINE = ("step", "epoch", "loss")
MEASURED_AT_AN_EPOCHS_END = ("train_loss", *(f"validation_{name}" for name in MEASURES))
LINE = record(
    {"step": COUNT, "epoch": COUNT, "loss": number},
    {name: number for name in MEASURED_AT_AN_EPOCHS_END},
)
TEXTS = list_of(text)
# how words of a column are read, and the inputs that a date becomes; see data.forms, data.dates
FORMS = ("", "comma", "grouped_comma", "grouped_point", "ymd", "dmy", "mdy", "named", "time")
PARTS_OF_DATES = ("year", "month", "day", "weekday", "hour", "minute", "second")
FILE = record(
    {
        "name": text,
        "path": text,
        "kind": one_of(("text", "packed", "whole", "json", "parquet", "arrow")),
        "size": whole(0, 2**62),
        "modified": whole(0, 2**63),
        "digest": text,
        "names": TEXTS,
        "keys": map_of(maybe(text)),
        "delimiter": text,
        "start": whole(0, 2**62),
    },
    {"encoding": text},  # not yet by the first versions
)
STREAM = record(
    {
        "files": list_of(FILE, 1),
        "kinds": map_of(text),
        "forms": map_of(one_of(FORMS)),
        "target": record(
            {
                "columns": list_of(text, 1),
                "task": one_of(TASKS),
                "names": TEXTS,
                "values": maybe(list_of(number)),
            }
        ),
        "weight": maybe(text),
        "weights": maybe(list_of(number, 2, 2)),
        "class_counts": maybe(list_of(whole(0, 2**62))),
        "seed": whole(0, 2**62),
        "validation": SHARE,
        "test": SHARE,
        "sample": ranged(Range(float, 0)),
        "buffer": SIZE,
        "lanes": SIZE,
    }
)
DATA = record(
    {
        "description": record(
            {
                "name": text,
                "task": one_of(TASKS),
                "feature_names": TEXTS,
                "target_names": TEXTS,
                "image_shape": maybe(list_of(SIZE, 2, 2)),
                "columns": TEXTS,
                "categories": list_of(TEXTS),
                "notes": list_of(record({"key": text, "values": map_of(anything)})),
                "source": map_of(anything),
            },
            {
                "forms": list_of(one_of(FORMS)),
                "parts": list_of(list_of(one_of(PARTS_OF_DATES))),
                "stream": STREAM,
            },
        )
    }
)
CHECKPOINT = record({"step": COUNT}, {"best": record({"epoch": SIZE, "loss": number})})


def line_of(run: dict[str, Any]) -> Check:
    """Return what a line of the history must be, in a run of this description."""
    total, an_epoch = total_steps(run), steps_per_epoch(run)

    def check(line: Any) -> Fault | None:
        fault = LINE(line)
        if fault is not None:
            return fault
        step, epoch = line["step"], line["epoch"]
        if step >= total:
            return disagrees(("step",), step, f"< {total}", "run.json")
        if epoch != step // an_epoch:
            return disagrees(("epoch",), epoch, step // an_epoch, "step")
        return None

    return check


def are_sound_lines(run: dict[str, Any], lines: Sequence[dict[str, Any]]) -> bool:
    """Return whether lines are known to pass :func:`line_of`, each with a later step.

    Told by columns, in a quarter of the time: a long run has hundreds of thousands. False where one
    may not pass; which, and why, is told one by one.
    """
    try:
        columns = [[line[name] for line in lines] for name in OF_EVERY_LINE]
    except KeyError:
        return False
    measured = (line for line in lines if len(line) > len(OF_EVERY_LINE))
    if any(LINE(line) is not None for line in measured):
        return False
    kinds = [set(map(type, column)) for column in columns]
    if lines and not (kinds[0] == kinds[1] == {int} and kinds[2] <= {int, float}):
        return False
    try:
        steps, epochs, losses = (np.array(column, float) for column in columns)
    except OverflowError:  # a whole number beyond every float
        return False
    ascend = np.diff(steps, prepend=-1, append=min(total_steps(run), 2**31)) > 0
    agree = epochs == steps // steps_per_epoch(run)
    return bool(ascend.all() and agree.all() and np.isfinite(losses).all())


# --- arrays -----------------------------------------------------------------------------------

Description = Mapping[str, Any]
OF_INPUTS = ("fill", "mean", "scale")
OF_TARGETS = ("target_mean", "target_scale")


def data_forms(run: Description, data: Description) -> dict[str, Form]:
    """Return the arrays of ``data.safetensors``.

    Args:
        run: ``run.json``.
        data: the notes beside the arrays.
    """
    n_in, n_out = run["network"]["sizes"][0], len(data["target_names"])
    is_number = data["task"] == "numbers"
    forms = {name: Form((n_in,), "float64", is_finite=name != "fill") for name in OF_INPUTS}
    forms |= {name: Form((n_out * is_number,), "float64", is_finite=True) for name in OF_TARGETS}
    forms["median"] = Form((n_in,), "float64", is_needed=False)  # not yet by the first versions
    forms = {f"encoder.{name}": form for name, form in forms.items()}
    if "stream" in data:  # of the training part a sample alone is kept
        forms["stream.units"] = Form((None, 7), INTEGER)
    for part, told in run["data"]["samples"].items():
        samples = None if "stream" in data and part == "train" else told
        of_classes = data["task"] in ("classes", "binary")
        forms |= {
            f"{part}.x": Form((samples, n_in), "float32", is_finite=True),
            f"{part}.y": Form((samples,), INTEGER)
            if of_classes
            else Form((samples, n_out), "float32", is_finite=True),
            f"{part}.rows": Form((samples,), INTEGER),
            f"{part}.sample_weight": Form((samples,), "float32", is_finite=True, is_needed=False),
        }
    return forms


def data_agrees(run: Description, data: Description) -> Iterator[Fault]:
    """Yield where the notes beside the data contradict ``run.json`` or themselves."""
    n_in, place = run["network"]["sizes"][0], ("description",)
    if data["task"] != run["data"]["task"]:
        yield disagrees((*place, "task"), data["task"], run["data"]["task"], "run.json")
    columns, empty = data["columns"], [()] * len(data["columns"])
    later = {"forms": data.get("forms", empty), "parts": data.get("parts", empty)}
    for name, told in later.items():
        if len(told) != len(columns):
            yield disagrees((*place, name), len(told), len(columns), "columns")
            return
    widths = [
        len(known) or len(parts) or 1
        for known, parts in zip_longest(data["categories"], later["parts"], fillvalue=())
    ]
    counts = {"feature_names": len(data["feature_names"]), "categories": sum(widths)}
    if data["image_shape"] is not None:
        counts["image_shape"] = prod(data["image_shape"])
    for name, actual in counts.items():
        if actual != n_in:
            yield disagrees((*place, name), actual, n_in, "network.sizes[0]")
    if len(data["columns"]) != len(widths):
        yield disagrees((*place, "columns"), len(data["columns"]), len(widths), "categories")
        return
    of_each = zip(columns, data["categories"], later["parts"], strict=True)
    names = [
        name
        for c, known, parts in of_each
        for name in [f"{c}={k}" for k in known] or [f"{c}.{part}" for part in parts] or [c]
    ]
    for index, (actual, expected) in enumerate(zip(data["feature_names"], names, strict=True)):
        if actual != expected:
            yield disagrees((*place, "feature_names", index), actual, expected, "columns")


def data_values(arrays: Arrays, data: Description) -> Iterator[Fault]:
    """Yield what may not stand in the arrays of ``data.safetensors``."""
    for name in ("encoder.scale", "encoder.target_scale"):
        yield from first_wrong(name, arrays[name], arrays[name] <= 0, "number", range=" > 0")
    classes = len(data["target_names"])
    for name, array in arrays.items():
        if name.endswith(".y") and array.ndim == 1:
            wrong = (array < 0) | (array >= classes)
            yield from first_wrong(name, array, wrong, "whole", range=f" ≥ 0, < {classes}")
        if name.endswith(".sample_weight"):
            yield from first_wrong(name, array, array < 0, "number", range=" ≥ 0")


def checkpoint_values(
    arrays: Arrays, step: int, steps_per_epoch: int, fixed: Mapping[str, np.ndarray]
) -> Iterator[Fault]:
    """Yield where a checkpoint contradicts its step, or what a run never changes.

    Args:
        step: the one that the file is called by: how many were taken.
        fixed: the arrays that no step changes.
    """
    of_file = f"{step}.safetensors"
    if int(arrays["step"]) != step:
        yield disagrees(("step",), int(arrays["step"]), step, of_file)
    done = step % steps_per_epoch
    if len(arrays["epoch_losses"]) != done:
        yield disagrees(("epoch_losses",), len(arrays["epoch_losses"]), done, of_file)
    for name, value in fixed.items():
        if not np.array_equal(arrays[name], value):
            actual, expected = (brief_of(one) for one in (arrays[name], value))
            yield disagrees((name,), actual, expected, "run.json")
    for name, array in arrays.items():
        if name.endswith(".count") and array.dtype.kind in "iu":
            wrong = (array < 0) | (array > step)
            yield from first_wrong(name, array, wrong, "whole", range=f" ≥ 0, ≤ {step}")


def brief_of(array: np.ndarray) -> Any:
    return array.item() if array.ndim == 0 else str(array.tolist())
