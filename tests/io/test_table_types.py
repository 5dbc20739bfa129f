"""Types of columns: exact classes, decimals, dates, pandas' types, categories in other spellings, ranges."""

import datetime
import warnings
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn import table

NAN = float("nan")
Call = Callable[[Any], Any]


def inputs_of(values: Any, **options: Any) -> list[Any]:
    """Inputs of a column that the encoder is fitted to."""
    return table.Columns.fit({"a": values}, **options).transform({"a": values}).tolist()


def words(*cells: Any) -> np.ndarray[Any, Any]:
    return np.array([*cells, None], object)[:-1]


def saved(path: Path, values: Any) -> Path:
    """A file of one column, in the format of the path's ending."""
    if path.suffix == ".npz":
        np.savez(path, a=values)
    elif path.suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="needs the extra [table]: pyarrow")
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.table({"a": values}), path)
    else:
        path.write_text("a\n" + "".join(f"{one}\n" for one in values))
    return path


BIG = {
    np.int64: [2**53, 2**53 + 1, -(2**53) - 1],
    np.uint64: [2**64 - 1, 2**64 - 2, 7],
}


@pytest.mark.parametrize("ending", ["csv", "npz", "parquet"])
@pytest.mark.parametrize("dtype", BIG)
def test_classes_are_exact_in_every_format(dtype: Any, ending: str, tmp_path: Path) -> None:
    values = np.array(BIG[dtype], dtype)
    read = table.read(saved(tmp_path / f"data.{ending}", values))
    assert read["a"].dtype == dtype
    target = table.Target.fit(read, "a", "classification")
    assert target.classes == tuple(str(one) for one in sorted(BIG[dtype]))
    assert target.transform(read).tolist() == [sorted(BIG[dtype]).index(one) for one in BIG[dtype]]
    assert target.restore(np.eye(3)).tolist() == [str(one) for one in sorted(BIG[dtype])]
    text = table.read(tmp_path / f"data.{ending}", text=["a"])["a"]
    assert text.tolist() == [str(one) for one in BIG[dtype]]
    assert target.transform({"a": text}).tolist() == target.transform(read).tolist()
    assert len(np.unique(inputs_of(text), axis=0)) == 3


def test_floats_that_may_stand_for_several_classes_are_refused() -> None:
    values = np.array([2.0**53, 1.0])
    message = (
        "row 0 \\(counted from 0\\): float64 does not tell whole numbers as large as 9007199254740992 apart"
    )
    with pytest.raises(ValueError, match=f"target a: {message}"):
        table.Target.fit({"a": values}, "a", "classification")
    target = table.Target.fit({"a": np.array([2**53 + 1, 1])}, "a")
    with pytest.raises(ValueError, match=f"target a: {message}"):
        target.transform({"a": values})
    columns = table.Columns.fit({"a": words("9007199254740993", "1")})
    with pytest.raises(ValueError, match=f"column a: {message}"):
        columns.transform({"a": values})
    with pytest.raises(ValueError, match=f"column a: {message}"):
        columns.transform({"a": words(2.0**53, "x")})
    with pytest.raises(
        ValueError, match=r"column a: row 1 \(counted from 0\): float32 does not tell .* 16777216 apart"
    ):
        columns.transform({"a": np.float32([1, 2**24])})


ONE = [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    "values",
    [
        words("1", "2"),
        words("1.0", "2.0"),
        words(" 1", "2.00"),
        np.array([1.0, 2.0]),
        np.array([1, 2], np.int8),
        np.array([1, 2], np.float16),
        np.array(["1", "2.0"]),
        np.array([b"1", b"2"]),
        [1, Decimal("2.0")],
        ["1.0", 2],
    ],
    ids=str,
)
def test_a_category_has_one_name(values: Any) -> None:
    for fitted in (words("1", "2"), words("1.0", "2.0"), words("1", "2", "1.0")):
        columns = table.Columns.fit({"a": fitted})
        assert columns.features == ["a=1", "a=2"]
        assert columns.transform({"a": values}).tolist() == ONE
    target = table.Target.fit({"a": words("1.0", "2", "1")}, "a")
    assert target.classes == ("1", "2")
    assert target.transform({"a": values}).tolist() == [0, 1]


