"""What can become of the content of a run's files: JSON values and arrays, changed at random.

A mutated file is written by the run's own writers, so that checksums are right again and the
content itself is what a reader must judge.
"""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from whygrad.record.files import write_whole
from whygrad.record.sealed import (
    KEY,
    read_lines,
    read_tensors,
    sealed_lines,
    write_json,
    write_tensors,
)

Place = tuple[str | int, ...]
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 7, 0.5, -0.5, 1e-300, 1e300, 2**31, -(2**63), 10**30, 10**400,
    "", "1", "0.5", "x", "nan", "Infinity", "linear", "watched", "failed", "0", "output", "\u202e",
    "\x1b]52;c;eA==\x07", "x" * 5000, [], [1], [None], [[]], {}, {"a": 1}, {"": None}, {"step": 0},
]  # fmt: skip


def mutate(folder: Path, draw: random.Random) -> str:
    """Change something in one file of a run, and say which file and what."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in CHANGES]
    kinds = sorted({(path.parent, path.suffix) for path in files})  # each kind alike, not each file
    parent, suffix = draw.choice(kinds)
    path = draw.choice([one for one in files if (one.parent, one.suffix) == (parent, suffix)])
    change = draw.choice(CHANGES[path.suffix])
    return f"{path.relative_to(folder)}: {change(path, draw)}"


def of_json(path: Path, draw: random.Random) -> str:
    """Change a value anywhere in a JSON file."""
    content, what = changed(described(path), draw)
    write_json(path, content)
    return what


def described(path: Path) -> dict[str, Any]:
    """Return what a JSON file says, without its checksum."""
    content = json.loads(path.read_text("utf-8"))
    return {name: value for name, value in content.items() if name != KEY}


def sign(path: Path, checksum: str) -> None:
    """Let ``run.json`` tell the new checksum of a file that it tells one of."""
    run = path.parent.parent / "run.json"
    content = described(run) if run.exists() else {}
    told = content.get(path.parent.name)
    if isinstance(told, dict) and path.stem in told:
        told[path.stem] = checksum
        write_json(run, content)


def of_lines(path: Path, draw: random.Random) -> str:
    """Change a value in a line, or the order or number of the lines."""
    lines = read_lines(path, may_lack=True)
    place = draw.randrange(len(lines))
    kind = draw.choice(["value", "value", "value", "twice", "gone", "exchanged"])
    what = f"line {place + 1} {kind}"
    if kind == "value":
        lines[place], inner = changed(lines[place], draw)
        what = f"line {place + 1}: {inner}"
    elif kind == "twice":
        lines.insert(place, lines[place])
    elif kind == "gone":
        del lines[place]
    else:
        other = draw.randrange(len(lines))
        lines[place], lines[other] = lines[other], lines[place]
    write_whole(path, sealed_lines(lines))
    return what


def of_notes(path: Path, draw: random.Random) -> str:
    """Change a value in the notes beside the arrays."""
    tensors, notes = read_tensors(path, may_lack=True)
    notes, what = changed(notes, draw)
    sign(path, write_tensors(path, tensors, notes))
    return f"notes: {what}"


def of_arrays(path: Path, draw: random.Random) -> str:
    """Change an array, or exchange two."""
    tensors, notes = read_tensors(path, may_lack=True)
    name, other = draw.choice(sorted(tensors)), draw.choice(sorted(tensors))
    kind = draw.choice(sorted(ARRAY_CHANGES))
    ARRAY_CHANGES[kind](tensors, name, other, draw)
    sign(path, write_tensors(path, tensors, notes))
    return f"{kind}: {name}" + (f", {other}" if kind == "exchanged" else "")


def of_text(path: Path, draw: random.Random) -> str:
    """Change the text of a file in ways that no writer of JSON would: names twice, NaN, depth."""
    text = path.read_text("utf-8")
    kind = draw.choice(["twice", "constant", "deep", "half"])
    inside = [place for place, letter in enumerate(text) if letter == "{"]
    place = draw.choice(inside) + 1
    name = text[place:].lstrip().partition(":")[0]
    put = {
        "twice": f"{name}: 1, " if name.startswith('"') else '"a": 1, "a": 2, ',
        "constant": f'"a": {draw.choice(["NaN", "Infinity", "-Infinity", "1e999"])}, ',
        "deep": f'"a": {"[" * 100_000}{"]" * 100_000}, ',
        "half": '"a": "\\ud800", ',
    }[kind]
    write_whole(path, (text[:place] + put + text[place:]).encode())
    return f"text {kind} at {place}"


def changed(content: Any, draw: random.Random) -> tuple[Any, str]:
    """Return JSON-able content with one thing in it changed, and what that is."""
    content = json.loads(json.dumps(content))
    places = list(_places(content))
    if not places:
        return {"a": 1}, "filled"
    place = draw.choice(places)
    inner = content
    for name in place[:-1]:
        inner = inner[name]
    last = place[-1]
    kind = draw.choice(["value", "value", "value", "gone", "more", "renamed", "exchanged"])
    before = inner[last]
    if kind == "gone":
        del inner[last]
    elif kind == "more":
        inner.append(before) if isinstance(inner, list) else inner.update({"extra": before})
    elif kind == "renamed" and isinstance(inner, dict):
        inner[f"{last}_"] = inner.pop(last)
    elif kind == "exchanged":
        other = draw.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
        inner[last], inner[other] = inner[other], inner[last]
    else:
        inner[last] = draw.choice([*VALUES, *_near(before)])
        return content, f"{place} = {str(inner[last])[:40]!r}"
    return content, f"{place} {kind}"


def _near(value: Any) -> list[Any]:
    """Return what is nearly right: the number as text, of the other sign, next to it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return [[value], {"": value}, str(value)]
    return [str(value), -value, value + 1, value - 1, value * 1000, float(value), [value]]


