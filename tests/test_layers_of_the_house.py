"""The house: imports point downwards only, and nothing goes round in a circle."""

import ast
import random
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import whygrad

SOURCE = Path(whygrad.__file__).parent
ROOMS = (  # from the ground up
    ("errors", "settings", "words"),
    ("record",),
    ("core",),
    ("data",),
    ("training",),
    ("capture",),
    ("explain",),
    ("doctor",),
    ("render",),
    ("interop",),
    ("lessons", "lab"),
    ("runs",),
    ("api", "estimators"),
    ("cli",),
    ("__init__", "__main__"),
)
LEVEL = {name: level for level, names in enumerate(ROOMS) for name in names}
MAP = Path(__file__).parents[1] / "ARCHITECTURE.md"
WIDTH = 30  # of the column of the map's drawing that names rooms
MOST_WORDS = 900  # of the map: details stand beside the code


def modules() -> dict[str, Path]:
    """Return the files of the package by dotted name, without the package's own."""
    return {
        ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
        for path in SOURCE.rglob("*.py")
    }


def imports_of(name: str, path: Path, *, later: bool = True) -> set[str]:
    """Return what a file imports from the package at any time but type checking.

    ``later`` counts imports inside functions too.
    """
    tree = ast.parse(path.read_text("utf-8"))
    nodes = [node for node in ast.walk(tree) if is_typing_only(node)]
    if not later:
        nodes += [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    aside = {id(inner) for node in nodes for inner in ast.walk(node)}
    found = set()
    for node in ast.walk(tree):
        if id(node) in aside:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively; write the whole name"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {one.removeprefix("whygrad.") for one in found if one.startswith("whygrad.")}


def is_typing_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def part(module: str) -> str:
    return module.split(".")[0]


def test_every_module_has_its_level():
    assert {part(name) for name in modules()} == set(LEVEL)


def test_imports_point_downwards_only():
    upwards = {
        f"{name} -> {other}"
        for name, path in modules().items()
        for other in imports_of(name, path)
        if part(other) in LEVEL and LEVEL[part(other)] > LEVEL[part(name)]
    }
    assert upwards == set()


def test_no_import_of_a_module_goes_round_in_a_circle():
    known = modules()
    graph = {
        name: {
            other
            for other in imports_of(name, path, later=False)
            if other in known and other != name
        }
        for name, path in known.items()
    }
    # a package's own list of names is read after its parts, not before
    for name, others in graph.items():
        others -= {other for other in others if name.startswith(f"{other}.")}
    TopologicalSorter(graph).prepare()


def test_importing_the_package_is_light():
    heavy = ("jax", "numpy", "pandas", "pyarrow", "sklearn", "matplotlib", "optax", "typer")
    heavy += ("torch", "onnx", "onnxruntime", "tensorboard", "wandb", "mlflow", "flax")
    code = f"import sys, whygrad; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.long
def test_importing_leaves_the_random_numbers_of_a_program_alone():
    """Names are imported at first use, which may be in the middle of somebody's training."""
    code = (
        "import random, numpy as np, whygrad as wg; random.seed(3); np.random.seed(3);"
        "[getattr(wg, n) for n in wg.__all__]; print(random.random(), np.random.random())"
    )
    expected = f"{random.Random(3).random()} {np.random.RandomState(3).random_sample()}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


@pytest.mark.long
def test_public_names_are_there_whatever_was_imported_first():
    code = "import whygrad as wg; [getattr(wg, n) for n in wg.__all__]; print(callable(wg.factors))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def drawn() -> list[list[str]]:
    """Return the rooms of each line of the map's drawing, the upper ones first."""
    drawing = re.search(r"```text\n(.*?)```", MAP.read_text(encoding="utf-8"), re.S)[1]
    lines = [re.findall(r"\w+/?", line[:WIDTH]) for line in drawing.splitlines()]
    return [rooms for rooms in lines if rooms]


def test_the_map_draws_the_rooms_that_there_are():
    folders = {f"{path.parent.name}/" for path in SOURCE.glob("*/__init__.py")}
    files = {path.stem for path in SOURCE.glob("[!_]*.py")}
    assert sorted(name for rooms in drawn() for name in rooms) == sorted(folders | files)


def test_the_map_draws_lower_rooms_lower():
    levels = [[LEVEL[name.rstrip("/")] for name in rooms] for rooms in drawn()]
    for above, below in pairwise(levels):
        assert max(below) < min(above)


def test_the_map_is_short():
    assert len(MAP.read_text(encoding="utf-8").split()) <= MOST_WORDS


def test_the_map_names_modules_that_there_are():
    known = {part for name in modules() for part in name.split(".")}
    named = re.findall(r"`([a-z]+(?:\.[a-z_]+)?)`", MAP.read_text(encoding="utf-8"))
    dotted = [name for name in named if part(name) in LEVEL and "." in name]
    assert dotted and all(name.split(".")[1] in known for name in dotted)
