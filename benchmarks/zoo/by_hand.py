"""Models written out here: kinds of layers as people write them, without a library."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.zoo.case import Case, drawn, squares, whole

X, Y = drawn(12, 4), whole(0, 3, 12)
SEQUENCE, IMAGE, WORDS = drawn(2, 5, 8), drawn(2, 3, 16, 16), whole(0, 9, 12, 5)
EDGES = (drawn(12, 12, seed=1) > 0).float()


class Graph(nn.Module):
    """Two graph convolutions; Kipf and Welling 2017."""

    def __init__(self, is_sparse: bool = False):
        super().__init__()
        self.edges = EDGES.to_sparse() if is_sparse else EDGES
        self.first, self.last = (nn.Parameter(torch.randn(*s) / 2) for s in ((4, 8), (8, 3)))
        self.bias = nn.Parameter(torch.zeros(8))

    def forward(self, x: Tensor) -> Tensor:
        hidden = (self.edges @ (x @ self.first) + self.bias).relu()
        return self.edges @ (hidden @ self.last)


class GraphAttention(nn.Module):
    """Attention over neighbours, two heads; Veličković and others 2018."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 4, 8) / 2)
        self.source, self.target = (nn.Parameter(torch.randn(2, 8, 1)) for _ in range(2))
        self.last = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.matmul(x, self.weight)
        scores = F.leaky_relu(hidden @ self.source + (hidden @ self.target).transpose(1, 2))
        share = scores.masked_fill(EDGES == 0, -1e9).softmax(-1)
        return self.last((share @ hidden).transpose(0, 1).flatten(1))


class Sine(nn.Module):
    """A frequency that is learned; Sitzmann and others 2020."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 3)
        self.frequency = nn.Parameter(torch.full((1,), 3.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.sin(self.frequency * self.first(x)))


class Spline(nn.Module):
    """A curve in the place of each weight, here of polynomials; Liu and others 2024."""

    def __init__(self) -> None:
        super().__init__()
        self.curve = nn.Parameter(torch.randn(3, 4, 5) / 3)
        self.base, self.scale = nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.ones(3, 4))

    def forward(self, x: Tensor) -> Tensor:
        basis = torch.stack([x**power for power in range(5)], -1).flatten(1)
        curve = (self.curve * self.scale.unsqueeze(-1)).view(3, -1)
        return F.linear(F.silu(x), self.base) + F.linear(basis, curve)


class Experts(nn.Module):
    """Two of four experts a row, gathered; Shazeer and others 2017."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.weight = (nn.Parameter(torch.randn(*s)) for s in ((4, 4), (4, 4, 3)))

    def forward(self, x: Tensor) -> Tensor:
        share, chosen = (x @ self.gate).softmax(-1).topk(2)
        return (torch.einsum("bd,bkdo->bko", x, self.weight[chosen]) * share[..., None]).sum(1)


class StateSpace(nn.Module):
    """A diagonal state space by its convolution; Gu and others 2022."""

    def __init__(self) -> None:
        super().__init__()
        self.out, self.step = nn.Parameter(torch.randn(4, 8, 2)), nn.Parameter(torch.rand(4))
        self.decay, self.turn = (nn.Parameter(torch.rand(4, 8)) for _ in range(2))
        self.skip, self.last = nn.Parameter(torch.randn(4)), nn.Linear(4, 3)

    def forward(self, u: Tensor) -> Tensor:
        length, along = u.shape[-1], torch.arange(u.shape[-1])
        state = -self.decay.exp() + 1j * self.turn
        moved = state * self.step.exp().unsqueeze(-1)
        out = torch.view_as_complex(self.out) * (moved.exp() - 1) / state
        kernel = 2 * torch.einsum("hn,hnl->hl", out, (moved.unsqueeze(-1) * along).exp()).real
        both = torch.fft.rfft(u, n=2 * length) * torch.fft.rfft(kernel, n=2 * length)
        y = torch.fft.irfft(both, n=2 * length)[..., :length] + u * self.skip.unsqueeze(-1)
        return self.last(y.mean(-1))


