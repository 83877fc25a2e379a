"""The run of a model that was watched while something else trained it.

run.json                    the model, its layers, how it ended, what watching cost
history.jsonl               one line a recorded step: step and loss
facts.jsonl                 one line a recorded step: how the training loop went about it
anatomy/<step>.safetensors  recorded rows of every neuron, as in a run of whygrad's own
whole/<step>.safetensors    some recorded steps whole, or some layers of them, for ledgers

It holds neither data nor checkpoints, so that a step that was not kept whole cannot be explained.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.errors import AddressError, RunError
from whygrad.record.description import read_description
from whygrad.record.fields import ROW_FIELDS
from whygrad.record.schema import sound
from whygrad.record.schema import watched as schema
from whygrad.record.schema.arrays import refuse, sound_arrays, steps_ascend
from whygrad.record.schema.watched_arrays import key_of_rows, rows_forms, whole_forms
from whygrad.record.sealed import TensorFile, open_tensors
from whygrad.record.steady import check_recorded, is_sealed, lines_of, numbered, steadily
from whygrad.words import number

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

KIND = "watched"


def is_watched(path: str | Path) -> bool:
    """Return whether a folder holds the run of a watched model.

    Raises:
        RunError: there is no run there, or it is damaged.
    """
    has_run = (Path(path) / "run.json").is_file()
    return has_run and read_description(Path(path)).get("kind") == KIND


class WatchedFolder:
    """The run of a watched model, read; it may be written meanwhile.

    Args:
        path: the folder.

    Raises:
        RunError: there is no such run there, it is damaged, or of a newer format.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        assert self.description, "reading it checks it"

    @property
    def description(self) -> dict[str, Any]:
        """``run.json`` as it is now."""
        return sound(self.path / "run.json", schema.RUN, read_description(self.path))

    @cached_property
    def is_sealed(self) -> bool:
        """Whether the run was written with checksums, so that whatever is read is verified."""
        return is_sealed(self)

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
        return self._whole_steps(self.description)

    def kept_whole(self) -> dict[str, list[int]]:
        """Return by layer the steps of which it can be explained, ascending.

        All whole steps of a small model; the layers of a large one take turns.

        Raises:
            RunError: a file is damaged.
        """
        return steadily(self, self._kept_whole)

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
        return step, *steadily(self, lambda description: self._read_whole(step, description))

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

    def _whole_steps(self, description: dict[str, Any]) -> list[int]:
        told = description.get("whole")  # of format 1 only the folder tells
        return numbered(self.path / "whole") if told is None else sorted(map(int, told))

    def _kept_whole(self, description: dict[str, Any]) -> dict[str, list[int]]:
        kept: dict[str, list[int]] = {}
        for step in self._whole_steps(description):
            with self._opened_whole(step, description) as file:
                names = file.names
            for layer in dict.fromkeys(name.rpartition("/")[0] for name in names):
                kept.setdefault(layer, []).append(step)
        return kept

    def _read_whole(
        self, step: int, description: dict[str, Any]
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        with self._opened_whole(step, description) as file:
            tensors, notes = {name: file[name] for name in file.names}, file.notes
        sound_arrays(file.path, tensors, whole_forms(description["layers"], tensors))
        layers = {name.rpartition("/")[0] for name in tensors}
        return tensors, sound(file.path, schema.whole_of(step, layers), notes)

    @contextmanager
    def _opened_whole(self, step: int, description: dict[str, Any]) -> Iterator[TensorFile]:
        path = self.path / "whole" / f"{step}.safetensors"
        with open_tensors(path, may_lack=not self.is_sealed) as file:
            told = description.get("whole", {}).get(str(step))
            if self.is_sealed and file.checksum != told:
                raise ValueError("sound, but not the file that run.json speaks of")
            yield file

    @property
    def history_lines(self) -> list[dict[str, Any]]:
        """The history as it stands in the file, one entry a recorded step."""
        return lines_of(self, "history", lambda description: schema.LINE)

    @property
    def facts(self) -> list[dict[str, Any]]:
        """How the training loop went about each recorded step."""
        return lines_of(self, "facts", schema.facts_of)

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
        return steadily(self, lambda description: self._stack(name, shape, description))

    def _stack(
        self, name: str, shape: tuple[int, ...], description: dict[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        counted = description.get("lines", {}).get("history")
        recorded = [line["step"] for line in self.history_lines[:counted]]
        merged = description.get("rows")  # named by what merged them; others by their first step
        layers = description["layers"]
        steps, rows = [np.empty(0, int)], [np.empty((0, *shape), np.float32)]
        found: set[int] = set()
        key = key_of_rows(name)
        for first in numbered(self.path / "anatomy") if merged is None else merged:
            path = self.path / "anatomy" / f"{first}.safetensors"
            with open_tensors(path, may_lack=not self.is_sealed) as file:
                wanted = {one: file[one] for one in ("steps", key) if one in file.names}
                sound_arrays(path, wanted, rows_forms(layers, file.names, wanted), file.names)
                is_named = self.is_sealed and merged is None
                refuse(path, steps_ascend(wanted["steps"], first=first if is_named else None))
            found.update(wanted["steps"].tolist())
            if key in wanted:
                rows.append(wanted[key])
                steps.append(wanted["steps"])
        check_recorded(self, recorded, found)
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


def words_of_overhead(overhead: Mapping[str, float]) -> dict[str, str]:
    """Return what ``report.watched.overhead`` says of ``description["overhead"]``."""
    return {"ratio": number(overhead["ratio"], 3), "share": f"{100 * overhead['share']:.1f} %"}


def _nearest(steps: list[int], step: int) -> int:
    return min(steps, key=lambda one: abs(one - step))
