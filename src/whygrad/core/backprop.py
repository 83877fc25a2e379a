"""Back-propagation, written out: forward -> Trace, backward -> Anatomy.

Rows are samples. One dense layer, inputs j, neurons k, samples i:

    z = input @ weight + bias      a = f(z)             forward
    delta = upstream * f'(z)                           how the loss moves with z
    dC/dweight = mean_i input_ij * delta_ik            the sum over samples hides in input.T @ delta
    dC/dbias   = mean_i    1     * delta_ik            a bias is a weight from a constant 1
    upstream of the layer below = delta @ weight.T      responsibility flows back along the weights

Source: Rumelhart, Hinton and Williams 1986; Nielsen 2015, ch. 2, BP1-BP4.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from whygrad.core import backend
from whygrad.core.arrays import Array, ones, register
from whygrad.core.keys import Key, bernoulli, fold_in
from whygrad.core.nn.activations import pull_back
from whygrad.core.nn.boundary import as_input, as_shares, as_targets
from whygrad.core.nn.dense import Dense
from whygrad.core.nn.folding import along, each
from whygrad.core.nn.losses import ends_of_loss, is_matched
from whygrad.core.nn.network import Network, Parameters
from whygrad.errors import AddressError, ShapeError
from whygrad.record import describing
from whygrad.record.arrays import library_of

NARROW = 32  # neurons; see contract


@dataclass(frozen=True)
class LayerTrace:
    """What one layer did with a batch.

    Attributes:
        input: outputs of the layer below, shape (m, n_in).
        preactivation: z, shape (m, n_out).
        output: a = f(z), after dropout if there was any, shape (m, n_out).
        kept: what dropout multiplied the outputs with, 0 or 1/(1 - rate); None without dropout.
    """

    input: Float[Array, "m n_in"]
    preactivation: Float[Array, "m n_out"]
    output: Float[Array, "m n_out"]
    kept: Float[Array, "m n_out"] | None = None


@dataclass(frozen=True)
class Trace:
    """What every layer did with a batch, by layer name."""

    layers: dict[str, LayerTrace]

    def __getitem__(self, name: str) -> LayerTrace:
        return _layer(self.layers, name)

    @property
    def output(self) -> Float[Array, "m n_out"]:
        """Output of the last layer."""
        return self.layers["output"].output

    def __repr__(self) -> str:
        return f"Trace({', '.join(self.layers)})"

    def __str__(self) -> str:
        return str(describing.of_trace(self.layers))

    def _repr_html_(self) -> str:
        return describing.of_trace(self.layers)._repr_html_()


@dataclass(frozen=True)
class LayerAnatomy:
    """One layer's part in a gradient, per sample, before the mean. Units: loss per unit of ...

    Attributes:
        input: (m, n_in).
        preactivation: z, (m, n_out).
        output: a, (m, n_out).
        upstream: dC_i/da, (m, n_out): what the rest of the network asks of each neuron.
        slope: da/dz, (m, n_out); 1 where loss and output activation are taken as one function;
            for softmax the diagonal of its Jacobian.
        delta: dC_i/dz, (m, n_out): upstream * slope, or upstream through the full Jacobian.
        share: each sample's share in the mean, (m,), summing to 1.
        activation: name of the activation.
        has_bias: whether the layer has biases.
        is_matched: whether activation and loss were taken as one function of z, with slope 1.
    """

    input: Float[Array, "m n_in"]
    preactivation: Float[Array, "m n_out"]
    output: Float[Array, "m n_out"]
    upstream: Float[Array, "m n_out"]
    slope: Float[Array, "m n_out"]
    delta: Float[Array, "m n_out"]
    share: Float[Array, " m"]
    activation: str = "identity"
    has_bias: bool = True
    is_matched: bool = False

    @property
    def is_stack(self) -> bool:
        """Whether this is a stack of equal layers, of a folded network."""
        return self.input.ndim == 3

    @property
    def constant(self) -> Float[Array, "m 1"]:
        """The input of every bias: a neuron that always says 1."""
        return ones((self.input.shape[0], 1), self.input)

    def mean_with_delta(self, input: Float[Array, "m n_in"]) -> Float[Array, "n_in n_out"]:
        """Return mean_i input_ij * delta_ik. The one place where the mean over samples is taken."""
        if library_of(self.delta) is not np:
            backend.start()
        share = self.share[:, None]
        if input.shape[1] < self.delta.shape[1]:  # the narrower is weighed sooner
            return contract(share * input, self.delta)
        return contract(input, share * self.delta)

    def gradient(self) -> dict[str, Array]:
        """Return dC/dweight, shape (n_in, n_out), and dC/dbias, shape (n_out,)."""
        gradient = {"weight": self.mean_with_delta(self.input)}
        if self.has_bias:
            gradient["bias"] = self.mean_with_delta(self.constant)[0]
        return gradient


@dataclass(frozen=True)
class Anatomy:
    """Every layer's part in the gradient of one batch, by layer name.

    Attributes:
        layers: a LayerAnatomy a layer, first to last.
        sample_loss: C_i, the loss of each sample, shape (m,).
    """

    layers: dict[str, LayerAnatomy]
    sample_loss: Float[Array, " m"]

    def __getitem__(self, name: str) -> LayerAnatomy:
        return _layer(self.layers, name)

    @property
    def loss(self) -> Float[Array, ""]:
        """The mean loss of the batch."""
        return self.layers["output"].share @ self.sample_loss

    def gradients(self) -> Parameters:
        """Return the mean gradients: ``gradients()["hidden1"]["weight"]``."""
        return {
            name: each(LayerAnatomy.gradient, layer)(layer) for name, layer in self.layers.items()
        }

    def __repr__(self) -> str:
        return f"Anatomy({', '.join(self.layers)})"

    def __str__(self) -> str:
        return str(describing.of_anatomy(self.layers, self.loss))

    def _repr_html_(self) -> str:
        return describing.of_anatomy(self.layers, self.loss)._repr_html_()


for record, fields, settings in (
    (LayerTrace, ["input", "preactivation", "output", "kept"], []),
    (Trace, ["layers"], []),
    (
        LayerAnatomy,
        ["input", "preactivation", "output", "upstream", "slope", "delta", "share"],
        ["activation", "has_bias", "is_matched"],
    ),
    (Anatomy, ["layers", "sample_loss"], []),
):
    register(record, fields, settings)


def forward(network: Network, x: ArrayLike, *, key: Key | None = None) -> Trace:
    """Walk a batch through the network and keep what every layer did.

    Args:
        x: inputs, shape (m, n_in).
        key: draws the dropout; without a key nothing is dropped.

    Raises:
        ShapeError: ``x`` does not fit the first layer, or is not finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # as JAX does
        return propagate(network, as_input(network, x), key)


