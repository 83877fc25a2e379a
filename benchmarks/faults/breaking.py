"""Known ways to break a network, by name: what is changed, and which component is to blame."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from whygrad.doctor.setup import Setup
from whygrad.errors import unknown_name

Change = Callable[[Setup, np.random.Generator], Mapping[str, Any]]
LEAST, MOST = 30.0, 3000.0  # times a learning rate
MOST_STEPS = 20_000  # of one row each


@dataclass(frozen=True)
class Fault:
    """One way to break a network.

    Attributes:
        components: what it changes, of :data:`whygrad.doctor.finding.COMPONENTS`; to name any one
            of them is right.
        change: what to change, as :meth:`Setup.changed` takes it.
        suits: whether a network can be broken this way.
    """

    components: tuple[str, ...]
    change: Change
    suits: Callable[[Setup], bool] = lambda setup: True


def break_it(setup: Setup, fault: str, rng: np.random.Generator) -> Setup:
    """Return a network broken in one known way.

    Raises:
        OptionError: there is no such fault.
    """
    if fault not in FAULTS:
        raise unknown_name("fault", fault, list(FAULTS))
    return setup.changed(FAULTS[fault].change(setup, rng))


def suited(setup: Setup) -> list[str]:
    """Return the faults that a network can have."""
    return [name for name, fault in FAULTS.items() if fault.suits(setup)]


def _always(**changes: Any) -> Change:
    return lambda setup, rng: changes


def _far(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number between two, all powers of ten alike."""
    return float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.3g}")


def _rate(times: float, setup: Setup) -> dict[str, float]:
    return {"learning_rate": setup.settings.learning_rate * times}


def _huge_columns(setup: Setup, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Make up to a third of the columns, and at least one, a thousand times larger or more."""
    columns = setup.x.shape[1]
    chosen = rng.permutation(columns)[: max(columns // 3, 1)]
    x = setup.x.copy()
    x[:, chosen] *= _far(rng, 1e3, 1e5)
    return {"x": x}


def _one_neuron(setup: Setup, rng: np.random.Generator) -> dict[str, tuple[int, ...]]:
    hidden = list(setup.sizes[1:-1])
    hidden[int(rng.integers(len(hidden)))] = 1
    return {"hidden": tuple(hidden)}


def _single_rows(setup: Setup, rng: np.random.Generator) -> dict[str, float]:
    """Take a step a sample, ten times as long; no shorter a run, but no hundred thousand steps."""
    epochs = min(setup.settings.epochs, max(MOST_STEPS // len(setup.x), 1))
    return {"batch_size": 1, "epochs": epochs, **_rate(10, setup)}


def _drawn(key: str, low: float, high: float, pattern: str = "{}") -> Change:
    return lambda setup, rng: {key: pattern.format(_far(rng, low, high))}


def _of_classes(setup: Setup) -> bool:
    return setup.is_classifying


def _of_quantities(setup: Setup) -> bool:
    return setup.task == "numbers"


def _leaves_the_unit(setup: Setup) -> bool:
    return _of_quantities(setup) and float(np.mean((setup.y < 0) | (setup.y > 1))) > 0.1


def _has_one_rate(setup: Setup) -> bool:
    return setup.settings.optimizer in ("sgd", "momentum")


FAULTS: dict[str, Fault] = {
    "rate_up": Fault(("opt",), lambda setup, rng: _rate(_far(rng, LEAST, MOST), setup)),
    "rate_down": Fault(("opt",), lambda setup, rng: _rate(1 / _far(rng, LEAST, MOST), setup)),
    "flipped_sign": Fault(("opt",), _always(maximize=True)),
    "constant_weights": Fault(("init",), _drawn("init", 0.05, 1, "constant:{}")),
    "zero_weights": Fault(("init",), _always(init="zeros")),
    "tiny_weights": Fault(("init",), _drawn("init", 1e-5, 1e-3, "normal:{}")),
    "huge_weights": Fault(("init",), _drawn("init", 3, 50, "normal:{}")),
    "shut_biases": Fault(("bias_init",), _always(bias_init="constant:-10")),
    "large_inputs": Fault(("prep_x",), _always(input_scale=100.0)),
    "huge_columns": Fault(("prep_x",), _huge_columns, lambda setup: setup.x.shape[1] > 2),
    "small_inputs": Fault(("prep_x",), _always(input_scale=1e-3)),
    "large_targets": Fault(("prep_y",), _always(target_scale=1000.0), _of_quantities),
    "one_unit_softmax": Fault(
        ("output_act",),
        _always(output_activation="softmax"),
        lambda setup: setup.sizes[-1] == 1 and setup.is_classifying,
    ),
    "relu_output": Fault(("output_act",), _always(output_activation="relu"), _of_classes),
    "linear_output": Fault(("output_act",), _always(output_activation="identity"), _of_classes),
    "sigmoid_output": Fault(
        ("output_act",), _always(output_activation="sigmoid"), _leaves_the_unit
    ),
    "loss_of_classes": Fault(
        ("loss",), _always(loss="clipped_binary_cross_entropy"), _of_quantities
    ),
    "absolute_loss": Fault(("loss",), _always(loss="mean_absolute"), _of_classes),
    "summed_loss": Fault(("loss",), _always(reduction="sum"), _has_one_rate),
    "broadcast_loss": Fault(("loss",), _always(loss="broadcast_squared"), _of_quantities),
    "exponential_hidden": Fault(("hidden_act",), _always(activation="exponential")),
    "linear_hidden": Fault(("hidden_act",), _always(activation="identity")),
    "deep_sigmoids": Fault(
        ("hidden_act", "layers"), _always(hidden=(16,) * 8, activation="sigmoid")
    ),
    "deep_narrow_relus": Fault(("layers",), _always(hidden=(4,) * 12, activation="relu")),
    "one_neuron": Fault(("layers",), _one_neuron),
    "strong_dropout": Fault(("dropout",), _always(drop=0.9)),
    "strong_l1": Fault(("l1",), _always(l1=0.1)),
    "strong_l2": Fault(("l2",), _always(l2=0.5)),
    "few_epochs": Fault(("epochs",), _always(epochs=1)),
    "single_rows": Fault(("batch", "opt"), _single_rows),
    "rows_apart": Fault(("data",), _always(shuffle="apart")),
}
