"""The columns of a record: what is kept of every neuron at a recorded step, whoever trains it.

Batch of samples i (of a convolution: samples and positions), each with its share of the mean; x_i
is the neuron's input vector, u_i what is asked of its output, d_i its error signal dC_i/dz, and g
the gradient of its weights w, the mean of x_i d_i. Both producers follow this table: the compiled
loop in :mod:`whygrad.training.recording`, and :mod:`whygrad.capture.record` for a watched model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

FACTORS = ("upstream", "slope", "input", "agreement")
DEFINED = 2  # the latest edition of the table; run.json says which one a run follows


@dataclass(frozen=True)
class Field:
    """A column of a record: one number a neuron, (n_out,).

    Attributes:
        name: of the column.
        formula: what it is.
        unit: of the number.
        since: the edition of the table that brought this definition. What a run of an older one
            recorded under this name was something else.
    """

    name: str
    formula: str
    unit: str
    since: int = 1


FIELDS = (
    # these multiply to the norm of the neuron's weight gradient; see whygrad.core.factors
    Field("upstream", "mean |u_i|", "loss per unit of output"),
    Field("slope", "mean |d_i| / mean |u_i|", "output per unit of preactivation"),
    Field("input", "mean |x_i| |d_i| / mean |d_i|", "unit of the inputs"),
    Field("agreement", "|g| / mean |x_i| |d_i|", "share in [0, 1]"),
    # flat where record.activations says so; 1 where loss and activation are one function
    Field("open", "share of the samples with z_i outside the flat region", "share in [0, 1]", 2),
    # equal for clones: r holds fixed numbers, see `directions`, the last of them for the bias b.
    # Taken in units of the weights of the whole layer, W, and of its pulls P = mean |x_i| |d_i|
    Field("signature", "r (w, b) + r g |r (W, b)| / |P|, after the step", "unit of the weights", 2),
)
ROW_FIELDS = tuple(field.name for field in FIELDS)


def comparable(description: Mapping[str, Any]) -> list[int]:
    """Return where in a row stands what a run of a description defines as we do here."""
    edition = description.get("fields", 1)
    return [place for place, field in enumerate(FIELDS) if field.since <= edition]


def directions(count: int) -> np.ndarray:
    """Return numbers in [0.5, 1.5) that look random, (count,), float32: the position, hashed.

    Above 0, so that equal weights add up instead of cancelling; the same for every producer.

    Source: the finaliser of MurmurHash3, Appleby 2011.
    """
    bits = np.arange(1, count + 1, dtype=np.uint32)
    bits = (bits ^ (bits >> 16)) * np.uint32(0x85EBCA6B)
    bits = (bits ^ (bits >> 13)) * np.uint32(0xC2B2AE35)
    bits = bits ^ (bits >> 16)
    return ((bits >> 8) / 2.0**24 + 0.5).astype(np.float32)
