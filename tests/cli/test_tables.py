"""Tables of every kind through the commands: an answer, or one line that names the column."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import simdnn

pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")

FAST = ["--target", "y", "--epochs", "2", "--hidden", "4", "--quiet", "--out", "m.safetensors"]
Run = Callable[..., tuple[int, list[str], str]]


def write(name: str, header: str, row: Callable[[int], str], rows: int = 40) -> None:
    Path(name).write_text(header + "\n" + "".join(row(i) + "\n" for i in range(rows)))


@pytest.fixture
def trained(run: Run) -> Run:
    """`run`, after training on a column of numbers and one of words."""
    write("t.csv", "x,kind,y", lambda i: f"{i},{'pq'[i // 2 % 2]},{'ab'[i % 2]}")
    assert run("train", "t.csv", *FAST)[0] == 0
    return run


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,p\ninf,p", "column x: row 2 (counted from 1) is infinite"),
        ("1,p\n2,p\n-1e300,p", "column x: row 3 (counted from 1) holds -1e+300, which is beyond float32"),
        ("1,p\n1e5_0,p", "column x: row 2 (counted from 1): '1e5_0' is not a number"),
        ("1,p\ntrue,p", "column x: row 2 (counted from 1): 'true' is not a number"),
        ("1,p\n2", "line 3 has 1 cell, but there are 2 columns"),
        ("1,p\n2,p,q", "line 3 has 3 cells, but there are 2 columns"),
        (
            '"1,5",p',
            "column x: row 1 (counted from 1): '1,5' is not a number; read the file with decimal=','",
        ),
    ],
)
def test_a_cell_that_cannot_be_is_one_line(rows: str, message: str, trained: Run) -> None:
    Path("p.csv").write_text(f"x,kind\n{rows}\n")
    status, shown, errors = trained("predict", "m.safetensors", "p.csv", "--proba")
    assert (status, shown) == (2, [])
    assert re.fullmatch(f"error: .*{re.escape(message)}.*\n", errors), errors


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,r\n2,s", "column kind: all values are unknown, such as 'r'; .* 'p', 'q'"),
        ("1,7\n2,8", "column kind: all values are unknown, such as '7'"),
        (",p\nNA,q", "column x: all values are missing"),
    ],
)
def test_a_column_of_another_kind_is_a_warning(rows: str, message: str, trained: Run) -> None:
    Path("p.csv").write_text(f"x,kind\n{rows}\n")
    status, shown, errors = trained("predict", "m.safetensors", "p.csv")
    assert (status, len(shown)) == (0, 3)
    assert re.fullmatch(f"warning: {message}.*\n", errors), errors


def test_columns_that_are_not_needed_are_not_looked_at(trained: Run) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra [table]: pyarrow")
    import datetime

    import pyarrow.parquet

    data = {
        "when": [datetime.datetime(2020, 1, 1)] * 40,
        "list": [[1]] * 40,
        "x": [str(i) for i in range(40)],
        "kind": ["p", "q"] * 20,
        "y": ["a", "b"] * 20,
    }
    pyarrow.parquet.write_table(pyarrow.table(data), "t.parquet")
    assert trained("predict", "m.safetensors", "t.parquet")[::2] == (0, "")
    pyarrow.parquet.write_table(pyarrow.table({"x": pyarrow.nulls(2), "kind": ["p", "q"]}), "n.parquet")
    assert trained("predict", "m.safetensors", "n.parquet")[::2] == (
        0,
        "warning: column x: all values are missing\n",
    )
    assert trained("train", "t.parquet", "--ignore", "when,list,x", *FAST)[::2] == (0, "")
    for ignored, message in (
        ("list", "column when: dates"),
        ("when", "column list: expected numbers or text"),
    ):
        status, _, errors = trained("train", "t.parquet", "--ignore", ignored, *FAST)
        assert status == 2
        assert re.fullmatch(f"error: {message}.*\n", errors), errors


@pytest.mark.parametrize("command", ["train", "predict"])
def test_decimal_commas_and_thousands(command: str, run: Run) -> None:
    write("c.csv", "x;y", lambda i: f"1.{i:03},5;{'ab'[i % 2]}")
    options = ["--delimiter", ";", "--decimal", ",", "--thousands", "."]
    assert run("train", "c.csv", *options, *FAST)[::2] == (0, "")
    (numbers,) = simdnn.load_metadata("m.safetensors")["table"]["columns"]
    assert 1000 < numbers["mean"] < 1040
    rest = FAST if command == "train" else []
    first = [command, *(["m.safetensors"] if command == "predict" else []), "c.csv"]
    assert run(*first, *options, *rest)[::2] == (0, "")
    _, _, errors = run(*first, "--delimiter", ";", *rest)
    assert re.search("column x: .*'1.000,5'.*decimal=',', thousands='.'.*--decimal", errors), errors
    assert (
        run(*first, "--decimal", "x", *rest)[2]
        == "error: --decimal: expected a character such as ',', got 'x'\n"
    )


def test_classes_keep_their_digits(run: Run) -> None:
    kinds = ["9007199254740992", "9007199254740993"]
    write("t.csv", "x,y", lambda i: f"{i % 2},{kinds[i % 2]}")
    assert run("train", "t.csv", "--epochs", "60", "--lr", "0.05", *FAST[:2], *FAST[4:])[0] == 0
    assert run("predict", "m.safetensors", "t.csv")[1] == ["y", *kinds * 20]
    np.savez("t.npz", x=np.arange(40) % 2, y=np.array([int(kinds[i % 2]) for i in range(40)]))
    assert run("predict", "m.safetensors", "t.npz")[1] == ["y", *kinds * 20]
    write("t.csv", "x,y", lambda i: f"{i % 2},{['007', '07'][i % 2]}")
    assert run("train", "t.csv", *FAST)[0] == 0
    assert simdnn.load_metadata("m.safetensors")["table"]["target"]["classes"] == ["007", "07"]


def test_numbers_that_are_words_can_be_a_regression(run: Run) -> None:
    write("t.csv", "x,y", lambda i: f"{i},{i * 1.5}")
    assert run("train", "t.csv", "--task", "regression", "--categorical", "y", *FAST)[0] == 0
    assert simdnn.load_metadata("m.safetensors")["table"]["target"]["mean"] == pytest.approx(29.25)
    write("t.csv", "x,y", lambda i: f"{i},{i}e300")
    status, _, errors = run("train", "t.csv", "--task", "regression", *FAST)
    assert status == 2
    assert errors == "error: target y: row 2 (counted from 1) holds 1e+300, which is beyond float32\n"


def test_an_index_without_a_name_is_left_out(run: Run) -> None:
    write("t.csv", ",x,y", lambda i: f"{i},{i % 3},{'ab'[i % 2]}")
    status, _, errors = run("train", "t.csv", *FAST)
    assert (status, errors.count("\n")) == (0, 1)
    assert errors.startswith("warning: t.csv: column 1 has no name and is left out")
    assert [one["name"] for one in simdnn.load_metadata("m.safetensors")["table"]["columns"]] == ["x"]
    write("p.csv", "x", lambda i: f"{i % 3}")
    assert run("predict", "m.safetensors", "p.csv")[::2] == (0, "")


def test_names_with_commas_and_line_breaks(run: Run) -> None:
    write("t.csv", '"a, b","c\nd","y"', lambda i: f"{i},{i},{'ab'[i % 2]}")
    assert run("train", "t.csv", "--ignore", '"a, b"', *FAST)[0] == 0
    assert [one["name"] for one in simdnn.load_metadata("m.safetensors")["table"]["columns"]] == ["c\nd"]
    assert len(run("predict", "m.safetensors", "t.csv")[1]) == 41


def test_a_tab_can_be_spelled(trained: Run) -> None:
    write("p.txt.csv", "x\tkind", lambda i: f"{i}\tp")
    for name in ("\\t", "tab", "\t"):
        assert trained("predict", "m.safetensors", "p.txt.csv", "--delimiter", name)[::2] == (0, "")


@pytest.mark.parametrize(
    ("cell", "message"), [("inf", "is infinite"), ("-1e300", "holds -1e+300, which is beyond")]
)
@pytest.mark.parametrize("row", [1, 7, 23, 40])
def test_an_error_names_the_row_of_the_file(row: int, cell: str, message: str, run: Run) -> None:
    """Rows are counted in the file, wherever the split puts them."""
    write("t.csv", "x,y", lambda i: f"{cell if i + 1 == row else i / 8},{'ab'[i % 2]}")
    for split in ("0", "0.5"):
        status, _, errors = run("train", "t.csv", *FAST, "--val-split", split)
        assert status == 2
        assert f"error: column x: row {row} (counted from 1) {message}" in errors
    assert not Path("m.safetensors").exists()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nan", "row 3 (counted from 1) is missing; 1 of 40 rows has no target: remove it from the table"),
        ("", "row 3 (counted from 1) is missing; 1 of 40 rows has no target: remove it from the table"),
        ("inf", "row 3 (counted from 1) is infinite"),
        ("1e300", "row 3 (counted from 1) holds 1e+300, which is beyond float32"),
    ],
)
def test_a_target_that_is_no_number_names_its_row(target: str, message: str, run: Run) -> None:
    write("t.csv", "x,y", lambda i: f"{i / 8},{target if i == 2 else i / 4}")
    status, _, errors = run("train", "t.csv", *FAST)
    assert (status, errors.splitlines()[-1]) == (2, f"error: target y: {message}")
    write("t.csv", "x,y", lambda i: f"{i / 8},{'' if i == 2 else 'ab'[i % 2]}")
    wanted = "error: target y: row 3 (counted from 1) is missing; 1 of 40 rows "
    assert run("train", "t.csv", *FAST)[2].startswith(wanted)


@pytest.mark.parametrize("options", [[], ["--chunk-rows", "7"]])
@pytest.mark.parametrize("kind", ["words", "numbers"])
def test_rows_without_a_target_are_counted(kind: str, options: list[str], run: Run) -> None:
    values = ["a", "b"] if kind == "words" else ["1.5", "2.5"]
    write("t.csv", "x,y", lambda i: f"{i / 8},{'' if i in (4, 5, 9, 38) else values[i % 2]}")
    status, _, errors = run("train", "t.csv", *FAST, *options)
    wanted = (
        "error: target y: row 5 (counted from 1) is missing; 4 of 40 rows have no target:"
        " remove them from the table\n"
    )
    assert (status, errors) == (2, wanted)


ENCODINGS = {"latin1": "Besançon", "cp1252": "5 €", "utf-16": "Besançon"}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("command", ["train", "chunks", "compare", "predict"])
def test_other_encodings_are_named(command: str, encoding: str, trained: Run) -> None:
    """The error has the line, the byte, and a command after which the file can be read."""
    lines = ["x,kind,y", *(f"{i},{'pq'[i // 2 % 2]},{'ab'[i % 2]}" for i in range(40))]
    lines[31] = f"7,{ENCODINGS[encoding]},a"
    Path("o u.csv").write_bytes("\n".join(lines).encode(encoding))
    arguments = {
        "train": ["train", "o u.csv", *FAST],
        "chunks": ["train", "o u.csv", *FAST, "--chunk-rows", "10"],
        "compare": ["compare", "o u.csv", "--target", "y"],
        "predict": ["predict", "m.safetensors", "o u.csv"],
    }
    if command == "compare":
        pytest.importorskip("sklearn", reason="needs the extra [sklearn]: scikit-learn")
    status, shown, errors = trained(*arguments[command])
    assert (status, shown) == (2, [])
    place = {
        "latin1": "line 32: byte 0xe7, after '7,Besan', is not UTF-8; if it is latin1",
        "cp1252": "line 32: byte 0x80, after '7,5 ', is not UTF-8; if it is cp1252",
        "utf-16": "expected text in UTF-8; if it is utf-16",
    }
    convert = f"iconv -f {encoding} -t utf-8 'o u.csv' > 'o u-utf8.csv'"
    assert errors == f"error: o u.csv: {place[encoding]}, convert it: {convert}\n"


@pytest.mark.parametrize("command", ["train", "compare", "predict"])
def test_another_delimiter_is_pointed_out(command: str, trained: Run) -> None:
    write("s.csv", "x;kind;y", lambda i: f"{i};{'pq'[i // 2 % 2]};{'ab'[i % 2]}")
    arguments = {
        "train": ["train", "s.csv", *FAST],
        "compare": ["compare", "s.csv", "--target", "y"],
        "predict": ["predict", "m.safetensors", "s.csv"],
    }
    if command == "compare":
        pytest.importorskip("sklearn", reason="needs the extra [sklearn]: scikit-learn")
    errors = trained(*arguments[command])[2]
    assert errors.endswith("; is the delimiter ';'? (on the command line --delimiter)\n"), errors


@pytest.mark.parametrize(("name", "hint"), [("Y", "; did you mean 'Y'?"), (" y", "; blanks around a name")])
def test_a_target_in_another_spelling_is_pointed_out(name: str, hint: str, run: Run) -> None:
    write("t.csv", f"x,{name}", lambda i: f"{i},{i % 2}")
    errors = run("train", "t.csv", *FAST)[2]
    assert "error: target 'y' is missing; there are x, " in errors
    assert hint in errors


def test_columns_without_use_are_pointed_out(run: Run) -> None:
    write(
        "t.csv",
        "id,name,none,x,half,flag,y",
        lambda i: f"{7 * i},w{i},,{i / 8},{i // 2},{i % 3},{'ab'[i % 2]}",
    )
    status, _, errors = run("train", "t.csv", *FAST)
    assert status == 0
    assert [line.split("; leave")[0] for line in errors.splitlines()] == [
        "warning: column id: has a different whole number in each row, like an id",
        "warning: column name: has a different word in each row, like an id",
        "warning: column none: is empty",
    ]
    assert run("train", "t.csv", *FAST, "--ignore", "id,name,none")[2] == ""


@pytest.mark.parametrize("command", ["info", "predict", "export"])
def test_files_of_other_kinds_are_named(command: str, run: Run) -> None:
    write("t.csv", "x,y", lambda i: f"{i / 8},{'ab'[i % 2]}")
    np.savez("zip.npz", x=np.ones(3))
    Path("pickle.pkl").write_bytes(b"\x80\x04N.")
    Path("model.onnx").write_bytes(b"\x08\x08\x12\x06simdnn:\x00")
    named = {
        "model.onnx": "an ONNX file, which simdnn.onnx.load reads",
        "zip.npz": "a zip file",
        "pickle.pkl": "a pickle",
        "t.csv": "not a safetensors file",
    }
    options = {"info": [], "predict": ["t.csv"], "export": ["--onnx", "o.onnx"]}[command]
    for name, kind in named.items():
        status, shown, errors = run(command, name, *options)
        assert (status, shown) == (2, [])
        assert errors.startswith(f"error: {name}: {kind}")


def test_the_target_cannot_be_ignored(run: Run) -> None:
    write("t.csv", "x,y", lambda i: f"{i / 8},{'ab'[i % 2]}")
    assert run("train", "t.csv", *FAST, "--ignore", "x,y") == (2, [], "error: --ignore: y is the target\n")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ("123", "3 classes; --task regression predicts numbers"),
        ("01", "2 classes"),
        ("abc", "3 classes"),
    ],
)
def test_whole_numbers_as_classes_are_pointed_out(cells: str, kind: str, run: Run) -> None:
    write("t.csv", "x,y", lambda i: f"{i / 8},{cells[i % len(cells)]}")
    assert re.split(r"\s{2,}", run("train", "t.csv", *FAST)[1][0]) == ["target", f"y ({kind})"]
    if cells == "123":
        chosen = run("train", "t.csv", *FAST, "--task", "classification")[1]
        assert chosen[0].endswith("y (3 classes)")
        pytest.importorskip("sklearn", reason="needs the extra [sklearn]: scikit-learn")
        common = ["t.csv", "--target", "y", "--quiet"]
        for command in (["compare", "--models", "constant guess"], ["train", "--preset", "fast", *FAST[-2:]]):
            assert run(command[0], *common, *command[1:])[1][0].endswith(f"y ({kind})")


def test_a_model_in_the_place_of_the_table_is_pointed_out(trained: Run) -> None:
    status, shown, errors = trained("predict", "t.csv", "m.safetensors")
    assert (status, shown) == (2, [])
    assert errors == "error: t.csv is not a safetensors file; are model and table swapped?\n"


@pytest.mark.parametrize("options", [["--plain"], ["--preset", "fast"]])
def test_a_word_among_numbers_is_pointed_out_once(options: list[str], run: Run) -> None:
    write("t.csv", "a,x,y", lambda i: f"{'?? ' if i == 8 else i},{i / 8},{'ab'[i % 2]}")
    wanted = [
        "warning: column a: read as words because of '?? ' in row 9 (counted from 1); 39 of 40 values are"
        " numbers: correct or"
        " empty the other cell, or name the column in text (--categorical) if words are meant"
    ]
    common = ["t.csv", "--target", "y", "--quiet"]
    if "--preset" in options:
        pytest.importorskip("sklearn", reason="needs the extra [sklearn]: scikit-learn")
        errors = run("compare", *common, "--models", "constant guess,linear model")[2]
        assert errors.splitlines() == wanted
    status, _, errors = run("train", *common, "--out", "m.safetensors", *options)
    assert (status, errors.splitlines()) == (0, wanted)
    assert run("train", *common, "--out", "m.safetensors", *options, "--categorical", "a")[2] == ""
