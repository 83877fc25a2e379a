"""What is compared: whygrad from the shell with its defaults, and what people use instead.

Each takes the rows to train on and the inputs of the rows to test on, and returns what it predicts
for these, by the name of the variant; missing values are filled where a method cannot have them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.tables.sets import TARGET

if TYPE_CHECKING:
    import pandas as pd

Predicted = Iterator[tuple[str, np.ndarray]]


def whygrad(train: pd.DataFrame, test: pd.DataFrame, is_classes: bool) -> Predicted:
    """Train with ``whygrad train`` in a process of its own, with nothing but the file.

    The rows to test on are held out already, so no others are: ``--test 0``.
    """
    command = Path(sys.executable).with_name("whygrad")
    with TemporaryDirectory() as place:
        rows, run = Path(place) / "train.csv", Path(place) / "run"
        train.to_csv(rows, index=False)
        asked = ["train", rows, "--target", TARGET, "--test", "0", "--out", run, "--json"]
        subprocess.run([command, *asked], capture_output=True, check=True)
        filled = test.fillna(train.median(numeric_only=True))  # as training filled what it lacked
        yield "defaults", _predicted(command, run, filled, Path(place))


def _predicted(command: Path, run: Path, test: pd.DataFrame, place: Path) -> np.ndarray:
    import pandas as pd

    rows, out = place / "test.csv", place / "predictions.csv"
    test.to_csv(rows, index=False)
    subprocess.run([command, "predict", run, rows, "--out", out], capture_output=True, check=True)
    return pd.read_csv(out)["prediction"].to_numpy()


def sklearn_mlp(train: pd.DataFrame, test: pd.DataFrame, is_classes: bool) -> Predicted:
    """Train scikit-learn's perceptron as it is and in the obvious variants; quantities both as
    they are and standardised."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kind = MLPClassifier if is_classes else MLPRegressor
    variants: dict[str, dict[str, Any]] = {
        "defaults": {},
        "max_iter=1000": {"max_iter": 1000},
        "early_stopping": {"early_stopping": True},
        "early_stopping, max_iter=1000": {"early_stopping": True, "max_iter": 1000},
    }
    for name, options in variants.items():
        models: dict[str, Any] = {name: kind(random_state=0, **options)}
        if not is_classes:
            standardised = TransformedTargetRegressor(models[name], transformer=StandardScaler())
            models[f"{name}, standardised target"] = standardised
        for variant, model in models.items():
            pipeline = make_pipeline(_prepared(train), model)
            pipeline.fit(train.drop(columns=TARGET), train[TARGET])
            yield variant, pipeline.predict(test)


def _prepared(train: pd.DataFrame) -> Any:
    """Return scaled numbers and categories as 0 and 1, with missing values filled."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    are_numbers = make_column_selector(dtype_include="number")
    others = make_column_selector(dtype_exclude="number")
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), are_numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), others),
    )


def hist_gradient_boosting(train: pd.DataFrame, test: pd.DataFrame, is_classes: bool) -> Predicted:
    """Train scikit-learn's boosted trees as they are; they take categories as such."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if is_classes else HistGradientBoostingRegressor
    inputs, rows = (_with_categories(frame) for frame in (train.drop(columns=TARGET), test))
    model = kind(random_state=0, categorical_features="from_dtype")
    yield "defaults", model.fit(inputs, train[TARGET]).predict(rows)


def realmlp(train: pd.DataFrame, test: pd.DataFrame, is_classes: bool) -> Predicted:
    """Train RealMLP as it is: Holzmüller, Grinsztajn and Steinwart 2024, "Better by default"."""
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    kind = RealMLP_TD_Classifier if is_classes else RealMLP_TD_Regressor
    inputs = train.drop(columns=TARGET)
    medians = inputs.median(numeric_only=True)
    inputs, rows = (_with_categories(frame.fillna(medians)) for frame in (inputs, test))
    model = kind(random_state=0, device="cpu", verbosity=0)
    model.fit(inputs, train[TARGET].to_numpy())
    yield "defaults", np.asarray(model.predict(rows)).reshape(len(rows))


def _with_categories(frame: pd.DataFrame) -> pd.DataFrame:
    texts = frame.select_dtypes(exclude="number").columns
    return frame.astype({name: "category" for name in texts})


METHODS: dict[str, Callable[[pd.DataFrame, pd.DataFrame, bool], Predicted]] = {
    "whygrad": whygrad,
    "scikit-learn MLP": sklearn_mlp,
    "HistGradientBoosting": hist_gradient_boosting,
    "RealMLP": realmlp,
}
