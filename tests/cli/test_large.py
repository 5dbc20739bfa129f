"""Tables in chunks through the commands: columns, rows and predictions of a table that is read at once."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import table
from simdnn.cli import _large

from tests.support.processes import run as run_script
from tests.support.processes import without_sanitizer

pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")

Run = Callable[..., tuple[int, list[str], str]]
FAST = ["--target", "y", "--epochs", "20", "--hidden", "16", "--quiet"]


def write(path: str, kind: str, rows: int = 900) -> None:
    """A table sorted by class, with text, missing numbers and a target of words or numbers."""
    random, lines = np.random.default_rng(0), ["a,word,hole,y"]
    for i in range(rows):
        a, word = random.normal(), "pqr"[random.integers(3)]
        hole = "" if random.random() < 0.1 else f"{random.normal():.3f}"
        value = f"{3 * a + (word == 'p'):.4f}" if kind == "numbers" else "no" if i < rows / 2 else "yes"
        lines.append(f"{a + (kind != 'numbers' and i >= rows / 2) * 4:.5f},{word},{hole},{value}")
    Path(path).write_text("\n".join(lines) + "\n")


def described(path: str) -> tuple[Any, Any]:
    found = simdnn.load_metadata(path)
    return found["table"], found["training"]


@pytest.mark.parametrize("split", ["0.2", "0"])
@pytest.mark.parametrize("kind", ["words", "numbers"])
def test_a_table_in_chunks_trains_like_one_that_is_read_at_once(kind: str, split: str, run: Run) -> None:
    write("t.csv", kind)
    options = ["t.csv", *FAST, "--val-split", split]
    assert run("train", *options, "--out", "whole.safetensors")[0] == 0
    status, shown, errors = run("train", *options, "--out", "parts.safetensors", "--chunk-rows", "100")
    assert (status, errors) == (0, "")
    (whole, first), (parts, second) = described("whole.safetensors"), described("parts.safetensors")
    assert parts == whole
    assert first["rows"] == second["rows"] == (900 if split == "0" else 720)
    assert first["metrics"].keys() == second["metrics"].keys()
    if kind == "words":
        assert second["metrics"]["accuracy"] > 0.9
        assert second["metrics"]["baseline accuracy"] == first["metrics"]["baseline accuracy"]
    else:
        assert second["metrics"]["R2"] > 0.9
    assert f"{second['rows']} to train, {900 - second['rows']} to validate" in "\n".join(shown)
    assert sorted(os.listdir()) == ["parts.safetensors", "t.csv", "whole.safetensors"]
    for proba in ([], ["--proba"]) if kind == "words" else ([],):
        at_once = run("predict", "parts.safetensors", "t.csv", *proba)
        assert run("predict", "parts.safetensors", "t.csv", *proba, "--chunk-rows", "7") == at_once
        assert (
            run("predict", "parts.safetensors", "t.csv", *proba, "--chunk-rows", 70, "--out", "p.csv")[0] == 0
        )
        assert Path("p.csv").read_text().splitlines() == at_once[1]
        os.unlink("p.csv")


def test_the_same_seed_writes_the_same_bytes(run: Run) -> None:
    write("t.csv", "words")
    found = []
    for seed in (1, 1, 2):
        options = ["--out", "m.safetensors", "--chunk-rows", 100, "--seed", seed, "--dropout", 0.2]
        assert run("train", "t.csv", *FAST, *options)[0] == 0
        found.append(Path("m.safetensors").read_bytes())
    assert found[0] == found[1] != found[2]


def test_row_groups_train_and_predict(run: Run) -> None:
    arrow = pytest.importorskip("pyarrow", reason="needs the extra [table]: pyarrow")
    import pyarrow.parquet

    write("t.csv", "words")
    found = {name: values.tolist() for name, values in table.read("t.csv").items()}
    pyarrow.parquet.write_table(arrow.table(found), "t.parquet", row_group_size=200)
    assert run("train", "t.parquet", *FAST, "--out", "parts.safetensors", "--chunk-rows", 1)[0] == 0
    assert run("train", "t.csv", *FAST, "--out", "whole.safetensors")[0] == 0
    assert described("parts.safetensors")[0] == described("whole.safetensors")[0]
    at_once = run("predict", "parts.safetensors", "t.csv")
    assert run("predict", "parts.safetensors", "t.parquet", "--chunk-rows", 1) == at_once


def test_large_files_are_read_in_chunks_by_themselves(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write("t.csv", "words")
    np.savez("t.npz", a=np.arange(40), y=np.arange(40) % 2)
    monkeypatch.setattr(_large, "LARGE", 1000)
    sizes, chunks = list[int](), table.chunks

    def watched(*arguments: Any, **options: Any) -> Any:
        sizes.append(options["rows"])
        return chunks(*arguments, **options)

    monkeypatch.setattr(table, "chunks", watched)
    assert run("train", "t.csv", *FAST, "--out", "m.safetensors")[0] == 0
    assert run("predict", "m.safetensors", "t.csv")[0] == 0
    assert sizes == [_large.CHUNK_ROWS] * 2
    assert run("train", "t.csv", *FAST, "--out", "m.safetensors", "--chunk-rows", "0")[0] == 0
    assert run("train", "t.npz", *FAST, "--out", "m.safetensors")[0] == 0
    assert len(sizes) == 2


@pytest.mark.parametrize(
    ("options", "text", "message"),
    [
        ([], "a,y\n1,p\n2,q\ninf,p\n4,q\n", "column a: row 3 (counted from 1) is infinite"),
        ([], "a,y\n1,p\n2,q\n3,\n4,q\n", "target y: row 3 (counted from 1) is missing"),
        ([], "a,y\n1,p\n2,q\n3\n4,q\n", "t.csv: line 4 has 1 cell, but there are 2 columns"),
        ([], "a,b\n1,p\n2,q\n", "target 'y' is missing; there are a, b"),
        (["--chunk-rows", "-1"], "a,y\n1,p\n", "--chunk-rows: expected an integer >= 0, got -1"),
        (["--val-split", "0.9"], "a,y\n1,p\n2,q\n", ""),
    ],
)
def test_errors_name_the_row_of_the_file(options: list[str], text: str, message: str, run: Run) -> None:
    Path("t.csv").write_text(text)
    status, _, errors = run("train", "t.csv", *FAST, "--chunk-rows", 2, *options, "--out", "m.safetensors")
    assert (status == 2) == bool(message)
    assert message in errors
    assert not [name for name in os.listdir() if name.startswith(".")]


def test_a_wrong_cell_in_a_later_chunk_writes_no_predictions(run: Run) -> None:
    write("t.csv", "words")
    assert run("train", "t.csv", *FAST, "--out", "m.safetensors")[0] == 0
    lines = Path("t.csv").read_text().splitlines()
    lines[50] = "1e39,p,,yes"
    Path("p.csv").write_text("\n".join(lines))
    status, _, errors = run("predict", "m.safetensors", "p.csv", "--chunk-rows", 7, "--out", "out.csv")
    assert status == 2
    assert "column a: row 50 (counted from 1) holds 1e+39" in errors
    assert not Path("out.csv").exists()


#: Megabytes that a process may use beyond its imports, and those of the file.
ROOM, SIZE = 56, 150

LIMITED = """
import os, resource
os.chdir({folder!r})
import safetensors.numpy, tempfile
from simdnn import cli, data, table
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + {room} * 2**20,) * 2)
options = ["--target", "y", "--epochs", "2", "--hidden", "8", "--batch-size", "256", "--quiet"]
status = cli.main(["train", "big.csv", *options, "--chunk-rows", "1000", "--out", "m.safetensors"])
print(status, cli.main(["predict", "m.safetensors", "big.csv", "--chunk-rows", "1000", "--out", "p.csv"]))
print(cli.main(["predict", "m.safetensors", "big.csv"]))
"""


@without_sanitizer
def test_a_file_larger_than_memory_trains_and_predicts(tmp_path: Path) -> None:
    random, rows = np.random.default_rng(0), 0
    with open(tmp_path / "big.csv", "w") as file:
        file.write(",".join(f"x{i}" for i in range(20)) + ",y\n")
        while file.tell() < SIZE * 2**20:
            values = random.normal(size=(5000, 20)) + (rows >= 30_000)
            ending = f",{int(rows >= 30_000)}\n"
            file.writelines(",".join(f"{one:40.6f}" for one in row) + ending for row in values.tolist())
            rows += 5000
    script = LIMITED.format(folder=str(tmp_path), room=ROOM)
    printed = run_script(script, timeout=300, OMP_NUM_THREADS="1")
    assert printed.splitlines()[-2:] == ["0 0", "2"], printed
    assert "accuracy (validation)" in printed
    columns = table.Columns.from_dict(described(str(tmp_path / "m.safetensors"))[0]["columns"])
    held_out = _large.held_out_rows(rows, 0.2, 0)
    whole = table.read(tmp_path / "big.csv")
    wanted = table.Columns.fit({name: whole[name] for name in columns.names}, rows=~held_out)
    assert columns.to_dict() == wanted.to_dict()
    model = simdnn.load(tmp_path / "m.safetensors")
    target = table.Target("y", ("0", "1"))
    predicted = (tmp_path / "p.csv").read_text().splitlines()
    assert predicted == ["y", *target.restore(model(columns.transform(whole))).tolist()]
