"""A multilayer perceptron: dense layers in order, named hidden1 … hiddenN, output."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import ArrayLike

from whygrad.core import backend
from whygrad.core.arrays import Array, leaves, register, tree_map
from whygrad.core.memory import check_network
from whygrad.core.nn.activations import activation as activation_rule
from whygrad.core.nn.dense import Dense
from whygrad.core.nn.initializers import draw_bias, draw_weight
from whygrad.errors import AddressError, OptionError, ShapeError, unknown_name
from whygrad.record.arrays import library_of
from whygrad.record.description import ENGINES
from whygrad.record.layers import LayerSpec, specs_of_network
from whygrad.settings import Range
from whygrad.words import t

Parameters = dict[str, dict[str, Array]]
PerLayer = str | Sequence[str | ArrayLike]
DROPOUT = Range(float, 0, 1)
MANY = 4  # equal layers in a row are counted, not listed


@dataclass(frozen=True)
class Network:
    """A multilayer perceptron. Immutable; training returns a new one.

    Attributes:
        dense: the layers in order, first to last.
    """

    dense: tuple[Dense, ...]

    @classmethod
    def create(
        cls,
        sizes: Sequence[int],
        *,
        activation: str | Sequence[str] | None = None,
        output_activation: str | None = None,
        activations: str | Sequence[str] | None = None,
        init: PerLayer = "he_normal",
        bias_init: PerLayer = "zeros",
        bias: bool = True,
        dropout: float | Sequence[float] = 0.0,
        seed: int = 0,
        dtype: str = "float32",
        engine: str = "jax",
    ) -> "Network":
        """Draw a network at random.

        Args:
            sizes: numbers of neurons from the inputs to the outputs, such as ``[64, 32, 10]``.
            activation: one name for all hidden layers, or one a hidden layer; default: ``relu``.
            output_activation: name for the last layer; ``identity``, the default, gives logits or
                quantities.
            activations: instead of these two, one name a layer, the output's last; or one name
                for all hidden layers.
            init: how weights start: ``name`` or ``name:value``, or one (or an array) a layer.
            bias_init: how biases start, likewise.
            bias: whether the layers have biases.
            dropout: share of hidden outputs that training sets to 0, in [0, 1); or one a hidden
                layer.
            seed: the same seed gives the same network.
            dtype: of the parameters; ``float64`` needs JAX's ``jax_enable_x64``.
            engine: ``jax`` puts the parameters on its device, ``numpy`` keeps them as its arrays
                and does without JAX.

        Raises:
            OptionError: a size, name or value that cannot be, or activations that are given twice.
            TooLargeError: this machine has not the memory to train it.
            ShapeError: an array among ``init`` or ``bias_init`` does not fit its layer.

        Example:
            >>> Network.create([4, 3, 2], seed=1)["hidden1"].weight.shape
            (4, 3)
        """
        _check_engine(engine)
        _check_sizes(sizes)
        check_network(sizes)
        count = len(sizes) - 1
        told = activation is not None or activations is not None
        names = _activations(count, activation if told else "relu", output_activation, activations)
        inits = _one_per_layer("init", init, count)
        bias_inits = _one_per_layer("bias_init", bias_init, count)
        weights, biases = [], []
        for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
            generator = np.random.default_rng([seed, layer])
            weight = _start(inits[layer], draw_weight, generator, n_in, n_out)
            offset = _start(bias_inits[layer], draw_bias, generator, n_in, n_out)
            weights.append(_in_precision(weight, dtype, engine))
            biases.append(_in_precision(offset, dtype, engine) if bias else None)
        return cls.from_arrays(weights, biases, activations=names, dropout=dropout, engine=engine)

    @classmethod
    def from_arrays(
        cls,
        weights: Sequence[ArrayLike],
        biases: Sequence[ArrayLike | None] | None,
        *,
        activation: str | Sequence[str] | None = None,
        output_activation: str | None = None,
        activations: str | Sequence[str] | None = None,
        dropout: float | Sequence[float] = 0.0,
        engine: str = "jax",
    ) -> "Network":
        """Build a network from given parameters.

        Args:
            weights: one array (n_in, n_out) a layer.
            biases: one array (n_out,) or None a layer; None for no biases at all.
            activation: one name for all hidden layers, or one a hidden layer.
            output_activation: name for the last layer; default: ``identity``.
            activations: instead of these two, one name a layer, the output's last; or one name
                for all hidden layers.
            dropout: share of hidden outputs that training sets to 0, in [0, 1); or one a hidden
                layer.
            engine: ``jax`` or ``numpy``, which holds the parameters.

        Raises:
            ShapeError: the arrays do not fit together; the message names the layer.
            OptionError: an activation that is unknown, given twice or not at all, or a dropout out
                of range.

        Example:
            >>> weights = [np.ones((4, 3)), np.ones((3, 2))]
            >>> Network.from_arrays(weights, None, activation="tanh").output_activation
            'identity'
        """
        _check_engine(engine)
        count = len(weights)
        _check_counts(count, biases)
        names = _activations(count, activation, output_activation, activations)
        dropped = (*_dropout_by_layer(dropout, count - 1), 0.0)
        layers = []
        for position, weight in enumerate(weights):
            bias = None if biases is None else biases[position]
            layers.append(
                Dense(
                    weight=_as_parameter(weight, engine),
                    bias=None if bias is None else _as_parameter(bias, engine),
                    activation=names[position],
                    dropout=dropped[position],
                )
            )
        network = cls(tuple(layers))
        for name, dense in network.items():
            activation_rule(dense.activation)
            _check_layer(network, name, dense)
        return network

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers in order."""
        return (*(f"hidden{i + 1}" for i in range(len(self.dense) - 1)), "output")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of neurons, from the inputs to the outputs."""
        return (self.dense[0].n_in, *(dense.n_out for dense in self.dense))

    @property
    def specs(self) -> dict[str, LayerSpec]:
        """What each layer is, by name, for readers of addresses."""
        activations = [dense.activation for dense in self.dense]
        biases = [dense.bias is not None for dense in self.dense]
        return specs_of_network(self.sizes, activations, biases)

    @property
    def output_activation(self) -> str:
        return self.dense[-1].activation

    def __getitem__(self, name: str) -> Dense:
        if name not in self.layers:
            raise AddressError("error.unknown_layer", name=name, known=", ".join(self.layers))
        return self.dense[self.layers.index(name)]

    def items(self) -> Iterator[tuple[str, Dense]]:
        """Yield each layer's name and layer, in order."""
        yield from zip(self.layers, self.dense, strict=True)

    @property
    def parameters(self) -> Parameters:
        """The weights and biases by layer; a layer without biases has no ``bias``."""
        return {
            name: {"weight": dense.weight} | ({} if dense.bias is None else {"bias": dense.bias})
            for name, dense in self.items()
        }

    def __repr__(self) -> str:
        """One line: sizes and activations from the inputs to the outputs, and how much moves."""
        if not all(hasattr(dense.weight, "shape") for dense in self.dense):
            return object.__repr__(self)  # JAX puts other things in the place of arrays
        layers = [f"{dense.n_out} {dense.activation}" for dense in self.dense]
        chain = [str(self.sizes[0])]
        for layer, equal in groupby(layers):
            count = len(list(equal))
            chain += [layer] * count if count < MANY else [f"{count} × ({layer})"]
        total = sum(leaf.size for leaf in leaves(self))
        return t("network.repr", chain=" → ".join(chain), parameters=total)

    @property
    def engine(self) -> str:
        """The library that holds the parameters: ``numpy`` or ``jax``."""
        return "numpy" if library_of(self.dense[0].weight) is np else "jax"

    def on(self, engine: str) -> "Network":
        """Return the same network with its parameters held by ``numpy`` or ``jax``.

        Raises:
            OptionError: they are of float64, and JAX is set to float32.
        """
        if self.engine == engine:
            return self
        if engine == "numpy":
            return tree_map(np.asarray, self)
        import jax

        _check_precision(str(self.dense[0].weight.dtype))
        backend.start()
        return jax.device_put(self)

    def with_parameters(self, parameters: Mapping[str, Mapping[str, Array]]) -> "Network":
        """Return the same network with other weights and biases."""
        return Network(
            tuple(
                replace(dense, weight=parameters[name]["weight"], bias=parameters[name].get("bias"))
                for name, dense in self.items()
            )
        )


