"""A recorded run as the page of the lab holds it: what fits, and how much was left out.

Every layer's factors travel as 16-bit codes on a scale of logarithms, at as many of the recorded
steps as fit; a few steps travel whole (:mod:`whygrad.lab.whole`), in float32. Layers stand in
lists, never under their names, which may be any text. Arrays are base64, little-endian.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int, UInt16

from whygrad.errors import RunError, WhygradError
from whygrad.lab.page import NONE, Progress
from whygrad.lab.whole import ASKED, Chosen, asked, chosen, encoded, of_layers, seen_at
from whygrad.lab.whole import BUDGET as WHOLE_BYTES
from whygrad.record.fields import FACTORS, ROW_FIELDS
from whygrad.record.layers import LayerSpec

if TYPE_CHECKING:
    from whygrad.runs import Run

BUDGET = 1_400_000  # bytes of codes; what base64 makes of them is a third more
GROUPS = 64  # neurons of a layer that are shown one by one; of more, groups are
LEAST = 60  # steps below which large layers are thinned neuron by neuron before step by step
MOST = 1500  # steps that are shown, however small the run is
LOSSES = 20_000  # points of the loss
ZERO, INFINITE, UNDEFINED, ABSENT, FIRST, LAST = 0, 1, 2, 3, 4, 65_535  # codes

Rows = Float[np.ndarray, "steps factors neurons"]


def recording(
    run: "Run",
    *,
    steps: Sequence[int] | None = None,
    linked: Mapping[int, bool] = NONE,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return what the page needs of a run, for JSON.

    Args:
        steps: the recorded steps to hold whole; default: a few that are worth a look.
        linked: steps at which the page must be able to stop, and whether each is wanted whole.
        progress: called with how many parts are done, and how many there are.

    Raises:
        OptionError: more steps were asked for than fit.
        AddressError: one was not recorded, or not kept whole.
        RunError: nothing was recorded, the run is damaged, or a step asked for does not replay.
    """
    specs = list(run.specs.values())
    recorded = [run.rows(spec.name)[0] for spec in specs]
    every = np.unique(np.concatenate(recorded)) if specs else np.empty(0, int)
    if not len(every):
        raise RunError("error.lab_nothing_recorded", path=run.path)
    lines = [line for line in run.history_lines if "loss" in line]
    losses = {line["step"]: line["loss"] for line in lines}
    worth_it = [step for step, is_whole in linked.items() if is_whole]
    wanted = asked(run, every, steps) if steps else chosen(run, every, losses, worth_it)
    total = len(specs) + len(wanted)

    def tell(done: int) -> None:
        if progress is not None:
            progress(done, total)

    tell(0)
    whole, left_out = _whole_steps(run, specs, wanted, lambda done: tell(done + 1))
    plan = Plan.of([spec.n_out for spec in specs], every, sorted({*linked, *dict(wanted)}))
    layers, apart = [], 0.0
    for done, spec in enumerate(specs, start=1):
        packed, error = _layer(run, spec, plan)
        layers.append(_described(spec, specs) | packed)
        apart = max(apart, error)
        tell(len(wanted) + done)
    return {
        "name": run.name,
        "canReplay": run.can("replay"),
        "features": _features(run),
        "layers": layers,
        "steps": plan.steps.tolist(),
        "recorded": len(every),
        "error": apart,
        "loss": _losses(losses),
        "whole": whole,
        "leftOut": left_out,
    }


