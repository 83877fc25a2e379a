"""Initialisers: how weights and biases start.

An initialiser is written ``name`` or ``name:value``, such as ``he_normal``, ``constant:0.5`` or
``normal:0.01``, in Python, in a TOML file and on the command line alike. A bias is a weight from
a constant 1: it is drawn as one more row of the weight matrix, with the same fan-in and fan-out.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.nn import initializers as rules
from jaxtyping import Array, Float, PRNGKeyArray

from whygrad.errors import OptionError, unknown_name

Draw = Callable[..., Array]


@dataclass(frozen=True)
class Initializer:
    """One way to start. ``make(value)`` gives a function (key, shape, dtype) -> array.

    ``value`` is the number that belongs to the name, or None where the name takes none.
    """

    make: Callable[[float], Draw]
    value: float | None = None


def _uniform(width: float) -> Draw:
    def draw(key: PRNGKeyArray, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        return jax.random.uniform(key, shape, dtype, -width, width)

    return draw


INITIALIZERS: dict[str, Initializer] = {
    "zeros": Initializer(lambda _: rules.zeros),
    "constant": Initializer(rules.constant, value=0.5),
    "normal": Initializer(rules.normal, value=0.05),  # value: standard deviation
    "uniform": Initializer(_uniform, value=0.05),  # value: half-width, drawn from [-value, value]
    # LeCun, Bottou, Orr and Mueller 1998: variance 1 / fan-in
    "lecun_normal": Initializer(lambda _: rules.lecun_normal()),
    "lecun_uniform": Initializer(lambda _: rules.lecun_uniform()),
    # Glorot and Bengio 2010: variance 2 / (fan-in + fan-out)
    "glorot_normal": Initializer(lambda _: rules.glorot_normal()),
    "glorot_uniform": Initializer(lambda _: rules.glorot_uniform()),
    # He, Zhang, Ren and Sun 2015: variance 2 / fan-in
    "he_normal": Initializer(lambda _: rules.he_normal()),
    "he_uniform": Initializer(lambda _: rules.he_uniform()),
    # Saxe, McClelland and Ganguli 2014; value: gain
    "orthogonal": Initializer(rules.orthogonal, value=1.0),
}


def draw_weight(
    spec: str, key: PRNGKeyArray, n_in: int, n_out: int, dtype: jnp.dtype
) -> Float[Array, "n_in n_out"]:
    """Return the starting weights of a layer."""
    return parse(spec)(key, (n_in, n_out), dtype)


def draw_bias(
    spec: str, key: PRNGKeyArray, n_in: int, n_out: int, dtype: jnp.dtype
) -> Float[Array, " n_out"]:
    """Return the starting biases of a layer: a row of a weight matrix of the same layer."""
    return parse(spec)(key, (n_in, n_out), dtype)[0]


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
    return value
