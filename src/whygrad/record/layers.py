"""What a layer is, whoever trains it: its kind, its sizes, its parameters, where it stands."""

from dataclasses import dataclass
from math import prod

import numpy as np

DENSE = "dense"  # of whygrad's own networks: weights are (n_in, n_out)


@dataclass(frozen=True)
class LayerSpec:
    """A layer as every reader of a record sees it.

    Attributes:
        name: as its network calls it.
        kind: ``dense`` in whygrad's own networks; in a watched model ``linear``, ``conv``,
            ``conv_transpose``, ``embedding``, ``norm`` or ``channel_norm``.
        n_in, n_out: how many weights lead into a neuron, and how many neurons there are.
        shape: of the weight, in the order of axes that its network has.
        weight, bias: names of the parameters; the bias None where there is none.
        activation: its name.
        steepest: the largest slope of the activation.
        is_exactly_flat: whether its slope is 0 where it is flat.
        is_matched: whether loss and activation are taken as one function, with slope 1.
        feeds: the only layer that takes this one's outputs as its inputs, if there is just one.
    """

    name: str
    kind: str
    n_in: int
    n_out: int
    shape: tuple[int, ...]
    weight: str
    bias: str | None
    activation: str
    steepest: float
    is_exactly_flat: bool
    is_matched: bool = False
    feeds: str | None = None

    def as_matrix(self, array: np.ndarray) -> np.ndarray:
        """Return the weights, or what has their shape, as (n_in, n_out)."""
        if self.kind in (DENSE, "embedding"):
            return array.reshape(prod(array.shape[:-1]), array.shape[-1])
        if self.kind == "conv_transpose":  # the input channels come first
            array = array.swapaxes(0, 1)
        return array.reshape(self.n_out, -1).T
