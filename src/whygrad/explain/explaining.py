"""From one record of a step to a ledger, whoever took the step."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np

from whygrad.core.grouping import TOLERANCE, equal_to
from whygrad.errors import AddressError
from whygrad.explain.cause import causes
from whygrad.explain.ledger import (
    Development,
    Factor,
    Ledger,
    Pull,
    Pusher,
    SampleChain,
    StageEntry,
)
from whygrad.explain.snapshot import SnapshotStep
from whygrad.record.address import Address
from whygrad.record.factors import Factors, mean_size, sample_gradients, strongest, telescope
from whygrad.record.fields import FACTORS, ROW_FIELDS
from whygrad.record.folder import RunFolder
from whygrad.record.naming import Names
from whygrad.record.step import Index, LayerStep, Part, StepRecord

TOP = 3


@runtime_checkable
class SeenStep(Protocol):
    """A step that was seen whole, and its words: what a producer must give to be explained."""

    record: StepRecord

    def input_name(self, place: Address) -> str:
        """Return what the input is called that a weight comes from."""
        ...

    def named(self, place: Address) -> str:
        """Return an address with names in place of numbers, as far as there are any."""
        ...

    def target(self, row: int) -> str | None:
        """Return the target of a row, in the user's words; None where it is not known."""
        ...

    def chain(self, place: Address, row: int) -> SampleChain:
        """Return the chain rule for one row."""
        ...


def explain(
    run: RunFolder,
    address: str,
    *,
    step: int | None = None,
    sample: int | None = None,
    text_of: Callable[[list[int]], str] | None = None,
) -> Ledger:
    """Explain what one parameter, neuron or layer did in a step.

    The step is replayed where the run can be, and else read from what was kept of it.

    Args:
        address: ``hidden1.weight[5, 3]``, ``hidden1.bias[3]``, ``hidden1[3]`` or ``hidden1``, with
            names of inputs and classes in place of numbers, see :mod:`whygrad.record.naming`; of a
            watched model in its own names and order of axes.
        step: its number; default: the last one that can be explained.
        sample: row of the training part whose chain is wanted too.
        text_of: makes text of tokens.

    Raises:
        AddressError: no such parameter, step or sample, or the layer was not kept whole then.
        RunError: the step does not replay as it was recorded, or nothing was kept.
    """
    if sample is not None:
        run.require("sample", sample=sample)
    place = Address.parse(address, run.specs, _names_of(run))
    with np.errstate(all="ignore"):  # a step that blew up is explained in words, not in warnings
        seen = seen_step(run, place.layer, step)
        ledger = replace(_ledger(run, seen, place, text_of), named=seen.named(place))
        return ledger if sample is None else replace(ledger, chain=seen.chain(place, sample))


def _names_of(run: RunFolder) -> Callable[[], Names] | None:
    """Return what gives the names of a run's inputs and outputs; None where it holds no data."""
    if not run.can("data"):
        return None

    def names() -> Names:
        from whygrad.training.trained import TrainedRun  # with JAX, which numbers do without

        return TrainedRun.of(run).names

    return names


def seen_step(run: RunFolder, layer: str, step: int | None) -> SeenStep:
    """Return a step, seen whole: replayed where the run can be, else what was kept of it.

    Args:
        layer: the one that must be there.
        step: its number; default: the last one that can be seen.

    Raises:
        AddressError: there is no such step, or the layer was not kept whole then.
        RunError: the step does not replay as it was recorded, or nothing was kept.
    """
    if run.can("replay"):
        from whygrad.explain.replayed import ReplayedStep  # with JAX; the others do without

        return ReplayedStep.of(run, step)
    return SnapshotStep(run, layer, step)


