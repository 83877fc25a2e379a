"""A step of whygrad's own training as a record: replayed, and seen whole."""

from collections.abc import Callable
from typing import Any

import numpy as np

from whygrad.core.attribution import contributions
from whygrad.core.backprop import Anatomy, backward, forward
from whygrad.core.nn.losses import (
    as_matrix,
    classes_of,
    link_brought,
    predictions,
    smoothed,
)
from whygrad.core.nn.network import Network
from whygrad.errors import AddressError
from whygrad.explain.ledger import SampleChain, Smoothing, Term
from whygrad.record.activations import FACTS
from whygrad.record.address import Address
from whygrad.record.folder import RunFolder
from whygrad.record.layers import LayerSpec
from whygrad.record.step import LayerStep, ParameterStep, Rows, Sizes, StepRecord
from whygrad.training.replay import Replayed, replay
from whygrad.training.trained import TrainedRun

TOP = 4  # terms of a sum that are told one by one


class ReplayedStep:
    """A step, taken again.

    Args:
        step: its number.

    Raises:
        AddressError: the run has not taken this step.
        RunError: it does not replay as it was recorded.
    """

    def __init__(self, run: RunFolder, step: int):
        self.run = TrainedRun.of(run)
        replayed = replay(self.run, step)
        self._targets = dict(zip(replayed.rows.tolist(), replayed.targets, strict=True))
        self.network = replayed.network
        layers = {name: _layer(replayed, spec) for name, spec in self.run.specs.items()}
        last = list(layers)[-1]
        self.record = StepRecord(
            step=replayed.step,
            epoch=replayed.step // self.run.task.steps_per_epoch,
            loss=float(replayed.seen.anatomy.loss),
            layers=layers,
            last=last,
            pushed_at_last=float(layers[last].sizes.pushed.mean()),
            is_recorded=replayed.is_recorded,
        )

    @classmethod
    def of(cls, run: RunFolder, step: int | None = None) -> "ReplayedStep":
        """Return a step, taken again; the last one is kept, for whoever asks more of it."""
        kept = vars(TrainedRun.of(run))
        step = max(run.steps - 1, 0) if step is None else step
        if "replayed" not in kept or kept["replayed"].record.step != step:
            kept["replayed"] = cls(run, step)
        return kept["replayed"]

    def input_name(self, place: Address) -> str:
        """Return the name of the input that a weight comes from: a feature, or a neuron."""
        assert place.input is not None
        return self._names_of_inputs(place.layer)[place.input]

    def named(self, place: Address) -> str:
        """Return an address with the names of features and classes in place of numbers."""
        return place.named(self.run.specs, self.run.names)

    def target(self, row: int) -> str:
        """Return the target of a row of the training part, in the user's words and units."""
        told = self._targets.get(row)
        y = self.run.data.training_row(row).y if told is None else told[None]
        value = self.run.data.decode(y)[0]
        parts = value if isinstance(value, np.ndarray | list | tuple) else [value]
        return ", ".join(
            f"{part:.4g}" if isinstance(part, float | np.floating) else str(part) for part in parts
        )

    def chain(self, place: Address, row: int) -> SampleChain:
        """Return the chain rule for one row of the training part, with its numbers.

        Raises:
            AddressError: no such row, or the address names a whole layer.
        """
        if place.neuron is None:
            raise AddressError("error.chain_needs_neuron", address=place)
        network, k = self.network, place.neuron
        sample = self.run.data.training_row(row)
        trace = forward(network, sample.x)
        hard = as_matrix(sample.y, network.sizes[-1], trace.output.dtype)
        settings = self.run.task.settings
        loss, amount = settings.loss, settings.label_smoothing
        targets = smoothed(loss, hard, amount) if amount else hard
        anatomy = backward(network, trace, targets, loss=loss)
        layer, dense = anatomy[place.layer], network[place.layer]
        last = network.dense[-1].activation
        at = (0, k if layer.is_matched else 0)

        inputs = np.asarray(layer.input)[0]
        weights = np.asarray(dense.weight)[:, k]
        terms, rest = _largest(self._names_of_inputs(place.layer), weights, inputs)
        upstream_terms, upstream_rest = _upstream(network, anatomy, place.layer, k)
        if place.kind == "weight":
            input = float(inputs[place.input])
        else:
            input = 1.0 if place.kind == "bias" else float(np.linalg.norm(inputs))
        delta = float(layer.delta[0, k])
        return SampleChain(
            row=row,
            target=self.target(row),
            loss=float(anatomy.loss),
            terms=terms,
            rest=rest,
            bias=None if dense.bias is None else float(dense.bias[k]),
            preactivation=float(layer.preactivation[0, k]),
            output=float(layer.output[0, k]),
            activation=layer.activation,
            slope=float(layer.slope[0, k]),
            upstream=float(layer.upstream[0, k]),
            upstream_terms=upstream_terms,
            upstream_rest=upstream_rest,
            delta=delta,
            input=input,
            gradient=delta * input,
            is_matched=layer.is_matched,
            claim=float(predictions(loss, last, trace.output)[at]),
            wanted=float(targets[at]),
            smoothing=Smoothing(amount, float(hard[at]), classes_of(loss, hard.shape[-1]))
            if amount and layer.is_matched
            else None,
            link=link_brought(loss, last),
            loss_name=loss,
        )

    def _names_of_inputs(self, layer: str) -> list[str]:
        """Return a name for each input of a layer: a feature, or a neuron of the layer below."""
        position = self.network.layers.index(layer)
        if position == 0:
            return list(self.run.data.feature_names)
        below = self.network.layers[position - 1]
        return [f"{below}[{j}]" for j in range(self.network[below].n_out)]


