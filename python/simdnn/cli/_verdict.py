"""A line of advice about a model that is not better than a simpler one."""

from __future__ import annotations

from collections.abc import Mapping

from ._measures import shown

#: Advice where the columns do not help, and where a straight line is as good.
USELESS = (
    "the columns may say too little about the target. Look for informative columns that are not in the table,"
    " for rows with a wrong target, and collect more rows"
)
LINEAR = (
    "prefer a linear model, such as scikit-learn's {}, or get more rows. If both are nearly perfect, look for"
    " a column that holds the target in other words (a leak)"
)

Metrics = Mapping[str, float]


def verdict(classes: bool, constant: Metrics, linear: Metrics, model: Metrics) -> str:
    """A sentence about metrics out of fold, or an empty text if the model is better than both others."""
    name = "log loss" if classes else "RMSE"
    if constant[name] == 0:
        return "All values of the target are equal: a constant guess is always right."
    if model[name] >= constant[name]:
        return worse("a constant guess", name, model, constant, USELESS)
    if model[name] >= linear[name]:
        advice = LINEAR.format("LogisticRegression" if classes else "Ridge")
        return worse("the linear model", name, model, linear, advice)
    return ""


def worse(other: str, name: str, model: Metrics, simple: Metrics, advice: str) -> str:
    """The sentence about a model and a simpler one that is at least as good."""
    numbers = f"{name} {shown(name, model[name])} against {shown(name, simple[name])}"
    return f"This model is not better than {other} out of fold ({numbers}): {advice}."


def verdict_of_network(found: Metrics, where: str) -> str:
    """A sentence about the metrics of a plain network, or an empty text if it beats a constant guess."""
    if "R2" in found:
        useless, numbers = found["R2"] <= 0, f"R2 {shown('R2', found['R2'])}"
    else:
        accuracy, baseline = found.get("accuracy", 1.0), found.get("baseline accuracy", 0.0)
        useless = accuracy <= baseline
        numbers = f"accuracy {shown('', accuracy)} against {shown('', baseline)}"
    return (
        f"This network is not better than a constant guess ({where}: {numbers}): {USELESS}."
        if useless
        else ""
    )
