"""Models of `python -m bench.tabular`: simdnn's estimators, and peers with their defaults."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np


def categorical(X: Any) -> list[str]:
    """Names of the columns of categories."""
    return [name for name in X.columns if str(X[name].dtype) == "category"]


class Model:
    """A model of tables: `fit` takes a DataFrame and numbers or indices of classes."""

    def __init__(self, classes: int, threads: int, seed: int) -> None:
        self.classes, self.threads, self.seed = classes, threads, seed
        self.model: Any = None

    def fit(self, X: Any, y: Any) -> None:
        """Fits the model."""
        self.model = self.make(X).fit(X, y)

    def make(self, X: Any) -> Any:
        """A model with its settings, which may depend on the kinds of columns."""
        raise NotImplementedError

    def predict(self, X: Any) -> Any:
        """Probabilities of the classes, or numbers."""
        found = self.model.predict_proba(X) if self.classes else self.model.predict(X)
        return np.asarray(found, np.float64)


class Simdnn(Model):
    """`TabularClassifier` and `TabularRegressor`."""

    preset: Literal["fast", "default", "best"] = "default"

    def make(self, X: Any) -> Any:
        from simdnn.tabular import TabularClassifier, TabularRegressor

        kind = TabularClassifier if self.classes else TabularRegressor
        return kind(preset=self.preset, random_state=self.seed, n_threads=self.threads)


class Fast(Simdnn):
    """The preset "fast"."""

    preset = "fast"


class Best(Simdnn):
    """The preset "best"."""

    preset = "best"


class HistGradientBoosting(Model):
    """scikit-learn's gradient boosting, which asks OpenMP for its number of threads."""

    def make(self, X: Any) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        kind = HistGradientBoostingClassifier if self.classes else HistGradientBoostingRegressor
        return kind(categorical_features="from_dtype", random_state=self.seed)


class LightGBM(Model):
    """LightGBM."""

    def make(self, X: Any) -> Any:
        from lightgbm import LGBMClassifier, LGBMRegressor

        kind = LGBMClassifier if self.classes else LGBMRegressor
        return kind(n_jobs=self.threads, random_state=self.seed, verbose=-1)


class XGBoost(Model):
    """XGBoost with its native categories."""

    def make(self, X: Any) -> Any:
        from xgboost import XGBClassifier, XGBRegressor

        kind = XGBClassifier if self.classes else XGBRegressor
        return kind(n_jobs=self.threads, random_state=self.seed, enable_categorical=True, verbosity=0)


class CatBoost(Model):
    """CatBoost, which takes categories as words."""

    def make(self, X: Any) -> Any:
        from catboost import CatBoostClassifier, CatBoostRegressor

        kind = CatBoostClassifier if self.classes else CatBoostRegressor
        return kind(
            thread_count=self.threads, random_seed=self.seed, verbose=False, allow_writing_files=False
        )

    def fit(self, X: Any, y: Any) -> None:
        self.model = self.make(X).fit(self.words(X), y, cat_features=categorical(X))

    def predict(self, X: Any) -> Any:
        return super().predict(self.words(X))

    def words(self, X: Any) -> Any:
        """The table with "(missing)" for missing categories."""
        return X.assign(**{name: X[name].astype(object).fillna("(missing)") for name in categorical(X)})


class ScikitLearnMLP(Model):
    """scikit-learn's network, scaled and one-hot, with a scaled target."""

    def make(self, X: Any) -> Any:
        from sklearn.compose import TransformedTargetRegressor, make_column_transformer
        from sklearn.impute import SimpleImputer
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        words = categorical(X)
        numbers = [name for name in X.columns if name not in words]
        encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=50)
        columns = make_column_transformer(
            (make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()), numbers),
            (encoder, words),
        )
        if self.classes:
            return make_pipeline(columns, MLPClassifier(random_state=self.seed))
        network = TransformedTargetRegressor(
            MLPRegressor(random_state=self.seed), transformer=StandardScaler()
        )
        return make_pipeline(columns, network)

    def fit(self, X: Any, y: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 200 epochs are its default, converged or not
            super().fit(X, y)


#: Models by the name of their column, and the packages that they need.
MODELS: dict[str, tuple[Callable[[int, int, int], Model], str]] = {
    "simdnn": (Simdnn, "sklearn"),
    "fast": (Fast, "sklearn"),
    "best": (Best, "skops"),
    "LightGBM": (LightGBM, "lightgbm"),
    "CatBoost": (CatBoost, "catboost"),
    "XGBoost": (XGBoost, "xgboost"),
    "HistGradientBoosting": (HistGradientBoosting, "sklearn"),
    "scikit-learn MLP": (ScikitLearnMLP, "sklearn"),
}


def packages() -> list[str]:
    """Names of the installed packages of the models, as pip knows them."""
    wanted = dict.fromkeys(package for _, package in MODELS.values() if importlib.util.find_spec(package))
    return [name.replace("sklearn", "scikit-learn") for name in wanted]


def installed() -> list[str]:
    """Names of the models whose packages are installed."""
    return [name for name, (_, package) in MODELS.items() if importlib.util.find_spec(package)]
