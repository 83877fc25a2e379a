"""A callback of Hugging Face's Trainer that watches the model while it is trained."""

from typing import Any

from transformers import (  # pyright: ignore[reportMissingImports]
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from whygrad.capture.callbacks import WatchesTraining


class TrainerWatch(WatchesTraining, TrainerCallback):
    """Watches the model from the start of ``trainer.train()`` to its end::

        why = wg.watch_trainer(out="run")
        Trainer(model, arguments, train_dataset=data, callbacks=[why]).train()
        print(why.run.doctor())

    The trainer tells its callbacks nothing of an exception; what was recorded up to it is there.
    """

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Any = None,
        **others: Any,
    ) -> None:
        self.begin(model)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        self.end()
