"""A network as PyTorch code: a Python file to read, and its weights as safetensors beside it.

The Python file needs torch and safetensors, not whygrad. It is run before it is written.
"""

import sys
import tempfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from pprint import pformat
from types import ModuleType
from typing import Any

import numpy as np
from safetensors.numpy import save

from whygrad import __version__
from whygrad.data.categories import MISSING, RARE
from whygrad.interop.exporting.portable import Portable
from whygrad.interop.exporting.torch_plan import Step, state_of, steps_of
from whygrad.interop.exporting.trial import Columns, claims_in_trial, largest_difference
from whygrad.record.files import write_together

HEAD = '''"""A network from whygrad {version} for PyTorch. Needs torch and safetensors alone.

    net = load()            # nn.Sequential; it takes what prepare() gives
    claims(rows)            # {meaning}, (m, outputs)
    predict(rows)           # in words and units

rows: one sequence a sample, its values in the order of COLUMNS; None where one is missing.
"""

from math import nan
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

WEIGHTS = Path(__file__).with_name({weights!r})
'''

EXPONENTIAL = """

class Exponential(nn.Module):
    def forward(self, z):
        return torch.exp(z)
"""

HARD_SIGMOID = """    # whygrad's hard sigmoid is clip(z / 5 + 1/2), PyTorch's is clip(z / 6 + 1/2):
    # the weights before a Hardsigmoid are 1.2 times whygrad's
"""

BODY = '''

def build():
    """Return the network, its parameters drawn anew."""
{note}    return nn.Sequential(
{modules}
    ){cast}


def load(path=WEIGHTS):
    """Return the trained network."""
    net = build()
    net.load_state_dict(load_file(path))
    return net.eval()
'''

BARE = '''

def prepare(rows):
    """Return rows as a tensor. How raw data became such numbers is not known here."""
    return torch.tensor(rows, dtype={dtype})
'''

PREPARE = '''

def _expanded(value, known):
    """Return a number as it is, and a word as 1 in the place of its category."""
    if not known:
        return [nan if value is None else float(value)]
    is_missing = value is None or value == "" or value != value
    is_rare = not is_missing and value not in known and RARE in known
    word = MISSING if is_missing else RARE if is_rare else value
    return [float(word == name) for name in known]


def prepare(rows):
    """Return raw rows as the network takes them: filled, then scaled."""
    pairs = [zip(row, CATEGORIES, strict=True) for row in rows]
    numbers = [[n for value, known in pair for n in _expanded(value, known)] for pair in pairs]
    table = torch.tensor(numbers, dtype=torch.float64)
    fill, mean, scale = (torch.tensor(rule, dtype=torch.float64) for rule in (FILL, MEAN, SCALE))
    table = torch.where(table.isnan(), fill, table)
    return ((table - mean) / scale).to(torch.float32){cast}
'''

CLAIMS = '''

@torch.no_grad()
def claims(rows, net=None):
    """Return what the network claims: {meaning}."""
    outputs = (net or load())(prepare(rows))
    return {claimed}
'''

ANSWERS = {
    "classes": "[CLASSES[place] for place in claims(rows, net).argmax(dim=1).tolist()]",
    "binary": "[CLASSES[int(claim > 0.5)] for (claim,) in claims(rows, net).tolist()]",
    "labels": "[[n for n, c in zip(LABELS, row) if c > 0.5] for row in claims(rows, net).tolist()]",
    "numbers": "claims(rows, net).tolist()",
}
NAMES = {"classes": "CLASSES", "binary": "CLASSES", "labels": "LABELS", "numbers": "QUANTITIES"}
LINKS = {
    "identity": "outputs",
    "softmax": "torch.softmax(outputs, dim=1)",
    "sigmoid": "torch.sigmoid(outputs)",
}


def weights_beside(path: Path) -> Path:
    """Return where the weights of a script stand."""
    return path.with_suffix(".weights.safetensors")


