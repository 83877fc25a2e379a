"""One gradient, its sum over samples split: over the devices of a process, and over processes.

    python -m whygrad.lessons.instruments.all_reduce '{"task": "devices", "count": 4, "batch": {…}}'

prints its answer as one line of JSON. It is a program of its own because the number of devices
must be set before JAX starts; :mod:`whygrad.lessons.instruments.workers` starts it, in as many
processes as there are.
"""

import json
import sys
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from whygrad.core import compiled
from whygrad.core.backprop import LayerAnatomy, propagate, propagate_back
from whygrad.core.jax_private import speak_gloo_over
from whygrad.core.nn import Network
from whygrad.lessons.instruments.workers import LOOPBACK, end_with_parent

LOSS = "squared"
INPUTS = 2
START_SECONDS = 40  # that processes wait for one another


@dataclass(frozen=True)
class Batch:
    """A batch and a network, drawn alike in every process from the same numbers."""

    samples: int
    width: int
    activation: str
    offset: float
    seed: int

    @property
    def network(self) -> Network:
        sizes = [INPUTS, self.width, 1]
        return Network.create(
            sizes, activation=self.activation, init="lecun_normal", seed=self.seed
        )

    @property
    def share(self) -> float:
        """What a sample counts in the mean; the one place where 1/m stands."""
        return 1 / self.samples

    def draw(self) -> tuple[Float[np.ndarray, "m n_in"], Float[np.ndarray, "m 1"]]:
        """Return inputs, and targets around ``offset``; a smaller batch is the larger's start."""
        inputs, targets = (np.random.default_rng([self.seed, part]) for part in range(2))
        x = inputs.standard_normal((self.samples, INPUTS), np.float32)
        y = targets.standard_normal((self.samples, 1), np.float32)
        return x, y + np.float32(self.offset)


def first_layer(network: Network, x: Array, y: Array, share: float) -> LayerAnatomy:
    """Return the anatomy of the first layer; ``share`` is what each sample counts, 1/m."""
    shares = jnp.full(x.shape[0], share, x.dtype)
    anatomy = propagate_back(network, propagate(network, x, None), y, LOSS, shares)
    return anatomy["hidden1"]


def bias_gradient(network: Network, x: Array, y: Array, share: float) -> Float[Array, " n_out"]:
    """Return the sum over these samples of share * delta."""
    return first_layer(network, x, y, share).gradient()["bias"]


def over_devices(batch: Batch, count: int) -> dict[str, Any]:
    """Spread the samples over the devices of this process; the compiler adds the all-reduce."""
    jax.config.update("jax_num_cpu_devices", count)
    network, share = batch.network, batch.share
    mesh = _mesh()
    spread, everywhere = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in (("part",), ()))
    program = jax.jit(lambda x, y: bias_gradient(network, x, y, share), out_shardings=everywhere)
    x, y = jax.device_put(batch.draw(), spread)
    split = program.lower(x, y).compile()
    return {
        "gradient": np.asarray(split(x, y)).tolist(),
        "parts": [list(shard.data.shape) for shard in x.addressable_shards],
        "all_reduces": (split.as_text() or "").count(" all-reduce("),
    }


def over_processes(batch: Batch, count: int, rank: int, port: int) -> dict[str, Any]:
    """Take this process's part of the samples, and add what all processes found."""
    _speak_over_loopback()
    address = f"{LOOPBACK}:{port}"
    jax.distributed.initialize(
        address,
        count,
        rank,
        [0],
        initialization_timeout=START_SECONDS,
        coordinator_bind_address=address,  # by itself it listens to every machine around
    )
    network, share = batch.network, batch.share
    x, y = (np.split(part, count)[rank] for part in batch.draw())
    mesh = _mesh()
    spread, everywhere = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in (("part",), ()))
    own = jax.jit(lambda x, y: bias_gradient(network, x, y, share))
    add = jax.jit(lambda parts: parts.sum(axis=0), out_shardings=everywhere)
    found = np.asarray(own(x, y))
    together = add(jax.make_array_from_process_local_data(spread, found[None]))
    answer = {
        "gradient": np.asarray(together.addressable_data(0)).tolist(),
        "own": found.tolist(),
    }
    jax.distributed.shutdown()
    return answer


def _speak_over_loopback() -> None:
    """Take gloo for the all-reduce, on this machine alone."""
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    speak_gloo_over(LOOPBACK)


def _mesh() -> Mesh:
    """Return all devices in a row."""
    return jax.make_mesh((jax.device_count(),), ("part",), axis_types=(AxisType.Auto,))


TASKS = {"devices": over_devices, "processes": over_processes}


def main(words: list[str]) -> None:
    """Do one task, given as JSON, and print the answer."""
    end_with_parent()
    compiled.seal()
    given = json.loads(words[0])
    task = TASKS[given.pop("task")]
    print(json.dumps(task(Batch(**given.pop("batch")), **given)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
