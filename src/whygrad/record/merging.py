"""The run of a model that several processes trained together: a folder each, merged when read.

Under data parallelism every process has samples of its own, and is given the mean of all gradients.
So of the whole model, over R processes,

    pushed, through, pulled     are the means of the processes' own
    |gradient|                  is that of the mean, which every process was given

and the merged folder is a run like any other: ``whygrad doctor RUN`` needs not know.
"""

from contextlib import suppress
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from whygrad.errors import RunError
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
from whygrad.record.schema.arrays import REDUCED, key_of_rows
from whygrad.record.sealed import crc, sealed_lines, sealed_tensors, write_tensors
from whygrad.record.writing import publish

MEANS = {"pushed", "through", "pulled", "pulls", "delta", "layer"}  # of what is kept whole
MEANS |= {"weight.gradient", "bias.gradient", "weight.came", "bias.came"}
OF_ROWS = {"sample.upstream", "sample.delta"}  # parts of a mean over the rows of one process
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
    facts = [_whole_sizes(one, sizes) for one in runs[0].facts if one["step"] in common]
    states = {run.description["state"] for run in runs}
    told = runs[0].description | {
        "format": min(run.description["format"] for run in runs),
        "state": "failed" if "failed" in states else runs[0].description["state"],
        "ranks": len(runs),
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
        means = runs[0].beside(layer + REDUCED)
        steps = reduce(np.intersect1d, [np.array(common, int), means[0], *(s for s, _ in of_runs)])
        reduced = _at(means, steps)
        rows = np.stack([_at(found, steps) for found in of_runs])
        groups.setdefault(tuple(steps.tolist()), {})[key_of_rows(layer)] = merged_rows(
            rows, reduced
        )
        norms = np.linalg.norm(reduced, axis=1)
        sizes[layer] = dict(zip(steps.tolist(), norms.tolist(), strict=True))
    files = [layers | {"steps": np.array(steps, int)} for steps, layers in groups.items()]
    return files, sizes


def merged_rows(rows: np.ndarray, reduced: np.ndarray) -> np.ndarray:
    """Return the rows of all processes as those of one.

    Args:
        rows: (processes, recorded, fields, n_out); the first three factors multiply to pushed,
            through and pulled.
        reduced: |gradient| of the mean over the processes, (recorded, n_out).
    """
    pushed, through, pulled = np.cumprod(rows[:, :, :3], axis=2).mean(axis=0).swapaxes(0, 1)
    merged = rows.mean(axis=0)
    whole = (np.ones_like(pushed), pushed, through, pulled)
    for place, (size, before) in enumerate(
        zip((pushed, through, pulled, reduced), whole, strict=True)
    ):
        share = size / np.where(before == 0, 1, before)
        merged[:, place] = np.minimum(share, 1) if place == 3 else share  # rounding
    return merged.astype(np.float32)


def _at(found: tuple[np.ndarray, np.ndarray], steps: np.ndarray) -> np.ndarray:
    known, rows = found
    return rows[np.searchsorted(known, steps)]


def _merge_whole(path: Path, runs: list[RunFolder]) -> dict[str, str]:
    """Write the steps that every process kept whole, and return the checksum of each."""
    checksums = {}
    for step in sorted(set.intersection(*(set(run.whole_steps) for run in runs))):
        parts = [run.whole(step) for run in runs]
        tensors = merged_step([arrays for _, arrays, _ in parts])
        _, _, notes = parts[0]
        packing = Packing()
        for name, array in tensors.items():
            packing.add(name, array)
        told = notes | {"packed": packing.notes}
        file = path / "whole" / f"{step}.safetensors"
        checksums[str(step)] = write_tensors(file, packing.written, told)
    return checksums


def merged_step(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return a step that every process kept whole as one that a single process kept."""
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


def _whole_sizes(facts: dict[str, Any], sizes: dict[str, dict[int, float]]) -> dict[str, Any]:
    """Return facts in which a layer's gradient is that of all processes."""
    layers = {
        name: told | {"gradient": sizes.get(name, {}).get(facts["step"], told["gradient"])}
        for name, told in facts.get("layers", {}).items()
    }
    return facts | {"layers": layers}
