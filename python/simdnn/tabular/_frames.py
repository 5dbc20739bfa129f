"""Samples of estimators, as arrays or tables of any library, to named columns."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import sklearn.utils.validation
from scipy.sparse import issparse
from sklearn.utils import check_array

from .._utils.arrays import refuse_masked, with_kinds
from .._utils.frames import is_frame, known_frame
from ..table import Columns
from ..table._arrays import as_column, is_categorical
from ..table._frames import named
from ..table._hints import dates_hint
from ..table._mixed import mixed_hint
from ..table._request import are_missing

#: The name of the argument of `check_array` that allows missing values, which 1.6 has changed.
FINITE = next(name for name in inspect.signature(check_array).parameters if name.endswith("all_finite"))


def table_of(estimator: Any, X: Any, reset: bool) -> dict[str, Any]:
    """The columns of X by name, and the attributes or checks of scikit-learn about their names and number."""
    refuse_masked("X", X)
    if issparse(X):
        raise TypeError("X: sparse samples were passed, but dense data is required; use X.toarray()")
    if isinstance(X, np.ndarray) and X.dtype.names:
        X = dict(named(X))
    if isinstance(X, dict):
        return columns_of_dictionary(estimator, X, reset)
    if isinstance(X, list | tuple) and len(X) and isinstance(X[0], dict):
        raise TypeError("X: expected columns, got a list of dictionaries; pandas.DataFrame(X) has columns")
    X = known_frame("X", X)
    frame = is_frame(X)
    if not frame:
        X = check_array(with_kinds(X), dtype=None, estimator=estimator, **{FINITE: False})
    check_names(estimator, X, reset)
    columns = [values for _, values in named(X)] if frame else list(X.T)
    check_rows(columns)
    return dict(zip(names_of(estimator), columns, strict=True))


def check_rows(columns: Sequence[Any]) -> None:
    """Raises an error for a table without columns, and scikit-learn's for one without rows."""
    if not len(columns):
        raise ValueError("X: expected at least one column")
    if hasattr(columns[0], "__len__") and len(columns[0]) < 1:
        raise ValueError(
            f"Found array with 0 sample(s) (shape=(0, {len(columns)})) while a minimum of 1 is required."
        )


def columns_of_dictionary(estimator: Any, X: dict[Any, Any], reset: bool) -> dict[str, Any]:
    """The columns of a dictionary, in the order of the fit, whatever others there are.

    Samples to predict need only the columns that the networks read.
    """
    if not all(isinstance(name, str) for name in X):
        raise TypeError("X: expected strings as names of columns")
    if reset:
        estimator.n_features_in_ = len(X)
        estimator.feature_names_in_ = np.array(list(X), dtype=object)
    names = names_of(estimator) if reset else estimator.columns_.names
    if missing := [name for name in names if name not in X]:
        raise ValueError(f"X: {are_missing(missing)}; there are {', '.join(X)}")
    columns = {name: known_frame(f"column {name}", X[name]) for name in names}
    check_rows(list(columns.values()))
    return columns


def check_names(estimator: Any, X: Any, reset: bool) -> None:
    """Sets or compares ``n_features_in_`` and ``feature_names_in_`` as scikit-learn does."""
    for check in ("_check_feature_names", "_check_n_features"):
        shared = getattr(sklearn.utils.validation, check, None)
        if shared is None:  # a method of estimators before 1.6
            getattr(estimator, check)(X, reset=reset)
        else:
            shared(estimator, X, reset=reset)


def names_of(estimator: Any) -> list[str]:
    """Names of the columns of a fitted estimator; x0, x1, ... if the samples had none."""
    known = getattr(estimator, "feature_names_in_", None)
    names = (
        [f"x{i}" for i in range(estimator.n_features_in_)] if known is None else [str(one) for one in known]
    )
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ValueError(f"X: two columns are named {twice!r}")
    return names


def point_out_words(columns: Columns, table: dict[str, Any]) -> None:
    """Warns of columns whose words look like dates or numbers, but are read as words."""
    for name in columns.text:
        words = as_column(f"column {name}", table[name], text=True)
        if found := dates_hint(name, words, dates=True):
            warnings.warn(found, stacklevel=5)
        elif not is_categorical(table[name]) and (found := mixed_hint(name, words)):
            warnings.warn(f"{found}, or make it a column of categories if words are meant", stacklevel=5)
