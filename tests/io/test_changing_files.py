"""Tables in files that change after they were opened: their chunks are refused, never misread."""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from simdnn import table
from simdnn.table._csv_chunks import CsvChunks

LINES = ["x,word,y", *(f"{i},{'pq'[i % 2]},{i}.5" for i in range(30))]


def replaced(lines: list[str]) -> Any:
    """A function that writes other lines at the path of a CSV file."""
    return lambda path: path.write_text("\n".join(lines) + "\n")


def touched(path: Path) -> None:
    """Writes as many bytes, a second later by the clock of the file system."""
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"p", b"r"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))


CSV_CHANGES = {
    "shorter": replaced(LINES[:12]),
    "longer": replaced([*LINES, "30,p,1.5"]),
    "columns swapped": replaced(["word,x,y", *(f"{'pq'[i % 2]},{i},{i}.25" for i in range(30))]),
    "an open quotation mark": replaced([*LINES[:5], '7,"p,1', *LINES[6:]]),
    "not UTF-8": lambda path: path.write_bytes(b"x,word,y\n" + b"1,\xe4,2\n" * 30),
    "empty": lambda path: path.write_bytes(b""),
    "other bytes": touched,
}


@pytest.mark.parametrize("change", CSV_CHANGES)
def test_a_csv_file_that_changes_is_noticed_with_the_chunk(change: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    replaced(LINES)(path)
    parts = pickle.loads(pickle.dumps(table.chunks(path, rows=8)))
    assert parts[3]["x"].tolist() == [24, 25, 26, 27, 28, 29]
    CSV_CHANGES[change](path)
    for i in range(4):
        with pytest.raises(ValueError, match=r"t\.csv: the file has changed since it was opened"):
            parts[i]
    path.unlink()
    with pytest.raises(FileNotFoundError):
        parts[0]


def test_a_csv_file_that_changes_while_it_is_opened_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    replaced(LINES)(path)
    take = CsvChunks.take

    def take_and_change(self: Any, *given: Any) -> Any:
        found = take(self, *given)
        touched(path)
        return found

    monkeypatch.setattr(CsvChunks, "take", take_and_change)
    with pytest.raises(ValueError, match=r"t\.csv: the file has changed since it was opened"):
        table.chunks(path, rows=8)


PARQUET_CHANGES: dict[str, dict[str, Any]] = {
    "a column is missing": {"x": [1.0, 2.0, 3.0, 4.0]},
    "kinds": {"x": ["a", "b", "c", "d"], "y": [1, 2, 3, 4]},
    "shorter": {"x": [1.0], "y": ["p"]},
    "longer": {"x": [1.0, 2.0, 3.0, 4.0, 5.0], "y": ["p", "q", "r", "s", "t"]},
    "values": {"x": [1.0, 2.0, 3.0, 5.0], "y": ["p", "q", "r", "s"]},
}


@pytest.mark.parametrize("change", PARQUET_CHANGES)
def test_a_parquet_file_that_changes_is_noticed_with_the_chunk(change: str, tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="needs the extra [table]: pyarrow")
    import pyarrow.parquet

    path = tmp_path / "t.parquet"
    values = {"x": [1.0, 2.0, 3.0, 4.0], "y": ["p", "q", "r", "s"]}
    pyarrow.parquet.write_table(arrow.table(values), path, row_group_size=2)
    parts, before = table.chunks(path), path.stat()
    pyarrow.parquet.write_table(arrow.table(PARQUET_CHANGES[change]), path, row_group_size=2)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
    for i in range(2):
        with pytest.raises(ValueError, match=r"t\.parquet: the file has changed since it was opened"):
            parts[i]
    path.write_bytes(b"PAR1" * 9)
    with pytest.raises(ValueError, match=r"t\.parquet: the file has changed since it was opened"):
        parts[0]
