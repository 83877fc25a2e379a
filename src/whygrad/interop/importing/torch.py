"""PyTorch: an ``nn.Sequential`` of Linear and activations, or a state dict."""

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from whygrad.core.nn.activations import LEAK
from whygrad.core.nn.network import Network
from whygrad.errors import InputError
from whygrad.interop.exporting.torch_plan import HARD_SIGMOID_STRETCH
from whygrad.interop.importing.chain import (
    Draft,
    check_dtype,
    in_order,
    network_of,
    parameter,
    with_activations,
)

if TYPE_CHECKING:
    from torch import nn

Allows = Callable[[Any], bool]
LINEAR_AFTER = 20.0  # PyTorch's softplus is exact enough where it turns linear no earlier

# class -> our name, and which settings of it are ours
ACTIVATIONS: dict[str, tuple[str, Allows]] = {
    "Sigmoid": ("sigmoid", lambda module: True),
    "Tanh": ("tanh", lambda module: True),
    "ReLU": ("relu", lambda module: True),
    "LeakyReLU": ("leaky_relu", lambda module: module.negative_slope == LEAK),
    "ELU": ("elu", lambda module: module.alpha == 1),
    "SELU": ("selu", lambda module: True),
    "GELU": ("gelu", lambda module: module.approximate == "none"),
    "SiLU": ("silu", lambda module: True),
    "Softplus": ("softplus", lambda m: m.beta == 1 and m.threshold >= LINEAR_AFTER),
    "Softsign": ("softsign", lambda module: True),
    "Hardsigmoid": ("hard_sigmoid", lambda module: True),
    "Exponential": ("exponential", lambda module: True),
    "Softmax": ("softmax", lambda module: module.dim in (-1, 1)),
}
PASSING: dict[str, Allows] = {
    "Identity": lambda module: True,
    "Flatten": lambda module: (module.start_dim, module.end_dim) == (1, -1),
}
KNOWN = ("Sequential", "Linear", "Dropout", *PASSING, *ACTIVATIONS)
HOMES = ("torch.nn.modules.", "whygrad.interop.exporting.torch_modules")


def from_torch(
    model: "nn.Module | Mapping[str, Any]",
    *,
    activation: str | Sequence[str] | None = None,
    output_activation: str = "identity",
    layers: Sequence[str] | None = None,
    dtype: str = "float32",
) -> Network:
    """Return a PyTorch model as a network.

    Args:
        model: an ``nn.Sequential``, nested as you like, of Linear, activations, Dropout, Flatten
            and Identity; or a state dict of such a model, also out of a file: that of
            ``torch.load(path, weights_only=True)`` or ``safetensors.numpy.load_file(path)``.
        activation: with a state dict, which holds none: one name of ours for all hidden layers, or
            one a hidden layer. ``hard_sigmoid`` stands for PyTorch's.
        output_activation: with a state dict, of the last layer.
        layers: with a state dict, names of its layers in order, such as ``["body", "head"]``;
            default: by the numbers in their names, then as they stand.
        dtype: of the network, float32 or float64.

    Raises:
        InputError: a module, an option or a number that our networks have no place for; its name
            in the model is in the message.
        ShapeError: a parameter is not finite, or does not fit.
        OptionError: a state dict whose activations or order are not told, or an unknown name.
    """
    check_dtype(dtype)
    if isinstance(model, Mapping):
        drafts = _of_state(model, layers, dtype)
        if drafts:
            drafts = with_activations(drafts, activation, output_activation)
        return network_of([_unstretched(draft) for draft in drafts], "state dict")
    torch = sys.modules.get("torch")  # who has a module has imported it
    if torch is None or not isinstance(model, torch.nn.Module):
        raise InputError("error.import_torch", actual=type(model).__name__)
    drafts: list[Draft] = []
    for where, module in _leaves("", model):
        _take(drafts, where, module, dtype)
    if drafts and drafts[-1].dropout:
        raise _misplaced(drafts[-1].where, "Dropout")
    return network_of([_unstretched(draft) for draft in drafts], type(model).__name__)


