"""Nothing of the watch's own ends or changes a training: errors, full disks, warnings as errors."""

import json
import warnings
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_hooks import hooks_on

import whygrad as wg
from whygrad.capture import (
    diagnostics,
    following,
    gradients,
    isolation,
    layer_calls,
    losses,
    readings,
    record,
    registry,
    rows,
    tracer,
    uses,
    watch,
    writing,
)
from whygrad.capture.torch_private import mode_stack
from whygrad.record import writing as published
from whygrad.record.loss import told_loss

PLACES_TO_BREAK = [
    (tracer, "use_of"), (following, "after_call"), (tracer, "loss_call"), (tracer, "pass_of"),
    (tracer, "follow"), (following, "opened"), (following, "uses_of_parameters"),
    (losses, "wide"), (layer_calls, "wide"),
    (uses.Use, "by_neuron"), (gradients, "actual_gradient"), (rows, "directions_of"),
    (record, "diagnostics_of"), (diagnostics, "rates_of"), (registry, "layer_name"),
    (watch, "recorded"), (gradients, "before_update"), (watch, "Gradients"), (watch, "Tracer"),
    (watch, "in_eval_mode"), (watch, "early_schedulers"), (writing, "sealed_tensors"),
    (published, "sealed_lines"), (writing, "_bytes_of"), (watch, "compiled_parts"),
    (watch, "check_compiled"), (readings, "flattened"), (record, "rows_of"), (record, "_plain"),
]  # fmt: skip


def trained(watching, steps: int = 3) -> tuple[list, torch.Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 3))
    optimizer = torch.optim.Adam(model.parameters(), 0.1)
    with watching(model):
        for _ in range(steps):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.randn(8, 4)), torch.randint(0, 3, (8,))).backward()
            optimizer.step()
    assert not hooks_on(model) and not mode_stack()
    return [p.detach() for p in model.parameters()], torch.get_rng_state()


def same(one: tuple[list, torch.Tensor], other: tuple[list, torch.Tensor]) -> bool:
    pairs = zip([*one[0], one[1]], [*other[0], other[1]], strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


@pytest.mark.long
@pytest.mark.parametrize("after", [0, 5])
@pytest.mark.parametrize(("where", "name"), PLACES_TO_BREAK, ids=lambda one: str(one)[-24:])
def test_an_error_anywhere_ends_the_watch_and_is_said_once(where, name, after, monkeypatch):
    expected, own, calls = trained(lambda _: nullcontext()), getattr(where, name), []

    def broken(*args, **kwargs):
        calls.append(name)
        if len(calls) > after:
            raise OSError(28, "No space left on device")
        return own(*args, **kwargs)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with monkeypatch.context() as patched:
            patched.setattr(where, name, broken)
            assert same(trained(lambda model: wg.watch(model, every=1)), expected)
    assert len(warned) == (len(calls) > after)
    assert all("wg.watch stopped watching" in str(one.message) for one in warned)


def test_a_program_that_makes_errors_of_warnings_goes_on(monkeypatch, nothing_said_aside):
    expected = trained(lambda _: nullcontext())

    def broken(*_):
        raise LookupError("nothing here")

    with monkeypatch.context() as patched:
        patched.setattr(layer_calls, "wide", broken)
        assert same(trained(lambda model: wg.watch(model, every=1)), expected)
    (said,) = nothing_said_aside
    assert "LookupError: nothing here" in said
    nothing_said_aside.clear()


def test_what_is_said_aside_goes_to_stderr(monkeypatch, capsys):
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        isolation.warn("wg.watch says")
    assert capsys.readouterr().err == "wg.watch says\n"


def test_a_watch_that_ended_early_can_still_be_asked(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    kept = SimpleNamespace()

    def watching(model):
        kept.watch = wg.watch(model, every=1)
        return kept.watch

    monkeypatch.setattr(published, "sealed_lines", full)
    with pytest.warns(UserWarning, match="No space left"):
        trained(watching)
    assert kept.watch.run.history_lines == []


def test_numbers_that_are_none_break_no_file(tmp_path):
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1, out=tmp_path / "run") as watch:
        for _ in range(3):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(torch.randn(8, 4)), torch.randint(0, 3, (8,)))
            (loss * torch.nan + loss * torch.inf).backward()
            optimizer.step()
    run = watch.run
    for name in ("history.jsonl", "facts.jsonl"):
        for line in (tmp_path / "run" / name).read_text().splitlines():
            json.loads(line, parse_constant=lambda found: pytest.fail(found))
    assert np.isnan(run.rows("0")[1]).any()
    assert run.doctor().findings[0].kind == "not_finite"
    assert told_loss(run) is None
    assert "NaN" in str(run.why("0.weight[1, 2]")) and run.report().is_file()


@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")
def test_a_compiled_optimizer_is_seen_at_every_step():
    """Its hooks are not compiled with it; on recorded steps it runs as it is written."""

    def train(watched: bool) -> torch.Tensor:
        torch.manual_seed(0)
        model = torch.nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        step = torch.compile(optimizer.step, backend="eager")
        watch = wg.watch(model, every=2, uncompiled=True)
        with watch if watched else nullcontext():
            for _ in range(6):
                optimizer.zero_grad()
                model(torch.randn(8, 4)).square().mean().backward()
                step()
        if watched:
            assert watch.run.steps == 6
            assert watch.run.rows("model")[0].tolist() == [0, 2, 4]
        return torch.cat([one.detach().flatten() for one in model.parameters()])

    assert torch.equal(train(watched=False), train(watched=True))
