"""Kinds of layers: where their neurons stand, what reaches a weight, and the sum over samples.

Every kind obeys the same chain rule. For a weight w between an input x and a neuron k

    dC/dw = sum_i x_i * delta_ik        over samples, and over positions where a weight is shared

What differs is laid down here as a row of a table, beside what every reader must know of the kind
in :mod:`whygrad.record.layers`: which axis of the output counts the neurons, how long the input
vector of a neuron is (``reach``), and how inputs and deltas are contracted to the weight. How a
function of torch's is called for it stands in :mod:`whygrad.capture.uses`.

    Linear      x_ij over the features                        neuron: an output feature
    Conv        x over a patch, at every position             neuron: an output channel
    Transposed  x of all that reaches a position              neuron: an output channel
    Embedding   1 for the row that was looked up, else 0      neuron: a column
    Norm        the normalised value of the neuron itself     neuron: a feature or channel
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whygrad.capture.torch_private import BatchNorm
from whygrad.record.layers import KINDS as TRAITS
from whygrad.record.layers import LayerKind


@dataclass(frozen=True)
class Use:
    """One call of a layer, as its function was called.

    Attributes:
        kind: name of its row in :data:`KINDS`.
        weight, bias: the parameters, or views of them.
        input: what came in.
        options: of the function, such as stride and padding.
        is_unbatched: whether a convolution was given one sample without its axis.
        normal: what a norm makes of its input before it scales and shifts it.
    """

    kind: str
    weight: Tensor
    bias: Tensor | None
    input: Tensor
    options: dict[str, Any] = field(default_factory=dict)
    is_unbatched: bool = False
    normal: Callable[[Tensor], Tensor] | None = None

    @property
    def traits(self) -> LayerKind:
        """What is known of all layers of its kind."""
        return TRAITS[self.kind]

    @property
    def x(self) -> Tensor:
        """What the weights are multiplied with, in a precision that sums can be taken in."""
        if self.traits.is_lookup:
            return self.input
        return wide(self.input) if self.normal is None else self.normal(wide(self.input))

    def emptied(self) -> "Use":
        """Return the same call, holding of its input no more than the shape."""
        return replace(self, input=torch.empty_like(self.input, device="meta"))


def wide(values: Tensor) -> Tensor:
    """Return values in a precision that sums can be taken in: half ones as float32."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


@dataclass(frozen=True)
class Kind:
    """What differs from kind to kind while a model trains.

    Attributes:
        modules: the classes of torch's that are such layers.
        output_axis: axis of the output that counts the neurons, from the end for -1.
        reach: the length of the input vectors, laid out as :func:`by_neuron` lays out the output;
            with a single neuron where the vector is the same for all of them.
        contract: (use, x, delta) -> sum over samples and positions of x * delta, as the weight.
        rows: the inputs as (rows, n_in), a row a sample and position; None where there is not one
            row for all neurons.
    """

    modules: tuple[type[nn.Module], ...]
    output_axis: int
    reach: Callable[[Use], Tensor]
    contract: Callable[[Use, Tensor, Tensor], Tensor]
    rows: Callable[[Use], Tensor] | None = None


def neurons(use: Use) -> int:
    """Return how many neurons the layer has."""
    axis = use.traits.neuron_axis
    return use.weight.numel() if axis is None else use.weight.shape[axis]


def by_neuron(use: Use, values: Tensor) -> Tensor:
    """Return (groups, n_out, positions), whatever stands where in a layer's output."""
    if KINDS[use.kind].output_axis == -1:
        return values.reshape(-1, neurons(use)).T.unsqueeze(0)
    is_single = use.is_unbatched and values.dim() < use.input.dim()
    batched = values.unsqueeze(0) if is_single else values
    return batched.flatten(2) if batched.dim() > 2 else batched.unsqueeze(-1)


def fan_in_last(kind: str, weight: Tensor) -> Tensor:
    """Return a weight, or what has its shape, as (n_out, n_in)."""
    axis = TRAITS[kind].neuron_axis
    return weight.reshape(-1, 1) if axis is None else weight.movedim(axis, 0).flatten(1)


def _reach_of_linear(use: Use) -> Tensor:
    return torch.linalg.vector_norm(use.input, dim=-1).reshape(1, 1, -1)


def _rows_of_linear(use: Use) -> Tensor:
    return use.input.reshape(-1, use.input.shape[-1])


def _contract_linear(use: Use, x: Tensor, delta: Tensor) -> Tensor:
    return delta.reshape(-1, delta.shape[-1]).T @ x.reshape(-1, x.shape[-1])


