"""The run of a model that several processes trained together: a folder each, merged when read.

Under data parallelism every process has samples of its own, and is given the mean of all gradients.
So of the whole model, over R processes,

    pushed, through, pulled     are the means of the processes' own
    |gradient|                  is that of the mean, which every process was given

and the merged folder is a run like any other: ``whygrad doctor RUN`` needs not know.
"""

from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from whygrad.run.files import read_tensors, write_json, write_lines, write_tensors, writing
from whygrad.run.watched import WatchedFolder

REDUCED = "/reduced"  # behind a layer's name: |gradient| of the mean over all processes, (n_out,)
MEANS = {"pushed", "through", "pulled", "pulls", "delta", "layer"}  # of what is kept whole
MEANS |= {"weight.gradient", "bias.gradient", "weight.came", "bias.came"}
OF_ROWS = {"sample.upstream", "sample.delta"}  # parts of a mean over the rows of one process
ROUNDING = 1e-5


def folder_of_rank(path: Path, rank: int) -> Path:
    """Return where a process keeps what it saw."""
    return path / f"rank{rank}"


def merge_ranks(path: Path) -> None:
    """Merge what the processes have written so far, if any of it is newer than what was merged.

    Raises:
        RunError: a folder is damaged, or a process has written nothing yet.
    """
    count = len([one for one in path.glob("rank*") if one.is_dir()])
    folders = [folder_of_rank(path, rank) for rank in range(count)]
    if not count or not _is_stale(path, folders):
        return
    runs = [WatchedFolder(folder) for folder in folders]
    with writing(path):
        for name in ("anatomy", "whole"):
            (path / name).mkdir(exist_ok=True)
            for old in (path / name).glob("*.safetensors"):
                old.unlink()
    sizes = _merge_rows(path, runs)
    _merge_whole(path, runs)
    _merge_lines(path, runs, sizes)
    states = {run.description["state"] for run in runs}
    described = runs[0].description | {"ranks": count}
    state = "failed" if "failed" in states else described["state"]
    write_json(path / "run.json", described | {"state": state})


def _is_stale(path: Path, folders: list[Path]) -> bool:
    merged = path / "run.json"
    written = [f / n for f in folders for n in ("run.json", "history.jsonl") if (f / n).exists()]
    return not merged.exists() or merged.stat().st_mtime_ns < max(
        (one.stat().st_mtime_ns for one in written), default=1 << 62
    )


def _merge_rows(path: Path, runs: list[WatchedFolder]) -> dict[str, dict[int, float]]:
    """Write the rows of all layers; return by layer and step the norm of the whole gradient."""
    groups: dict[tuple[int, ...], dict[str, np.ndarray]] = {}
    sizes: dict[str, dict[int, float]] = {}
    for layer in runs[0].layers:
        if any(layer not in run.layers for run in runs):
            continue
        means = runs[0].beside(layer + REDUCED)
        steps = reduce(np.intersect1d, [means[0], *(run.rows(layer)[0] for run in runs)])
        reduced = _at(means, steps)
        rows = np.stack([_at(run.rows(layer), steps) for run in runs])
        groups.setdefault(tuple(steps.tolist()), {})[layer] = merged_rows(rows, reduced)
        norms = np.linalg.norm(reduced, axis=1)
        sizes[layer] = dict(zip(steps.tolist(), norms.tolist(), strict=True))
    for number, (steps, layers) in enumerate(groups.items()):
        tensors = layers | {"steps": np.array(steps, int)}
        write_tensors(path / "anatomy" / f"{number}.safetensors", tensors, {})
    return sizes


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


def _merge_whole(path: Path, runs: list[WatchedFolder]) -> None:
    for step in sorted(set.intersection(*(set(run.whole_steps) for run in runs))):
        parts = [read_tensors(run.path / "whole" / f"{step}.safetensors") for run in runs]
        tensors = merged_step([arrays for arrays, _ in parts])
        write_tensors(path / "whole" / f"{step}.safetensors", tensors, parts[0][1])


def merged_step(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return a step that every process kept whole as one that a single process kept."""
    merged = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        if not all(_holds(part, name.rpartition("/")[0]) for part in parts):
            continue  # it was not the layer's turn everywhere
        of_all = _of_all(parts, name)
        own = of_all[0]
        _, _, which = name.rpartition("/")
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


def _holds(part: dict[str, np.ndarray], layer: str) -> bool:
    return f"{layer}/through" in part


def _of_all(parts: list[dict[str, np.ndarray]], name: str) -> list[np.ndarray]:
    """Return an array of every process that has it.

    One without ``came`` has seen no second way: its ``gradient`` is all that came.
    """
    plain = name.removesuffix("came") + "gradient" if name.endswith(".came") else name
    found = (part.get(name, part.get(plain)) for part in parts)
    return [array for array in found if array is not None]


def _merge_lines(path: Path, runs: list[WatchedFolder], sizes: dict[str, dict[int, float]]) -> None:
    """Write history and facts: losses are means; what the loop did, the first process tells."""
    losses: dict[int, list[float]] = {}
    for run in runs:
        for line in run.history_lines:
            if line.get("loss") is not None:
                losses.setdefault(line["step"], []).append(line["loss"])
    history = [
        line | ({"loss": float(np.mean(losses[line["step"]]))} if line["step"] in losses else {})
        for line in runs[0].history_lines
    ]
    write_lines(path / "history.jsonl", history)
    write_lines(path / "facts.jsonl", [_whole_sizes(facts, sizes) for facts in runs[0].facts])


def _whole_sizes(facts: dict[str, Any], sizes: dict[str, dict[int, float]]) -> dict[str, Any]:
    """Return facts in which a layer's gradient is that of all processes."""
    layers = {
        name: told | {"gradient": sizes.get(name, {}).get(facts["step"], told["gradient"])}
        for name, told in facts.get("layers", {}).items()
    }
    return facts | {"layers": layers}
