"""Faults of PyTorch programs, each beside the same program without it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import whygrad as wg
from whygrad.doctor.checks.curve import stuck
from whygrad.doctor.checks.hidden import vanishing
from whygrad.doctor.faults import faults_of
from whygrad.doctor.thresholds import EARLY, ENOUGH_LOSSES
from whygrad.doctor.watched_evidence import seen_in
from whygrad.doctor.wording import module_of
from whygrad.words import catalogue

STEPS = 50


def data(seed: int = 0) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(256, 4, generator=draw)
    return x, (x[:, 0] + x[:, 1] * x[:, 2] > 0).long()


def classifier(*last: nn.Module, outputs: int = 2) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.05), nn.Linear(16, 16), nn.ReLU(),
        nn.Linear(16, outputs), *last,
    )  # fmt: skip


@dataclass
class Program:
    """A training loop, each of whose parts can be another.

    ``update`` gets everything that one step needs and takes it.
    """

    model: Callable[[], nn.Module] = classifier
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy
    optimizer: Callable[[nn.Module], torch.optim.Optimizer] = field(
        default=lambda model: torch.optim.SGD(model.parameters(), 0.2, momentum=0.9)
    )
    update: Callable[..., None] | None = None
    steps: int = STEPS

    def run(self) -> wg.WatchedRun:
        torch.manual_seed(1)
        model = self.model()
        optimizer = self.optimizer(model)
        with wg.watch(model, every=5) as watch:
            for x, y in batches(self.steps):
                (self.update or ordinary)(model, optimizer, self.loss, x, y)
        return watch.run


def batches(steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    x, y = data()
    draw = torch.Generator().manual_seed(2)
    for _ in range(steps):
        rows = torch.randint(0, len(x), (32,), generator=draw)
        yield x[rows], y[rows]


def ordinary(model, optimizer, loss, x, y) -> None:
    optimizer.zero_grad()
    loss(model(x), y).backward()
    optimizer.step()


def no_zero_grad(model, optimizer, loss, x, y) -> None:
    loss(model(x), y).backward()
    optimizer.step()


def zero_grad_too_late(model, optimizer, loss, x, y) -> None:
    loss(model(x), y).backward()
    optimizer.zero_grad()
    optimizer.step()


def accumulated(divided: bool) -> Callable[..., None]:
    def update(model, optimizer, loss, x, y) -> None:
        optimizer.zero_grad()
        for part, wanted in zip(x.split(8), y.split(8), strict=True):
            (loss(model(part), wanted) / (4 if divided else 1)).backward()
        optimizer.step()

    return update


def with_scheduler(first: bool, factor: float = 0.99) -> Callable[..., None]:
    made: dict[int, torch.optim.lr_scheduler.LRScheduler] = {}

    def update(model, optimizer, loss, x, y) -> None:
        scheduler = made.setdefault(
            id(optimizer), torch.optim.lr_scheduler.ExponentialLR(optimizer, factor)
        )
        if first:
            scheduler.step()
        ordinary(model, optimizer, loss, x, y)
        if not first:
            scheduler.step()

    return update


class MadeInForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 16), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(nn.Linear(16, 16)(torch.relu(self.first(x)))))


class Cut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 16), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(self.first(x)).detach())


class TwoHeads(nn.Module):
    """Both heads are called in every step; the loss of most steps is of one of them alone."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last, self.other = nn.Linear(4, 16), nn.Linear(16, 2), nn.Linear(16, 2)
        self.unused = nn.Parameter(torch.empty(0))  # a way to ask for the model's device
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        hidden, self.calls = torch.relu(self.first(x)), self.calls + 1
        claims = self.last(hidden), self.other(hidden)
        return claims[self.calls % 10 == 1]


class WithoutGradient(Cut):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            hidden = torch.relu(self.first(x))
        return self.last(hidden)


def evaluating() -> nn.Module:
    return classifier().eval()