def _ledger(
    run: RunFolder,
    seen: SeenStep,
    place: Address,
    text_of: Callable[[list[int]], str] | None,
) -> Ledger:
    record, layer = seen.record, seen.record.layers[place.layer]
    parameter = layer.bias if place.parameter == "bias" else layer.weight
    if parameter is None:
        raise AddressError("error.layer_not_whole", layer=place.layer)
    where: Index = (slice(None), *place.index) if place.kind == "neuron" else place.index or ...
    before = np.asarray(parameter.before[where], np.float64)
    after = np.asarray(parameter.after[where], np.float64)
    gradient = _size(np.asarray(parameter.gradient[where], np.float64), place)
    factors = _factors(record, place)
    pushers, rest, left_over = _pushers(record, place)
    raising, lowering = _pulls(seen, layer, place, text_of)
    samples = layer.samples
    is_from_loss = record.is_pushed_by_loss(place.layer)
    around = (layer.spec, samples, left_over, record.pushed_at_last)
    cause = next(causes(factors, *around, is_from_loss=is_from_loss))
    stages: list[StageEntry] = []
    for name, part in parameter.stages(where):
        came = stages[-1].after if stages else gradient
        stages.append(StageEntry(name, came, _size(part, place)))
    return Ledger(
        address=place,
        step=record.step,
        epoch=record.epoch,
        loss=record.loss,
        activation=layer.spec.activation,
        source=None if place.input is None else seen.input_name(place),
        value=_size(before, place),
        gradient=gradient,
        factors=tuple(replace(one, is_cause=one.name == cause.factor) for one in factors),
        cause=(cause.key, cause.values),
        pushers=pushers,
        pushers_rest=rest,
        left_over=left_over,
        raising=raising,
        lowering=lowering,
        samples=samples,
        stages=tuple(stages),
        update=stages[-1].after,
        movement=_size(after - before, place),
        clones=_clones(record, place),
        development=_development(run, place),
        chain=None,
        is_recorded=record.is_recorded,
        is_from_loss=is_from_loss,
        tied=_tied(run, layer, place),
        closeness=layer.closeness,
        data=str(run.description.get("data", {}).get("name", "")),
    )


def _tied(run: RunFolder, layer: LayerStep, place: Address) -> tuple[str, ...]:
    """Return the other layers that have the weight, but not those that have other rows of it."""
    if place.kind == "bias" or run.can("network"):
        return ()
    here, others = layer.spec, run.specs.values()
    return tuple(
        one.name
        for one in others
        if one.weight == here.weight
        and one.name != here.name
        and one.shape == here.shape
        and one.packed_weight == here.packed_weight
    )


def _size(part: Part, place: Address) -> float:
    """Return the value of a weight or bias, or the norm of a neuron's or layer's weights."""
    return float(part) if place.parameter else float(np.linalg.norm(part))


