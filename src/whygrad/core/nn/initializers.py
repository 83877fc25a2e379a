"""Initialisers: how weights and biases start.

An initialiser is written ``name`` or ``name:value``, such as ``he_normal``, ``constant:0.5`` or
``normal:0.01``, in Python, in a TOML file and on the command line alike. A bias is a weight from
a constant 1: it is drawn as one more row of the weight matrix, with the same fan-in and fan-out.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from whygrad.errors import OptionError, unknown_name
from whygrad.settings import LARGEST, SMALLEST

Matrix = Float[np.ndarray, "n_in n_out"]
Draw = Callable[[np.random.Generator, int, int], Matrix]


@dataclass(frozen=True)
class Initializer:
    """One way to start. ``make(value)`` gives a function (generator, n_in, n_out) -> weights.

    ``value`` is the number that belongs to the name, or None where the name takes none.
    """

    make: Callable[[float], Draw]
    value: float | None = None


def constant(value: float) -> Draw:
    return lambda generator, n_in, n_out: np.full((n_in, n_out), value)


def normal(deviation: float) -> Draw:
    return lambda generator, n_in, n_out: generator.normal(0, deviation, (n_in, n_out))


def uniform(width: float) -> Draw:
    return lambda generator, n_in, n_out: generator.uniform(-width, width, (n_in, n_out))


def orthogonal(gain: float) -> Draw:
    def draw(generator: np.random.Generator, n_in: int, n_out: int) -> Matrix:
        long, short = max(n_in, n_out), min(n_in, n_out)
        columns, triangle = np.linalg.qr(generator.normal(size=(long, short)))
        columns = columns * np.sign(np.diagonal(triangle))  # makes the draw uniform over rotations
        return gain * (columns if n_in >= n_out else columns.T)

    return draw


def scaled_normal(variance: Callable[[int, int], float]) -> Initializer:
    """Return the initialiser that draws from a normal distribution of the variance given."""
    return Initializer(
        lambda _: (
            lambda generator, n_in, n_out: normal(math.sqrt(variance(n_in, n_out)))(
                generator, n_in, n_out
            )
        )
    )


def scaled_uniform(variance: Callable[[int, int], float]) -> Initializer:
    """Return the initialiser that draws uniformly; the variance of [-w, w] is w^2 / 3."""
    return Initializer(
        lambda _: (
            lambda generator, n_in, n_out: uniform(math.sqrt(3 * variance(n_in, n_out)))(
                generator, n_in, n_out
            )
        )
    )


def by_fan_in(n_in: int, n_out: int) -> float:
    """LeCun, Bottou, Orr and Mueller 1998: variance 1 / fan-in."""
    return 1 / n_in


def by_both_fans(n_in: int, n_out: int) -> float:
    """Glorot and Bengio 2010: variance 2 / (fan-in + fan-out)."""
    return 2 / (n_in + n_out)


def by_fan_in_of_relu(n_in: int, n_out: int) -> float:
    """He, Zhang, Ren and Sun 2015: variance 2 / fan-in, for activations that halve it."""
    return 2 / n_in


INITIALIZERS: dict[str, Initializer] = {
    "zeros": Initializer(lambda _: constant(0.0)),
    "constant": Initializer(constant, value=0.5),
    "normal": Initializer(normal, value=0.05),  # value: standard deviation
    "uniform": Initializer(uniform, value=0.05),  # value: half-width
    "lecun_normal": scaled_normal(by_fan_in),
    "lecun_uniform": scaled_uniform(by_fan_in),
    "glorot_normal": scaled_normal(by_both_fans),
    "glorot_uniform": scaled_uniform(by_both_fans),
    "he_normal": scaled_normal(by_fan_in_of_relu),
    "he_uniform": scaled_uniform(by_fan_in_of_relu),
    # Saxe, McClelland and Ganguli 2014; value: gain
    "orthogonal": Initializer(orthogonal, value=1.0),
}


def draw_weight(spec: str, generator: np.random.Generator, n_in: int, n_out: int) -> Matrix:
    """Return the starting weights of a layer."""
    return parse(spec)(generator, n_in, n_out)


def draw_bias(
    spec: str, generator: np.random.Generator, n_in: int, n_out: int
) -> Float[np.ndarray, " n_out"]:
    """Return the starting biases of a layer: a row of a weight matrix of the same layer."""
    return parse(spec)(generator, n_in, n_out)[0]


def parse(spec: str) -> Draw:
    """Return the function that draws what ``spec`` says.

    Raises:
        OptionError: an unknown name, a value that is no number, or a value where none belongs.
    """
    name, colon, text = str(spec).partition(":")
    if name not in INITIALIZERS:
        raise unknown_name("initialiser", name, list(INITIALIZERS))
    initializer = INITIALIZERS[name]
    if not colon:
        return initializer.make(initializer.value or 0.0)
    if initializer.value is None:
        raise OptionError("error.initializer_takes_no_value", name=name, value=text)
    return initializer.make(_number(name, text))


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise OptionError("error.initializer_value", name=name, value=text)
    if value and not SMALLEST <= abs(value) <= LARGEST:
        raise OptionError("error.initializer_float32", name=name, value=text)
    return value