def same_weights() -> nn.Module:
    model = classifier()
    for layer in (model[0], model[3]):
        nn.init.constant_(layer.weight, 0.1)
        nn.init.zeros_(layer.bias)
    nn.init.constant_(model[5].weight, 0.1)
    model[2].p = 0.0
    return model


def all_at_zero() -> nn.Module:
    model = classifier()
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    return model


def closed() -> nn.Module:
    model = classifier()
    nn.init.constant_(model[3].bias, -50.0)
    return model


def deep(activation: Callable[[], nn.Module], size: float) -> nn.Module:
    layers: list[nn.Module] = [nn.Linear(4, 16), activation()]
    for _ in range(10):
        layers += [nn.Linear(16, 16), activation()]
        nn.init.normal_(layers[-2].weight, std=size)
    return nn.Sequential(*layers, nn.Linear(16, 2))


def squared(claims: Tensor, targets: Tensor) -> Tensor:
    return F.mse_loss(claims, targets.float())


def yes_or_no(claims: Tensor, y: Tensor) -> Tensor:
    return F.binary_cross_entropy(claims[:, 0], y.float())


def squared_column(claims: Tensor, targets: Tensor) -> Tensor:
    return F.mse_loss(claims[:, 0], targets.float())


def binary(claims: Tensor, targets: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(claims[:, 0], targets.float())


def sgd(rate: float, momentum: float = 0.9) -> Callable[[nn.Module], torch.optim.Optimizer]:
    return lambda model: torch.optim.SGD(model.parameters(), rate, momentum=momentum)


def one_output(*last: nn.Module) -> nn.Sequential:
    return classifier(*last, outputs=1)


class Times(nn.Module):
    def __init__(self, size: float) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return self.size * x


def without(kind: type[nn.Module]) -> nn.Module:
    return nn.Sequential(*(layer for layer in classifier() if not isinstance(layer, kind)))


def shifted(model: nn.Sequential, bias: float) -> nn.Module:
    last = [layer for layer in model if isinstance(layer, nn.Linear)][-1]
    nn.init.constant_(last.bias, bias)
    return model


def dropping(share: float) -> nn.Module:
    model = classifier()
    model[2].p = share
    return model


def of_size(size: float, activation: type[nn.Module] = nn.ReLU) -> nn.Module:
    """Weights so many times as large as He's."""
    model = classifier()
    model[1], model[4] = activation(), activation()
    for layer in (model[0], model[3], model[5]):
        nn.init.normal_(layer.weight, std=size * (2 / layer.in_features) ** 0.5)
    return model


def tanh(bias: float) -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))
    nn.init.constant_(model[0].bias, bias)
    return model


def parity(model, optimizer, loss, x, y) -> None:
    """Take a step on classes that no linear map tells apart."""
    ordinary(model, optimizer, loss, x, (x[:, 0] * x[:, 1] > 0).long())


def climbing(model, optimizer, loss, x, y) -> None:
    """Turn the gradients over, where nobody sees it."""
    optimizer.zero_grad()
    loss(model(x), y).backward()
    for parameter in model.parameters():
        parameter.grad.neg_()
    optimizer.step()


HEALTHY = Program()  # the neighbour of every fault that is one line of it