def _factors(record: StepRecord, place: Address) -> tuple[Factor, ...]:
    """Return the four factors of what an address names, each with what is normal around it."""
    around, here, found = _around(record, place), place.index, []
    if place.kind == "layer":
        here = (list(record.layers).index(place.layer),)
    is_there = np.ones_like(around.upstream, bool)  # where the factors before it are not 0
    for name in FACTORS:
        values = getattr(around, name)  # of which one may stand for many
        is_there = np.broadcast_to(is_there, values.shape) | (values != 0)
        at = here[-values.ndim :]
        value, others = values[at], values[is_there]
        median = float(np.median(others)) if others.size else float("nan")
        is_ranked = is_there[at] and not _is_one(name, record, place)
        rank = _rank(value, others, around.input.size // values.size) if is_ranked else None
        found.append(Factor(name, float(value), median, rank, is_there=bool(is_there[at])))
        is_there = is_there & (values != 0)
    return tuple(found)


def _is_one(factor: str, record: StepRecord, place: Address) -> bool:
    """Return whether a factor is 1 by definition: of a bias, or where nothing bends."""
    spec = record.layers[place.layer].spec
    if factor == "slope":
        return spec.is_matched or spec.activation == "identity"
    return factor == "input" and place.kind == "bias"


def _rank(value: np.floating, others: np.ndarray, alike: int) -> float | None:
    """Return the share of the others that are smaller, and half of those that are equal.

    What rounding alone tells apart counts as equal: clones have the same rank.

    Args:
        others: all that have the factor, the one in question among them.
        alike: for how many each of them stands.
    """
    if np.isnan(value):
        return None
    is_equal = np.isclose(others, value, rtol=TOLERANCE, atol=0)
    below, equal = int(((others < value) & ~is_equal).sum()), int(is_equal.sum())
    count = alike * others.size - 1
    return (alike * below + (alike * equal - 1) / 2) / count if count else 0.5


def _around(record: StepRecord, place: Address) -> Factors:
    """Return the factors of all weights, biases or neurons of a layer, or of all layers.

    Those of weights are (n_in, n_out), or (n_out,) where they are the same for all weights that
    lead into a neuron.
    """
    if place.kind == "layer":
        every = [telescope(*map(np.asarray, record.sizes_of(name))) for name in record.layers]
        return Factors(*(np.stack([getattr(one, name) for one in every]) for name in FACTORS))
    layer = record.layers[place.layer]
    sizes, gradient = layer.sizes, layer.weight.gradient
    if place.kind == "weight":
        return telescope(sizes.pushed, sizes.through, layer.pulls, np.abs(gradient))
    if place.kind == "bias":  # a weight whose input is 1, also where no push arrives
        found = telescope(sizes.pushed, sizes.through, sizes.through, np.abs(sizes.delta))
        return replace(found, input=np.ones_like(found.input))
    return telescope(sizes.pushed, sizes.through, sizes.pulled, np.linalg.norm(gradient, axis=0))


def _pushers(record: StepRecord, place: Address) -> tuple[tuple[Pusher, ...], int, float | None]:
    """Return what the neurons of the next layer add to the upstream of this one.

    u_ij = sum_k w_jk delta_ik, so a neuron's part is its weight times its own mean of deltas.
    """
    following = record.after(place.layer)
    if place.neuron is None or following is None:
        return (), 0, None
    weight = following.weight.before[place.neuron]
    size = np.abs(weight) * following.sizes.through
    total = float(size.sum())
    pushers = tuple(
        Pusher(
            neuron=f"{following.spec.name}[{k}]",
            weight=float(weight[k]),
            part=float(weight[k] * following.sizes.delta[k]),
            share=float(size[k] / (total or 1)),
        )
        for k in np.argsort(-size, kind="stable")[:TOP]
    )
    layer = record.layers[place.layer]
    pushed = float(layer.sizes.pushed[place.neuron])
    if layer.rows is not None:  # of the neuron alone; of a softmax the size is of all together
        pushed = float(mean_size(layer.rows.share, layer.rows.upstream[:, place.neuron]))
    return pushers, len(weight) - len(pushers), min(pushed / total, 1.0) if total else None


def _pulls(
    seen: SeenStep,
    layer: LayerStep,
    place: Address,
    text_of: Callable[[list[int]], str] | None,
) -> tuple[tuple[Pull, ...], tuple[Pull, ...]]:
    """Return the rows that raise and that lower the parameter most, where rows were kept."""
    known = layer.rows or layer.strongest
    if known is None:
        return (), ()
    pulls = sample_gradients(known, place)

    def described(which: np.ndarray) -> tuple[Pull, ...]:
        rows, found = known.numbers[which].tolist(), []
        for row, i in zip(rows, which, strict=True):
            at, token = layer.places.of(row, layer.samples)
            text = None if token is None or text_of is None else text_of([token])
            found.append(Pull(row, seen.target(row), float(pulls[i]), at, token, text))
        return tuple(found)

    raising, lowering = strongest(pulls, TOP)
    return described(raising), described(lowering)


def _clones(record: StepRecord, place: Address) -> tuple[int, ...]:
    """Return the other neurons with equal weights in, and with equal weights out.

    Where the weights out are not known, or neurons may see other inputs than their neighbours do,
    their gradients must be equal, too. What the loss itself pushes has targets to tell it apart.
    """
    layer, following = record.layers[place.layer], record.after(place.layer)
    if place.neuron is None or record.is_pushed_by_loss(place.layer):
        return ()
    bias = [] if layer.bias is None else [layer.bias.before[None]]
    are_equal = equal_to(place.neuron, [layer.weight.before, *bias], TOLERANCE)
    if following is not None:
        are_equal &= equal_to(place.neuron, [following.weight.before.T], TOLERANCE)
    if following is None or not layer.spec.traits.takes_outputs:
        if layer.spec.n_in < 2:
            return ()
        are_equal &= equal_to(place.neuron, [layer.weight.gradient], TOLERANCE)
    return tuple(int(k) for k in np.flatnonzero(are_equal) if k != place.neuron)


def _development(run: RunFolder, place: Address) -> Development:
    steps, rows = run.rows(place.layer)
    of_neuron = rows[:, :, place.neuron] if place.neuron is not None else np.median(rows, axis=2)
    values = {
        name: tuple(of_neuron[:, ROW_FIELDS.index(name)].tolist())
        for name in FACTORS
        if (name, place.kind) != ("input", "bias")  # what was recorded is the input of its weights
    }
    return Development(tuple(steps.tolist()), values)
