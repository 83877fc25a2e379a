"""A network as a ``torch.nn.Sequential``."""

import numpy as np
import torch
from torch import nn

from whygrad.core.nn.network import Network
from whygrad.interop.exporting.portable import Portable
from whygrad.interop.exporting.torch_plan import state_of, steps_of
from whygrad.interop.exporting.trial import largest_difference, rows_for


class Exponential(nn.Module):
    """exp(z), which PyTorch has as a function only."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.exp(z)


def sequential(network: Network) -> nn.Sequential:
    """Return a network as modules, in ``eval`` mode, checked on drawn rows.

    Raises:
        ExportError: the modules give something else than the network.
    """
    steps = steps_of(network)
    own = {"Exponential": Exponential}
    modules = nn.Sequential(
        *((own.get(step.kind) or getattr(nn, step.kind))(**step.options) for step in steps)
    )
    modules.to(torch.from_numpy(np.array(network.dense[0].weight)).dtype)
    state = {name: torch.from_numpy(values) for name, values in state_of(steps).items()}
    modules.load_state_dict(state)
    modules.eval()
    alone = Portable(network)
    rows = rows_for(alone, None)
    with torch.no_grad():
        given = torch.from_numpy(rows).to(next(modules.parameters()).dtype)  # type: ignore[arg-type] - no columns here
        theirs = modules(given).numpy()
    largest_difference(alone.claims(rows), theirs, "PyTorch")
    return modules