def write_torch(portable: Portable, path: Path, rows: np.ndarray | Columns) -> float:
    """Write a network as PyTorch code and return by how much its claims differ from ours.

    Raises:
        ExportError: by more than rounding; nothing is written.
    """
    steps = steps_of(portable.network)
    weights, text = save(state_of(steps)), script(portable, steps, weights_beside(path).name)
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / path.name
        weights_beside(trial).write_bytes(weights)
        trial.write_text(text, "utf-8")
        theirs = run_script(trial, rows)
    difference = largest_difference(claims_in_trial(portable, rows), theirs, "PyTorch")
    write_together({weights_beside(path): weights, path: text.encode()})
    return difference


def run_script(path: Path, rows: np.ndarray | Columns) -> np.ndarray:
    """Return what the script claims of rows, (m, n_out)."""
    listed = list(zip(*rows.values(), strict=True)) if isinstance(rows, dict) else rows.tolist()
    return np.asarray(load_script(path).claims(listed))


def load_script(path: Path) -> ModuleType:
    """Import a script by its path, leaving no compiled copy beside it."""
    spec = spec_from_file_location("whygrad_export", path)
    assert spec is not None and spec.loader is not None, "a Python file has a loader"
    module = module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


def script(portable: Portable, steps: list[Step], weights: str) -> str:
    """Return the Python file of a network.

    Args:
        weights: name of the safetensors file beside it.
    """
    meaning = portable.meaning
    parts = [HEAD.format(version=__version__, meaning=meaning, weights=weights)]
    for name, value in _constants(portable).items():
        parts.append(f"{name} = {pformat(value, width=96, compact=True)}\n")
    kinds = {step.kind for step in steps}
    parts += [EXPONENTIAL] if "Exponential" in kinds else []
    modules = "\n".join(f"        {step.code}," for step in steps)
    note = HARD_SIGMOID if "Hardsigmoid" in kinds else ""
    cast = ".double()" if portable.network.dense[0].weight.dtype.itemsize == 8 else ""
    parts += [BODY.format(note=note, modules=modules, cast=cast), *_use(portable, cast)]
    return "".join(parts)


def _use(portable: Portable, cast: str) -> list[str]:
    """Return the functions that take rows and say what comes out."""
    encoder, claimed = portable.encoder, LINKS[portable.link]
    if encoder is None:
        dtype = "torch.float64" if cast else "torch.float32"
        claims = CLAIMS.format(meaning=portable.meaning, claimed=claimed)
        return [BARE.format(dtype=dtype), claims, _predict("claims(rows, net).tolist()")]
    if encoder.task == "numbers":
        claimed = f"{claimed}.double() * {_wide('TARGET_SCALE')} + {_wide('TARGET_MEAN')}"
    is_of_two = encoder.task == "binary" and portable.network.sizes[-1] == 2
    task = "classes" if is_of_two else encoder.task
    claims = CLAIMS.format(meaning=portable.meaning, claimed=claimed)
    return [PREPARE.format(cast=cast), claims, _predict(ANSWERS[task])]


def _predict(answer: str) -> str:
    words = '    """Return class names, labels or quantities, one entry a row."""\n'
    return f"\n\ndef predict(rows, net=None):\n{words}    return {answer}\n"


def _wide(constant: str) -> str:
    return f"torch.tensor({constant}, dtype=torch.float64)"


def _constants(portable: Portable) -> dict[str, Any]:
    encoder = portable.encoder
    if encoder is None:
        return {}
    rules = {"FILL": encoder.stand_in, "MEAN": encoder.mean, "SCALE": encoder.scale}
    if encoder.task == "numbers":
        rules |= {"TARGET_MEAN": encoder.target_mean, "TARGET_SCALE": encoder.target_scale}
    return {
        "COLUMNS": list(encoder.columns),
        "CATEGORIES": [list(known) for known in encoder.categories],
        "MISSING": MISSING,
        "RARE": RARE,
        NAMES[encoder.task]: list(encoder.target_names),
        **{name: np.asarray(rule, np.float64).tolist() for name, rule in rules.items()},
    }
