"""Which PyTorch modules a network comes to, and their parameters; needs no PyTorch itself."""

from dataclasses import dataclass, field

import numpy as np

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
    steps = []
    for dense in network.dense:
        stretch = HARD_SIGMOID_STRETCH if dense.activation == "hard_sigmoid" else 1.0
        weight = np.array(np.asarray(dense.weight).T * stretch, dense.weight.dtype, order="C")
        state = {"weight": weight}
        if dense.bias is not None:
            state["bias"] = np.array(dense.bias * stretch, dense.weight.dtype)
        shape = {"in_features": dense.n_in, "out_features": dense.n_out}
        steps.append(Step("Linear", {**shape, "bias": dense.bias is not None}, state))
        rule = ACTIVATIONS[dense.activation]
        if rule is not None:
            steps.append(Step(*rule))
        if dense.dropout:
            steps.append(Step("Dropout", {"p": dense.dropout}))
    return steps


def state_of(steps: list[Step]) -> dict[str, np.ndarray]:
    """Return all parameters by the names that a sequence of the modules gives them."""
    return {
        f"{place}.{name}": values
        for place, step in enumerate(steps)
        for name, values in step.state.items()
    }
