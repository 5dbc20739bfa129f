"""Differences between the versions of scikit-learn, from 1.4 on."""

from __future__ import annotations

from typing import Any

import sklearn.utils.validation

__all__ = ["checked_data"]


def checked_data(estimator: Any, X: Any, y: Any = "no_validation", **options: Any) -> Any:
    """scikit-learn's `validate_data`, which was a method of estimators before 1.6."""
    validate = getattr(sklearn.utils.validation, "validate_data", None)
    if validate is None:
        return estimator._validate_data(X, y, **options)
    return validate(estimator, X, y, **options)