FAULTS: dict[str, tuple[Program, Program]] = {
    "zero_grad_missing": (Program(update=no_zero_grad), HEALTHY),
    "zero_grad_too_late": (Program(update=zero_grad_too_late), HEALTHY),
    "in_eval_mode": (Program(evaluating), HEALTHY),
    "softmax_twice": (Program(lambda: classifier(nn.Softmax(dim=1))), HEALTHY),
    "sigmoid_before_softmax": (Program(lambda: classifier(nn.Sigmoid())), HEALTHY),
    "one_unit_softmax": (
        Program(lambda: classifier(nn.Softmax(dim=1), outputs=1), yes_or_no),
        Program(lambda: classifier(nn.Sigmoid(), outputs=1), yes_or_no),
    ),
    "sigmoid_twice": (
        Program(lambda: one_output(nn.Sigmoid()), binary),
        Program(one_output, binary),
    ),
    "not_log_probabilities": (
        Program(loss=F.nll_loss, optimizer=sgd(0.01)),
        Program(lambda: classifier(nn.LogSoftmax(dim=1)), F.nll_loss),
    ),
    "one_column": (
        Program(one_output, lambda claims, y: F.cross_entropy(claims, torch.zeros_like(y))),
        Program(one_output, binary),
    ),
    "broadcast_targets": (
        Program(one_output, squared, sgd(0.05)),
        Program(one_output, squared_column, sgd(0.05)),
    ),
    "targets_out_of_range": (
        Program(one_output, lambda claims, y: binary(claims, 2 * y + 1), sgd(0.05)),
        Program(one_output, binary),
    ),
    "not_in_optimizer": (
        Program(optimizer=lambda model: torch.optim.SGD(model[5:].parameters(), 0.2)),
        HEALTHY,
    ),
    "detached": (Program(Cut), HEALTHY),
    "unreached": (Program(WithoutGradient, optimizer=sgd(0.0001)), HEALTHY),
    "made_in_forward": (Program(MadeInForward), HEALTHY),
    "undivided_accumulation": (
        Program(update=accumulated(divided=False), optimizer=sgd(0.5)),
        Program(update=accumulated(divided=True)),
    ),
    "rate_at_zero": (Program(update=with_scheduler(False, 0.0)), HEALTHY),
    "scheduler_first": (
        Program(update=with_scheduler(first=True)),
        Program(update=with_scheduler(first=False)),
    ),
    "unscaled_inputs": (
        Program(lambda: nn.Sequential(Times(300.0), *classifier()), optimizer=sgd(1.0)),
        Program(lambda: nn.Sequential(Times(1.0), *classifier())),
    ),
    "unscaled_targets": (
        Program(one_output, lambda c, y: F.mse_loss(c[:, 0], 1e4 * y), sgd(1e-3)),
        Program(one_output, squared_column, sgd(0.05)),
    ),
    "linear_hidden": (
        Program(lambda: without(nn.ReLU), optimizer=sgd(0.05), update=parity),
        Program(update=parity, steps=4 * STEPS),
    ),
    "closed_output": (
        Program(lambda: shifted(one_output(nn.ReLU()), -2.0), binary),
        Program(one_output, binary),
    ),
    "out_of_range": (
        Program(lambda: one_output(nn.Tanh()), lambda c, y: squared_column(c, 3 + y), sgd(0.05)),
        Program(lambda: one_output(nn.Tanh()), squared_column, sgd(0.05)),
    ),
    "strong_dropout": (
        Program(lambda: dropping(0.95), optimizer=sgd(0.01), update=parity),
        HEALTHY,
    ),
    "small_start": (Program(lambda: of_size(0.002), optimizer=sgd(0.02, 0.0)), HEALTHY),
    "large_start": (Program(lambda: of_size(8.0, nn.Tanh), optimizer=sgd(1e-4)), HEALTHY),
    "strong_l2": (
        Program(optimizer=lambda m: torch.optim.SGD(m.parameters(), 0.2, weight_decay=0.3)),
        Program(optimizer=lambda m: torch.optim.AdamW(m.parameters(), 1e-2, weight_decay=0.1)),
    ),
    "clones": (Program(same_weights), HEALTHY),
    "dead": (Program(closed), HEALTHY),
    "saturated": (Program(lambda: tanh(50.0), optimizer=sgd(1e-6)), Program(lambda: tanh(0.0))),
    "vanishing": (Program(lambda: deep(nn.Sigmoid, 0.3)), HEALTHY),
    "exploding": (
        Program(lambda: deep(nn.ReLU, 3.0), optimizer=sgd(1e-12)),
        HEALTHY,
    ),
    "steps_too_short": (Program(optimizer=sgd(1e-9)), HEALTHY),
    "summed_batch": (
        Program(loss=lambda c, y: F.cross_entropy(c, y, reduction="sum"), optimizer=sgd(2.0)),
        HEALTHY,
    ),
    "negated_loss": (
        Program(loss=lambda c, y: -F.cross_entropy(c, y), optimizer=sgd(0.01)),
        Program(loss=lambda c, y: 3 * F.cross_entropy(c, y) + 100, optimizer=sgd(0.07)),
    ),
    "maximized_loss": (
        Program(optimizer=lambda m: torch.optim.SGD(m.parameters(), 0.01, maximize=True)),
        Program(
            loss=lambda c, y: -F.cross_entropy(c, y),
            optimizer=lambda m: torch.optim.SGD(m.parameters(), 0.2, momentum=0.9, maximize=True),
        ),
    ),
    "rising_loss": (Program(update=climbing, optimizer=sgd(0.02, 0.5)), HEALTHY),
    "not_finite": (Program(optimizer=sgd(1e30)), HEALTHY),
}


