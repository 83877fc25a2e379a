"""One rule for parameters in products and sums, against autograd, output by output."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

import whygrad as wg
from whygrad.capture.contractions import contraction
from whygrad.capture.products import Product
from whygrad.record.layers import layout_of

CLOSE = {"rtol": 1e-4, "atol": 1e-6}
TABLE = torch.tensor([[0, 3, 3], [8, 1, 0]])


class With(nn.Module):
    """A function of its input and of parameters that stand beside it."""

    def __init__(self, function, **shapes):
        super().__init__()
        self.function = function
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(0.3 + torch.rand(shape)))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, **dict(self.named_parameters()))


def watched(model: nn.Module, x: Tensor, steps: int = 1):
    """Return the run of a model whose outputs get fixed deltas, and these deltas."""
    delta = torch.randn(model(x).shape)
    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    with wg.watch(model, every=1) as watch:
        for _ in range(steps):
            optimizer.zero_grad()
            (model(x) * delta).sum().backward()
            optimizer.step()
    return watch.run, delta


def terms(model: With, x: Tensor, delta: Tensor, name: str) -> Tensor:
    """Return what every number of the output adds to a parameter's gradient, by its definition."""
    others = {n: p.detach() for n, p in model.named_parameters() if n != name}

    def of(parameter):
        return model.function(x, **{name: parameter}, **others)

    parameter = dict(model.named_parameters())[name].detach()
    jacobian = torch.autograd.functional.jacobian(of, parameter)
    return jacobian.flatten(0, delta.dim() - 1) * delta.reshape(-1, *[1] * parameter.dim())


FORMS = {  # a function, the shapes of its parameters, and which of their axes count neurons
    "addmm": (lambda x, b, w: torch.addmm(b, x[0], w), {"b": (3,), "w": (4, 3)}, {"w": (1,)}),
    "from the left": (lambda x, w: w @ x, {"w": (3, 6)}, {"w": (0,)}),
    "vector": (lambda x, w: x @ w, {"w": (4,)}, {"w": ()}),
    "scale": (lambda x, w: w * x, {"w": (4,)}, {"w": (0,)}),
    "one more": (lambda x, w: x * (1 + w.float()), {"w": (4,)}, {"w": (0,)}),
    "from its logarithm": (
        lambda x, w: x[..., None] * -torch.exp(w[None, None]),
        {"w": (4, 2)},
        {"w": (0, 1)},
    ),
    "divided": (lambda x, w: x * (1 / w), {"w": (4,)}, {"w": (0,)}),
    "single number": (lambda x, w: x * w.exp(), {"w": ()}, {"w": ()}),
    "bias": (lambda x, b: x + b, {"b": (4,)}, {"b": (0,)}),
    "positions": (lambda x, b: x - b[:, :6], {"b": (1, 9, 4)}, {"b": (0, 1, 2)}),
    "rows and one more": (
        lambda x, c: torch.cat([c.expand(5, -1, -1), x], 1),
        {"c": (1, 1, 4)},
        {"c": (0, 1, 2)},
    ),
    "experts": (lambda x, w: torch.bmm(x, w), {"w": (5, 4, 3)}, {"w": (0, 2)}),
    "one expert": (lambda x, w: F.linear(x, w[2]), {"w": (4, 3, 4)}, {"w": (0, 1)}),
    "chosen experts": (
        lambda x, w: torch.einsum("bnd,bdo->bno", x, w[torch.tensor([0, 2, 1, 2, 0])]),
        {"w": (3, 4, 2)},
        {"w": (0, 2)},
    ),
    "heads": (
        lambda x, w: torch.einsum("...d,hdk->...hk", x, w),
        {"w": (2, 4, 3)},
        {"w": (0, 2)},
    ),
    "packed": (lambda x, w: x @ w[:, 3:6], {"w": (4, 9)}, {"w": (1,)}),
    "turned": (lambda x, w: F.linear(x, w.t().contiguous()), {"w": (4, 3)}, {"w": (1,)}),
    "bilinear": (lambda x, w: F.bilinear(x, x.flip(0), w), {"w": (3, 4, 4)}, {"w": (0,)}),
    "tensordot": (lambda x, w: torch.tensordot(x, w, 1), {"w": (4, 3, 2)}, {"w": (1, 2)}),
    "table of positions": (
        lambda x, b: x[:, :2, :3, None] + b[TABLE],
        {"b": (9, 2)},
        {"b": (0, 1)},
    ),
    "convolution": (
        lambda x, w: F.conv1d(x, 2 * w.view(3, 6, 1).neg(), padding=1),
        {"w": (3, 6)},
        {"w": (0,)},
    ),
    "norm": (lambda x, w: F.layer_norm(x, (4,), w + 1), {"w": (4,)}, {"w": (0,)}),
    "interpolated": (lambda x, w: torch.lerp(x, x.flip(0), w), {"w": (4,)}, {"w": (0,)}),
}


