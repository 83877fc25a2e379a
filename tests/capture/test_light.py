"""Who watches a PyTorch model pays for no JAX."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import torch
import whygrad as wg

model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))
optimizer = torch.optim.Adam(model.parameters())
with wg.watch(model, every=2) as watch:
    for _ in range(6):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(torch.randn(9, 4)), torch.arange(9) % 3).backward()
        optimizer.step()
run = watch.run
assert run.rows("0")[1].shape == (3, 6, 8)
assert isinstance(run, wg.Run)
str(run.why("0[1]")), str(run.doctor())
print([name for name in ("jax", "jaxlib", "optax", "pandas", "sklearn") if name in sys.modules])
"""


@pytest.mark.long
def test_watching_imports_neither_jax_nor_optax():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
