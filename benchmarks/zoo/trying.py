"""One model, trained twice: watched and not."""

import random
import time
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import whygrad as wg
from benchmarks.zoo.case import Case
from whygrad.capture import Watch

STEPS = 3
NEAR = 1e-4  # of a gradient to the sum of sizes that it is made of


@dataclass
class Trained:
    """What a training left.

    Attributes:
        losses: of each step.
        gradients: of each step, by parameter, as autograd left them.
        seconds: of processor time.
    """

    model: nn.Module
    losses: list[Tensor]
    gradients: list[dict[str, Tensor]]
    seconds: float
    watch: Watch | None


def tried(case: Case, seed: int) -> dict[str, Any]:
    """Return what differs when a model is watched at every step, and what is explained."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        plain, watched = trained(case, seed, is_watched=False), trained(case, seed, is_watched=True)
    assert watched.watch is not None
    run = watched.watch.run
    if len(run.history) < STEPS:
        said = [str(one.message) for one in told if "wg.watch" in str(one.message)]
        raise RuntimeError(" ".join(said) or "fewer steps were recorded than taken")
    coverage = run.coverage()
    compared, differ = compared_gradients(run, watched.gradients)
    return {
        "name": case.name,
        "same": are_same(plain, watched),
        "share": coverage.share,
        "alone": coverage.alone,
        "missing": dict(coverage.missing),
        "layers": len(run.layers),
        "compared": compared,
        "differ": differ,
        "parameters": sum(p.numel() for p in watched.model.parameters()),
        "ratio": watched.seconds / max(plain.seconds, 1e-9),
        "alarms": [finding.kind for finding in run.doctor().findings],
    }


def trained(case: Case, seed: int, *, is_watched: bool) -> Trained:
    """Train a model for a few steps by plain descent."""
    _sow(seed)
    model = case.make().train()
    _sow(seed)
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learning, 1e-2)
    losses, gradients = [], []
    with wg.watch(model, every=1, explain=[""]) if is_watched else nullcontext() as watch:
        began = 0.0
        for step in range(STEPS):
            if step == 1:  # all sorts of things start with the first one
                began = time.process_time()
            optimizer.zero_grad()
            loss = case.loss(model)
            loss.backward()
            losses.append(loss.detach())
            named = model.named_parameters()
            gradients.append({n: p.grad.clone() for n, p in named if p.grad is not None})
            optimizer.step()
        seconds = time.process_time() - began
    return Trained(model, losses, gradients, seconds, watch)


def are_same(one: Trained, other: Trained) -> bool:
    """Return whether losses, gradients and everything in the models are the same bit for bit."""
    states = [_tensors(of.model.state_dict()) for of in (one, other)]
    left = [
        [*of.losses, *(g for step in of.gradients for g in step.values())] for of in (one, other)
    ]
    pairs = zip([*states[0], *left[0]], [*states[1], *left[1]], strict=True)
    return all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in pairs)


def compared_gradients(run: wg.Run, gradients: list[dict[str, Tensor]]) -> tuple[int, list[str]]:
    """Return how many layers' gradients were held against autograd's, and which differ.

    What is explained of a weight with another way to the loss is a part of its gradient; then what
    came by all ways, which the ledger leads on to, is held against it.
    """
    compared, differ = 0, []
    for layer, steps in run.kept_whole().items():
        arrays, described = run.whole(steps[-1])[1], run.description["layers"][layer]
        actual = gradients[steps[-1]].get(described["weight"])
        own = arrays.get(f"{layer}/weight.gradient")
        if actual is None or own is None:
            continue
        came = arrays.get(f"{layer}/weight.came", own)
        first, rows = described["first"], described["shape"][0]
        if rows != described["parameter_rows"]:
            actual = actual[first : first + rows]
        size = np.abs(arrays[f"{layer}/pulls"]).max() + 1e-12
        off = np.abs(came.ravel() - actual.float().numpy().ravel()).max() / size
        if not off <= NEAR:
            differ.append(layer)
        compared += 1
    return compared, differ


def _sow(seed: int) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def _tensors(state: dict[str, Any]) -> list[Tensor]:
    return [one for one in state.values() if isinstance(one, Tensor)]
