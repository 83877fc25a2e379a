"""Statement 3: a gradient is a product, and every factor is a way of its own to fall silent."""

from typing import Any

import jax
import numpy as np

from whygrad.backprop import LayerAnatomy, backward, forward
from whygrad.factoring import FACTORS, Factors, factors
from whygrad.lessons.experiments.silence_network import (
    AILMENTS,
    CUT,
    HEALTHY,
    NEURONS,
    SATURATED,
    Case,
    Silence,
    build,
    pulls,
)
from whygrad.lessons.experiments.silence_story import tell
from whygrad.lessons.lesson import AT_MOST, EQUALS, Exercise, Law, Lesson, Measured, Tick

ROUNDING = 1e-13  # of the same arithmetic in another order in float64, relative to the push
SILENT = 0.1  # of the healthy neuron's gradient; what is below counts as silent
LAYER = "hidden1"


def measure(setup: Silence, tick: Tick) -> Measured:
    """Take one backward pass through all five neurons, and split what comes out."""
    with jax.enable_x64(True):
        case = build(setup)
        trace = forward(case.network, case.x)
        target = np.asarray(trace.output) - case.error
        layer = backward(case.network, trace, target, loss="squared")[LAYER]
        tick(0.4)
        split = factors(layer)
        of_weights, of_biases = _diagonal(split.weight), _as_numbers(split.bias)
        tick(0.7)
        by_weight, by_bias = pulls(setup, case, target)
    measured = {
        "sample": _first_sample(layer),
        "factors": of_weights,
        "biases": of_biases,
        "product": _product(of_weights),
        "bias_product": _product(of_biases),
        "autodiff": np.abs(by_weight.mean(axis=0)),
        "bias_autodiff": np.abs(by_bias.mean(axis=0)),
        "pull": np.abs(by_weight).mean(axis=0),
        "loudness": np.abs(case.x).mean(axis=0),
        "largest_output": float(np.abs(trace.output).max()),
        "off": _off(layer, case, by_weight, by_bias, _product(of_weights)),
        **_causes(of_weights),
    }
    return measured | {"is_confirmed": all(law.holds for law in laws(setup, measured))}


def laws(setup: Silence, measured: Measured) -> tuple[Law, ...]:
    """The factors multiply to the gradient, and the one that went missing is the small one."""
    room = ROUNDING * (1 + measured["largest_output"])  # an error is output minus target
    return (
        Law("delta", measured["off"]["delta"], AT_MOST, room),
        Law("product", measured["off"]["product"], AT_MOST, room),
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


def _off(
    layer: LayerAnatomy, case: Case, by_weight: np.ndarray, by_bias: np.ndarray, product: np.ndarray
) -> dict[str, float]:
    """Return how far whygrad is from autodiff, relative to how hard each neuron is pushed."""
    out = np.diag(np.asarray(case.network["output"].weight))
    push = np.abs(case.error * out).mean(axis=0)
    delta = np.asarray(layer.upstream * layer.slope) - by_bias
    return {
        "delta": _largest(np.abs(delta).max(axis=0), push),
        "product": _largest(np.abs(product - np.abs(by_weight.mean(axis=0))), push),
    }


def _largest(part: np.ndarray, whole: np.ndarray) -> float:
    return float(_ratio(part, whole).max())


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
        "share": _ratio(product, product[HEALTHY]),
        "is_silent": is_silent,
        "cause": [smallest[k] if is_silent[k] else None for k in range(len(NEURONS))],
        "exceptions": sum(
            bool(is_silent[k]) and smallest[k] != factor for k, (factor, _) in AILMENTS.items()
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
)
