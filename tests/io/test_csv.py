"""CSV files: RFC 4180, strict numbers, missing words, ids, other spellings of numbers, hints."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn import table
from simdnn.table._cells import MISSING

NAN = float("nan")


def read(folder: Path, content: str, **options: Any) -> dict[str, list[Any]]:
    """The columns of a file with this content, as lists."""
    (folder / "data.csv").write_bytes(content.encode())
    return {name: values.tolist() for name, values in table.read(folder / "data.csv", **options).items()}


@pytest.mark.parametrize(
    "cell", ["1_0", "1e5_0", "0x10", "1d5", "1 2", "\u0661\u0662", "\uff11", "1e", "--1", "1,"]
)
@pytest.mark.parametrize("other", ["2", "", "2.5"])
def test_numbers_are_parsed_strictly(cell: str, other: str, tmp_path: Path) -> None:
    text = f'a,b\n"{cell}",1\n"{other}",2\n'
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert read(tmp_path, text) == {"a": [cell, other or None], "b": [1, 2]}


@pytest.mark.parametrize("cell", ["1.5", " 1.5 ", "+1.5", "1.50", "15e-1", "\t1.5", "\u00a01.5"])
@pytest.mark.parametrize("other", ["2", ""])
def test_blanks_signs_and_exponents_are_numbers(cell: str, other: str, tmp_path: Path) -> None:
    found = read(tmp_path, f"a,b\n{cell},1\n{other},2\n")["a"]
    assert repr(found) == repr([1.5, 2.0 if other else NAN])


@pytest.mark.parametrize("word", MISSING)
@pytest.mark.parametrize("blanks", ["", "  "])
def test_the_words_for_missing(word: str, blanks: str, tmp_path: Path) -> None:
    found = read(tmp_path, f"a,b\n1.5,x\n{blanks}{word}{blanks},{blanks}{word}{blanks}\n")
    assert repr(found) == repr({"a": [1.5, NAN], "b": ["x", None]})


def test_the_words_for_missing_include_those_of_pandas() -> None:
    pandas = pytest.importorskip("pandas._libs.parsers", reason="needs pandas")
    assert set(MISSING) >= pandas.STR_NA_VALUES


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_quoted_line_breaks_are_part_of_names_and_cells(end: str, mark: str, tmp_path: Path) -> None:
    lines = ['"a', 'b",c,"d""e"', '1,"x', 'y, z","say ""no"""', '2,"p",q', ""]
    broken = "a" + end + "b"
    assert read(tmp_path, mark + end.join(lines)) == {
        broken: [1.0, 2.0],
        "c": ["x" + end + "y, z", "p"],
        'd"e': ['say "no"', "q"],
    }


def test_quoted_numbers_are_numbers(tmp_path: Path) -> None:
    assert read(tmp_path, '"a","b"\n"1","2.5"\n"3"," 4 "\n') == {"a": [1, 3], "b": [2.5, 4]}


@pytest.mark.parametrize("first", ["1", "x"])
@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("1,2\n1\n", "line 4 has 1 cell, but there are 2 columns"),
        ("\n1,2,3\n", "line 4 has 3 cells, but there are 2 columns"),
        ('1,"2\n3"\n4\n', "line 5 has 1 cell, but there are 2 columns"),
        ('1,"2\n3\n', r"unexpected end of data \(line 3\)"),
        ('1,"2"3\n', r"',' expected after '\"' \(line 3\)"),
        ('""1,2\n', r"',' expected after '\"' \(line 3\)"),
        ('1,"2', r"unexpected end of data \(line 3\)"),
        ('1,""2\n', r"',' expected after '\"' \(line 3\)"),
        ("1,2\n ,", None),
    ],
)
def test_lines_of_another_length_are_named(
    first: str, rest: str, message: str | None, tmp_path: Path
) -> None:
    text = f"a,b\n{first},2\n{rest}"
    if message is None:
        assert len(read(tmp_path, text)["a"]) == 3
        return
    with pytest.raises(ValueError, match=rf"data\.csv: {message}"):
        read(tmp_path, text)


