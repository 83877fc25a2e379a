"""Private names of other libraries stand in one file a library, which says the versions tried."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import whygrad

SOURCE = Path(whygrad.__file__).parent
HOMES = {  # library -> the one file with its private names
    "jax": "core/jax_private.py",
    "pyarrow": "data/arrow_private.py",
    "sklearn": "interop/sklearn/sklearn_private.py",
    "torch": "capture/torch_private.py",
}
# names with an underscore that their documentation tells of
PUBLIC = {"_current_frames", "_exit", "_fields", "_getframe", "_replace"}
PRIVATE = re.compile(r"_(?!_)\w+")
DOTTED = re.compile(r"\w+(\.\w+)+")


@cache
def files() -> dict[str, ast.Module]:
    """Return the package's files, by path, but those that hold private names."""
    paths = {path.relative_to(SOURCE).as_posix(): path for path in SOURCE.rglob("*.py")}
    return {
        name: ast.parse(path.read_text(encoding="utf-8"))
        for name, path in paths.items()
        if name not in HOMES.values()
    }


def is_private(path: str) -> bool:
    """Return whether a dotted name of another library's has a private part."""
    library, *parts = path.split(".")
    is_others = library != "whygrad" and library not in sys.stdlib_module_names
    return is_others and any(PRIVATE.fullmatch(part) for part in parts)


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the private names that a file imports, or looks for among the modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if is_private(alias.name))
        elif isinstance(node, ast.ImportFrom):
            whole = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from filter(is_private, whole)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if DOTTED.fullmatch(node.value) and is_private(node.value):
                yield node.value


def used(tree: ast.Module) -> Iterator[str]:
    """Yield the private names that a file reads or sets of anything."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and PRIVATE.fullmatch(node.attr):
            yield node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = node.args[1] if node.func.id in ("getattr", "hasattr") else None
            if isinstance(name, ast.Constant) and PRIVATE.fullmatch(name.value):
                yield name.value


def defined(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a file gives to functions, classes, variables and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr


def test_private_names_of_others_are_imported_in_one_file_a_library():
    assert {name: found for name, tree in files().items() if (found := [*imported(tree)])} == {}


def test_private_names_that_are_not_ours_are_used_in_one_file_a_library():
    homes = (SOURCE / home for home in HOMES.values())
    trees = [*files().values(), *(ast.parse(home.read_text(encoding="utf-8")) for home in homes)]
    ours = {name for tree in trees for name in defined(tree)} | PUBLIC
    strange = {name: sorted({*used(tree)} - ours) for name, tree in files().items()}
    assert {name: found for name, found in strange.items() if found} == {}


def test_each_file_says_which_versions_were_tried():
    for library, home in HOMES.items():
        told = ast.get_docstring(ast.parse((SOURCE / home).read_text(encoding="utf-8"))) or ""
        title = {"jax": "JAX", "sklearn": "scikit-learn"}.get(library, library)
        assert re.search(rf"Tried with {title} \d+\.\d+", told)


def test_what_estimators_replace_is_still_scikit_learns():
    from sklearn.neural_network import MLPClassifier

    from whygrad.interop.sklearn.sklearn_private import REPLACED
    from whygrad.interop.sklearn.training import Training

    assert all(hasattr(MLPClassifier, name) for name in REPLACED)
    assert {name for name in vars(Training) if hasattr(MLPClassifier, name)} >= set(REPLACED)


def test_private_names_are_seen():
    text = """
import jax._src.lib
from torch.nn._reduction import thing
from sklearn.utils.validation import _check
from os import _exit
module = sys.modules.get("torch._dynamo")
x = tensor._base
y = getattr(tensor, "_version")
"""
    tree = ast.parse(text)
    expected = {"jax._src.lib", "torch.nn._reduction.thing", "torch._dynamo"}
    assert set(imported(tree)) == expected | {"sklearn.utils.validation._check"}
    assert set(used(tree)) == {"_base", "_version"}