class Normed(nn.Module):
    """A norm written by hand, and a scale of each residual branch; Zhang 2019, Touvron 2021."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.layer_scale = nn.Parameter(torch.ones(8)), nn.Parameter(torch.ones(8) / 9)
        self.inner, self.last = nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        normed = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * self.scale
        return self.last((x + self.layer_scale * F.gelu(self.inner(normed))).mean(1))


class Recurrent(nn.Module):
    """A recurrent network of torch's, and a head."""

    def __init__(self, kind: type[nn.RNNBase], **options: bool):
        super().__init__()
        self.rnn = kind(8, 6, batch_first=True, **options)
        self.last = nn.Linear(12 if options.get("bidirectional") else 6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.rnn(x)[0].mean(1))


class Unrolled(nn.Module):
    """A cell, called once a position."""

    def __init__(self, cell: type[nn.RNNCellBase]):
        super().__init__()
        self.cell, self.last = cell(8, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for position in x.unbind(1):
            state = self.cell(position, state)
        return self.last(state[0] if isinstance(state, tuple) else state)


class Attention(nn.Module):
    """Attention of torch's with its projections packed into one parameter."""

    def __init__(self, **options: bool):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True, **options)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x)[0]


def _mlp(*between: nn.Module, first: nn.Module | None = None) -> nn.Sequential:
    return nn.Sequential(first or nn.Linear(4, 8), *(between or (nn.Tanh(),)), nn.Linear(8, 3))


def _convolutions() -> nn.Sequential:
    down = [nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU()]
    deep = [nn.Conv2d(8, 8, 3, 1, 1, groups=4), nn.GroupNorm(2, 8), nn.GELU()]
    return nn.Sequential(*down, *deep, nn.ConvTranspose2d(8, 3, 4, 2, 1))


def _labels(model: nn.Module) -> Tensor:
    return F.cross_entropy(model(X), Y)


def _over(x: Tensor) -> Callable[[nn.Module], Tensor]:
    return lambda model: squares(model(x))


P = nn.utils.parametrizations
ROWS = {
    "mlp": _mlp,
    "prelu": lambda: _mlp(nn.PReLU(8)),
    "batch norm": lambda: _mlp(nn.BatchNorm1d(8), nn.ReLU()),
    "layer norm, dropout": lambda: _mlp(nn.LayerNorm(8), nn.Dropout(0.2), nn.SiLU()),
    "weight norm": lambda: _mlp(first=P.weight_norm(nn.Linear(4, 8))),
    "spectral norm": lambda: _mlp(first=P.spectral_norm(nn.Linear(4, 8))),
    "orthogonal": lambda: _mlp(first=P.orthogonal(nn.Linear(4, 8))),
    "bilinear": lambda: _Twice(nn.Bilinear(4, 4, 3)),
    "graph": Graph,
    "graph, sparse": lambda: Graph(is_sparse=True),
    "graph attention": GraphAttention,
    "sine": Sine,
    "spline": Spline,
    "experts": Experts,
}
OTHERS = {
    "convolutions": (_convolutions, IMAGE),
    "embedding bag": (lambda: nn.Sequential(nn.EmbeddingBag(9, 4), nn.Linear(4, 3)), WORDS),
    "embedding": (lambda: nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 3)), WORDS),
    "state space": (StateSpace, drawn(12, 4, 10)),
    "norm by hand": (Normed, SEQUENCE),
    "lstm": (lambda: Recurrent(nn.LSTM), SEQUENCE),
    "lstm, both ways": (lambda: Recurrent(nn.LSTM, bidirectional=True), SEQUENCE),
    "gru": (lambda: Recurrent(nn.GRU), SEQUENCE),
    "rnn, no bias": (lambda: Recurrent(nn.RNN, bias=False), SEQUENCE),
    "lstm cell": (lambda: Unrolled(nn.LSTMCell), SEQUENCE),
    "gru cell": (lambda: Unrolled(nn.GRUCell), SEQUENCE),
    "attention": (Attention, SEQUENCE),
    "attention, more keys": (lambda: Attention(add_bias_kv=True), SEQUENCE),
    "encoder": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), SEQUENCE),
}


class _Twice(nn.Module):
    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x, x)


def cases(seed: int) -> list[Case]:
    """Return all of them; nothing is drawn."""
    rows = [Case(f"by hand/{name}", make, _labels) for name, make in ROWS.items()]
    others = [Case(f"by hand/{name}", make, _over(x)) for name, (make, x) in OTHERS.items()]
    return [*rows, *others]
