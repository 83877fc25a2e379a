"""Every kind of layer: its sum over samples is what autograd finds, its reach a row's length."""

from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from whygrad.capture.kinds import after_call, use_of
from whygrad.capture.uses import fan_in_last

ROUNDING = {"rtol": 1e-9, "atol": 1e-11}


def used(function, *args, **kwargs):
    """Return the use of a layer, its output, and a delta that came back to it."""
    output = function(*args, **kwargs)
    use = use_of(function, args, kwargs)
    delta = torch.randn_like(output)
    parameters = [arg for arg in (*args, *kwargs.values()) if isinstance(arg, nn.Parameter)]
    return use, delta, torch.autograd.grad(output, parameters, delta)[0]


def check(use, delta, gradient):
    found = use.contract(use.x, delta)
    torch.testing.assert_close(found, gradient, **ROUNDING)
    if not use.has_rows:
        return
    laid = use.by_neuron(delta).transpose(1, 2).flatten(0, 1)
    rows = use.rows
    torch.testing.assert_close(laid.T @ rows, fan_in_last(use.kind, gradient), **ROUNDING)
    reach = use.reach.transpose(1, 2).flatten()
    torch.testing.assert_close(reach, rows.norm(dim=1), **ROUNDING)
    pulls = use.contract(use.x.abs(), delta.abs())
    torch.testing.assert_close(fan_in_last(use.kind, pulls), laid.abs().T @ rows.abs(), **ROUNDING)


@given(
    dimensions=st.integers(1, 3),
    size=st.integers(3, 5),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 2),
    dilation=st.integers(1, 2),
    groups=st.integers(1, 2),
    padding=st.sampled_from([0, 1, 2, "same", "valid"]),
)
def test_convolutions(dimensions, size, kernel, stride, dilation, groups, padding):
    if padding == "same":
        stride = 1
    size += dilation * (kernel - 1)
    torch.manual_seed(dimensions)
    x = torch.randn(2, 2 * groups, *[size] * dimensions, dtype=torch.float64)
    weight = nn.Parameter(torch.randn(3 * groups, 2, *[kernel] * dimensions, dtype=x.dtype))
    function = (F.conv1d, F.conv2d, F.conv3d)[dimensions - 1]
    check(*used(function, x, weight, None, stride, padding, dilation, groups))


