"""PyTorch as most people run it: eager, with a resident data set."""

import numpy as np
import torch

from benchmarks.cases import Case, shuffled_rows
from benchmarks.peers import Trainer
from benchmarks.peers.torch_model import adam, as_tensors, build, parameters_of

CHOICES = ("fused, 1 thread", "fused, 2 threads", "not fused, 1 thread", "not fused, 2 threads")


def prepare(case: Case, x: np.ndarray, y: np.ndarray, choice: str = CHOICES[0]) -> Trainer:
    """Return a trainer with PyTorch's fused Adam or its default one, on one thread or two."""
    torch.set_num_threads(2 if "2" in choice else 1)
    model = build(case)
    optimizer = adam(model, fused=not choice.startswith("not"))
    inputs, classes = as_tensors(x, y)
    rng = np.random.default_rng(2)

    def train(steps: int) -> None:
        for rows in torch.from_numpy(shuffled_rows(case, steps, rng)):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(inputs[rows]), classes[rows])
            loss.backward()
            optimizer.step()

    return Trainer(train, lambda: parameters_of(model))
