"""One dense layer: preactivation z = input @ weight + bias, output a = f(z)."""

from dataclasses import dataclass

from jaxtyping import Float

from whygrad.core.arrays import Array, register
from whygrad.core.nn.activations import ACTIVATIONS, Activation


@dataclass(frozen=True)
class Dense:
    """The parameters of one layer, and its activation.

    Attributes:
        weight: shape (n_in, n_out); ``weight[j, k]`` leads from input j to neuron k.
        bias: shape (n_out,), or None. A bias is a weight whose input is the constant 1.
        activation: name of the activation.
        dropout: share of this layer's outputs that training sets to 0, at random.
    """

    weight: Float[Array, "n_in n_out"]
    bias: Float[Array, " n_out"] | None
    activation: str
    dropout: float = 0.0

    @property
    def n_in(self) -> int:
        return self.weight.shape[-2]

    @property
    def n_out(self) -> int:
        return self.weight.shape[-1]

    @property
    def is_stack(self) -> bool:
        """Whether these are many equal layers, one behind the other; see ``folding``."""
        return self.weight.ndim == 3

    @property
    def depth(self) -> int:
        """How many layers this is."""
        return self.weight.shape[0] if self.is_stack else 1

    @property
    def rule(self) -> Activation:
        return ACTIVATIONS[self.activation]

    def preactivation(self, input: Float[Array, "batch n_in"]) -> Float[Array, "batch n_out"]:
        """Return z: the inputs weighed and summed; one bias, broadcast over the samples."""
        weighed = input @ self.weight
        if self.bias is not None:
            weighed += self.bias  # in place where the library can
        return weighed


register(Dense, ["weight", "bias"], ["activation", "dropout"])
