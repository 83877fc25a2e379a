"""A callback of Lightning's that watches the module while it is fitted."""

from typing import Any

from lightning.pytorch import (  # pyright: ignore[reportMissingImports]
    Callback,
    LightningModule,
    Trainer,
)

from whygrad.adapters.torch.watching import Watch, run_of
from whygrad.opened import WatchedRun


class LightningWatch(Callback):
    """Watches the module from the start of ``trainer.fit`` to its end, also where it fails::

        why = wg.watch_lightning(out="run")
        Trainer(callbacks=[why]).fit(module, data)
        print(why.run.doctor())

    Args:
        options: of :func:`whygrad.watch`: ``every``, ``out``, ``optimizer``, ``explain``.
    """

    def __init__(self, **options: Any):
        self.options = options
        self.watch: Watch | None = None

    @property
    def run(self) -> WatchedRun:
        """What has been recorded so far.

        Raises:
            RunError: nothing was fitted yet.
        """
        return run_of(self.watch)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.watch = Watch(pl_module, **self.options).attach()

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.watch is not None:
            self.watch.detach()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        if self.watch is not None:
            self.watch.__exit__(type(exception), exception, exception.__traceback__)