@pytest.mark.filterwarnings("ignore:Detected call of:UserWarning")  # torch says it, too
@pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_named_first(kind):
    diagnosis = FAULTS[kind][0].run().doctor()
    assert not diagnosis.is_healthy
    assert diagnosis.findings[0].kind == kind, str(diagnosis)
    assert catalogue("en")[f"doctor.{kind}.name"] in str(diagnosis)


NEIGHBOURS = {id(healthy): (kind, healthy) for kind, (_, healthy) in FAULTS.items()}


@pytest.mark.long
@pytest.mark.parametrize(("kind", "healthy"), NEIGHBOURS.values(), ids=lambda one: str(one)[:20])
def test_its_neighbour_is_left_alone(kind, healthy):
    diagnosis = healthy.run().doctor()
    assert diagnosis.is_healthy, str(diagnosis)
    assert diagnosis.findings == ()


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda model: torch.optim.Adam(model.parameters(), 1e-2),
        lambda model: torch.optim.AdamW(model.parameters(), 1e-2),
        lambda model: torch.optim.RMSprop(model.parameters(), 1e-3),
    ],
)
def test_a_sum_or_an_undivided_loss_is_harmless_to_an_adaptive_optimiser(optimizer):
    summed = Program(loss=lambda c, y: F.cross_entropy(c, y, reduction="sum"), optimizer=optimizer)
    diagnosis = summed.run().doctor()
    assert diagnosis.is_healthy
    assert "summed_batch" in [note.kind for note in diagnosis.notes]
    assert Program(update=accumulated(False), optimizer=optimizer).run().doctor().is_healthy


def test_a_frozen_backbone_is_a_note():
    def model() -> nn.Module:
        made = classifier()
        made[0].requires_grad_(False)
        return made

    diagnosis = Program(model).run().doctor()
    assert diagnosis.is_healthy
    assert "frozen" in [note.kind for note in diagnosis.notes]
    assert "0.weight" in str(diagnosis)


def test_a_frozen_backbone_that_leaves_nothing_to_learn_with_is_a_finding():
    def model() -> nn.Module:
        made = classifier()
        made[0].requires_grad_(False)
        with torch.no_grad():
            made[0].weight.zero_()
        return made

    assert Program(model).run().doctor().findings[0].kind == "frozen"


def test_weights_that_are_all_zero_are_clones():
    findings = Program(all_at_zero).run().doctor().findings
    assert (findings[0].kind, findings[0].layer) == ("clones", "0")


def test_a_loss_that_keeps_its_graph_does_not_hide_layers_made_in_forward():
    kept = []

    def update(model, optimizer, loss, x, y) -> None:
        optimizer.zero_grad()
        kept[:] = [loss(model(x), y)]
        kept[0].backward()
        optimizer.step()

    def with_head(model, optimizer, loss, x, y) -> None:
        update(model, optimizer, lambda claims, y: loss(head(claims), y), x, y)

    assert (
        Program(MadeInForward, update=update).run().doctor().findings[0].kind == "made_in_forward"
    )
    head = nn.Linear(2, 2)  # of somebody else's, and there to stay
    assert Program(update=with_head).run().doctor().is_healthy


