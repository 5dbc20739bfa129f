"""Rows in messages: an index of `iloc` for Python, a number from 1 for the reader of a file."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn import cli, table
from simdnn._utils.rows import later_rows, row_name, rows_from_one, rows_name

CELLS = np.array([1.0, 2.0, 3.0, np.inf, 5.0])

#: Calls whose message is about the row `iloc[3]`, alone or of the first part.
CALLS: dict[str, Callable[[Any], Any]] = {
    "an infinite number": lambda pack: table.Columns.fit(pack({"a": CELLS})),
    "an infinite target": lambda pack: table.Target.fit(pack({"y": CELLS}), "y"),
    "a missing target": lambda pack: table.Target.fit(pack({"y": np.where(CELLS > 5, np.nan, CELLS)}), "y"),
}


def alone(columns: dict[str, Any]) -> dict[str, Any]:
    return columns


def in_parts(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """The first three rows, and the others."""
    return [{name: values[part] for name, values in columns.items()} for part in (slice(3), slice(3, None))]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("pack", [alone, in_parts])
def test_a_message_names_the_index_of_the_row(pack: Any, call: str) -> None:
    with pytest.raises(ValueError, match=r": row 3 \(counted from 0\)"):
        CALLS[call](pack)


def test_a_word_for_a_number_names_its_index() -> None:
    columns = table.Columns.fit({"a": CELLS[:3]})
    with pytest.raises(ValueError, match=r"column a: row 1 \(counted from 0\): 'x' is not a number"):
        columns.transform({"a": np.array(["1", "x", "5"], object)})


@pytest.mark.parametrize("begin", [0, 1, 70])
@pytest.mark.parametrize("row", [0, 9, 1_000_000])
def test_rows_are_counted_on(row: int, begin: int) -> None:
    text = f"column a: {row_name(row)} in {rows_name(row, row + 9)} has 3 of 4 rows"
    wanted = f"column a: {row_name(row + begin)} in {rows_name(row + begin, row + begin + 9)} has 3 of 4 rows"
    assert later_rows(text, begin) == wanted
    assert rows_from_one(text) == later_rows(text, 1).replace("from 0", "from 1")


@pytest.mark.parametrize("options", [[], ["--chunk-rows", "2"]])
def test_commands_count_from_one(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{'inf' if i == 3 else i},{i % 2}\n" for i in range(40)))
    arguments = ["train", path, "--target", "y", "--out", tmp_path / "m.safetensors", "--plain", *options]
    assert cli.main([*map(str, arguments), "--quiet"]) == 2
    assert "error: column a: row 4 (counted from 1) is infinite\n" in capsys.readouterr().err


def test_a_line_of_a_file_is_a_line(tmp_path: Path) -> None:
    """Lines of CSV files are those of an editor; a warning about words names the row of the table."""
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,2\n"x\ny",2\n3\n')
    with pytest.raises(ValueError, match=re.escape("t.csv: line 5 has 1 cell, but there are 2 columns")):
        table.read(path)
    path.write_text("a\n" + "".join(f"{'x' if i == 7 else i}\n" for i in range(40)))
    with pytest.warns(UserWarning, match=r"because of 'x' in row 7 \(counted from 0\); 39 of 40 values"):
        found = table.read(path)
    assert found["a"][7] == "x"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table.read(path, text=["a"])
