"""What is recorded and explained: parameter.grad, the four factors by definition, updates."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

import whygrad as wg
from whygrad.errors import AddressError
from whygrad.record.fields import FACTORS
from whygrad.record.layers import layout_of

pytestmark = pytest.mark.filterwarnings("ignore:wg.watch does not take apart")
HALF = 2.0**-7  # two roundings of bfloat16, in which one of the programs computes
GRADIENT = {"rtol": 2e-4, "atol": 1e-7}


class Remembering:
    """A watch that also keeps the gradients and parameters that each update was made of."""

    def __init__(self, model: nn.Module):
        self.model, self.watch = model, wg.watch(model, every=1)
        self.steps: list[tuple[dict, dict, dict]] = []

    def __enter__(self):
        self.handles = [register_optimizer_step_pre_hook(self.before)]
        self.watch.attach()
        self.handles.append(register_optimizer_step_post_hook(self.after))
        return self

    def __exit__(self, *_):
        for handle in self.handles:
            handle.remove()
        self.watch.detach()

    def state(self):
        return {name: p.detach().clone() for name, p in self.model.named_parameters()}

    def joined(self):
        """Return the last updates of two optimisers as one."""
        (grads, before, _), (more, _, after) = self.steps[-2:]
        return grads | more, before, after

    def before(self, *_):
        self.waiting = self.state()

    def after(self, *_):
        grads = {n: p.grad.clone() for n, p in self.model.named_parameters() if p.grad is not None}
        self.steps.append((grads, self.waiting, self.state()))


def remembered(program) -> Remembering:
    kept = []

    def watching(model):
        kept.append(Remembering(model))
        return kept[0]

    torch.manual_seed(5)
    program(watching)
    return kept[0]


def address(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, index))}]"


@pytest.mark.long
@pytest.mark.sampled(8)
def test_gradients_are_those_that_autograd_left(program):
    """Of every parameter some entries, at the last step; times what came between."""
    seen = remembered(program)
    if program.__name__ == "two_optimizers":  # the second one's gradients come second
        seen.steps[-1] = seen.joined()
    run, (grads, before, after) = seen.watch.run, seen.steps[-1]
    layers = run.description["layers"]
    parameters = {p for d in layers.values() for p in (d["weight"], d["bias"]) if p}
    assert parameters == set(grads)
    draw = np.random.default_rng(0)
    for name in sorted(parameters):
        for _ in range(2):
            index = tuple(int(draw.integers(size)) for size in grads[name].shape)
            ledger = run.why(address(name, index))
            given = [s.after for s in ledger.stages if s.name in ("elsewhere", "between")]
            asked = given[-1] if given else ledger.gradient
            size = float(grads[name].abs().max())
            assert asked == pytest.approx(float(grads[name][index]), rel=1e-5, abs=1e-6 * size)
            exact = HALF if program.__name__ == "mixed" else 1e-5
            pulled = math.prod(factor.value for factor in ledger.factors[:3])
            assert ledger.product == pytest.approx(abs(ledger.gradient), abs=exact * pulled)
            if program.__name__ == "closure":
                continue  # its last gradients are taken between two moves of one update
            assert ledger.value == float(before[name][index])
            moved = float(after[name][index]) - float(before[name][index])
            assert ledger.movement == pytest.approx(moved, abs=1e-9)
            assert ledger.update == pytest.approx(moved, rel=1e-3, abs=2e-7)


def test_a_tied_weight_gets_the_sum_of_both_ways(programs):
    seen = remembered(programs["tied"])
    run, (grads, _, _) = seen.watch.run, seen.steps[-1]
    whole = run.whole()[1]
    parts = [whole[f"{name}/weight.gradient"] for name in ("embed", "head")]
    np.testing.assert_allclose(sum(parts), grads["embed.weight"].numpy(), **GRADIENT)


@pytest.mark.long
def test_factors_of_neurons_multiply_to_the_norm_of_their_gradient(program):
    seen = remembered(program)
    run = seen.watch.run
    for layer, described in run.description["layers"].items():
        steps, rows = run.rows(layer)
        assert (rows[:, :5] >= 0).all()
        assert (rows[:, 3:5] <= 1 + 1e-6).all()
        arrays = run.whole()[1]
        gradient = arrays[f"{layer}/weight.gradient"]
        layout = layout_of(described["kind"], described.get("neuron_axes"))
        norms = np.linalg.norm(layout.as_matrix(gradient), axis=0)
        at = list(steps).index(run.whole()[0])
        product = rows[at, :4].prod(axis=0)
        np.testing.assert_allclose(product, norms, rtol=HALF, atol=1e-6 * norms.max())


def test_the_four_factors_are_those_of_the_definition():
    """Of an MLP, from per-sample numbers written out by hand."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    model.double()
    x, y = torch.randn(9, 4).double(), torch.randint(0, 3, (9,))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    inner, kept = x, []
    for layer in model:
        out = layer(inner)
        out.retain_grad()
        kept.append((inner, out))
        inner = out
    F.cross_entropy(inner, y).backward()
    expected = {}
    for at in (0, 2):
        u, d = kept[at + 1][1].grad.abs(), kept[at][1].grad.abs()
        pulled = (d * kept[at][0].norm(dim=1, keepdim=True)).sum(0)
        sizes = (u.sum(0), d.sum(0), pulled, model[at].weight.grad.norm(dim=1))
        expected[str(at)] = [sizes[0], *(b / a for a, b in pairwise(sizes))]
    model.zero_grad()
    with wg.watch(model, every=1) as watch:
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    for layer, four in expected.items():
        dataset = watch.run.neurons(layer)
        for name, values in zip(FACTORS, four, strict=True):
            found = dataset[name].values[0]
            np.testing.assert_allclose(found, values.nan_to_num().detach().numpy(), rtol=1e-5)


