"""Which engine takes the steps of a job, NumPy or JAX: the size of the job alone decides.

JAX takes a second to be imported and another to compile, and is then several times as fast. A job
that NumPy has done before that is left to NumPy. The choice never looks at a clock, so a job has
the same engine on every machine; a run keeps its engine for good.
"""

from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from typing import Any

from whygrad.core.nn.network import Network
from whygrad.core.numpy_stages import can_take
from whygrad.settings import Settings

# In multiplications of the forward pass, of which NumPy does about ten in a nanosecond: a step's
# own cost, that of each layer, and a parameter's, which the optimiser moves once a step.
OF_A_STEP, OF_A_LAYER, OF_A_PARAMETER = 100_000, 150_000, 16
MOST_OF_NUMPY = 20_000_000_000  # about two seconds, what JAX takes to begin
MOST_OF_A_LOOK = 500_000_000  # about a tenth of a second, what JAX takes to find it compiled
OF_NUMPY = ("float32", "float64")  # its others are slow


def engine_for(
    settings: Settings, sizes: Sequence[int], batch: int, steps: int, dtype: Any = "float32"
) -> str:
    """Return the engine of a job: ``numpy`` if it is small, else ``jax``.

    steps * (100 000 + 150 000 layers + (batch + 16) parameters) <= 2e10, and settings
    and a precision that NumPy has at its best.

    Args:
        settings: how the network is trained.
        sizes: numbers of neurons, from the inputs to the outputs.
        batch: samples a step.
        steps: most steps that the job takes.
        dtype: of the parameters.
    """
    parameters = sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))
    layers = len(sizes) - 1
    of_step = OF_A_STEP + OF_A_LAYER * layers + (batch + OF_A_PARAMETER) * parameters
    is_small = steps * of_step <= MOST_OF_NUMPY
    is_able = can_take(settings) and str(dtype) in OF_NUMPY
    return "numpy" if is_small and is_able else "jax"


def for_one_look(network: Network, samples: int) -> Network:
    """Return a network for going forward and back once: on NumPy if JAX would compile for longer.

    Numbers are those of the other engine within rounding.
    """
    parameters = sum(dense.weight.size for dense in network.dense)
    is_able = str(network.dense[0].weight.dtype) in OF_NUMPY
    is_small = samples * parameters <= MOST_OF_A_LOOK
    return network.on("numpy") if is_small and is_able else network


def steps_of(engine: str) -> Any:
    """Return the module that takes the steps: ``first_state``, ``advance`` and ``trace_step``."""
    name = {"numpy": "numpy_step", "jax": "step"}[engine]
    return import_module(f"whygrad.training.{name}")
