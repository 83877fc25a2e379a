"""Numbers of a step that stay on their device until it is over: then one copy brings all of them.

Whoever asks for a number as soon as it is computed has the host wait for an accelerator, every
time; and on a processor each number that is handed over alone takes as long as a sum.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from whygrad.capture.torch_private import flattened


class Reading:
    """What some tensors hold, by name, known once they have been fetched."""

    __slots__ = ("_arrays", "_tensors")

    def __init__(self, tensors: Mapping[str, Tensor]):
        self._tensors = tensors
        self._arrays: dict[str, np.ndarray] | None = None

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What they hold: parts of all that was fetched, to be copied by who keeps one for long.

        Raises:
            RuntimeError: nothing was fetched yet.
        """
        if self._arrays is None:
            raise RuntimeError("a number is asked for before its step is over")
        return self._arrays

    def __float__(self) -> float:
        """Return the only number that was read."""
        (only,) = self.arrays.values()
        return float(only)


class Readings:
    """The readings of one step."""

    def __init__(self) -> None:
        self._waiting: list[Reading] = []

    def add(self, tensors: Mapping[str, Tensor]) -> Reading:
        """Have tensors fetched; nobody may write into them before."""
        reading = Reading(tensors)
        self._waiting.append(reading)
        return reading

    def number(self, tensor: Tensor) -> Reading:
        """Have a single number fetched."""
        return self.add({"": tensor})

    @torch.no_grad()
    def fetch(self) -> None:
        """Bring to the host what waits."""
        waiting, self._waiting = self._waiting, []
        arrays = on_host([one for reading in waiting for one in reading._tensors.values()])
        end = 0
        for reading in waiting:
            begin, end = end, end + len(reading._tensors)
            reading._arrays = dict(zip(reading._tensors, arrays[begin:end], strict=True))
            reading._tensors = {}

    def let_go(self) -> None:
        """Hold no tensor any longer."""
        for reading in self._waiting:
            reading._tensors = {}
        self._waiting = []


def on_host(tensors: Sequence[Tensor]) -> list[np.ndarray]:
    """Return what tensors hold, by one copy from each device, as parts of one array of each.

    In single precision, or all of them in double precision where one of them is.
    """
    kinds = {(tensor.device, tensor.dtype) for tensor in tensors}
    if len({device for device, _ in kinds}) > 1:
        return _from_several(tensors)
    if not kinds:
        return []
    # of one type: torch joins those sooner
    dtype = torch.float64 if any(one is torch.float64 for _, one in kinds) else torch.float32
    alike = tensors if {one for _, one in kinds} == {dtype} else [one.to(dtype) for one in tensors]
    joined, end, found = flattened(alike).cpu().numpy(), 0, list[np.ndarray]()
    for tensor in tensors:
        begin, end, shape = end, end + tensor.numel(), tensor.shape
        part = joined[begin:end]
        found.append(part if len(shape) == 1 else part.reshape(shape))
    return found


def _from_several(tensors: Sequence[Tensor]) -> list[np.ndarray]:
    found: dict[int, np.ndarray] = {}
    for device in {tensor.device for tensor in tensors}:
        places = [place for place, one in enumerate(tensors) if one.device == device]
        found |= zip(places, on_host([tensors[place] for place in places]), strict=True)
    return [found[place] for place in range(len(tensors))]
