"""Which PyTorch modules a network comes to, and their parameters; needs no PyTorch itself."""

from dataclasses import dataclass, field

import numpy as np

from whygrad.core.nn.dense import Dense
from whygrad.core.nn.network import Network

# PyTorch's hard sigmoid is clip(z/6 + 1/2), ours clip(z/5 + 1/2): z is stretched on the way
HARD_SIGMOID_STRETCH = 1.2

ACTIVATIONS: dict[str, tuple[str, dict[str, float]] | None] = {
    "identity": None,
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "relu": ("ReLU", {}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": 0.01}),
    "elu": ("ELU", {}),
    "selu": ("SELU", {}),
    "gelu": ("GELU", {}),
    "silu": ("SiLU", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "hard_sigmoid": ("Hardsigmoid", {}),
    "exponential": ("Exponential", {}),  # none of PyTorch's; ours stands beside it
    "softmax": ("Softmax", {"dim": -1}),
}


@dataclass(frozen=True)
class Step:
    """One module of a sequence.

    Attributes:
        kind: its class.
        options: its arguments.
        state: its parameters by PyTorch's names; weights (n_out, n_in).
    """

    kind: str
    options: dict[str, float]
    state: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """How the module is made, as Python."""
        given = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{self.kind}({given})" if self.kind == "Exponential" else f"nn.{self.kind}({given})"


def steps_of(network: Network) -> list[Step]:
    """Return the modules of a network in order."""
    return [step for dense in network.dense for step in _of_layer(dense)]


def state_of(steps: list[Step]) -> dict[str, np.ndarray]:
    """Return all parameters by the names that a sequence of the modules gives them."""
    return {
        f"{place}.{name}": values
        for place, step in enumerate(steps)
        for name, values in step.state.items()
    }


def _of_layer(dense: Dense) -> list[Step]:
    shape = {"in_features": dense.n_in, "out_features": dense.n_out}
    linear = Step("Linear", {**shape, "bias": dense.bias is not None}, _linear_state(dense))
    rule = ACTIVATIONS[dense.activation]
    after = [] if rule is None else [Step(*rule)]
    return [linear, *after, *([Step("Dropout", {"p": dense.dropout})] if dense.dropout else [])]


def _linear_state(dense: Dense) -> dict[str, np.ndarray]:
    stretch = HARD_SIGMOID_STRETCH if dense.activation == "hard_sigmoid" else 1.0
    weight = np.array(np.asarray(dense.weight).T * stretch, dense.weight.dtype, order="C")
    if dense.bias is None:
        return {"weight": weight}
    return {"weight": weight, "bias": np.array(dense.bias * stretch, dense.weight.dtype)}
