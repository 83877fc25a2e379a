"""A callback of Hugging Face's Trainer that watches the model while it is trained."""

from typing import Any

from transformers import (  # pyright: ignore[reportMissingImports]
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from whygrad.adapters.torch.watching import Watch, run_of
from whygrad.opened import WatchedRun


class TrainerWatch(TrainerCallback):
    """Watches the model from the start of ``trainer.train()`` to its end::

        why = wg.watch_trainer(out="run")
        Trainer(model, arguments, train_dataset=data, callbacks=[why]).train()
        print(why.run.doctor())

    The trainer tells its callbacks nothing of an exception; what was recorded up to it is there.

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
            RunError: nothing was trained yet.
        """
        return run_of(self.watch)

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Any = None,
        **others: Any,
    ) -> None:
        self.watch = Watch(model, **self.options).attach()

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        if self.watch is not None:
            self.watch.detach()