def test_names_that_only_look_alike_differ() -> None:
    columns = table.Columns.fit({"a": words("007", "7", "3.1", "3.10", "True")})
    assert columns.features == ["a=007", "a=3.1", "a=3.10", "a=7", "a=True"]
    found = columns.transform({"a": words("007", "7.0", "3.1", "3.10", "TRUE", "3.100", "07")})
    assert found.argmax(axis=1)[:5].tolist() == [0, 3, 1, 2, 4]
    assert not found[5:].any()
    assert table.Columns.fit({"a": words("1.5", "2")}).transform({"a": words("1.50", "2")}).tolist() == ONE


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (words("cat", "hamster"), "'cat'"),
        (np.array([7.0, 8.0]), "'7'"),
        (words("01", "02"), "'01'"),
        (words(None, None), "missing ones"),
    ],
)
def test_a_wholly_unknown_column_is_pointed_out(values: Any, name: str) -> None:
    columns = table.Columns.fit({"a": words("1", "2", "1")})
    message = f"column a: all values are unknown, such as {name}.*2 categories.*'1'"
    with pytest.warns(UserWarning, match=message) as seen:
        assert not columns.transform({"a": values}).any()
    assert [one.filename for one in seen] == [__file__]


def test_lost_zeros_are_pointed_out() -> None:
    columns = table.Columns.fit({"a": words("00501", "10001", "7")})
    for values in (np.array([501, 10001]), words("501", "10001")):
        with pytest.warns(
            UserWarning, match="column a: '501' is unknown, but '00501' is a category: ids lose"
        ) as seen:
            assert columns.transform({"a": values}).tolist() == [[0, 0, 0], [0, 1, 0]]
        assert [one.filename for one in seen] == [__file__]


def test_words_serve_where_numbers_are_expected() -> None:
    columns = table.Columns.fit({"a": np.array([1.0, 3.0])})
    assert columns.transform({"a": words("1", " 3.0 ", "NA")}).tolist() == [[-1], [1], [0]]
    for values, message in (
        (words("1", "1_0"), "column a: row 1 \\(counted from 0\\): '1_0' is not a number"),
        (words("1", "1,5"), r"column a: row 1 \(counted from 0\): '1,5' is not a number; .*decimal=','"),
        (
            words("1", "007"),
            "column a: row 1 \\(counted from 0\\): '007' is not a number but an id, for its leading zeros",
        ),
        (words("1", True), "column a: row 1 \\(counted from 0\\): 'True' is not a number"),
    ):
        with pytest.raises(ValueError, match=message):
            columns.transform({"a": values})
    for values in (np.full(2, NAN), words(None, "NA")):
        with pytest.warns(UserWarning, match="column a: all values are missing") as seen:
            assert columns.transform({"a": values}).tolist() == [[0], [0]]
        assert [one.filename for one in seen] == [__file__]
    target = table.Target.fit({"a": words("1", "4")}, "a", "regression")
    assert (target.mean, target.scale) == (2.5, 1.5)
    assert target.transform({"a": words("1", "4")}).tolist() == [[-1], [1]]


@pytest.mark.parametrize("value", [0.1, 0.5, -7e20, 0.0, 1e-30])
@pytest.mark.parametrize("rows", [2, 50, 1001])
@pytest.mark.parametrize("steps", [0, 1])
def test_a_column_that_is_constant_but_for_rounding_has_scale_1(value: float, rows: int, steps: int) -> None:
    values = np.full(rows, value)
    values[::2] = value * (1 + steps * 2.0**-52)
    (numbers,) = table.Columns.fit({"a": values}).parts
    assert numbers.scale == 1
    assert abs(numbers.encode(values)).max() <= abs(value) * 2.0**-51
    assert table.Target.fit({"a": values}, "a", "regression").scale == 1


