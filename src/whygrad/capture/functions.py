"""Which of torch's functions mean what: activations, losses, and what leaves a neuron in its place.

Keyed by the function that a ``TorchFunctionMode`` is handed, which is the same whether it was
called as a module, a function, a method or in place.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whygrad.record.activations import (
    FACTS,
    FLAT_SHARE,
    INFINITY,
    OF_EXP,
    OF_SOFTPLUS,
    ActivationFacts,
    Flat,
    below,
    beyond,
)


@dataclass(frozen=True)
class ActivationOfTorch:
    """An activation of torch's.

    Attributes:
        name: a name of :data:`whygrad.record.activations.FACTS`.
        facts: what is known of it as torch has it.
    """

    name: str
    facts: ActivationFacts


# torch's has other ends than ours
HARD_SIGMOID = replace(FACTS["hard_sigmoid"], steepest=1 / 6, flat=beyond(3.0))
ACTIVATIONS: dict[Callable, ActivationOfTorch] = {
    function: ActivationOfTorch(name, HARD_SIGMOID if name == "hard_sigmoid" else FACTS[name])
    for name, functions in (
        ("relu", (F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)),
        ("relu6", (F.relu6,)),
        ("leaky_relu", (F.leaky_relu, F.leaky_relu_)),
        ("prelu", (F.prelu, torch.prelu, Tensor.prelu)),
        ("rrelu", (F.rrelu, torch.rrelu, torch.rrelu_)),
        ("sigmoid", (torch.sigmoid, torch.sigmoid_, Tensor.sigmoid, Tensor.sigmoid_)),
        ("sigmoid", (F.sigmoid, torch.special.expit)),
        ("hard_sigmoid", (F.hardsigmoid,)),
        ("tanh", (torch.tanh, torch.tanh_, Tensor.tanh, Tensor.tanh_, F.tanh)),
        ("hardtanh", (F.hardtanh, F.hardtanh_)),
        ("gelu", (F.gelu,)),
        ("silu", (F.silu,)),
        ("hardswish", (F.hardswish,)),
        ("mish", (F.mish,)),
        ("elu", (F.elu, F.elu_)),
        ("celu", (F.celu, torch.celu, torch.celu_)),
        ("selu", (F.selu, torch.selu, torch.selu_)),
        ("softplus", (F.softplus,)),
        ("softsign", (F.softsign,)),
        ("exponential", (torch.exp, torch.exp_, Tensor.exp, Tensor.exp_)),
    )
    for function in functions
}

PARAMETERS: dict[str, tuple[tuple[str, float], ...]] = {  # that a call may have, and torch's own
    "leaky_relu": (("negative_slope", 0.01),),
    "elu": (("alpha", 1.0),),
    "celu": (("alpha", 1.0),),
    "softplus": (("beta", 1.0),),
    "hardtanh": (("min_val", -1.0), ("max_val", 1.0)),
}


def flat_of(function: Callable, args: tuple, kwargs: dict[str, Any]) -> Flat:
    """Return where an activation is flat, as it is called."""
    known = ACTIVATIONS[function]
    names = PARAMETERS.get(known.name, ())
    given = [
        float(args[place] if len(args) > place else kwargs.get(name, usual))
        for place, (name, usual) in enumerate(names, 1)
    ]
    match known.name, given:
        case "leaky_relu", [slope]:
            return below(0.0) if abs(slope) < FLAT_SHARE else ()
        case "elu", [alpha]:
            return below(OF_EXP - math.log(alpha)) if alpha > 0 else below(0.0)
        case "celu", [alpha]:
            return below(OF_EXP * alpha) if alpha > 0 else ()
        case "softplus", [beta]:
            return below(OF_SOFTPLUS / beta) if beta > 0 else ()
        case "hardtanh", [low, high]:
            return ((-INFINITY, low), (high, INFINITY))
    return known.facts.flat


NORMS: tuple[Callable, ...] = (F.layer_norm, F.batch_norm, F.group_norm, F.rms_norm)

PROBABILITIES: dict[Callable, str] = {
    F.softmax: "softmax",
    torch.softmax: "softmax",
    Tensor.softmax: "softmax",
    F.log_softmax: "log_softmax",
    torch.log_softmax: "log_softmax",
    Tensor.log_softmax: "log_softmax",
    torch.sigmoid: "sigmoid",
    Tensor.sigmoid: "sigmoid",
    F.sigmoid: "sigmoid",
}

# What hands the same values on, laid out in another way.
RESHAPING: tuple[Callable, ...] = (
    Tensor.squeeze,
    Tensor.unsqueeze,
    Tensor.view,
    Tensor.reshape,
    Tensor.flatten,
    Tensor.transpose,
    Tensor.permute,
    Tensor.contiguous,
    Tensor.float,
    Tensor.to,
    Tensor.__getitem__,
    torch.squeeze,
    torch.unsqueeze,
    torch.reshape,
    torch.flatten,
    torch.transpose,
    torch.permute,
)

# What hands the same values on in the same order.
IN_ORDER: tuple[Callable, ...] = (Tensor.view, Tensor.reshape, Tensor.flatten, Tensor.unflatten)
IN_ORDER += (Tensor.squeeze, Tensor.unsqueeze, Tensor.contiguous, torch.reshape, torch.flatten)

LOSSES: dict[Callable, str] = {
    F.cross_entropy: "cross_entropy",
    F.nll_loss: "nll_loss",
    F.binary_cross_entropy: "binary_cross_entropy",
    F.binary_cross_entropy_with_logits: "binary_cross_entropy_with_logits",
    F.mse_loss: "mse_loss",
    F.l1_loss: "l1_loss",
    F.smooth_l1_loss: "smooth_l1_loss",
    F.huber_loss: "huber_loss",
    F.kl_div: "kl_div",
    F.poisson_nll_loss: "poisson_nll_loss",
    F.gaussian_nll_loss: "gaussian_nll_loss",
    F.hinge_embedding_loss: "hinge_embedding_loss",
    F.soft_margin_loss: "soft_margin_loss",
    F.multi_margin_loss: "multi_margin_loss",
}


def opened(function: Callable) -> Callable:
    """Return a function of torch's, written in Python, whose body a mode can see into.

    Such a function hands itself to the mode whole, and would do so again from within. The code
    stays its own; only the name by which it asks whether to hand itself over answers no.
    """
    from types import FunctionType

    own: Any = function
    names = {**own.__globals__, "has_torch_function": _never, "has_torch_function_unary": _never}
    twin = FunctionType(own.__code__, names, own.__name__, own.__defaults__, own.__closure__)
    twin.__kwdefaults__ = own.__kwdefaults__
    return twin


def _never(*_: object) -> bool:
    return False


OPENED: dict[Callable, Callable] = {
    F.multi_head_attention_forward: opened(F.multi_head_attention_forward),
    Tensor.backward: opened(Tensor.backward),
    # a checkpoint runs its forward pass again in there
    torch.autograd.backward: opened(torch.autograd.backward),
}
