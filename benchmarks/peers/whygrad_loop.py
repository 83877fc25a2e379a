"""whygrad's own compiled loop, with its recording of every neuron at the default or as asked."""

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cases import Case, Parameters, draw_parameters, shuffled_rows
from benchmarks.peers import Trainer
from whygrad.core.nn.network import Network
from whygrad.settings import Settings
from whygrad.training.step import Plan, State, StaticConfig, advance, device_dataset, first_state

CHOICES = ("record_every=10",)  # the default


def prepare(case: Case, x: np.ndarray, y: np.ndarray, choice: str = CHOICES[0]) -> Trainer:
    """Return a trainer whose first call compiles."""
    how, _, dtype_name = choice.partition(", ")  # such as "record_every=10, bfloat16"
    dtype = jnp.dtype(dtype_name or "float32")
    config = _config(case, int(how.partition("=")[2]))
    dataset = device_dataset(jnp.asarray(x, dtype), jnp.asarray(y))
    share = np.full((1, case.batch), 1 / case.batch, dtype)
    carry, rng = {"state": _start(case, config, dtype), "step": 0}, np.random.default_rng(2)

    def train(steps: int) -> None:
        plan = Plan(shuffled_rows(case, steps, rng), np.repeat(share, steps, axis=0))
        done = advance(config, carry["state"], dataset, plan, carry["step"], steps)
        carry["state"], segment = jax.block_until_ready(done)
        jax.tree.map(np.asarray, segment)  # what was recorded comes to the host
        carry["step"] += steps

    return Trainer(train, lambda: _parameters(carry["state"].network))


def _config(case: Case, record_every: int) -> StaticConfig:
    settings = Settings(
        loss="softmax_cross_entropy", batch_size=case.batch, record_every=record_every
    )
    return StaticConfig(settings, total_steps=case.steps)


def _start(case: Case, config: StaticConfig, dtype: jnp.dtype) -> State:
    pairs = jax.tree.map(lambda part: jnp.asarray(part, dtype), draw_parameters(case))
    weights, biases = zip(*pairs, strict=True)
    activations = ["relu"] * (len(weights) - 1) + ["identity"]
    network = Network.from_arrays(weights, biases, activations=activations)
    return first_state(network, config, config.settings.learning_rate, seed=0)


def _parameters(network: Network) -> Parameters:
    return [(np.asarray(dense.weight), np.asarray(dense.bias)) for dense in network.dense]
