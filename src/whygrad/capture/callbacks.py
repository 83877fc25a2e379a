"""What the callbacks of trainers share."""

from typing import Any

from torch import nn

from whygrad.capture.watch import Watch
from whygrad.errors import RunError
from whygrad.runs import WatchedRun


class WatchesTraining:
    """What callbacks of trainers share: a watch that begins with the training.

    Args:
        options: of :func:`whygrad.watch`: ``every``, ``out``, ``optimizer``, ``explain``, ``log``.
    """

    def __init__(self, **options: Any):
        super().__init__()
        self.options = options
        self.watch: Watch | None = None

    @property
    def run(self) -> WatchedRun:
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