register(Network, ["dense"])


def _one_per_layer(option: str, given: str | Sequence, count: int) -> list:
    if isinstance(given, str):
        return [given] * count
    if len(given) != count:
        raise OptionError("error.one_per_layer", option=option, count=count, actual=len(given))
    return list(given)


def _start(
    given: str | ArrayLike, draw: Callable, generator: np.random.Generator, n_in: int, n_out: int
) -> ArrayLike:
    return draw(given, generator, n_in, n_out) if isinstance(given, str) else given


def _in_precision(values: ArrayLike, dtype: str, engine: str) -> Array:
    if engine == "numpy":
        return np.asarray(values, dtype)
    import jax

    _check_precision(dtype)
    backend.start()
    return jax.device_put(np.asarray(values, jax.numpy.dtype(dtype)))


def _check_precision(dtype: str) -> None:
    import jax

    if dtype == "float64" and not jax.config.read("jax_enable_x64"):
        raise OptionError("error.needs_x64")


def _as_parameter(values: ArrayLike, engine: str) -> Array:
    if engine == "numpy":
        array = np.asarray(values)
        return array if np.issubdtype(array.dtype, np.floating) else array.astype(np.float32)
    import jax
    import jax.numpy as jnp

    backend.start()
    # converting an array would be compiled, putting it on the device is not
    array = jax.device_put(values) if isinstance(values, np.ndarray) else jnp.asarray(values)
    return array if jnp.issubdtype(array.dtype, jnp.floating) else array.astype(jnp.float32)


