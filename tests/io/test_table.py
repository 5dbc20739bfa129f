"""Tables: equal columns from every format, and their conversion to inputs and targets."""

import contextlib
import io
import json
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn import table

NAN, INF = float("nan"), float("inf")

TEXT = """a,b,c,d,e,f
1,x,1.5,TRUE,,007
2,,2e3,false,3,8
NA,"y, z",?,TRUE,4,
 4 ,x,nan,false,5,0.10
"""
WANTED: dict[str, list[Any]] = {
    "a": [1.0, 2.0, NAN, 4.0],
    "b": ["x", None, "y, z", "x"],
    "c": [1.5, 2000.0, NAN, NAN],
    "d": ["TRUE", "false", "TRUE", "false"],
    "e": [NAN, 3.0, 4.0, 5.0],
    "f": ["007", "8", None, "0.10"],
}


def plain(read: table.Table) -> dict[str, list[Any]]:
    return {name: values.tolist() for name, values in read.items()}


def written(folder: Path, text: str, name: str = "data.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_columns_are_numbers_or_words(tmp_path: Path) -> None:
    found = table.read(written(tmp_path, TEXT), text=["f"])
    assert repr(plain(found)) == repr(WANTED)
    assert found["a"].dtype == np.float64
    assert found["b"].dtype == object


def test_other_delimiters_and_marks(tmp_path: Path) -> None:
    for path, delimiter in (
        (written(tmp_path, "a\tb\n1\tx\n", "data.tsv"), None),
        (written(tmp_path, "\ufeffa;b\r\n1;x\r\n\r\n", "data.csv"), ";"),
    ):
        assert plain(table.read(path, delimiter=delimiter)) == {"a": [1.0], "b": ["x"]}


@pytest.mark.parametrize("number", ["0.1", "1e-300", "123456789012345678901234567890", "-0.0", "5e-324"])
def test_numbers_are_read_to_the_last_bit(number: str, tmp_path: Path) -> None:
    for other in ("1", "", "NA"):  # NumPy's reader, and the reader that handles missing values
        found = table.read(written(tmp_path, f"a,b\n{number},{other}\n"))["a"]
        assert found[0].hex() == float(number).hex()


BAD_FILES = {
    "an empty file": ("", "columns with names"),
    "a header alone": ("a,b\n", "at least one row"),
    "two columns of one name": ("a,a\n1,2\n", "two columns are named 'a'"),
    "a long line": ("a,b\n1,2\n1,2,3\n", "line 3 has 3 cells.*2 columns"),
    "long lines": ("a,b\n1,2,3\n1,2,3\n", "line 2 has 3 cells.*2 columns"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_csv_is_a_clear_error(name: str, tmp_path: Path) -> None:
    text, message = BAD_FILES[name]
    with pytest.raises(ValueError, match=f"data.csv: .*({message})"):
        table.read(written(tmp_path, text))


def test_what_is_no_text_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(b"a,b\n1,\xff\xfe\n")
    with pytest.raises(ValueError, match=r"data\.csv: .*utf-8"):
        table.read(tmp_path / "data.csv")
    with pytest.raises(ValueError, match=r"data\.xlsx: .*\.csv, \.tsv, \.parquet, \.npz"):
        table.read("data.xlsx")
    with pytest.raises(FileNotFoundError):
        table.read("nowhere.csv")


def test_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra [table]: pyarrow")
    import pyarrow.parquet

    def write(name: str, **columns: Any) -> Path:
        pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / name)
        return tmp_path / name

    path = write(
        "data.parquet",
        a=[1, None, 3],
        b=["x", None, "z"],
        c=[1.5, None, 2.0],
        d=[True, False, None],
        e=pyarrow.array(["p", "q", "p"]).dictionary_encode(),
        f=[7, 8, 9],
        __index_level_0__=[0, 1, 2],
    )
    assert repr(plain(table.read(path, text=["f"]))) == repr(
        {
            "a": [1.0, NAN, 3.0],
            "b": ["x", None, "z"],
            "c": [1.5, NAN, 2.0],
            "d": ["True", "False", None],
            "e": ["p", "q", "p"],
            "f": ["7", "8", "9"],
        }
    )
    with pytest.raises(ValueError, match="column when: dates"):
        table.read(write("dates.parquet", when=np.array(["2020-01-01"], "M8[s]")))
    with pytest.raises(ValueError, match=r"column a: .*list"):
        table.read(write("lists.parquet", a=[[1], [2]]))
    (tmp_path / "bad.parquet").write_bytes(b"PAR1" + bytes(99))
    with pytest.raises(ValueError, match=r"bad\.parquet: "):
        table.read(tmp_path / "bad.parquet")


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "data.parquet").touch()
    with pytest.raises(ImportError, match=r"simdnn\[table\]"):
        table.read(tmp_path / "data.parquet")


def test_a_changed_bit_of_an_npz_file_changes_no_column(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, a=np.arange(5.0), b=np.arange(5))
    content, expected = path.read_bytes(), table.read(path)
    for bit in range(0, 8 * len(content), 3):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        with contextlib.suppress(ValueError):
            found = table.read(path)  # the bit is of a date, or of the system that wrote the file
            assert found.keys() == expected.keys()
            assert all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("columns", [5, 10**6, 10**15])
def test_an_array_that_is_not_there_has_no_columns(columns: int, tmp_path: Path) -> None:
    header = io.BytesIO()
    described = {"descr": "<f8", "fortran_order": False, "shape": (4, columns)}
    np.lib.format.write_array_header_1_0(header, described)
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as file:
        file.writestr("x.npy", header.getvalue())
    with pytest.raises(ValueError, match=rf"x: expected {32 * columns} bytes for shape .*, got 0"):
        table.read(tmp_path / "data.npz")


@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_that_are_no_characters_are_refused(order: str, tmp_path: Path) -> None:
    words = np.array([0x110000, ord("a")], f"{order}u4").view(f"{order}U1")
    with pytest.raises(ValueError, match="column w: expected characters of Unicode, got the number 0x110000"):
        table.Columns.fit({"w": words})
    np.savez(tmp_path / "data.npz", w=words)
    with pytest.raises(ValueError, match="column w: expected characters of Unicode, got the number 0x110000"):
        table.read(tmp_path / "data.npz")


def test_npz(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, X=np.arange(6).reshape(3, 2), y=np.array(["a", "", "b"]), z=np.array([True, False, True]))
    assert plain(table.read(path)) == {
        "X.0": [0.0, 2.0, 4.0],
        "X.1": [1.0, 3.0, 5.0],
        "y": ["a", None, "b"],
        "z": ["True", "False", "True"],
    }
    for arrays, message in (
        ({"X": np.ones((2, 2, 2))}, r"X: .*\(2, 2, 2\)"),
        ({"X": np.ones(2), "y": np.ones(3)}, "differ in length: X 2, y 3"),
        ({"X": np.ones(2) * 1j}, "column X: .*complex"),
        ({"X": np.array([{}])}, "allow_pickle"),
        ({"X": np.array([None] * 100)}, "allow_pickle"),
        ({}, "at least one row"),
    ):
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match=message):
            table.read(path)
    path.write_bytes(b"PK\x03\x04" + bytes(50))
    with pytest.raises(ValueError, match=r"data\.npz: "):
        table.read(path)


