"""What is watched: a model, and the loss of one step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Case:
    """A model to be trained for a few steps.

    Attributes:
        name: ``family/architecture``.
        make: builds it; the seed of torch's random numbers is set before.
        loss: of one step.
        needs: modules that must be importable.
    """

    name: str
    make: Callable[[], nn.Module]
    loss: Callable[[nn.Module], Tensor]
    needs: tuple[str, ...] = ()


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Return normal numbers, always the same."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def whole(low: int, high: int, *shape: int, seed: int = 0) -> Tensor:
    """Return whole numbers in [low, high), always the same."""
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(seed))


def squares(output: Any) -> Tensor:
    """Return the mean square of everything in an output that gradients can come from."""
    if isinstance(output, Tensor):
        is_usable = output.is_floating_point() and output.requires_grad
        return output.float().square().mean() if is_usable else torch.zeros(())
    parts = output.values() if hasattr(output, "values") else output
    found = [squares(part) for part in parts if isinstance(part, Tensor | tuple | list)]
    return torch.stack(found).sum()
