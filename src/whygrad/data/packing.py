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
    rules, words = pack_encoder(data.encoder)
    description = words | {
        "name": data.name,
        "feature_names": list(data.feature_names),
        "notes": [{"key": note.key, "values": dict(note.values)} for note in data.notes],
        "source": data.source,
    }
    return arrays | rules, description


def unpack(arrays: dict[str, np.ndarray], description: dict) -> Data:
    """Return the data that :func:`pack` took apart."""
    encoder = unpack_encoder(arrays, description)
    return Data(
        name=description["name"],
        task=encoder.task,
        **{name: _part(name, arrays) for name in PARTS},
        feature_names=tuple(description["feature_names"]),
        target_names=encoder.target_names,
        image_shape=encoder.image_shape,
        encoder=encoder,
        notes=tuple(Note(note["key"], note["values"]) for note in description["notes"]),
        source=description["source"],
    )


def pack_encoder(encoder: Encoder) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """Return the rules of a table as arrays by name, and the rest as JSON-able values."""
    arrays = {f"encoder.{name}": getattr(encoder, name) for name in ENCODER_ARRAYS}
    description: dict[str, object] = {
        "task": encoder.task,
        "target_names": list(encoder.target_names),
        "image_shape": list(encoder.image_shape) if encoder.image_shape else None,
        "columns": list(encoder.columns),
        "categories": [list(known) for known in encoder.categories],
    }
    return arrays, description


def unpack_encoder(arrays: dict[str, np.ndarray], description: dict) -> Encoder:
    """Return the rules that :func:`pack_encoder` took apart."""
    return Encoder(
        columns=tuple(description["columns"]),
        categories=tuple(tuple(known) for known in description["categories"]),
        **{name: np.asarray(arrays[f"encoder.{name}"]) for name in ENCODER_ARRAYS},
        task=description["task"],
        target_names=tuple(description["target_names"]),
        image_shape=tuple(description["image_shape"]) if description["image_shape"] else None,
    )


def _part(name: str, arrays: dict[str, np.ndarray]) -> Part:
    named = {field.name: arrays.get(f"{name}.{field.name}") for field in fields(Part)}
    return Part(**named)  # type: ignore[arg-type]
