"""Models with their columns, as `simdnn train` writes them: a network, or an estimator of tables."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

import simdnn
import simdnn.functional as F
from simdnn import data, nn, table

from ._common import fail


class Predicted(NamedTuple):
    """Predictions of rows as text, and the probabilities [rows, classes] if they are wanted."""

    labels: list[str]
    shares: Any


class Described(Protocol):
    """A model that reads the rows of a table."""

    name: str
    classes: tuple[str, ...]
    model: Any
    columns: table.Columns

    @property
    def target(self) -> table.Target:
        """The target for a graph of ONNX or a header of C."""

    @property
    def has_trees(self) -> bool:
        """True if gradient boosting takes part in the predictions, besides `model`."""

    def predict(self, parts: Sequence[Any], i: int, proba: bool) -> Predicted:
        """Predictions of a part of a table; errors name the row of the table, warnings are about part 0."""


class Network:
    """A network or an ensemble with the columns and the target of its table."""

    has_trees = False

    def __init__(
        self, model: nn.Sequential | nn.Ensemble, columns: table.Columns, target: table.Target
    ) -> None:
        self.model, self.columns, self.target = model, columns, target
        self.name, self.classes = target.name, target.classes

    def predict(self, parts: Sequence[Any], i: int, proba: bool) -> Predicted:
        """See `Described`."""
        x = data.from_tables(parts, self.columns)[i][0] if i else self.columns.transform(parts[0])
        outputs = self.model(x)
        restored = self.target.restore(outputs).tolist()
        given = isinstance(self.model, nn.Ensemble) and self.model.average == "probabilities"
        shares = (outputs if given else F.softmax(outputs)) if proba else None
        return Predicted(restored if self.classes else [f"{one:.9g}" for one in restored], shares)


class Estimator:
    """An estimator of `simdnn.tabular` with the name of its target."""

    def __init__(self, estimator: Any, name: str) -> None:
        self.estimator, self.name, self.columns = estimator, name, estimator.columns_
        self.model = estimator.ensemble_
        self.classes = tuple(map(str, getattr(estimator, "classes_", np.empty(0)).tolist()))

    @property
    def target(self) -> table.Target:
        """See `Described`."""
        return self.estimator.target(self.name)  # type: ignore[no-any-return]

    @property
    def has_trees(self) -> bool:
        """See `Described`."""
        return self.estimator.trees_ is not None and self.estimator.networks_share_ < 1

    def predict(self, parts: Sequence[Any], i: int, proba: bool) -> Predicted:
        """See `Described`."""
        method = self.estimator.predict_proba if self.classes else self.estimator.predict
        with warnings.catch_warnings():
            if i:
                warnings.simplefilter("ignore")
            try:
                found = method(parts[i])
            except ValueError:
                _ = data.from_tables(parts, self.columns)[i]  # raises for the row of the table
                raise
        if found.ndim > 1 and not self.classes:
            fail(f"expected a model of one number, got one of {found.shape[1]}")
        if not self.classes:
            return Predicted([f"{one:.9g}" for one in found.tolist()], None)
        return Predicted([self.classes[j] for j in found.argmax(axis=1).tolist()], found if proba else None)


def load_described(path: str) -> Described:
    """The model in a file that `simdnn train` wrote, or the method `save` of an estimator."""
    model, metadata = simdnn.load(path), simdnn.load_metadata(path)
    found = metadata.get("table")
    if found is None and (estimator := load_estimator(path, metadata)) is not None:
        return estimator
    if not isinstance(found, dict):
        fail(f"{path}: a model without a description of columns, which only `simdnn train` writes")
    try:
        columns, target = table.Columns.from_dict(found["columns"]), table.Target.from_dict(found["target"])
    except (KeyError, TypeError, ValueError) as error:
        fail(f"{path}: the description of columns is damaged: {error}")
    if (len(columns.features), target.outputs) != (model.in_features, model.out_features):
        fail(f"{path}: the description of columns does not fit the model")
    return Network(model, columns, target)


def load_estimator(path: str, metadata: dict[str, Any]) -> Estimator | None:
    """The estimator in a file, or None if the file holds none."""
    training = metadata.get("training")
    known = isinstance(training, dict) and "preset" in training
    try:
        from simdnn import tabular
    except ImportError:
        if known:
            raise
        return None
    try:
        return Estimator(tabular.load(path), str(metadata.get("target", "y")))
    except ValueError:
        if known:
            raise
        return None
