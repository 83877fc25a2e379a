"""Everything that decides how a network trains, as one record that a remedy can change."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from whygrad.core.nn.initializers import draw_bias, draw_weight
from whygrad.core.nn.losses import LOSSES, as_matrix
from whygrad.core.nn.network import Network
from whygrad.data.table import Data
from whygrad.settings import Settings
from whygrad.training.loop import check_size, prepare
from whygrad.training.weighing import class_weights, weights_of

CLASSIFYING = ("classes", "binary", "labels")


@dataclass(frozen=True, eq=False)
class Setup:
    """A network, its data and its training, before any step is taken.

    Attributes:
        x: inputs as they are given, (m, n_in).
        y: targets as the loss is given them, (m, k).
        labels: what is to be told: class indices (m,), a 0/1 matrix or quantities (m, k).
        task: ``classes``, ``binary``, ``labels`` or ``numbers``.
        sizes: numbers of neurons from the inputs to the outputs.
        activations: one a layer, the output's last.
        inits, bias_inits: how each layer starts: ``name``, ``name:value`` or an array.
        dropout: one share a hidden layer.
        settings: how it is trained; ``loss`` is resolved.
        has_bias: whether the layers have biases.
        input_scaling: ``as_given``, or ``standard``: mean 0 and spread 1 in every column.
        weights: how much each sample counts, (m,); None where all count alike.
        target_coding: ``as_given``, ``standard``, ``unit`` (from 0 to 1), ``onehot``
            or ``numbered`` (the number of the class itself).
    """

    x: np.ndarray
    y: np.ndarray
    labels: np.ndarray
    task: str
    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    inits: tuple[Any, ...]
    bias_inits: tuple[Any, ...]
    dropout: tuple[float, ...]
    settings: Settings
    has_bias: bool = True
    input_scaling: str = "as_given"
    target_coding: str = "as_given"
    weights: np.ndarray | None = None

    def changed(self, changes: Mapping[str, Any]) -> "Setup":
        """Return the same with some things changed.

        Args:
            changes: by name: what :data:`CHANGES` lists, a field of the set-up, or a setting.
        """
        changed, own = self, {field.name for field in fields(self)}
        for name, value in changes.items():
            if name in CHANGES:
                changed = CHANGES[name](changed, value)
            elif name in own:
                changed = replace(changed, **{name: value})
            else:
                changed = replace(changed, settings=replace(changed.settings, **{name: value}))
        return changed

    @property
    def is_classifying(self) -> bool:
        return self.task in CLASSIFYING

    @property
    def layers(self) -> tuple[str, ...]:
        return (*(f"hidden{i + 1}" for i in range(len(self.sizes) - 2)), "output")

    @property
    def classes(self) -> int:
        """How many classes there are; 0 where the task has none."""
        return int(self.labels.max()) + 1 if self.task in ("classes", "binary") else 0

    @cached_property
    def inputs(self) -> np.ndarray:
        """Inputs as the network sees them, (m, n_in), float32."""
        scaled = self.x if self.input_scaling == "as_given" else standardised(self.x)
        return scaled.astype(np.float32)

    @cached_property
    def targets(self) -> np.ndarray:
        """Targets as the loss sees them, (m, k), float32."""
        return TARGET_CODINGS[self.target_coding](self).astype(np.float32)

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.x) // self.settings.batch_size)

    @property
    def total_steps(self) -> int:
        return self.steps_per_epoch * self.settings.epochs

    def start(self, seed: int) -> Network:
        """Return the starting network that a seed draws."""
        weights, biases = [], []
        for layer, (n_in, n_out) in enumerate(pairwise(self.sizes)):
            generator = np.random.default_rng([seed, layer])
            weights.append(_drawn(self.inits[layer], draw_weight, generator, n_in, n_out))
            biases.append(_drawn(self.bias_inits[layer], draw_bias, generator, n_in, n_out))
        return Network.from_arrays(
            weights,
            biases if self.has_bias else None,
            activations=self.activations,
            dropout=self.dropout,
        )


def setup_of(
    network: Network, data: Data, settings: Settings, origin: Mapping[str, Any] | None = None
) -> Setup:
    """Return the set-up of a network that is to be trained on data.

    Args:
        origin: how the network was asked for: ``{"network": {"init": ...}}``. Without it trials
            start from the very weights of ``network``; with it every seed draws its own.

    Raises:
        InputError: network, data and settings do not fit together.
    """
    data = data.sampled
    check_size(network, data, settings)
    task = prepare(network, data, settings)
    by_class = class_weights(data.class_counts, settings.class_weight)
    asked = (origin or {}).get("network", {})
    weights = [np.asarray(dense.weight) for dense in network.dense]
    biases = [
        np.zeros(dense.n_out, np.float32) if dense.bias is None else np.asarray(dense.bias)
        for dense in network.dense
    ]
    targets = as_matrix(np.asarray(data.train.y), network.sizes[-1], np.dtype("float32"))
    return Setup(
        x=np.asarray(data.train.x),
        y=np.asarray(targets),
        labels=np.asarray(data.train.y),
        task=data.task,
        sizes=network.sizes,
        activations=tuple(dense.activation for dense in network.dense),
        inits=_starts(asked.get("init"), weights),
        bias_inits=_starts(asked.get("bias_init"), biases),
        dropout=tuple(dense.dropout for dense in network.dense[:-1]),
        settings=replace(task.settings, record_every=0),
        has_bias=network.dense[0].bias is not None,
        weights=weights_of(data.train, by_class),
    )


def _starts(asked: Any, drawn: Sequence[np.ndarray]) -> tuple[Any, ...]:
    if asked is None:
        return tuple(drawn)
    return (asked,) * len(drawn) if isinstance(asked, str) else tuple(asked)


def _drawn(spec: Any, draw: Any, generator: np.random.Generator, n_in: int, n_out: int) -> Any:
    values = draw(spec, generator, n_in, n_out) if isinstance(spec, str) else spec
    return np.asarray(values, np.float32)


def standardised(values: np.ndarray) -> np.ndarray:
    """Return columns with mean 0 and spread 1; a constant column becomes 0."""
    values = np.asarray(values, np.float64)
    spread = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)


def r_squared(targets: np.ndarray, claims: np.ndarray) -> float:
    """Return the share of the variance of targets that is explained."""
    spread = np.sum((targets - targets.mean(axis=0)) ** 2)
    with np.errstate(over="ignore"):
        missed = np.sum((claims - targets) ** 2)
    return float(1 - missed / spread) if spread else float(missed == 0)


def _from_zero_to_one(values: np.ndarray) -> np.ndarray:
    low, high = values.min(axis=0), values.max(axis=0)
    return (values - low) / np.where(high > low, high - low, 1)


def _with_hidden(setup: Setup, hidden: tuple[int, ...]) -> Setup:
    """Return a set-up with other hidden layers, all of them made as the first one was."""
    if len(hidden) == len(setup.sizes) - 2:
        return _redrawn(replace(setup, sizes=(setup.sizes[0], *hidden, setup.sizes[-1])))
    many = len(hidden)
    *above, _ = setup.activations
    inner = above[0] if above else "relu"
    remade = replace(
        setup,
        sizes=(setup.sizes[0], *hidden, setup.sizes[-1]),
        activations=(*(inner,) * many, setup.activations[-1]),
        inits=(*(setup.inits[0],) * many, setup.inits[-1]),
        bias_inits=(*(setup.bias_inits[0],) * many, setup.bias_inits[-1]),
        dropout=setup.dropout[:1] * many or (0.0,) * many,
    )
    return _redrawn(remade)


def _redrawn(setup: Setup) -> Setup:
    """Return a set-up that draws what was given as an array and fits its layer no more."""
    shapes = list(pairwise(setup.sizes))
    return replace(
        setup,
        inits=tuple(
            init if isinstance(init, str) or np.shape(init) == shape else "glorot_uniform"
            for init, shape in zip(setup.inits, shapes, strict=True)
        ),
        bias_inits=tuple(
            init if isinstance(init, str) or np.shape(init) == shape[1:] else "zeros"
            for init, shape in zip(setup.bias_inits, shapes, strict=True)
        ),
    )


def _with_loss(setup: Setup, name: str) -> Setup:
    """Return a set-up with another loss; one of quantities has no labels to smooth."""
    smoothing = setup.settings.label_smoothing if LOSSES[name].is_categorical else 0.0
    return replace(setup, settings=replace(setup.settings, loss=name, label_smoothing=smoothing))


def _with_rows(setup: Setup, rows: np.ndarray) -> Setup:
    """Return a set-up whose targets are those of other rows."""
    return replace(setup, y=setup.y[rows], labels=setup.labels[rows])


CHANGES: dict[str, Callable[[Setup, Any], Setup]] = {
    "hidden": _with_hidden,
    "outputs": lambda setup, many: _redrawn(replace(setup, sizes=(*setup.sizes[:-1], many))),
    "activation": lambda setup, name: replace(
        setup, activations=(*(name,) * (len(setup.activations) - 1), setup.activations[-1])
    ),
    "output_activation": lambda setup, name: replace(
        setup, activations=(*setup.activations[:-1], name)
    ),
    "init": lambda setup, name: replace(setup, inits=(name,) * len(setup.inits)),
    "bias_init": lambda setup, name: replace(setup, bias_inits=(name,) * len(setup.inits)),
    "input_scale": lambda setup, size: replace(setup, x=setup.x * size),
    "target_scale": lambda setup, size: replace(setup, y=setup.y * size, labels=setup.y * size),
    "labels_shuffled": lambda setup, seed: _with_rows(
        setup, np.random.default_rng(seed).permutation(len(setup.x))
    ),
    "loss": _with_loss,
    "drop": lambda setup, share: replace(setup, dropout=(share,) * len(setup.dropout)),
}
TARGET_CODINGS = {
    "as_given": lambda setup: setup.y,
    "standard": lambda setup: standardised(setup.y),
    "unit": lambda setup: _from_zero_to_one(np.asarray(setup.y, np.float64)),
    "numbered": lambda setup: np.asarray(setup.labels, np.float64).reshape(len(setup.labels), 1),
    "onehot": lambda setup: np.eye(setup.classes)[setup.labels.ravel().astype(int)],
}
