"""A step of whygrad's own training as a record: replayed, and seen whole."""

from collections.abc import Callable

import numpy as np

from whygrad.core.backprop import LayerAnatomy
from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.core.nn.network import Network
from whygrad.explain.chain import sample_chain
from whygrad.explain.ledger import SampleChain
from whygrad.explain.names import names_of_inputs, target_in_words
from whygrad.record.address import Address
from whygrad.record.layers import DENSE, LayerSpec
from whygrad.record.step import LayerStep, ParameterStep, Rows, Sizes, StepRecord
from whygrad.training.folder import RunFolder
from whygrad.training.replay import Replayed, replay


class ReplayedStep:
    """A step, taken again.

    Args:
        step: its number; default: the last one taken.

    Raises:
        AddressError: the run has not taken this step.
        RunError: it does not replay as it was recorded.
    """

    def __init__(self, run: RunFolder, step: int | None):
        self.run = run
        self.replayed = replay(run, max(run.steps - 1, 0) if step is None else step)
        self.record = _record(run, self.replayed)

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


def _record(run: RunFolder, replayed: Replayed) -> StepRecord:
    specs = _specs(replayed.network, replayed.seen.anatomy.layers)
    layers = {name: _layer(replayed, spec) for name, spec in specs.items()}
    last = replayed.network.layers[-1]
    return StepRecord(
        step=replayed.step,
        epoch=replayed.step // run.task.steps_per_epoch,
        loss=float(replayed.seen.anatomy.loss),
        layers=layers,
        last=last,
        pushed_at_last=float(layers[last].sizes.pushed.mean()),
        is_recorded=replayed.is_recorded,
    )


def _specs(network: Network, anatomies: dict[str, LayerAnatomy]) -> dict[str, LayerSpec]:
    following = dict(zip(network.layers, network.layers[1:], strict=False))
    return {
        name: LayerSpec(
            name=name,
            kind=DENSE,
            n_in=dense.n_in,
            n_out=dense.n_out,
            shape=dense.weight.shape,
            weight=f"{name}.weight",
            bias=None if dense.bias is None else f"{name}.bias",
            activation=dense.activation,
            steepest=dense.rule.steepest,
            is_exactly_flat=dense.rule.exactly_flat,
            is_matched=anatomies[name].is_matched,
            feeds=following.get(name),
        )
        for name, dense in network.items()
    }


def _layer(replayed: Replayed, spec: LayerSpec) -> LayerStep:
    rows = _rows(replayed, spec.name)
    is_coupled = ACTIVATIONS[spec.activation].is_coupled and not spec.is_matched
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
