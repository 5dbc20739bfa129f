"""Encoding of labels as numbers, and decoding of decisions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

Array = NDArray[Any]

#: scikit-learn's name for the type of a multilabel y.
MULTILABEL = "multilabel-indicator"


def kind_of(y: Any) -> str:
    """The type of y: "binary", "multiclass" or "multilabel-indicator"; raises for any other."""
    kind = str(type_of_target(y, input_name="y"))
    if kind not in ("binary", "multiclass", MULTILABEL):
        check_classification_targets(y)
        raise ValueError(f"y: expected one class per sample or a multilabel indicator, got {kind}")
    return kind


class Labels(NamedTuple):
    """The labels of a fit: their type, their classes, and True for `sparse` if y was a sparse matrix."""

    kind: str
    classes: Array
    sparse: bool = False

    @classmethod
    def of(cls, y: Any) -> Labels:
        """Labels found in y."""
        kind = kind_of(y)
        return cls(kind, unique_labels(y) if y.ndim > 1 else np.unique(y), issparse(y))

    @classmethod
    def among(cls, classes: Array, y: Any) -> Labels:
        """Labels for classes given in advance, a subset of which is in y."""
        kind = kind_of(y)
        if kind != MULTILABEL:
            kind = "multiclass" if len(classes) > 2 else "binary"
        return cls(kind, classes, issparse(y))

    def check(self, others: Labels) -> None:
        """Raises if other labels are of another type or have classes that these lack."""
        if (self.kind == MULTILABEL) != (others.kind == MULTILABEL):
            raise ValueError(f"y: expected {self.kind} labels, got {others.kind}")
        if len(np.setdiff1d(others.classes, self.classes, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`."
                f" `self.classes_` has {self.classes}. 'y' has {others.classes}."
            )

    @property
    def exclusive(self) -> bool:
        """True for multiclass: exactly one class per sample."""
        return self.kind == "multiclass"

    @property
    def outputs(self) -> int:
        """Number of network outputs: one per class, or one for a binary problem."""
        return 1 if self.kind == "binary" else len(self.classes)

    def encode(self, y: Any) -> Array:
        """Encoded labels [n, columns]: class index; True for the second of two classes; or True per label."""
        if self.exclusive:
            return np.asarray(np.searchsorted(self.classes, y))[:, np.newaxis]
        if self.kind == "binary":
            return np.asarray((y == self.classes[-1]) & (len(self.classes) > 1))[:, np.newaxis]
        return np.asarray((y.toarray() if issparse(y) else np.asarray(y)) != 0)

    def decode(self, decisions: Array, threshold: float) -> Any:
        """Labels from decisions [n, outputs]: the largest one, or those above the threshold."""
        if self.exclusive:
            return self.classes[decisions.argmax(axis=1)]
        positive = decisions > threshold
        if self.kind == "binary":
            return self.classes[(positive[:, 0] & (len(self.classes) > 1)).astype(int)]
        return csr_matrix(positive.astype(int)) if self.sparse else positive.astype(int)
