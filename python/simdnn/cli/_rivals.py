"""Models of ``simdnn compare`` with their defaults: the estimators of simdnn, and gradient boosting."""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import simdnn
from simdnn import table

from ._measures import GUESS, Task, fit_constant, fit_linear, spread

Array = NDArray[Any]
Predict = Callable[[Array], Array]

#: The largest number of categories that scikit-learn's trees take.
MOST_CATEGORIES = 255


@dataclass(frozen=True)
class Setting:
    """A task with its columns as numbers [rows, columns]: categories are ranks by frequency.

    A column of dates becomes several: days, month, day, weekday and hour.
    """

    task: Task
    matrix: NDArray[np.float64]
    categorical: list[int]
    seed: int

    @classmethod
    def of(cls, task: Task, seed: int) -> Setting:
        """The setting of a task."""
        columns: list[Array] = []
        categorical = []
        for values in task.inputs.values():
            if values.dtype == object:
                categorical.append(len(columns))
                columns.append(ranks(values))
            elif values.dtype.kind == "M":
                columns += table.numbers_of_dates(values).values()
            else:
                columns.append(values.astype(np.float64))
        return cls(task, np.column_stack(columns), categorical, seed)

    def options(self, seed: str, threads: str) -> dict[str, Any]:
        """The seed and the number of threads by the names that a library has for them."""
        return {seed: self.seed, threads: simdnn.get_num_threads()}


def ranks(values: Array) -> NDArray[np.float64]:
    """The rank of each word by frequency; NaN for a missing one."""
    known = Counter(one for one in values.tolist() if one is not None)
    places: dict[Any, float] = {word: float(i) for i, (word, _) in enumerate(known.most_common())}
    return np.array([places.get(one, np.nan) for one in values.tolist()])


def fitted(setting: Setting, rows: Array, model: Any, samples: Any, **options: Any) -> Predict:
    """Fits a model with scikit-learn's interface to rows of an array; classes count from 0 without gaps."""
    task, y = setting.task, setting.task.y[rows]
    if not task.classes:
        model.fit(samples[rows], y, **options)
        return lambda wanted: np.asarray(model.predict(samples[wanted]), np.float64)
    seen, places = np.unique(y, return_inverse=True)
    model.fit(samples[rows], places, **options)
    return lambda wanted: spread(model.predict_proba(samples[wanted]), seen, task)


def fit_simdnn(preset: Any, setting: Setting, rows: Array) -> Predict:
    """Fits an estimator of simdnn."""
    from simdnn.tabular import TabularClassifier, TabularRegressor

    task = setting.task
    kind = TabularClassifier if task.classes else TabularRegressor
    model = kind(preset, random_state=setting.seed, progress=False).fit(task.part(rows), task.y[rows])
    if isinstance(model, TabularClassifier):
        return lambda wanted: spread(model.predict_proba(task.part(wanted)), model.classes_, task)
    return lambda wanted: np.asarray(model.predict(task.part(wanted)))


def fit_scikit_learn(setting: Setting, rows: Array) -> Predict:
    """Fits scikit-learn's gradient boosting; rare categories of a column with many share one."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if setting.task.classes else HistGradientBoostingRegressor
    samples = setting.matrix.copy()
    samples[:, setting.categorical] = np.minimum(samples[:, setting.categorical], MOST_CATEGORIES - 1)
    model = kind(categorical_features=setting.categorical or None, random_state=setting.seed)
    return fitted(setting, rows, model, samples)


def fit_lightgbm(setting: Setting, rows: Array) -> Predict:
    """Fits LightGBM."""
    import lightgbm

    kind = lightgbm.LGBMClassifier if setting.task.classes else lightgbm.LGBMRegressor
    model = kind(verbose=-1, **setting.options("random_state", "n_jobs"))
    return fitted(setting, rows, model, setting.matrix, categorical_feature=setting.categorical)


def fit_xgboost(setting: Setting, rows: Array) -> Predict:
    """Fits XGBoost."""
    import xgboost

    kinds = ["c" if i in setting.categorical else "q" for i in range(setting.matrix.shape[1])]
    kind = xgboost.XGBClassifier if setting.task.classes else xgboost.XGBRegressor
    options = setting.options("random_state", "n_jobs")
    model = kind(enable_categorical=True, feature_types=kinds, verbosity=0, **options)
    return fitted(setting, rows, model, setting.matrix)


def fit_catboost(setting: Setting, rows: Array) -> Predict:
    """Fits CatBoost, which takes categories as words."""
    import catboost

    samples = setting.matrix.astype(object)
    for i in setting.categorical:
        samples[:, i] = [str(one) for one in setting.matrix[:, i].tolist()]
    kind = catboost.CatBoostClassifier if setting.task.classes else catboost.CatBoostRegressor
    options = setting.options("random_seed", "thread_count")
    model = kind(verbose=False, allow_writing_files=False, **options)
    return fitted(setting, rows, model, samples, cat_features=setting.categorical)


class Rival(NamedTuple):
    """A model by the package that it needs, its fit, and True if it takes part without being asked."""

    package: str
    fit: Callable[[Setting, Array], Predict]
    usual: bool = True


#: Models by name.
RIVALS = {
    GUESS: Rival("simdnn", lambda setting, rows: fit_constant(setting.task, rows)),
    "linear model": Rival("sklearn", lambda setting, rows: fit_linear(setting.task, rows)),
    "simdnn fast": Rival("sklearn", lambda setting, rows: fit_simdnn("fast", setting, rows)),
    "simdnn": Rival("sklearn", lambda setting, rows: fit_simdnn("default", setting, rows)),
    "simdnn best": Rival("sklearn", lambda setting, rows: fit_simdnn("best", setting, rows), False),
    "scikit-learn": Rival("sklearn", fit_scikit_learn),
    "LightGBM": Rival("lightgbm", fit_lightgbm),
    "XGBoost": Rival("xgboost", fit_xgboost),
    "CatBoost": Rival("catboost", fit_catboost),
}


def installed(name: str) -> bool:
    """True if the package of a model is installed."""
    return importlib.util.find_spec(RIVALS[name].package) is not None