def _check_engine(engine: str) -> None:
    if engine not in ENGINES:
        raise unknown_name("engine", engine, tuple(ENGINES))


def _check_sizes(sizes: Sequence[int]) -> None:
    count = Range(int, 1)
    whole = all(count.allows(size) for size in sizes)
    if len(sizes) < 2 or not whole:
        raise OptionError("error.sizes", actual=list(sizes))


def _activations(
    count: int,
    hidden: str | Sequence[str] | None,
    output: str | None,
    every: str | Sequence[str] | None,
) -> list[str]:
    """Return one name a layer, the output's last, whichever way they are given."""
    if every is not None and hidden is not None:
        raise OptionError("error.activations_twice", first="activation", second="activations")
    if every is None or isinstance(every, str):
        names = every if hidden is None else hidden
        if names is None and count > 1:
            raise OptionError("error.import_activation", hidden=count - 1)
        return [*_one_per_layer("activation", names or [], count - 1), output or "identity"]
    if output is not None:
        raise OptionError(
            "error.activations_twice", first="output_activation", second="activations"
        )
    if len(every) != count:
        raise ShapeError("error.count_of_activations", layers=count, actual=len(every))
    return list(every)


def _check_counts(count: int, biases: Sequence[ArrayLike | None] | None) -> None:
    if count == 0:
        raise ShapeError("error.no_layers")
    if biases is not None and len(biases) != count:
        raise ShapeError("error.count_of_biases", layers=count, actual=len(biases))


def _dropout_by_layer(dropout: float | Sequence[float], hidden: int) -> list[float]:
    is_one = not isinstance(dropout, Sequence)
    shares = [dropout] * max(hidden, 1) if is_one else _one_per_layer("dropout", dropout, hidden)
    for share in shares:
        if not DROPOUT.allows(share):
            raise OptionError("error.dropout", actual=share)
        DROPOUT.check_in_float32("dropout", share)
    return [float(share) for share in shares[:hidden]]


def _check_layer(network: Network, name: str, dense: Dense) -> None:
    if dense.weight.ndim != 2 or 0 in dense.weight.shape:
        raise ShapeError("error.weight_shape", layer=name, actual=dense.weight.shape)
    if dense.bias is not None and dense.bias.shape != (dense.n_out,):
        raise ShapeError(
            "error.bias_shape", layer=name, expected=(dense.n_out,), actual=dense.bias.shape
        )
    position = network.layers.index(name)
    if position and network.dense[position - 1].weight.shape[-1] != dense.n_in:
        raise ShapeError(
            "error.layers_do_not_chain",
            layer=name,
            actual=dense.n_in,
            below=network.layers[position - 1],
            expected=network.dense[position - 1].weight.shape[-1],
        )
    for part, values in (("weight", dense.weight), ("bias", dense.bias)):
        if values is not None and not np.isfinite(np.asarray(values)).all():
            raise ShapeError("error.parameter_not_finite", parameter=f"{name}.{part}")
