"""An ONNX file: made, run by onnxruntime on rows, compared, and only then written.

Where all columns are numbers there is one input ``input``, (batch, columns); else one input a
column, (batch, 1), of text where there are categories. Numbers come in as float64, because that is
how they are scaled; the network itself computes in float32. NaN and empty text count as missing;
text comes without spaces around it.

Source: the operators of https://onnx.ai/onnx/operators, opset 17, and ai.onnx.ml, opset 3.
"""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from whygrad.core.nn.activations import LEAK
from whygrad.data.categories import MISSING, RARE
from whygrad.data.encoder import Encoder
from whygrad.errors import ExportError, InputError
from whygrad.interop.exporting.portable import Portable
from whygrad.interop.exporting.tensors import describe
from whygrad.interop.exporting.trial import Columns, claims_in_trial, largest_difference
from whygrad.record.activations import SELU_ALPHA, SELU_SCALE
from whygrad.record.files import write_whole
from whygrad.words.visible import as_json

MOST_BYTES = 2**31 - 2**20  # one message of protocol buffers holds 2 GiB
ERRORS_ONLY = 3
OPSETS = {"": 17, "ai.onnx.ml": 3}
IR_VERSION = 8  # the format that goes with these; whatever reads ONNX since 2022 reads it
ML = "ai.onnx.ml"
BATCH = "batch"
# names of results and constants of a graph, and none: no column's input may be called so
OURS = re.compile(
    r"|/.*|probabilities|quantities|scores|class|classes|(hidden\d+|output)\.(weight|bias)|encoder\..*"
)


def write_onnx(portable: Portable, path: Path, rows: np.ndarray | Columns) -> float:
    """Write a network as an ONNX file and return by how much its claims differ from ours.

    Raises:
        ExportError: by more than rounding; nothing is written.
        InputError: the network is too large for the format.
    """
    if sum(dense.weight.size for dense in portable.network.dense) * 4 > MOST_BYTES:
        raise InputError("error.export_too_large", path=path)
    model = to_onnx(portable)
    notes, encoder = describe(portable), portable.encoder
    notes["preprocessing"] = "missing" if encoder is None else "inside"
    notes["inputs"] = {}  # and the raw columns that each takes
    if encoder is not None:
        names, columns = input_names(encoder), list(encoder.columns)
        each = [columns] if names == ["input"] else [[column] for column in columns]
        notes["inputs"] = dict(zip(names, each, strict=True))
    helper.set_model_props(model, {name: as_json(value) for name, value in notes.items()})
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    theirs, words = run_onnx(content, portable, rows)
    difference = largest_difference(claims_in_trial(portable, rows), theirs, "ONNX")
    if words is not None and encoder is not None:
        ours = [in_utf8(word) for word in encoder.answer(theirs)]
        differing = float((np.array(ours, object) != words).mean())
        if differing:  # the classes that it names are not those that its own claims come to
            raise ExportError("error.export_differs", format="ONNX", difference=differing, size=1.0)
    write_whole(path, content)
    return difference