def column(*cells: Any) -> np.ndarray[Any, Any]:
    return np.array([*cells, None], object)[:-1]


def test_numbers_are_scaled_and_filled() -> None:
    columns = table.Columns.fit({"a": np.array([1.0, 2.0, 6.0, NAN]), "b": np.array([5.0, 5, 5, 5])})
    assert columns.features == ["a", "a is missing", "b"]
    a, b = np.array([NAN, 3 + (14 / 3) ** 0.5]), np.array([5.0, 7.0])
    x = columns.transform({"b": b, "a": a, "c": column("x", "y")})
    assert x.dtype == np.float32
    assert np.allclose(x, [[0, 1, 0], [1, 0, 2]])


def test_words_are_one_hot() -> None:
    columns = table.Columns.fit({"a": column("x", None, "y", "x")})
    assert columns.features == ["a=x", "a=y", "a=(missing)"]
    x = columns.transform({"a": column("y", None, "new", "x")})
    assert x.tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_rare_words_share_an_input() -> None:
    columns = table.Columns.fit({"a": column("x", "x", "y", "y", "p", "q", "r")}, max_categories=3)
    assert columns.features == ["a=x", "a=y", "a=(other)"]
    assert columns.transform({"a": column("x", "p", "new")}).tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1]]


def test_many_words_are_numbers_to_look_up() -> None:
    data = {
        "b": np.ones(3),
        "a": column("x", None, "y"),
        "c": np.array([1.0, NAN, 1.0]),
        "d": column("p", "q", "q"),
    }
    columns = table.Columns.fit(data, max_one_hot=2)
    assert columns.features == ["b", "a (one of 4)", "c", "c is missing", "d=p", "d=q"]
    assert columns.embeddings == {1: (4, 3)}
    assert columns.transform(data)[:, 1].tolist() == [0, 2, 1]
    unseen = {"b": np.ones(1), "a": column("new"), "c": np.ones(1), "d": column("p")}
    again = table.Columns.from_dict(json.loads(json.dumps(columns.to_dict())))
    with pytest.warns(
        UserWarning, match="column a: all values are unknown, such as 'new'; .* 3 categories.*'x'"
    ):
        assert again.transform(unseen)[:, 1].tolist() == [3]
    assert again.embeddings == columns.embeddings


