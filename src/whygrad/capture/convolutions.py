"""Convolutions, whose inputs are patches: of what comes in, or of all that reaches a position."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whygrad.capture.uses import Use, wide

Functions = dict[int, Callable[..., Tensor]]  # by the number of the input's axes


@dataclass(frozen=True)
class Conv(Use):
    """A convolution.

    Attributes:
        options: stride, padding, dilation and groups.
        is_unbatched: whether it was given one sample without its axis.
    """

    kind, modules = "conv", (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    output_axis = 1
    functions: ClassVar[Functions] = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}

    options: dict[str, Any]
    is_unbatched: bool

    @classmethod
    def of(
        cls,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Use | None:
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        return cls.with_options(input, weight, bias, options)

    @classmethod
    def with_options(
        cls, input: Tensor, weight: Tensor, bias: Tensor | None, options: dict[str, Any]
    ) -> Use:
        is_unbatched, x = input.dim() < weight.dim(), input.detach()
        return cls(weight, bias, x.unsqueeze(0) if is_unbatched else x, options, is_unbatched)

    def by_neuron(self, values: Tensor) -> Tensor:
        is_single = self.is_unbatched and values.dim() < self.input.dim()
        return super().by_neuron(values.unsqueeze(0) if is_single else values)

    @property
    def reach(self) -> Tensor:
        """The length of each patch: the squares, summed by the same convolution with ones."""
        groups = self.options["groups"]
        if self.gain is not None:
            squares = (self.x.square(), wide(self.gain).square())
            return self.by_neuron(
                self.functions[self.x.dim()](*squares, None, **self.options).clamp_(min=0).sqrt_()
            )
        x = self.x.unflatten(1, (groups, -1)).square().sum(2)
        ones = x.new_ones((groups, 1, *self.weight.shape[2:]))
        squares = self.functions[x.dim()](x, ones, None, **self.options)
        reach = squares.clamp_(min=0).sqrt_()  # rounding must not make a square negative
        if groups > 1:
            reach = reach.repeat_interleave(self.weight.shape[0] // groups, dim=1)
        return self.by_neuron(reach)

    def contract(self, x: Tensor, delta: Tensor) -> Tensor:
        x, padding = self.padded(x)
        places = x.dim() - 2
        _, gradient, _ = torch.ops.aten.convolution_backward(
            delta.unsqueeze(0) if self.is_unbatched else delta,
            x,
            self.weight.detach().to(delta.dtype),
            None,
            each(self.options["stride"], places),
            padding,
            each(self.options["dilation"], places),
            "output_padding" in self.options,  # then it is transposed
            each(self.options.get("output_padding", 0), places),
            self.options["groups"],
            (False, True, False),
        )
        return gradient

    def padded(self, x: Tensor) -> tuple[Tensor, list[int]]:
        """Return the input and the padding as numbers; ``same`` may differ from side to side."""
        places, padding = x.dim() - 2, self.options["padding"]
        if padding == "valid":
            return x, [0] * places
        if padding != "same":
            return x, each(padding, places)
        dilation = each(self.options["dilation"], places)
        total = [d * (k - 1) for d, k in zip(dilation, self.weight.shape[2:], strict=True)]
        sides = [side for width in reversed(total) for side in (width // 2, width - width // 2)]
        return F.pad(x, sides), [0] * places

    @property
    def has_rows(self) -> bool:
        return self.options["groups"] == 1

    @property
    def rows(self) -> Tensor:
        """Every patch as a row, for kernels in one to three directions."""
        x, padding = self.padded(self.input)
        places = x.dim() - 2
        x = F.pad(x, [side for width in reversed(padding) for side in (width, width)])
        options = (each(self.options[name], places) for name in ("stride", "dilation"))
        sizes = zip(self.weight.shape[2:], *options, strict=True)
        for axis, (size, stride, dilation) in enumerate(sizes, 2):
            x = x.unfold(axis, dilation * (size - 1) + 1, stride)[..., ::dilation]
        order = [0, *range(2, 2 + places), 1, *range(2 + places, 2 + 2 * places)]
        return x.permute(order).reshape(-1, self.weight[0].numel())


def each(value: Any, places: int) -> list[int]:
    """Return an option of a convolution for every direction."""
    return [value] * places if isinstance(value, int) else [*value] * (places // len(value))


class ConvTranspose(Conv):
    kind, modules = "conv_transpose", (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    functions: ClassVar[Functions] = {
        3: F.conv_transpose1d,
        4: F.conv_transpose2d,
        5: F.conv_transpose3d,
    }

    @classmethod
    def of(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> Use | None:
        if groups > 1:
            return None
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        options["output_padding"] = output_padding
        return cls.with_options(input, weight, bias, options)

    @property
    def has_rows(self) -> bool:
        return False