@given(
    dimensions=st.integers(1, 3),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    padding=st.integers(0, 1),
    is_unbatched=st.booleans(),
)
def test_transposed_convolutions(dimensions, kernel, stride, dilation, padding, is_unbatched):
    padding = min(padding, dilation * (kernel - 1))
    torch.manual_seed(dimensions)
    batch = () if is_unbatched else (2,)
    x = torch.randn(*batch, 2, *[3] * dimensions, dtype=torch.float64)
    weight = nn.Parameter(torch.randn(2, 3, *[kernel] * dimensions, dtype=x.dtype))
    function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[dimensions - 1]
    extra = min(stride, 2) - 1
    use, delta, gradient = used(function, x, weight, None, stride, padding, extra, 1, dilation)
    check(use, delta, gradient)
    laid = fan_in_last(use.kind, gradient)
    assert laid.shape == (3, 2 * kernel**dimensions)
    # dz_k / dw, one output at a time, is what reaches it
    outputs = use.by_neuron(function(x, weight, None, stride, padding, extra, 1, dilation))
    reach = use.reach
    for at in ((0, 0, 0), (-1, 1, outputs.shape[2] // 2), (-1, 2, -1)):
        (row,) = torch.autograd.grad(outputs[at], weight, retain_graph=True)
        torch.testing.assert_close(reach[at[0], 0, at[2]], row.norm(), **ROUNDING)


def test_one_sample_without_its_axis():
    x = torch.randn(2, 5, 5, dtype=torch.float64)
    weight = nn.Parameter(torch.randn(3, 2, 3, 3, dtype=x.dtype))
    check(*used(F.conv2d, x, weight, None, 1, 1))


@pytest.mark.parametrize("shape", [(6,), (2, 5), (2, 3, 4)])
def test_linear_layers_of_any_number_of_axes(shape):
    x = torch.randn(*shape, 4, dtype=torch.float64)
    check(*used(F.linear, x, nn.Parameter(torch.randn(3, 4, dtype=x.dtype))))


@pytest.mark.parametrize("padding", [None, 0, -1])
def test_a_table_that_is_looked_up(padding):
    tokens = torch.tensor([[0, 2, 2], [6, 1, 0]])
    weight = nn.Parameter(torch.randn(7, 3, dtype=torch.float64))
    use, delta, gradient = used(F.embedding, tokens, weight, padding_idx=padding)
    check(use, delta, gradient)
    assert set(use.reach.unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize(
    ("function", "x", "before", "count"),
    [
        (F.layer_norm, (5, 4), ([4],), 4),
        (F.layer_norm, (5, 2, 3, 1), ([3, 1],), 3),
        (F.rms_norm, (5, 2, 4), ([4],), 4),
        (F.group_norm, (5, 4, 3), (2,), 4),
        (F.batch_norm, (5, 4, 3), (None, None), 4),
    ],
)
def test_scales_of_norms(function, x, before, count):
    shape = before[0] if isinstance(before[0], list) else [count]
    weight = nn.Parameter(torch.rand(*shape, dtype=torch.float64) + 0.5)
    more = {"training": True} if function is F.batch_norm else {}
    x = torch.randn(*x, dtype=torch.float64)
    use, delta, gradient = used(function, x, *before, weight=weight, **more)
    check(use, delta, gradient)
    pulls = use.by_neuron((use.x * delta).abs()).sum((0, 2))
    assert (pulls >= gradient.abs().flatten() - 1e-12).all()


def test_batch_norm_in_evaluation_uses_what_it_knows_and_changes_nothing():
    mean, spread = torch.randn(4), torch.rand(4) + 0.5
    weight, x = nn.Parameter(torch.rand(4)), torch.randn(5, 4)
    kept = mean.clone(), spread.clone()
    use, delta, gradient = used(F.batch_norm, x, mean, spread, weight=weight)
    torch.testing.assert_close(use.contract(use.x, delta), gradient)
    use_of(F.batch_norm, (x, mean, spread), {"weight": weight, "training": True})
    assert torch.equal(mean, kept[0])
    assert torch.equal(spread, kept[1])


@pytest.mark.parametrize("packs", [False, True])
def test_a_batch_norm_lends_its_statistics_unless_they_are_packed(packs):
    weight, x = nn.Parameter(torch.rand(4)), (3 + torch.randn(5, 4, 3)).requires_grad_()
    unpacked = []

    def unpack(packed):
        unpacked.append(packed)
        return packed

    with torch.autograd.graph.saved_tensors_hooks(lambda x: x, unpack) if packs else nullcontext():
        arguments = {"weight": weight, "training": True}
        use = use_of(F.batch_norm, (x, None, None), arguments)
        known = after_call(use, F.batch_norm(x, None, None, **arguments))
    torch.testing.assert_close(known.x, use.x)
    assert (known is use) == packs
    assert not unpacked


@pytest.mark.parametrize(
    ("function", "shapes", "size"),
    [  # beyond 256 a square, beyond 65 504 a length is infinite in float16
        (F.linear, [(5, 8), (3, 8)], 3e4),
        (F.conv1d, [(5, 2, 8), (3, 2, 3)], 400.0),
        (F.conv_transpose1d, [(5, 2, 8), (2, 3, 3)], 400.0),
    ],
    ids=["linear", "conv", "transposed"],
)
def test_half_precision_holds_inputs_whose_squares_it_does_not(function, shapes, size):
    torch.manual_seed(0)
    x = (size * torch.randn(shapes[0])).clamp(-6e4, 6e4).half()
    weight = nn.Parameter(torch.randn(shapes[1]).half())
    half = use_of(function, (x, weight), {}).reach
    exact = use_of(function, (x.double(), nn.Parameter(weight.double())), {}).reach
    torch.testing.assert_close(half.double(), exact, rtol=1e-6, atol=0)