def backward(
    network: Network,
    trace: Trace,
    y: ArrayLike,
    *,
    loss: str = "softmax_cross_entropy",
    sample_weight: ArrayLike | None = None,
) -> Anatomy:
    """Walk the chain rule from the loss down to the first layer.

    Args:
        y: class indices (m,), or one column an output, (m, n_out).
        loss: name of the loss. A loss that matches the output activation is taken with it as one
            function of z: slope 1, delta = a - y. Any other pair goes through the true Jacobian.
        sample_weight: weight of each sample in the mean, shape (m,); default: all equal.

    Raises:
        OptionError: an unknown loss.
        ShapeError: targets or weights do not fit the trace.
    """
    samples = trace.output.shape[0]
    if trace.output.shape[1] != network.sizes[-1] or set(trace.layers) != set(network.layers):
        raise ShapeError("error.trace_of_another_network", layers=", ".join(network.layers))
    targets = as_targets(network, y, loss, samples)
    share = as_shares(sample_weight, samples, trace.output)
    with np.errstate(all="ignore"):
        return propagate_back(network, trace, targets, loss, share)


def propagate(network: Network, x: Float[Array, "m n_in"], key: Key | None) -> Trace:
    """Walk a checked batch forward; :func:`forward` without its checks."""

    def pass_on(input: Array, here: tuple[Dense, Array | int]) -> tuple[Array, LayerTrace]:
        dense, position = here
        z = dense.preactivation(input)
        a = dense.rule.value(z)
        kept = None
        if key is not None and dense.dropout:
            kept = _draw_kept(fold_in(key, position), dense, a)
            a = a * kept
        return a, LayerTrace(input, z, a, kept)

    layers, input, position = {}, x, 0
    for name, dense in network.items():
        places = position + np.arange(dense.depth) if dense.is_stack else position
        input, layers[name] = along(pass_on, input, dense, (dense, places))
        position += dense.depth
    return Trace(layers)


