"""A layer before its update: what the length of the update is made of.

Copying all parameters of a model takes as long as an optimiser's step; of a large weight only some
neurons are kept, spread evenly, and the length of the update is worked out from them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from whygrad.capture.kinds import fan_in_last
from whygrad.capture.registry import LayerRegistry, RegisteredLayer

SAMPLED = 2**16  # most numbers of a weight that are kept


@dataclass(frozen=True)
class Before:
    """A layer's weights before its update.

    Attributes:
        length: norm of all weights.
        stride: every how many neurons one is kept.
        kept: the weights of these, (neurons, n_in).
    """

    length: float
    stride: int
    kept: Tensor

    def moved(self, after: Tensor) -> float:
        """Return how far the weights moved, as a norm over all of them.

        Args:
            after: the weights after the update, (n_out, n_in).
        """
        part = torch.dist(after[:: self.stride], self.kept)
        return float(part) * (after.shape[0] / self.kept.shape[0]) ** 0.5


def before(registry: LayerRegistry, layer: RegisteredLayer) -> Before:
    """Look at a layer as it is now."""
    weight = fan_in_last(layer.kind, layer.cut(registry.parameters[layer.weight].detach()))
    stride = max(-(-weight.numel() // SAMPLED), 1)
    return Before(
        length=float(torch.linalg.vector_norm(weight)),
        stride=min(stride, weight.shape[0]),
        kept=weight[:: min(stride, weight.shape[0])].clone(),
    )
