"""Which of torch's functions mean what: activations, losses, and what leaves a neuron in its place.

Keyed by the function that a ``TorchFunctionMode`` is handed, which is the same whether it was
called as a module, a function, a method or in place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class ActivationOfTorch:
    """An activation of torch's.

    Attributes:
        name: whygrad's name where whygrad has it, else torch's.
        steepest: its largest slope, the measure for "open".
    """

    name: str
    steepest: float = 1.0


ACTIVATIONS: dict[Callable, ActivationOfTorch] = {
    function: ActivationOfTorch(name, steepest)
    for name, steepest, functions in (
        ("relu", 1.0, (F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)),
        ("relu6", 1.0, (F.relu6,)),
        ("leaky_relu", 1.0, (F.leaky_relu, F.leaky_relu_)),
        ("prelu", 1.0, (F.prelu, torch.prelu, Tensor.prelu)),
        ("rrelu", 1.0, (F.rrelu, torch.rrelu, torch.rrelu_)),
        ("sigmoid", 0.25, (torch.sigmoid, torch.sigmoid_, Tensor.sigmoid, Tensor.sigmoid_)),
        ("sigmoid", 0.25, (F.sigmoid, torch.special.expit)),
        ("hard_sigmoid", 1 / 6, (F.hardsigmoid,)),
        ("tanh", 1.0, (torch.tanh, torch.tanh_, Tensor.tanh, Tensor.tanh_, F.tanh)),
        ("hardtanh", 1.0, (F.hardtanh, F.hardtanh_)),
        ("gelu", 1.128904, (F.gelu,)),
        ("silu", 1.099839, (F.silu,)),
        ("hardswish", 1.5, (F.hardswish,)),
        ("mish", 1.08850, (F.mish,)),
        ("elu", 1.0, (F.elu, F.elu_)),
        ("celu", 1.0, (F.celu, torch.celu, torch.celu_)),
        ("selu", 1.758099, (F.selu, torch.selu, torch.selu_)),
        ("softplus", 1.0, (F.softplus,)),
        ("softsign", 1.0, (F.softsign,)),
        ("exponential", 1.0, (torch.exp, torch.exp_, Tensor.exp, Tensor.exp_)),
    )
    for function in functions
}

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