def test_the_anatomy_is_one_that_all_of_whygrad_reads():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    x, y = torch.randn(9, 4), torch.randint(0, 3, (9,))
    with wg.watch(model, every=1) as watch:
        F.cross_entropy(model(x), y).backward()
        grads = {name: p.grad.clone() for name, p in model.named_parameters()}
        optimizer.step()
    anatomy = watch.run.anatomy()
    for layer in ("0", "2"):
        gradient = anatomy[layer].gradient()
        np.testing.assert_allclose(gradient["weight"].T, grads[f"{layer}.weight"], **GRADIENT)
        np.testing.assert_allclose(gradient["bias"], grads[f"{layer}.bias"], **GRADIENT)
        four = wg.factors(anatomy[layer]).weight
        sizes = np.abs(grads[f"{layer}.weight"].numpy().T)
        np.testing.assert_allclose(four.product, sizes, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("make", "stages"),
    [
        (lambda p: torch.optim.SGD(p, 0.1), ["learning_rate"]),
        (
            lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, dampening=0.1, weight_decay=0.01),
            ["l2", "momentum", "learning_rate"],
        ),
        (
            lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
            ["nesterov", "learning_rate"],
        ),
        (lambda p: torch.optim.Adam(p, 0.1, weight_decay=0.1), ["l2", "adam", "learning_rate"]),
        (lambda p: torch.optim.Adam(p, 0.1, amsgrad=True), ["adam", "learning_rate"]),
        (
            lambda p: torch.optim.AdamW(p, 0.1, maximize=True),
            ["maximize", "adam", "weight_decay", "learning_rate"],
        ),
        (
            lambda p: torch.optim.RMSprop(p, 0.1, centered=True, momentum=0.9, weight_decay=0.1),
            ["l2", "rmsprop", "momentum", "learning_rate"],
        ),
        (lambda p: torch.optim.NAdam(p, 0.1), ["opaque"]),
    ],
)
def test_stages_lead_from_the_gradient_to_the_movement(make, stages):
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    optimizer = make(model.parameters())
    with wg.watch(model, every=1) as watch:
        for _ in range(3):
            optimizer.zero_grad()
            F.mse_loss(model(torch.randn(6, 4)), torch.randn(6, 3)).backward()
            optimizer.step()
    for step in (0, 1, 2):
        ledger = watch.run.why("weight[1, 2]", step=step)
        assert [stage.name for stage in ledger.stages] == stages
        assert ledger.update == pytest.approx(ledger.movement, rel=1e-4, abs=1e-7)


def test_pushers_add_up_to_the_upstream():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Dropout(0.0), nn.Linear(6, 2))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    x, y = torch.randn(9, 4), torch.randint(0, 2, (9,))
    with wg.watch(model, every=1) as watch:
        hidden = torch.tanh(model[0](x))
        hidden.retain_grad()
        F.cross_entropy(model[3](hidden), y).backward()
        wanted = hidden.grad.sum(0)
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    ledger = watch.run.why("0[4]")
    assert sum(pusher.part for pusher in ledger.pushers) == pytest.approx(
        float(wanted[4]), rel=1e-4
    )
    assert ledger.pushers_rest == 0


