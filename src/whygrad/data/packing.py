"""Data as plain arrays and a JSON-able description, and back: exact, and without pickle."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from whygrad.data.encoder import Encoder
from whygrad.data.table import Data, Note, Part

PARTS = ("train", "validation", "test")
ENCODER_ARRAYS = ("fill", "mean", "scale", "target_mean", "target_scale")


def pack(data: Data) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """Return all arrays by name, ready for safetensors, and the rest as JSON-able values."""
    arrays = {
        f"{name}.{key}": array
        for name, part in data.parts.items()
        for key, array in part.arrays().items()
    }
    arrays |= {f"encoder.{name}": getattr(data.encoder, name) for name in ENCODER_ARRAYS}
    description: dict[str, object] = {
        "name": data.name,
        "task": data.task,
        "feature_names": list(data.feature_names),
        "target_names": list(data.target_names),
        "image_shape": list(data.image_shape) if data.image_shape else None,
        "columns": list(data.encoder.columns),
        "categories": [list(known) for known in data.encoder.categories],
        "notes": [{"key": note.key, "values": dict(note.values)} for note in data.notes],
        "source": data.source,
    }
    return arrays, description


def unpack(arrays: dict[str, np.ndarray], description: dict) -> Data:
    """Return the data that :func:`pack` took apart."""
    image_shape = tuple(description["image_shape"]) if description["image_shape"] else None
    shared = {
        "task": description["task"],
        "target_names": tuple(description["target_names"]),
        "image_shape": image_shape,
    }
    encoder = Encoder(
        columns=tuple(description["columns"]),
        categories=tuple(tuple(known) for known in description["categories"]),
        **{name: np.asarray(arrays[f"encoder.{name}"]) for name in ENCODER_ARRAYS},
        **shared,
    )
    return Data(
        name=description["name"],
        **{name: _part(name, arrays) for name in PARTS},
        feature_names=tuple(description["feature_names"]),
        encoder=encoder,
        notes=tuple(Note(note["key"], note["values"]) for note in description["notes"]),
        source=description["source"],
        **shared,
    )


def _part(name: str, arrays: dict[str, np.ndarray]) -> Part:
    named = {field.name: arrays.get(f"{name}.{field.name}") for field in fields(Part)}
    return Part(**{key: None if array is None else np.array(array) for key, array in named.items()})  # type: ignore[arg-type]
