"""Labels as numbers, and back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

Array = NDArray[Any]

SEVERAL = "multilabel-indicator"


def kind_of(y: Any) -> str:
    """ "binary", "multiclass" or "multilabel-indicator"; raises for what is none of them."""
    kind = str(type_of_target(y, input_name="y"))
    if kind not in ("binary", "multiclass", SEVERAL):
        check_classification_targets(y)
        raise ValueError(f"y: expected a class or several labels a sample, got {kind}")
    return kind


class Labels(NamedTuple):
    """The labels of a fit: their kind, their classes, and if they came in a sparse matrix."""

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
        """Labels given in advance, of which y holds some."""
        kind = kind_of(y)
        if kind != SEVERAL:
            kind = "multiclass" if len(classes) > 2 else "binary"
        return cls(kind, classes, issparse(y))

    def check(self, others: Labels) -> None:
        """Raises if other labels are none of these."""
        if (self.kind == SEVERAL) != (others.kind == SEVERAL):
            raise ValueError(f"y: expected labels that are {self.kind}, got {others.kind}")
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
        """Columns: the place of the class, whether it is the second of two, or which labels there are."""
        if self.exclusive:
            return np.asarray(np.searchsorted(self.classes, y))[:, np.newaxis]
        if self.kind == "binary":
            return np.asarray((y == self.classes[-1]) & (len(self.classes) > 1))[:, np.newaxis]
        return np.asarray((y.toarray() if issparse(y) else np.asarray(y)) != 0)

    def decode(self, decisions: Array, threshold: float) -> Any:
        """The labels of decisions, one column for each output; above the threshold is yes."""
        if self.exclusive:
            return self.classes[decisions.argmax(axis=1)]
        yes = decisions > threshold
        if self.kind == "binary":
            return self.classes[(yes[:, 0] & (len(self.classes) > 1)).astype(int)]
        return csr_matrix(yes.astype(int)) if self.sparse else yes.astype(int)
