"""PyTorch with torch.compile: forward and backward compiled; Adam fused, or compiled too."""

import numpy as np
import torch

from benchmarks.cases import Case, shuffled_rows
from benchmarks.peers import Trainer
from benchmarks.peers.torch_model import adam, as_tensors, build, parameters_of

CHOICES = ("fused Adam", "compiled Adam")


def prepare(case: Case, x: np.ndarray, y: np.ndarray, choice: str = CHOICES[0]) -> Trainer:
    """Return a trainer whose first step compiles."""
    model = build(case)
    is_fused = choice == CHOICES[0]
    optimizer = adam(model, fused=is_fused)
    move = optimizer.step if is_fused else torch.compile(optimizer.step)
    inputs, classes = as_tensors(x, y)
    rng = np.random.default_rng(2)

    @torch.compile
    def loss_of(rows: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(model(inputs[rows]), classes[rows])

    def train(steps: int) -> None:
        for rows in torch.from_numpy(shuffled_rows(case, steps, rng)):
            optimizer.zero_grad()
            loss_of(rows).backward()
            move()

    return Trainer(train, lambda: parameters_of(model))
