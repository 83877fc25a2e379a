"""A callback of Lightning's that watches the module while it is fitted."""

from lightning.pytorch import (  # pyright: ignore[reportMissingImports]
    Callback,
    LightningModule,
    Trainer,
)

from whygrad.capture.callbacks import WatchesTraining


class LightningWatch(WatchesTraining, Callback):
    """Watches the module from the start of ``trainer.fit`` to its end, also where it fails::

    why = wg.watch_lightning(out="run")
    Trainer(callbacks=[why]).fit(module, data)
    print(why.run.doctor())
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.begin(pl_module)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.end()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        if self.watch is not None:
            self.watch.__exit__(type(exception), exception, exception.__traceback__)
