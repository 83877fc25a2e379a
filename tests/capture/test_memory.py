"""What a watch holds is gone with the step, by reference counts alone.

A training process rarely fills the collector's oldest generation, so that what is only reached in
a cycle stays for many steps, and with it every activation.
"""

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import whygrad as wg
from whygrad.capture.gradients import Before
from whygrad.capture.layer_calls import FullSnapshot
from whygrad.capture.uses import Use

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:wg.watch does not take apart"),
]


@contextmanager
def garbage() -> Iterator[list[object]]:
    """Collect nothing; at the end, list what only the collector could have freed."""
    gc.disable()
    gc.freeze()  # what was there before is not looked at
    found: list[object] = []
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found.extend(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.unfreeze()
        gc.enable()


def tensors_in(left: list[object]) -> int:
    """Return how many tensors there are; nothing of the watch's own must be."""
    ours = [one for one in left if str(type(one).__module__).startswith("whygrad.capture")]
    assert not ours
    return sum(issubclass(type(one), Tensor) for one in left)


def test_no_program_leaves_more_behind_when_it_is_watched(program):
    tensors = []
    for watching in (lambda model: nullcontext(), lambda model: wg.watch(model, every=1)):
        torch.manual_seed(0)
        with garbage() as left:
            program(watching)
        tensors.append(tensors_in(left))
    assert tensors[1] <= tensors[0]


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))


def test_a_loss_that_the_program_keeps_keeps_nothing_of_the_watch():
    model, losses = mlp(), []
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with garbage() as left, wg.watch(model, every=1) as watch:
        for _ in range(3):
            optimizer.zero_grad()
            losses.append(F.cross_entropy(model(torch.randn(8, 4)), torch.randint(0, 3, (8,))))
            losses[-1].backward()
            optimizer.step()
            held = (Use, FullSnapshot, Before)
            assert not [one for one in gc.get_objects() if issubclass(type(one), held)]
    assert watch.steps == 3 and not tensors_in(left)


def test_a_forward_pass_that_leads_nowhere_is_gone_before_the_step_ends():
    model, kept = mlp(), []
    model[1].register_forward_hook(lambda m, i, o: kept.append(weakref.ref(o)))
    with garbage() as left, wg.watch(model, every=1):
        for _ in range(3):
            model(torch.randn(8, 4))
            assert all(reference() is None for reference in kept)
    assert not tensors_in(left)


def test_a_watch_that_has_ended_holds_no_model():
    model = mlp()
    with garbage():
        watch = wg.watch(model, every=1)
        with watch:
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            model(torch.randn(8, 4)).square().sum().backward()
            optimizer.step()
        gone = weakref.ref(model), weakref.ref(watch)
        del model, watch, optimizer
        assert [reference() for reference in gone] == [None, None]
