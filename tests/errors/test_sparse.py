"""Sparse matrices of SciPy with places outside their shape are refused, by whatever reads them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import simdnn
from simdnn import Trainer, data, nn
from simdnn.sklearn import MLPClassifier, MLPRegressor, fit_many

rng = np.random.default_rng(0)
X = (rng.normal(size=(60, 8)) * (rng.random((60, 8)) < 0.4)).astype(np.float32)
Y = np.arange(60) % 3
LABELS = sp.csr_matrix(np.eye(3, dtype=int)[Y])


def changed(value: Any, part: str, place: int, number: int) -> Any:
    """The matrix, after a number of one of its arrays has been changed."""
    getattr(value, part)[place] = number
    return value


def of_lists(number: int) -> Any:
    value = sp.lil_matrix(X)
    value.rows[0] = [number]
    value.data[0] = [1.0]
    return value


BAD: dict[str, Callable[[], Any]] = {
    **{
        f"{kind}.{part} {number}": lambda kind=kind, part=part, place=place, number=number: changed(
            getattr(sp, f"{kind}_matrix")(X), part, place, number
        )
        for kind in ("csr", "csc", "bsr", "coo")
        for part, place in ((("row", 0), ("col", 0)) if kind == "coo" else (("indices", 0), ("indptr", 3)))
        for number in (99, 10**8, -1)
    },
    "lil 99": lambda: of_lists(99),
    "lil -1": lambda: of_lists(-1),
}


def trainer() -> Trainer:
    return Trainer(nn.Sequential(nn.Dense(8, 3), rng=0), seed=0)


def fitted(kind: Any, y: Any = Y, **options: Any) -> Any:
    return kind(max_iter=1, random_state=0, tol=0, n_iter_no_change=9, **options).fit(sp.csr_matrix(X), y)


READERS: dict[str, Callable[[Any], Any]] = {
    "step": lambda x: trainer().step(x, Y),
    "fit": lambda x: trainer().fit(x, Y, epochs=1),
    "evaluate": lambda x: trainer().evaluate(x, Y),
    "validation_data": lambda x: trainer().fit(X, Y, epochs=1, validation_data=(x, Y)),
    "blocks": lambda x: trainer().fit([(x, Y)], epochs=1),
    "from_arrays": lambda x: trainer().fit(data.from_arrays(x, Y, rows=20), epochs=1),
    "fit_many": lambda x: simdnn.fit_many([trainer()], x, Y, epochs=1),
    "MLPClassifier.fit": lambda x: MLPClassifier(max_iter=1).fit(x, Y),
    "MLPClassifier.partial_fit": lambda x: MLPClassifier().partial_fit(x, Y, classes=[0, 1, 2]),
    "MLPClassifier.predict": lambda x: fitted(MLPClassifier).predict(x),
    "MLPClassifier.predict_proba": lambda x: fitted(MLPClassifier).predict_proba(x),
    "MLPClassifier.score": lambda x: fitted(MLPClassifier).score(x, Y),
    "MLPRegressor.predict": lambda x: fitted(MLPRegressor).predict(x),
    "members": lambda x: MLPClassifier(max_iter=1, n_members=2, bagging="bootstrap").fit(x, Y),
    "members.predict": lambda x: fitted(MLPClassifier, n_members=2).predict(x),
    "pretrain": lambda x: MLPClassifier(max_iter=1, pretrain="autoencoder").fit(x, Y),
    "sklearn.fit_many": lambda x: fit_many([MLPClassifier(max_iter=1)], x, Y),
    "sklearn.fit_many of rows": lambda x: fit_many(
        [MLPClassifier(max_iter=1)], x, Y, indices=[np.arange(40)]
    ),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("reader", READERS)
def test_places_outside_the_shape_are_refused(reader: str, bad: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)\bx\b.*(expected|index)"):
        READERS[reader](BAD[bad]())


@pytest.mark.parametrize("number", [99, 10**8, -1])
def test_labels_outside_the_shape_are_refused(number: int) -> None:
    for part, place in (("indices", 0), ("indptr", 3)):
        with pytest.raises(ValueError, match=r"y.*expected"):
            MLPClassifier(max_iter=1).fit(X, changed(LABELS.copy(), part, place, number))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", ["csr", "csc", "bsr", "coo", "lil", "dok", "dia"])
@pytest.mark.parametrize("make", ["matrix", "array"])
def test_every_format_is_read_as_its_numbers(kind: str, make: str) -> None:
    x = getattr(sp, f"{kind}_{make}")(X)
    whole, rows = MLPClassifier(max_iter=2, random_state=0), MLPClassifier(max_iter=2, random_state=0)
    assert trainer().evaluate(x, Y) == trainer().evaluate(X, Y)
    fit_many([whole], x, Y, indices=[np.arange(40)])
    fit_many([rows], X, Y, indices=[np.arange(40)])
    np.testing.assert_array_equal(whole.predict_proba(x), rows.predict_proba(X))
