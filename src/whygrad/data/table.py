"""What training reads: three parts of one table of numbers, with names and the way back.

Packed, it is plain arrays and a JSON-able description: exact, and without pickle.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from whygrad.data.encoder import Encoder
from whygrad.data.notes import Note
from whygrad.errors import AddressError

if TYPE_CHECKING:
    from whygrad.data.stream import Stream

PARTS = ("train", "validation", "test")
ENCODER_ARRAYS = ("fill", "mean", "scale", "target_mean", "target_scale")
LATER_ARRAY = "median"  # which runs written before lack


@dataclass(frozen=True, eq=False)
class Part:
    """The samples of one part: train, validation or test. The arrays are read-only.

    Args:
        x: inputs, shape (m, n_in), float32.
        y: class indices, shape (m,), int32; or numbers or 0/1 labels, shape (m, k), float32.
        rows: where each sample stands in the source, shape (m,), counted from 0, ascending.
        sample_weight: shape (m,), float32; None where all samples count alike.
    """

    x: np.ndarray
    y: np.ndarray
    rows: np.ndarray
    sample_weight: np.ndarray | None = None

    def __post_init__(self) -> None:
        for array in self.arrays().values():
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.rows)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that are there, by name."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: array for name, array in named.items() if array is not None}


@dataclass(frozen=True, eq=False)
class Data:
    """A table ready for training, with names, units and the way it was made.

    Args:
        task: ``classes`` (class indices), ``binary`` (0 or 1), ``labels`` (a 0/1 matrix) or
            ``numbers`` (regression).
        feature_names: one for each input, length n_in.
        target_names: of the classes, the labels, or the columns of numbers.
        image_shape: (height, width) where the inputs are the pixels of an image.
        encoder: turns raw columns into inputs; fitted on the training part only.
        notes: worth knowing, but no reason to stop.
        source: how the data was made, JSON-able. For a built-in set or a file
            ``load(source["source"], **source["options"])`` makes it again.
        stream: the whole training part, where it is read while it is trained on; ``train`` is
            then a sample of it.
    """

    name: str
    task: str
    train: Part
    validation: Part
    test: Part
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    image_shape: tuple[int, int] | None
    encoder: Encoder
    notes: tuple[Note, ...]
    source: dict[str, object]
    stream: Stream | None = None

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return len(self.feature_names)

    @property
    def n_out(self) -> int:
        """Number of outputs a network needs: one a class, label or number; 1 for ``binary``."""
        return 1 if self.task == "binary" else len(self.target_names)

    @property
    def parts(self) -> dict[str, Part]:
        """The three parts by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def samples(self) -> dict[str, int]:
        """How many samples each part has; of a stream, its training part as a whole."""
        counts = {name: len(part) for name, part in self.parts.items()}
        return counts if self.stream is None else counts | {"train": self.stream.samples}

    @property
    def sampled(self) -> Data:
        """The same data with what is in memory alone: of a stream the sample of it."""
        return self if self.stream is None else replace(self, stream=None)

    def training_row(self, row: int) -> Part:
        """Return one sample of the training part.

        Args:
            row: its number: in the part, or of a stream in its source.

        Raises:
            AddressError: there is no such one.
            DataError: a file of a stream is gone, or not what it was.
        """
        if self.stream is not None:
            return self.stream.row(row)
        if not 0 <= row < len(self.train):
            raise AddressError("error.no_such_sample", row=row, last=len(self.train) - 1)
        return Part(*(array[row : row + 1] for array in self.train.arrays().values()))

    @property
    def class_counts(self) -> np.ndarray | None:
        """How many training samples each class has; None where there are no classes."""
        if self.task not in ("classes", "binary"):
            return None
        return np.bincount(self.train.y) if self.stream is None else self.stream.class_counts

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all arrays and names, in hexadecimal."""
        digest = hashlib.sha256()
        names = (self.task, self.feature_names, self.target_names, self.image_shape)
        digest.update(repr(names).encode())
        if self.stream is not None:
            digest.update(np.ascontiguousarray(self.stream.units).data)
        for part_name, part in self.parts.items():
            for name, array in part.arrays().items():
                digest.update(f"{part_name}.{name} {array.dtype.str} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def encode(self, raw: object) -> np.ndarray:
        """Return raw samples as inputs; see :meth:`Encoder.encode`."""
        return self.encoder.encode(raw)

    def decode(self, targets: object) -> np.ndarray | list[tuple[str, ...]]:
        """Return targets in the user's words and units; see :meth:`Encoder.decode`."""
        return self.encoder.decode(targets)


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
    if data.stream is not None:
        rules["stream.units"] = data.stream.units
        description["stream"] = data.stream.to_dict()
    return arrays | rules, description


def unpack(arrays: dict[str, np.ndarray], description: dict) -> Data:
    """Return the data that :func:`pack` took apart."""
    encoder = unpack_encoder(arrays, description)

    stream = None
    if "stream" in description:
        from whygrad.data.stream import Stream

        stream = Stream.from_dict(description["stream"], arrays["stream.units"], encoder)

    def part(name: str) -> Part:
        named = {field.name: arrays.get(f"{name}.{field.name}") for field in fields(Part)}
        return Part(**named)  # type: ignore[arg-type]

    return Data(
        name=description["name"],
        task=encoder.task,
        **{name: part(name) for name in PARTS},
        feature_names=tuple(description["feature_names"]),
        target_names=encoder.target_names,
        image_shape=encoder.image_shape,
        encoder=encoder,
        notes=tuple(Note(note["key"], note["values"]) for note in description["notes"]),
        source=description["source"],
        stream=stream,
    )


def pack_encoder(encoder: Encoder) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """Return the rules of a table as arrays by name, and the rest as JSON-able values."""
    named = {name: getattr(encoder, name) for name in (*ENCODER_ARRAYS, LATER_ARRAY)}
    arrays = {f"encoder.{name}": array for name, array in named.items() if array is not None}
    description: dict[str, object] = {
        "task": encoder.task,
        "target_names": list(encoder.target_names),
        "image_shape": list(encoder.image_shape) if encoder.image_shape else None,
        "columns": list(encoder.columns),
        "categories": [list(known) for known in encoder.categories],
        "forms": [rule.form for rule in encoder.rules],
        "parts": [list(rule.parts) for rule in encoder.rules],
    }
    return arrays, description


def unpack_encoder(arrays: dict[str, np.ndarray], description: dict) -> Encoder:
    """Return the rules that :func:`pack_encoder` took apart."""
    return Encoder(
        columns=tuple(description["columns"]),
        categories=tuple(tuple(known) for known in description["categories"]),
        forms=tuple(description.get("forms", ())),
        parts=tuple(map(tuple, description.get("parts", ()))),
        **{name: np.asarray(arrays[f"encoder.{name}"]) for name in ENCODER_ARRAYS},
        median=arrays.get(f"encoder.{LATER_ARRAY}"),
        task=description["task"],
        target_names=tuple(description["target_names"]),
        image_shape=tuple(description["image_shape"]) if description["image_shape"] else None,
    )