def test_another_delimiter_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"line 2 has 3 cells.*; is the delimiter ';'\?"):
        read(tmp_path, "a;b\n1,5;2,5\n")
    with pytest.raises(ValueError, match=r"column 'b' is missing; there are a;b; is the delimiter ';'\?"):
        read(tmp_path, "a;b\n1;2\n", columns=["b"])
    with pytest.raises(
        ValueError, match=r"column 'b' is missing; there are a,  b; blanks around a name are part of it"
    ):
        read(tmp_path, "a, b\n1,2\n", columns=["b"])
    for content in ("", "\n\n", ",\n1,2\n"):
        with pytest.raises(ValueError, match=r"data\.csv: expected columns with names"):
            read(tmp_path, content, columns=["b"])
    with pytest.raises(ValueError, match=r"delimiter: expected a character"):
        read(tmp_path, "a,b\n1,2\n", delimiter=";;")


def test_exponents_have_leading_zeros(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\n1e-05,1e+05\n1E05,-0.05\n") == {"a": [1e-5, 1e5], "b": [1e5, -0.05]}


@pytest.mark.parametrize("other", ["12345", "", "x"])
def test_ids_keep_their_leading_zeros(other: str, tmp_path: Path) -> None:
    found = read(tmp_path, f"zip,b\n00501,1\n{other},02.5\n")
    assert found == {"zip": ["00501", other or None], "b": [1, 2.5]}
    assert read(tmp_path, "a,b\n007,1\n1.5,2\n") == {"a": ["007", "1.5"], "b": [1, 2]}
    assert read(tmp_path, "a,b\n0,0.5\n-0,0e1\n") == {"a": [0, 0], "b": [0.5, 0]}


@pytest.mark.parametrize(
    ("cells", "options", "wanted"),
    [
        (("1,5", "-2,25", "3"), {"decimal": ","}, [1.5, -2.25, 3]),
        (("1.234,5", "12.345.678", "7"), {"decimal": ",", "thousands": "."}, [1234.5, 12345678, 7]),
        (("1,234.5", "12,345,678", "1e3"), {"thousands": ","}, [1234.5, 12345678, 1000]),
        (("1'234.5", "", "2"), {"thousands": "'"}, [1234.5, NAN, 2]),
        (("1\u00a0234", "1\u202f234\u00a0567", "1 000"), {"thousands": " "}, [1234, 1234567, 1000]),
        (("1 234,5", "NA", ",5"), {"decimal": ",", "thousands": " "}, [1234.5, NAN, 0.5]),
    ],
)
def test_other_spellings_of_numbers(
    cells: tuple[str, ...], options: dict[str, str], wanted: list[float], tmp_path: Path
) -> None:
    text = "a;b\n" + "".join(f"{cell};1\n" for cell in cells)
    assert repr(read(tmp_path, text, delimiter=";", **options)["a"]) == repr([float(one) for one in wanted])
    hint = ", ".join(f"{name}={mark!r}" for name, mark in options.items())
    with pytest.warns(
        UserWarning, match=f"column a: values such as .* look like numbers; read them with {hint}"
    ):
        found = read(tmp_path, text, delimiter=";")
    assert [cell or "" for cell in found["a"]] == [cell.replace("NA", "") for cell in cells]


def test_incomplete_groups_of_digits_are_words(tmp_path: Path) -> None:
    text = "a;b\n1,5;1\n12,34;2\n"
    with pytest.warns(UserWarning, match="decimal=','"):
        assert read(tmp_path, text, delimiter=";", thousands=",")["a"] == ["1,5", "12,34"]
    with pytest.warns(UserWarning, match="decimal='\\.'"):
        assert read(tmp_path, "a;b\n1.5;1\n", delimiter=";", decimal=",")["a"] == ["1.5"]
    for options, message in (
        ({"decimal": "x"}, "decimal: .*'x'"),
        ({"thousands": ",,"}, "thousands: .*',,'"),
        ({"decimal": ",", "thousands": ","}, "thousands: ',' is the decimal mark"),
    ):
        with pytest.raises(ValueError, match=message):
            read(tmp_path, text, **options)


@pytest.mark.parametrize(
    "cell", ["2020-01-31", "2020-01-31 12:30:00", "31.1.2020", "1/31/2020", "2020-01-31T12:30Z"]
)
def test_dates_are_pointed_out(cell: str, tmp_path: Path) -> None:
    content = f"when,b\n{cell},1\n,2\n"
    with pytest.warns(UserWarning, match=f"column when: values such as {cell!r} look like dates"):
        assert read(tmp_path, content)["when"] == [cell, None]
    assert read(tmp_path, content, text=["when"])["when"] == [cell, None]
    assert read(tmp_path, content + "x,3\n")["when"][-1] == "x"


def test_no_hint_for_words(tmp_path: Path) -> None:
    found = read(tmp_path, 'a,b,c\nx,"1, 2","1,5"\ny,"3, 4",z\n')
    assert found["c"] == ["1,5", "z"]


@pytest.mark.parametrize("cell", ["5", "x"])
def test_a_nameless_index_is_pointed_out(cell: str, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"data\.csv: column 1 has no name and is left out.*index=False"):
        assert read(tmp_path, f",a\n0,{cell}\n1,{cell}\n") == {
            "a": [float(cell)] * 2 if cell == "5" else ["x"] * 2
        }
    with pytest.warns(UserWarning, match="column 'Unnamed: 0' numbers the rows"):
        read(tmp_path, f"Unnamed: 0,a\n0,{cell}\n1,{cell}\n")


@pytest.mark.parametrize("word", ["x", "1"])
def test_only_wanted_columns_are_looked_at(word: str, tmp_path: Path) -> None:
    text = f'a,when,b\n1,"1,5",{word}\n2,"2,5",{word}\n'
    for options in ({"columns": ["b", "a"]}, {"ignore": ["when"]}):
        found = read(tmp_path, text, **options)
        assert list(found) == ["a", "b"]
        assert found["a"] == [1, 2]
    twice = text.replace("when,b", "b,b")
    with pytest.raises(ValueError, match=r"data\.csv: two columns are named 'b'"):
        read(tmp_path, twice)
    assert read(tmp_path, twice, ignore=["b"]) == read(tmp_path, twice, columns=["a"]) == {"a": [1, 2]}
    for name in ("text", "columns", "ignore"):
        with pytest.raises(ValueError, match=r"data\.csv: column 'z' is missing; there are a, when, b"):
            read(tmp_path, text, **{name: ["z"]})
        with pytest.raises(TypeError, match=f"{name}: expected a collection of names, got the str 'when'"):
            read(tmp_path, text, **{name: "when"})


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        (("9007199254740992", "9007199254740993"), np.int64),
        (("-9007199254740993", "5"), np.int64),
        (("9223372036854775808", "18446744073709551615"), np.uint64),
        (("9007199254740993", "0.5"), np.float64),
        (("18446744073709551616", "1"), np.float64),
    ],
)
def test_whole_numbers_stay_exact(cells: tuple[str, str], dtype: Any, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a,b\n" + "".join(f"{cell},1\n" for cell in cells))
    found = table.read(tmp_path / "data.csv")["a"]
    assert found.dtype == dtype
    assert found.tolist() == [float(cell) if dtype == np.float64 else int(cell) for cell in cells]


@pytest.mark.parametrize("text", ["a,b\n1,x\n2,y\0z\n", 'a,b\n1,"p\nq"\n2\0,x\n', "a,b\n1,2\n\0,4\n"])
def test_a_nul_character_is_refused(text: str, tmp_path: Path) -> None:
    line = text[: text.index("\0")].count("\n") + 1
    with pytest.raises(ValueError, match=rf"data\.csv: line {line} holds a NUL character: .* UTF-16"):
        read(tmp_path, text)
    for rows in (1, 9):
        with pytest.raises(ValueError, match="NUL"):
            list(table.chunks(tmp_path / "data.csv", rows=rows))
    with pytest.raises(ValueError, match="NUL"):
        read(tmp_path, "a,b\0\n1,2\n")


def test_a_line_that_begins_with_a_number_sign_is_data(tmp_path: Path) -> None:
    text = "#a,b\n1,x\n# no,comment\n"
    assert read(tmp_path, text) == {"#a": ["1", "# no"], "b": ["x", "comment"]}
    pandas = pytest.importorskip("pandas")
    assert pandas.read_csv(tmp_path / "data.csv").to_dict("list") == read(tmp_path, text)


MIXED = {
    "'unknown' in row 13 .*; 39 of 40 values are numbers: correct or empty the other cell": (
        lambda i: "unknown" if i == 13 else f"{i / 4}"
    ),
    "'-' in row 0 .*; 37 of 39 values are numbers: correct or empty the other 2 cells": lambda i: (
        "-" if i in (0, 9) else f"{i}" * (i != 7)
    ),
    "'0%' in row 0 \\(counted from 0\\); 40 of 40 values are numbers but for '%': remove '%', or": lambda i: (
        f"{i}%"
    ),
    r"'\$ 1,000.5' in row 0 .*; 40 of 40 values are numbers but for '\$' and ',': remove": lambda i: (
        f"$ {i + 1},000.5"
    ),
    "'-5 €' in row 1 .*; 39 of 40 values are numbers but for '€': remove '€' and correct or": lambda i: (
        "n/k" if i == 30 else f"-{5 * i} €" if i % 2 else f"{i}"
    ),
}


@pytest.mark.parametrize("message", MIXED)
@pytest.mark.parametrize("ending", ["csv", "npz", "parquet"])
def test_a_word_among_numbers_is_pointed_out(message: str, ending: str, tmp_path: Path) -> None:
    cells, path = [MIXED[message](i) for i in range(40)], tmp_path / f"data.{ending}"
    if ending == "csv":
        path.write_text("a,b\n" + "".join(f'"{cell}",1\n' for cell in cells), "utf-8")
    elif ending == "npz":
        np.savez(path, a=np.array(cells))
    else:
        pq = pytest.importorskip("pyarrow.parquet", reason="needs the extra [table]: pyarrow")
        import pyarrow as pa

        pq.write_table(pa.table({"a": cells}), path)
    with pytest.warns(UserWarning, match=f"column a: read as words because of {message}") as found:
        assert len(table.read(path)["a"]) == 40
    assert len(found) == 1
    table.read(path, text=["a"])


@pytest.mark.parametrize("word", ["x", " " * 100_000 + "x" + " " * 100_000 + "y"], ids=["short", "blanks"])
def test_the_word_that_is_pointed_out_is_no_missing_cell(word: str, tmp_path: Path) -> None:
    cells = ["", *(str(i / 4) for i in range(60)), word]
    path = tmp_path / "data.csv"
    path.write_text("a,b\n" + "".join(f"{cell},1\n" for cell in cells), "utf-8")
    with pytest.warns(UserWarning, match="in row 61 \\(counted from 0\\); 60 of 61 values are numbers"):
        table.read(path)


@pytest.mark.parametrize(
    "cells",
    [
        [*map(str, range(9)), "x"] * 4,
        [f"{i}" if i % 8 else f"x{i}" for i in range(80)],
        [f"{i:03}" if i < 99 else "x" for i in range(100)],
        [f"{i}-{i + 1}" for i in range(50)],
        [f"{i} kg" for i in range(50)],
        [f"{i}.{i}.{i}" for i in range(50)],
    ],
)
def test_words_beside_few_numbers_are_words(cells: list[str], tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\n" + "".join(f"{cell},1\n" for cell in cells))["a"] == cells


def test_a_chunk_with_a_word_has_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b\n" + "".join(f"{'x' if i == 70 else i},1\n" for i in range(100)))
    with pytest.warns(
        UserWarning,
        match="'x' in row 70 \\(counted from 0\\); 29 of 30 values in rows 60 to 89 .*are numbers",
    ):
        table.chunks(path, rows=30)


def test_one_column_is_no_plural(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"line 2 has 2 cells, but there is 1 column"):
        read(tmp_path, "a\n1,2\n")