def test_steps_that_are_short_because_a_layer_is_dead_want_no_larger_rate():
    def almost_closed() -> nn.Module:
        model = closed()
        with torch.no_grad():
            model[3].bias[0] = 0.0
        return model

    found = Program(almost_closed, optimizer=sgd(1e-7)).run().doctor().findings
    assert [one.kind for one in found] == ["dead"]


class Scaled(nn.Module):
    """A scale in front of a layer, as norms that are written by hand have it."""

    def __init__(self):
        super().__init__()
        self.scale, self.inner = nn.Parameter(torch.ones(8)), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x * self.scale)


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (lambda: nn.Sequential(nn.Embedding(9, 8), nn.Linear(8, 3)), torch.arange(9)),
        (Scaled, torch.randn(9, 8, generator=torch.Generator().manual_seed(0))),
    ],
    ids=["embedding", "scale"],
)
def test_what_only_passes_on_is_no_hidden_layer(make, x):
    torch.manual_seed(0)
    model = make()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1) as watch:
        for _ in range(5):
            optimizer.zero_grad()
            F.cross_entropy(model(x), torch.arange(9) % 3).backward()
            optimizer.step()
    diagnosis = watch.run.doctor()
    found = [one.kind for one in (*diagnosis.findings, *diagnosis.notes)]
    assert "linear_hidden" not in found


def test_heads_that_take_turns_are_not_cut_off():
    run = Program(TwoHeads, steps=75).run()
    cut = [set(line["cut_off"]) for line in run.facts]
    assert {"last"} in cut and {"other"} in cut
    diagnosis = run.doctor()
    assert diagnosis.is_healthy and not diagnosis.notes, str(diagnosis)


def test_a_sum_is_known_by_its_old_name(recwarn):
    def summed(claims: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(claims, targets, size_average=False)

    notes = Program(loss=summed, optimizer=sgd(1e-3)).run().doctor().notes
    assert "summed_batch" in [note.kind for note in notes]


@pytest.mark.parametrize(("steps", "every"), [(EARLY - 1, 1), (5 * EARLY, EARLY)])
def test_nothing_that_time_may_mend_is_an_alarm_at_first(steps, every):
    """Neither in too few steps, nor from too few that were recorded."""
    torch.manual_seed(1)
    model = classifier()
    optimizer = torch.optim.SGD(model.parameters(), 1e-9)  # too low, after weights that are small
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1e-3)
    with wg.watch(model, every=every) as watch:
        for x, y in batches(steps):
            ordinary(model, optimizer, F.cross_entropy, x, y)
    diagnosis = watch.run.doctor()
    assert diagnosis.is_healthy and diagnosis.is_early, str(diagnosis)
    assert "small_start" in [note.kind for note in diagnosis.notes]
    assert "too early" in str(diagnosis) and diagnosis.to_dict()["early"]
    with wg.watch(model, every=every) as watch:
        for x, y in batches(ENOUGH_LOSSES * max(every, EARLY)):
            ordinary(model, optimizer, F.cross_entropy, x, y)
    assert watch.run.doctor().findings[0].kind == "small_start"


def test_a_loss_that_falls_slowly_is_not_stuck():
    seen = Program(optimizer=sgd(4e-3)).run()
    losses = seen.history["loss"]
    assert losses.iloc[-1] > 0.9 * losses.iloc[0]
    assert "stuck" not in [one.kind for one in seen.doctor().findings]


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        ("inplace_reuse", lambda h: torch.sigmoid(h).mul_(2).exp().mul_(h.exp_())),
        ("wrong_dtype", None),
        ("graph_used_twice", None),
        ("not_probabilities", None),
        ("class_out_of_range", None),
    ],
)
def test_an_exception_of_torchs_is_explained(kind, broken):
    model, loss = classifier(), F.cross_entropy
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.raises((RuntimeError, IndexError)), wg.watch(model, every=1) as watch:
        for x, y in batches(3):
            claims = model(x)
            if kind == "inplace_reuse":
                hidden = torch.sigmoid(claims)
                total = (hidden * hidden).sum()
                hidden.mul_(2)
                total.backward()
            elif kind == "wrong_dtype":
                loss(claims, y.float())
            elif kind == "not_probabilities":
                F.binary_cross_entropy(9 * claims[:, 0].exp(), y.float())
            elif kind == "class_out_of_range":
                loss(claims, y + 1)
            else:
                total = loss(claims, y)
                total.backward()
                total.backward()
            optimizer.step()
    diagnosis = watch.run.doctor()
    assert diagnosis.findings[0].kind == kind
    assert watch.run.description["state"] == "failed"