def _places(content: Any, before: Place = ()) -> Iterator[Place]:
    pairs = content.items() if isinstance(content, dict) else enumerate(content)
    for name, value in pairs:
        yield (*before, name)
        if isinstance(value, dict | list):
            yield from _places(value, (*before, name))


Tensors = dict[str, np.ndarray]


def _exchange(tensors: Tensors, name: str, other: str, draw: random.Random) -> None:
    tensors[name], tensors[other] = tensors[other], tensors[name]


def _reshape(tensors: Tensors, name: str, other: str, draw: random.Random) -> None:
    array = tensors[name]
    tensors[name] = draw.choice([array.reshape(-1), array.T, array[None], array.reshape(-1)[:1]])


def _retype(tensors: Tensors, name: str, other: str, draw: random.Random) -> None:
    with np.errstate(all="ignore"):
        kind = draw.choice(["float16", "float32", "float64", "int64", "int32", "uint8", "bool"])
        tensors[name] = tensors[name].astype(kind)


def _poison(tensors: Tensors, name: str, other: str, draw: random.Random) -> None:
    array = np.array(tensors[name])
    if array.size:
        is_float = array.dtype.kind == "f"
        place = draw.randrange(array.size)
        value = draw.choice([np.nan, np.inf, -np.inf, 1e30, -1.0, 0.0] if is_float else [-1, 9, 99])
        with np.errstate(all="ignore"):
            array.reshape(-1)[place] = np.asarray(value).astype(array.dtype)
    tensors[name] = array


def _cut(tensors: Tensors, name: str, other: str, draw: random.Random) -> None:
    tensors[name] = tensors[name][:-1] if tensors[name].ndim else tensors[name][None]


def _drop(tensors: Tensors, name: str, other: str, draw: random.Random) -> None:
    del tensors[name]


def _rename(tensors: Tensors, name: str, other: str, draw: random.Random) -> None:
    tensors[draw.choice(["x", f"{name}_", f"x/{name}", "", "steps/reduced"])] = tensors.pop(name)


def _add(tensors: Tensors, name: str, other: str, draw: random.Random) -> None:
    tensors[draw.choice(["x", "x/y", f"{name}/reduced", f"{name}.x"])] = tensors[other]


ARRAY_CHANGES: dict[str, Callable[[Tensors, str, str, random.Random], None]] = {
    "exchanged": _exchange,
    "reshaped": _reshape,
    "retyped": _retype,
    "poisoned": _poison,
    "cut": _cut,
    "dropped": _drop,
    "renamed": _rename,
    "added": _add,
}
CHANGES: dict[str, list[Callable[[Path, random.Random], str]]] = {
    ".json": [of_json, of_json, of_json, of_json, of_text],
    ".jsonl": [of_lines, of_lines, of_lines, of_text],
    ".safetensors": [of_arrays, of_arrays, of_notes],
}
