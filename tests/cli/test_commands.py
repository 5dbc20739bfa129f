"""The commands on tables and models: files, output and error messages."""

import csv
import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import cli as command_line

from tests.support.c_programs import COMPILERS, run_test
from tests.support.processes import start

pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")

FAST = ["--epochs", "25", "--hidden", "16", "--quiet"]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs a command and returns its status, output and errors."""

    def call(*arguments: Any) -> tuple[int, str, str]:
        try:
            status = command_line.main([str(one) for one in arguments])
        except SystemExit as end:
            status = int(end.code or 0)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


def pets(rows: int = 240) -> list[list[Any]]:
    """A table whose target `loud` depends on kind and age, with missing values."""
    rng = np.random.default_rng(0)
    lines: list[list[Any]] = []
    for i in range(rows):
        kind, age = rng.choice(["cat", "dog", "parrot"]), int(rng.integers(1, 15))
        loud = "yes" if (kind == "dog") != (age > 9) else "no"
        weight = 3 * age + 5 * (kind == "dog") + rng.normal()
        hole = rng.random() < 0.05
        lines.append([kind, "" if hole else age, loud, f"{weight:.4f}", i])
    return lines


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with open(tmp_path / "pets.csv", "w", newline="") as file:
        csv.writer(file).writerows([["kind", "age", "loud", "weight", "id"], *pets()])
    return tmp_path / "pets.csv"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_train_and_predict_classes(run: Run, data: Path, out: Path, tmp_path: Path) -> None:
    status, shown, errors = run(
        "train", data, "--target", "loud", "--ignore", "id,weight", "--out", out, *FAST
    )
    assert (status, errors) == (0, "")
    assert float(re.search(r"accuracy \(validation\) +(0\.\d+|1\.0+)", shown)[1]) > 0.85
    status, shown, errors = run("predict", out, data, "--proba")
    assert (status, errors) == (0, "")
    predicted, truth = rows_of(shown), [line[2] for line in pets()]
    assert np.mean([one["loud"] == wanted for one, wanted in zip(predicted, truth, strict=True)]) > 0.85
    for one in predicted:
        no, yes = float(one["P(no)"]), float(one["P(yes)"])
        assert no + yes == pytest.approx(1, abs=1e-5)
        assert one["loud"] == ("yes" if yes > no else "no") or abs(no - yes) < 1e-5
    status, _, _ = run("predict", out, data, "--out", tmp_path / "predictions.csv")
    assert status == 0
    assert [one["loud"] for one in rows_of((tmp_path / "predictions.csv").read_text())] == [
        one["loud"] for one in predicted
    ]


@pytest.mark.parametrize("name", ["o.parquet", "o.PARQUET", "o.npz", "o.tsv", "o.xlsx", "o.json", "o.csv.gz"])
def test_predictions_are_not_written_under_the_name_of_another_format(
    run: Run, data: Path, out: Path, tmp_path: Path, name: str
) -> None:
    assert run("train", data, "--target", "loud", "--out", out, *FAST)[0] == 0
    status, _, errors = run("predict", out, data, "--out", tmp_path / name)
    assert status != 0
    assert "--out: expected a name that ends in .csv" in errors
    assert not (tmp_path / name).exists()
    for allowed in ("o.csv", "o.CSV", "o.txt", "o"):
        assert run("predict", out, data, "--out", tmp_path / allowed)[0] == 0
        assert rows_of((tmp_path / allowed).read_text())[0].keys() == {"loud"}


def test_train_and_predict_numbers(run: Run, data: Path, out: Path) -> None:
    status, shown, _ = run("train", data, "--target", "weight", "--ignore", "id", "--out", out, *FAST)
    assert status == 0
    assert float(re.search(r"R2 \(validation\) +(0\.\d+)", shown)[1]) > 0.8
    _, shown, _ = run("predict", out, data)
    got, truth = [float(one["weight"]) for one in rows_of(shown)], [float(line[3]) for line in pets()]
    assert np.corrcoef(got, truth)[0, 1] > 0.9
    assert run("predict", out, data, "--proba")[0] == 2


def test_the_same_seed_writes_the_same_bytes(run: Run, data: Path, tmp_path: Path) -> None:
    found = []
    for seed in (1, 1, 2):
        path = tmp_path / "again.safetensors"
        assert (
            run("train", data, "--target", "loud", "--out", path, "--seed", seed, "--dropout", 0.2, *FAST)[0]
            == 0
        )
        found.append(path.read_bytes())
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("average", ["outputs", "probabilities"])
def test_an_ensemble_predicts_tables_too(
    run: Run, data: Path, out: Path, tmp_path: Path, average: str
) -> None:
    models = []
    for seed in (1, 2, 3):
        assert run("train", data, "--target", "loud", "--out", out, "--seed", seed, *FAST)[0] == 0
        models.append(simdnn.load(out))
    metadata, ensemble = simdnn.load_metadata(out), simdnn.nn.Ensemble(models, [1, 2, 3], average)
    simdnn.save(ensemble, out, metadata=metadata)
    status, shown, errors = run("predict", out, data, "--proba")
    assert (status, errors) == (0, "")
    columns = simdnn.table.Columns.from_dict(metadata["table"]["columns"])
    outputs = ensemble(columns.transform(simdnn.table.read(data, columns=columns.names)))
    shares = outputs if average == "probabilities" else simdnn.functional.softmax(outputs)
    for one, (no, yes) in zip(rows_of(shown), shares.tolist(), strict=True):
        assert (float(one["P(no)"]), float(one["P(yes)"])) == pytest.approx((no, yes), abs=1e-5)
    status, shown, errors = run("info", out)
    assert (status, errors) == (0, "")
    assert re.search(r"^model 2 +Sequential\(", shown, re.MULTILINE)
    assert re.search(r"^weights +1, 2, 3$", shown, re.MULTILINE)
    assert re.search(rf"^average +{average}$", shown, re.MULTILINE)
    assert re.search(
        rf"^parameters +{sum(one.flat_parameters.size for one in models):,}$", shown, re.MULTILINE
    )
    pytest.importorskip("onnx", reason="needs the extra [onnx]: onnx")
    for options in ([], ["--columns"]):
        assert run("export", out, "--onnx", tmp_path / "ensemble.onnx", *options)[0] == 0


@pytest.mark.parametrize("ending", ["tsv", "parquet", "npz"])
def test_other_files_train_too(ending: str, run: Run, data: Path, out: Path, tmp_path: Path) -> None:
    path = tmp_path / f"pets.{ending}"
    columns = dict(zip(["kind", "age", "loud"], list(zip(*pets(), strict=True))[:3], strict=True))
    ages = np.array([float(age or "nan") for age in columns["age"]])
    if ending == "tsv":
        path.write_text(data.read_text().replace(",", "\t"))
    elif ending == "npz":
        np.savez(path, kind=columns["kind"], age=ages, loud=columns["loud"])
    else:
        pytest.importorskip("pyarrow", reason="needs the extra [table]: pyarrow")
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.table(columns | {"age": ages}), path)
    ignored = ["--ignore", "weight,id"] if ending == "tsv" else []
    assert run("train", path, "--target", "loud", "--out", out, *ignored, *FAST)[0] == 0
    _, shown, _ = run("predict", out, path)
    _, same, _ = run("predict", out, data)
    assert shown == same


def test_options_make_the_network(run: Run, data: Path, out: Path) -> None:
    network = "--hidden 8,4 --activation tanh --dropout 0.1"
    training = "--optimizer sgd --lr 0.1 --batch-size 16 --epochs 2 --val-split 0 --patience 0 --quiet"
    options = [*network.split(), *training.split()]
    assert run("train", data, "--target", "loud", "--out", out, *options)[0] == 0
    shown = [repr(layer) for layer in simdnn.load(out).layers]
    assert shown[0].endswith(", 8, activation='tanh')")
    assert shown[1:] == ["Dropout(p=0.1)", "Dense(8, 4, activation='tanh')", "Dropout(p=0.1)", "Dense(4, 2)"]
    assert simdnn.load_metadata(out)["training"]["epochs"] == 2
    assert (
        run("train", data, "--target", "loud", "--out", out, "--hidden", "", "--epochs", "1", "--quiet")[0]
        == 0
    )
    assert len(simdnn.load(out).layers) == 1


def test_words_of_many_kinds_get_vectors(run: Run, data: Path, out: Path, tmp_path: Path) -> None:
    options = ["--target", "loud", "--ignore", "id,weight", "--max-one-hot", 2, "--batch-norm", *FAST]
    status, shown, _ = run("train", data, *options, "--out", out)
    assert status == 0
    assert float(re.search(r"accuracy \(validation\) +(0\.\d+|1\.0+)", shown)[1]) > 0.8
    model = simdnn.load(out)
    assert isinstance(model.layers[0], simdnn.nn.Embedding)
    assert isinstance(model.layers[2], simdnn.nn.BatchNorm1d)
    assert not model.parameters()["0.0.weight"][-1].any()
    (tmp_path / "new.csv").write_text("kind,age\nhamster,3\ndog,4\n")
    assert run("predict", out, tmp_path / "new.csv")[0] == 0


def test_it_stops_early_at_its_best(run: Run, data: Path, out: Path) -> None:
    arguments = [
        "train",
        data,
        "--target",
        "weight",
        "--ignore",
        "id",
        "--out",
        out,
        "--quiet",
        "--lr",
        "0.05",
    ]
    assert run(*arguments, "--epochs", "500", "--patience", "3")[0] == 0
    assert simdnn.load_metadata(out)["training"]["epochs"] < 400


def test_info_and_export(run: Run, data: Path, out: Path, tmp_path: Path) -> None:
    run("train", data, "--target", "loud", "--ignore", "id,weight", "--out", out, *FAST)
    status, shown, _ = run("info", out)
    assert status == 0
    for word in ("Dense(", "kind=cat, kind=dog, kind=parrot, age, age is missing", "no, yes", "float32"):
        assert word in shown
    plain = tmp_path / "plain.safetensors"
    simdnn.save(simdnn.nn.Sequential(simdnn.nn.Dense(2, 3)), plain, metadata={"mine": 7})
    assert re.search(r"mine +7", run("info", plain)[1])
    pytest.importorskip("onnx", reason="needs the extra [onnx]: onnx")
    import onnx.reference

    assert run("export", out, "--onnx", tmp_path / "model.onnx", "--opset", 18)[0] == 0
    assert onnx.load(tmp_path / "model.onnx").opset_import[0].version == 18
    assert run("export", out, "--onnx", tmp_path / "whole.onnx", "--columns")[0] == 0
    made = onnx.load(tmp_path / "whole.onnx").graph
    assert [one.name for one in made.input] == ["kind", "age"]
    assert [one.name for one in made.output] == ["loud", "P(loud)"]
    _, predicted, _ = run("predict", out, data)
    rows = [row[:2] for row in pets()]
    kind, age = (
        np.array([[row[0]] for row in rows], object),
        np.array([[float(row[1] or "nan")] for row in rows]),
    )
    evaluator = onnx.reference.ReferenceEvaluator(str(tmp_path / "whole.onnx"))
    found = evaluator.run(None, {"kind": kind, "age": age})[0]
    assert ["loud", *found.tolist()] == predicted.split()
    assert run("export", plain, "--onnx", tmp_path / "none.onnx", "--columns")[0] == 2


def test_export_to_c(run: Run, data: Path, out: Path, tmp_path: Path) -> None:
    run("train", data, "--target", "loud", "--ignore", "id,weight", "--out", out, *FAST)
    status, shown, _ = run("export", out, "--c", tmp_path / "pets.h", "--columns")
    assert status == 0
    assert re.search(r"constants +[0-9,]+ bytes\nmemory on the stack +[0-9,]+ bytes\n", shown)
    text = (tmp_path / "pets.h").read_text()
    assert "const char *kind;\n  double age;\n} pets_row;" in text
    assert 'pets_classes[PETS_OUTPUTS] = {"no", "yes"}' in text
    if COMPILERS:
        assert run_test(tmp_path / "pets.h", COMPILERS[0]) == "0 of 16 outputs differ\n"
    assert run("export", out)[0] == 2
    assert run("export", out, "--c", out)[0] == 2


@pytest.mark.parametrize(
    ("format", "option", "values"),
    [("--c", "--opset", ("18",)), ("--onnx", "--rounded", ()), ("--onnx", "--cc", ("gcc",))],
)
def test_options_of_another_format_are_refused(
    run: Run, out: Path, tmp_path: Path, format: str, option: str, values: tuple[str, ...]
) -> None:
    simdnn.save(simdnn.nn.Sequential(simdnn.nn.Dense(2, 2), rng=0), out)
    made = tmp_path / "made"
    status, _, errors = run("export", out, format, made, option, *values)
    assert (status, errors) == (2, f"error: {option}: not used by {format}\n")
    assert not made.exists()


def test_a_diverging_training_is_an_error(run: Run, data: Path, out: Path) -> None:
    arguments = ["--target", "weight", "--ignore", "id", "--optimizer", "sgd", "--lr", "1e30", *FAST]
    status, _, errors = run("train", data, *arguments, "--out", out)
    assert (status, out.exists()) == (2, False)
    assert re.fullmatch(r"error: .*diverged.*--lr\n", errors)


def interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_an_interrupt_before_the_first_epoch_is_told(
    run: Run, data: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simdnn.Trainer, "fit", interrupt)
    status, shown, errors = run("train", data, "--target", "loud", "--ignore", "id", "--out", out, *FAST)
    assert (status, shown, out.exists()) == (2, "", False)
    assert errors == "error: interrupted before the first epoch ended; nothing was written\n"


def test_an_interrupt_after_an_epoch_keeps_the_best_one(
    run: Run, data: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = simdnn.Trainer.fit

    def interrupt_late(trainer: simdnn.Trainer, logs: dict[str, float]) -> None:
        if trainer.epochs_done == 3:
            raise KeyboardInterrupt

    def fit_some(*given: Any, callbacks: list[Any], **options: Any) -> None:
        fit(*given, callbacks=[*callbacks, interrupt_late], **options)

    monkeypatch.setattr(simdnn.Trainer, "fit", fit_some)
    status, shown, errors = run("train", data, "--target", "loud", "--ignore", "id", "--out", out, *FAST)
    assert (status, errors, out.exists()) == (0, "", True)
    assert shown.startswith("interrupted: the best epoch so far is kept\n")
    assert simdnn.load_metadata(out)["training"]["epochs"] == 3


def test_an_interrupt_elsewhere_has_no_traceback(
    run: Run, data: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simdnn.table, "read", interrupt)
    assert run("train", data, "--target", "loud", "--out", out) == (130, "", "interrupted\n")


@pytest.mark.parametrize("link", [False, True])
def test_the_table_is_not_overwritten(run: Run, data: Path, tmp_path: Path, link: bool) -> None:
    out, before = data, data.read_bytes()
    if link:
        out = tmp_path / "link.csv"
        os.link(data, out)
    status, shown, errors = run("train", data, "--target", "loud", "--ignore", "id", "--out", out, *FAST)
    assert (status, shown, data.read_bytes()) == (2, "", before)
    assert errors == f"error: --out: {out} is read by this command; write to another file\n"


BAD: dict[str, tuple[str, list[str], str]] = {
    "a missing target": ("a,y\n1,2\n", ["--target", "z"], "target 'z' is missing; there are a, y"),
    "words for a regression": (
        "a,y\n1,2\n2,x\n",
        ["--task", "regression"],
        "target y: row 2 \\(counted from 1\\): 'x' is not a number",
    ),
    "a hole in the target": ("a,y\n1,x\n2,\n", [], "target y: row 2 \\(counted from 1\\) is missing"),
    "NaN in the target": ("a,y\n1,2.5\n2,nan\n", [], "target y: row 2 \\(counted from 1\\) is missing"),
    "one class": ("a,y\n1,x\n2,x\n", [], "two classes"),
    "an empty file": ("", [], "data.csv: .*columns"),
    "no rows": ("a,y\n", [], "data.csv: .*row"),
    "a target alone": ("y\n1\n0\n", [], "at least one column besides the target"),
    "an infinite number": ("a,y\n1,x\ninf,y\n", ["--val-split", "0"], "column a: row 2 .* is infinite"),
    "an unknown column to ignore": ("a,y\n1,x\n2,y\n", ["--ignore", "b"], "column 'b' is missing"),
    "widths of text": ("a,y\n1,x\n2,y\n", ["--hidden", "64,x"], "--hidden: .*'64,x'"),
    "all rows kept": ("a,y\n1,x\n2,y\n", ["--val-split", "1"], r"--val-split: .*1\.0"),
    "no epochs": ("a,y\n1,x\n2,y\n", ["--epochs", "0"], "--epochs: .*0"),
    "a dropout of one": ("a,y\n1,x\n2,y\n", ["--dropout", "1"], "error: --dropout: .*1"),
    "an infinite rate": ("a,y\n1,x\n2,y\n", ["--lr", "inf"], "error: --lr: .*inf"),
    "a huge width": ("a,y\n1,x\n2,y\n", ["--hidden", str(10**30)], "error: --hidden: .*from 1 to"),
    "two decimal marks": ("a,y\n1,x\n2,y\n", ["--decimal", ",."], "error: --decimal: .*character"),
    "too many one-hot inputs": (
        "a,y\n1,x\n2,y\n",
        ["--max-one-hot", "-1"],
        "error: --max-one-hot: expected an integer >= 0, got -1",
    ),
    "a negative rate": ("a,y\n1,x\n2,y\n", ["--lr", "-1"], "error: --lr: .*-1"),
    "an unknown activation": ("a,y\n1,x\n2,y\n", ["--activation", "relux"], "relux"),
    "an unknown option": ("a,y\n1,x\n2,y\n", ["--wings", "2"], "wings"),
    "no such folder": ("a,y\n1,x\n2,y\n", ["--out", "nowhere/m.safetensors"], "--out: .*nowhere"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_is_one_line_and_nothing_written(name: str, run: Run, tmp_path: Path) -> None:
    text, options, message = BAD[name]
    (tmp_path / "data.csv").write_text(text)
    given = ["--target", "y", "--out", str(tmp_path / "m.safetensors"), *options]
    status, shown, errors = run("train", tmp_path / "data.csv", *given, "--quiet")
    assert status == 2
    assert re.search(message, errors), errors
    assert re.fullmatch(r"error: .*\n(The options are listed by: simdnn train --help\n)?", errors)
    assert (shown, [path.name for path in tmp_path.iterdir()]) == ("", ["data.csv"])


def test_models_that_do_not_fit_are_an_error(run: Run, data: Path, out: Path, tmp_path: Path) -> None:
    run("train", data, "--target", "loud", "--out", out, *FAST)
    (tmp_path / "other.csv").write_text("kind,age\ncat,3\n")
    (tmp_path / "words.csv").write_text("kind,age,weight,id\ncat,3,heavy,1\n")
    plain, damaged = tmp_path / "plain.safetensors", tmp_path / "damaged.safetensors"
    simdnn.save(simdnn.nn.Sequential(simdnn.nn.Dense(2, 3)), plain)
    simdnn.save(simdnn.nn.Sequential(simdnn.nn.Dense(2, 3)), damaged, metadata={"table": {"columns": [7]}})
    for arguments, message in (
        (
            ["predict", out, tmp_path / "other.csv"],
            "columns 'weight' and 'id' are missing; there are kind, age",
        ),
        (["predict", out, tmp_path / "words.csv"], "column weight: row 1 .*: 'heavy' is not a number"),
        (["predict", plain, data], "without a description of columns"),
        (["predict", damaged, data], "description of columns is damaged"),
        (["predict", data, data], "pets.csv: "),
        (["predict", tmp_path / "nowhere", data], "No such file"),
        (["info", data], "pets.csv: "),
        (["export", out, "--onnx", tmp_path / "no" / "model.onnx"], "No such file"),
        (["export", out, "--onnx", tmp_path / "model.onnx", "--opset", "3"], "opset: .*17"),
    ):
        status, shown, errors = run(*arguments)
        assert (status, shown) == (2, "")
        assert re.fullmatch(f"error: .*{message}.*\n", errors), errors
    assert not (tmp_path / "model.onnx").exists()


def test_it_runs_as_a_module(data: Path, out: Path) -> None:
    arguments = ["--target", "loud", "--ignore", "id", "--out", str(out), *FAST]
    done = start(["-m", "simdnn", "train", str(data), *arguments], 60, {})
    assert (done.returncode, done.stderr) == (0, "")
    assert "accuracy (validation)" in done.stdout
    assert start(["-m", "simdnn", "train", "--help"], 60, {}).returncode == 0


def test_no_command_overwrites_what_it_reads(run: Run, data: Path, out: Path, tmp_path: Path) -> None:
    assert run("train", data, "--target", "loud", "--out", out, *FAST)[0] == 0
    link = tmp_path / "link.csv"
    link.symlink_to(data)
    before = data.read_bytes(), out.read_bytes()
    for arguments in (
        ("predict", out, data, "--out", data),
        ("predict", out, data, "--out", link),
        ("predict", out, data, "--out", out),
        ("export", out, "--onnx", out),
        ("train", data, "--target", "loud", "--out", link),
    ):
        status, _, errors = run(*arguments)
        assert status != 0
        assert "is read by this command" in errors
    assert (data.read_bytes(), out.read_bytes()) == before


def test_a_file_with_the_ending_of_another_format_is_refused(run: Run, data: Path, tmp_path: Path) -> None:
    """The error comes before the training, or before the model is read."""
    calls = [
        (".safetensors", ["train", data, "--target", "loud", "--out"], "m.csv"),
        (".safetensors", ["train", data, "--target", "loud", "--plain", "--out"], "m.ONNX"),
        (".onnx", ["export", tmp_path / "no.safetensors", "--onnx"], "m.h"),
        (".h", ["export", tmp_path / "no.safetensors", "--c"], "m.onnx"),
    ]
    for ending, call, name in calls:
        status, _, errors = run(*call, tmp_path / name)
        assert status == 2
        assert f"{call[-1]}: expected a name that ends in {ending}, got {tmp_path / name}" in errors
        assert not (tmp_path / name).exists()
