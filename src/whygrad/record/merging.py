"""The run of a model that several processes trained together: a folder each, merged when read.

Under data parallelism every process has samples of its own, and is given the mean of all gradients.
So of the whole model, over R processes,

    pushed, through, pulled     are the means of the processes' own
    |gradient|                  is that of the mean, which every process was given

Where each holds a shard of the parameters, it has recorded its part of the mean gradient, of the
parameters and of what the optimizer remembers, with 0 elsewhere, and the whole is their sum.

The merged folder is a run like any other: ``whygrad doctor RUN`` needs not know.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from whygrad.errors import RunError
from whygrad.record.fields import ROW_FIELDS
from whygrad.record.files import (
    Content,
    make_folder,
    only_writer,
    read_regular,
    reading,
    remove,
    writing,
)
from whygrad.record.folder import RunFolder
from whygrad.record.packing import Packing
from whygrad.record.reading import numbered, read_description
from whygrad.record.schema.arrays import MARKS, REDUCED, key_of_rows
from whygrad.record.sealed import crc, sealed_lines, sealed_tensors, write_tensors
from whygrad.record.writing import publish

MEANS = {"pushed", "through", "pulled", "pulls", "delta", "layer"}  # of what is kept whole
MEANS |= {"weight.gradient", "bias.gradient", "weight.came", "bias.came"}
OF_ROWS = {"sample.upstream", "sample.delta"}  # parts of a mean over the rows of one process
OF_SHARDS = ("weight", "update", "asked")  # norms of what is held, in facts
SIGNATURE = ROW_FIELDS.index("signature")
OF_ONE = ("strongest.", "length", "places", "tokens")  # told of one process, not of all
ROUNDING = 1e-5


def folder_of_rank(path: Path, rank: int) -> Path:
    """Return where a process keeps what it saw."""
    return path / f"rank{rank}"


def merge_ranks(path: Path) -> None:
    """Merge what the processes have written so far, unless exactly that was merged before.

    Of several processes that want it, one merges and the others wait. Whoever reads what was merged
    before finds all of it until run.json tells of the new.

    Raises:
        RunError: a folder is missing or damaged, or a process has written nothing yet.
    """
    folders = folders_of_ranks(path)
    if not folders or _is_merged(path, folders):
        return
    with only_writer(path, wait=True):
        if not _is_merged(path, folders):
            _merge(path, folders)


def folders_of_ranks(path: Path) -> list[Path]:
    """Return the folders of all processes, as many as they said there are, whether there or not."""
    found = [one for one in path.glob("rank*") if one.is_dir() and one.name[4:].isdecimal()]
    told = 0
    with suppress(RunError):  # who reads it tells what is wrong with it
        told = read_description(folder_of_rank(path, 0)).get("ranks", 0) if found else 0
    count = max(len(found), told if isinstance(told, int) else 0)
    return [folder_of_rank(path, rank) for rank in range(count)]


def _is_merged(path: Path, folders: list[Path]) -> bool:
    if not (path / "run.json").exists():
        return False
    return read_description(path).get("merged") == _standing(folders)


def _standing(folders: list[Path]) -> list[list[Any]]:
    """Return what differs as soon as a process has written anything more."""
    standing = []
    for folder in folders:
        with reading(folder / "run.json"):
            described = crc(read_regular(folder / "run.json"))
            sizes = [(folder / f"{name}.jsonl").stat().st_size for name in ("history", "facts")]
        standing.append([described, *sizes])
    return standing


def _merge(path: Path, folders: list[Path]) -> None:
    standing = _standing(folders)  # first: what is written meanwhile is merged the next time
    runs = [RunFolder(folder) for folder in folders]
    with writing(path):
        for name in ("anatomy", "whole"):
            make_folder(path / name)
    lines = [{line["step"]: line for line in run.history_lines} for run in runs]
    common = set.intersection(*map(set, lines))
    merged, sizes = _merged_files(runs, sorted(common))
    first = max(numbered(path / "anatomy"), default=-1) + 1  # beside those that are being read
    rows = {first + number: tensors for number, tensors in enumerate(merged)}
    history = [
        _mean_loss([of_rank[step] for of_rank in lines]) for step in lines[0] if step in common
    ]
    of_ranks = [{told["step"]: told for told in run.facts} for run in runs]
    facts = [
        _whole_sizes([of_rank[step] for of_rank in of_ranks], sizes, _sharded(runs[0]))
        for step in of_ranks[0]
        if step in common
    ]
    states = {run.description["state"] for run in runs}
    told = runs[0].description | {
        "format": min(run.description["format"] for run in runs),
        "state": "failed" if "failed" in states else runs[0].description["state"],
        "ranks": len(runs),
        "layers": _whole_layers(runs[0].description["layers"]),
        "merged": standing,
        "rows": list(rows),
        "whole": _merge_whole(path, runs),
        "lines": {"history": len(history), "facts": len(facts)},
    }
    told.pop("rank", None)
    files: dict[Path, Content] = {
        path / "anatomy" / f"{number}.safetensors": sealed_tensors(tensors, {})[0]
        for number, tensors in rows.items()
    }
    files[path / "history.jsonl"] = sealed_lines(history)
    files[path / "facts.jsonl"] = sealed_lines(facts)
    publish(path, told, files=files)
    for name, kept in (("anatomy", list(rows)), ("whole", list(map(int, told["whole"])))):
        folder = path / name
        remove(folder / f"{n}.safetensors" for n in numbered(folder) if n not in kept)


def _merged_files(
    runs: list[RunFolder], common: list[int]
) -> tuple[list[dict[str, np.ndarray]], dict[str, dict[int, float]]]:
    """Return the rows of all layers, and by layer and step the norm of the whole gradient.

    Args:
        common: steps that every process recorded.

    Returns:
        A file for all layers that are in the same steps.
    """
    groups: dict[tuple[int, ...], dict[str, np.ndarray]] = {tuple(common): {}}
    sizes: dict[str, dict[int, float]] = {}
    for layer in runs[0].layers:
        if any(layer not in run.layers for run in runs):
            continue
        of_runs = [run.rows(layer) for run in runs]
        is_sharded = "weight" in _sharded(runs[0]).get(layer, ())
        means = [run.beside(layer + REDUCED) for run in (runs if is_sharded else runs[:1])]
        known = (found for found, _ in (*means, *of_runs))
        steps = reduce(np.intersect1d, [np.array(common, int), *known])
        reduced, marks = _at(means[0], steps), None
        if is_sharded:
            reduced = np.linalg.norm([_at(found, steps) for found in means], axis=0)
            marks = np.sum([_at(run.beside(layer + MARKS), steps) for run in runs], axis=0)
        rows = np.stack([_at(found, steps) for found in of_runs])
        groups.setdefault(tuple(steps.tolist()), {})[key_of_rows(layer)] = merged_rows(
            rows, reduced, marks
        )
        norms = np.linalg.norm(reduced, axis=1)
        sizes[layer] = dict(zip(steps.tolist(), norms.tolist(), strict=True))
    files = [layers | {"steps": np.array(steps, int)} for steps, layers in groups.items()]
    return files, sizes


def merged_rows(
    rows: np.ndarray, reduced: np.ndarray, marks: np.ndarray | None = None
) -> np.ndarray:
    """Return the rows of all processes as those of one.

    Args:
        rows: (processes, recorded, fields, n_out); the first three factors multiply to pushed,
            through and pulled.
        reduced: |gradient| of the mean over the processes, (recorded, n_out).
        marks: what it adds to the signatures, (recorded, n_out), where weights are in shards: the
            rows then hold the part of each shard.
    """
    pushed, through, pulled = np.cumprod(rows[:, :, :3], axis=2).mean(axis=0).swapaxes(0, 1)
    merged = rows.mean(axis=0)
    whole = (np.ones_like(pushed), pushed, through, pulled)
    for place, (size, before) in enumerate(
        zip((pushed, through, pulled, reduced), whole, strict=True)
    ):
        share = size / np.where(before == 0, 1, before)
        merged[:, place] = np.minimum(share, 1) if place == 3 else share  # rounding
    if marks is not None:
        of_weights = rows[:, :, SIGNATURE].sum(axis=0)
        size, pulls = (np.linalg.norm(one, axis=1, keepdims=True) for one in (of_weights, pulled))
        scale = np.where(size > 0, size, 1) / np.where(pulls > 0, pulls, 1)
        merged[:, SIGNATURE] = of_weights + scale * marks
    return merged.astype(np.float32)


def _at(found: tuple[np.ndarray, np.ndarray], steps: np.ndarray) -> np.ndarray:
    known, rows = found
    return rows[np.searchsorted(known, steps)]


def _merge_whole(path: Path, runs: list[RunFolder]) -> dict[str, str]:
    """Write the steps that every process kept whole, and return the checksum of each."""
    checksums = {}
    for step in sorted(set.intersection(*(set(run.whole_steps) for run in runs))):
        parts = [run.whole(step) for run in runs]
        tensors = merged_step([arrays for _, arrays, _ in parts], _sharded(runs[0]))
        _, _, notes = parts[0]
        packing = Packing()
        for name, array in tensors.items():
            packing.add(name, array)
        told = notes | {"packed": packing.notes}
        file = path / "whole" / f"{step}.safetensors"
        checksums[str(step)] = write_tensors(file, packing.written, told)
    return checksums


def _sharded(run: RunFolder) -> dict[str, list[str]]:
    """Return which parameters of each layer are in shards: its weight, its bias, or both."""
    return {name: layer.get("sharded", []) for name, layer in run.description["layers"].items()}


def _whole_layers(layers: dict[str, Any]) -> dict[str, Any]:
    """Return layers of which nothing is in shards any longer."""
    return {
        name: {key: told for key, told in layer.items() if key != "sharded"}
        for name, layer in layers.items()
    }


def merged_step(
    parts: list[dict[str, np.ndarray]], sharded: Mapping[str, Collection[str]]
) -> dict[str, np.ndarray]:
    """Return a step that every process kept whole as one that a single process kept.

    Args:
        sharded: by layer, which of its parameters are in shards.
    """
    merged = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        layer, _, which = name.rpartition("/")
        if not all(f"{layer}/through" in part for part in parts) or which.startswith(OF_ONE):
            continue
        if which in ("weight.after", "bias.after") and name.replace("after", "moved") in parts[0]:
            continue  # it is worked out of how far it moved
        of_all = _of_all(parts, name)
        own = of_all[0]
        if which in MEANS:
            merged[name] = np.mean(of_all, axis=0, dtype=np.float64).astype(own.dtype)
        elif which in OF_ROWS and len(of_all) == len(parts):
            merged[name] = np.concatenate(of_all) / own.dtype.type(len(parts))
        elif which == "sample.input" and len(of_all) == len(parts):
            merged[name] = np.concatenate(of_all)
        elif which.partition(".")[0] in sharded.get(layer, ()):
            merged[name] = np.sum(of_all, axis=0, dtype=own.dtype)
        elif not which.startswith("sample."):
            merged[name] = own  # all processes hold the same
    for name in [name for name in merged if name.endswith(".asked")]:
        stem = name.removesuffix("asked")
        given = merged.get(stem + "came", merged[stem + "gradient"])
        if np.allclose(merged[name], given, rtol=ROUNDING, atol=ROUNDING * np.abs(given).max()):
            del merged[name]  # nothing came between but the mean itself
    return merged


def _of_all(parts: list[dict[str, np.ndarray]], name: str) -> list[np.ndarray]:
    """Return an array of every process that has it.

    One without ``came`` has seen no second way: its ``gradient`` is all that came.
    """
    plain = name.removesuffix("came") + "gradient" if name.endswith(".came") else name
    found = (part.get(name, part.get(plain)) for part in parts)
    return [array for array in found if array is not None]


def _mean_loss(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a line of the history with the mean of the losses of all processes."""
    losses = [line["loss"] for line in lines if line.get("loss") is not None]
    mean = float(np.mean(losses)) if len(losses) == len(lines) else None
    return lines[0] | ({"loss": mean} if "loss" in lines[0] else {})


def _whole_sizes(
    facts: list[dict[str, Any]],
    sizes: dict[str, dict[int, float]],
    sharded: Mapping[str, Collection[str]],
) -> dict[str, Any]:
    """Return facts in which a layer's gradient, and what is in shards, is that of all processes.

    Args:
        facts: of one step, from every process.
    """
    first, layers = facts[0], {}
    for name, told in first.get("layers", {}).items():
        layers[name] = told | {"gradient": sizes.get(name, {}).get(first["step"], told["gradient"])}
        parts = [one["layers"][name] for one in facts if name in one["layers"]]
        for size in OF_SHARDS if "weight" in sharded.get(name, ()) else ():
            norms = [part[size] for part in parts]
            layers[name][size] = None if None in norms else float(np.linalg.norm(norms))
    return first | {"layers": layers}