def test_gradients_that_are_asked_for_and_put_in_place():
    """By ``torch.autograd.grad``: no backward pass adds them to what the parameters have."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1) as watch:
        for _ in range(2):
            loss = F.cross_entropy(model(torch.randn(9, 4)), torch.randint(0, 3, (9,)))
            found = torch.autograd.grad(loss, list(model.parameters()))
            for parameter, gradient in zip(model.parameters(), found, strict=True):
                parameter.grad = gradient
            optimizer.step()
    ledger = watch.run.why("0.weight[1, 2]")
    assert ledger.gradient == pytest.approx(float(model[0].weight.grad[1, 2]), rel=1e-5)
    assert [stage.name for stage in ledger.stages] == ["learning_rate"]
    assert watch.run.facts[-1]["left_over"] == []


def test_gradients_that_are_asked_for_before_the_pass_that_counts():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1) as watch:
        for _ in range(2):
            loss = F.cross_entropy(model(torch.randn(9, 4)), torch.randint(0, 3, (9,)))
            torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    ledger = watch.run.why("0.weight[1, 2]")
    assert ledger.gradient == pytest.approx(float(model[0].weight.grad[1, 2]), rel=1e-5)
    assert [stage.name for stage in ledger.stages] == ["learning_rate"]
    assert watch.run.history["loss"].notna().all()


def test_a_backward_pass_that_is_to_reach_some_parameters_only():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3), nn.Linear(3, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1) as watch:
        for _ in range(2):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(torch.randn(9, 4)), torch.randint(0, 3, (9,)))
            loss.backward(inputs=list(model[2].parameters()), retain_graph=True)
            loss.backward(inputs=list(model[0].parameters()))
            optimizer.step()
    assert sorted(watch.run.layers) == ["0", "2"]
    for layer in (0, 2):
        ledger = watch.run.why(f"{layer}.weight[1, 2]")
        expected = float(model[layer].weight.grad[1, 2])
        assert ledger.gradient == pytest.approx(expected, rel=1e-5)
        assert [stage.name for stage in ledger.stages] == ["learning_rate"]


def test_attention_whose_biases_are_packed_and_weights_are_not():
    torch.manual_seed(0)
    model = nn.MultiheadAttention(4, 2, kdim=3, vdim=5, batch_first=True)
    nn.init.normal_(model.in_proj_bias)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1) as watch:
        for _ in range(2):
            before = model.in_proj_bias.detach().clone()
            optimizer.zero_grad()
            query, key, value = (torch.randn(2, 6, size) for size in (4, 3, 5))
            model(query, key, value)[0].square().sum().backward()
            optimizer.step()
    assert watch.run.layers == ["q_proj", "k_proj", "v_proj", "out_proj"]
    for index in (1, 9):
        ledger = watch.run.why(f"in_proj_bias[{index}]")
        expected = float(model.in_proj_bias.grad[index])
        assert ledger.gradient == pytest.approx(expected, rel=1e-4)
        assert ledger.value == float(before[index])
        assert ledger.update == pytest.approx(ledger.movement, rel=1e-3)


def test_an_embedding_whose_gradient_is_scaled_by_frequency():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(4, 3, scale_grad_by_freq=True), nn.Linear(3, 2))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1) as watch:
        model(torch.tensor([0, 1, 1, 1, 2, 2])).square().sum().backward()
        optimizer.step()
    ledger = watch.run.why("0.weight[1, 2]")
    assert [stage.name for stage in ledger.stages] == ["learning_rate"]
    assert ledger.gradient == pytest.approx(float(model[0].weight.grad[1, 2]), rel=1e-5)
    assert ledger.product == pytest.approx(abs(ledger.gradient), rel=1e-5)


def test_a_frozen_bias_of_a_layer_that_learns():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
    model[0].bias.requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1) as watch:
        model(torch.randn(9, 4)).square().sum().backward()
        optimizer.step()
    with pytest.raises(AddressError):
        watch.run.why("0.bias[1]")
    assert watch.run.why("0[1]").gradient > 0
    assert watch.run.why("2.bias[1]").gradient != 0


def test_layers_of_half_precision_and_their_norms():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3)).bfloat16()
    for is_training in (True, False):
        model[1].train(is_training)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        with wg.watch(model, every=1) as watch:
            model(torch.randn(9, 4).bfloat16()).float().square().sum().backward()
            optimizer.step()
        ledger = watch.run.why("1.weight[2]")
        assert ledger.product == pytest.approx(abs(ledger.gradient), rel=HALF)


def test_settings_that_are_tensors():
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    betas = (torch.tensor(0.8), torch.tensor(0.9))
    optimizer = torch.optim.Adam(model.parameters(), torch.tensor(0.1), betas=betas)
    with wg.watch(model, every=1) as watch:
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.randn(6, 4)).square().sum().backward()
            optimizer.step()
    ledger = watch.run.why("weight[1, 2]")
    assert [stage.name for stage in ledger.stages] == ["adam", "learning_rate"]
    assert ledger.update == pytest.approx(ledger.movement, rel=1e-4, abs=1e-7)
