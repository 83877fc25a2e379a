"""Programs without a line of ours: what they train is found, and ends in the same numbers."""

import gc
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from whygrad.capture.models import models_trained, name_of
from whygrad.capture.session import Session
from whygrad.runs import Run

FOUND = {  # what is watched of the programs of conftest.py, if it is not called model
    "adversarial": ["judge", "maker"],
    "evaluated": ["Attention"],  # pytest makes of assert what asks for locals()
}


@contextmanager
def session(folder: Path, **options) -> Iterator[Session]:
    gc.collect()  # models of other tests
    one = Session(lambda: folder, opened=Run, **options).attach()
    try:
        yield one
    finally:
        one.detach()


def step(model: nn.Module, optimizer: Optimizer, rows: int = 4) -> None:
    optimizer.zero_grad()
    width = next(model.parameters()).shape[1]
    model(torch.ones(rows, width)).square().mean().backward()
    optimizer.step()


def trained(net: nn.Module, steps: int = 3) -> None:
    """Train a model that is called ``net``; no assert may be here, see above."""
    optimizer = SGD(net.parameters(), 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        net(torch.ones(2, 2)).square().mean().backward()
        optimizer.step()


@pytest.mark.sampled(6)
def test_what_a_program_trains_is_found_and_ends_in_the_same_numbers(program, tmp_path):
    with session(tmp_path, every=1) as one:
        mine = program(lambda model: nullcontext())
    after = torch.rand(1)
    torch.manual_seed(0)
    plain = program(lambda model: nullcontext())
    both = zip(mine.state_dict().values(), plain.state_dict().values(), strict=True)
    assert all(torch.equal(*pair) for pair in both) and torch.equal(after, torch.rand(1))
    assert sorted(w.name for w in one.watched) == FOUND.get(program.__name__, ["model"])
    for watched in one.watched:
        run = Run(watched.path)
        assert run.description["state"] == "finished"
        assert [line["step"] for line in run.history_lines] == list(range(run.steps)) != []


def test_a_session_leaves_torch_as_it_was(tmp_path):
    before = Optimizer.add_param_group, torch.compile
    with session(tmp_path):
        assert (Optimizer.add_param_group, torch.compile) != before
    assert (Optimizer.add_param_group, torch.compile) == before


def test_a_model_that_takes_the_place_of_another_has_a_run_of_its_own(tmp_path):
    with session(tmp_path, every=1) as one:
        for width in (3, 5):
            net = nn.Linear(width, 2)
            optimizer = SGD(net.parameters(), 0.1)
            for _ in range(2):
                step(net, optimizer)
    assert [w.name for w in one.watched] == ["net", "net-2"]
    assert [Run(w.path).steps for w in one.watched] == [2, 2]


def test_models_that_share_an_optimizer_are_all_found(tmp_path):
    encoder, head = nn.Linear(4, 3), nn.Linear(3, 2)
    with session(tmp_path, every=1) as one:
        optimizer = Adam([*encoder.parameters(), *head.parameters()])
        for _ in range(2):
            optimizer.zero_grad()
            F.mse_loss(head(encoder(torch.ones(2, 4)).relu()), torch.ones(2, 2)).backward()
            optimizer.step()
    assert {w.name for w in one.watched} == {"encoder", "head"}
    assert [len(Run(w.path).history_lines) for w in one.watched] == [2, 2]


def test_the_outermost_module_is_the_model():
    inner = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    outer = nn.ModuleDict({"inner": inner, "other": nn.Linear(2, 2)})
    optimizer = SGD(inner[1].parameters(), 0.1)
    models = models_trained()
    assert any(model is outer for model in models) and optimizer is not None
    assert not any(model is inner for model in models)


def test_the_larger_of_two_modules_that_share_is_enough():
    shared = nn.Linear(2, 3)
    large, small = nn.Sequential(shared, nn.Linear(3, 2)), nn.Sequential(shared)
    optimizer = SGD(large.parameters(), 0.1)
    models = models_trained()
    assert any(model is large for model in models) and optimizer is not None
    assert not any(model is small for model in models)


class Agent:
    """Holds its network as people do."""

    def __init__(self) -> None:
        self.policy = nn.Linear(2, 2)
        self.optimizer = SGD(self.policy.parameters(), 0.1)

    def learn(self) -> str:
        step(self.policy, self.optimizer)
        return name_of(self.policy)


def test_a_model_is_named_as_an_attribute_where_no_variable_holds_it():
    assert Agent().learn() == "policy"


def test_a_model_without_a_name_is_called_as_its_class():
    assert name_of(next(iter([nn.Bilinear(1, 1, 1)]))) == "Bilinear"


def test_asking_for_names_leaves_the_variables_of_a_function_alone():
    net = nn.Linear(1, 1)
    kept = locals()
    late = [net]
    assert name_of(late[0]) in ("net", "Linear")
    assert "late" not in kept  # up to Python 3.12, what locals() returned is written anew


def test_evaluation_begins_nothing(tmp_path):
    net = nn.Linear(2, 2)
    with session(tmp_path) as one:
        optimizer = SGD(net.parameters(), 0.1)
        with torch.no_grad():
            net(torch.ones(1, 2))
        assert one.watched == []
        step(net, optimizer)
        assert len(one.watched) == 1


@pytest.mark.long
def test_what_is_compiled_is_left_as_it_is_and_told(tmp_path):
    with session(tmp_path, every=1) as one:
        torch.compile(lambda x: x + 1, backend="eager")
        trained(nn.Linear(2, 2))
    assert one.watched == []
    assert one.said[0].startswith("net is not watched: something in this program is compiled")


def test_what_is_compiled_is_watched_where_that_is_asked_for(tmp_path):
    with session(tmp_path, every=1, uncompiled=True) as one:
        torch.compile(lambda x: x + 1, backend="eager")
        trained(nn.Linear(2, 2))
    assert [len(Run(w.path).history_lines) for w in one.watched] == [2]  # from the second on


def test_a_model_that_cannot_be_watched_is_told_and_trains(tmp_path):
    net = nn.DataParallel(nn.Linear(2, 2))
    net.device_ids = [0, 1]
    with session(tmp_path) as one:
        optimizer = SGD(net.parameters(), 0.1)
        net.module(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    assert one.watched == [] and "DataParallel" in one.said[0]


def test_a_lazy_model_is_watched_once_it_has_its_shape(tmp_path):
    with session(tmp_path, every=1) as one:
        trained(nn.LazyLinear(2))
    assert [w.name for w in one.watched] == ["net"]
    assert Run(one.watched[0].path).steps >= 2


def test_an_error_of_ours_ends_the_watching_and_not_the_program(tmp_path, monkeypatch):
    def fails(*_: object) -> None:
        raise ArithmeticError("on purpose")

    monkeypatch.setattr("whygrad.capture.session.models_trained", fails)
    with session(tmp_path) as one:
        net = nn.Linear(2, 2)
        step(net, SGD(net.parameters(), 0.1))
    assert one.watched == [] and "ArithmeticError: on purpose" in one.said[0]


def test_what_a_watch_has_to_say_waits_for_the_end(tmp_path, recwarn):
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.last = nn.GRU(2, 2), nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.table(x)[0])

    with session(tmp_path, every=1) as one:
        net = Own()
        optimizer = SGD(net.parameters(), 0.1)
        net(torch.ones(1, 1, 2)).sum().backward()
        optimizer.step()
    assert not recwarn.list and one.watched


@pytest.mark.long
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:os.fork")  # of JAX, which another test may have started
def test_a_fork_leaves_the_run_of_its_parent_alone_and_has_its_own(tmp_path):
    with session(tmp_path, every=1) as one:
        fork = multiprocessing.get_context("fork").Process(target=trained, args=(nn.Linear(2, 2),))
        net = nn.Linear(2, 2)
        optimizer = SGD(net.parameters(), 0.1)
        trained(net, 1)
        fork.start()
        fork.join()
        step(net, optimizer)
    assert fork.exitcode == 0
    assert [Run(w.path).steps for w in one.watched] == [2]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net", "net-2"]
    assert Run(tmp_path / "net-2").description["state"] == "finished"


def by_hand(net: nn.Module, accumulate: int = 1) -> None:
    """Train without an optimizer, as the first pages of many courses do."""
    for number in range(4 * accumulate):
        net(torch.ones(2, 2) * (number + 1)).square().mean().backward()
        if number % accumulate == accumulate - 1:
            for parameter in net.parameters():
                parameter.data.add_(parameter.grad, alpha=-0.01)
                parameter.grad = None


@pytest.mark.sampled
@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("make", [lambda: nn.Linear(2, 2), lambda: nn.Sequential(nn.Linear(2, 2))])
def test_updates_by_hand_are_steps(tmp_path, make, accumulate, monkeypatch):
    monkeypatch.setattr("whygrad.capture.session.models_trained", lambda: None)  # of other tests
    torch.manual_seed(0)
    net, plain = make(), make()
    plain.load_state_dict(net.state_dict())
    with session(tmp_path, every=1) as one:
        by_hand(net, accumulate)
    by_hand(plain, accumulate)
    assert all(map(torch.equal, net.parameters(), plain.parameters()))
    (watched,) = [w for w in one.watched if w.name == "net"]
    run = Run(watched.path)
    assert run.steps == 4 and [line["step"] for line in run.history_lines] == [0, 1, 2, 3]
    _, kept, _ = run.whole(3)
    name = run.layers[0]
    moved = kept[f"{name}/weight.after"] - kept[f"{name}/weight.before"]
    np.testing.assert_allclose(moved, -0.01 * kept[f"{name}/weight.gradient"], atol=1e-7)
    assert np.abs(moved).max() > 0


def test_an_optimizer_that_comes_later_takes_the_steps(tmp_path, monkeypatch):
    net = nn.Sequential(nn.Linear(2, 2))
    with session(tmp_path, every=1) as one:
        monkeypatch.setattr("whygrad.capture.session.models_trained", lambda: None)
        net(torch.ones(1, 2))  # to see whether it runs
        monkeypatch.undo()
        trained(net)
    (watched,) = [w for w in one.watched if w.watch.steps]
    assert [line["step"] for line in Run(watched.path).history_lines] == [0, 1, 2]


def test_what_torch_func_differentiates_is_told(tmp_path):
    net = nn.Linear(2, 2)
    with session(tmp_path) as one:
        parameters = dict(net.named_parameters())

        def loss(given: dict[str, Tensor]) -> Tensor:
            return torch.func.functional_call(net, given, torch.ones(1, 2)).sum()

        torch.func.grad(loss)(parameters)
    assert one.watched == [] and "torch.func" in one.said[0]
