"""Training programs as people write them, each a function that a test can run watched or not."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from whygrad.capture import isolation

sys.path.insert(0, str(Path(__file__).parent))  # what tests share lies beside them
from torch_hooks import hooks_on_all

Watching = Callable[[nn.Module], AbstractContextManager]
Program = Callable[[Watching], nn.Module]


class Cnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 6, 3, padding="same", padding_mode="circular")
        self.norm = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 4, 3, stride=2, dilation=2, padding=2, groups=2, bias=False)
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.conv1(x)), inplace=True)
        return self.head(self.conv2(x).tanh().mean((2, 3)))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(9, 8, padding_idx=0)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.decoder = nn.TransformerDecoderLayer(8, 2, 16, activation="gelu", batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens)
        return self.head(self.decoder(x, self.encoder(x)).mean(1))


class Tied(nn.Module):
    """A table of embeddings that is the last layer's weight as well."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(9, 8)
        self.inner = nn.Linear(8, 8)
        self.head = nn.Linear(8, 9)
        self.head.weight = self.embed.weight

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(F.silu(self.inner(self.embed(tokens).mean(1))))


class Own(nn.Module):
    """Parameters of its own, a layer used twice, a residual, two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(8, 4) / 2)
        self.shared = nn.Linear(8, 8)
        self.low = nn.LayerNorm(8)
        self.head, self.aside = nn.Linear(8, 3), nn.Linear(8, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = F.linear(x, self.matrix).sigmoid_()
        h = h + torch.relu(self.shared(h))
        h = self.low(F.softplus(self.shared(h)))
        return self.head(h), self.aside(h)


class Checkpointed(nn.Module):
    def __init__(self, is_reentrant: bool) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(4, 8), nn.Linear(8, 3)
        self.inner = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 8))
        self.is_reentrant = is_reentrant

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.first(x))
        return self.head(checkpoint(self.inner, h, use_reentrant=self.is_reentrant))


def mlp() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(4, 16), nn.ReLU(inplace=True), nn.Dropout(0.2), nn.Linear(16, 8),
        nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 3),
    )  # fmt: skip


def rows(count: int = 12) -> tuple[Tensor, Tensor]:
    return torch.randn(count, 4), torch.randint(0, 3, (count,))


def loop(
    model: nn.Module,
    watching: Watching,
    batches: list[tuple[Tensor, Tensor]],
    optimizer: torch.optim.Optimizer | None = None,
) -> nn.Module:
    optimizer = optimizer or torch.optim.AdamW(model.parameters(), 1e-2)
    with watching(model):
        for x, y in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    return model


def plain(watching: Watching) -> nn.Module:
    model = mlp()
    return loop(model, watching, [rows() for _ in range(5)])


def convolutions(watching: Watching) -> nn.Module:
    batches = [(torch.randn(6, 2, 6, 6), torch.randint(0, 3, (6,))) for _ in range(4)]
    return loop(Cnn(), watching, batches)


class Upwards(nn.Module):
    """From a code to a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.ConvTranspose2d(4, 6, 3)
        self.norm = nn.BatchNorm2d(6)
        self.second = nn.ConvTranspose2d(6, 2, 3, stride=2, padding=1, output_padding=1)

    def forward(self, code: Tensor) -> Tensor:
        return self.second(F.leaky_relu(self.norm(self.first(code[..., None, None])), 0.2))


def generated(watching: Watching) -> nn.Module:
    model = Upwards()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    with watching(model):
        for _ in range(4):
            optimizer.zero_grad()
            F.mse_loss(model(rows()[0]), torch.randn(12, 2, 6, 6)).backward()
            optimizer.step()
    return model


def attention(watching: Watching) -> nn.Module:
    batches = [(torch.randint(0, 9, (5, 4)), torch.randint(0, 3, (5,))) for _ in range(4)]
    return loop(Attention(), watching, batches)


def tied(watching: Watching) -> nn.Module:
    batches = [(torch.randint(0, 9, (5, 4)), torch.randint(0, 9, (5,))) for _ in range(4)]
    model = Tied()
    return loop(model, watching, batches, torch.optim.SGD(model.parameters(), 0.1, momentum=0.9))


def own(watching: Watching) -> nn.Module:
    model = Own()
    optimizer = torch.optim.RMSprop(model.parameters(), 1e-2, centered=True, momentum=0.5)
    with watching(model):
        for _ in range(4):
            x, y = rows()
            claimed, beside = model(x)
            loss = F.cross_entropy(claimed, y) + 0.1 * F.mse_loss(beside[:, 0], x[:, 0])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
    return model


