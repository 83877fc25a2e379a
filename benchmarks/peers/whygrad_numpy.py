"""whygrad's own steps on NumPy, with its recording of every neuron as asked."""

import numpy as np

from benchmarks.cases import Case, Parameters, draw_parameters, shuffled_rows
from benchmarks.peers import Trainer
from whygrad.core.nn.network import Network
from whygrad.settings import Settings
from whygrad.training.numpy_step import advance, device_dataset, first_state, record_of
from whygrad.training.state import Plan, StaticConfig

CHOICES = ("record_every=10",)  # the default


def prepare(case: Case, x: np.ndarray, y: np.ndarray, choice: str = CHOICES[0]) -> Trainer:
    """Return a trainer that has taken no step."""
    every = int(choice.partition("=")[2])
    settings = Settings(loss="softmax_cross_entropy", batch_size=case.batch, record_every=every)
    config = StaticConfig(settings, total_steps=case.steps, engine="numpy")
    network, dataset = _start(case), device_dataset(x, y, case.sizes[-1])
    record = record_of(network, case.batch) if every else None
    share = np.full((1, case.batch), 1 / case.batch, np.float32)
    carry = {"state": first_state(network, config, settings.learning_rate, seed=0), "step": 0}
    rng = np.random.default_rng(2)

    def train(steps: int) -> None:
        plan = Plan(shuffled_rows(case, steps, rng), np.repeat(share, steps, axis=0))
        done = advance(config, carry["state"], dataset, plan, carry["step"], steps, record)
        carry["state"], _ = done
        if record is not None:
            record.rows()
        carry["step"] += steps

    return Trainer(train, lambda: _parameters(carry["state"].network))


def _start(case: Case) -> Network:
    weights, biases = zip(*draw_parameters(case), strict=True)
    activations = ["relu"] * (len(weights) - 1) + ["identity"]
    return Network.from_arrays(weights, biases, activations=activations, engine="numpy")


def _parameters(network: Network) -> Parameters:
    return [(np.asarray(dense.weight), np.asarray(dense.bias)) for dense in network.dense]
