"""Tables of other libraries: equal bits from a dictionary, pandas, pyarrow, Polars and NumPy."""

from typing import Any

import numpy as np
import pytest
from simdnn import data, table

from tests.support.frames import COLUMNS as SERIES
from tests.support.frames import KINDS, OTHERS, Capsule

NAN = float("nan")
OPTIONS: dict[str, Any] = {"numbers": "robust", "bins": 8, "binary": True}

#: Columns as plain lists: numbers with and without holes, whole numbers, text, booleans.
COLUMNS: dict[str, list[Any]] = {
    "float": [1.5, None, -2.25, 1e30, 0.1, 0.1],
    "full": [0.1, 0.2, 0.3, 0.4, 0.5, 0.7],
    "whole": [3, 1, 4, 1, 5, 9],
    "holes": [3, None, 4, 1, None, 9],
    "flag": [True, False, True, True, False, False],
    "text": ["x", "y", None, "häuser", "", "x"],
}
ROWS = 6

every_kind = pytest.mark.parametrize("kind", [*KINDS, *OTHERS])


@every_kind
def test_inputs_have_the_bits_of_a_dictionary(kind: str) -> None:
    given = (KINDS | OTHERS)[kind](COLUMNS)
    columns, wanted = table.Columns.fit(given, **OPTIONS), table.Columns.fit(COLUMNS, **OPTIONS)
    assert columns.to_dict() == wanted.to_dict()
    assert wanted.transform(given).tobytes() == wanted.transform(COLUMNS).tobytes()


@every_kind
def test_parts_of_every_kind_are_a_table(kind: str) -> None:
    parts = [
        (KINDS | OTHERS)[kind]({name: cells[a:b] for name, cells in COLUMNS.items()})
        for a, b in ((0, 3), (3, 6))
    ]
    columns = table.Columns.fit(parts, **OPTIONS)
    assert columns.to_dict() == table.Columns.fit(COLUMNS, **OPTIONS).to_dict()
    blocks = data.from_tables(parts, columns)
    found = np.concatenate([x for (x,) in blocks])
    assert found.tobytes() == columns.transform(COLUMNS).tobytes()
    with pytest.raises(TypeError, match="tables: expected a sequence of tables"):
        data.from_tables(parts[0], columns)


@every_kind
def test_a_target_is_read_from_every_kind(kind: str) -> None:
    given = (KINDS | OTHERS)[kind](COLUMNS)
    for name in ("full", "whole", "flag"):
        target = table.Target.fit(given, name)
        assert target == table.Target.fit(COLUMNS, name)
        assert target.transform(given).tolist() == target.transform(COLUMNS).tolist()


@pytest.mark.parametrize("kind", SERIES)
def test_columns_of_every_library_may_be_in_a_dictionary(kind: str) -> None:
    if kind.endswith("table"):
        pytest.skip("a table is no column")
    cells = [name for name in COLUMNS if name == "text" or not kind.endswith(("categories", "dictionary"))]
    plain = {name: COLUMNS[name] for name in cells}
    given = {name: SERIES[kind](plain[name]) for name in cells}
    columns = table.Columns.fit(plain, **OPTIONS)
    assert table.Columns.fit(given, **OPTIONS).to_dict() == columns.to_dict()
    assert columns.transform(given).tobytes() == columns.transform(plain).tobytes()


def test_tables_outside_memory_are_refused() -> None:
    class LazyFrame:
        def collect_schema(self) -> None: ...
        def collect(self) -> None: ...

    with pytest.raises(
        TypeError, match=r"^table: expected a table in memory, got LazyFrame: give table.coll"
    ):
        table.Columns.fit(LazyFrame())


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_categories_are_text(kind: str) -> None:
    words = ["x", "y", None, "x"]
    wanted = table.Columns.fit({"a": words}).to_dict()
    if kind == "pandas":
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame({"a": pd.Categorical(words)})
    elif kind == "polars":
        pl = pytest.importorskip("polars")
        frame = pl.DataFrame({"a": pl.Series(words, dtype=pl.Categorical)})
    else:
        pa = pytest.importorskip("pyarrow")
        frame = pa.table({"a": pa.array(words).dictionary_encode()})
    assert table.Columns.fit(frame).to_dict() == wanted
    if kind != "pandas":
        assert table.Columns.fit(Capsule(frame)).to_dict() == wanted


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, ">f4", object])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_is_a_table_of_numbered_columns(order: Any, dtype: Any) -> None:
    x = np.array([[1, 2, 3], [4, 5, 9], [7, 8, 9], [1, 1, 2]], dtype, order=order)
    columns = table.Columns.fit(x, **OPTIONS)
    named = {f"x{j}": x[:, j].astype(np.float64) for j in range(3)}
    assert columns.names == ["x0", "x1", "x2"]
    assert columns.to_dict() == table.Columns.fit(named, **OPTIONS).to_dict()
    assert columns.transform(x).tobytes() == columns.transform(named).tobytes()
    assert columns.transform(x[::2]).tobytes() == columns.transform(x)[::2].tobytes()
    mixed = table.Columns.fit(np.array([[1.5, "x"], [None, "y"]], object))
    assert mixed.features == ["x0", "x0 is missing", "x1=x", "x1=y"]
    fields = np.array([(1, "x"), (2, "y")], [("a", "f4"), ("b", "U3")])
    assert table.Columns.fit(fields).features == ["a", "b=x", "b=y"]