@pytest.mark.sampled(12)
@pytest.mark.parametrize("form", FORMS)
def test_all_sums_are_those_of_the_single_terms(form):
    torch.manual_seed(0)
    function, shapes, axes = FORMS[form]
    model, x = With(function, **shapes), torch.randn(5, 6, 4)
    run, delta = watched(model, x)
    assert run.coverage().share == 1
    assert run.coverage().missing == {}
    arrays = run.whole()[1]
    for name, of_neurons in axes.items():
        layer, described = next(
            (layer, one)
            for layer, one in run.description["layers"].items()
            if one["weight"] == name
        )
        shape = tuple(described["shape"])
        layout = layout_of(described["kind"], described.get("neuron_axes"))
        assert layout.neurons(shape) == of_neurons or model.get_parameter(name).dim() == 0
        single = terms(model, x, delta, name)
        assert f"{layer}/weight.came" not in arrays
        gradient = arrays[f"{layer}/weight.gradient"]
        np.testing.assert_allclose(gradient, single.sum(0).reshape(shape), **CLOSE)
        pulls = arrays[f"{layer}/pulls"]
        np.testing.assert_allclose(pulls, single.abs().sum(0).reshape(shape), **CLOSE)
        laid = np.stack([layout.as_matrix(one.reshape(shape)) for one in single.numpy()])
        np.testing.assert_allclose(
            arrays[f"{layer}/pulled"], np.linalg.norm(laid, axis=1).sum(0), **CLOSE
        )
        rows = run.rows(layer)[1]
        norms = np.linalg.norm(layout.as_matrix(gradient), axis=0)
        np.testing.assert_allclose(rows[0, :4].prod(axis=0), norms, rtol=1e-4, atol=1e-5)


@given(data=st.data())
def test_any_einsum(data):
    letters = "abcde"
    sizes = {letter: data.draw(st.integers(1, 3), letter) for letter in letters}
    term = st.lists(st.sampled_from(letters), min_size=1, max_size=4, unique=True)
    weight, input = data.draw(term), data.draw(term)
    output = data.draw(st.lists(st.sampled_from(letters), max_size=4, unique=True))
    output = [one for one in output if one in weight or one in input]
    assume(all(one in input or one in output for one in weight))
    equation = f"{''.join(input)},{''.join(weight)}->{''.join(output)}"
    torch.manual_seed(0)
    x = torch.randn([sizes[one] for one in input], dtype=torch.float64)
    w = torch.randn([sizes[one] for one in weight], dtype=torch.float64, requires_grad=True)
    result = torch.einsum(equation, x, w)
    found = contraction("einsum", (equation, x, w), {}, result)
    assert found is not None
    use, delta = Product.of(found, 1, result), torch.randn_like(result)
    (expected,) = torch.autograd.grad(result, w, delta, retain_graph=True)
    torch.testing.assert_close(use.contract(use.x, delta), expected)
    laid, reach = use.by_neuron(delta), use.reach
    axes = [at for at, one in enumerate(weight) if one in output]
    assert laid.shape[1] == torch.Size(w.shape[at] for at in axes).numel()
    jacobian = torch.autograd.functional.jacobian(lambda w: torch.einsum(equation, x, w), w)
    lengths = jacobian.reshape(*result.shape, -1).norm(dim=-1)
    torch.testing.assert_close(reach.expand_as(laid), use.by_neuron(lengths))


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w: x @ w + torch.relu(x) * w[0],
        lambda x, w: F.linear(x, (w - w.mean(1, keepdim=True)) / 2),
    ],
    ids=["product and scale", "standardised"],
)
def test_a_parameter_that_is_used_in_two_ways_is_explained_in_both(function):
    torch.manual_seed(0)
    model = With(function, w=(4, 4))
    run, _ = watched(model, torch.randn(5, 6, 4), steps=2)
    whole = run.whole()[1]
    own = [array for name, array in whole.items() if name.endswith("/weight.gradient")]
    assert len(own) == 2
    np.testing.assert_allclose(sum(own), model.w.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w: torch.cdist(x, w),
        lambda x, w: F.scaled_dot_product_attention(w.expand(5, -1, -1), x, x),
        lambda x, w: F.linear(x, F.normalize(w)),
    ],
    ids=["distance", "attention", "normalised"],
)
def test_a_parameter_that_goes_alone_into_a_function(function):
    torch.manual_seed(0)
    model = With(function, w=(3, 4))
    run, _ = watched(model, torch.randn(5, 6, 4))
    (layer,) = run.layers
    assert run.description["layers"][layer]["kind"] == "alone"
    ledger = run.why("w[1, 2]")
    assert ledger.gradient == pytest.approx(float(model.w.grad[1, 2]), rel=1e-4)
    assert ledger.product == pytest.approx(abs(ledger.gradient), rel=1e-4)