def _leaves(where: str, module: Any) -> Iterator[tuple[str, Any]]:
    from whygrad.capture.torch_private import has_hooks

    if has_hooks(module):  # they may change what goes through
        raise InputError("error.import_hooks", where=where or "model", module=_kind(module))
    if _kind(module) != "Sequential":
        yield where or "model", module
        return
    for name, child in module.named_children():
        yield from _leaves(f"{where}.{name}" if where else name, child)


def _kind(module: Any) -> str:
    """Return the class of a module of PyTorch's own; other classes may do anything."""
    kind = type(module)
    is_known = any(kind.__module__.startswith(home) for home in HOMES)
    return kind.__name__ if is_known else f"{kind.__module__}.{kind.__name__}"


def _take(drafts: list[Draft], where: str, module: Any, dtype: str) -> None:
    """Read one module into the list of layers."""
    kind = _kind(module)
    if kind == "Linear":
        drafts.append(_draft(where, module.weight, module.bias, dtype))
    elif kind == "Dropout":
        if module.p:
            _set(drafts, where, kind, dropout=float(module.p))
    elif kind in ACTIVATIONS:
        name, allows = ACTIVATIONS[kind]
        _check(where, module, allows)
        _set(drafts, where, kind, activation=name)
    elif kind in PASSING:
        _check(where, module, PASSING[kind])
    else:
        raise InputError("error.import_module", where=where, module=kind, known=", ".join(KNOWN))


def _check(where: str, module: Any, allows: Allows) -> None:
    if not allows(module):
        raise InputError("error.import_option", where=where, module=str(module))


def _set(drafts: list[Draft], where: str, kind: str, **given: Any) -> None:
    """Add an activation or a dropout to the last layer: the one before the other, each once."""
    last = drafts[-1] if drafts else None
    is_second = last is not None and "activation" in given and last.activation is not None
    if last is None or last.dropout or is_second:
        raise _misplaced(where, kind)
    drafts[-1] = replace(last, **given)


def _misplaced(where: str, kind: str) -> InputError:
    return InputError("error.import_order", where=where, module=kind)


def _draft(where: str, weight: Any, bias: Any, dtype: str) -> Draft:
    weight = parameter(f"{where}.weight", weight, 2, dtype).T
    return Draft(
        where, weight, None if bias is None else parameter(f"{where}.bias", bias, 1, dtype)
    )


def _unstretched(draft: Draft) -> Draft:
    """Return a layer before PyTorch's hard sigmoid, clip(z/6 + 1/2), as one before ours."""
    if draft.activation != "hard_sigmoid":
        return draft
    by = np.asarray(1 / HARD_SIGMOID_STRETCH, draft.weight.dtype)
    bias = None if draft.bias is None else draft.bias * by
    return replace(draft, weight=draft.weight * by, bias=bias)


def _of_state(state: Mapping[str, Any], layers: Sequence[str] | None, dtype: str) -> list[Draft]:
    """Read the pairs of weight (n_out, n_in) and bias, from first to last."""
    weights = [key for key in state if key == "weight" or key.endswith(".weight")]
    before = [key.removesuffix("weight") for key in weights]
    prefixes = {prefix.removesuffix(".") or "model": prefix for prefix in before}
    read = {f"{prefix}{part}" for prefix in prefixes.values() for part in ("weight", "bias")}
    strangers = [name for name in state if name not in read]
    if strangers:
        raise InputError("error.import_state", parameter=strangers[0])
    names = list(prefixes)
    # safetensors sorts names as text, and a dict in that order may have come from there
    is_told = isinstance(state, OrderedDict) or names != sorted(names)
    drafts = []
    for name in in_order(names, layers, is_told=is_told):
        prefix = prefixes[name]
        drafts.append(_draft(name, state[f"{prefix}weight"], state.get(f"{prefix}bias"), dtype))
    return drafts
