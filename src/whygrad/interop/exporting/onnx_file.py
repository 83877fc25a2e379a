"""An ONNX file: made, run by onnxruntime on rows, compared, and only then written."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from whygrad.errors import ExportError, InputError
from whygrad.interop.exporting.onnx_graph import in_utf8, input_names, to_onnx
from whygrad.interop.exporting.portable import Portable
from whygrad.interop.exporting.tensors import describe
from whygrad.interop.exporting.trial import Columns, largest_difference
from whygrad.record.files import write_whole
from whygrad.words.visible import as_json

MOST_BYTES = 2**31 - 2**20  # one message of protocol buffers holds 2 GiB
ERRORS_ONLY = 3


def write_onnx(portable: Portable, path: Path, rows: np.ndarray | Columns) -> float:
    """Write a network as an ONNX file and return by how much its claims differ from ours.

    Raises:
        ExportError: by more than rounding; nothing is written.
        InputError: the network is too large for the format.
    """
    if sum(dense.weight.size for dense in portable.network.dense) * 4 > MOST_BYTES:
        raise InputError("error.export_too_large", path=path)
    model = to_onnx(portable)
    _annotate(model, portable)
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    theirs, words = run_onnx(content, portable, rows)
    difference = largest_difference(portable.claims(rows), theirs, "ONNX")
    _check_words(portable, theirs, words)
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
    names = input_names(portable.encoder)
    return {name: _fed(values) for name, values in zip(names, rows.values(), strict=True)}


def _check_words(portable: Portable, claims: np.ndarray, words: np.ndarray | None) -> None:
    """Check that the classes a file names are those that its own claims come to."""
    if words is None or portable.encoder is None:
        return
    ours = [in_utf8(word) for word in portable.encoder.answer(claims)]
    differing = float((np.array(ours, object) != words).mean())
    if differing:
        raise ExportError("error.export_differs", format="ONNX", difference=differing, size=1.0)


def _fed(values: np.ndarray) -> np.ndarray:
    if values.dtype == object:
        values = np.array(["" if word is None else in_utf8(word) for word in values], object)
    return values[:, None]


def _annotate(model: onnx.ModelProto, portable: Portable) -> None:
    notes = describe(portable)
    encoder = portable.encoder
    notes["inputs"] = {} if encoder is None else _columns(portable)
    notes["preprocessing"] = "missing" if encoder is None else "inside"
    words = {name: as_json(value) for name, value in notes.items()}
    onnx.helper.set_model_props(model, words)


def _columns(portable: Portable) -> dict[str, list[str]]:
    """Return the raw columns that each input of the graph takes."""
    assert portable.encoder is not None
    names, columns = input_names(portable.encoder), list(portable.encoder.columns)
    if len(names) == 1 and names == ["input"]:
        return {"input": columns}
    return {name: [column] for name, column in zip(names, columns, strict=True)}
