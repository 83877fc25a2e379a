"""What the callbacks of trainers share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from torch import nn
from torch.optim.optimizer import Optimizer

from whygrad.capture.pace import Every
from whygrad.capture.watch import Watch
from whygrad.errors import RunError
from whygrad.record.folder import RunFolder

if TYPE_CHECKING:
    from whygrad.record.tracker import Tracker
    from whygrad.runs import Run


class WatchOptions(TypedDict, total=False):
    """What a :class:`Watch` takes by name: ``**options: Unpack[WatchOptions]``."""

    every: Every
    out: str | Path | None
    optimizer: Optimizer | list[Optimizer] | None
    explain: Sequence[str]
    room: float | None
    log: "Tracker | None"
    uncompiled: bool
    opened: Callable[[Path], RunFolder]


class WatchesTraining:
    """What callbacks of trainers share: a watch that begins with the training.

    Args:
        options: of :class:`Watch`.
    """

    def __init__(self, **options: Unpack[WatchOptions]):
        super().__init__()
        self.options = options
        self.watch: Watch | None = None

    @property
    def run(self) -> "Run":
        """What has been recorded so far.

        Raises:
            RunError: nothing was trained yet.
        """
        if self.watch is None:
            raise RunError("error.watch_not_begun")
        return self.watch.run

    def begin(self, model: nn.Module) -> None:
        """Watch from here on."""
        self.watch = Watch(model, **self.options).attach()

    def end(self) -> None:
        """Watch no longer."""
        if self.watch is not None:
            self.watch.detach()