def _reach_of_conv(use: Use) -> Tensor:
    """Return the length of each patch: the squares, summed by the same convolution with ones."""
    groups = use.options["groups"]
    x = use.input.unflatten(1, (groups, -1)).square().sum(2)
    ones = x.new_ones((groups, 1, *use.weight.shape[2:]))
    squares = _convolution(x.dim())(x, ones, None, **use.options)
    reach = squares.clamp_(min=0).sqrt_()  # rounding must not make a square negative
    if groups > 1:
        reach = reach.repeat_interleave(use.weight.shape[0] // groups, dim=1)
    return by_neuron(use, reach)


def _contract_conv(use: Use, x: Tensor, delta: Tensor) -> Tensor:
    options = use.options
    x, padding = _padded(use, x)
    delta = delta.unsqueeze(0) if use.is_unbatched else delta
    places = x.dim() - 2
    _, gradient, _ = torch.ops.aten.convolution_backward(
        delta,
        x,
        use.weight.detach().to(delta.dtype),
        None,
        _each(options["stride"], places),
        padding,
        _each(options["dilation"], places),
        False,
        [0] * places,
        options["groups"],
        (False, True, False),
    )
    return gradient


def _reach_of_conv_transpose(use: Use) -> Tensor:
    """Return the length of what reaches each position, as :func:`_reach_of_conv` does."""
    x = use.input.square().sum(1, keepdim=True)
    ones = x.new_ones((1, 1, *use.weight.shape[2:]))
    squares = _TRANSPOSED[x.dim()](x, ones, None, **use.options)
    return by_neuron(use, squares.clamp_(min=0).sqrt_())


def _contract_conv_transpose(use: Use, x: Tensor, delta: Tensor) -> Tensor:
    delta = delta.unsqueeze(0) if use.is_unbatched else delta
    places, options = x.dim() - 2, use.options
    each = {name: _each(value, places) for name, value in options.items()}
    _, gradient, _ = torch.ops.aten.convolution_backward(
        delta,
        x,
        use.weight.detach().to(delta.dtype),
        None,
        each["stride"],
        each["padding"],
        each["dilation"],
        True,
        each["output_padding"],
        1,
        (False, True, False),
    )
    return gradient


def _padded(use: Use, x: Tensor) -> tuple[Tensor, list[int]]:
    """Return the input and the padding as numbers; ``same`` may differ from side to side."""
    places, padding = x.dim() - 2, use.options["padding"]
    if padding == "valid":
        return x, [0] * places
    if padding != "same":
        return x, _each(padding, places)
    dilation = _each(use.options["dilation"], places)
    total = [d * (k - 1) for d, k in zip(dilation, use.weight.shape[2:], strict=True)]
    sides = [side for width in reversed(total) for side in (width // 2, width - width // 2)]
    return F.pad(x, sides), [0] * places


def _rows_of_conv(use: Use) -> Tensor:
    """Return every patch as a row, for kernels in one to three directions."""
    x, padding = _padded(use, use.input)
    places = x.dim() - 2
    x = F.pad(x, [side for width in reversed(padding) for side in (width, width)])
    options = (_each(use.options["stride"], places), _each(use.options["dilation"], places))
    for axis, (size, stride, dilation) in enumerate(
        zip(use.weight.shape[2:], *options, strict=True)
    ):
        x = x.unfold(2 + axis, dilation * (size - 1) + 1, stride)[..., ::dilation]
    order = [0, *range(2, 2 + places), 1, *range(2 + places, 2 + 2 * places)]
    return x.permute(order).reshape(-1, use.weight[0].numel())


def _convolution(dimensions: int) -> Callable[..., Tensor]:
    return {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}[dimensions]


_TRANSPOSED = {3: F.conv_transpose1d, 4: F.conv_transpose2d, 5: F.conv_transpose3d}


def _each(value: Any, places: int) -> list[int]:
    return [value] * places if isinstance(value, int) else [*value] * (places // len(value))


def _reach_of_embedding(use: Use) -> Tensor:
    return _looked_up(use).to(use.weight.dtype).reshape(1, 1, -1)


def _contract_embedding(use: Use, x: Tensor, delta: Tensor) -> Tensor:
    flat = delta.reshape(-1, delta.shape[-1]) * _looked_up(use).reshape(-1, 1)
    total = flat.new_zeros(use.weight.shape)
    return total.index_add_(0, use.input.reshape(-1), flat)


def _looked_up(use: Use) -> Tensor:
    """Return the share of each place's gradient that its row gets: padding gets none.

    All of it, or by frequency: of a row that was looked up twice half of each.
    """
    padding = use.options["padding_idx"]
    is_wanted = torch.ones_like(use.input, dtype=torch.bool)
    if padding is not None:
        is_wanted = use.input != padding % use.weight.shape[0]
    if not use.options["by_frequency"]:
        return is_wanted
    times = torch.bincount(use.input.reshape(-1), minlength=use.weight.shape[0])
    return is_wanted / times[use.input]


def _reach_of_norm(use: Use) -> Tensor:
    return by_neuron(use, use.x.abs())


def _contract_norm(use: Use, x: Tensor, delta: Tensor) -> Tensor:
    return by_neuron(use, x * delta).sum((0, 2)).reshape(use.weight.shape)


KINDS: dict[str, Kind] = {
    "linear": Kind((nn.Linear,), -1, _reach_of_linear, _contract_linear, _rows_of_linear),
    "conv": Kind(
        (nn.Conv1d, nn.Conv2d, nn.Conv3d), 1, _reach_of_conv, _contract_conv, _rows_of_conv
    ),
    "conv_transpose": Kind(
        (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
        1,
        _reach_of_conv_transpose,
        _contract_conv_transpose,
    ),
    "embedding": Kind((nn.Embedding,), -1, _reach_of_embedding, _contract_embedding),
    "norm": Kind((nn.LayerNorm, nn.RMSNorm), -1, _reach_of_norm, _contract_norm),
    "channel_norm": Kind((BatchNorm, nn.GroupNorm), 1, _reach_of_norm, _contract_norm),
}
