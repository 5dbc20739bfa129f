"""Samples of all kinds, and bad ones: right, or a clear error before anything is trained."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn.tabular import TabularClassifier, TabularRegressor
from sklearn.metrics import r2_score

from tests.support.frames import COLUMNS, OTHERS, check_targets
from tests.support.frames import KINDS as FRAMES

from .tables import KINDS, QUICK, fitted, make_classes, make_numbers, make_table

every_kind = pytest.mark.parametrize("kind", KINDS)


def target_for(kind: type, X: Any) -> Any:
    return make_classes(X) if kind is TabularClassifier else make_numbers(X)


@pytest.mark.parametrize("library", [*FRAMES, *OTHERS])
def test_tables_of_all_libraries_give_the_same_bits(library: str) -> None:
    X, of = make_table(), (FRAMES | OTHERS)[library]
    plain = {name: values.tolist() for name, values in X.items()}
    plain["size"] = [None if np.isnan(one) else one for one in plain["size"]]
    y = make_numbers(X)
    model = TabularRegressor(**QUICK).fit(of(plain), y)
    np.testing.assert_array_equal(model.predict(of(plain)), TabularRegressor(**QUICK).fit(X, y).predict(X))
    assert model.feature_names_in_.tolist() == list(X)
    swapped = of(dict(reversed(plain.items())))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(swapped)
    with pytest.raises(ValueError, match=r"^eval_set: The feature names should match"):
        model.fit(of(plain), y, eval_set=(swapped, y))


@every_kind
def test_arrays_and_lists_have_numbered_columns(kind: type) -> None:
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = (X[:, 0] > 0).astype(int) if kind is TabularClassifier else X[:, 0]
    model = kind(**QUICK).fit(X.tolist(), y.tolist())
    assert model.columns_.names == ["x0", "x1", "x2"]
    assert not hasattr(model, "feature_names_in_")
    np.testing.assert_array_equal(model.predict(X), model.predict(X.tolist()))


@every_kind
@pytest.mark.parametrize("record", [False, True])
def test_structured_arrays_are_dictionaries_of_their_fields(kind: type, record: bool) -> None:
    X = make_table(60)
    y = target_for(kind, X)
    array = np.rec.fromarrays(list(X.values()), names=list(X))
    given = array if record else np.asarray(array).view(np.ndarray)
    model = kind(**QUICK).fit(given, y)
    assert model.feature_names_in_.tolist() == list(X)
    np.testing.assert_array_equal(model.predict(X), model.predict(given[list(reversed(X))]))
    np.testing.assert_array_equal(model.oof_prediction_, kind(**QUICK).fit(X, y).oof_prediction_)
    with pytest.raises(ValueError, match="X: column 'old' is missing"):
        model.predict(given[["size", "weight", "color", "doors"]])
    with pytest.raises(ValueError, match="Found array with 0 sample"):
        model.predict(given[:0])


@every_kind
def test_lists_of_rows_keep_numbers_beside_words(kind: type) -> None:
    X = make_table(60)
    y = target_for(kind, X)
    numbered = {f"x{i}": values for i, values in enumerate(X.values())}
    model = kind(**QUICK).fit(numbered, y)
    lists = [list(row) for row in zip(*(values.tolist() for values in X.values()), strict=True)]
    for rows in (lists, [tuple(row) for row in lists], [np.array(row, object) for row in lists]):
        other = kind(**QUICK).fit(rows, y)
        assert other.columns_.to_dict() == model.columns_.to_dict()
        np.testing.assert_array_equal(other.oof_prediction_, model.oof_prediction_)
        np.testing.assert_array_equal(other.predict(rows), model.predict(numbered))
    with pytest.raises(ValueError, match="inhomogeneous"):
        other.predict([*lists, ["a"]])


@pytest.mark.parametrize(
    "classes", [np.array([3, 7]), np.array([False, True]), np.array(["a", "b"]), np.array(["b", "a"], object)]
)
def test_classes_keep_their_type(classes: Any, tmp_path: Path) -> None:
    from simdnn import tabular

    X = np.random.default_rng(0).normal(size=(40, 2))
    y = classes[(X[:, 0] > 0).astype(int)]
    model = TabularClassifier(**QUICK).fit(X, y)
    assert model.predict(X).dtype == y.dtype
    pytest.importorskip("safetensors")
    model.save(tmp_path / "model.safetensors")
    found = tabular.load(tmp_path / "model.safetensors").predict(X)
    assert found.dtype == y.dtype
    np.testing.assert_array_equal(found, model.predict(X))


@every_kind
@pytest.mark.parametrize("rows", [2, 3, 5])
def test_few_rows(kind: type, rows: int) -> None:
    X = np.arange(2.0 * rows).reshape(rows, 2)
    model = kind(**QUICK | {"n_members": 5}).fit(X, np.arange(rows) % 2)
    assert len(model.history_) == min(rows, 5)
    assert np.isfinite(model.oof_prediction_).all()


@every_kind
def test_columns_without_information(kind: type) -> None:
    """Constant columns, ones without a value, and ten thousand categories."""
    rows = 10_000
    words = np.array([f"w{i}" for i in range(rows)], object)
    X = {
        "constant": np.ones(rows),
        "missing": np.full(rows, np.nan),
        "words": words,
        "x": np.arange(rows) % 7,
    }
    y = (X["x"] > 3).astype(int) if kind is TabularClassifier else X["x"] * 1.0
    model = kind(**QUICK | {"epochs": 2}).fit(X, y)
    assert model.score(X, y) > 0.5
    assert len(model.columns_.features) < 100


def test_a_constant_target_of_a_regression() -> None:
    X = make_table(30)
    model = TabularRegressor(**QUICK).fit(X, np.full(30, 4.5))
    assert (model.predict(X) == 4.5).all()


@pytest.mark.parametrize("base", [0.0, 1e12, -3e8])
def test_numbers_far_from_zero(base: float) -> None:
    """Targets are scaled without loss: a base that all have changes nothing else."""
    X = make_table(60)
    y = np.round(make_numbers(X) * 64) / 64  # exact, also after the base
    near, far = (TabularRegressor(**QUICK).fit(X, y + one) for one in (0.0, base))
    np.testing.assert_allclose(far.predict(X) - base, near.predict(X), atol=1e-3)
    constant = TabularRegressor(**QUICK).fit(X, np.where(np.arange(60) % 2, 0.3, 0.1 + 0.2) + base)
    assert constant._scaling.scale == 1


@pytest.mark.parametrize("size", [2.0**-150, 2.0**-600, 2.0**120])
@pytest.mark.parametrize("weighted", [False, True])
def test_numbers_of_any_size(size: float, weighted: bool) -> None:
    """Targets are scaled without loss: a power of two changes nothing else."""
    X = make_table(60)
    y, weight = make_numbers(X), np.arange(60) % 3 + 0.5 if weighted else None
    one, other = (TabularRegressor(**QUICK).fit(X, y * by, weight) for by in (1.0, size))
    np.testing.assert_array_equal(other.predict(X) / size, one.predict(X))
    assert other.oof_score_ == pytest.approx(one.oof_score_, rel=1e-12)
    assert one.oof_score_ == pytest.approx(r2_score(y, one.oof_prediction_, sample_weight=weight), rel=1e-12)
    assert other.score(X, y * size, weight) == pytest.approx(one.score(X, y, weight), rel=1e-12)
    assert one.score(X, y, weight) == pytest.approx(
        r2_score(y, one.predict(X), sample_weight=weight), rel=1e-12
    )
    falls = [each.permutation_importance(n_repeats=1, random_state=0).importances for each in (one, other)]
    np.testing.assert_allclose(*falls, rtol=1e-12, atol=1e-12)


@every_kind
@pytest.mark.parametrize("preset", ["default", "best"])
def test_columns_without_a_value_in_a_fold(kind: type, preset: Any) -> None:
    """Columns of numbers, words and dates that have one value or none."""
    X = make_table(60)
    y = target_for(kind, X)
    X |= {"none": np.full(60, np.nan), "words": np.full(60, None, object), "one": np.full(60, np.nan)}
    X |= {"dates": np.full(60, "NaT", "M8[us]"), "word": np.full(60, None, object)}
    X["one"][3], X["word"][4] = 1.0, "rare"
    model = kind(preset, **QUICK).fit(X, y)
    assert np.isfinite(model.oof_prediction_).all()
    assert np.isfinite(model.permutation_importance(n_repeats=1).importances).all()


@pytest.mark.parametrize("preset", ["default", "best"])
def test_a_fold_with_one_class(preset: Any) -> None:
    """The network and the trees of the fold that holds the only row of a class out have not seen it."""
    X = make_table(60)
    model = TabularClassifier(preset, **QUICK).fit(X, np.where(np.arange(60) == 7, "b", "a"))
    np.testing.assert_allclose(model.oof_prediction_.sum(axis=1), 1, rtol=1e-5)
    assert model.predict_proba(X).shape == (60, 2)


def test_one_class_of_a_weight_above_zero_is_refused() -> None:
    X = make_table(60)
    y = make_classes(X)
    with pytest.raises(ValueError, match="two classes of a weight above zero, got only one class, 'low'"):
        TabularClassifier(**QUICK).fit(X, y, (y == "low") * 1.0)


def test_a_class_of_one_row() -> None:
    X = np.random.default_rng(0).normal(size=(30, 2))
    y = np.array(["a"] * 15 + ["b"] * 14 + ["c"])
    model = TabularClassifier(**QUICK).fit(X, y)
    assert model.predict_proba(X).shape == (30, 3)


def test_all_missing_columns_are_named() -> None:
    model, X, _ = fitted(TabularClassifier)
    a, b, *others = model.columns_.names
    with pytest.raises(ValueError, match=f"^X: columns '{a}' and '{b}' are missing; there are"):
        model.predict({name: X[name] for name in others})


def test_unknown_words_and_missing_values_are_predicted() -> None:
    model, X, _ = fitted(TabularClassifier)
    new = {name: values[:3] for name, values in X.items()}
    new["color"] = np.array(["violet", None, "red"], object)
    new["weight"] = np.array([np.nan, 1.0, 2.0])
    assert np.isfinite(model.predict_proba(new)).all()


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("one class", {"y": ["a"] * 120}, "at least two classes, got only one class, 'a'"),
    ("missing class", {"y": np.array([*["a"] * 60, *["b"] * 59, None], object)}, r"y\[119\] is missing"),
    ("few labels", {"y": ["a", "b"]}, "inconsistent numbers of samples"),
    ("few equal labels", {"y": ["a", "a"]}, "inconsistent numbers of samples"),
    ("weights below zero", {"sample_weight": [-1.0] * 120}, "sample_weight"),
    ("no weight", {"sample_weight": np.zeros(120)}, "zero"),
    ("huge weights", {"sample_weight": np.full(120, 1e300)}, "sample_weight: .* float32's range"),
    ("tiny weights", {"sample_weight": np.full(120, 1e-300)}, "sample_weight: .* float32's range"),
    ("few weights", {"sample_weight": np.ones(3)}, "sample_weight"),
    ("infinity", {"X": {"a": np.full(120, np.inf)}}, "column a: row 0 \\(counted from 0\\) is infinite"),
    ("no rows", {"X": {"a": np.zeros(0)}, "y": []}, "0 sample"),
    ("no columns", {"X": {}}, "at least one column"),
    (
        "new class",
        {"eval_set": ({"a": [1.0]}, ["heavy"])},
        "^eval_set: y: expected classes .* 'heavy'",
    ),
    ("few labels of eval_set", {"eval_set": (make_table(), ["low"])}, "^eval_set: .*inconsistent numbers"),
    ("a list as eval_set", {"eval_set": [1, 2]}, "eval_set: expected a pair"),
    ("warm_start", {"warm_start": True}, "warm_start: .* from the start"),
    ("members", {"n_members": 1}, "n_members"),
    (
        "a fraction of a second",
        {"time_limit": Fraction(1, 2)},
        "^time_limit: expected an int or a float",
    ),
    ("preset", {"preset": "slow"}, "preset"),
    ("no layers", {"hidden_layer_sizes": ()}, "hidden_layer_sizes: expected at least one layer"),
    ("layer of nothing", {"hidden_layer_sizes": (8, 0)}, "hidden_layer_sizes: expected an integer >= 1"),
    ("half a unit", {"hidden_layer_sizes": [2.5]}, "hidden_layer_sizes: expected an integer, got float"),
    ("class weights", {"class_weight": {"heavy": -1.0}}, "class_weight"),
    (
        "huge class weights",
        {"class_weight": {"high": 1e300}},
        "^class_weight: .* float32's range, got .* 1e.300",
    ),
    (
        "a huge product of weights",
        {"class_weight": {"high": 1e300}, "sample_weight": np.full(120, 1e30)},
        "^class_weight: .* float32's range",
    ),
    ("no weight of a class", {"class_weight": dict.fromkeys(("low", "middle", "high"), 0)}, "class_weight"),
]
#: Arguments of the constructor among those of BAD.
SETTINGS = {"warm_start", "time_limit", "n_members", "preset", "hidden_layer_sizes", "class_weight"}


@pytest.mark.parametrize(("what", "change", "message"), BAD, ids=[what for what, _, _ in BAD])
def test_bad_input_is_refused(what: str, change: dict[str, Any], message: str) -> None:
    X = make_table()
    given = {"X": X, "y": make_classes(X)} | change
    given["X"] = {"a": X["weight"]} if what == "new class" else given["X"]
    settings = {name: given.pop(name) for name in SETTINGS & given.keys()}
    model = TabularClassifier(**QUICK | settings)
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit(**given)
    assert not hasattr(model, "ensemble_")


def test_importance_names_its_own_arguments() -> None:
    model, X, y = fitted(TabularClassifier)
    with pytest.raises(ValueError, match=r"^y: expected classes of the fit, got 'heavy'"):
        model.permutation_importance(X, ["heavy", *y[1:]])


@pytest.mark.parametrize(("outputs", "others"), [(3, 1), (3, 2), (1, 3)])
def test_a_y_after_the_fit_has_its_columns(outputs: int, others: int) -> None:
    X = np.random.default_rng(0).normal(size=(40, 3))
    y, other = X[:, 0] if outputs == 1 else X[:, :outputs], X[:, :others]
    model, message = TabularRegressor(**QUICK), f"y: expected {outputs} columns, as in fit, got {others}$"
    for one in [other] + [other[:, 0]] * (others == 1):
        with pytest.raises(ValueError, match=f"^eval_set: {message}"):
            model.fit(X, y, eval_set=(X, one))
        assert not vars(model).keys() - model.get_params().keys()
    model.fit(X, y)
    for one in [other] + [other[:, 0]] * (others == 1):
        with pytest.raises(ValueError, match=f"^{message}"):
            model.permutation_importance(X, one)
        with pytest.raises(ValueError, match=f"^{message}"):
            model.score(X, one)


def test_two_columns_of_one_name_are_refused() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.eye(4), columns=["a", "b", "a", "c"])
    with pytest.raises(ValueError, match="unique column names"):
        TabularRegressor(**QUICK).fit(frame, np.arange(4.0))
    with pytest.raises(ValueError, match="X: expected at least one column"):
        TabularRegressor(**QUICK).fit(frame[[]], np.arange(4.0))


def test_a_missing_column_is_named() -> None:
    model, X, _ = fitted(TabularRegressor)
    with pytest.raises(ValueError, match="column 'old' is missing"):
        model.predict({name: values for name, values in X.items() if name != "old"})


def test_words_in_a_column_of_numbers_are_named() -> None:
    model, X, _ = fitted(TabularRegressor)
    with pytest.raises(
        ValueError, match="column weight: row 0 \\(counted from 0\\): 'heavy' is not a number"
    ):
        model.predict(X | {"weight": np.array(["heavy"] * 120, object)})


@pytest.mark.parametrize("levels", [[], [0.0], [1.5], "0.5", 0.5, [np.nan]])
def test_bad_levels_are_refused(levels: Any) -> None:
    model, X, _ = fitted(TabularRegressor, quantiles=True)
    with pytest.raises((TypeError, ValueError), match="quantiles"):
        model.predict(X, quantiles=levels)


def test_quantiles_without_networks_for_them_are_refused() -> None:
    model, X, y = fitted(TabularRegressor)
    with pytest.raises(ValueError, match=r"fit TabularRegressor\(quantiles=True\)"):
        model.predict(X, quantiles=[0.5])
    with pytest.raises(ValueError, match="quantiles: expected y of one column, got 2"):
        TabularRegressor(quantiles=True, **QUICK).fit(X, np.column_stack([y, y]))


def test_trees_are_not_exported(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    model, _, _ = fitted(TabularClassifier, "best")
    model.networks_share_ = 0.5
    with pytest.raises(ValueError, match="neither ONNX nor C"):
        model.to_onnx(tmp_path / "model.onnx")


@every_kind
def test_masked_arrays_are_refused(kind: type) -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    y = (x[:, 0] > 0).astype(int)
    model = kind(**QUICK).fit(x, y)
    masked_x, masked_y = np.ma.array(x, mask=x > 0), np.ma.array(y, mask=y > 0)
    weight = np.ma.array(np.ones(40), mask=y > 0)
    calls: dict[str, list[Any]] = {
        "X": [
            lambda: kind(**QUICK).fit(masked_x, y),
            lambda: kind(**QUICK).fit(list(masked_x), y),
            lambda: model.predict(masked_x),
            lambda: model.score(masked_x, y),
            lambda: model.permutation_importance(masked_x, y),
        ],
        "column x1": [lambda: kind(**QUICK).fit({"x0": x[:, 0], "x1": masked_x[:, 1]}, y)],
        "y": [
            lambda: kind(**QUICK).fit(x, masked_y),
            lambda: model.score(x, masked_y),
            lambda: model.permutation_importance(x, masked_y),
        ],
        "sample_weight": [
            lambda: kind(**QUICK).fit(x, y, weight),
            lambda: model.score(x, y, weight),
            lambda: model.permutation_importance(x, y, sample_weight=weight),
        ],
    }
    for name, given in {"X": (masked_x, y), "y": (x, masked_y), "sample_weight": (x, y, weight)}.items():
        calls[f"eval_set: {name}"] = [lambda given=given: kind(**QUICK).fit(x, y, eval_set=given)]
    if kind is TabularClassifier:
        calls["X"].append(lambda: model.predict_proba(masked_x))
    else:
        calls["X"].append(lambda: model.predict(masked_x, return_std=True))
    for name, each in calls.items():
        for call in each:
            with pytest.raises(TypeError, match=f"^{name}: a masked array, whose mask would be ignored"):
                call()


@pytest.mark.parametrize("span", [False, True])
@pytest.mark.parametrize("library", ["numpy", "list", "objects", "pandas", "polars", "pyarrow"])
def test_dates_are_no_numbers(library: str, span: bool) -> None:
    x = np.random.default_rng(0).normal(size=(20, 2))
    days = np.datetime64("2020-01-01", "us") + np.arange(20) * np.timedelta64(86_400_000_000, "us")
    values: Any = days - days[0] if span else days
    if library in ("list", "objects"):
        values = list(values) if library == "list" else values.astype(object)
    elif library != "numpy":
        module = pytest.importorskip(library)
        values = module.array(values) if library == "pyarrow" else module.Series(values)
    calls = {
        "y": [lambda: TabularRegressor(**QUICK).fit(x, values)],
        "eval_set: y": [lambda: TabularRegressor(**QUICK).fit(x, x[:, 0], eval_set=(x, values))],
        "sample_weight": [
            lambda: TabularRegressor(**QUICK).fit(x, x[:, 0], values),
            lambda: TabularClassifier(**QUICK).fit(x, x[:, 0] > 0, values),
        ],
    }
    for name, each in calls.items():
        for call in each:
            with pytest.raises(TypeError, match=f"^{name}: dates are not supported; turn them into numbers"):
                call()


def test_a_regression_of_words_names_y_and_the_estimator_of_classes() -> None:
    x = np.arange(18.0).reshape(9, 2)
    with pytest.raises(ValueError, match=r"y: expected numbers: .*'a'; TabularClassifier predicts words"):
        TabularRegressor("fast").fit(x, list("abcabcabc"))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("values", [["b", "a"], [True, False], [3, 7], [0.5, -2.0]], ids=str)
def test_a_y_of_every_library_is_read_alike(kind: str, values: list[Any]) -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))

    def make() -> Any:
        return (TabularRegressor if isinstance(values[0], float) else TabularClassifier)(**QUICK)

    check_targets(make, X, values, kind)


@every_kind
@pytest.mark.parametrize("library", ["dictionary", *FRAMES])
def test_a_word_among_numbers_is_pointed_out(kind: type, library: str) -> None:
    X = {"a": [f"{i / 4}" if i != 20 else "none known" for i in range(60)], "b": [*range(60)]}
    y = target_for(kind, make_table(60))
    data = FRAMES[library](X) if library in FRAMES else X
    words = (
        "column a: read as words because of 'none known' in row 20 .*; 59 of 60 values are numbers: correct"
    )
    with pytest.warns(UserWarning, match=words):
        kind("fast", **QUICK).fit(data, y)
    if library == "pandas":
        kind("fast", **QUICK).fit(data.astype({"a": "category"}), y)  # warnings are errors
