"""A network as an ONNX graph: from raw columns to what the outputs claim.

Where all columns are numbers there is one input ``input``, (batch, columns); else one input a
column, (batch, 1), of text where there are categories. Numbers come in as float64, because that is
how they are scaled; the network itself computes in float32. NaN and empty text count as missing;
text comes without spaces around it.

Source: the operators of https://onnx.ai/onnx/operators, opset 17, and ai.onnx.ml, opset 3.
"""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from whygrad.core.nn.activations import LEAK
from whygrad.core.nn.network import Network
from whygrad.data.encoder import MISSING, Encoder
from whygrad.interop.exporting.portable import Portable
from whygrad.record.activations import SELU_ALPHA, SELU_SCALE

OPSETS = {"": 17, "ai.onnx.ml": 3}
IR_VERSION = 8  # the format that goes with these; whatever reads ONNX since 2022 reads it
ML = "ai.onnx.ml"
BATCH = "batch"
# names of results and constants of a graph, and none: no column's input may be called so
OURS = re.compile(
    r"|/.*|probabilities|quantities|scores|class|classes|(hidden\d+|output)\.(weight|bias)|encoder\..*"
)


class Graph:
    """Nodes and constants, collected one after the other."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []

    def add(self, operator: str, *inputs: str, result: str | None = None, **attributes: Any) -> str:
        """Add a node with one result and return the result's name."""
        name = result or f"/{len(self.nodes)}/{operator}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def constant(self, name: str, values: Any) -> str:
        """Add an array and return its name."""
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def scalar(self, value: float) -> str:
        return self.constant(f"/constant{len(self.constants)}", np.float32(value))

    def takes(self, name: str, kind: int, width: int) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, [BATCH, width]))
        return name

    def gives(self, name: str, kind: int, shape: list[Any]) -> None:
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))


def to_onnx(portable: Portable) -> onnx.ModelProto:
    """Return a network with its preparation as an ONNX model, not yet checked."""
    graph = Graph()
    claimed = _propagate(graph, portable.network, _inputs(graph, portable))
    claimed = ACTIVATIONS[portable.link](graph, claimed)
    _outputs(graph, portable, claimed)
    parts = (graph.nodes, "whygrad", graph.inputs, graph.outputs, graph.constants)
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    made = {"producer_name": "whygrad", "ir_version": IR_VERSION, "opset_imports": opsets}
    return helper.make_model(helper.make_graph(*parts), **made)


def input_names(encoder: Encoder | None) -> list[str]:
    """Return the names of a graph's inputs: one in all, or one a column where there is text."""
    if encoder is None or not any(encoder.categories):
        return ["input"]
    return [
        f"column {place}: {name}" if OURS.fullmatch(name) else name
        for place, name in enumerate(map(in_utf8, encoder.columns))
    ]


def in_utf8(word: object) -> str:
    """Return a name as protocol buffers can hold it: a lone surrogate as its escape."""
    return str(word).encode(errors="backslashreplace").decode()


def _propagate(graph: Graph, network: Network, inputs: str) -> str:
    values = inputs
    for name, dense in network.items():
        weight = graph.constant(f"{name}.weight", np.asarray(dense.weight, np.float32))
        z = graph.add("MatMul", values, weight)
        if dense.bias is not None:
            bias = graph.constant(f"{name}.bias", np.asarray(dense.bias, np.float32))
            z = graph.add("Add", z, bias)
        values = ACTIVATIONS[dense.activation](graph, z)
    return values


def _inputs(graph: Graph, portable: Portable) -> str:
    encoder = portable.encoder
    if encoder is None:
        return graph.takes("input", TensorProto.FLOAT, portable.network.sizes[0])
    if any(encoder.categories):
        expanded = graph.add("Concat", *_columns(graph, encoder), axis=1)
    else:
        expanded = graph.takes("input", TensorProto.DOUBLE, len(encoder.columns))
    return graph.add("Cast", _scaled(graph, encoder, expanded), to=TensorProto.FLOAT)


def _columns(graph: Graph, encoder: Encoder) -> list[str]:
    blocks = []
    for name, known in zip(input_names(encoder), encoder.categories, strict=True):
        if known:
            blocks.append(_one_hot(graph, graph.takes(name, TensorProto.STRING, 1), known))
        else:
            blocks.append(graph.takes(name, TensorProto.DOUBLE, 1))
    return blocks


