"""What is compared: whygrad from the shell with its defaults, and what people use instead.

Each takes the rows to train on and the inputs of the rows to test on, and yields its variants: a
name, and a function that fits and returns what is predicted for these. Missing values are filled
where a method cannot have them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.tables.sets import TARGET

if TYPE_CHECKING:
    import pandas as pd

Variants = Iterator[tuple[str, Callable[[], np.ndarray]]]


def whygrad(train: pd.DataFrame, test: pd.DataFrame, is_classes: bool) -> Variants:
    """``whygrad train`` in a process of its own, with nothing but the file."""
    yield "defaults", partial(_from_the_shell, train, test)


def _from_the_shell(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """Return predictions; the rows to test on are held out already, no others are: --test 0."""
    import pandas as pd

    command = Path(sys.executable).with_name("whygrad")
    with TemporaryDirectory() as place:
        rows, run = Path(place) / "train.csv", Path(place) / "run"
        train.to_csv(rows, index=False)
        asked = ["train", rows, "--target", TARGET, "--test", "0", "--out", run, "--json"]
        subprocess.run([command, *asked], capture_output=True, check=True)
        test.to_csv(rows, index=False)
        asked = ["predict", run, rows, "--out", Path(place) / "predictions.csv"]
        subprocess.run([command, *asked], capture_output=True, check=True)
        return pd.read_csv(asked[-1])["prediction"].to_numpy()


def sklearn_mlp(train: pd.DataFrame, test: pd.DataFrame, is_classes: bool) -> Variants:
    """scikit-learn's perceptron as it is and in the obvious variants; quantities both as
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
            yield variant, partial(_fitted, make_pipeline(_prepared(train), model), train, test)


def _fitted(model: Any, train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    return model.fit(train.drop(columns=TARGET), train[TARGET]).predict(test)


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


def hist_gradient_boosting(train: pd.DataFrame, test: pd.DataFrame, is_classes: bool) -> Variants:
    """scikit-learn's boosted trees as they are; they take categories as such."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if is_classes else HistGradientBoostingRegressor
    model = kind(random_state=0, categorical_features="from_dtype")
    given, rows = (_with_categories(frame) for frame in (train, test))
    yield "defaults", partial(_fitted, model, given, rows)


def realmlp(train: pd.DataFrame, test: pd.DataFrame, is_classes: bool) -> Variants:
    """RealMLP as it is: Holzmüller, Grinsztajn and Steinwart 2024, "Better by default"."""
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    kind = RealMLP_TD_Classifier if is_classes else RealMLP_TD_Regressor
    medians = train.drop(columns=TARGET).median(numeric_only=True)
    given, rows = (_with_categories(frame.fillna(medians)) for frame in (train, test))
    model = kind(random_state=0, device="cpu", verbosity=0)
    yield "defaults", lambda: np.asarray(_fitted(model, given, rows)).reshape(len(rows))


def _with_categories(frame: pd.DataFrame) -> pd.DataFrame:
    texts = frame.select_dtypes(exclude="number").columns.drop(TARGET, errors="ignore")
    return frame.astype({name: "category" for name in texts})


METHODS: dict[str, Callable[[pd.DataFrame, pd.DataFrame, bool], Variants]] = {
    "whygrad": whygrad,
    "scikit-learn MLP": sklearn_mlp,
    "HistGradientBoosting": hist_gradient_boosting,
    "RealMLP": realmlp,
}
