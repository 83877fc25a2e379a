"""A checkpoint: everything that a run needs to go on, as one file of named arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from whygrad.core.arrays import named_leaves, tree_map
from whygrad.core.keys import numpy_key
from whygrad.core.nn.dense import Dense
from whygrad.core.nn.network import Network
from whygrad.errors import RunError
from whygrad.record.schema import sound
from whygrad.record.schema.arrays import Form, refuse, sound_arrays
from whygrad.record.schema.trained import CHECKPOINT, checkpoint_values
from whygrad.record.sealed import read_tensors, sealed_tensors
from whygrad.training.engine import steps_of
from whygrad.training.state import State, StaticConfig


@dataclass(frozen=True)
class Best:
    """The epoch with the lowest validation loss so far, and the network at its end."""

    epoch: int
    loss: float
    network: Network


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stands.

    Attributes:
        state: the state after ``state.step`` steps.
        epoch_losses: losses of the steps of the epoch that is under way.
        best: kept where training may stop early.
    """

    state: State
    epoch_losses: np.ndarray
    best: Best | None = None


def describe_network(network: Network) -> dict[str, Any]:
    """Return a network's structure as JSON-able data; the parameters stand in checkpoints."""
    dropout = [dense.dropout for dense in network.dense[:-1]]
    is_one = len(set(dropout)) <= 1  # then it is told as one number, as runs have always told it
    return {
        "sizes": list(network.sizes),
        "activations": [dense.activation for dense in network.dense],
        "biases": [dense.bias is not None for dense in network.dense],
        "dropout": next(iter(dropout), 0.0) if is_one else dropout,
        "dtype": str(network.dense[0].weight.dtype),
    }


def skeleton(description: dict[str, Any], engine: str) -> Network:
    """Return a network with nothing but shapes: its parameters are a single 0, seen as many.

    Raises:
        RunError: it is of float64, and its engine is JAX, which is set to float32.
    """
    sizes, dtype = description["sizes"], _dtype(description["dtype"])
    told = description["dropout"]
    dropout = [*(told if isinstance(told, list) else [told] * (len(sizes) - 2)), 0.0]
    if engine == "jax" and dtype == np.float64:
        import jax

        if not jax.config.read("jax_enable_x64"):
            raise RunError("error.run_needs_x64")
    nothing = np.zeros((), dtype)
    layers = []
    for position, (n_in, n_out) in enumerate(pairwise(sizes)):
        layers.append(
            Dense(
                weight=np.broadcast_to(nothing, (n_in, n_out)),
                bias=np.broadcast_to(nothing, n_out) if description["biases"][position] else None,
                activation=description["activations"][position],
                dropout=dropout[position],
            )
        )
    return Network(tuple(layers))


def sealed_checkpoint(checkpoint: Checkpoint) -> tuple[Sequence[bytes | memoryview], str]:
    """Return the file of a checkpoint, in pieces, and the checksum that stands for it."""
    state = checkpoint.state
    tensors = _flatten(steps_of(state.network.engine).plain(state))
    tensors["epoch_losses"] = checkpoint.epoch_losses
    notes: dict[str, Any] = {"step": int(state.step)}
    if checkpoint.best is not None:
        notes["best"] = {"epoch": checkpoint.best.epoch, "loss": checkpoint.best.loss}
        tensors |= {f"best.{k}": v for k, v in _flatten(checkpoint.best.network).items()}
    return sealed_tensors(tensors, notes)


def load_checkpoint(
    path: Path, step: int, network: Network, config: StaticConfig, checksum: str | None
) -> Checkpoint:
    """Read the checkpoint at a step.

    Args:
        network: the skeleton of the run's network.
        checksum: that of the file that is wanted; None for a run without checksums.

    Raises:
        RunError: the file is missing, damaged, another one, or of another network or step.
    """
    steps = steps_of(config.engine)
    tensors, notes = read_tensors(path, may_lack=checksum is None, checksum=checksum)
    told = sound(path, CHECKPOINT, notes)
    settings = config.settings
    shapes = steps.shapes_of(network, config)
    sound_arrays(path, tensors, _forms(shapes, network if "best" in told else None))
    fixed = {
        "key": numpy_key(settings.seed),  # JAX keeps the same of it
        "learning_rate": np.asarray(settings.learning_rate, shapes.learning_rate.dtype),
    }
    steps_per_epoch = config.total_steps // settings.epochs
    refuse(path, checkpoint_values(tensors, step, steps_per_epoch, fixed))
    best = None
    if "best" in told:
        kept = _filled(network, tensors, "best.").on(config.engine)
        best = Best(**told["best"], network=kept)
    return Checkpoint(steps.from_plain(_filled(shapes, tensors)), tensors["epoch_losses"], best)


def _forms(state: Any, best: Any) -> dict[str, Form]:
    """Return what the arrays of a checkpoint must be; what the optimiser keeps may overflow."""
    named = named_leaves(state) | ({} if best is None else _named(best, "best."))
    forms = {
        name: Form(leaf.shape, leaf.dtype.name, is_finite=not name.startswith("optimizer."))
        for name, leaf in named.items()
    }
    return forms | {"epoch_losses": Form((None,), is_finite=True)}


def _flatten(tree: Any) -> dict[str, np.ndarray]:
    return {name: np.asarray(leaf) for name, leaf in named_leaves(tree).items()}


def _named(tree: Any, prefix: str) -> dict[str, Any]:
    return {prefix + name: leaf for name, leaf in named_leaves(tree).items()}


def _filled(template: Any, tensors: dict[str, np.ndarray], prefix: str = "") -> Any:
    """Return a tree with the arrays of a file, which are named in the order of its own."""
    arrays = iter([tensors[name] for name in _named(template, prefix)])
    return tree_map(lambda leaf: next(arrays), template)


def _dtype(name: str) -> np.dtype:
    """Return a type by its name; half precision of Google's is known once JAX is there."""
    if name == "bfloat16":
        import jax.numpy as jnp

        return jnp.dtype(name)
    return np.dtype(name)
