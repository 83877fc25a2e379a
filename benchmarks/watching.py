"""What watching costs a PyTorch model: ``python -m benchmarks.watching``.

A ResNet-18 and a 4-layer transformer encoder train on the CPU, first without a watch, then watched
at every 10th step. Every round is a process of its own. The share of all time is the watch's own
figure, which leaves out the first step. Writes ``benchmarks/results/watching.json``; ``python -m
benchmarks.table`` fills docs/benchmarks.md.
"""

import json
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from benchmarks.machine import describe
from benchmarks.run import write

MODELS = {
    "ResNet-18, 32 images of 64 × 64": "resnet",
    "transformer encoder, 4 layers of width 256, 16 × 64 tokens": "transformer",
}
EVERY = 10
WARM, PLAIN, WATCHED = 5, 30, 200  # steps; of the watched, 20 are recorded


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Return by model, as medians over rounds, times relative to a step without a watch."""
    table = {}
    for name, model in MODELS.items():
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        told = [_in_a_process(model) for _ in range(rounds)]
        table[name] = {key: median(one[key] for one in told) for key in told[0]}
    return table


def _in_a_process(model: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.watching", "--train", model]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def train(model: str) -> dict[str, float]:
    """Train one of the models here and return what its steps took."""
    import whygrad as wg

    network, seconds = _resnet() if model == "resnet" else _transformer()
    for _ in range(WARM):
        next(seconds)
    plain = [next(seconds) for _ in range(PLAIN)]
    with wg.watch(network, every=EVERY) as watch:
        watched = [next(seconds) for _ in range(WATCHED)]
        whole = watch.run.whole_steps
    step = median(plain)
    later = range(EVERY, WATCHED, EVERY)  # all sorts of things start with the first one
    others = [seconds for at, seconds in enumerate(watched) if at % EVERY]
    return {
        "milliseconds": 1e3 * step,
        "recorded": median(watched[at] for at in later if at not in whole) / median(others),
        "whole": median(watched[at] for at in later if at in whole) / median(others),
        "others": median(others) / step,
        "share": watch.overhead.to_dict()["share"],
    }


def _steps(network: Any, loss: Callable[[], Any]) -> Iterator[float]:
    """Train step by step, and yield what each took, in seconds."""
    import torch

    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    while True:
        began = time.perf_counter()
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        yield time.perf_counter() - began


def _resnet() -> tuple[Any, Iterator[float]]:
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Block(nn.Module):
        """Two convolutions beside a way around them; He et al. 2016, figure 5, left."""

        def __init__(self, width_in: int, width: int, stride: int):
            super().__init__()
            self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
            self.norm1, self.norm2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
            around = [nn.Conv2d(width_in, width, 1, stride, bias=False), nn.BatchNorm2d(width)]
            self.around = nn.Sequential(*(around if stride > 1 else []))

        def forward(self, x: Any) -> Any:
            inner = F.relu(self.norm1(self.conv1(x)), inplace=True)
            return F.relu(self.norm2(self.conv2(inner)) + self.around(x), inplace=True)

    torch.manual_seed(0)
    blocks, width = [], 64
    for wide, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        blocks += [Block(width, wide, stride), Block(wide, wide, 1)]
        width = wide
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
    end = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)]
    network = nn.Sequential(*stem, nn.MaxPool2d(3, 2, 1), *blocks, *end)
    x, y = torch.randn(32, 3, 64, 64), torch.randint(10, (32,))
    return network, _steps(network, lambda: F.cross_entropy(network(x), y))


def _transformer() -> tuple[Any, Iterator[float]]:
    import torch
    import torch.nn.functional as F
    from torch import nn

    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(256, 4, 1024, batch_first=True)
    network = nn.Sequential(
        nn.Embedding(5000, 256), nn.TransformerEncoder(layer, 4), nn.Linear(256, 5000)
    )
    x, y = torch.randint(5000, (16, 64)), torch.randint(5000, (16, 64))
    return network, _steps(network, lambda: F.cross_entropy(network(x).flatten(0, 1), y.flatten()))


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--train", metavar="MODEL", help="one of them, here")
    parser.add_argument("-n", "--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.train:
        print(json.dumps(train(options.train)))
        return
    write({"machine": describe(), "watching": measure(options.rounds)}, "watching")


if __name__ == "__main__":
    main()
