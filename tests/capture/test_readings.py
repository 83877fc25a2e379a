"""A recorded step has the host wait once; one that is not recorded, never."""

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.profiler import ProfilerActivity, profile

import whygrad as wg
from whygrad.capture import readings
from whygrad.capture.readings import Readings, on_host
from whygrad.capture.torch_private import norms

# what has the host wait for an accelerator, but for a copy
WAITS = {"aten::_local_scalar_dense", "aten::equal", "aten::nonzero", "aten::is_nonzero"}
SHAPES = st.lists(st.integers(0, 3), max_size=3)
DTYPES = st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool])


@given(given=st.lists(st.tuples(SHAPES, DTYPES), max_size=6))
def test_one_copy_brings_what_each_tensor_holds(given):
    tensors = [(torch.randn(shape) * 4).to(dtype) for shape, dtype in given]
    for array, tensor in zip(on_host(tensors), tensors, strict=True):
        np.testing.assert_array_equal(array, tensor.to(torch.float64).numpy())
        assert array.shape == tuple(tensor.shape)


def test_a_number_is_known_once_the_step_is_over():
    waiting = Readings()
    number, several = waiting.number(torch.tensor(2.0)), waiting.add({"a": torch.arange(3)})
    with pytest.raises(RuntimeError, match="before its step is over"):
        float(number)
    waiting.fetch()
    assert float(number) == 2.0 and several.arrays["a"].tolist() == [0, 1, 2]


@contextmanager
def counted() -> Iterator[Counter]:
    """Count what has the host wait."""
    found = Counter[str]()
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        yield found
    found.update(event.name for event in seen.events() or () if event.name in WAITS)


class Small(nn.Module):
    """Layers of many kinds, small enough to be kept whole on every recorded step."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.norm = nn.Embedding(9, 6), nn.LayerNorm(6)
        self.conv, self.inner = nn.Conv1d(6, 6, 3, padding=1), nn.Linear(6, 6)
        self.scale, self.head = nn.Parameter(torch.ones(6)), nn.Linear(6, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.table(tokens))
        x = x + self.conv(x.transpose(1, 2)).transpose(1, 2).relu()
        return self.head((1 + self.scale) * torch.tanh(self.inner(x)).mean(1))


def stepping(device: str = "cpu") -> tuple[nn.Module, torch.optim.Optimizer, tuple]:
    torch.manual_seed(0)
    model = Small().to(device)
    batch = torch.randint(9, (5, 4), device=device), torch.randint(3, (5,), device=device)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, foreach=True)
    return model, optimizer, batch


def step(model: nn.Module, optimizer: torch.optim.Optimizer, batch: tuple) -> None:
    optimizer.zero_grad()
    F.cross_entropy(model(batch[0]), batch[1]).backward()
    optimizer.step()


def test_the_host_waits_for_one_copy_of_a_recorded_step_and_for_none_of_others(monkeypatch):
    copies, given = [], readings.flattened
    monkeypatch.setattr(readings, "flattened", lambda one: copies.append(len(one)) or given(one))
    parts = stepping()
    with wg.watch(parts[0], every=2) as watch:
        for _ in range(4):  # where layers are is looked up when they are first met
            step(*parts)
        for is_recorded in (True, False, True, False):
            copies.clear()
            with counted() as waits:
                step(*parts)
            assert not waits and len(copies) == is_recorded
    assert watch.steps == 8 and watch.run.kept_whole()


def test_gradients_that_were_there_before_cost_one_more(monkeypatch):
    copies, given = [], readings.flattened
    monkeypatch.setattr(readings, "flattened", lambda one: copies.append(len(one)) or given(one))
    model, optimizer, batch = stepping()
    with wg.watch(model, every=1):
        for _ in range(3):
            copies.clear()
            F.cross_entropy(model(batch[0]), batch[1]).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
    assert len(copies) == 2


@pytest.mark.gpu
def test_no_step_that_is_not_recorded_waits_for_the_gpu():
    if not torch.cuda.is_available():
        pytest.skip("no GPU here, or a torch without one")
    parts = stepping("cuda")
    with wg.watch(parts[0], every=3) as watch:
        for _ in range(4):
            step(*parts)
        torch.cuda.set_sync_debug_mode("error")  # raises wherever the host would wait
        try:
            step(*parts)
            step(*parts)
            torch.cuda.set_sync_debug_mode("warn")
            with warnings.catch_warnings(record=True) as waits:
                warnings.simplefilter("always")
                step(*parts)  # recorded
        finally:
            torch.cuda.set_sync_debug_mode("default")
    assert watch.steps == 7 and len([one for one in waits if "synchron" in str(one.message)]) == 1


@pytest.mark.gpu
def test_a_run_on_the_gpu_is_that_on_the_processor():
    if not torch.cuda.is_available():
        pytest.skip("no GPU here, or a torch without one")
    runs = []
    for device in ("cpu", "cuda"):
        model, optimizer, batch = stepping(device)
        batch = tuple(one.to(device) for one in stepping("cpu")[2])
        with wg.watch(model, every=1) as watch:
            for _ in range(3):
                step(model, optimizer, batch)
        runs.append(watch.run)
    for name in runs[0].description["layers"]:
        ours, theirs = (run.rows(name)[1] for run in runs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("kind", "expected"), [(2.0, 0.1 * 6000.0), (torch.inf, 0.1)])
def test_norms_of_large_tensors_are_as_exact_as_those_of_small_ones(kind, expected):
    large, small = torch.full((6000, 6000), 0.1), torch.full((3, 3), 0.1)
    found, of_small = map(float, norms([large, small], kind))
    assert found == pytest.approx(expected, rel=1e-5)
    assert of_small == pytest.approx(0.3 if kind == 2 else 0.1, rel=1e-6)
