"""Small set-ups to examine: a healthy one for every task, and what is seen of a changed one."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from whygrad.core.symmetry import effective_width
from whygrad.doctor.baseline import Baseline
from whygrad.doctor.own_evidence import LayerState, OwnEvidence, State
from whygrad.doctor.setup import Setup, standardised
from whygrad.doctor.states import states_of
from whygrad.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))  # the cases of the checks lie beside their tests

ROWS = 64
SEED = 1000
ENDS = {  # outputs, output activation and loss that belong together
    "classes": (3, "softmax", "softmax_cross_entropy"),
    "binary": (1, "sigmoid", "binary_cross_entropy"),
    "labels": (3, "sigmoid", "binary_cross_entropy"),
    "numbers": (1, "identity", "squared"),
}
FELL = np.array([[1.0, 0.5, 0.3, 0.25, 0.25, 0.25, 0.25, 0.25]])


def table(task: str) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs of size 1, (64, 4), and what is to be told of them."""
    x = standardised(np.random.default_rng(0).normal(size=(ROWS, 4)))
    if task == "classes":
        return x, x[:, :3].argmax(axis=1)
    if task == "binary":
        return x, (x[:, 0] * x[:, 1] > 0).astype(int)
    if task == "labels":
        return x, (x[:, :3] > 0).astype(int)
    return x, standardised(x[:, :1] + x[:, 1:2] * x[:, 2:3])


def set_up(task: str = "classes", **changes: Any) -> Setup:
    """Return a set-up in which nothing is amiss, but for the changes."""
    x, labels = table(task)
    outputs, output_activation, loss = ENDS[task]
    y = np.eye(outputs)[labels] if task == "classes" else labels.reshape(ROWS, -1)
    healthy = Setup(
        x=x,
        y=y.astype(float),
        labels=labels,
        task=task,
        sizes=(4, 12, 12, outputs),
        activations=("relu", "relu", output_activation),
        inits=("he_normal",) * 3,
        bias_inits=("zeros",) * 3,
        dropout=(0.0, 0.0),
        settings=Settings(loss=loss, batch_size=8, epochs=200, record_every=0),
    )
    return healthy.changed(changes)


def drawn_state(setup: Setup) -> State:
    """Return the layers with the weights they start from, and all their neurons open."""
    network = setup.start(SEED)
    widths = effective_width(network)
    return {
        name: LayerState(
            factors={"upstream": 1.0, "slope": 1.0, "input": 1.0, "agreement": 1.0},
            gradient=1.0,
            weight=float(np.linalg.norm(dense.weight)),
            bias=0.0 if dense.bias is None else float(np.abs(dense.bias).max()),
            preactivation=1.0,
            output=1.0,
            slope_share=1.0,
            dead=(),
            closed=(),
            width=widths.get(name, dense.n_out),
            neurons=dense.n_out,
        )
        for name, dense in network.items()
    }


def look(setup: Setup, measured: bool = False, **seen: Any) -> OwnEvidence:
    """Return what is known of a set-up whose network went nowhere, but for what was seen.

    Args:
        measured: measure the layers on the rows, which compiles; else all neurons are open.
    """
    states = states_of(setup, [setup.start(SEED)]) if measured else (drawn_state(setup),)
    usual = {
        "baseline": Baseline(0.4, 1.0, False),
        "measures": (0.4,),
        "starts": states,
        "ends": states,
        "losses": FELL,
        "moved": (1.0,),
        "first_bad_step": (None,),
    }
    return OwnEvidence(setup=setup, **usual | seen)


@pytest.fixture(scope="session")
def make() -> Callable[..., Setup]:
    """Return the function that makes a healthy set-up with some changes."""
    return set_up


@pytest.fixture(scope="session")
def examined() -> Callable[..., OwnEvidence]:
    """Return the function that looks at a set-up without training it."""
    return look
