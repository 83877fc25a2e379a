"""A model that is watched ends in the same bits as one that is not."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn

import whygrad as wg

pytestmark = pytest.mark.filterwarnings("ignore:wg.watch does not take apart")


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
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert not any(p._post_accumulate_grad_hooks or p._backward_hooks for p in model.parameters())
    assert not torch.overrides._get_current_function_mode_stack()