def test_numbers_serve_where_words_are_expected() -> None:
    columns = table.Columns.fit({"a": column("7", "8")})
    assert columns.transform({"a": np.array([8.0, NAN])}).tolist() == [[0, 1], [0, 0]]


def test_columns_describe_themselves() -> None:
    data = {"a": np.array([1.0, NAN, 0.1]), "b": column("x", None, "y")}
    columns = table.Columns.fit(data)
    again = table.Columns.from_dict(json.loads(json.dumps(columns.to_dict())))
    assert again.features == columns.features
    assert again.transform(data).tobytes() == columns.transform(data).tobytes()


def test_targets() -> None:
    words = table.Target.fit({"y": column("b", "a", "b")}, "y")
    assert (words.classes, words.outputs) == (("a", "b"), 2)
    assert words.transform({"y": column("a", "b")}).tolist() == [0, 1]
    assert words.restore(np.array([[0.1, 3], [2, 1]])).tolist() == ["b", "a"]
    numbers = table.Target.fit({"y": np.array([1.5, 2.5, 9.0])}, "y")
    assert (numbers.classes, numbers.outputs) == ((), 1)
    y = numbers.transform({"y": np.array([1.5, 9.0])})
    assert y.shape == (2, 1)
    assert np.allclose(numbers.restore(y), [1.5, 9.0])
    for target in (words, numbers):
        assert table.Target.from_dict(json.loads(json.dumps(target.to_dict()))) in (target, target)


CLASSES, NUMBERS = table.Target("y", ("a", "b", "c")), table.Target("y", (), 3.0, 2.0, (0.0, 9.0))


@pytest.mark.parametrize(
    ("target", "outputs", "error", "message"),
    [
        (CLASSES, np.zeros((2, 2)), ValueError, r"expected shape (rows, 3), got (2, 2)"),
        (CLASSES, np.zeros((2, 4)), ValueError, r"expected shape (rows, 3), got (2, 4)"),
        (CLASSES, np.zeros(3), ValueError, r"expected shape (rows, 3), got (3,)"),
        (CLASSES, np.zeros((2, 3, 3)), ValueError, r"expected shape (rows, 3), got (2, 3, 3)"),
        (CLASSES, 1.0, ValueError, r"expected shape (rows, 3), got ()"),
        (
            CLASSES,
            [[1, 2, 3], [0, NAN, 1]],
            ValueError,
            "row 1 (counted from 0), class b: expected a number, got nan",
        ),
        (CLASSES, np.zeros((2, 3), complex), TypeError, "expected real numbers, got dtype complex128"),
        (CLASSES, [["1", "2", "3"]], TypeError, "expected real numbers, got dtype <U1"),
        (CLASSES, np.zeros((2, 3), object), TypeError, "expected real numbers, got dtype object"),
        (CLASSES, np.zeros((2, 3), "m8[s]"), TypeError, "expected real numbers, got dtype timedelta64[s]"),
        (CLASSES, np.ma.array(np.eye(3), mask=np.eye(3)), TypeError, "a masked array, whose mask would"),
        (CLASSES, None, TypeError, "expected real numbers, got dtype object"),
        (NUMBERS, np.zeros((2, 2)), ValueError, r"expected shape (rows, 1), got (2, 2)"),
        (NUMBERS, np.zeros(2), ValueError, r"expected shape (rows, 1), got (2,)"),
        (NUMBERS, np.zeros((2, 1), complex), TypeError, "expected real numbers, got dtype complex128"),
        (NUMBERS, np.ma.array([[1.0]], mask=True), TypeError, "a masked array, whose mask would"),
    ],
)
def test_outputs_that_are_none_of_the_target_are_refused(
    target: Any, outputs: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^outputs: {re.escape(message)}"):
        target.restore(outputs)


def test_outputs_of_a_target_are_decoded() -> None:
    assert CLASSES.restore([[1, 2, 3], [np.inf, 0, 1], [-np.inf, 0, -1]]).tolist() == ["c", "a", "b"]
    assert CLASSES.restore(np.empty((0, 3))).tolist() == []
    assert CLASSES.restore(np.eye(3, dtype=bool)).tolist() == ["a", "b", "c"]
    assert NUMBERS.restore([[1], [9], [-9]]).tolist() == [5, 9, 0]
    assert np.isnan(NUMBERS.restore(np.array([[NAN]], np.float32))).all()


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (np.array([0.0, 1.0, 1.0]), ("0", "1")),
        (np.array([-0.0, 1.0, 0.0]), ("0", "1")),
        (np.arange(30) % 3.0, ("0", "1", "2")),
        (np.arange(30) % 4.0, ()),
        (np.arange(400) % 25.0, ()),
        (np.array([0.5, 1.0, 1.0]), ()),
        (column("3", "x"), ("3", "x")),
    ],
)
def test_a_task_is_guessed(values: Any, classes: tuple[str, ...]) -> None:
    assert table.Target.fit({"y": values}, "y").classes == classes


