"""A checkpoint: everything that a run needs to go on, as one file of named arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr, tree_flatten_with_path

from whygrad.core import backend
from whygrad.core.nn.dense import Dense
from whygrad.core.nn.network import Network
from whygrad.errors import RunError
from whygrad.record.schema import sound
from whygrad.record.schema.arrays import Form, refuse, sound_arrays
from whygrad.record.schema.trained import CHECKPOINT, checkpoint_values
from whygrad.record.sealed import read_tensors, sealed_tensors
from whygrad.training.step import State, StaticConfig, first_state


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


def skeleton(description: dict[str, Any]) -> Network:
    """Return a network with shapes in place of parameters."""
    sizes, dtype = description["sizes"], jnp.dtype(description["dtype"])
    told = description["dropout"]
    dropout = [*(told if isinstance(told, list) else [told] * (len(sizes) - 2)), 0.0]
    if dtype == jnp.float64 and not jax.config.read("jax_enable_x64"):
        raise RunError("error.run_needs_x64")
    shape: Any = jax.ShapeDtypeStruct  # in the place of arrays
    layers = []
    for position, (n_in, n_out) in enumerate(pairwise(sizes)):
        layers.append(
            Dense(
                weight=shape((n_in, n_out), dtype),
                bias=shape((n_out,), dtype) if description["biases"][position] else None,
                activation=description["activations"][position],
                dropout=dropout[position],
            )
        )
    return Network(tuple(layers))


def sealed_checkpoint(checkpoint: Checkpoint) -> tuple[Sequence[bytes | memoryview], str]:
    """Return the file of a checkpoint, in pieces, and the checksum that stands for it."""
    state = checkpoint.state
    tensors = _flatten(replace(state, key=jax.random.key_data(state.key)))
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
    backend.start()
    tensors, notes = read_tensors(path, may_lack=checksum is None, checksum=checksum)
    told = sound(path, CHECKPOINT, notes)
    shapes = jax.eval_shape(lambda n: first_state(n, config, 0.0, 0), network)
    shapes = replace(shapes, key=jax.eval_shape(jax.random.key_data, shapes.key))
    sound_arrays(path, tensors, _forms(shapes, network if "best" in told else None))
    settings = config.settings
    fixed = {
        "key": np.asarray(jax.random.key_data(jax.random.key(settings.seed))),
        "learning_rate": np.asarray(settings.learning_rate, shapes.learning_rate.dtype),
    }
    steps_per_epoch = config.total_steps // settings.epochs
    refuse(path, checkpoint_values(tensors, step, steps_per_epoch, fixed))
    raw = _fill(shapes, tensors)
    best = None
    if "best" in told:
        best = Best(**told["best"], network=_fill(network, tensors, "best."))
    state = replace(raw, key=jax.random.wrap_key_data(raw.key))
    return Checkpoint(state, tensors["epoch_losses"], best)


def _forms(state: Any, best: Any) -> dict[str, Form]:
    """Return what the arrays of a checkpoint must be; what the optimiser keeps may overflow."""
    named = _named(state) | ({} if best is None else _named(best, "best."))
    forms = {
        name: Form(leaf.shape, leaf.dtype.name, is_finite=not name.startswith("optimizer."))
        for name, leaf in named.items()
    }
    return forms | {"epoch_losses": Form((None,), is_finite=True)}


def _flatten(tree: Any) -> dict[str, np.ndarray]:
    return {name: np.asarray(leaf) for name, leaf in _named(tree).items()}


def _named(tree: Any, prefix: str = "") -> dict[str, Any]:
    leaves, _ = tree_flatten_with_path(tree)
    return {prefix + keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def _fill(template: Any, tensors: dict[str, np.ndarray], prefix: str = "") -> Any:
    filled = [jnp.asarray(tensors[name]) for name in _named(template, prefix)]
    return jax.tree.unflatten(jax.tree.structure(template), filled)
