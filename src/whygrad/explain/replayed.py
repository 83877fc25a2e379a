"""A step of whygrad's own training as a record: replayed, and seen whole."""

from collections.abc import Callable

import numpy as np

from whygrad.explain.chain import sample_chain
from whygrad.explain.ledger import SampleChain
from whygrad.explain.names import names_of_inputs, target_in_words
from whygrad.record.activations import FACTS
from whygrad.record.address import Address
from whygrad.record.folder import RunFolder
from whygrad.record.layers import LayerSpec
from whygrad.record.step import LayerStep, ParameterStep, Rows, Sizes, StepRecord
from whygrad.training.replay import Replayed, replay
from whygrad.training.trained import TrainedRun


class ReplayedStep:
    """A step, taken again.

    Args:
        step: its number; default: the last one taken.

    Raises:
        AddressError: the run has not taken this step.
        RunError: it does not replay as it was recorded.
    """

    def __init__(self, run: RunFolder, step: int | None):
        self.run = TrainedRun.of(run)
        self.replayed = replay(self.run, max(run.steps - 1, 0) if step is None else step)
        self.record = _record(self.run, self.replayed)

    def input_name(self, place: Address) -> str:
        """Return the name of the input that a weight comes from: a feature, or a neuron."""
        assert place.input is not None
        return names_of_inputs(self.run.data, self.replayed.network, place.layer)[place.input]

    def target(self, row: int) -> str:
        """Return the target of a row of the training part, in the user's words."""
        return target_in_words(self.run.data, row)

    def chain(self, place: Address, row: int) -> SampleChain:
        """Return the chain rule for one row of the training part.

        Raises:
            AddressError: no such row, or the address names a whole layer.
        """
        return sample_chain(self.run, self.replayed.network, place, row)


def _record(run: TrainedRun, replayed: Replayed) -> StepRecord:
    layers = {name: _layer(replayed, spec) for name, spec in run.specs.items()}
    last = run.layers[-1]
    return StepRecord(
        step=replayed.step,
        epoch=replayed.step // run.task.steps_per_epoch,
        loss=float(replayed.seen.anatomy.loss),
        layers=layers,
        last=last,
        pushed_at_last=float(layers[last].sizes.pushed.mean()),
        is_recorded=replayed.is_recorded,
    )


def _layer(replayed: Replayed, spec: LayerSpec) -> LayerStep:
    rows = _rows(replayed, spec.name)
    is_coupled = FACTS[spec.activation].is_coupled and not spec.is_matched
    return LayerStep(
        spec=spec,
        sizes=Sizes.of(rows, is_coupled=is_coupled),
        weight=_parameter(replayed, spec.name, "weight"),
        bias=None if spec.bias is None else _parameter(replayed, spec.name, "bias"),
        rows=rows,
    )


def _rows(replayed: Replayed, layer: str) -> Rows:
    """Return the samples of the batch, without those that only fill it up."""
    anatomy, is_real = replayed.seen.anatomy[layer], np.asarray(replayed.share) > 0
    real: Callable[[np.ndarray], np.ndarray]
    real = (lambda rows: rows) if is_real.all() else (lambda rows: rows[is_real])
    return Rows(
        input=real(_plain(anatomy.input)),
        upstream=real(_plain(anatomy.upstream)),
        delta=real(_plain(anatomy.delta)),
        share=real(_plain(anatomy.share)),
        numbers=real(np.asarray(replayed.rows)),
    )


def _parameter(replayed: Replayed, layer: str, which: str) -> ParameterStep:
    seen = replayed.seen
    return ParameterStep(
        before=_plain(seen.before[layer][which]),
        after=_plain(seen.after[layer][which]),
        gradient=_plain(seen.gradients[layer][which]),
        stages=lambda index: [
            (name, np.asarray(_plain(output[layer][which])[index], np.float64))
            for name, output in seen.stages.items()
        ],
    )


def _plain(values: object) -> np.ndarray:
    """Return an array as NumPy has it; half precision, which NumPy knows less well, in single."""
    array = np.asarray(values)
    return array if array.dtype.itemsize >= 4 else array.astype(np.float32)
