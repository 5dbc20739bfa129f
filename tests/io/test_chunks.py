"""Tables in chunks: the joined chunks are the table of `read`, and statistics do not depend on the chunks."""

import itertools
import math
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simdnn import data, table

ROWS = [1, 2, 3, 7, 1000]


def joined(parts: Any) -> dict[str, Any]:
    names = list(parts[0])
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def assert_equal_tables(parts: Any, whole: table.Table) -> None:
    found = joined(parts)
    assert list(found) == list(whole)
    for name, values in whole.items():
        assert (found[name].dtype == object) == (values.dtype == object), name
        if values.dtype == object:
            assert found[name].tolist() == values.tolist()
        else:
            np.testing.assert_array_equal(found[name].astype(values.dtype), values)
    assert parts.rows == len(next(iter(whole.values())))
    assert parts.begins == [
        sum(len(next(iter(part.values()))) for part in parts[:i]) for i in range(len(parts))
    ]


class Parts(list[Any]):
    """A list of chunks with the attributes of the sequence."""

    def __init__(self, source: Any) -> None:
        super().__init__(source)
        self.rows, self.begins = source.rows, source.begins


TEXTS = {
    "numbers": "a,b\n1,2\n3,4\n5,6\n-7.5,1e3\n",
    "words at the end": "a,b\n1,2\n3,4\n5,6\n7,x\n",
    "missing": "a,b\n1,\n,NA\n?,3\n4,w\n",
    "quotes": 'a,"b ""c"""\n1,"x, y"\n2,"two\nlines"\n"3",z\n4,"""q"""\n5,"a\r\n\r\nb"\n6,w\n',
    "carriage returns": "a,b\r\n1,2\r\n\r\n3,4\r\n",
    "old carriage returns": "a,b\r1,2\r3,4\r5,6",
    "blank lines": "\n\na,b\n\n1,2\n\n\n3,4\n\n\n\n5,6\n\n",
    "no end of line": "a,b\n1,2\n3,4",
    "ids": "a,b\n1,2\n3,4\n5,007\n",
    "large": f"a,b\n1,2\n{2**53 + 1},4\n5,6\n",
    "large with a fraction": f"a,b\n1.5,2\n{2**53 + 1},4\n5,6\n",
    "large with an infinite one": f"a,b\n1,2\n{2**53 + 1},4\n-inf,6\n",
    "large with decimals": f"a,b\n1.0,2\n{2**53 + 1},4\n2e1,6\n",
    "large with an exponent": f"a,b\n1e16,2\n{2**53 + 1},4\n5,6\n",
    "large and negative": f"a,b\n1,2\n{2**63},4\n5,6\n-1,8\n",
    "very large": f"a,b\n1,2\n{2**63},4\n{2**53 + 1},6\n5,8\n",
    "large with a missing one": f"a,b\n{2**53 + 1},4\n,6\n",
    "separators around infinite numbers": "a,b\n1,2\n2e999,\x1e4\n5\x1f,6\n7,1e999\n",
    "unicode": "\ufeffä,b\n1,ß\n2,\u2028x\n3,😀\n",
    "one column": "a\n1\n\n2\nx y\n",
}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("text", TEXTS)
def test_joined_chunks_of_a_csv_file_are_the_table(text: str, rows: int, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(TEXTS[text].encode())
    parts = table.chunks(path, rows=rows)
    assert_equal_tables(Parts(parts), table.read(path))
    sizes = [len(next(iter(part.values()))) for part in parts]
    assert sizes[:-1] == [rows] * (len(sizes) - 1)
    np.testing.assert_array_equal(
        parts[-1][next(iter(parts[-1]))], parts[len(parts) - 1][next(iter(parts[-1]))]
    )


@given(
    cells=st.lists(
        st.tuples(*[st.sampled_from(["1", "2.5", "x", "", '"a, b"', '"c\nd"', '"e""f"', " 3 ", "007"])] * 2),
        min_size=1,
    ),
    rows=st.integers(1, 5),
)
def test_any_cells_in_chunks_are_the_table(
    cells: list[tuple[str, str]], rows: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text("a,b\n" + "".join(",".join(row) + "\n" for row in cells), newline="")
    assert_equal_tables(Parts(table.chunks(path, rows=rows)), table.read(path))


@pytest.mark.parametrize("rows", ROWS)
def test_options_of_read_are_those_of_chunks(rows: int, tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text("a;b;c\n1,5;1.000;x\n2,5;2.000;1\n3;7;2\n")
    options: dict[str, Any] = {
        "delimiter": ";",
        "decimal": ",",
        "thousands": ".",
        "text": ["c"],
        "ignore": ["b"],
    }
    assert_equal_tables(Parts(table.chunks(path, rows=rows, **options)), table.read(path, **options))
    options = {"delimiter": ";", "columns": ["c", "b"]}
    assert_equal_tables(Parts(table.chunks(path, rows=rows, **options)), table.read(path, **options))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n", "line 3 has 1 cell, but there are 2 columns"),
        ('a,b\n1,2\n"x\ny",2\n3,4,5\n', "line 5 has 3 cells, but there are 2 columns"),
        ('a,b\n1,2\n3,"4\n5,6\n', r"unexpected end of data \(line 3\)"),
        ("a,b\n", "expected columns with names and at least one row"),
        ("", "expected columns with names and at least one row"),
        ("a,a\n1,2\n", "two columns are named 'a'"),
    ],
)
@pytest.mark.parametrize("rows", ROWS)
def test_a_bad_file_is_refused_as_by_read(text: str, message: str, rows: int, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, newline="")
    for reading in (lambda: table.read(path), lambda: table.chunks(path, rows=rows)):
        with pytest.raises(ValueError, match=f"t.csv: {message}"):
            reading()


def test_other_files_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", a=np.arange(3))
    with pytest.raises(ValueError, match=r"expected a file name that ends in \.csv, \.tsv, \.parquet"):
        table.chunks(tmp_path / "t.npz")
    with pytest.raises(FileNotFoundError):
        table.chunks(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="rows: expected an integer >= 1"):
        table.chunks(tmp_path / "none.csv", rows=0) if (tmp_path / "none.csv").write_text("a\n1\n") else None
    (tmp_path / "latin.csv").write_bytes(b"a\n\xe4\n")
    with pytest.raises(ValueError, match=r"latin\.csv: line 2: byte 0xe4 is not UTF-8; .* iconv -f latin1"):
        table.chunks(tmp_path / "latin.csv")


@pytest.mark.parametrize(
    "cells", [["2020-01-01", "2020-01-02"], ["1,5", "2,5"], ["1,5", "x"], ["2020-01-01", "x"]]
)
def test_warnings_are_those_of_read(cells: list[str], tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\n" + "".join(f'"{cell}"\n' for cell in cells))
    messages = []
    for reading in (lambda: table.read(path), lambda: table.chunks(path, rows=1)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            reading()
        assert all(one.filename == __file__ for one in caught)
        messages.append([str(one.message) for one in caught])
    assert messages[0] == messages[1]


@pytest.mark.parametrize("groups", [1, 2, 5, 100])
def test_row_groups_of_a_parquet_file_are_its_chunks(groups: int, tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="needs the extra [table]: pyarrow")
    import decimal

    import pyarrow.parquet

    columns = {
        "x": [1.5, None, 3.0, 4.0, 5.0],
        "i": [1, None, 3, 2**53 + 1, 5],
        "large": [1, 2, 3, 2**60 + 1, 5],
        "word": [None, None, "a", "NA", "b"],
        "flag": [True, None, False, True, True],
        "d": [decimal.Decimal(one) for one in ("1.5", "2.0", "3.0", "4.0", "5.0")],
    }
    path = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(arrow.table(columns), path, row_group_size=groups)
    parts = table.chunks(path)
    assert len(parts) == -(-5 // groups)
    assert_equal_tables(Parts(parts), table.read(path))


VALUES = np.random.default_rng(0).normal(3, 2, 9_000)


@settings(deadline=None, max_examples=20)
@given(cuts=st.sets(st.integers(1, 8_999), max_size=20), missing=st.booleans())
def test_statistics_do_not_depend_on_the_parts(cuts: set[int], missing: bool) -> None:
    values = np.where(np.arange(9_000) % 3 == 0, np.nan, VALUES) if missing else VALUES
    words = np.array(["a", "b", "1", None, "1.0"], object)[np.arange(9_000) % 5]
    whole = {"x": values, "kind": words}
    pairs = itertools.pairwise([0, *sorted(cuts), 9_000])
    parts = [{name: one[a:b] for name, one in whole.items()} for a, b in pairs]
    mask = np.arange(9_000) % 7 > 0
    for rows in (None, mask, np.flatnonzero(mask)):
        wanted = table.Columns.fit(whole, rows=rows).to_dict()
        assert table.Columns.fit(parts, rows=rows).to_dict() == wanted
        assert table.Columns.fit(iter(parts), rows=rows).to_dict() == wanted
    known = values[~np.isnan(values)]
    scaled = table.Columns.fit(parts).to_dict()[0]
    assert scaled["mean"] == pytest.approx(known.mean(), rel=1e-14)
    assert scaled["scale"] == pytest.approx(known.std(), rel=1e-14)
    assert scaled["missing"] == missing


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e8])
def test_moments_are_accurate(offset: float) -> None:
    values = VALUES + offset
    found = table.Columns.fit({"x": values}).to_dict()[0]
    exact = [float(one) for one in values]
    mean = math.fsum(exact) / len(exact)
    variance = math.fsum((one - mean) ** 2 for one in exact) / len(exact)
    assert found["mean"] == pytest.approx(mean, rel=1e-15)
    assert found["scale"] == pytest.approx(math.sqrt(variance), rel=1e-9)


TARGETS: dict[str, tuple[list[Any], str]] = {
    "words": (["b", "a", "b", "1.0", "1", "a"], "auto"),
    "two integers": ([5, 3, 3, 5, 5, 3], "auto"),
    "few integers": ([1, 2, 3] * 20, "auto"),
    "numbers": ([1.5, 2.5, 3.5, 2.0, 1.0, 7.0], "auto"),
    "integers": (list(range(30)), "auto"),
    "integers as classes": (list(range(30)), "classification"),
    "large integers": ([2**53 + 1, 2**53 + 3] * 10, "auto"),
    "words of numbers": (["1", "2.5", "3", "4"], "regression"),
    "constant": ([2.5] * 9, "regression"),
}


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("kind", TARGETS)
def test_a_target_does_not_depend_on_the_parts(kind: str, size: int) -> None:
    values, task = TARGETS[kind]
    parts = [{"y": values[at : at + size]} for at in range(0, len(values), size)]
    assert table.Target.fit(parts, "y", task) == table.Target.fit({"y": values}, "y", task)


def test_errors_in_parts_name_the_row_of_the_table() -> None:
    good, bad = {"x": [1.0, 2.0], "y": [1.0, 2.5]}, {"x": [3.0, np.inf], "y": [1.0, np.inf]}
    only_x = [{"x": part["x"]} for part in (good, good, bad)]
    with pytest.raises(ValueError, match="column x: row 5 \\(counted from 0\\) is infinite"):
        table.Columns.fit(only_x)
    with pytest.raises(ValueError, match="target y: row 5 \\(counted from 0\\) is infinite"):
        table.Target.fit([good, good, bad], "y")
    with pytest.raises(ValueError, match="column x: numbers in the parts before, but text in this one"):
        table.Columns.fit([{"x": [1.0]}, {"x": ["a"]}])
    with pytest.raises(ValueError, match="expected the columns x in all parts, got z"):
        table.Columns.fit([{"x": [1.0]}, {"z": [1.0]}])
    with pytest.raises(ValueError, match="table: expected at least one part"):
        table.Columns.fit([])
    with pytest.raises(ValueError, match="rows: expected ascending indices"):
        table.Columns.fit(only_x[:2], rows=[2, 1])
    for rows in ([4], [True] * 3, [True] * 5):
        with pytest.raises(IndexError, match=r"rows: |boolean"):
            table.Columns.fit(only_x[:2], rows=rows)


def test_chunks_of_a_file_become_blocks_of_samples(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,kind,y\n" + "".join(f"{i},{'pq'[i % 2]},{'ab'[i % 2]}\n" for i in range(50)))
    whole, parts = table.read(path), table.chunks(path, rows=7)
    target = table.Target.fit(parts, "y")
    columns = table.Columns.fit({name: part[name] for name in ("x", "kind")} for part in parts)
    blocks = data.from_tables(parts, columns, target)
    x, y = (np.concatenate(one) for one in zip(*blocks, strict=True))
    np.testing.assert_array_equal(x, columns.transform(whole))
    np.testing.assert_array_equal(y, target.transform(whole))
    lines = path.read_text().splitlines()
    lines[40] = "1e39,p,a"
    path.write_text("\n".join(lines) + "\n")
    other = data.from_tables(table.chunks(path, rows=7), columns, target)
    with pytest.raises(ValueError, match=re.escape("column x: row 39 (counted from 0) holds 1e+39")):
        list(other)
    with pytest.raises(TypeError, match="tables: expected a sequence of tables, got dict"):
        data.from_tables(whole, columns, target)
