"""What every reader of a record must know of an activation; its formula is its producer's.

``OWN`` are those of whygrad's networks, whose formulas stand in :mod:`whygrad.core.nn.activations`;
``OF_TORCH`` are others that a watched model may have.
"""

import math
from dataclasses import dataclass

FLAT_SHARE = 0.01  # a slope below this share of the steepest one counts as flat
SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772
INFINITY = math.inf
Flat = tuple[tuple[float, float], ...]  # intervals (low, high) of z, each up to one of the ends


@dataclass(frozen=True)
class ActivationFacts:
    """What a diagnosis must know of an activation f.

    Attributes:
        steepest: the largest |f'(z)|, the measure for "flat"; where there is no largest, |f'(0)|.
        flat: intervals (low, high) of z in which |f'| < 1 % of ``steepest``.
        exactly_flat: whether the slope is exactly 0 there, so that nothing at all gets through.
        is_odd: f(-z) = -f(z), so a neuron and its mirror image are the same detector.
        is_homogeneous: f(cz) = c f(z) for c > 0: a neuron may be scaled, its exits unscaled.
        is_coupled: outputs depend on the preactivations of other neurons (softmax).
        saturates: whether it levels off, so that a neuron far out passes on almost nothing.
    """

    steepest: float = 1.0
    flat: Flat = ()
    exactly_flat: bool = False
    is_odd: bool = False
    is_homogeneous: bool = False
    is_coupled: bool = False
    saturates: bool = False


# where a slope is exactly 1 % of the steepest one; of curves without a closed form to 7 digits
OF_EXP = math.log(FLAT_SHARE)
OF_SIGMOID = math.log((1 + math.sqrt(1 - FLAT_SHARE)) / (1 - math.sqrt(1 - FLAT_SHARE)))
OF_TANH = math.atanh(math.sqrt(1 - FLAT_SHARE))
OF_SOFTPLUS = math.log(FLAT_SHARE / (1 - FLAT_SHARE))


def beyond(bound: float) -> Flat:
    """Return what lies beyond a bound on both sides."""
    return ((-INFINITY, -bound), (bound, INFINITY))


def below(bound: float) -> Flat:
    """Return what lies below a bound."""
    return ((-INFINITY, bound),)


OWN: dict[str, ActivationFacts] = {
    "identity": ActivationFacts(is_odd=True, is_homogeneous=True),
    "sigmoid": ActivationFacts(0.25, beyond(OF_SIGMOID), saturates=True),
    "tanh": ActivationFacts(1.0, beyond(OF_TANH), is_odd=True, saturates=True),
    "relu": ActivationFacts(flat=below(0.0), exactly_flat=True, is_homogeneous=True),
    "leaky_relu": ActivationFacts(is_homogeneous=True),
    "elu": ActivationFacts(flat=below(OF_EXP)),
    "selu": ActivationFacts(SELU_SCALE * SELU_ALPHA, below(OF_EXP)),
    "gelu": ActivationFacts(1.128904, below(-3.021663)),
    "silu": ActivationFacts(1.099839, below(-6.142917)),
    "softplus": ActivationFacts(1.0, below(OF_SOFTPLUS)),
    "softsign": ActivationFacts(1.0, beyond(9.0), is_odd=True, saturates=True),
    "hard_sigmoid": ActivationFacts(0.2, beyond(2.5), exactly_flat=True, saturates=True),
    "exponential": ActivationFacts(1.0, below(OF_EXP)),  # its slope has no bound
    "softmax": ActivationFacts(0.25, is_coupled=True),
}
OF_TORCH: dict[str, ActivationFacts] = {
    "relu6": ActivationFacts(flat=((-INFINITY, 0.0), (6.0, INFINITY)), exactly_flat=True),
    "prelu": ActivationFacts(is_homogeneous=True),
    "rrelu": ActivationFacts(is_homogeneous=True),
    "hardtanh": ActivationFacts(flat=beyond(1.0), exactly_flat=True, saturates=True),
    "hardswish": ActivationFacts(1.5, below(-3.0), exactly_flat=True),
    "mish": ActivationFacts(1.08850, below(-6.15874)),
    "celu": ActivationFacts(flat=below(OF_EXP)),
}
FACTS: dict[str, ActivationFacts] = OWN | OF_TORCH