def fit(*cells: Any, task: str = "auto") -> table.Target:
    return table.Target.fit({"y": column(*cells)}, "y", task)


FITTED = table.Columns.fit({"a": np.ones(2)})

BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "no columns": (lambda: table.Columns.fit({}), "at least one column"),
    "an infinite number": (
        lambda: table.Columns.fit({"a": np.array([1, np.inf])}),
        "a: row 1 \\(counted from 0\\) is infinite",
    ),
    "missing columns": (
        lambda: table.Columns.fit(dict.fromkeys("abc", np.ones(2))).transform({"b": np.ones(2)}),
        "columns 'a' and 'c' are missing; there are b",
    ),
    "a missing column": (lambda: FITTED.transform({"b": np.ones(2)}), "'a' is missing; there are b"),
    "a word among numbers": (
        lambda: FITTED.transform({"a": column("1", None, "x")}),
        "column a: row 2 \\(counted from 0\\): 'x' is not a number",
    ),
    "no such target": (lambda: table.Target.fit({"a": np.ones(2)}, "y"), "'y' is missing; there are a"),
    "no classes": (lambda: table.Target.fit({"y": []}, "y"), "target y: expected at least one row"),
    "no numbers": (
        lambda: table.Target.fit({"y": []}, "y", "regression"),
        "target y: expected at least one row",
    ),
    "a hole in the target": (
        lambda: table.Target.fit({"y": np.array([1, NAN])}, "y"),
        "y: row 1 \\(counted from 0\\) is missing",
    ),
    "a hole among classes": (lambda: fit("a", None), "target y: row 1 \\(counted from 0\\) is missing"),
    "words for a regression": (
        lambda: fit("1", "many", task="regression"),
        "row 1 \\(counted from 0\\): 'many' is not a number",
    ),
    "one class": (lambda: fit("a", "a"), "at least two classes, got only 'a'"),
    "an unknown task": (lambda: fit("a", "b", task="ranking"), "task: 'ranking'"),
    "an unknown class": (
        lambda: fit("a", "b").transform({"y": column("a", "c")}),
        "target y: row 1 \\(counted from 0\\): an unknown class",
    ),
    "another description": (lambda: table.Columns.from_dict([{"name": "a", "code": 1}]), "'code'"),
    "no scale": (
        lambda: table.Columns.from_dict([{"name": "a", "mean": 0, "scale": 0, "missing": False}]),
        "a scale > 0, got 0.0 and 0.0",
    ),
    "an infinite mean": (
        lambda: table.Target.from_dict({"name": "a", "classes": [], "mean": INF, "scale": 1}),
        "expected finite numbers",
    ),
    "another target": (lambda: table.Target.from_dict({"name": "a", "code": 1}), "'code'"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_is_a_clear_error(name: str) -> None:
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_columns_learn_from_the_rows_that_are_given() -> None:
    data = {"x": np.array([1.0, 2.0, 3.0, 100.0]), "kind": np.array(["p", "q", "p", "r"], object)}
    columns = table.Columns.fit(data, rows=[0, 2])
    wanted = table.Columns.fit({name: values[[0, 2]] for name, values in data.items()})
    assert columns.to_dict() == wanted.to_dict()
    with pytest.raises(ValueError, match="column x: row 3 \\(counted from 0\\) is infinite"):
        table.Columns.fit({"x": [1.0, 2.0, 3.0, np.inf]}, rows=np.arange(2))
    with pytest.raises(ValueError, match="rows: expected at least one row"):
        table.Columns.fit(data, rows=np.zeros(0, int))
    mask = table.Columns.fit(data, rows=[True, False, True, False])
    assert mask.to_dict() == wanted.to_dict()
    for rows in ([0.0], [[0]], "01"):
        with pytest.raises(TypeError, match="rows: "):
            table.Columns.fit(data, rows=rows)
    for outside in ([4], [True, False]):
        with pytest.raises(IndexError):
            table.Columns.fit(data, rows=outside)
