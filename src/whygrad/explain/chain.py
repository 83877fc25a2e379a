"""The chain rule for one sample, with its numbers put into the formulas."""

import jax.numpy as jnp
import numpy as np

from whygrad.core.attribution import contributions
from whygrad.core.backprop import Anatomy, backward, forward
from whygrad.core.nn.losses import as_matrix
from whygrad.core.nn.network import Network
from whygrad.errors import AddressError
from whygrad.explain.ledger import SampleChain, Term
from whygrad.explain.names import names_of_inputs, target_in_words
from whygrad.record.address import Address
from whygrad.training.trained import TrainedRun

TOP = 4


def sample_chain(run: TrainedRun, network: Network, place: Address, row: int) -> SampleChain:
    """Return the chain of one training sample at one weight, bias or neuron.

    Args:
        network: as it was before the step.
        row: row in the training part.

    Raises:
        AddressError: no such row, or the address names a whole layer.
    """
    if place.neuron is None:
        raise AddressError("error.chain_needs_neuron", address=place)
    train = run.data.train
    if not 0 <= row < len(train.x):
        raise AddressError("error.no_such_sample", row=row, last=len(train.x) - 1)
    trace = forward(network, train.x[row : row + 1])
    loss = run.task.settings.loss
    targets = as_matrix(jnp.asarray(train.y[row : row + 1]), network.sizes[-1], trace.output.dtype)
    anatomy = backward(network, trace, targets, loss=loss)
    layer, k = anatomy[place.layer], place.neuron
    terms, rest = _weighted_inputs(run, network, anatomy, place)
    upstream_terms, upstream_rest = _upstream(network, anatomy, place)
    bias = network[place.layer].bias
    input = _input(np.asarray(layer.input)[0], place)
    delta = float(layer.delta[0, k])
    return SampleChain(
        row=row,
        target=target_in_words(run.data, row),
        loss=float(anatomy.loss),
        terms=terms,
        rest=rest,
        bias=None if bias is None else float(bias[k]),
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
    )


def _weighted_inputs(
    run: TrainedRun, network: Network, anatomy: Anatomy, place: Address
) -> tuple[tuple[Term, ...], float]:
    weight = np.asarray(network[place.layer].weight)[:, place.neuron]
    input = np.asarray(anatomy[place.layer].input)[0]
    return _largest(names_of_inputs(run.data, network, place.layer), weight, input)


def _upstream(network: Network, anatomy: Anatomy, place: Address) -> tuple[tuple[Term, ...], float]:
    assert place.neuron is not None
    parts = contributions(network, anatomy, place.layer, place.neuron)
    if parts.next_layer is None:
        return (), 0.0
    names = [f"{parts.next_layer}[{k}]" for k in range(len(parts.weight))]
    delta = np.asarray(anatomy[parts.next_layer].delta)[0]
    return _largest(names, parts.weight, delta)


def _largest(
    names: list[str], weight: np.ndarray, value: np.ndarray
) -> tuple[tuple[Term, ...], float]:
    """Return the terms weight * value that weigh most, and the sum of the others."""
    order = np.argsort(-np.abs(weight * value), kind="stable")
    terms = tuple(Term(names[i], float(weight[i]), float(value[i])) for i in order[:TOP])
    rest = float(np.sum(weight[order[TOP:]].astype(float) * value[order[TOP:]]))
    return terms, rest


def _input(input: np.ndarray, place: Address) -> float:
    if place.kind == "weight":
        return float(input[place.input])
    return 1.0 if place.kind == "bias" else float(np.linalg.norm(input))
