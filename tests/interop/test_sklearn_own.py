"""scikit-learn's own tests of its multilayer perceptrons, pointed at ours."""

import inspect

import pytest
from sklearn.neural_network.tests import test_mlp

pytestmark = [pytest.mark.usefixtures("unchecked"), pytest.mark.long]

SOURCE = inspect.getsource(test_mlp).replace(
    "from sklearn.neural_network import MLPClassifier, MLPRegressor",
    "from whygrad import MLPClassifier, MLPRegressor",
)
assert "from whygrad import" in SOURCE, "scikit-learn's tests import their estimators otherwise"
exec(compile(SOURCE, test_mlp.__file__, "exec"))
