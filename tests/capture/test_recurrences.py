"""Recurrent layers: every gate's gradient is autograd's, and a cell by hand gives the same rows."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import whygrad as wg

STEPS = 2
LENGTHS = torch.tensor([7, 3, 5, 1])


class Recurrent(nn.Module):
    def __init__(self, make, **options):
        super().__init__()
        self.inner = make(3, 5, **options)

    def forward(self, x):
        return self.inner(x)


class Packed(Recurrent):
    def forward(self, x):
        packed = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
        output, state = self.inner(packed)
        return output.data, state


class LastState(Recurrent):
    """Of several results one alone is used, as by most who classify sequences."""

    def forward(self, x):
        _, (last, _) = self.inner(x)
        return last[-1]


class Cell(Recurrent):
    def forward(self, x):
        state, states = None, []
        for step in range(x.shape[1]):
            state = self.inner(x[:, step], state)
            states.append(state)
        return states


def numbers(returned):
    if isinstance(returned, torch.Tensor):
        return [returned]
    return [one for part in returned for one in numbers(part)]


def trained(model, is_watched):
    torch.manual_seed(3)
    optimizer, x, grads = torch.optim.SGD(model.parameters(), 0.1), torch.randn(4, 7, 3), {}
    watch = wg.watch(model, every=1)
    if is_watched:
        watch.attach()
    for _ in range(STEPS):
        optimizer.zero_grad()
        sum(one.square().sum() for one in numbers(model(x))).backward()
        grads = {name: p.grad.clone() for name, p in model.named_parameters()}
        optimizer.step()
    watch.detach()
    return grads, watch.run


def made(make, options):
    torch.manual_seed(0)
    wrapper = Cell if make in (nn.LSTMCell, nn.GRUCell, nn.RNNCell) else Recurrent
    wrapper = options.pop("wrapper", wrapper)
    return wrapper(make, **options)


CASES = [
    (nn.LSTM, {"batch_first": True}),
    (nn.LSTM, {"num_layers": 2, "bidirectional": True, "dropout": 0.3}),
    (nn.LSTM, {"proj_size": 2, "bias": False}),
    (nn.LSTM, {"wrapper": Packed, "batch_first": True, "bidirectional": True}),
    (nn.LSTM, {"wrapper": LastState, "num_layers": 2}),
    (nn.GRU, {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    (nn.GRU, {"wrapper": Packed, "batch_first": True, "num_layers": 2, "dropout": 0.2}),
    (nn.RNN, {"nonlinearity": "relu", "bidirectional": True}),
    (nn.LSTMCell, {}),
    (nn.GRUCell, {"bias": False}),
    (nn.RNNCell, {}),
]


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize(("make", "options"), CASES, ids=lambda one: getattr(one, "__name__", None))
def test_gates_sum_to_the_gradient_and_training_is_the_same(make, options):
    plain, _ = trained(made(make, dict(options)), is_watched=False)
    grads, run = trained(made(make, dict(options)), is_watched=True)
    assert all(torch.equal(grads[name], plain[name]) for name in grads)
    assert run.coverage().share == 1
    step, arrays, _ = run.whole()
    assert step == STEPS - 1
    for layer, one in run.description["layers"].items():
        rows = slice(one["first"], one["first"] + one["shape"][0])
        assert f"{layer}/weight.came" not in arrays
        own, expected = arrays[f"{layer}/weight.gradient"], grads[one["weight"]][rows].numpy()
        np.testing.assert_allclose(own, expected, rtol=1e-4, atol=1e-5)
        steps, found = run.rows(layer)
        product = found[list(steps).index(step), :4].prod(axis=0)
        np.testing.assert_allclose(product, np.linalg.norm(own, axis=1), rtol=1e-3, atol=1e-5)
        if one["bias"]:
            delta = grads[one["bias"]][rows].numpy()
            np.testing.assert_allclose(arrays[f"{layer}/delta"], delta, rtol=1e-4, atol=1e-5)


class ByHand(nn.Module):
    """An LSTM cell of linear layers, a gate each, over the weights of another."""

    def __init__(self, cell):
        super().__init__()
        for k, gate in enumerate("ifgo"):
            for way, weight, bias in (
                ("x", cell.weight_ih_l0, cell.bias_ih_l0),
                ("h", cell.weight_hh_l0, cell.bias_hh_l0),
            ):
                rows = slice(5 * k, 5 * k + 5)
                layer = nn.Linear(weight.shape[1], 5)
                layer.weight.data = weight[rows].detach().clone()
                layer.bias.data = bias[rows].detach().clone()
                self.add_module(gate + way, layer)

    def forward(self, x):
        h, c, states = x.new_zeros(len(x), 5), x.new_zeros(len(x), 5), []
        for step in range(x.shape[1]):
            i, f, g, o = (
                function(
                    self.get_submodule(gate + "x")(x[:, step]) + self.get_submodule(gate + "h")(h)
                )
                for gate, function in zip(
                    "ifgo", (torch.sigmoid, torch.sigmoid, torch.tanh, torch.sigmoid), strict=True
                )
            )
            c = f * c + i * g
            h = o * torch.tanh(c)
            states.append(h)
        return torch.stack(states, 1), h, c


def test_gates_have_the_sums_of_a_cell_by_hand():
    torch.manual_seed(0)
    cell = Recurrent(nn.LSTM, batch_first=True)
    by_hand = ByHand(cell.inner)
    (_, fused), (_, single) = trained(cell, True), trained(by_hand, True)
    ours, theirs = fused.whole()[1], single.whole()[1]
    for k, gate in enumerate("ifgo"):
        for way, weight in (("x", "weight_ih_l0"), ("h", "weight_hh_l0")):
            layer = f"inner.{weight}[{5 * k}:{5 * k + 5}]"
            for name in ("through", "pulled", "pulls", "delta"):
                expected = theirs[f"{gate}{way}/{name}"]
                np.testing.assert_allclose(ours[f"{layer}/{name}"], expected, rtol=1e-3, atol=1e-5)
            activation = fused.description["layers"][layer]["activation"]
            assert activation == ("tanh" if gate == "g" else "sigmoid")


def test_a_recurrence_that_comes_out_otherwise_is_named(monkeypatch):
    from whygrad.capture import recurrences

    monkeypatch.setitem(recurrences.GATES, "rnn_tanh", (torch.sigmoid,))
    model = Recurrent(nn.RNN)
    with pytest.warns(UserWarning, match="does not take apart"):
        _, run = trained(model, is_watched=True)
    assert run.coverage().share == 0
    assert all(why.startswith("rnn_tanh came out") for why in run.coverage().missing.values())
