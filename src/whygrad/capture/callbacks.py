"""What the callbacks of trainers share."""

from typing import TYPE_CHECKING, Unpack

from torch import nn

from whygrad.capture.watch import Watch, WatchOptions
from whygrad.errors import RunError

if TYPE_CHECKING:
    from whygrad.runs import Run


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
