"""PyTorch on an NVIDIA GPU: eager, compiled, or a step captured once as a CUDA graph."""

from collections.abc import Callable

import numpy as np
import torch

from benchmarks.cases import Case, shuffled_rows
from benchmarks.peers import Trainer
from benchmarks.peers.torch_model import adam, build, parameters_of

CHOICES = ("PyTorch eager, float32",)
WARM_UP = 3  # steps before a capture, as PyTorch's manual asks

Step = Callable[[torch.Tensor], None]


def prepare(case: Case, x: np.ndarray, y: np.ndarray, choice: str = CHOICES[0]) -> Trainer:
    """Return a trainer that runs as ``choice`` says: a name of :data:`RULES`, and a type."""
    name, _, dtype = choice.partition(", ")
    torch.set_float32_matmul_precision("high")  # TF32 on tensor cores, which is JAX's default too
    model = build(case, "cuda").to(getattr(torch, dtype))
    inputs = torch.from_numpy(x).to("cuda", getattr(torch, dtype))
    classes = torch.from_numpy(y).to("cuda", torch.int64)
    step = RULES[name](model, inputs, classes, case)
    rng = np.random.default_rng(2)

    def train(steps: int) -> None:
        for rows in torch.from_numpy(shuffled_rows(case, steps, rng)).to("cuda", torch.int64):
            step(rows)
        torch.cuda.synchronize()

    return Trainer(train, lambda: parameters_of(model.float().cpu()))


def _eager(model: torch.nn.Sequential, inputs, classes, case: Case) -> Step:
    optimizer = adam(model, fused=True)

    def loss_of(rows: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(model(inputs[rows]), classes[rows])

    return _loop(loss_of, optimizer)


def _compiled(model: torch.nn.Sequential, inputs, classes, case: Case) -> Step:
    optimizer = adam(model, fused=True)

    @torch.compile
    def loss_of(rows: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(model(inputs[rows]), classes[rows])

    return _loop(loss_of, optimizer)


def _loop(loss_of: Callable[[torch.Tensor], torch.Tensor], optimizer: torch.optim.Adam) -> Step:
    def step(rows: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss_of(rows).backward()
        optimizer.step()

    return step


def _captured(model: torch.nn.Sequential, inputs, classes, case: Case) -> Step:
    optimizer = adam(model, fused=True, capturable=True)
    static_rows = torch.arange(case.batch, device="cuda")

    def work() -> None:
        logits = model(inputs[static_rows])
        torch.nn.functional.cross_entropy(logits, classes[static_rows]).backward()
        optimizer.step()

    graph = _capture(work, optimizer)

    def step(rows: torch.Tensor) -> None:
        static_rows.copy_(rows)
        graph.replay()

    return step


def _capture(work: Callable[[], None], optimizer: torch.optim.Adam) -> torch.cuda.CUDAGraph:
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            optimizer.zero_grad(set_to_none=True)
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    optimizer.zero_grad(set_to_none=True)  # so that a replay writes gradients and adds to none
    with torch.cuda.graph(graph):
        work()
    return graph


RULES: dict[str, Callable[..., Step]] = {
    "PyTorch eager": _eager,
    "torch.compile": _compiled,
    "CUDA graphs": _captured,
}
