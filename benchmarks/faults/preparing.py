"""How the cases prepare inputs and targets, by the names that they use."""

from collections.abc import Callable

import numpy as np

from whygrad.doctor.setup import standardised
from whygrad.errors import unknown_name


def _divided_by_range(values: np.ndarray, times: int = 1) -> np.ndarray:
    low, high = values.min(axis=0), values.max(axis=0)
    spread = np.where(high > low, high - low, 1)
    return (values - low) / spread**times


PREPARATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda values: values,
    "standard": standardised,
    "minmax": _divided_by_range,
    "minmax01": _divided_by_range,
    "minmax-11": lambda values: 2 * _divided_by_range(values) - 1,
    "double_minmax": lambda values: _divided_by_range(values, times=2),
    "div255": lambda values: values / 255,
    "div100": lambda values: values / 100,
}


def prepare_inputs(x: np.ndarray, name: str) -> np.ndarray:
    """Return inputs prepared as ``name`` says, column by column; a constant column stays finite.

    Raises:
        OptionError: there is no such preparation.
    """
    return _rule(name)(np.asarray(x, float))


def prepare_targets(y: np.ndarray, name: str, classes: int) -> np.ndarray:
    """Return targets prepared as ``name`` says.

    ``onehot`` gives (m, classes), and (m, k * classes) where a sample has k labels.

    Raises:
        OptionError: there is no such preparation.
    """
    if name == "onehot":
        return np.eye(classes)[np.asarray(y, int)].reshape(len(y), -1)
    return _rule(name, also=("onehot",))(np.asarray(y, float))


def _rule(name: str, also: tuple[str, ...] = ()) -> Callable[[np.ndarray], np.ndarray]:
    if name not in PREPARATIONS:
        raise unknown_name("preparation", name, [*PREPARATIONS, *also])
    return PREPARATIONS[name]