# --- which steps fit ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """Which of the recorded steps are shown.

    Attributes:
        steps: those at which the page can stop.
        single: places in ``steps`` at which every neuron is kept for itself.
        is_grouped: whether groups of neurons are kept besides, at all stops.
        fitting: number by number of the layers, whether its neurons are kept at all.
    """

    steps: Int[np.ndarray, " stops"]
    single: Int[np.ndarray, " single"]
    is_grouped: bool
    fitting: tuple[bool, ...]

    @classmethod
    def of(
        cls, neurons: Sequence[int], every: np.ndarray, needed: Sequence[int], budget: int = BUDGET
    ) -> "Plan":
        """Return what fits.

        Args:
            neurons: how many each layer has.
            every: all recorded steps, ascending.
            needed: steps that are kept whole, or linked to.
        """
        steps = _thinned(every, min(_fitting(sum(neurons), budget), MOST), needed)
        if _fitting(sum(neurons), budget) >= min(len(every), LEAST):
            return cls(steps, np.arange(len(steps)), False, (True,) * len(neurons))
        of_groups = _fitting(sum(min(count, GROUPS) for count in neurons), int(0.4 * budget))
        steps, room = _thinned(every, min(max(of_groups, 2), MOST), needed), int(0.6 * budget)
        kept = [True] * len(neurons)
        for place in np.argsort(neurons)[::-1].tolist():  # what is largest is left out first
            if not _fitting(_chosen(neurons, kept), room):
                kept[place] = False
        few = _thinned(steps, _fitting(_chosen(neurons, kept), room), [])
        return cls(steps, np.searchsorted(steps, few), True, tuple(kept))


def _chosen(neurons: Sequence[int], kept: Sequence[bool]) -> int:
    return sum(count for count, is_kept in zip(neurons, kept, strict=True) if is_kept)


def _fitting(neurons: int, budget: int) -> int:
    """Return at how many steps the codes of so many neurons fit, beside their scales."""
    scales = 2 * np.dtype(np.float32).itemsize * len(FACTORS) * neurons
    of_step = np.dtype(np.uint16).itemsize * len(FACTORS) * neurons
    return max(budget - scales, 0) // max(of_step, 1)


def _thinned(steps: np.ndarray, most: int, needed: Sequence[int]) -> np.ndarray:
    """Return at most so many steps, even apart, with the last one; those needed come besides."""
    if len(steps) <= most:
        return steps
    places = np.linspace(len(steps) - 1, 0, min(len(steps), max(most - len(needed), 1))).round()
    return np.union1d(steps[places.astype(int)], np.intersect1d(steps, np.asarray(needed, int)))


# --- layers ------------------------------------------------------------------------------------


def _described(spec: LayerSpec, specs: Sequence[LayerSpec]) -> dict[str, Any]:
    below = next((one.name for one in specs if one.feeds == spec.name), None)
    weight, bias = spec.packed_weight, spec.packed_bias
    return {
        "name": spec.name,
        "neurons": spec.n_out,
        "inputs": spec.n_in,
        "activation": spec.activation,
        "isMatched": spec.is_matched,
        "below": below if spec.traits.takes_outputs else None,
        # how a weight is called: its parameter, and which of its axes count the neurons
        "weight": spec.weight,
        "bias": spec.bias,
        "shape": list(spec.shape),
        "axes": spec.layout.neurons(spec.shape),
        "first": [0 if one is None else one.first for one in (weight, bias)],
    }


def _layer(run: "Run", spec: LayerSpec, plan: Plan) -> tuple[dict[str, Any], float]:
    """Return a layer's factors at the steps of a plan, and the largest error of their codes."""
    steps, rows = run.rows(spec.name)
    fields = [ROW_FIELDS.index(name) for name in FACTORS]
    of_stops = _at(plan.steps, steps, rows[:, fields])
    singles = plan.single if plan.fitting[run.layers.index(spec.name)] else plan.single[:0]
    single, apart = _coded(of_stops, singles)
    packed: dict[str, Any] = {"single": single, "grouped": None}
    if plan.is_grouped:
        whole = np.arange(len(plan.steps))
        packed["grouped"], error = _coded(medians(of_stops), whole)
        apart = max(apart, error)
    return packed, apart


def _at(
    stops: np.ndarray, steps: np.ndarray, rows: Rows
) -> Float[np.ndarray, "stops factors neurons"]:
    """Return the rows of some steps; NaN with a mark of its own, -1, where there are none."""
    found = np.full((len(stops), *rows.shape[1:]), -1.0)
    places = np.searchsorted(steps, stops)
    is_there = (places < len(steps)) & (steps[np.minimum(places, len(steps) - 1)] == stops)
    found[is_there] = rows[places[is_there]]
    return found


