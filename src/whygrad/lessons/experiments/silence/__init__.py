"""Statement 3: a gradient is a product, and every factor is a way of its own to fall silent."""

from typing import Any

import jax
import numpy as np

from whygrad.core.backprop import LayerAnatomy, backward, forward
from whygrad.core.factors import Factors, factors
from whygrad.lessons.experiments.silence.network import (
    CUT,
    HEALTHY,
    MISSING,
    NEURONS,
    SATURATED,
    SILENT,
    Case,
    Silence,
    build,
    pulls,
)
from whygrad.lessons.experiments.silence.story import tell
from whygrad.lessons.lesson import AT_MOST, EQUALS, Exercise, Law, Lesson, Measured, Place, Tick
from whygrad.record.fields import FACTORS

ROUNDING = 1e-13  # of the same arithmetic in another order in float64, relative to the push
LAYER = "hidden1"


def measure(setup: Silence, tick: Tick) -> Measured:
    """Take one backward pass through all five neurons, and split what comes out."""
    with jax.enable_x64(True):
        case = build(setup)
        trace = forward(case.network, case.x)
        target = np.asarray(trace.output) - case.error
        layer = backward(case.network, trace, target, loss="squared")[LAYER]
        tick(0.4)
        split, gradient = factors(layer), layer.gradient()
        of_weights, of_biases = _diagonal(split.weight), _as_numbers(split.bias)
        tick(0.7)
        by_weight, by_bias = pulls(setup, case, target)
    product, bias_product = _product(of_weights), _product(of_biases)
    found = np.stack([np.diag(np.asarray(gradient["weight"])), np.asarray(gradient["bias"])])
    expected = np.stack([by_weight.mean(axis=0), by_bias.mean(axis=0)])
    push = _push(case)
    measured = {
        "sample": _first_sample(layer),
        "factors": of_weights,
        "biases": of_biases,
        "product": product,
        "bias_product": bias_product,
        "autodiff": np.abs(expected[0]),
        "bias_autodiff": np.abs(expected[1]),
        "pull": np.abs(by_weight).mean(axis=0),
        "loudness": np.abs(case.x).mean(axis=0),
        "largest_output": float(np.abs(trace.output).max()),
        "off": {
            "delta": _off_delta(layer, by_bias, push),
            "product": _largest(np.stack([product, bias_product]) - np.abs(expected), push),
            "gradient": _largest(found - expected, push),
        },
        **_causes(of_weights),
    }
    return measured | {"is_confirmed": all(law.holds for law in laws(setup, measured))}


def laws(setup: Silence, measured: Measured) -> tuple[Law, ...]:
    """The factors multiply to the gradient, and the one that went missing is the small one."""
    room = ROUNDING * (1 + measured["largest_output"])  # an error is output minus target
    return (
        Law("delta", measured["off"]["delta"], AT_MOST, room),
        Law("product", measured["off"]["product"], AT_MOST, room),
        Law("gradient", measured["off"]["gradient"], AT_MOST, room),
        Law("cause", float(measured["exceptions"]), EQUALS, 0.0),
    )


def _first_sample(layer: LayerAnatomy) -> dict[str, np.ndarray]:
    names = ("preactivation", "upstream", "slope", "delta")
    return {name: np.asarray(getattr(layer, name))[0] for name in names}


def _diagonal(found: Factors) -> dict[str, np.ndarray]:
    """Return the factors of the one weight into every neuron that is not 0."""
    return {name: np.diag(np.asarray(getattr(found, name))) for name in FACTORS}


def _as_numbers(found: Factors) -> dict[str, np.ndarray]:
    return {name: np.asarray(getattr(found, name)) for name in FACTORS}


def _product(found: dict[str, np.ndarray]) -> np.ndarray:
    return np.prod([found[name] for name in FACTORS], axis=0)


def _push(case: Case) -> np.ndarray:
    """Return how hard each neuron is pushed: what all differences are relative to."""
    out = np.diag(np.asarray(case.network["output"].weight))
    return np.abs(case.error * out).mean(axis=0)


def _off_delta(layer: LayerAnatomy, by_bias: np.ndarray, push: np.ndarray) -> float:
    """Return how far delta, and the product that it should be, are from autodiff."""
    found = np.stack([layer.delta, layer.upstream * layer.slope])
    return _largest(found - by_bias, push)


def _largest(difference: np.ndarray, whole: np.ndarray) -> float:
    return float(_ratio(np.abs(difference), whole).max())


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, where 0/0 is 0 and anything else over 0 is infinite."""
    part, whole = np.broadcast_arrays(part, whole)
    return np.divide(part, whole, out=np.where(part == 0, 0, np.inf), where=whole != 0)


def _causes(found: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the smallest factor of every neuron beside the healthy one's: the first, if several.

    A neuron that was to be silent but is not has no cause, and is no exception.
    """
    table = np.stack([found[name] for name in FACTORS])
    relative, product = _ratio(table, table[:, [HEALTHY]]), table.prod(axis=0)
    is_silent = product < SILENT * product[HEALTHY]
    smallest = [FACTORS[place] for place in relative.argmin(axis=0)]
    return {
        "relative": dict(zip(FACTORS, relative, strict=True)),
        "share": _ratio(product, product[[HEALTHY]]),
        "is_silent": is_silent,
        "cause": [smallest[k] if is_silent[k] else None for k in range(len(NEURONS))],
        "exceptions": sum(
            bool(is_silent[k]) and smallest[k] != factor for k, (factor, _) in MISSING.items()
        ),
    }


def _hears_as_much(setup: Silence, measured: Measured) -> bool:
    is_closed = measured["relative"]["slope"][SATURATED] < 0.01
    return bool(is_closed and measured["share"][SATURATED] >= 1)


def _is_deaf(setup: Silence, measured: Measured) -> bool:
    return bool(measured["factors"]["slope"][SATURATED] == 0 and setup.push >= 10)


def _has_a_small_way_out(setup: Silence, measured: Measured) -> bool:
    return bool(0.009 <= measured["share"][CUT] <= 0.011)


LESSON = Lesson(
    name="silence",
    claim=3,
    setup=Silence,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise("push", _hears_as_much, {"push": 1000.0}),
        Exercise("deaf", _is_deaf, {"activation": "relu"}),
        Exercise("exit", _has_a_small_way_out, {"exit": 0.01}),
    ),
    lab=lambda setup: Place("forces", {"slide": "asleep"}),
)
