"""What training reads: three parts of one table of numbers, with names and the way back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from whygrad.data.encoder import Encoder
from whygrad.words import t


@dataclass(frozen=True)
class Note:
    """Something worth knowing about a table that does not stop training.

    Args:
        key: key of the sentence, such as ``note.data_constant``.
        values: what the sentence says, JSON-able.
    """

    key: str
    values: Mapping[str, object]

    def __str__(self) -> str:
        return t(self.key, **self.values)


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

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all arrays and names, in hexadecimal."""
        digest = hashlib.sha256()
        names = (self.task, self.feature_names, self.target_names, self.image_shape)
        digest.update(repr(names).encode())
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
