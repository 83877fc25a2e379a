"""What every room opens on, as whygrad has it: the page walks these scenes again and compares."""

from collections.abc import Callable

import jax
import numpy as np

from whygrad.core.nn import Network
from whygrad.data import load
from whygrad.lab.draws import Draws, create
from whygrad.lab.reference import Scene
from whygrad.settings import Settings

SAMPLES = 151
WIDTH = 16  # of the layer of copies


def neuron() -> Scene:
    """Return the one neuron of the first room, with all of its controls where they start."""
    network = Network.from_arrays([np.array([[0.5]])], [np.array([-1.0])], activations=["sigmoid"])
    settings = Settings(loss="squared", optimizer="sgd", learning_rate=1.0)
    return Scene(network, np.array([[3.0]]), np.array([[1.0]]), settings)


def forces() -> Scene:
    """Return the network of two hidden layers in which errors are handed back."""
    weights = [
        np.array([[0.6, -0.4, 0.8], [0.3, 0.9, -0.5]]),
        np.array([[0.7, -0.6], [-0.8, 0.5], [0.4, 1.1]]),
        np.array([[0.9], [-0.7]]),
    ]
    biases = [np.array([0.1, -0.2, 0.0]), np.array([0.2, -0.1]), np.array([0.1])]
    with jax.enable_x64(True):  # 0.6 as the page has it
        network = Network.from_arrays(weights, biases, activations=["tanh", "tanh", "identity"])
    settings = Settings(loss="squared", optimizer="sgd", learning_rate=0.1)
    return Scene(network, np.array([[1.0, 0.5]]), np.array([[-1.0]]), settings)


def gpu() -> Scene:
    """Return the neuron whose errors are added up, with its first eight samples."""
    x = Draws(0, 0).normal(size=(8, 1))
    y = np.where(Draws(0, 1).uniform(size=(8, 1)) < 0.3, 1.0, 0.0)
    network = Network.from_arrays([np.array([[1.5]])], [np.array([0.5])], activations=["sigmoid"])
    return Scene(network, x, y, Settings(loss="squared", optimizer="sgd", learning_rate=1.0))


def batch() -> Scene:
    """Return the layer of the fifth room, and its batch of five samples."""
    weight = np.array([[0.8, -0.3, 0.4], [-0.5, 0.9, 0.6]])
    network = Network.from_arrays([weight], [np.array([0.2, -0.2, 0.3])], activations=["sigmoid"])
    x = np.array([[0.5, 1.0], [-1.0, 0.5], [2.0, -1.5], [1.5, 1.0], [-0.5, 2.0]])
    y = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 0], [1, 0, 1], [0, 1, 1]])
    return Scene(network, x, y, Settings(loss="squared", optimizer="sgd", learning_rate=1.0))


def copying() -> Scene:
    """Return the copies of the third room, all weights 0.5, and the ring that they learn."""
    network = create([2, WIDTH, 1], activations=["tanh", "sigmoid"], init="constant:0.5")
    settings = Settings(loss="binary_cross_entropy", optimizer="adam", learning_rate=0.05)
    return Scene(network, *circles(), settings)


def biases() -> Scene:
    """Return a network of the fourth room: random weights, and random biases, as the page draws."""
    network = create(
        [2, WIDTH, 1],
        activations=["tanh", "sigmoid"],
        init="glorot_normal",
        bias_init="normal:0.1",
    )
    settings = Settings(loss="binary_cross_entropy", optimizer="adam", learning_rate=0.02)
    return Scene(network, *circles(), settings)


def circles() -> tuple[np.ndarray, np.ndarray]:
    """Return a ring around a ring; an odd number of samples, so that no class is just a half."""
    train = load("circles", seed=0, samples=3 * SAMPLES).train
    return np.asarray(train.x[:SAMPLES]), np.asarray(train.y[:SAMPLES])


SCENES: dict[str, Callable[[], Scene]] = {
    "neuron": neuron,
    "forces": forces,
    "copying": copying,
    "biases": biases,
    "batch": batch,
    "gpu": gpu,
}
