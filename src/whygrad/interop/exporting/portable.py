"""A network with what it takes to use it elsewhere: how raw rows go in, and what comes out."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whygrad.core.arrays import tree_map
from whygrad.core.backprop import forward
from whygrad.core.nn.losses import gives_probabilities, link_brought, predictions
from whygrad.core.nn.network import Network
from whygrad.data.encoder import Encoder
from whygrad.data.matching import Substitutions
from whygrad.errors import InputError, OptionError
from whygrad.record.folder import RunFolder
from whygrad.training.trained import TrainedRun

BOUNDED = ("softmax", "sigmoid")


@dataclass(frozen=True, eq=False)
class Portable:
    """A network that can leave, or has come back.

    Attributes:
        network: in float32 or float64; narrower parameters are widened, which loses nothing.
        loss: what it was trained with; it may bring the link that makes logits probabilities.
        encoder: the rules from raw columns to inputs, and from outputs to the user's words and
            units; None where only the network is known.
    """

    network: Network
    loss: str | None = None
    encoder: Encoder | None = None

    @property
    def link(self) -> str:
        """The activation that the loss brings, ``identity`` if none."""
        return link_brought(self.loss, self.network.output_activation) if self.loss else "identity"

    @property
    def meaning(self) -> str:
        """What comes out: ``probabilities``, ``quantities``, ``scores`` or just ``outputs``."""
        if self.encoder is None:
            return "probabilities" if self.link in BOUNDED else "outputs"
        if self.encoder.task == "numbers":
            return "quantities"
        is_bounded = gives_probabilities(self.loss, self.network.output_activation)
        return "probabilities" if is_bounded else "scores"

    def with_dates_apart(self) -> "Portable":
        """Return the same for rows in which each part of a date is a number of its own."""
        return (
            self if self.encoder is None else replace(self, encoder=self.encoder.with_dates_apart())
        )

    def claims(self, rows: Any, told: Substitutions | None = None) -> np.ndarray:
        """Return what the outputs claim, (m, n_out): probabilities, or quantities in their units.

        Args:
            rows: as the data came; or inputs, (m, n_in), where there is no encoder.
            told: takes in what stands in for cells that are not as in training; without it a
                warning says so.
        """
        claimed = self._claims(rows, told)
        if self.encoder is not None and self.encoder.task == "numbers":
            return np.asarray(self.encoder.decode(claimed))
        return claimed

    def predict(self, rows: Any) -> np.ndarray | list[tuple[str, ...]]:
        """Return class names, labels or quantities; without an encoder, what the outputs claim."""
        claimed = self._claims(rows)
        return claimed if self.encoder is None else self.encoder.answer(claimed)

    def _claims(self, rows: Any, told: Substitutions | None = None) -> np.ndarray:
        inputs = rows if self.encoder is None else self.encoder.encode(rows, told)
        output = forward(self.network, inputs).output
        if self.loss is not None:
            output = predictions(self.loss, self.network.output_activation, output)
        return np.asarray(output)


def as_portable(subject: Any, step: int | None = None) -> Portable:
    """Return a run, or a network alone, as what can leave.

    Args:
        step: after how many steps of the run; None for the trained network.

    Raises:
        OptionError: a step of what is no run.
        InputError: it is neither.
    """
    if step is not None and not isinstance(subject, RunFolder):
        raise OptionError("error.export_step", actual=type(subject).__name__)
    if isinstance(subject, Portable):
        return subject
    if isinstance(subject, Network):
        return Portable(_widened(subject))
    if not isinstance(subject, RunFolder):
        raise InputError("error.export_subject", actual=type(subject).__name__)
    run = TrainedRun.of(subject)
    network = _widened(run.network_at(step))
    return Portable(network, run.task.settings.loss, run.data.encoder)


def _widened(network: Network) -> Network:
    """Return a network whose parameters have at least 32 bits."""
    return tree_map(
        lambda array: array.astype(np.float32) if array.dtype.itemsize < 4 else array, network
    )
