"""A model that is watched ends in the same bits as one that is not."""

import copy
import pickle
from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch_hooks import hooks_on, hooks_on_all

import whygrad as wg
from whygrad.capture.torch_private import mode_stack

pytestmark = pytest.mark.filterwarnings("ignore:wg.watch does not take apart")


@pytest.mark.long
def test_parameters_gradients_and_random_numbers_are_the_same(program):
    ends = []
    for watching in (lambda model: nullcontext(), lambda model: wg.watch(model, every=1)):
        torch.manual_seed(3)
        model = program(watching)
        gradients = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
        ends.append((model.state_dict(), gradients, torch.get_rng_state()))
    (state, gradients, numbers), (again, gradients_again, numbers_again) = ends
    assert state.keys() == again.keys()
    assert all(torch.equal(state[name], again[name]) for name in state)
    assert torch.equal(numbers, numbers_again)
    for one, other in zip(gradients, gradients_again, strict=True):
        assert (one is None) == (other is None)
        assert one is None or torch.equal(one, other)


def test_nothing_stays_behind(program):
    kept: list[nn.Module] = []

    def watching(model):
        kept.append(model)
        return wg.watch(model, every=2)

    program(watching)
    model = kept[0]
    assert not hooks_on(model) and not mode_stack()


def steps(model: nn.Module, forward, count: int = 3) -> None:
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(count):
        optimizer.zero_grad()
        forward(torch.randn(6, 4)).square().mean().backward()
        optimizer.step()


def test_a_view_whose_base_was_written_over():
    """torch itself falls over such a view when a hook is hung on it before its node is made."""
    first, second = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(x):
        h = first(x.view(3, 2, 4))
        h.view(-1).mul_(2)
        return second(torch.relu_(h))

    model = nn.ModuleList([first, second])
    model.forward = forward
    with wg.watch(model, every=1) as watch:
        steps(model, model)
    assert watch.run.layers == ["0", "1"]


def test_a_model_can_be_copied_and_saved_while_it_is_watched():
    model = nn.Sequential(nn.Linear(4, 3))
    compiled = nn.Sequential(torch.compile(nn.Linear(4, 3), backend="eager"))
    for one in (model, compiled):
        watch = wg.watch(one, every=1, uncompiled=True).attach()
        copies = [copy.deepcopy(one)]
        x = torch.randn(6, 4)
        loss = one(x).square().mean()
        copies += [copy.deepcopy(one)]
        if one is model:
            copies += [pickle.loads(pickle.dumps(one))]
        loss.backward()
        torch.optim.SGD(one.parameters(), 0.1).step()
        for twin in copies:
            steps(twin, twin)
        watch.detach()
        assert watch.run.steps == 1
        assert not hooks_on(model)
    assert not hooks_on_all()


class Passing(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


def test_modes_of_others_end_where_they_should():
    """Whoever leaves takes away what lies on top of the stack, and that must not be ours."""
    model = nn.Sequential(nn.Linear(4, 3))

    def within(x):
        with Passing():
            return model(x)

    with wg.watch(model, every=1) as watch:
        steps(model, within)
        assert not any(isinstance(mode, Passing) for mode in mode_stack())
        with torch.device("cpu"):
            steps(model, within)
    assert not mode_stack()
    assert watch.run.layers == ["0"]


def test_a_step_for_every_parameter_as_its_gradient_comes():
    """The optimisers run within the backward pass, and throw its gradients away."""
    ends = []
    for watching in (lambda model: nullcontext(), lambda model: wg.watch(model, every=1)):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
        optimizers = {p: torch.optim.SGD([p], 0.1) for p in model.parameters()}

        def update(parameter, optimizers=optimizers):
            optimizers[parameter].step()
            optimizers[parameter].zero_grad()

        for parameter in model.parameters():
            parameter.register_post_accumulate_grad_hook(update)
        with watching(model) as watch:
            for _ in range(3):
                model(torch.randn(6, 4)).square().mean().backward()
        ends.append([p.detach().clone() for p in model.parameters()])
        assert not mode_stack()
    assert all(torch.equal(one, other) for one, other in zip(*ends, strict=True))
    ledger = watch.run.why("0.weight[1, 2]")
    assert [stage.name for stage in ledger.stages] == ["learning_rate"]
    assert ledger.update == pytest.approx(ledger.movement, rel=1e-4)
