"""The steps of a run that the page holds whole: which ones, and what of them fits.

Of a layer there are the four factors of every neuron, the samples of the batch (all, or those that
pull most), and of every neuron the weights with the largest gradients, all if they fit. What of it
travels is in float32; the page multiplies it out again, and compares.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from whygrad.errors import AddressError, OptionError
from whygrad.explain.explaining import SeenStep, seen_step
from whygrad.record.factors import telescope
from whygrad.record.fields import FACTORS
from whygrad.record.layers import LayerSpec
from whygrad.record.step import LayerStep, ParameterStep, Rows

if TYPE_CHECKING:
    from whygrad.runs import Run

BUDGET = 1_700_000  # bytes of all whole steps; what base64 makes of them is a third more
FEW, MANY = 2, 8  # whole steps at least, where there are so many, and at most
SPIKE = 2.0  # times the median of the recorded losses around it: a loss worth a look
AROUND = 5  # recorded losses on either side
NUMBER = 4  # bytes of float32
OF_NEURON = 9 * NUMBER  # bytes of a neuron: four factors, two sizes, and its bias
OF_WEIGHT = 5 * NUMBER  # bytes of a weight: its place, and four numbers
OF_LAYER = 1_000  # bytes of all that is said of a layer besides
OF_ROWS = 0.8  # of what a step may take, where not everything fits
ROOMY = 3  # times what neurons take: samples and weights need some room, too
ASKED = "asked"  # why a step is kept that the user named

Chosen = tuple[int, str]  # a step, and the key of why it is worth a look


# --- which steps -------------------------------------------------------------------------------


def chosen(
    run: "Run",
    every: np.ndarray,
    losses: Mapping[int, float | None],
    linked: Iterable[int] = (),
) -> list[Chosen]:
    """Return the recorded steps to keep whole, those worth most first.

    Those that are linked to; the last, the first, one at which the loss was not finite or jumped;
    then others between them.

    Args:
        every: the recorded steps, ascending.
        losses: of each; None where it was not finite.
        linked: what another page leads to.
    """
    if run.can("replay"):
        last = max(run.checkpoints, default=0)  # of later steps no state is left to replay from
        there = every[every < last] if (every < last).any() else every
    else:
        there = np.intersect1d(every, run.whole_steps)
    if not len(there):
        return []
    found: dict[int, str] = {int(there[-1]): "last"}
    for step, why in ((_worst(there, losses), "spike"), (_lost(there, losses), "lost")):
        if step is not None:
            found.setdefault(step, why)
    found.setdefault(int(there[0]), "first")
    most = min(max(BUDGET // _bytes_of_one(run), FEW), MANY)
    for share in (0.5, 0.25, 0.75, 0.1, 0.4, 0.9):
        found.setdefault(int(there[round(share * (len(there) - 1))]), "between")
    first = {step: "linked" for step in linked if step in there}
    return list((first | found).items())[:most]


def asked(run: "Run", every: np.ndarray, steps: Sequence[int]) -> list[Chosen]:
    """Return the steps that a user wants whole, in order.

    Args:
        every: the recorded steps, ascending.

    Raises:
        OptionError: they are more than fit into the page.
        AddressError: one of them was not recorded, or not kept whole.
    """
    wanted, recorded = sorted(set(steps)), every.tolist()
    for step in wanted:
        if step not in recorded:
            near = min(recorded, key=lambda one: abs(one - step))
            values = {"step": step, "path": run.path, "count": len(recorded), "near": near}
            raise AddressError("error.lab_step_not_recorded", **values)
        if not run.can("replay") and step not in run.whole_steps:
            run.whole(step)  # says so
    least = sum(ROOMY * spec.n_out * OF_NEURON + OF_LAYER for spec in run.specs.values())
    most = max(BUDGET // least, 1)
    if len(wanted) > most:
        raise OptionError("error.lab_steps_too_many", most=most, actual=len(wanted))
    return [(step, ASKED) for step in wanted]


def _bytes_of_one(run: "Run") -> int:
    """Return about how many bytes one step takes with all that there is of it."""
    samples = run.settings.batch_size if run.can("train") else 64
    each = [
        samples * (spec.n_in + 3 * spec.n_out) * NUMBER + spec.n_in * spec.n_out * OF_WEIGHT
        for spec in run.specs.values()
    ]
    return max(sum(each), 1)


def _worst(steps: np.ndarray, losses: Mapping[int, float | None]) -> int | None:
    """Return the step whose loss stands out most from those around it, if one does."""
    known = [(step, losses.get(step)) for step in steps.tolist()]
    found = [(step, loss) for step, loss in known if loss is not None and np.isfinite(loss)]
    if len(found) < 2:
        return None
    values = np.array([loss for _, loss in found], float)
    padded = np.pad(values, AROUND, constant_values=np.nan)
    around = np.delete(sliding_window_view(padded, 2 * AROUND + 1), AROUND, axis=1)
    middle = np.nanmedian(around, axis=1)
    ratio = np.divide(values, middle, out=np.zeros_like(values), where=middle > 0)
    ratio[0] = 0  # the first has no before
    best = int(ratio.argmax())
    return found[best][0] if ratio[best] > SPIKE else None


def _lost(steps: np.ndarray, losses: Mapping[int, float | None]) -> int | None:
    """Return the first step whose loss was told and was not finite."""
    return next((s for s in steps.tolist() if s in losses and losses[s] is None), None)


def seen_at(run: "Run", step: int) -> SeenStep:
    """Return a step, seen whole.

    Raises:
        WhygradError: it cannot be.
    """
    layers = run.layers
    if not run.can("replay"):
        kept = run.kept_whole()
        layers = [name for name in layers if step in kept.get(name, ())]
    with np.errstate(all="ignore"):
        return seen_step(run, layers[0], step)


# --- what of a step fits -----------------------------------------------------------------------


def of_layers(seen: SeenStep, specs: Sequence[LayerSpec], room: int) -> list[dict[str, Any] | None]:
    """Return what the page holds of each layer, None of one that was not kept.

    Neurons come first, then samples, then weights; of what does not fit every layer has a share.

    Args:
        room: bytes that the step may take.
    """
    layers = {i: seen.record.layers.get(spec.name) for i, spec in enumerate(specs)}
    there = {i: layer for i, layer in layers.items() if layer is not None}
    for i in sorted(there, key=lambda i: -there[i].spec.n_out):  # what is largest is left out first
        if sum(layer.spec.n_out for layer in there.values()) * OF_NEURON > room:
            del there[i]
    left = room - sum(layer.spec.n_out for layer in there.values()) * OF_NEURON
    of_rows = {i: _bytes_of_rows(layer.rows) for i, layer in there.items()}
    if sum(of_rows.values()) + _of_weights(there.values()) > left:
        of_rows = {i: _bytes_of_rows(one.rows, slope=False) for i, one in there.items()}
    wanted, room_of_rows = max(sum(of_rows.values()), 1), int(OF_ROWS * left)
    found: list[dict[str, Any] | None] = [None] * len(specs)
    for i, layer in there.items():
        share = of_rows[i] * min(room_of_rows / wanted, 1)
        rows, took = _rows(seen, layer, round(share))
        found[i] = {"rows": rows}
        left -= took
    neurons = sum(layer.spec.n_out for layer in there.values())
    for i, layer in sorted(there.items(), key=lambda pair: pair[1].spec.n_in):
        spec = layer.spec
        count = min(spec.n_in, left // (neurons * OF_WEIGHT))  # alike for every neuron left
        found[i] = _layer(layer, count) | (found[i] or {})
        left -= count * spec.n_out * OF_WEIGHT
        neurons -= spec.n_out
    return found


def _of_weights(layers: Iterable[LayerStep]) -> int:
    return sum(layer.weight.gradient.size * OF_WEIGHT for layer in layers)


def _bytes_of_rows(rows: Rows | None, *, slope: bool = True) -> int:
    if rows is None:
        return 0
    wide = rows.input.shape[1] + (2 + (slope and rows.slope is not None)) * rows.delta.shape[1]
    return len(rows.share) * wide * NUMBER


def _layer(layer: LayerStep, count: int) -> dict[str, Any]:
    sizes, gradient = layer.sizes, np.linalg.norm(layer.weight.gradient, axis=0)
    four = telescope(sizes.pushed, sizes.through, sizes.pulled, gradient)
    return {
        "factors": encoded(np.stack([getattr(four, name) for name in FACTORS])),
        "gradient": encoded(gradient),
        "through": encoded(sizes.through),
        "weights": _weights(layer, count),
        "bias": None if layer.bias is None else _moved(layer.bias, ...),
    }


def _rows(seen: SeenStep, layer: LayerStep, room: int) -> tuple[dict[str, Any] | None, int]:
    """Return the samples that fit: all, or those that pull most at the layer."""
    rows = layer.rows
    if rows is None:
        return None, 0
    count, slope = len(rows.share), rows.slope
    if _bytes_of_rows(rows) > room:
        slope = None  # delta / upstream tells it, too
        count = min(count, room * count // max(_bytes_of_rows(rows, slope=False), 1))
    size = rows.share * np.linalg.norm(rows.input, axis=1) * np.linalg.norm(rows.delta, axis=1)
    kept = np.sort(np.argsort(-np.nan_to_num(size, nan=np.inf), kind="stable")[:count])
    numbers = rows.numbers[kept].tolist()
    return {
        "of": len(rows.share),
        "numbers": numbers,
        "targets": [seen.target(row) for row in numbers],
        "share": encoded(rows.share[kept]),
        "input": encoded(rows.input[kept]),
        "upstream": encoded(rows.upstream[kept]),
        "delta": encoded(rows.delta[kept]),
        "slope": None if slope is None else encoded(slope[kept]),
    }, _bytes_of_rows(rows, slope=slope is not None) * count // max(len(rows.share), 1)


def _weights(layer: LayerStep, count: int) -> dict[str, Any]:
    """Return so many weights of every neuron: those with the largest gradients.

    They are (count, n_out); ``places`` says which input each comes from, null where all are there.
    """
    size = np.nan_to_num(np.abs(layer.weight.gradient), nan=np.inf)
    all_fit = count == len(size)
    places = np.argsort(-size, axis=0, kind="stable")[:count]
    where = ... if all_fit else (places, np.arange(size.shape[1]))
    pulls = layer.pulls[where] if count else np.empty((0, size.shape[1]))
    return {
        "count": count,
        "places": None if all_fit else encoded(places, "<u4"),
        "pulls": encoded(pulls),
        **_moved(layer.weight, where),
    }


def _moved(parameter: ParameterStep, where: Any) -> dict[str, str]:
    parts = (parameter.before[where], parameter.gradient[where])
    movement = parameter.after[where] - parameter.before[where]
    names = ("before", "gradient", "movement")
    return {name: encoded(one) for name, one in zip(names, (*parts, movement), strict=True)}


def encoded(array: Any, kind: str = "<f4") -> str:
    """Return an array in base64, little-endian: float32, if nothing else is said."""
    with np.errstate(over="ignore"):
        return base64.b64encode(np.ascontiguousarray(array, kind).tobytes()).decode()