def test_constant_columns_are_those_of_scikit_learn() -> None:
    StandardScaler = pytest.importorskip("sklearn.preprocessing").StandardScaler
    rng = np.random.default_rng(0)
    for spread in 10.0 ** np.arange(-18, 0):
        values = 3 + spread * rng.normal(size=100)
        scale = table.Columns.fit({"a": values}).parts[0].scale
        assert scale == pytest.approx(StandardScaler().fit(values[:, np.newaxis]).scale_[0], rel=1e-6)


LARGE = float(np.finfo(np.float32).max)


def test_numbers_beyond_float32_are_refused_in_training_and_prediction() -> None:
    columns = table.Columns.fit({"a": np.array([1.0, 2.0])})
    target = table.Target.fit({"a": np.array([1.5, 2.0, 7.0])}, "a")
    for value, message in (
        (np.inf, "is infinite"),
        (-np.inf, "is infinite"),
        (1e300, "holds 1e\\+300, which is beyond float32"),
        (-1.01 * LARGE, "holds -3.4.*e\\+38, which is beyond float32"),
    ):
        values = np.array([1.0, value])
        calls: list[Call] = [
            lambda v: table.Columns.fit({"a": v}),
            lambda v: columns.transform({"a": v}),
            lambda v: table.Target.fit({"a": v}, "a", "regression"),
            lambda v: target.transform({"a": v}),
        ]
        for i, call in enumerate(calls):
            wanted = (
                f"column a: row 1 \\(counted from 0\\) {message}"
                if i < 2
                else f"target a: row 1 \\(counted from 0\\) (is (missing|infinite)|{message})"
            )
            with pytest.raises(ValueError, match=wanted):
                call(values)
    small = table.Columns.fit({"a": np.array([1e-20, 2e-20])})
    with pytest.raises(
        ValueError,
        match="column a: row 0 \\(counted from 0\\) holds 1e\\+20, which is beyond float32 after scaling",
    ):
        small.transform({"a": np.array([1e20])})
    assert np.isfinite(
        table.Columns.fit({"a": np.array([-LARGE, LARGE])}).transform({"a": np.array([LARGE])})
    ).all()


DATE = datetime.date(2020, 1, 1)

REFUSED: dict[str, tuple[Any, str]] = {
    "dates": (np.array(["2020-01-01"], "M8[s]"), r"dates are not supported \(datetime64"),
    "spans of time": (np.array([3], "m8[s]"), r"spans of time are not supported \(timedelta64"),
    "complex numbers": (np.array([1j]), "expected numbers or text, got dtype complex128"),
    "records": (np.zeros(1, [("x", "f4")]), "expected numbers or text, got dtype"),
    "dates among objects": (
        words("x", DATE),
        "row 1 \\(counted from 0\\): dates are not supported \\(date\\)",
    ),
    "a span among objects": (
        words(1.5, datetime.timedelta(1)),
        "row 1 \\(counted from 0\\): spans of time are not supported \\(timedelta\\)",
    ),
    "lists": (words([1], [2]), "row 0 \\(counted from 0\\): expected a number or text, got list"),
    "dictionaries": (words({}), "row 0 \\(counted from 0\\): expected a number or text, got dict"),
    "complex objects": (words(1j), "row 0 \\(counted from 0\\): expected a number or text, got complex"),
    "bytes in another encoding": (np.array([b"a", b"\xe9"]), r"expected text in UTF-8, got b'\\xe9'"),
    "such bytes among objects": (words("a", b"\xe9"), r"expected text in UTF-8, got b'\\xe9'"),
    "two dimensions": (np.ones((2, 1)), r"expected one dimension, got shape \(2, 1\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_types_are_refused_by_name(name: str) -> None:
    values, message = REFUSED[name]
    columns, target = table.Columns.fit({"a": np.ones(1)}), table.Target("a", (), 0, 1)
    calls: list[Call] = [
        table.Columns.fit,
        columns.transform,
        lambda t: table.Target.fit(t, "a"),
        target.transform,
    ]
    for i, call in enumerate(calls):
        with pytest.raises(ValueError, match=f"{'column' if i < 2 else 'target'} a: {message}"):
            call({"a": values})


def test_bfloat16_is_refused_by_name() -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    with pytest.raises(ValueError, match="column a: expected numbers or text, got dtype bfloat16"):
        table.Columns.fit({"a": np.ones(2, bfloat16)})


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, 3], ">i4"),
        np.array([1, 3], ">f8"),
        np.array([1, 3], np.float16),
        np.array([1, 3], np.longdouble),
        np.array([1, 3], np.uint8),
        [1, 3.0],
        (Decimal(1), Decimal("3.0")),
        words(np.int64(1), np.float32(3)),
    ],
    ids=repr,
)
def test_numbers_of_every_type_are_numbers(values: Any) -> None:
    assert inputs_of(values) == [[-1], [1]]


