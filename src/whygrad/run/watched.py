"""The run of a model that was watched while something else trained it.

run.json                    the model, its layers, how it ended, what watching cost
history.jsonl               one line a recorded step: step and loss
facts.jsonl                 one line a recorded step: how the training loop went about it
anatomy/<step>.safetensors  recorded rows of every neuron, as in a run of whygrad's own
whole/<step>.safetensors    some recorded steps whole, or some layers of them, for ledgers

It holds neither data nor checkpoints, so that a step that was not kept whole cannot be explained.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.errors import AddressError, RunError
from whygrad.recording import ROW_FIELDS
from whygrad.run.description import FORMAT
from whygrad.run.files import read_json, read_lines, read_names, read_tensors, reading
from whygrad.words import number

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

KIND = "watched"
NEEDED = {
    "state": str,
    "created": str,
    "model": str,
    "every": int,
    "layers": dict,
    "versions": dict,
}
OF_LAYER = {"kind": str, "weight": str, "n_in": int, "n_out": int, "activation": str, "shape": list}


def is_watched(path: str | Path) -> bool:
    """Return whether a folder holds the run of a watched model.

    Raises:
        RunError: there is no run there, or it is damaged.
    """
    described = Path(path) / "run.json"
    return described.is_file() and read_json(described).get("kind") == KIND


class WatchedFolder:
    """The run of a watched model, read; it may be written meanwhile.

    Args:
        path: the folder.

    Raises:
        RunError: there is no such run there, it is damaged, or of a newer format.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        if not (self.path / "run.json").is_file():
            raise RunError("error.no_run", path=self.path)
        came = read_json(self.path / "run.json")
        if came.get("format") != FORMAT:
            raise RunError(
                "error.run_format", path=self.path, expected=FORMAT, came=came.get("format")
            )
        assert self.description, "reading it checks it"

    @property
    def description(self) -> dict[str, Any]:
        """``run.json`` as it is now."""
        path = self.path / "run.json"
        content = read_json(path)
        is_sound = content.get("kind") == KIND and _has(content, NEEDED)
        if not is_sound or not all(_has(layer, OF_LAYER) for layer in content["layers"].values()):
            raise RunError("error.run_file_damaged", path=path)
        return content

    @property
    def layers(self) -> list[str]:
        """The names of the layers, in the order in which they were called."""
        return list(self.description["layers"])

    @property
    def steps(self) -> int:
        """How many steps the optimiser has taken, as far as the files tell."""
        recorded = [line["step"] + 1 for line in self.history_lines[-1:]]
        return max([self.description.get("steps", 0), *recorded])

    @property
    def whole_steps(self) -> list[int]:
        """The steps of which any layer can be explained, ascending."""
        return _numbered(self.path / "whole")

    def kept_whole(self) -> dict[str, list[int]]:
        """Return by layer the steps of which it can be explained, ascending.

        All whole steps of a small model; the layers of a large one take turns.

        Raises:
            RunError: a file is damaged.
        """
        kept: dict[str, list[int]] = {}
        for step in self.whole_steps:
            names = read_names(self._path_of_whole(step))
            for layer in dict.fromkeys(name.rpartition("/")[0] for name in names):
                kept.setdefault(layer, []).append(step)
        return kept

    def whole(self, step: int | None = None) -> tuple[int, dict[str, np.ndarray], dict[str, Any]]:
        """Return a step that was kept whole: its number, its arrays by ``layer/name``, its notes.

        Args:
            step: default: the last one.

        Raises:
            AddressError: it was not kept.
            RunError: none was, or its file is damaged.
        """
        known = self.whole_steps
        if not known:
            raise RunError("error.watched_nothing", path=self.path)
        step = known[-1] if step is None else step
        if step not in known:
            near = _nearest(known, step)
            raise AddressError("error.step_not_whole", step=step, near=near, count=len(known))
        return step, *read_tensors(self._path_of_whole(step))

    def whole_of(
        self, layer: str, step: int | None = None
    ) -> tuple[int, dict[str, np.ndarray], dict[str, Any]]:
        """Return, as :meth:`whole`, a step in which a layer was kept whole.

        Raises:
            AddressError: it was kept whole in none, or not in this one.
            RunError: no step was kept, or a file is damaged.
        """
        known = self.kept_whole().get(layer, [])
        if not known and self.whole_steps:
            waits = self.layer(layer)["weight"] in self.description.get("explainable", [])
            raise AddressError(f"error.layer_{'waits' if waits else 'not_whole'}", layer=layer)
        if known and step not in (None, *known):
            took_part = step not in self.whole_steps or step in self.rows(layer)[0]
            key = "error.layer_not_whole_then" if took_part else "error.layer_not_in_step"
            told = {"layer": layer, "step": step, "near": _nearest(known, step)}
            raise AddressError(key, count=len(known), **told)
        return self.whole(known[-1] if known and step is None else step)

    def _path_of_whole(self, step: int) -> Path:
        return self.path / "whole" / f"{step}.safetensors"

    @property
    def history_lines(self) -> list[dict[str, Any]]:
        """The history as it stands in the file, one entry a recorded step."""
        return self._lines("history.jsonl")

    @property
    def facts(self) -> list[dict[str, Any]]:
        """How the training loop went about each recorded step."""
        return self._lines("facts.jsonl")

    @property
    def history(self) -> "pd.DataFrame":
        """A row a recorded step: step and loss."""
        import pandas as pd

        return pd.DataFrame(self.history_lines or {"step": [], "loss": []})

    def rows(self, layer: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the recorded steps (recorded,), and the rows (recorded, fields, n_out)."""
        return self._stacked(layer, (len(ROW_FIELDS), self.layer(layer)["n_out"]))

    def beside(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return what stands beside the rows of a layer, as ``layer/name``, (recorded, n_out)."""
        return self._stacked(name, (self.layer(name.rpartition("/")[0])["n_out"],))

    def _stacked(self, name: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        steps, rows = [np.empty(0, int)], [np.empty((0, *shape), np.float32)]
        for first in _numbered(self.path / "anatomy"):
            path = self.path / "anatomy" / f"{first}.safetensors"
            tensors, _ = read_tensors(path)
            if name in tensors:
                with reading(path):
                    rows.append(tensors[name].reshape((len(tensors["steps"]), *shape)))
                steps.append(tensors["steps"])
        return np.concatenate(steps), np.concatenate(rows)

    def neurons(self, layer: str) -> "xr.Dataset":
        """Return what was recorded of a layer's neurons, over (step, neuron).

        The same variables as those of whygrad's own runs.
        """
        import xarray as xr

        steps, rows = self.rows(layer)
        variables = {
            field: (("step", "neuron"), rows[:, position])
            for position, field in enumerate(ROW_FIELDS)
        }
        return xr.Dataset(variables, {"step": steps, "neuron": np.arange(rows.shape[2])})

    def layer(self, name: str) -> dict[str, Any]:
        """Return what a layer is.

        Raises:
            AddressError: there is none of that name.
        """
        known = self.description["layers"]
        if name not in known:
            raise AddressError("error.unknown_layer", name=name, known=", ".join(known))
        return known[name]

    def _lines(self, name: str) -> list[dict[str, Any]]:
        path = self.path / name
        lines = read_lines(path)
        with reading(path):
            if not all(type(line.get("step")) is int for line in lines):
                raise TypeError("a line that no run wrote")
        return lines


def words_of_overhead(overhead: Mapping[str, float]) -> dict[str, str]:
    """Return what ``report.watched.overhead`` says of ``description["overhead"]``."""
    return {"ratio": number(overhead["ratio"], 3), "share": f"{100 * overhead['share']:.1f} %"}


def _has(content: Any, needed: Mapping[str, type]) -> bool:
    return isinstance(content, dict) and all(
        isinstance(content.get(name), kind) for name, kind in needed.items()
    )


def _nearest(steps: list[int], step: int) -> int:
    return min(steps, key=lambda one: abs(one - step))


def _numbered(folder: Path) -> list[int]:
    return sorted(int(p.stem) for p in folder.glob("*.safetensors") if p.stem.isdecimal())
