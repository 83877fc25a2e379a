"""The programs that ``benchmarks.watching`` trains: each a model, and a step of its training."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Program = tuple[nn.Module, Callable[[], None]]


def trained(network: nn.Module, loss: Callable[[], Tensor], clip: float | None = None) -> Program:
    """Return a model and one step of Adam on a loss, its gradient clipped to a norm or not."""
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), clip)
        optimizer.step()

    return network, step


def perceptron() -> Program:
    network = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    x, y = torch.randn(64, 64), torch.randint(10, (64,))
    return trained(network, lambda: F.cross_entropy(network(x), y))


class Agent(nn.Module):
    """An actor and a critic, two layers of 64 each; Schulman et al. 2017."""

    def __init__(self) -> None:
        super().__init__()
        self.actor, self.critic = (
            nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
            for _ in range(2)
        )
        self.policy, self.value = nn.Linear(64, 4), nn.Linear(64, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.policy(self.actor(x)), self.value(self.critic(x)).squeeze(-1)


def ppo() -> Program:
    """The update of proximal policy optimization: a clipped ratio, values, and entropy."""
    agent = Agent()
    seen, actions = torch.randn(64, 8), torch.randint(4, (64,))
    before, advantages, returns = -torch.rand(64), torch.randn(64), torch.randn(64)

    def loss() -> Tensor:
        logits, values = agent(seen)
        policy = torch.distributions.Categorical(logits=logits)
        ratio = (policy.log_prob(actions) - before).exp()
        clipped = ratio.clamp(0.8, 1.2)
        gained = torch.minimum(ratio * advantages, clipped * advantages).mean()
        return F.mse_loss(values, returns) / 2 - gained - 0.01 * policy.entropy().mean()

    return trained(agent, loss, clip=0.5)


class Attending(nn.Module):
    """A block of a GPT as Karpathy's nanoGPT has it: attention, then two layers, around a sum."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.c_attn = nn.Linear(width, 3 * width, bias=False)
        self.c_proj = nn.Linear(width, width, bias=False)
        self.c_fc = nn.Linear(width, 4 * width, bias=False)
        self.c_out = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.c_attn(self.ln_1(x)).chunk(3, -1)
        q, k, v = (one.unflatten(-1, (self.heads, -1)).transpose(1, 2) for one in parts)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(seen.transpose(1, 2).flatten(2))
        return x + self.c_out(F.gelu(self.c_fc(self.ln_2(x))))


class Gpt(nn.Module):
    def __init__(self, tokens: int, length: int, width: int, layers: int, heads: int):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(tokens, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Attending(width, heads) for _ in range(layers)))
        self.ln_f, self.head = nn.LayerNorm(width, bias=False), nn.Linear(width, tokens, bias=False)
        self.head.weight = self.wte.weight

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        return self.head(self.ln_f(self.blocks(x)))


def gpt() -> Program:
    network = Gpt(tokens=65, length=64, width=216, layers=6, heads=6)
    x, y = torch.randint(65, (12, 64)), torch.randint(65, (12, 64))
    return trained(network, lambda: F.cross_entropy(network(x).flatten(0, 1), y.flatten()), 1.0)


class Block(nn.Module):
    """Two convolutions beside a way around them; He et al. 2016, figure 5, left."""

    def __init__(self, width_in: int, width: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        around = [nn.Conv2d(width_in, width, 1, stride, bias=False), nn.BatchNorm2d(width)]
        self.around = nn.Sequential(*(around if stride > 1 else []))

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.norm1(self.conv1(x)), inplace=True)
        return F.relu(self.norm2(self.conv2(inner)) + self.around(x), inplace=True)


def resnet() -> Program:
    blocks, width = [], 64
    for wide, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        blocks += [Block(width, wide, stride), Block(wide, wide, 1)]
        width = wide
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
    end = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)]
    network = nn.Sequential(*stem, nn.MaxPool2d(3, 2, 1), *blocks, *end)
    x, y = torch.randn(32, 3, 64, 64), torch.randint(10, (32,))
    return trained(network, lambda: F.cross_entropy(network(x), y))


def transformer() -> Program:
    layer = nn.TransformerEncoderLayer(256, 4, 1024, batch_first=True)
    network = nn.Sequential(
        nn.Embedding(5000, 256), nn.TransformerEncoder(layer, 4), nn.Linear(256, 5000)
    )
    x, y = torch.randint(5000, (16, 64)), torch.randint(5000, (16, 64))
    return trained(network, lambda: F.cross_entropy(network(x).flatten(0, 1), y.flatten()))


def seeded(make: Callable[[], Program]) -> Program:
    """Return a program that begins as every other of its kind."""
    torch.manual_seed(0)
    return make()


PROGRAMS: dict[str, Callable[[], Program]] = {
    name: partial(seeded, make)
    for name, make in {
        "perceptron, two layers, 64 rows": perceptron,
        "PPO agent, 64 rows": ppo,
        "nanoGPT of 3.4 million parameters, 12 × 64 tokens": gpt,
        "transformer encoder, 4 layers of width 256, 16 × 64 tokens": transformer,
        "ResNet-18, 32 images of 64 × 64": resnet,
    }.items()
}
