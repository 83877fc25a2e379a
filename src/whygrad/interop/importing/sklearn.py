"""scikit-learn: the coefficients of a fitted MLPClassifier or MLPRegressor."""

from typing import Any

from whygrad.core.nn.activations import ACTIVATIONS
from whygrad.core.nn.network import Network
from whygrad.errors import InputError
from whygrad.interop.importing.chain import Draft, check_dtype, network_of, parameter

OURS = {"logistic": "sigmoid", "exp": "exponential"}
NEEDED = ("coefs_", "intercepts_", "activation", "out_activation_")


def from_sklearn(estimator: Any, *, dtype: str = "float32") -> Network:
    """Return a fitted multilayer perceptron of scikit-learn, or ours in its form, as a network.

    The network gives what ``predict_proba`` gives (of two classes: of the second one), or
    ``predict`` of a regressor. What a pipeline does to the rows before is not in it.

    Args:
        estimator: whatever has ``coefs_``, ``intercepts_``, ``activation`` and ``out_activation_``.
        dtype: of the network; scikit-learn itself computes in the precision of its inputs.

    Raises:
        InputError: no such estimator, not fitted, or of an activation that is unknown here.
        ShapeError: a parameter is not finite, or does not fit.
    """
    check_dtype(dtype)
    if not all(hasattr(estimator, name) for name in NEEDED):
        raise InputError("error.import_sklearn", actual=type(estimator).__name__)
    hidden = [estimator.activation] * (len(estimator.coefs_) - 1)
    names = [OURS.get(name, name) for name in (*hidden, estimator.out_activation_)]
    for name in names:
        if name not in ACTIVATIONS:
            values = {"where": type(estimator).__name__, "known": ", ".join(ACTIVATIONS)}
            raise InputError("error.import_activation_unknown", actual=name, **values)
    drafts = [
        Draft(
            f"coefs_[{place}]",
            parameter(f"coefs_[{place}]", weight, 2, dtype),
            parameter(f"intercepts_[{place}]", bias, 1, dtype),
            activation=name,
        )
        for place, (weight, bias, name) in enumerate(
            zip(estimator.coefs_, estimator.intercepts_, names, strict=True)
        )
    ]
    return network_of(drafts, type(estimator).__name__)
