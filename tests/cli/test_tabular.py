"""Training the estimators of tables by the command line: files, output, and the choice of a plain network."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import simdnn
from simdnn import table

pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
pytest.importorskip("sklearn", reason="needs the extra [sklearn]: scikit-learn")

FAST = ["--preset", "fast", "--members", "2", "--quiet", "--out", "m.safetensors"]
Run = Callable[..., tuple[int, list[str], str]]


def write(path: str = "pets.csv", rows: int = 300) -> list[dict[str, str]]:
    """A table with numbers, words and holes: `loud` are words, `level` are integers, `weight` is a number."""
    rng, lines = np.random.default_rng(0), []
    for _ in range(rows):
        kind, age = str(rng.choice(["cat", "dog", "parrot"])), int(rng.integers(1, 15))
        loud = (kind == "dog") != (age > 9)
        cells = [
            kind,
            "" if rng.random() < 0.05 else age,
            "yes" if loud else "no",
            2 + 8 * loud,
            f"{3 * age + 5 * (kind == 'dog') + rng.normal():.4f}",
        ]
        lines.append([str(one) for one in cells])
    names = ["kind", "age", "loud", "level", "weight"]
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([names, *lines])
    return [dict(zip(names, line, strict=True)) for line in lines]


def ignored(target: str) -> list[str]:
    """Options that train on kind and age alone."""
    return ["--target", target, "--ignore", ",".join({"loud", "level", "weight"} - {target})]


def rows_of(lines: list[str]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("\n".join(lines))))


@pytest.mark.parametrize("target", ["loud", "level"])
def test_classes(target: str, run: Run) -> None:
    truth = [row[target] for row in write()]
    status, shown, errors = run("train", "pets.csv", *ignored(target), *FAST)
    assert (status, errors) == (0, "")
    found = {line.split("  ")[0]: re.split(r"\s{2,}", line) for line in shown}
    assert found["out of fold"][1:] == ["accuracy", "log loss", "AUC", "seconds"]
    constant, linear, ours = (found[one] for one in ("constant guess", "linear model", "this model"))
    assert constant[3] == "0.5000"
    assert float(ours[1]) > 0.8 > float(constant[1])
    assert float(ours[2]) < float(linear[2])
    assert "2: 1 with numbers, 1 with words; 1 with missing values" in "\n".join(shown)
    status, shown, errors = run("predict", "m.safetensors", "pets.csv", "--proba")
    assert (status, errors) == (0, "")
    predicted = rows_of(shown)
    assert np.mean([one[target] == wanted for one, wanted in zip(predicted, truth, strict=True)]) > 0.8
    classes = sorted(set(truth), key=lambda one: (len(one), one))
    assert list(predicted[0]) == [target, *(f"P({name})" for name in classes)]
    for one in predicted:
        shares = [float(one[f"P({name})"]) for name in classes]
        assert sum(shares) == pytest.approx(1, abs=1e-5)
        assert one[target] == classes[int(np.argmax(shares))]
    assert run("predict", "m.safetensors", "pets.csv", "--proba", "--chunk-rows", 7)[1] == shown


def test_numbers(run: Run) -> None:
    truth = [float(row["weight"]) for row in write()]
    status, shown, errors = run("train", "pets.csv", *ignored("weight"), *FAST)
    assert (status, errors) == (0, "")
    assert any(re.match(r"out of fold +RMSE +MAE +R2 +seconds", line) for line in shown)
    _, shown, _ = run("predict", "m.safetensors", "pets.csv")
    assert np.corrcoef([float(one["weight"]) for one in rows_of(shown)], truth)[0, 1] > 0.8
    assert run("predict", "m.safetensors", "pets.csv", "--chunk-rows", 50)[1] == shown
    assert run("predict", "m.safetensors", "pets.csv", "--proba")[0] == 2


def test_python_reads_the_file(run: Run) -> None:
    """The classes of a column of integers are integers, and the predictions are those of the command."""
    from simdnn import tabular

    write()
    assert run("train", "pets.csv", *ignored("level"), *FAST)[0] == 0
    model = tabular.load("m.safetensors")
    assert model.classes_.dtype.kind == "i"
    assert model.classes_.tolist() == [2, 10]
    predicted = model.predict(table.read("pets.csv"))
    assert run("predict", "m.safetensors", "pets.csv")[1] == ["level", *map(str, predicted.tolist())]
    metadata = simdnn.load_metadata("m.safetensors")
    assert (metadata["target"], metadata["training"]["preset"]) == ("level", "fast")
    assert metadata["training"]["metrics out of fold"]["accuracy"] == pytest.approx(model.oof_score_)


def test_the_same_seed_writes_the_same_bytes(run: Run) -> None:
    write()
    found = []
    for options in (FAST, FAST, [one for one in FAST if one != "--quiet"], [*FAST, "--seed", "1"]):
        assert run("train", "pets.csv", *ignored("loud"), *options)[0] == 0
        found.append(Path("m.safetensors").read_bytes())
    assert found[0] == found[1] == found[2] != found[3]


def test_info(run: Run) -> None:
    write()
    run("train", "pets.csv", *ignored("loud"), *FAST)
    status, shown, _ = run("info", "m.safetensors")
    assert status == 0
    text = "\n".join(shown)
    for pattern in (
        r"^estimator +TabularClassifier\(.*preset='fast'",
        r"^1 network +Sequential\(.*128",
        r"^target +loud$",
        r"^classes +no, yes$",
        r"^rows +300$",
        r"^preset +fast$",
        r"^accuracy \(out of fold\) +0\.\d{4}$",
        r"^inputs +age \(position in \d+ bins\), ",
    ):
        assert re.search(pattern, text, re.MULTILINE), text
    assert "{" not in text


def test_info_wraps_the_names_of_inputs(run: Run) -> None:
    names = [f"a column, {i}" for i in range(30)]
    with open("wide.csv", "w", newline="") as file:
        csv.writer(file).writerows(
            [[*names, "y"], *([i * j % 7 for j in range(30)] + ["ab"[i % 2]] for i in range(40))]
        )
    run("train", "wide.csv", "--target", "y", "--plain", "--epochs", "1", "--quiet", "--out", "m.safetensors")
    _, shown, _ = run("info", "m.safetensors")
    begin = next(i for i, line in enumerate(shown) if line.startswith("inputs"))
    end = next(i for i, line in enumerate(shown) if line.startswith("target"))
    place = shown[begin].index("a column")
    lines = [line[place:] for line in shown[begin:end]]
    assert len(lines) > 3
    assert max(map(len, lines)) <= 80
    assert " ".join(lines) == ", ".join(names)
    assert all(not line[:place].strip() for line in shown[begin + 1 : end])


def test_info_has_the_metrics_of_a_plain_network(run: Run) -> None:
    write()
    for options, where in (([], "validation"), (["--val-split", "0"], "training data")):
        run("train", "pets.csv", *ignored("weight"), *FAST[4:], "--epochs", "2", *options)
        text = "\n".join(run("info", "m.safetensors")[1])
        assert re.search(rf"^RMSE \({where}\) +[0-9.]+$", text, re.MULTILINE), text
        assert "{" not in text


@pytest.mark.parametrize("target", ["loud", "weight"])
def test_onnx_predicts_as_the_command(target: str, run: Run) -> None:
    runtime = pytest.importorskip("onnxruntime")
    rows = write()
    assert run("train", "pets.csv", *ignored(target), *FAST)[0] == 0
    status, shown, errors = run("export", "m.safetensors", "--onnx", "m.onnx", "--columns")
    assert (status, errors, shown[0]) == (0, "", "m.onnx")
    found = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in shown[1:])
    assert found["size"] == f"{Path('m.onnx').stat().st_size:,} bytes"
    assert found["inputs"] == "kind [n, 1] string, age [n, 1] float64"
    assert found["outputs"].startswith(f"{target} [n] ")
    session = runtime.InferenceSession("m.onnx")
    kind = np.array([[row["kind"]] for row in rows], object)
    age = np.array([[float(row["age"] or "nan")] for row in rows])
    age[:3] = [[1e6], [-1e6], [99.0]]
    printed = eval(found["in Python"], {"onnxruntime": runtime, "kind": kind, "age": age})
    found = session.run(None, {"kind": kind, "age": age})[0].ravel().tolist()
    assert printed[0].ravel().tolist() == found
    with open("p.csv", "w") as file:
        file.writelines(["kind,age\n", *(f"{a[0]},{b[0]}\n" for a, b in zip(kind, age, strict=True))])
    _, shown, _ = run("predict", "m.safetensors", "p.csv")
    wanted = [one[target] for one in rows_of(shown)]
    if target == "weight":
        import onnx

        assert {"Min", "Max"} <= {node.op_type for node in onnx.load("m.onnx").graph.node}
        np.testing.assert_allclose(found, [float(one) for one in wanted], rtol=1e-4, atol=1e-3)
    else:
        assert found == wanted


@pytest.mark.parametrize("target", ["loud", "weight"])
def test_c_headers_are_written(target: str, run: Run) -> None:
    write()
    assert run("train", "pets.csv", *ignored(target), *FAST)[0] == 0
    last = "m_class(y)" if target == "loud" else "m_value(y)"
    for options, calls in (([], "m_predict(x, y)"), (["--columns"], f"m_predict_row(row, y) and {last}")):
        status, shown, errors = run("export", "m.safetensors", "--c", "m.h", *options)
        assert (status, errors) == (0, "")
        assert "m_predict(" in Path("m.h").read_text()
        assert re.search(rf'^in C +#include "m.h", then {re.escape(calls)}$', "\n".join(shown), re.MULTILINE)
        assert re.search("^test +cc -std=c99 .* m.h -lm", "\n".join(shown), re.MULTILINE)


def test_the_best_preset_holds_trees(run: Run) -> None:
    pytest.importorskip("skops", reason="needs the extra [tabular]: skops")
    pytest.importorskip("onnx", reason="needs the extra [onnx]: onnx")
    write()
    options = ["--preset", "best", "--members", "2", *FAST[4:]]
    assert run("train", "pets.csv", *ignored("weight"), *options)[::2] == (0, "")
    whole = run("predict", "m.safetensors", "pets.csv")
    assert whole[::2] == (0, "")
    assert run("predict", "m.safetensors", "pets.csv", "--chunk-rows", 40) == whole
    assert "gradient boosting" in "\n".join(run("info", "m.safetensors")[1])
    status, _, errors = run("export", "m.safetensors", "--onnx", "m.onnx", "--columns")
    assert (status, "trees" in errors) == (2, True)
    status, _, errors = run("export", "m.safetensors", "--onnx", "m.onnx")
    assert (status, "the networks alone" in errors) == (0, True)


@pytest.mark.parametrize(
    ("options", "columns"), [(["--preset", "fast"], "model.columns_"), (["--plain"], "table.Columns")]
)
@pytest.mark.parametrize("kind", ["onnx", "c"])
def test_the_inputs_of_a_network_alone_are_explained(
    options: list[str], columns: str, kind: str, run: Run
) -> None:
    if kind == "onnx":
        pytest.importorskip("onnx", reason="needs the extra [onnx]: onnx")
    write()
    run("train", "pets.csv", *ignored("weight"), *options, "--quiet", "--out", "m.safetensors")
    wanted = f"x is the output of {columns}.transform; --columns takes the table's columns"
    assert wanted in "\n".join(run("export", "m.safetensors", f"--{kind}", "m")[1])
    assert "x is" not in "\n".join(run("export", "m.safetensors", f"--{kind}", "m", "--columns")[1])


def test_an_estimator_saved_from_python_predicts(run: Run) -> None:
    from simdnn import tabular

    write()
    data = table.read("pets.csv", ignore=["level", "weight"])
    model = tabular.TabularClassifier("fast", n_members=2, random_state=0, progress=False)
    model.fit({name: data[name] for name in ("kind", "age")}, data["loud"]).save("own.safetensors")
    status, shown, _ = run("predict", "own.safetensors", "pets.csv")
    assert (status, shown) == (0, ["y", *model.predict(data).tolist()])
    assert re.search(r"^target +y$", "\n".join(run("info", "own.safetensors")[1]), re.MULTILINE)


PLAIN = {
    "plain": ["--plain"],
    "hidden": ["--hidden", "8"],
    "dropout": ["--dropout", "0.1"],
    "batch norm": ["--batch-norm"],
    "epochs": ["--epochs", "3"],
    "split": ["--val-split", "0.3"],
    "chunks": ["--chunk-rows", "100"],
}


@pytest.mark.parametrize("name", PLAIN)
def test_options_of_a_plain_network_train_one(name: str, run: Run) -> None:
    write()
    options = [*ignored("loud"), "--out", "m.safetensors", "--quiet", *PLAIN[name]]
    status, shown, _ = run("train", "pets.csv", *options)
    assert status == 0
    assert any("accuracy (validation)" in line for line in shown)
    reason = "the table is read in chunks" if name == "chunks" else f"of {PLAIN[name][0]} (without it:"
    (line,) = (line for line in shown if "one plain network, because" in line)
    assert f"because {reason}" in line
    assert line.endswith("a bag of networks, which is more accurate)")
    assert isinstance(simdnn.load("m.safetensors"), simdnn.nn.Sequential)
    for other in (["--preset", "fast"], ["--members", "3"], ["--time-limit", "5"]):
        status, _, errors = run("train", "pets.csv", *options, *other)
        assert status == 2
        assert re.fullmatch(f"error: {other[0]}: .*{PLAIN[name][0].replace('_', '-')}.*\n", errors), errors


def test_all_options_that_make_a_plain_network_are_named(run: Run) -> None:
    write()
    options = [*ignored("loud"), "--out", "m.safetensors", "--quiet", "--epochs", "2", "--hidden", "8"]
    _, shown, _ = run("train", "pets.csv", *options)
    assert "one plain network, because of --hidden, --epochs (without them: " in "\n".join(shown)


BAD: dict[str, tuple[str, list[str], str]] = {
    "one member": ("a,y\n1,p\n2,q\n", ["--members", "1"], "--members: expected an integer >= 2, got 1"),
    "no time": ("a,y\n1,p\n2,q\n", ["--time-limit", "0"], "--time-limit: .*above 0.*0"),
    "endless time": ("a,y\n1,p\n2,q\n", ["--time-limit", "inf"], "--time-limit: .*finite.*inf"),
    "a long seed": ("a,y\n1,p\n2,q\n", ["--seed", str(2**32)], "--seed: .*from 0 to 4294967295"),
    "a target alone": ("y\n1\n0\n", [], "at least one column besides the target"),
    "one class": ("a,y\n1,p\n2,p\n", [], "at least two classes"),
    "an infinite number": ("a,y\n1,p\n2,q\ninf,p\n", [], "column a: row 3 \\(counted from 1\\) is infinite"),
    "one row": ("a,y\n1,2.5\n", [], "at least 2 rows"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_nothing_written(name: str, run: Run) -> None:
    text, options, message = BAD[name]
    Path("data.csv").write_text(text)
    status, shown, errors = run("train", "data.csv", "--target", "y", *FAST, *options)
    assert (status, shown) == (2, [])
    assert re.fullmatch(f"error: .*{message}.*\n", errors), errors
    assert not Path("m.safetensors").exists()


SMALL = {
    "two rows": "a,y\n1,p\n2,q\n",
    "few rows of a class": "a,y\n" + "".join(f"{i},{'pq'[i == 3]}\n" for i in range(30)),
    "five rows of numbers": "a,y\n1,1.5\n2,2.5\n3,3.5\n4,4.5\n5,5.25\n",
    "a constant target": "a,y\n" + "".join(f"{i},2.5\n" for i in range(30)),
    "a column without values": "a,b,y\n" + "".join(f"{i},,{'pq'[i % 2]}\n" for i in range(30)),
    "a class of one row": "a,y\n" + "".join(f"{i},{'pq'[i % 2]}\n" for i in range(30)) + "7,r\n",
    "many words": "a,y\n" + "".join(f"w{i // 2},{'pq'[i % 2]}\n" for i in range(600)),
    "a class that is a fraction": "a,y\n" + "".join(f"{i},{[0.5, 10.5, 9][i % 3]}\n" for i in range(60)),
}


@pytest.mark.parametrize("name", SMALL)
def test_small_and_odd_tables_train(name: str, run: Run) -> None:
    Path("data.csv").write_text(SMALL[name])
    task = ["--task", "classification"] if name == "a class that is a fraction" else []
    status, _, errors = run("train", "data.csv", "--target", "y", *FAST, *task)
    assert status == 0, errors
    assert all(line.startswith("warning: column ") for line in errors.splitlines()), errors
    rows = SMALL[name].splitlines()
    status, shown, _ = run("predict", "m.safetensors", "data.csv")
    assert (status, len(shown)) == (0, len(rows))
    assert set(shown[1:]) <= {row.split(",")[-1] for row in rows} or "." in shown[1]


@pytest.mark.parametrize("options", [FAST, ["--plain", "--epochs", "2", *FAST[4:]]], ids=["bag", "plain"])
def test_metrics_of_tiny_targets_are_those_of_others(options: list[str], run: Run) -> None:
    """Targets that are smaller by a power of two, so that their squares are 0, have the same R2."""
    rng = np.random.default_rng(0)
    columns, found = rng.normal(size=(60, 2)), []
    for size in (1.0, 2.0**-600):
        lines = [f"{a!r},{t * size!r}" for a, t in columns.tolist()]
        Path("data.csv").write_text("\n".join(["a,t", *lines]) + "\n")
        status, shown, errors = run("train", "data.csv", "--target", "t", *options)
        assert (status, errors) == (0, "")
        found.append(re.findall(r"  (-?[0-9]\.[0-9]{4})(?= +[0-9.]+$|$)", "\n".join(shown), re.MULTILINE))
        assert "All values of the target are equal" not in "\n".join(shown)
    assert found[0] == found[1]
    assert found[0]


def test_a_warning_is_printed_once(run: Run) -> None:
    """scikit-learn warns of a target of many classes in each of its folds."""
    lines = [f"{i % 7},{1000 + i},{7000 + i}" for i in range(60)]
    Path("data.csv").write_text("a,id,y\n" + "\n".join(lines) + "\n")
    status, _, errors = run("train", "data.csv", "--target", "y", "--task", "classification", *FAST)
    assert status == 0
    lines = errors.splitlines()
    assert any("number of unique classes" in line for line in lines)
    assert len(lines) == len(set(lines)) == 2, errors
    assert lines[0].startswith("warning: column id: ")


def test_an_error_in_a_later_chunk_names_the_row(run: Run) -> None:
    rows = write()
    assert run("train", "pets.csv", *ignored("loud"), *FAST)[0] == 0
    lines = [f"{row['kind']},{row['age']}" for row in rows]
    lines[49] = "cat,1e39"
    Path("p.csv").write_text("\n".join(["kind,age", *lines]) + "\n")
    status, _, errors = run("predict", "m.safetensors", "p.csv", "--chunk-rows", 7, "--out", "out.csv")
    assert (status, Path("out.csv").exists()) == (2, False)
    assert "column age: row 50 (counted from 1) holds 1e+39" in errors


def test_info_keeps_the_names_of_columns_that_look_like_positions(run: Run) -> None:
    rows = "".join(f"{i % 17},{'yes' if i % 17 > 8 else 'no'}\n" for i in range(200))
    Path("d.csv").write_text(f"heat (0 to 5),on\n{rows}")
    run("train", "d.csv", "--target", "on", "--preset", "fast", "--quiet", "--out", "m.safetensors")
    shown = "\n".join(run("info", "m.safetensors")[1])
    assert re.search(
        r"^inputs +heat \(0 to 5\) \(position in \d+ bins\), heat \(0 to 5\)$", shown, re.MULTILINE
    )