def medians(rows: Rows) -> Float[np.ndarray, "steps factors groups"]:
    """Return the median of each group of neighbouring neurons, at most :data:`GROUPS` of them."""
    count = rows.shape[2]
    size = -(-count // GROUPS)
    cuts = range(0, count, size)
    return np.stack([np.median(rows[:, :, at : at + size], axis=2) for at in cuts], axis=2)


def _coded(rows: Rows, places: np.ndarray) -> tuple[dict[str, Any], float]:
    codes, scale, apart = quantised(rows[places])
    told = {
        "stops": places.tolist(),
        "count": rows.shape[2],
        "codes": encoded(codes, "<u2"),
        "scale": encoded(scale),
    }
    return told, apart


def quantised(
    rows: Rows,
) -> tuple[
    UInt16[np.ndarray, "steps factors neurons"], Float[np.ndarray, "factors neurons 2"], float
]:
    """Return sizes as codes, on a scale of logarithms that each factor of each neuron has.

    size = 2 ** (low + (code - FIRST) * width); 0, infinity and NaN have codes of their own, and
    so has what was not recorded, which is negative here.

    Returns:
        The codes; low and width; and the largest relative error, measured on these numbers.
    """
    sizes = rows.astype(np.float64)
    is_number = np.isfinite(sizes) & (sizes > 0)
    logs = np.log2(np.where(is_number, sizes, 1.0))
    low = np.where(is_number, logs, np.inf).min(axis=0, initial=np.inf)
    high = np.where(is_number, logs, -np.inf).max(axis=0, initial=-np.inf)
    low, high = (np.where(np.isfinite(one), one, 0.0) for one in (low, high))
    # rounded first: the page has no more digits
    scale = np.stack([low, (high - low) / (LAST - FIRST)], axis=-1).astype(np.float32)
    low, width = (scale[..., i].astype(np.float64) for i in range(2))
    places = np.rint((logs - low) / np.where(width > 0, width, 1.0))
    codes = np.where(is_number, FIRST + np.clip(places, 0, LAST - FIRST), UNDEFINED)
    codes[sizes == 0], codes[np.isposinf(sizes)], codes[sizes < 0] = ZERO, INFINITE, ABSENT
    again = np.exp2(low + (codes - FIRST) * width)
    apart = np.abs(again / np.where(is_number, sizes, 1.0) - 1)
    return codes.astype(np.uint16), scale, float(np.where(is_number, apart, 0).max(initial=0.0))


# --- the loss, the names and the whole steps ---------------------------------------------------


def _losses(losses: dict[int, float | None]) -> dict[str, str]:
    """Return the loss of each recorded step; of very many, of some."""
    steps = _thinned(np.array(sorted(losses), int), LOSSES, [])
    values = [losses[step] for step in steps.tolist()]
    known = np.array([np.nan if value is None else value for value in values], float)
    return {"steps": encoded(steps, "<u4"), "values": encoded(known)}


def _features(run: "Run") -> list[str] | None:
    """Return what the inputs of the network are called; None where the run does not tell."""
    if not run.can("data"):
        return None
    return [str(name) for name in run.data.feature_names]


def _whole_steps(
    run: "Run",
    specs: Sequence[LayerSpec],
    wanted: Sequence[Chosen],
    tell: Callable[[int], None],
) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the steps that are kept whole, and those that could not be had.

    Raises:
        WhygradError: one that was asked for could not be had.
    """
    found: list[dict[str, Any]] = []
    left_out, room = [], WHOLE_BYTES
    for done, (step, why) in enumerate(wanted):
        try:
            seen = seen_at(run, step)
            layers = of_layers(seen, specs, room // (len(wanted) - done))
        except WhygradError:  # such as a step that does not replay here; the others may
            if why == ASKED:
                raise
            left_out.append(step)
        else:
            loss = encoded(np.array([seen.record.loss]))
            found.append({"step": step, "why": why, "loss": loss, "layers": layers})
            room -= len(json.dumps(found[-1])) * 3 // 4  # bytes, as base64 writes them
        tell(done)
    return sorted(found, key=lambda one: one["step"]), sorted(left_out)