def _one_hot(graph: Graph, words: str, known: tuple[str, ...]) -> str:
    """Return 1 in the column of each word's category; empty text counts as missing."""
    places = {word: place for place, word in enumerate(known)}
    if MISSING in places:
        places[""] = places[MISSING]
    table = {"keys_strings": list(map(in_utf8, places)), "values_int64s": list(places.values())}
    code = graph.add("LabelEncoder", words, domain=ML, default_int64=-1, **table)
    order = graph.constant(f"/categories{len(graph.constants)}", np.arange(len(known)))
    return graph.add("Cast", graph.add("Equal", code, order), to=TensorProto.DOUBLE)


def _scaled(graph: Graph, encoder: Encoder, expanded: str) -> str:
    if not np.isnan(encoder.fill).all():
        fill = graph.constant("encoder.fill", encoder.fill)
        expanded = graph.add("Where", graph.add("IsNaN", expanded), fill, expanded)
    if encoder.mean.any():
        expanded = graph.add("Sub", expanded, graph.constant("encoder.mean", encoder.mean))
    if (encoder.scale != 1).any():
        expanded = graph.add("Div", expanded, graph.constant("encoder.scale", encoder.scale))
    return expanded


def _outputs(graph: Graph, portable: Portable, claimed: str) -> None:
    encoder, n_out, kind = portable.encoder, portable.network.sizes[-1], TensorProto.FLOAT
    if encoder is not None and encoder.task == "numbers":
        claimed, kind = _in_units(graph, encoder, claimed), TensorProto.DOUBLE
    graph.add("Identity", claimed, result=portable.meaning)
    graph.gives(portable.meaning, kind, [BATCH, n_out])
    if encoder is not None and encoder.task in ("classes", "binary"):
        names = graph.constant(
            "classes", np.array(list(map(in_utf8, encoder.target_names)), object)
        )
        graph.add("Gather", names, _place_of_class(graph, claimed, n_out), result="class")
        graph.gives("class", TensorProto.STRING, [BATCH])


def _in_units(graph: Graph, encoder: Encoder, claimed: str) -> str:
    wide = graph.add("Cast", claimed, to=TensorProto.DOUBLE)
    sized = graph.add("Mul", wide, graph.constant("encoder.target_scale", encoder.target_scale))
    return graph.add("Add", sized, graph.constant("encoder.target_mean", encoder.target_mean))


def _place_of_class(graph: Graph, claimed: str, n_out: int) -> str:
    if n_out > 1:
        return graph.add("ArgMax", claimed, axis=1, keepdims=0)
    is_one = graph.add("Greater", claimed, graph.scalar(0.5))
    flat = graph.add("Reshape", is_one, graph.constant("/flat", np.array([-1])))
    return graph.add("Cast", flat, to=TensorProto.INT64)


Rule = Callable[[Graph, str], str]


def _one(operator: str, **attributes: Any) -> Rule:
    return lambda graph, z: graph.add(operator, z, **attributes)


def _gelu(graph: Graph, z: str) -> str:
    """z (1 + erf(z / sqrt 2)) / 2; an operator of its own came with opset 20 only."""
    half = graph.add("Mul", z, graph.scalar(0.5))
    share = graph.add("Erf", graph.add("Mul", z, graph.scalar(1 / math.sqrt(2))))
    return graph.add("Mul", half, graph.add("Add", share, graph.scalar(1.0)))


def _silu(graph: Graph, z: str) -> str:
    return graph.add("Mul", z, graph.add("Sigmoid", z))


ACTIVATIONS: dict[str, Rule] = {
    "identity": lambda graph, z: z,
    "sigmoid": _one("Sigmoid"),
    "tanh": _one("Tanh"),
    "relu": _one("Relu"),
    "leaky_relu": _one("LeakyRelu", alpha=LEAK),
    "elu": _one("Elu", alpha=1.0),
    "selu": _one("Selu", alpha=SELU_ALPHA, gamma=SELU_SCALE),
    "gelu": _gelu,
    "silu": _silu,
    "softplus": _one("Softplus"),
    "softsign": _one("Softsign"),
    "hard_sigmoid": _one("HardSigmoid", alpha=0.2, beta=0.5),
    "exponential": _one("Exp"),
    "softmax": _one("Softmax", axis=-1),
}
