"""The parts that the estimators of several rooms share: constructors, documentation, evaluation sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import refuse_masked
from .check import check_float
from .dates import without_dates
from .lazy import computed
from .missing import plain_target

Estimator = TypeVar("Estimator", bound=type)
#: The argument ``eval_set`` of `fit`.
EvalSet: TypeAlias = "tuple[ArrayLike, ...] | list[tuple[ArrayLike, ...]] | None"


def set_attributes(estimator: Any, arguments: Mapping[str, Any]) -> None:
    """Stores the arguments of a constructor as attributes, as scikit-learn requires."""
    vars(estimator).update({key: arguments[key] for key in arguments if key not in ("self", "__class__")})


class Attempt:
    """Context manager of a fit: after an error or Ctrl-C, estimators have the attributes from before it."""

    def __init__(self, *estimators: Any) -> None:
        self._before = [(one, dict(vars(one))) for one in estimators]

    def begun(self, *networks: str) -> None:
        """From now on, estimators that go on with one of their attributes `networks` keep what they learn."""
        self._before = [
            (estimator, before)
            for estimator, before in self._before
            if not any(name in before and before[name] is vars(estimator).get(name) for name in networks)
        ]

    def __enter__(self) -> Attempt:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            return
        for estimator, before in self._before:
            for name in vars(estimator).keys() - before.keys():
                del vars(estimator)[name]
            vars(estimator).update(before)


class Scored:
    """A base before scikit-learn's mixins, whose `score` would ignore the masks of targets and weights."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The accuracy of a classifier, or the R² of a regressor.

        Parameters
        ----------
        X : array or table
            Samples as in `predict`.
        y : array
            Their targets.
        sample_weight : array, shape (n,), or None
            Weights of the samples.

        Returns
        -------
        float

        Raises
        ------
        TypeError, ValueError
            If an argument has a wrong type, shape or value, as in `fit`.
        """
        from sklearn.base import is_classifier

        refuse_masked("y", y)
        refuse_masked("sample_weight", sample_weight)
        y = y if is_classifier(self) else without_dates("y", y)
        weight = without_dates("sample_weight", sample_weight)
        return float(self._scored(computed(X), plain_target(y), weight))

    def _scored(self, X: Any, y: Any, sample_weight: Any) -> float:
        """The score of samples that are computed and a y that scikit-learn reads exactly."""
        return cast("float", cast("Any", super()).score(X, y, sample_weight))


def documented_by(**parts: str) -> Callable[[Estimator], Estimator]:
    """Decorator that fills shared parts into the docstring of an estimator: "{name}" becomes its part."""

    def fill(estimator: Estimator) -> Estimator:
        text = estimator.__doc__ or ""
        for name, value in parts.items():
            text = text.replace("{" + name + "}", value)
        estimator.__doc__ = text
        return estimator

    return fill


def checked_numbers(estimator: Any) -> list[tuple[str, float]]:
    """The parameters that have a range, by name, as floats; raises for a number of a class without NumPy's.

    A bool is none, and scikit-learn cannot compare a Fraction.
    """
    from sklearn.utils._param_validation import Interval

    found: list[tuple[str, float]] = []
    for name, kinds in estimator._parameter_constraints.items():
        value = getattr(estimator, name)
        if isinstance(value, Real) and any(isinstance(one, Interval) for one in kinds):
            if not isinstance(value, int | float | np.number):
                raise TypeError(f"{name}: expected an int or a float, got {type(value).__name__}")
            found.append((name, check_float(name, value)))
    return found


def unpacked_eval_set(eval_set: Any) -> tuple[Any, Any, Any]:
    """X, y and the weights, or None, of an ``eval_set``; raises unless it is a pair or a triple."""
    given = eval_set[0] if isinstance(eval_set, list) and len(eval_set) == 1 else eval_set
    if not isinstance(given, tuple) or len(given) not in (2, 3):
        raise TypeError("eval_set: expected a pair (X, y), (X, y, sample_weight), or a list of one")
    X, y, *weight = given
    return X, y, weight[0] if weight else None


def check_outputs(y: NDArray[Any], outputs: int) -> None:
    """Raises unless a y [n, outputs] that comes after a fit has the columns of that of the fit."""
    if y.shape[1] != outputs:
        raise ValueError(f"y: expected {outputs} columns, as in fit, got {y.shape[1]}")


@contextmanager
def naming(place: str) -> Iterator[None]:
    """Context manager that puts a place before the message of an error."""
    try:
        yield
    except (TypeError, ValueError, IndexError) as error:
        raise type(error)(f"{place}: {error}") from error