def test_other_tables_are_refused() -> None:
    for given, kind, message in (
        (np.ones(3), ValueError, r"table: expected an array \[rows, columns\], got shape \(3,\)"),
        (np.ma.masked_array(np.ones((2, 2))), TypeError, "table: a masked array"),
        ("data.csv", TypeError, "table: expected a dictionary of columns, a DataFrame or .*, got str"),
        (7, TypeError, "table: expected a dictionary of columns, a DataFrame or .*, got int"),
        (np.ones((2, 0)), ValueError, "expected at least one column"),
    ):
        with pytest.raises(kind, match=message):
            table.Columns.fit(given)


def test_a_column_alone_is_no_table() -> None:
    pa = pytest.importorskip("pyarrow", reason="needs the extra [table]: pyarrow")
    with pytest.raises(TypeError, match=r"table: expected a dictionary .*, got ChunkedArray"):
        table.Columns.fit(pa.chunked_array([[1.0, 2.0]]))


def test_two_columns_of_one_name_are_refused() -> None:
    pa = pytest.importorskip("pyarrow")
    pd = pytest.importorskip("pandas")
    doubled = pa.table([[1.0], [2.0]], names=["a", "a"])
    for given in (doubled, Capsule(doubled), pd.DataFrame([[1.0, 2.0]], columns=["a", "a"])):
        with pytest.raises(ValueError, match="two columns are named 'a'"):
            table.Columns.fit(given)


def test_other_types_of_arrow_and_polars_are_refused_by_name() -> None:
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    for cells in ([[1], [2]], [b"x", b"y"], [{"x": 1}, None]):
        with pytest.raises(ValueError, match="column a: expected numbers or text"):
            table.Columns.fit(pa.table({"a": cells}))
    with pytest.raises(ValueError, match="column a: row 0 \\(counted from 0\\): expected a number or text"):
        table.Columns.fit(pl.DataFrame({"a": [[1], [2]]}))


@pytest.mark.parametrize("kind", ["Int64", "int64[pyarrow]", "polars", "arrow"])
def test_large_integers_with_holes_stay_exact_words(kind: str) -> None:
    large = [2**60, 2**60 + 1, None]
    if kind in ("polars", "arrow"):
        given = KINDS[kind]({"id": large})
    else:
        given = {"id": pytest.importorskip("pandas").array(large, kind)}
    columns = table.Columns.fit({"id": [str(2**60), str(2**60 + 1), None]})
    assert columns.transform(given).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_categories_of_pandas_are_read_by_their_type() -> None:
    """Numbers keep the spelling of their precision, and dates in types of pyarrow are no numbers."""
    pd, pa = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    numbers = pd.Series([0.1, np.nan, 1.0], dtype="float32").astype("category")
    found = table.Columns.fit({"size": numbers})
    assert found.features == ["size=0.1", "size=1", "size=(missing)"]
    days = pd.Series(np.array(["2020-01-31", "NaT"], "M8[us]"))
    arrow = days.astype(pd.ArrowDtype(pa.timestamp("us")))
    for each in (days, arrow, days.dt.tz_localize("UTC")):
        dates = {"when": each.astype("category")}
        with pytest.raises(ValueError, match=r"column when, categories: .*dates are not supported"):
            table.Columns.fit(dates)
        assert table.Columns.fit(dates, dates=True).dates == ["when"]
    with pytest.raises(ValueError, match=r"column age, categories: .*got Interval"):
        table.Columns.fit({"age": pd.cut(pd.Series([1.0, 2.0]), 2)}, dates=True)


@pytest.mark.parametrize("kind", ["Int128", "UInt128"])
def test_wide_integers_of_polars_are_numbers(kind: str) -> None:
    pl = pytest.importorskip("polars")
    if not hasattr(pl, kind):
        pytest.skip("this Polars has no such type")
    found = table.Columns.fit({"a": pl.Series("a", [1, None, 3], dtype=getattr(pl, kind))})
    assert found.features == ["a", "a is missing"]
