"""Every module and every optimiser of torch's, as torch's own tests make them."""

import copy
import sys
import unittest
from contextlib import nullcontext
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import whygrad as wg

if "expecttest" not in sys.modules:  # torch's tables ask for it, and use nothing of it
    sys.modules["expecttest"] = ModuleType("expecttest")
    sys.modules["expecttest"].TestCase = unittest.TestCase  # type: ignore[attr-defined]

from torch.testing._internal.common_modules import module_db
from torch.testing._internal.common_optimizers import optim_db

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.filterwarnings("error:wg.watch stopped"),
]
ROUNDING = 2e-4
# these are made with double numbers of their own
DTYPES = dict.fromkeys((nn.FractionalMaxPool2d, nn.FractionalMaxPool3d), torch.float64)


class Behind(nn.Module):
    """A module behind a layer that changes nothing yet: so one without weights is seen, too."""

    def __init__(self, inner: nn.Module, width: int):
        super().__init__()
        self.pre, self.inner = nn.Linear(width, width, dtype=DTYPES.get(type(inner))), inner
        nn.init.eye_(self.pre.weight)
        nn.init.zeros_(self.pre.bias)

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        return self.inner(self.pre(x), *args, **kwargs)


def parts(outcome: Any) -> list[Tensor]:
    if isinstance(outcome, Tensor):
        return [outcome]
    return [one for each in outcome for one in parts(each)] if outcome is not None else []


def copied(given: Any) -> Any:
    if isinstance(given, Tensor):
        return given.detach().clone().requires_grad_(given.requires_grad)
    if isinstance(given, list | tuple):
        return type(given)(copied(one) for one in given)
    return {k: copied(v) for k, v in given.items()} if isinstance(given, dict) else given


def is_fit(args: tuple) -> bool:
    return bool(args) and not (isinstance(args[0], Tensor) and args[0].dim() == 0)


def built(table: Any) -> tuple[nn.Module, tuple, dict[str, Any]]:
    """Return a module, behind a layer where its input has numbers, and what it is called with."""
    dtype = DTYPES.get(table.module_cls, torch.float32)
    made = {"device": "cpu", "dtype": dtype, "requires_grad": True, "training": True}
    samples = table.module_inputs_func(table, **made)
    sample = next(one for one in samples if is_fit(one.forward_input.args))
    args, kwargs = sample.forward_input.args, sample.forward_input.kwargs
    model = table.module_cls(*sample.constructor_input.args, **sample.constructor_input.kwargs)
    if any(nn.parameter.is_lazy(parameter) for parameter in model.parameters()):
        model(*copied(args), **copied(kwargs))
    first = args[0]
    if isinstance(first, Tensor) and first.is_floating_point():
        model = Behind(model, first.shape[-1])
    return model, args, kwargs


def trained(table: Any, is_watched: bool) -> Any:
    """Return three steps of a module, watched or not."""
    torch.manual_seed(7)
    model, args, kwargs = built(table)
    optimizer = torch.optim.SGD(model.parameters(), 1e-3, momentum=0.9)
    with wg.watch(model, every=1) if is_watched else nullcontext() as watch:
        for _ in range(3):
            optimizer.zero_grad()
            found = parts(model(*copied(args), **copied(kwargs)))
            learning = [one for one in found if one.requires_grad]
            sum((one * torch.rand_like(one)).sum() for one in learning).backward()
            optimizer.step()
    gradients = {name: p.grad for name, p in model.named_parameters()}
    return watch, model.state_dict(), gradients, found, torch.get_rng_state()


def same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        return one == other
    one, other = (t.detach().to_dense() if t.is_sparse else t.detach() for t in (one, other))
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)


@pytest.mark.parametrize("table", module_db, ids=lambda table: table.name)
def test_every_module(table):
    _, *plain = trained(table, is_watched=False)
    watch, *watched = trained(table, is_watched=True)
    assert same(plain, watched)
    run, gradients = watch.run, plain[1]
    assert run.steps == 3
    layers = run.description["layers"]
    whole = run.whole()[1] if layers else {}
    for layer, described in layers.items():
        assert f"{layer}/weight.came" not in whole  # all of it came through the layer
        for which in ("weight", "bias"):
            if described[which] is None:
                continue
            first = described["first" if which == "weight" else "bias_first"]
            own = whole[f"{layer}/{which}.gradient"]
            expected = gradients[described[which]].numpy()[first:][: len(own)]
            size = np.abs(expected).max(initial=0)
            np.testing.assert_allclose(own, expected, rtol=ROUNDING, atol=ROUNDING * size)


def options() -> list[Any]:
    found = []
    for table in optim_db:
        for given in table.optim_inputs_func(device="cpu"):
            for way in ({}, *({way: True} for way in table.supported_impls)):
                if "differentiable" not in way:
                    name = f"{table.optim_cls.__name__}: {given.desc} {' '.join(way)}"
                    found.append(pytest.param(table, {**given.kwargs, **way}, id=name))
    return found


def updated(table: Any, settings: dict[str, Any], is_watched: bool) -> Any:
    torch.manual_seed(1)
    is_sparse = table.only_supports_sparse_grads
    model = nn.Linear(4, 3) if not is_sparse else nn.Embedding(7, 3, sparse=True)
    held = [p for p in model.parameters() if p.dim() == 2 or table.optim_cls.__name__ != "Muon"]
    optimizer = table.optim_cls(held, **copy.deepcopy(settings))
    moves = []
    with wg.watch(model, every=1) if is_watched else nullcontext() as watch:
        for _ in range(3):
            x = torch.tensor([1, 1, 4]) if is_sparse else torch.randn(6, 4)

            def again(x: Tensor = x) -> Tensor:
                optimizer.zero_grad()
                loss = model(x).square().mean()
                loss.backward()
                return loss

            before = float(model.weight.detach()[1, 2])
            optimizer.step(again)
            moves.append(float(model.weight.detach()[1, 2]) - before)
    remembered = optimizer.state_dict()["state"]
    return watch, [copy.deepcopy(model.state_dict()), remembered, torch.get_rng_state()], moves


@pytest.mark.parametrize(("table", "settings"), options())
def test_every_optimiser(table, settings):
    _, plain, moves = updated(table, settings, is_watched=False)
    watch, watched, _ = updated(table, settings, is_watched=True)
    assert same(plain, watched)
    for step in (0, 2):
        ledger = watch.run.why("weight[1, 2]", step=step)
        assert ledger.movement == pytest.approx(moves[step], abs=1e-8)
        assert ledger.update == pytest.approx(moves[step], rel=1e-3, abs=2e-7)
