"""Dates in the commands: a table in which the date alone decides, as CSV and as Parquet."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
pytest.importorskip("sklearn", reason="needs the extra [sklearn]: scikit-learn")

TRAIN = ["--target", "season", "--members", "3", "--quiet", "--out", "m.safetensors"]
Run = Callable[..., tuple[int, list[str], str]]


def write(ending: str, rows: int = 400) -> list[str]:
    """A table of days, some of them missing, noise and the season; returns the seasons."""
    rng = np.random.default_rng(0)
    days = np.datetime64("2021-01-01") + rng.integers(0, 1000, rows)
    seasons = np.where(np.isin(days.astype("M8[M]").astype(int) % 12, [4, 5, 6, 7, 8]), "warm", "cold")
    days[::60] = np.datetime64("NaT")
    seasons[::60] = "cold"
    noise = rng.normal(size=rows)
    if ending == "parquet":
        pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        columns = {"when": days.astype("M8[us]"), "noise": noise, "season": seasons.tolist()}
        parquet.write_table(pyarrow.table(columns), "d.parquet")
    else:
        words = ["" if np.isnat(day) else str(day) for day in days]
        lines = [f"{a},{b:.6f},{c}" for a, b, c in zip(words, noise, seasons, strict=True)]
        Path("d.csv").write_text("\n".join(["when,noise,season", *lines]) + "\n")
    return seasons.tolist()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_dates_are_learned_and_predicted(ending: str, run: Run) -> None:
    truth = write(ending)
    status, shown, errors = run("train", f"d.{ending}", *TRAIN)
    assert (status, errors) == (0, "")
    text = "\n".join(shown)
    assert "2: 1 with numbers, 0 with words, 1 with dates; 1 with missing values" in text
    ours = next(line.split() for line in shown if line.startswith("this model"))
    assert float(ours[2]) > 0.9
    status, shown, errors = run("predict", "m.safetensors", f"d.{ending}")
    assert (status, errors, shown[0]) == (0, "", "season")
    assert np.mean([a == b for a, b in zip(shown[1:], truth, strict=True)]) > 0.95
    assert run("predict", "m.safetensors", f"d.{ending}", "--chunk-rows", "90")[1] == shown
    assert any("when: days" in line for line in run("info", "m.safetensors")[1])


def test_both_formats_give_the_same_model(run: Run) -> None:
    found = []
    for ending in ("csv", "parquet"):
        write(ending)
        run("train", f"d.{ending}", *TRAIN, "--preset", "fast", "--ignore", "noise")
        found.append(run("predict", "m.safetensors", "d.csv", "--proba")[1])
    assert found[0] == found[1]


def test_the_report_shows_dates(run: Run) -> None:
    pytest.importorskip("matplotlib")
    write("csv")
    assert run("train", "d.csv", *TRAIN, "--report", "report.html")[0] == 0
    page = Path("report.html").read_text()
    assert re.search(r">dates</td><td[^>]*>2021-01-\d\d to 2023-09-\d\d<", page)
    assert "text=columns.text, dates=True)" in page


def test_all_models_are_compared(run: Run) -> None:
    write("csv")
    names = "constant guess,linear model,scikit-learn"
    status, shown, errors = run("compare", "d.csv", "--target", "season", "--models", names, "--quiet")
    assert (status, errors) == (0, "")
    found = {line[:14].strip(): float(line[14:].split()[0]) for line in shown[5:]}
    assert found["scikit-learn"] < 0.1
    assert found["linear model"] < found["constant guess"]


def test_dates_in_a_graph_and_a_header(run: Run) -> None:
    pytest.importorskip("onnx")
    write("csv")
    run("train", "d.csv", *TRAIN, "--preset", "fast")
    assert run("export", "m.safetensors", "--onnx", "m.onnx", "--columns")[0] == 0
    assert run("export", "m.safetensors", "--c", "m.h", "--columns")[0] == 0
    assert "Dates are microseconds since 1970" in Path("m.h").read_text()


def test_words_in_another_order_are_pointed_out(run: Run) -> None:
    lines = [f"{1 + i % 28:02}/{1 + i % 12:02}/2020,{'pq'[i % 2]}" for i in range(60)]
    Path("d.csv").write_text("\n".join(["when,season", *lines]) + "\n")
    status, _, errors = run("train", "d.csv", *TRAIN, "--preset", "fast")
    assert status == 0
    assert errors.count("column when: values such as '01/01/2020' look like dates") == 1
    assert "write them as 2020-01-31" in errors


@pytest.mark.parametrize("chunks", ["0", "10"])
def test_other_words_in_a_prediction_are_one_error(chunks: str, run: Run) -> None:
    write("csv")
    run("train", "d.csv", *TRAIN, "--preset", "fast")
    Path("p.csv").write_text("when,noise\n" + "01/02/2020,1\n" * 15)
    status, shown, errors = run("predict", "m.safetensors", "p.csv", "--chunk-rows", chunks)
    assert (status, shown) == (2, [])
    wanted = "error: column when: row 1 (counted from 1): '01/02/2020' is not a date such as 2020-01-31\n"
    assert errors == wanted


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_date_is_no_target(ending: str, run: Run) -> None:
    write(ending)
    if ending == "csv":  # gaps in the target are an error of their own
        lines = Path("d.csv").read_text().splitlines()
        Path("d.csv").write_text("\n".join(line for line in lines if not line.startswith(",")))
    status, _, errors = run("train", f"d.{ending}", "--target", "when", "--out", "m.safetensors")
    assert status == 2
    assert "target when: dates are not supported" in errors