def accumulated(watching: Watching) -> nn.Module:
    """Zeroed between forward and backward, accumulated over three batches, clipped."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, nesterov=True, momentum=0.9)
    with watching(model):
        for step in range(12):
            x, y = rows(6)
            loss = F.cross_entropy(model(x), y) / 3
            if step % 3 == 0:
                optimizer.zero_grad()
            loss.backward()
            if step % 3 == 2:
                nn.utils.clip_grad_norm_(model.parameters(), 0.5)
                optimizer.step()
    return model


def mixed(watching: Watching) -> nn.Module:
    """bfloat16 under autocast, with a scaler that skips a step on the way."""
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    with watching(model):
        for step in range(5):
            x, y = rows()
            with torch.autocast("cpu", torch.bfloat16):
                loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            scaler.scale(loss * (torch.inf if step == 2 else 1.0)).backward()
            scaler.step(optimizer)
            scaler.update()
    return model


def two_optimizers(watching: Watching) -> nn.Module:
    model = mlp()
    halves = (model[:3], model[3:])
    optimizers = [torch.optim.Adam(half.parameters(), 1e-2) for half in halves]
    with watching(model):
        for _ in range(4):
            x, y = rows()
            F.cross_entropy(model(x), y).backward()
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()
    return model


def frozen(watching: Watching) -> nn.Module:
    model = mlp()
    model[0].requires_grad_(False)
    return loop(model, watching, [rows() for _ in range(4)])


def evaluated(watching: Watching) -> nn.Module:
    """Evaluated without gradients between forward and backward, by another way in."""
    model = Attention()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    with watching(model):
        for _ in range(4):
            tokens, y = torch.randint(0, 9, (5, 4)), torch.randint(0, 3, (5,))
            loss = F.cross_entropy(model(tokens), y)
            with torch.no_grad():
                model.eval()
                assert model(tokens).isfinite().all()
                model.train()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def checkpointed(watching: Watching) -> nn.Module:
    return loop(Checkpointed(False), watching, [rows() for _ in range(4)])


def checkpointed_again(watching: Watching) -> nn.Module:
    return loop(Checkpointed(True), watching, [rows() for _ in range(4)])


def closure(watching: Watching) -> nn.Module:
    model = mlp()
    optimizer = torch.optim.LBFGS(model.parameters(), 0.1, max_iter=2)
    with watching(model):
        for _ in range(3):
            x, y = rows()

            def again(x: Tensor = x, y: Tensor = y) -> Tensor:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                return loss

            optimizer.step(again)
    return model


def penalised(watching: Watching) -> nn.Module:
    """A penalty on the parameters, written into the loss."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watching(model):
        for _ in range(4):
            x, y = rows()
            penalty = sum(p.square().sum() for p in model.parameters())
            optimizer.zero_grad()
            (F.cross_entropy(model(x), y) + 0.1 * penalty).backward()
            optimizer.step()
    return model


def smoothed(watching: Watching) -> nn.Module:
    """A penalty on the gradient with respect to the input; zeroed after that was taken."""
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watching(model):
        for _ in range(4):
            x = rows()[0].requires_grad_()
            claimed = model(x)
            (slope,) = torch.autograd.grad(claimed.sum(), x, create_graph=True)
            optimizer.zero_grad(set_to_none=False)
            (slope.norm(dim=1) - 1).square().mean().backward(retain_graph=True)
            F.mse_loss(claimed, x[:, :1].detach()).backward()
            optimizer.step()
    return model


def adversarial(watching: Watching) -> nn.Module:
    """Two models against each other; what one is told flows into the other, and is thrown away."""
    maker = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4))
    judge = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    of_maker, of_judge = (torch.optim.Adam(m.parameters(), 1e-2) for m in (maker, judge))
    with watching(maker), watching(judge):
        for _ in range(4):
            real, made = rows()[0], maker(torch.randn(12, 4))
            of_judge.zero_grad(set_to_none=False)
            loss = F.softplus(-judge(real)).mean() + F.softplus(judge(made)).mean()
            loss.backward(retain_graph=True)
            of_judge.step()
            of_maker.zero_grad(set_to_none=False)
            F.softplus(-judge(maker(torch.randn(12, 4)))).mean().backward()
            of_maker.step()
    return maker


class Late(nn.Module):
    """A parameter that is added by hand gets its gradient before any layer does."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = mlp()
        self.shift = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + self.shift


class InPlace(nn.Module):
    """Layers over three axes, whose outputs are views that are written over."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.first(x.unflatten(0, (3, -1))), inplace=True)
        h = self.second(h)
        h[:, 0] = 0.5  # as where a part is masked
        return self.head(h).flatten(0, 1)


def in_place(watching: Watching) -> nn.Module:
    return loop(InPlace(), watching, [rows() for _ in range(4)])


def by_hand(watching: Watching) -> nn.Module:
    return loop(Late(), watching, [rows() for _ in range(4)])


PROGRAMS: dict[str, Program] = {
    program.__name__: program
    for program in (
        plain, convolutions, attention, tied, own, accumulated, mixed, two_optimizers, frozen,
        evaluated, checkpointed, checkpointed_again, closure, penalised, smoothed, adversarial,
        by_hand, in_place, generated,
    )
}  # fmt: skip


@pytest.fixture(params=PROGRAMS)
def program(request: Any) -> Iterator[Program]:
    torch.manual_seed(0)
    yield PROGRAMS[request.param]


@pytest.fixture
def programs() -> dict[str, Program]:
    return PROGRAMS


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """No watch leaves a hook that every module of the process would call."""
    yield
    left = dict(hooks_on_all())
    hooks_on_all().clear()  # of one test, not of all after it
    assert not left


@pytest.fixture(autouse=True)
def nothing_said_aside(monkeypatch):
    """A warning that nobody expected fails a test, though it ends no training."""
    said = []
    monkeypatch.setattr(isolation, "_aside", said.append)
    yield said
    assert not said