ALIKE = {"unscaled_inputs", "unscaled_targets", "linear_hidden", "small_start", "large_start"}
ALIKE |= {"strong_dropout", "strong_l2"}


def test_every_fault_has_its_words_and_a_test():
    """A check of what both kinds of networks show may have its cases in test_checks.py alone."""
    covered = {*FAULTS, "inplace_reuse", "wrong_dtype", "graph_used_twice", "frozen"}
    covered |= {"not_probabilities", "class_out_of_range"}
    kinds = {fault.kind for fault in faults_of("watched")}
    alike = {fault.kind for fault in faults_of("own") if fault.kind in kinds and fault.is_alike}
    assert alike >= ALIKE and covered >= ALIKE
    assert kinds - covered - alike == {"steps_too_long", "stuck"}
    for kind, part in ((k, p) for k in kinds for p in ("name", "is", "check", "says", "line")):
        assert f"doctor.{kind}.{part}" in catalogue("en")
        assert f"doctor.{kind}.{part}" in catalogue("zh")


def test_a_loss_that_stays_and_steps_that_overshoot():
    shuffled = count()

    def noise(model, optimizer, loss, x, y) -> None:
        draw = torch.Generator().manual_seed(next(shuffled))
        ordinary(model, optimizer, loss, x, torch.randint(0, 2, y.shape, generator=draw))

    assert [f.kind for f in Program(update=noise, optimizer=sgd(0.01)).run().doctor().findings] == [
        "stuck"
    ]
    found = Program(optimizer=sgd(30.0, momentum=0.0)).run().doctor().findings
    assert found[0].kind == "steps_too_long"


def test_the_line_to_change_is_python():
    assert "nn.init.kaiming_normal_(model[0].weight)" in str(Program(same_weights).run().doctor())
    assert module_of("encoder.layers.0.linear1") == "model.encoder.layers[0].linear1"


def test_where_a_push_vanishes_is_the_layer_whose_weights_lose_it():
    def thin() -> nn.Module:
        model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(4)), nn.Linear(4, 2))
        with torch.no_grad():
            model[2].weight *= 1e-6
        return model

    found = vanishing(seen_in(Program(thin, optimizer=sgd(1e-6)).run()))
    assert (found.evidence["after"], found.evidence["where"]) == ("2", "1")
    assert "on the way back from 2 to 1" in found.to_dict()["text"]


@pytest.mark.parametrize(("real", "is_contest"), [(1.0, True), (None, False)])
def test_a_loss_that_need_not_fall_is_not_called_stuck(real, is_contest):
    """A judge is told that all of a batch is real, and then that all of another is not."""
    torch.manual_seed(0)
    judge = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(judge.parameters(), 1e-9)  # as good as it gets
    with wg.watch(judge, every=10) as watch:
        for _ in range(ENOUGH_LOSSES * 10):
            optimizer.zero_grad()
            draw = torch.randint(0, 2, (8, 1)).float()
            answers = draw if real is None else torch.full((8, 1), real)
            for x, y in ((torch.ones(8, 4), answers), (-torch.ones(8, 4), 1 - answers)):
                F.binary_cross_entropy_with_logits(judge(x), y).backward()
            optimizer.step()
    seen = seen_in(watch.run)
    assert seen.is_contest == is_contest
    assert (stuck(seen) is None) == is_contest
