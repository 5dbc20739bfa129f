"""Arguments of the estimators that scikit-learn would convert without a word: types that it cannot hold."""

from typing import Any

import numpy as np
import pytest
import simdnn

pytest.importorskip("sklearn", reason="needs the extra [sklearn]: scikit-learn")
from scipy.sparse import csr_matrix
from simdnn._utils.missing import plain_target
from simdnn.config import limited_threads
from simdnn.sklearn import MLPClassifier, MLPRegressor, fit_many

from tests.support.frames import (
    COLUMNS,
    KINDS,
    OTHERS,
    TIMES,
    check_targets,
    check_times_are_refused,
    column_of_times,
)

X = np.random.default_rng(0).normal(size=(20, 3))
Y = np.arange(20) % 2
BIG: list[Any] = [2**53, 2**53 + 1]


def made(kind: Any = MLPClassifier, **settings: Any) -> Any:
    return kind(hidden_layer_sizes=(4,), solver="lbfgs", max_iter=2, random_state=0, **settings)


def masked(values: Any) -> Any:
    return np.ma.array(values, mask=np.arange(np.size(values)).reshape(np.shape(values)) == 0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_masked_arrays_are_refused(kind: Any) -> None:
    fitted = made(kind).fit(X, Y)
    stochastic = kind(max_iter=1)
    calls = {
        "X": [
            lambda: made(kind).fit(masked(X), Y),
            lambda: fitted.predict(masked(X)),
            lambda: fitted.score(masked(X), Y),
        ],
        "y": [
            lambda: made(kind).fit(X, masked(Y)),
            lambda: stochastic.partial_fit(X, masked(Y)),
            lambda: fitted.score(X, masked(Y)),
        ],
        "sample_weight": [
            lambda: made(kind).fit(X, Y, masked(np.ones(20))),
            lambda: fitted.score(X, Y, masked(np.ones(20))),
        ],
        "indices": [lambda: fit_many([made(kind)], X, Y, indices=masked(np.arange(9)))],
        r"indices\[0\]": [lambda: fit_many([made(kind)], X, Y, indices=[masked(np.arange(9))])],
        "eval_set: y": [lambda: stochastic.fit(X, Y, eval_set=(X, masked(Y)))],
    }
    for name, each in calls.items():
        for call in each:
            with pytest.raises(TypeError, match=f"{name}: a masked array, whose mask would be ignored"):
                call()


@pytest.mark.filterwarnings("ignore")
def test_dates_are_refused() -> None:
    days = np.datetime64("2020-01-01") + np.arange(60).reshape(20, 3)
    for values in (days, days - days[0, 0]):
        with pytest.raises(TypeError, match="X: dates are not supported"):
            made().fit(values, Y)
        with pytest.raises(TypeError, match="y: dates are not supported"):
            made(MLPRegressor).fit(X, values[:, 0])
        with pytest.raises(TypeError, match="sample_weight: dates are not supported"):
            made().fit(X, Y, values[:, 0])
    assert made().fit(X, days[Y, 0]).classes_.tolist() == days[:2, 0].tolist()
    pd = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match="X: dates are not supported"):
        made().fit(pd.DataFrame({"a": pd.date_range("2020", periods=20), "b": 1.0}), Y)


def micro(values: Any) -> Any:
    """Dates or spans in microseconds, which all libraries know."""
    return values.astype(f"{values.dtype.kind}8[us]")


