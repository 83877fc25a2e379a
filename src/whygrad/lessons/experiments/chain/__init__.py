"""Statement 1: dC/dw = delta * input and dC/db = delta * 1, link by link."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.core.nn.losses import loss_rule
from whygrad.lessons.experiments.chain.neuron import (
    Chain,
    autodiff_of,
    chain_of,
    losses_of,
    preactivations_of,
)
from whygrad.lessons.experiments.chain.story import tell
from whygrad.lessons.instruments.second_way import NUDGE, Nudged, nudged
from whygrad.lessons.lesson import AT_MOST, Exercise, Law, Lesson, Measured, Place, Tick, within

TOLERANCE = 1e-9  # of a central difference, relative to the numbers that it subtracts
ROUNDING = 1e-13  # of another order of the same arithmetic in float64, likewise
KINK = 0.1  # left and right of a link differ by more than this at a kink, else by rounding
LINKS = ("upstream", "slope", "input", "constant")  # each number over the one before
FURTHER = 6.0  # how far z is moved in what the telling leaves out
POINTS = 81  # of a curve
ROOM = {"weight": 5.0, "bias": 30.0, "input": 5.0, "target": 1.0}  # how far the lab's sliders go


def measure(setup: Chain, tick: Tick) -> Measured:
    """Walk the chain with whygrad, then nudge every link and both parameters."""
    with jax.enable_x64(True):
        chain = chain_of(setup, setup.weight, setup.bias, setup.input, setup.target)
        tick(0.3)
        nudges = _nudges(setup, chain)
        tick(0.6)
        auto = autodiff_of(setup)
        variants = _variants(setup, chain)
        tick(0.8)
        curves = _curves(setup)
    scale = _scale(setup, chain)
    measured = {
        "chain": chain,
        "nudged": {name: float(one.slope) for name, one in nudges.items()},
        "autodiff": auto,
        "off": {name: abs(chain[name] - float(one.slope)) for name, one in nudges.items()},
        "gap": {name: float(one.gap) for name, one in nudges.items()},
        "apart": {name: abs(chain[name] - auto[name]) for name in nudges},
        "split": _split(chain),
        "kink": _kink(nudges),
        "scale": scale,
        "nudge": {"weight": _step(setup), "bias": NUDGE},
        "variants": variants,
        "curves": curves,
    }
    return measured | {"is_confirmed": all(law.holds for law in laws(setup, measured))}


def laws(setup: Chain, measured: Measured) -> tuple[Law, ...]:
    """The products are the gradients, and both other ways find the same numbers.

    Where left and right differ, at a kink, any derivative between them is right.
    """
    off, gap, kink = (measured[name] for name in ("off", "gap", "kink"))
    near, exactly = (room * measured["scale"] for room in (TOLERANCE, ROUNDING))
    links = max(gap["upstream"], gap["slope"])
    weight, bias = "weight_gradient", "bias_gradient"
    return (
        Law("product", measured["split"], AT_MOST, exactly),
        Law("links", max(off[name] for name in LINKS), AT_MOST, near + links / 2),
        Law("weight", off[weight], AT_MOST, near + gap[weight] / 2),
        Law("bias", off[bias], AT_MOST, near + gap[bias] / 2),
        Law("autodiff", max(measured["apart"].values()), AT_MOST, exactly + kink["gap"]),
    )


def _nudges(setup: Chain, chain: dict[str, float]) -> dict[str, Nudged]:
    """Return how every link, and the loss as a whole, answers to nudges."""
    losses, sums = losses_of(setup), preactivations_of(setup)
    value, loss = ACTIVATIONS[setup.activation].value, loss_rule(setup.loss).value
    target = jnp.array([[setup.target]])
    return {
        "input": nudged(lambda w: sums(w, setup.bias), setup.weight, _step(setup)),
        "constant": nudged(lambda b: sums(setup.weight, b), setup.bias),
        "slope": nudged(lambda z: value(jnp.asarray(z)), chain["preactivation"]),
        "upstream": nudged(
            lambda a: loss(jnp.asarray(a).reshape(1, 1), target)[0], chain["output"]
        ),
        "weight_gradient": nudged(lambda w: losses(w, setup.bias), setup.weight, _step(setup)),
        "bias_gradient": nudged(lambda b: losses(setup.weight, b), setup.bias),
    }


def _step(setup: Chain) -> float:
    """Return how far the weight is nudged: z is not to move further than with the bias."""
    return NUDGE / max(1.0, abs(setup.input))


def _scale(setup: Chain, chain: dict[str, float]) -> float:
    """Return what the rounding of z and C, and of their differences, is relative to."""
    terms = 1 + abs(setup.weight * setup.input) + abs(setup.bias)
    return terms * (1 + chain["loss"]) * max(1.0, abs(setup.input))


def _split(chain: dict[str, float]) -> float:
    """Return how far the gradients are from the products that they should be."""
    weight = chain["weight_gradient"] - chain["delta"] * chain["input"]
    return max(abs(weight), abs(chain["bias_gradient"] - chain["delta"] * 1))


def _kink(nudges: dict[str, Nudged]) -> dict[str, Any]:
    """Return the link that has no single derivative, if one has, and what the bias finds there."""
    kinks = [name for name in ("slope", "upstream") if float(nudges[name].gap) > KINK]
    bias = nudges["bias_gradient"]
    return {
        "link": kinks[0] if kinks else None,
        "gap": max(float(one.gap) for one in nudges.values()) if kinks else 0.0,
        "left": float(bias.left),
        "right": float(bias.right),
    }


def _variants(setup: Chain, chain: dict[str, float]) -> dict[str, dict[str, float]]:
    """Return the chain again with one thing changed at a time."""
    weight, bias, input, target = setup.weight, setup.bias, setup.input, setup.target
    return {
        "as_set": chain,
        "input": chain_of(setup, weight, bias - weight, input + 1, target),  # z stays
        "slope": chain_of(setup, weight, bias + FURTHER, input, target),
        "upstream": chain_of(setup, weight, bias, input, chain["output"]),
    }


def _curves(setup: Chain) -> dict[str, np.ndarray]:
    """Return the loss along the weight and along the bias, the other held."""
    losses, span = losses_of(setup), 6 / (1 + abs(setup.input))
    moves = np.linspace(-span, span, POINTS)
    return {
        "move": moves,
        "weight": losses(setup.weight + moves, setup.bias),
        "bias": losses(setup.weight, setup.bias + moves),
    }


def _are_equal(setup: Chain, measured: Measured) -> bool:
    weight, bias = _gradients(measured)
    return bias != 0 and abs(weight - bias) <= ROUNDING * abs(bias)


def _moves_bias_alone(setup: Chain, measured: Measured) -> bool:
    weight, bias = _gradients(measured)
    return weight == 0 and bias != 0


def _is_stuck_and_wrong(setup: Chain, measured: Measured) -> bool:
    return measured["chain"]["loss"] > 0.1 and max(map(abs, _gradients(measured))) < 1e-6


def _gradients(measured: Measured) -> tuple[float, float]:
    return measured["chain"]["weight_gradient"], measured["chain"]["bias_gradient"]


def _in_the_lab(setup: Chain) -> Place:
    """Return the same neuron, or the closest one that the lab has."""
    own = {name: getattr(setup, name) for name in ROOM}
    there = {name: within(value, -ROOM[name], ROOM[name]) for name, value in own.items()}
    is_same = there == own and setup.loss == "squared"
    address = {**there, "activation": setup.activation, "hold": False}
    return Place("neuron", address, "lab" if is_same else "lab.near")


LESSON = Lesson(
    name="chain",
    claim=1,
    setup=Chain,
    measure=measure,
    laws=laws,
    tell=tell,
    exercises=(
        Exercise("equal", _are_equal, {"input": 1.0}),
        Exercise("bias_alone", _moves_bias_alone, {"input": 0.0}),
        Exercise("stuck", _is_stuck_and_wrong, {"bias": -30.0}),
    ),
    lab=_in_the_lab,
)