def run_onnx(
    content: bytes, portable: Portable, rows: np.ndarray | Columns
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return what onnxruntime gives for rows: claims (m, n_out), and the class of each row."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    given: list[Any] = list(session.run(None, feed(portable, rows)))
    return given[0], given[1] if len(given) > 1 else None


def feed(portable: Portable, rows: np.ndarray | Columns) -> dict[str, np.ndarray]:
    """Return rows as the inputs of the graph."""
    if not isinstance(rows, dict):
        return {"input": rows}
    fed = {}
    for name, values in zip(input_names(portable.encoder), rows.values(), strict=True):
        if values.dtype == object:
            values = np.array(["" if word is None else in_utf8(word) for word in values], object)
        fed[name] = values[:, None]
    return fed


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
    values = _inputs(graph, portable)
    for name, dense in portable.network.items():
        weight = graph.constant(f"{name}.weight", np.asarray(dense.weight, np.float32))
        values = graph.add("MatMul", values, weight)
        if dense.bias is not None:
            bias = graph.constant(f"{name}.bias", np.asarray(dense.bias, np.float32))
            values = graph.add("Add", values, bias)
        values = ACTIVATIONS[dense.activation](graph, values)
    _outputs(graph, portable, ACTIVATIONS[portable.link](graph, values))
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


def _inputs(graph: Graph, portable: Portable) -> str:
    """Add the inputs and their preparation."""
    encoder = portable.encoder
    if encoder is None:
        return graph.takes("input", TensorProto.FLOAT, portable.network.sizes[0])
    if any(encoder.categories):
        blocks = []
        for name, known in zip(input_names(encoder), encoder.categories, strict=True):
            if known:
                blocks.append(_one_hot(graph, graph.takes(name, TensorProto.STRING, 1), known))
            else:
                blocks.append(graph.takes(name, TensorProto.DOUBLE, 1))
        expanded = graph.add("Concat", *blocks, axis=1)
    else:
        expanded = graph.takes("input", TensorProto.DOUBLE, len(encoder.columns))
    if not np.isnan(encoder.stand_in).all():
        fill = graph.constant("encoder.fill", encoder.stand_in)
        expanded = graph.add("Where", graph.add("IsNaN", expanded), fill, expanded)
    if encoder.mean.any():
        expanded = graph.add("Sub", expanded, graph.constant("encoder.mean", encoder.mean))
    if (encoder.scale != 1).any():
        expanded = graph.add("Div", expanded, graph.constant("encoder.scale", encoder.scale))
    return graph.add("Cast", expanded, to=TensorProto.FLOAT)


def _one_hot(graph: Graph, words: str, known: tuple[str, ...]) -> str:
    """Return 1 in the column of each word's category; empty text counts as missing, and a word
    that is not known as rare."""
    places = {word: place for place, word in enumerate(known)}
    rare = places.get(RARE, -1)
    places[""] = places.get(MISSING, -1)
    table = {"keys_strings": list(map(in_utf8, places)), "values_int64s": list(places.values())}
    code = graph.add("LabelEncoder", words, domain=ML, default_int64=rare, **table)
    order = graph.constant(f"/categories{len(graph.constants)}", np.arange(len(known)))
    return graph.add("Cast", graph.add("Equal", code, order), to=TensorProto.DOUBLE)


def _outputs(graph: Graph, portable: Portable, claimed: str) -> None:
    """Add what is claimed, in units, and the class of each row where there are classes."""
    encoder, n_out, kind = portable.encoder, portable.network.sizes[-1], TensorProto.FLOAT
    if encoder is not None and encoder.task == "numbers":
        kind, wide = TensorProto.DOUBLE, graph.add("Cast", claimed, to=TensorProto.DOUBLE)
        scale = graph.constant("encoder.target_scale", encoder.target_scale)
        sized = graph.add("Mul", wide, scale)
        mean = graph.constant("encoder.target_mean", encoder.target_mean)
        claimed = graph.add("Add", sized, mean)
    graph.add("Identity", claimed, result=portable.meaning)
    graph.gives(portable.meaning, kind, [BATCH, n_out])
    if encoder is None or encoder.task not in ("classes", "binary"):
        return
    words = np.array(list(map(in_utf8, encoder.target_names)), object)
    names = graph.constant("classes", words)
    graph.add("Gather", names, _place_of_class(graph, claimed, n_out), result="class")
    graph.gives("class", TensorProto.STRING, [BATCH])


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


ACTIVATIONS: dict[str, Rule] = {
    "identity": lambda graph, z: z,
    "sigmoid": _one("Sigmoid"),
    "tanh": _one("Tanh"),
    "relu": _one("Relu"),
    "leaky_relu": _one("LeakyRelu", alpha=LEAK),
    "elu": _one("Elu", alpha=1.0),
    "selu": _one("Selu", alpha=SELU_ALPHA, gamma=SELU_SCALE),
    "gelu": _gelu,
    "silu": lambda graph, z: graph.add("Mul", z, graph.add("Sigmoid", z)),
    "softplus": _one("Softplus"),
    "softsign": _one("Softsign"),
    "hard_sigmoid": _one("HardSigmoid", alpha=0.2, beta=0.5),
    "exponential": _one("Exp"),
    "softmax": _one("Softmax", axis=-1),
}