DAYS = np.datetime64("2020-01-01") + np.arange(20)
DATES: dict[str, Any] = {
    "lists": list,
    "one in a list": lambda values: [1.0] * 19 + [values[7]],
    "rows": lambda values: [[one] for one in values],
    "Python's": lambda values: values.astype(object),
    "objects": lambda values: np.array([*values, None], object)[:-1],
    "pandas": lambda values: pytest.importorskip("pandas").Series(values),
    "pandas, of Arrow": lambda values: pytest.importorskip("pandas").Series(
        pytest.importorskip("pyarrow").array(micro(values))
    ),
    "polars": lambda values: pytest.importorskip("polars").Series(micro(values)),
    "polars frame": lambda values: pytest.importorskip("polars").DataFrame({"a": micro(values)}),
    "pyarrow": lambda values: pytest.importorskip("pyarrow").array(micro(values)),
    "pyarrow table": lambda values: pytest.importorskip("pyarrow").table({"a": micro(values)}),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("values", [DAYS, DAYS - DAYS[0]], ids=["dates", "spans"])
@pytest.mark.parametrize("form", DATES)
def test_dates_of_every_form_are_refused(form: str, values: Any) -> None:
    given = DATES[form](values)
    with pytest.raises(TypeError, match=r"^y: dates are not supported; turn them into numbers"):
        made(MLPRegressor).fit(X, given)
    with pytest.raises(TypeError, match=r"^sample_weight: dates are not supported"):
        made().fit(X, Y, given)
    with pytest.raises(TypeError, match=r"^X: dates are not supported"):
        made().fit(given, Y)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("values", TIMES.values(), ids=TIMES)
@pytest.mark.parametrize("kind", [*COLUMNS, *KINDS, *OTHERS])
def test_times_of_every_library_are_refused(kind: str, values: list[Any]) -> None:
    check_times_are_refused(lambda: made(MLPRegressor, optimizer="adam"), X, kind, values)
    model = made().fit(X, Y)
    times = column_of_times(kind, values)
    for call in (lambda: made().fit(times, Y), lambda: model.predict(times)):
        with pytest.raises(TypeError, match=r"^X: dates are not supported"):
            call()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_target_in_a_table_of_several_columns_is_named(kind: str) -> None:
    columns: dict[str, list[Any]] = {"p": [True, False] * 10, "q": [False] * 10 + [True] * 10}
    y, of = np.column_stack(list(columns.values())), KINDS[kind]
    model, other = made().fit(X, y), made().fit(X, of(columns))
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    assert model.score(X, y) == other.score(X, of(columns))
    columns["q"][4] = columns["p"][7] = None
    for call in (lambda: made().fit(X, of(columns)), lambda: model.score(X, of(columns))):
        with pytest.raises(ValueError, match=r"^y\[4\] is missing; 2 of 20 rows have no target"):
            call()


@pytest.mark.filterwarnings("ignore")
def test_classes_stay_exact() -> None:
    pd = pytest.importorskip("pandas")
    labels: list[Any] = [
        np.array(BIG * 10),
        BIG * 10,
        pd.Series(BIG * 10, dtype="Int64"),
        pd.DataFrame({"y": pd.array(BIG * 10, "UInt64")}),
    ]
    for y in labels:
        fitted = made().fit(X, y)
        assert fitted.classes_.tolist() == BIG
        assert set(fitted.predict(X).tolist()) <= set(BIG)
    booleans = pd.Series([True, False] * 10, dtype="boolean")
    assert made().fit(X, booleans).classes_.tolist() == [False, True]
    partial = MLPClassifier().partial_fit(
        X, pd.Series(BIG * 10, dtype="Int64"), classes=pd.array(BIG, "Int64")
    )
    assert partial.classes_.tolist() == BIG
    missing: dict[str, list[Any]] = {"Int64": [1, None], "boolean": [True, None], "string": ["a", None]}
    for dtype, values in missing.items():
        with pytest.raises(ValueError, match=r"y\[1\] is missing; 10 of 20 rows have no target"):
            made().fit(X, pd.Series(values * 10, dtype=dtype))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("sparse", [False, True])
def test_numbers_beyond_float32_are_refused(sparse: bool) -> None:
    large = np.array(X)
    large[3, 1] = -1e300
    given, small = (csr_matrix(large), csr_matrix(X)) if sparse else (large, X)
    message = r"X: row 3, column 1 holds -1e\+300, which is beyond float32"
    with pytest.raises(ValueError, match=message):
        made(dtype=np.float32).fit(given, Y)
    fitted = made(dtype=np.float32).fit(small, Y)
    with pytest.raises(ValueError, match=message):
        fitted.predict(given)
    assert np.isfinite(made(MLPRegressor).fit(small, Y).predict(given)).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_targets_beyond_float32_are_refused(solver: str) -> None:
    targets = np.zeros(len(X))
    targets[3] = 1e300
    model = made(MLPRegressor, dtype=np.float32).set_params(solver=solver)
    message = r"y: row 3, column 0 holds 1e\+300, which is beyond float32"
    with pytest.raises(ValueError, match=f"^{message}"):
        model.fit(X, targets)
    if solver != "lbfgs":
        with pytest.raises(ValueError, match=f"^{message}"):
            model.partial_fit(X, targets)
        with pytest.raises(ValueError, match=f"^eval_set: {message}"):
            model.fit(X, np.zeros(len(X)), eval_set=(X, targets))
        for last, message in (
            (1e300, "row 19 holds 1e.300, which is beyond"),
            (-1.0, "expected numbers >= 0"),
        ):
            weight = np.append(np.ones(len(X) - 1), last)
            with pytest.raises(ValueError, match=rf"^eval_set: sample_weight: {message}"):
                model.fit(X, np.zeros(len(X)), eval_set=(X, np.zeros(len(X)), weight))
        with pytest.raises(ValueError, match=r"^eval_set: X: row 3, column 1 holds"):
            model.fit(X, np.zeros(len(X)), eval_set=(np.where(X[3, 1] == X, 1e300, X), np.zeros(len(X))))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("count", [0, -1, 2**15, 2**31, 2**70])
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_refused_number_of_threads_leaves_no_limit(kind: Any, count: int) -> None:
    with pytest.raises(ValueError, match="n_threads"):
        made(kind, n_threads=count).fit(X, Y)
    with pytest.raises(ValueError, match="n_threads"), limited_threads(count):
        pass
    assert simdnn.get_num_threads() >= 1
    made(kind, n_threads=1).fit(X, Y)


@pytest.mark.filterwarnings("ignore")
def test_counts_without_bounds() -> None:
    for settings in ({}, {"early_stopping": True}, {"solver": "lbfgs"}, {"callbacks": [lambda *_: None]}):
        endless = MLPClassifier((4,), max_iter=10**30, tol=1e9, n_iter_no_change=2, random_state=0)
        endless.set_params(**settings).fit(X, Y)
        assert endless.n_iter_ < 1000
    decaying: Any = {"solver": "sgd", "learning_rate": "invscaling", "max_iter": 2}
    slow = MLPClassifier((4,), power_t=10**30, random_state=0, **decaying).fit(X, Y)
    assert slow._optimizer.lr == 0  # a power of whole numbers would not end
    with pytest.raises(ValueError, match="'n_members' parameter of MLPClassifier must be"):
        made(n_members=10**9).fit(X, Y)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("settings", [{"early_stopping": True}, {"n_members": 3, "bagging": "folds"}])
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_part_whose_weights_are_all_zero_is_refused(kind: Any, settings: dict[str, Any]) -> None:
    """Rows are split by chance, so that one weight above 0 is in one part, and zeros alone in the other."""
    for lone in range(len(X)):
        weight = np.zeros(len(X))
        weight[lone] = 1
        with pytest.raises(ValueError, match=r"sample_weight: expected a weight above 0 among the \d+ rows"):
            kind(max_iter=1, random_state=0, **settings).fit(X, Y, sample_weight=weight)


NAMED = {"x": X[:, 0].tolist(), "y": X[:, 1].tolist(), "z": X[:, 2].tolist()}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", [*KINDS, *OTHERS])
def test_names_of_tables_of_all_libraries_are_known(kind: str) -> None:
    of = (KINDS | OTHERS)[kind]
    swapped = of(dict(reversed(NAMED.items())))
    model = made(MLPRegressor).fit(of(NAMED), Y)
    assert model.feature_names_in_.tolist() == list(NAMED)
    np.testing.assert_array_equal(model.predict(of(NAMED)), made(MLPRegressor).fit(X, Y).predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(swapped)
    with pytest.raises(ValueError, match="feature names should match"):
        made(MLPRegressor, optimizer="adam").fit(of(NAMED), Y, eval_set=(swapped, Y))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("values", [["b", "a"], [True, False], [3, 7], [0.5, -2.0]], ids=str)
def test_a_y_of_every_library_is_read_alike(kind: str, values: list[Any]) -> None:
    number = isinstance(values[0], float)

    def make() -> Any:
        return made(MLPRegressor if number else MLPClassifier, optimizer="adam")

    cells = COLUMNS[kind](values * (len(X) // 2))
    check_targets(make, X, values, kind, eval_set=(X, cells))


@pytest.mark.parametrize("missing", [None, np.nan, np.float64("nan")])
@pytest.mark.parametrize("form", [list, tuple, lambda cells: np.array(cells, object)])
def test_targets_in_lists_and_arrays_of_objects(form: Any, missing: Any) -> None:
    cells: list[Any]
    for cells, dtype in ((["b", "a"], object), ([3, 7], int), ([True, False], bool), ([0.5, 2], float)):
        found = plain_target(form(cells))
        assert list(found) == cells
        read = isinstance(found, np.ndarray) and found.dtype != object
        assert not read or found.dtype == dtype
        with pytest.raises(ValueError, match=r"^y\[1\] is missing"):
            plain_target(form([cells[0], missing, cells[1]]))
