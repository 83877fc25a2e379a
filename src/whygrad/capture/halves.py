"""Numbers as they are kept: rounded to half precision on their device, and arrays of the host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

TOP = 2.0**15  # what the largest number is scaled to
ROUNDED = 2.0**-11  # how far half precision may be from a number, as a share of it


@dataclass(frozen=True)
class Half:
    """Numbers in half precision, scaled so that none overflows."""

    values: Tensor
    scale: float

    @classmethod
    def of(cls, values: Tensor) -> Half:
        """Round numbers to 11 bits."""
        top = max(map(abs, map(float, values.aminmax()))) if values.numel() else 0.0
        scale = 2.0 ** -int(np.floor(np.log2(TOP / top))) if 0 < top < float("inf") else 1.0
        room = torch.empty(values.shape, dtype=torch.float16, device=values.device)
        return cls(torch.mul(values, 1 / scale, out=room), scale)

    def cut(self, part_of: Callable[[Tensor], Tensor]) -> Half:
        """Return a part of them."""
        return Half(part_of(self.values), self.scale)

    def wide(self) -> Tensor:
        """Return them in single precision."""
        return self.values.float() * self.scale


def as_numpy(tensor: Tensor) -> np.ndarray:
    """Return a copy on the processor; numbers that are not whole as float32."""
    tensor = tensor.detach()
    tensor = tensor.float() if tensor.is_floating_point() else tensor
    return np.atleast_1d(tensor.cpu().numpy().copy())