def _upstream(
    network: Network, anatomy: Anatomy, layer: str, neuron: int
) -> tuple[tuple[Term, ...], float]:
    """Return the terms of a neuron's upstream; none at the output, where the loss itself asks."""
    parts = contributions(network, anatomy, layer, neuron)
    if parts.next_layer is None:
        return (), 0.0
    names = [f"{parts.next_layer}[{k}]" for k in range(len(parts.weight))]
    return _largest(names, parts.weight, np.asarray(anatomy[parts.next_layer].delta)[0])


def _largest(
    names: list[str], weight: np.ndarray, value: np.ndarray
) -> tuple[tuple[Term, ...], float]:
    """Return the terms weight * value that weigh most, and the sum of the others."""
    order = np.argsort(-np.abs(weight * value), kind="stable")
    terms = tuple(Term(names[i], float(weight[i]), float(value[i])) for i in order[:TOP])
    rest = float(np.sum(weight[order[TOP:]].astype(float) * value[order[TOP:]]))
    return terms, rest


def _layer(replayed: Replayed, spec: LayerSpec) -> LayerStep:
    """Return a layer with the samples of the batch, without those that only fill it up."""
    anatomy, is_real = replayed.seen.anatomy[spec.name], np.asarray(replayed.share) > 0
    real: Callable[[np.ndarray], np.ndarray]
    real = (lambda rows: rows) if is_real.all() else (lambda rows: rows[is_real])
    rows = Rows(
        input=real(_plain(anatomy.input)),
        upstream=real(_plain(anatomy.upstream)),
        delta=real(_plain(anatomy.delta)),
        share=real(_plain(anatomy.share)),
        numbers=real(np.asarray(replayed.rows)),
        slope=real(_plain(anatomy.slope)),
    )
    is_coupled = FACTS[spec.activation].is_coupled and not spec.is_matched
    return LayerStep(
        spec=spec,
        sizes=Sizes.of(rows, is_coupled=is_coupled),
        weight=_parameter(replayed, spec.name, "weight"),
        bias=None if spec.bias is None else _parameter(replayed, spec.name, "bias"),
        rows=rows,
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


def _plain(values: Any) -> np.ndarray:
    """Return an array as NumPy has it; half precision, which NumPy knows less well, in single."""
    array = np.asarray(values)
    return array if array.dtype.itemsize >= 4 else array.astype(np.float32)
