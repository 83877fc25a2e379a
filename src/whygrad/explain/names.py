"""Inputs and targets in the user's words."""

from typing import Any

import numpy as np

from whygrad.core.nn.network import Network
from whygrad.data.table import Data


def target_in_words(data: Data, row: int) -> str:
    """Return the target of a row of the training part in the user's words and units."""
    decoded = data.decode(data.train.y[row : row + 1])
    value = decoded[0]
    if isinstance(value, np.ndarray | list | tuple):
        return ", ".join(_plain(part) for part in value)
    return _plain(value)


def _plain(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)


def names_of_inputs(data: Data, network: Network, layer: str) -> list[str]:
    """Return a name for each input of a layer: a feature, or a neuron of the layer below."""
    position = network.layers.index(layer)
    if position == 0:
        return list(data.feature_names)
    below = network.layers[position - 1]
    return [f"{below}[{j}]" for j in range(network[below].n_out)]