def test_types_of_pandas(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "int": pd.array([1, None, 3], "Int64"),
            "float": pd.array([1.5, None, 4.5], "Float32"),
            "bool": pd.array([True, None, False], "boolean"),
            "string": pd.array(["x", None, "y"], "string"),
            "object": ["x", None, "y"],
            "category": pd.Categorical([7, None, 8]),
            "plain": [1, 2, 3],
        }
    )
    columns = table.Columns.fit(frame)
    assert columns.features == [
        *("int", "int is missing", "float", "float is missing"),
        *("bool=False", "bool=True", "bool=(missing)", "string=x", "string=y", "string=(missing)"),
        *("object=x", "object=y", "object=(missing)"),
        *("category=7", "category=8", "category=(missing)", "plain"),
    ]
    wanted = columns.transform(frame)
    assert wanted[:, :4].tolist() == [[-1, 0, -1, 0], [0, 1, 0, 1], [1, 0, 1, 0]]
    assert wanted[:, 4:16].sum(axis=1).tolist() == [4, 4, 4]
    frame.to_csv(tmp_path / "data.csv", index=False)
    assert np.array_equal(columns.transform(table.read(tmp_path / "data.csv")), wanted)
    pytest.importorskip("pyarrow", reason="needs the extra [table]: pyarrow")
    frame.to_parquet(tmp_path / "data.parquet")
    assert np.array_equal(columns.transform(table.read(tmp_path / "data.parquet")), wanted)
    exact = pd.DataFrame({"y": pd.array([2**53, 2**53 + 1], "Int64")})
    assert table.Target.fit(exact, "y").classes == ("9007199254740992", "9007199254740993")
    for values, message in (
        (pd.date_range("2020", periods=2, tz="UTC"), "dates are not supported"),
        (pd.Series(pd.date_range("2020", periods=2)), "dates are not supported"),
        (pd.array([pd.Period("2020"), None]), "periods are not supported"),
    ):
        with pytest.raises(ValueError, match=f"column a: .*{message}"):
            table.Columns.fit({"a": values})
    with pytest.raises(TypeError, match="table: expected strings as names of columns, got 0"):
        table.Columns.fit(pd.DataFrame([[1, 2]]))
    with pytest.raises(ValueError, match="table: two columns are named 'a'"):
        table.Columns.fit(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_columns_differ_in_length() -> None:
    with pytest.raises(ValueError, match="the columns differ in length: a 2, b 3"):
        table.Columns.fit({"a": np.ones(2), "b": np.ones(3)})
    with pytest.raises(TypeError, match=r"table: expected a dictionary .*, got list"):
        table.Columns.fit([[1.0, 2.0]])


def test_parquet_types(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra [table]: pyarrow")
    import pyarrow.parquet

    days, path = [DATE, DATE], tmp_path / "data.parquet"
    kinds = {
        "decimal": pyarrow.array([Decimal("1.50"), None]),
        "exact": pyarrow.array([Decimal(2**53 + 1), Decimal(7)]),
        "nulls": pyarrow.nulls(2),
        "half": pyarrow.array(np.array([1, 2], np.float16)),
        "large": pyarrow.array(["x", None], pyarrow.large_string()),
        "dotted.name": [1, 2],
        "dotted": [3, 4],
    }
    bad = {
        "date": (days, "dates are not supported"),
        "span": ([datetime.timedelta(1)] * 2, "spans of time are not supported"),
        "time": ([datetime.time(1)] * 2, "times of day are not supported"),
        "list": ([[1], [2]], "expected numbers or text, got list"),
        "struct": ([{"x": 1}] * 2, "expected numbers or text, got struct"),
        "map": (
            pyarrow.array([[("k", 1)]] * 2, pyarrow.map_("string", "int64")),
            "expected numbers or text, got map",
        ),
        "bytes": ([b"x", b"y"], "expected numbers or text, got binary"),
        "coded": (pyarrow.array(days).dictionary_encode(), "dates are not supported"),
    }
    pyarrow.parquet.write_table(pyarrow.table(kinds | {name: one for name, (one, _) in bad.items()}), path)
    found = table.read(path, columns=kinds)
    assert list(found) == list(kinds)
    assert repr({name: values.tolist() for name, values in found.items()}) == repr(
        {
            "decimal": [1.5, NAN],
            "exact": [2**53 + 1, 7],
            "nulls": [NAN, NAN],
            "half": [1.0, 2.0],
            "large": ["x", None],
            "dotted.name": [1.0, 2.0],
            "dotted": [3.0, 4.0],
        }
    )
    assert table.read(path, columns=["decimal"], text=["decimal"])["decimal"].tolist() == ["1.50", None]
    for name, (_, message) in bad.items():
        with pytest.raises(ValueError, match=f"column {name}: {message}"):
            table.read(path, columns=[name, "half"])


def test_npz_types(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(
        path,
        X=np.arange(4.0).reshape(2, 2),
        y=np.array([1, 2], ">i8"),
        when=np.array([0, 1, 2], "M8[s]"),
        o=words({}),
    )
    assert list(table.read(path, ignore=["when", "o"])) == ["X.0", "X.1", "y"]
    assert table.read(path, columns=["X.1", "y"])["X.1"].tolist() == [1, 3]
    with pytest.raises(ValueError, match="column when: dates are not supported"):
        table.read(path, columns=["when"])
    with pytest.raises(ValueError, match=r"column 'z' is missing; there are X\.0, X\.1, y, when, o"):
        table.read(path, columns=["z"])


def test_a_text_column_keeps_short_spellings_of_floats(tmp_path: Path) -> None:
    columns = table.Columns.fit({"a": words("0.1", "2.5")})
    for values in (np.array([0.1, 2.5]), np.float32([0.1, 2.5]), [0.1, Decimal("2.50")]):
        assert columns.transform({"a": values}).tolist() == ONE
    path = saved(tmp_path / "data.parquet", np.float32([0.1, 2.5]))
    assert columns.transform(table.read(path, text=["a"])).tolist() == ONE


def test_onnx_knows_the_spellings_of_a_category(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs the extra [onnx]: onnx")
    import onnx.reference
    from simdnn import nn
    from simdnn import onnx as exchange

    columns = table.Columns.fit({"a": words("1.0", "2", "x")})
    model = nn.Sequential(nn.Dense(3, 3, init="identity"), rng=0)
    exchange.export(model, tmp_path / "m.onnx", columns=columns)
    evaluator = onnx.reference.ReferenceEvaluator(str(tmp_path / "m.onnx"))
    found = evaluator.run(None, {"a": words("1", "1.0", "2.0", "x", "y").reshape(-1, 1)})[0]
    assert np.array_equal(found, model(columns.transform({"a": words("1", "1.0", "2.0", "x", "y")})))
    assert found.argmax(axis=1)[:4].tolist() == [0, 0, 1, 2]


def test_what_a_model_does_not_need_is_not_looked_at() -> None:
    columns = table.Columns.fit({"a": np.array([1.0, 2.0])})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = columns.transform(
            {"a": np.array([1.0, 2.0]), "when": words(DATE), "b": np.full((3, 3), np.inf)}
        )
    assert found.tolist() == [[-1], [1]]
    assert columns.names == ["a"]
