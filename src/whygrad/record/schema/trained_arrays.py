"""What the arrays of one of whygrad's own runs must be."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from whygrad.record.schema.arrays import INTEGER, Arrays, Form, first_wrong
from whygrad.record.schema.checks import Fault, disagrees

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
    forms = {f"encoder.{name}": form for name, form in forms.items()}
    for part, samples in run["data"]["samples"].items():
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
    widths = [len(known) or 1 for known in data["categories"]]
    counts = {"feature_names": len(data["feature_names"]), "categories": sum(widths)}
    if data["image_shape"] is not None:
        counts["image_shape"] = prod(data["image_shape"])
    for name, actual in counts.items():
        if actual != n_in:
            yield disagrees((*place, name), actual, n_in, "network.sizes[0]")
    if len(data["columns"]) != len(widths):
        yield disagrees((*place, "columns"), len(data["columns"]), len(widths), "categories")
        return
    pairs = zip(data["columns"], data["categories"], strict=True)
    names = [n for c, known in pairs for n in ([f"{c}={value}" for value in known] or [c])]
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
