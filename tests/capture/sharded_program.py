"""Training with ``fully_shard``, watched and not: ``sharded_program.py RANK RANKS FOLDER CASE …``.

Each case ends in ``FOLDER/CASE``: the run, and whether both trainings came to the same numbers. A
single process trains on the whole batch, not sharded but where the case is about precision.
"""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import Shard

import whygrad as wg

BATCH = 24
ADAM = partial(torch.optim.Adam, lr=0.01)


class Tokens(nn.Module):
    """Attention, whose projections are packed, and a table that is the last layer's weight, too."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(9, 8)
        self.block = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True)
        self.scale = nn.Parameter(torch.rand(8))
        self.head = nn.Linear(8, 9, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.block(self.embed(x)).mean(1) * self.scale)


def perceptron() -> nn.Sequential:
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 3))


def rows() -> tuple[Tensor, Tensor]:
    return torch.randn(6, BATCH, 5), torch.randint(3, (6, BATCH))


def sentences() -> tuple[Tensor, Tensor]:
    return torch.randint(9, (6, BATCH, 4)), torch.randint(9, (6, BATCH))


def trained(
    rank: int,
    ranks: int,
    out: Path | None,
    *,
    make: Callable[[], nn.Module] = perceptron,
    data: Callable[[], tuple[Tensor, Tensor]] = rows,
    parts: tuple[Any, ...] = (0,),
    update: Callable[..., torch.optim.Optimizer] = ADAM,
    clip: float | None = None,
    accumulate: int = 1,
    is_synced: bool = False,
    is_sharded: bool = False,
    mesh: tuple[int, ...] = (),
    **options: Any,
) -> list[Tensor]:
    """Train for six steps and return the shards of all parameters."""
    torch.manual_seed(0)
    model, (x, y) = make(), data()
    is_sharded |= ranks > 1
    if is_sharded:
        names = ("replicate", "shard")[: len(mesh)]
        if mesh and ranks > 1:
            options["mesh"] = init_device_mesh("cpu", mesh, mesh_dim_names=names)
        for part in parts:
            inner = model[part] if isinstance(part, int) else model.get_submodule(part)
            fully_shard(inner, **options)
        fully_shard(model, **options)
    optimizer = update(model.parameters())
    share = BATCH // ranks // accumulate
    with nullcontext() if out is None else wg.watch(model, every=2, out=out):
        for step in range(len(x)):
            optimizer.zero_grad()
            for turn in range(accumulate):
                mine = slice(rank * BATCH // ranks + turn * share, None)
                if is_sharded:
                    model.set_requires_gradient_sync(is_synced or turn == accumulate - 1)
                loss = F.cross_entropy(model(x[step, mine][:share]), y[step, mine][:share])
                (loss / accumulate).backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
    return [p.to_local() if is_sharded else p.detach() for p in model.parameters()]


HALF = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "clipped": {"clip": 0.1},
    "accumulated": {"accumulate": 3},
    "synced": {"accumulate": 2, "is_synced": True},
    "mixed": {"is_sharded": True, "mp_policy": HALF},
    "kept": {"reshard_after_forward": False},
    "tokens": {
        "make": Tokens,
        "data": sentences,
        "parts": ("block",),
        "update": partial(torch.optim.SGD, lr=0.1, momentum=0.9),  # keys' biases get but rounding
    },
    "columns": {"shard_placement_fn": lambda p: Shard(p.dim() - 1 if p.shape[-1] % 4 == 0 else 0)},
    "hybrid": {"mesh": (2, 2)},
}


def main() -> None:
    rank, ranks, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=ranks)
    for name in sys.argv[4:]:
        case = folder / name
        plain = trained(rank, ranks, None, **CASES[name])
        watched = trained(rank, ranks, case / "run", **CASES[name])
        same = all(map(torch.equal, plain, watched))
        (case / f"same{rank}").write_text(str(same))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
