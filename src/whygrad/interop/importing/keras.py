"""Keras: a model of Dense layers, or the list that ``get_weights()`` gives.

Keras itself is not imported. Of a model this is relied on: ``model.layers``, in order, and
``model.outputs``, of which there is one; of a layer its ``name``, its class's name,
``get_config()`` and ``get_weights()``, which for Dense are [kernel (n_in, n_out), bias (n_out,)].
All of them are public in Keras 2 and 3.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from whygrad.core.nn.network import Network
from whygrad.errors import InputError, OptionError
from whygrad.interop.importing.chain import (
    Draft,
    check_dtype,
    network_of,
    parameter,
    with_activations,
)

# Its leaky_relu leaks 0.2 or 0.3 and its hard_sigmoid changed with Keras 3, so neither is here.
OURS = {
    "linear": "identity",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "elu": "elu",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "swish": "silu",
    "softplus": "softplus",
    "softsign": "softsign",
    "exponential": "exponential",
    "softmax": "softmax",
}
PASSING = ("InputLayer", "Flatten")
KNOWN = ("Dense", "Activation", "Dropout", *PASSING)


def from_keras(
    model: Any,
    *,
    activation: str | Sequence[str] | None = None,
    output_activation: str = "identity",
    dtype: str = "float32",
) -> Network:
    """Return a Keras model, or its weights, as a network.

    Args:
        model: a Sequential (or functional chain) of Dense, Activation, Dropout, Flatten; or the
            list of ``model.get_weights()``: kernel, bias, kernel, bias, …
        activation: with a list, which holds none: one name (of ours) for all hidden layers, or one
            a hidden layer.
        output_activation: with a list, of the last layer.
        dtype: of the network, float32 or float64.

    Raises:
        InputError: a layer or an activation that is not known here; its name is in the message.
        OptionError: a list without activations, or an unknown name.
        ShapeError: a parameter is not finite, or does not fit.
    """
    check_dtype(dtype)
    if isinstance(model, list | tuple):
        drafts = with_activations(_of_list(model, dtype), activation, output_activation)
        return network_of(drafts, "get_weights()")
    if not hasattr(model, "layers") or len(getattr(model, "outputs", None) or [0]) > 1:
        raise InputError("error.import_keras", actual=type(model).__name__)
    drafts: list[Draft] = []
    for layer in model.layers:
        _take(drafts, layer, dtype)
    if drafts and drafts[-1].dropout:
        raise _misplaced(model.layers[-1])
    return network_of(drafts, type(model).__name__)


def _take(drafts: list[Draft], layer: Any, dtype: str) -> None:
    """Read one layer into the list."""
    kind, config = type(layer).__name__, layer.get_config()
    if kind == "Dense":
        read = _of_list(layer.get_weights(), dtype, layer.name)
        if len(read) != 1:
            raise InputError("error.import_keras_dense", where=layer.name)
        drafts.append(replace(read[0], activation=_activation(layer.name, config)))
    elif kind == "Activation":
        if not drafts or drafts[-1].dropout or drafts[-1].activation != "identity":
            raise _misplaced(layer)
        drafts[-1] = replace(drafts[-1], activation=_activation(layer.name, config))
    elif kind == "Dropout":
        if not drafts or drafts[-1].dropout:
            raise _misplaced(layer)
        drafts[-1] = replace(drafts[-1], dropout=float(config["rate"]))
    elif kind not in PASSING:
        known = ", ".join(KNOWN)
        raise InputError("error.import_module", where=layer.name, module=kind, known=known)


def _misplaced(layer: Any) -> InputError:
    return InputError("error.import_order", where=layer.name, module=type(layer).__name__)


def _activation(where: str, config: dict[str, Any]) -> str:
    actual = config["activation"]
    if not isinstance(actual, str) or actual not in OURS:
        known = ", ".join(OURS)
        raise InputError("error.import_activation_unknown", where=where, actual=actual, known=known)
    return OURS[actual]


def _of_list(weights: Sequence[Any], dtype: str, where: str = "weights") -> list[Draft]:
    """Read kernels, each with the bias that may follow it."""
    drafts: list[Draft] = []
    for place, values in enumerate(weights):
        name = f"{where}[{place}]"
        is_bias = getattr(values, "ndim", 2) == 1
        if not is_bias:
            drafts.append(Draft(name, parameter(name, values, 2, dtype), None))
        elif drafts and drafts[-1].bias is None:
            drafts[-1] = replace(drafts[-1], bias=parameter(name, values, 1, dtype))
        else:
            raise OptionError("error.import_keras_bias", parameter=name)
    return drafts
