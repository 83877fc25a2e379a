"""A network as one safetensors file, enough to come back whole.

``hidden1.weight`` (n_in, n_out), ``hidden1.bias`` (n_out,), … and the arrays of the encoder; its
words, the activations and the loss stand in the metadata as JSON.
"""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load, save

from whygrad import __version__
from whygrad.core.nn.losses import loss_rule
from whygrad.core.nn.network import Network
from whygrad.data.source import open_given
from whygrad.data.table import pack_encoder, unpack_encoder
from whygrad.errors import InputError, WhygradError
from whygrad.interop.exporting.portable import Portable
from whygrad.interop.exporting.trial import Columns, claims_in_trial, largest_difference
from whygrad.record.files import DAMAGE, write_whole
from whygrad.training.checkpoint import describe_network
from whygrad.words.visible import as_json

FORMAT = "whygrad.core.nn/1"
NEEDED = ("format", "network", "loss", "encoder")  # of the notes, to come back


def describe(portable: Portable) -> dict[str, Any]:
    """Return everything about a network but its arrays, JSON-able."""
    encoder = portable.encoder
    return {
        "format": FORMAT,
        "whygrad": __version__,
        "network": describe_network(portable.network),
        "loss": portable.loss,
        "meaning": portable.meaning,
        "encoder": None if encoder is None else pack_encoder(encoder)[1],
    }


def write_safetensors(portable: Portable, path: Path, rows: np.ndarray | Columns) -> float:
    """Write a network as a safetensors file and return by how much it differs read back: 0."""
    tensors = {} if portable.encoder is None else pack_encoder(portable.encoder)[0]
    for layer, parts in portable.network.parameters.items():
        for name, values in parts.items():
            tensors[f"{layer}.{name}"] = np.array(values, order="C")
    notes = describe(portable)
    words = {name: as_json(value) for name, value in notes.items()}
    content = save(tensors, metadata=words)
    again = _assemble(load(content), notes)
    again = replace(again, network=again.network.on(portable.network.engine))  # to the bit
    difference = largest_difference(
        claims_in_trial(portable, rows), claims_in_trial(again, rows), "safetensors"
    )
    write_whole(path, content)
    return difference


def from_safetensors(path: str | Path) -> Portable:
    """Read a network that ``export`` wrote, with its preparation of raw rows.

    Returns:
        ``.network``; ``.claims(rows)`` and ``.predict(rows)`` take rows as the data came.

    Raises:
        InputError: the file is missing, damaged, or not one that ``export`` wrote.
    """
    try:
        open_given(Path(path))[0].close()  # a pipe would be waited for
        with safe_open(path, framework="numpy") as file:
            words = file.metadata() or {}
            notes = {name: json.loads(words[name]) for name in NEEDED}
            if notes["format"] != FORMAT:
                raise ValueError("of another format")
            return _assemble({name: file.get_tensor(name) for name in file.keys()}, notes)
    except (*DAMAGE, WhygradError) as error:
        raise InputError("error.import_file", path=path) from error


def _assemble(tensors: dict[str, np.ndarray], notes: dict[str, Any]) -> Portable:
    """Return the network that arrays and notes describe; whatever does not fit is an error."""
    described, loss = notes["network"], notes["loss"]
    sizes, dropout = described["sizes"], described["dropout"]
    layers = [*(f"hidden{i + 1}" for i in range(len(sizes) - 2)), "output"]
    network = Network.from_arrays(
        [tensors[f"{layer}.weight"] for layer in layers],
        [tensors.get(f"{layer}.bias") for layer in layers],
        activations=described["activations"],
        dropout=dropout,
    )
    shapes = [(a, b) for a, b in pairwise(sizes)]
    if [dense.weight.shape for dense in network.dense] != shapes:
        raise ValueError("weights of other shapes than described")
    if loss is not None:
        loss_rule(loss)
    if notes["encoder"] is None:
        return Portable(network, loss)
    encoder = unpack_encoder(tensors, notes["encoder"])
    rules = (encoder.fill, encoder.mean, encoder.scale)
    if {rule.shape for rule in rules} != {(sizes[0],)} or len(encoder.feature_names) != sizes[0]:
        raise ValueError("rules for other columns than the network takes")
    return Portable(network, loss, encoder)
