"""How the loss went over a run."""

from typing import TYPE_CHECKING

from whygrad.doctor.thresholds import STILL_FALLING

if TYPE_CHECKING:
    from whygrad.training.trained import TrainedRun

LAST_PART = 0.25  # of the epochs


def is_still_falling(run: "TrainedRun") -> bool:
    """Return whether the loss fell by more than 5 % over the last quarter of the run.

    The validation loss decides where there is one: a training loss may fall for ever.
    """
    watched = "validation_loss" if len(run.data.validation.x) else "train_loss"
    losses = [line[watched] for line in run.history_lines if watched in line]
    if len(losses) < 4:
        return False
    before = losses[int(len(losses) * (1 - LAST_PART)) - 1]
    return losses[-1] < STILL_FALLING * before