def propagate_back(
    network: Network,
    trace: Trace,
    targets: Float[Array, "m n_out"],
    loss: str,
    share: Float[Array, " m"],
) -> Anatomy:
    """Walk a checked batch backward; :func:`backward` without its checks."""
    pair = (loss, network.output_activation)
    ends = (trace["output"].preactivation, trace.output, targets, share)
    (losses, upstream), is_merged = ends_of_loss(*pair, *ends), is_matched(*pair)

    def pass_down(
        upstream: Array, here: tuple[Dense, LayerTrace], is_matched_here: bool, is_lowest: bool
    ) -> tuple[Array | None, LayerAnatomy]:
        dense, trace = here
        layer = _pass_back(dense, trace, upstream, share, is_matched_here)
        return None if is_lowest else passed_down(layer.delta, dense.weight), layer

    layers = {}
    for name, dense in reversed(list(network.items())):
        is_lowest = name == network.layers[0] and not dense.is_stack  # nobody asks for more
        is_matched_here = is_merged and name == "output"
        down = partial(pass_down, is_matched_here=is_matched_here, is_lowest=is_lowest)
        here = (dense, trace.layers[name])
        upstream, layers[name] = along(down, upstream, dense, here, reverse=True)
    ordered = {name: layers[name] for name in network.layers}
    return Anatomy(ordered, losses)


def contract(input: Float[Array, "m n_in"], delta: Float[Array, "m n_out"]) -> Array:
    """Return input.T @ delta: samples go, inputs and neurons stay.

    With few neurons, (delta.T @ input).T took between a seventh and two fifths of the time on two
    CPU cores with JAX 0.10.2, whose XLA has a slow kernel for a transposed left operand; with many
    it took longer. The barriers keep XLA from turning the product back.
    """
    if library_of(delta) is np or delta.shape[1] > NARROW:
        return input.T @ delta
    from jax.lax import optimization_barrier as barrier

    return barrier(barrier(delta.T) @ input).T


def passed_down(
    delta: Float[Array, "m n_out"], weight: Float[Array, "n_in n_out"]
) -> Float[Array, "m n_in"]:
    """Return the upstream of the layer below, delta @ weight.T."""
    if delta.shape[1] == 1 and library_of(delta) is np:
        return delta * weight.T  # of a single neuron: a product of matrices took four times as long
    return delta @ weight.T


def _pass_back(
    dense: Dense,
    trace: LayerTrace,
    upstream: Float[Array, "m n_out"],
    share: Float[Array, " m"],
    is_matched_here: bool,
) -> LayerAnatomy:
    z = trace.preactivation
    if is_matched_here:
        slope, delta = ones(z.shape, z), upstream
    else:
        # a dropped output has slope 0 for this sample: it is closed to its neuron
        slope = dense.rule.slope(z)
        slope = slope if trace.kept is None else slope * trace.kept
        delta = pull_back(dense.activation, z, upstream, slope, trace.kept)
    return LayerAnatomy(
        input=trace.input,
        preactivation=z,
        output=trace.output,
        upstream=upstream,
        slope=slope,
        delta=delta,
        share=share,
        activation=dense.activation,
        has_bias=dense.bias is not None,
        is_matched=is_matched_here,
    )


def _draw_kept(key: Key, dense: Dense, a: Array) -> Array:
    kept = bernoulli(key, 1 - dense.dropout, a.shape)
    return kept.astype(a.dtype) / (1 - dense.dropout)


def _layer(layers: dict, name: str):
    if name not in layers:
        raise AddressError("error.unknown_layer", name=name, known=", ".join(layers))
    return layers[name]
