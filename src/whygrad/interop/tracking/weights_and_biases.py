"""Weights & Biases, by its own library; ``WANDB_MODE=offline`` keeps everything on this machine."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from whygrad.record.tracker import Entry, Tracker

wandb: Any = import_module("wandb")  # types are checked where it is not installed, too


class WandBTracker(Tracker):
    """A run of Weights & Biases.

    Args:
        project: what the run belongs to.
        folder: where the library keeps its files; default: as it chooses.
        every: steps from one histogram to the next; default: see :class:`Tracker`.
        options: more for ``wandb.init``, such as ``name``, ``entity`` or ``mode="offline"``.
    """

    def __init__(
        self,
        project: str = "whygrad",
        *,
        folder: str | Path | None = None,
        every: int | None = None,
        **options: Any,
    ):
        super().__init__(every)
        self.options = {"project": project, "dir": None if folder is None else str(folder)}
        self.options |= options
        self._run: Any = None

    @property
    def where(self) -> str:
        if self._run is None:
            return str(self.options["project"])
        return str(self._run.dir if self._run.offline else self._run.url)

    def _open(self, notes: Mapping[str, Any]) -> None:
        if self.options["dir"] is not None:
            Path(self.options["dir"]).mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(**self.options, config=dict(notes))

    def _write(self, entry: Entry) -> None:
        told: dict[str, Any] = dict(entry.scalars)
        told |= {name: wandb.Histogram(values.tolist()) for name, values in entry.factors.items()}
        self._run.log(told, step=entry.step)

    def _close(self) -> None:
        self._run.finish()
