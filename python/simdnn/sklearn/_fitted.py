"""The parameters that a fitted network was made with; later changes wait for the next fit."""

from __future__ import annotations

import copy
import functools
from typing import Any

import numpy as np

from .._utils.estimators import Attempt
from ._network import activations, hidden_sizes

#: Parameters that decide the network and the meaning of its outputs.
FITTED = (
    *("loss", "hidden_layer_sizes", "activation", "dropout", "batch_norm", "residual", "dtype"),
    "n_members",
)

#: Attributes of a fit that a new one does not continue.
OF_ONE_FIT = (
    *("coefs_", "intercepts_", "loss_", "best_loss_", "loss_curve_", "validation_loss_curve_", "t_"),
    *("validation_scores_", "best_validation_score_", "members_", "oof_prediction_", "_best", "_arrays"),
    *("_model", "_trainer", "_optimizer", "_optimizer_state"),
)


def forget(estimator: Any) -> None:
    """Removes the attributes of an earlier fit."""
    for name in OF_ONE_FIT:
        vars(estimator).pop(name, None)


def attempt_at(estimator: Any) -> Attempt:
    """The context manager of a fit of an estimator and of the members that it has."""
    return Attempt(estimator, *vars(estimator).get("members_", ()))


def begun(attempt: Attempt) -> None:
    """To be called before the first step: as in scikit-learn, a continued fit keeps what it has learned."""
    attempt.begun("_model", "members_")


def remember(estimator: Any) -> None:
    """Keeps copies of the parameters of the network that is being made, as lists may change in place."""
    estimator._fitted = {name: copy.deepcopy(getattr(estimator, name)) for name in FITTED}


def fitted(estimator: Any, name: str) -> Any:
    """The parameter with which the network was made; the estimator's own if it was never fitted."""
    found: dict[str, Any] = vars(estimator).get("_fitted", {})
    return found.get(name, getattr(estimator, name))


def check_resumable(estimator: Any) -> None:
    """Raises if a fitted network cannot go on with the parameters that the estimator has now."""
    for name in FITTED:
        check_same(estimator, name)


def check_same(estimator: Any, name: str) -> None:
    """Raises if a parameter is no longer that of the fitted network."""
    before, now = fitted(estimator, name), getattr(estimator, name)
    if not same(comparable(name, before, estimator), comparable(name, now, estimator)):
        raise ValueError(
            f"{name}: the fitted network has {before!r}, with which warm_start and partial_fit go on; got"
            f" {now!r}: fit a new one with warm_start=False"
        )


def comparable(name: str, value: Any, estimator: Any) -> Any:
    """A parameter in a form in which equal settings are equal."""
    if name == "hidden_layer_sizes":
        return hidden_sizes(value)
    if name == "activation":
        return list(map(repr, activations(value, len(hidden_sizes(fitted(estimator, "hidden_layer_sizes"))))))
    if name == "dtype":  # None is the dtype of the samples, which the network keeps
        return None if value is None or np.dtype(value) == estimator._model.dtype else np.dtype(value)
    return value


def same(first: Any, second: Any) -> bool:
    """True for equal settings, functions with equal keywords among them."""
    if isinstance(first, functools.partial) and isinstance(second, functools.partial):
        keys = first.keywords.keys() | second.keywords.keys()
        return first.func is second.func and all(
            key in first.keywords
            and key in second.keywords
            and same(first.keywords[key], second.keywords[key])
            for key in keys
        )
    return bool(np.array_equal(first, second)) if type(first) is type(second) else bool(first == second)