def test_a_penalty_is_no_layer_of_its_own():
    torch.manual_seed(0)
    model = With(lambda x, w: (x @ w).sum() + w.square().sum(), w=(4, 3))
    run, _ = watched(model, torch.randn(5, 4))
    assert run.layers == ["w"]
    assert "elsewhere" in [stage.name for stage in run.why("w[1, 2]").stages]


def test_a_penalty_on_a_bias_is_no_layer_of_its_own():
    model = With(lambda x, w, b: F.linear(x, w, b).sum() + b.abs().sum(), w=(3, 4), b=(3,))
    run, _ = watched(model, torch.randn(5, 4))
    assert run.layers == ["w"]


def test_what_goes_alone_into_a_function_is_told_apart_from_sums():
    model = With(lambda x, w, s: (x @ w).sum() + torch.cdist(x, s).sum(), w=(4, 3), s=(2, 4))
    run, _ = watched(model, torch.randn(5, 4))
    coverage = run.coverage()
    assert (coverage.share, coverage.alone) == (1, pytest.approx(8 / 20))
    assert str(coverage) == (
        "100.0 % of all parameters that a gradient came to are taken apart. Among them, 40.0 % of "
        "all go alone into a function that is no product and no sum, and are told as biases are."
    )


class Hidden(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x * w

    @staticmethod
    def backward(ctx, delta):
        x, w = ctx.saved_tensors
        return delta * w, (delta * x).sum(0)


def test_what_is_not_taken_apart_is_named_with_its_reason():
    model = With(lambda x, w, b, unused: Hidden.apply(x, w) + b, w=(4,), b=(4,), unused=(2,))
    with pytest.warns(UserWarning, match=r"^wg\.watch does not take apart: w\. They train"):
        run, _ = watched(model, torch.randn(5, 4))
    coverage = run.coverage()
    assert coverage.share == 0.5
    assert coverage.missing == {
        "unused": "No gradient came to it in the recorded steps.",
        "w": "No function of torch’s was seen to take it: compiled or scripted code, torch.func, or"
        " an autograd function of the program’s own did.",
    }
    assert str(coverage).startswith("50.0 % of all parameters")
    assert "<code>w</code>" in run.report(lab=False).read_text()


def test_a_sparse_gradient_of_a_parameter_that_goes_alone_is_read():
    torch.manual_seed(0)
    model = nn.Sequential(nn.EmbeddingBag(20, 4, mode="sum", sparse=True), nn.Linear(4, 2))
    table, rest = (torch.optim.SGD(one.parameters(), 0.1) for one in model)
    with wg.watch(model, every=1) as watch:
        for _ in range(2):
            table.zero_grad()
            rest.zero_grad()
            model(torch.randint(0, 20, (8, 3))).square().mean().backward()
            expected = model[0].weight.grad.to_dense().norm().item()
            table.step()
            rest.step()
    (name,) = (n for n, one in watch.run.description["layers"].items() if one["weight"][0] == "0")
    _, rows = watch.run.rows(name)
    size = np.linalg.norm(rows[-1, :4].prod(axis=0))
    assert size == pytest.approx(expected, rel=1e-5)
