"""``simdnn compare``: models of several libraries on the same folds."""

import importlib.util
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn import cli as command_line
from simdnn.cli import _measures, _rivals

pytest.importorskip("sklearn", reason="needs the extra [sklearn]: scikit-learn")

Run = Callable[..., tuple[int, list[str], str]]
INSTALLED = [
    pytest.param(
        name, marks=pytest.mark.skipif(not importlib.util.find_spec(rival.package), reason=rival.package)
    )
    for name, rival in _rivals.RIVALS.items()
]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that compares in a folder of its own; status, lines of output, and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: Any) -> tuple[int, list[str], str]:
        status = command_line.main(
            ["compare", "t.csv", "--target", "y", "--folds", "2", *map(str, arguments)]
        )
        printed = capsys.readouterr()
        return status, printed.out.splitlines(), printed.err

    return call


def write(kind: str, rows: int = 160) -> None:
    """A table that any model can learn from, with words, numbers and holes in both."""
    rng, lines = np.random.default_rng(0), ["a,word,hole,y"]
    for _ in range(rows):
        a, word = rng.normal(), str(rng.choice(["p", "q", "r", ""]))
        value = 3 * a + 2 * (word == "q")
        y = f"{value:.3f}" if kind == "numbers" else ["low", "mid", "high"][int(value > 0) + int(value > 2)]
        lines.append(f"{a:.4f},{word},{'' if rng.random() < 0.2 else int(rng.integers(5))},{y}")
    Path("t.csv").write_text("\n".join(lines) + "\n")


def found_in(lines: list[str]) -> dict[str, list[str]]:
    """Cells by the name of the model."""
    return {re.split(r"\s{2,}", line)[0]: re.split(r"\s{2,}", line)[1:] for line in lines if line}


@pytest.mark.parametrize("kind", ["words", "numbers"])
@pytest.mark.parametrize("name", INSTALLED)
def test_every_model_beats_a_constant(name: str, kind: str, run: Run) -> None:
    write(kind)
    status, shown, errors = run("--models", f"constant guess,{name}")
    assert (status, errors) == (0, "")
    found = found_in(shown)
    heads = ["error", "log loss", "AUC"] if kind == "words" else ["RMSE", "MAE", "R2"]
    assert found["out of fold"] == [*heads, "fit s", "predict s"]
    if name != "constant guess":
        assert float(found[name][0]) < 0.8 * float(found["constant guess"][0])


def test_rows_are_sorted_by_their_first_number(run: Run) -> None:
    """The error decides, and the log loss between equal ones."""
    write("words", rows=120)
    _, shown, _ = run("--models", "constant guess,linear model,simdnn fast,scikit-learn")
    begin = next(i for i, line in enumerate(shown) if line.startswith("out of fold"))
    numbers = [tuple(map(float, cells[:2])) for cells in found_in(shown[begin + 1 :]).values()]
    assert len(numbers) == 4
    assert numbers == sorted(numbers)


def test_the_usual_models_take_part_and_the_best_is_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write("numbers", rows=60)
    monkeypatch.setitem(_rivals.RIVALS, "CatBoost", _rivals.RIVALS["CatBoost"]._replace(package="no_such"))
    status, shown, errors = run()
    assert (status, errors) == (0, "")
    begin = next(i for i, line in enumerate(shown) if line.startswith("out of fold"))
    found = found_in([line for line in shown[begin + 1 :] if not line.startswith("Not installed")])
    usual = {name for name, rival in _rivals.RIVALS.items() if rival.usual and _rivals.installed(name)}
    assert found.keys() == usual
    errors_of = [float(cells[0]) for cells in found.values()]
    assert errors_of == sorted(errors_of)
    assert shown[-1].startswith("Not installed: ")
    assert "CatBoost" in shown[-1]


@pytest.mark.parametrize(
    ("preset", "name"), [("fast", "simdnn fast"), ("default", "simdnn"), ("best", "simdnn best")]
)
def test_one_preset_takes_part(preset: str, name: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write("numbers", rows=60)
    guess, others = _rivals.RIVALS["constant guess"], dict(_rivals.RIVALS)
    for one, rival in others.items():
        monkeypatch.setitem(_rivals.RIVALS, one, rival._replace(fit=guess.fit))
    found = found_in(run("--preset", preset)[1])
    own = {"simdnn fast", "simdnn", "simdnn best"}
    usual = {one for one, rival in others.items() if rival.usual and _rivals.installed(one)}
    assert {one for one in others if one in found} == usual - own | {name}


@pytest.mark.parametrize("classes", [2, 3])
def test_a_constant_guess_has_an_auc_of_a_half(classes: int, run: Run) -> None:
    lines = [f"{i},{'pqr'[i * i % 7 % classes]}" for i in range(61)]
    Path("t.csv").write_text("\n".join(["a,y", *lines]) + "\n")
    found = found_in(run("--models", "constant guess")[1])
    assert found["constant guess"][2] == "0.5000"


def test_imports_are_not_timed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    guess, calls = _rivals.RIVALS["constant guess"], list[int]()

    def slow_at_first(setting: Any, rows: Any) -> Any:
        calls.append(len(rows))
        time.sleep(0.5 if len(calls) == 1 else 0)
        return guess.fit(setting, rows)

    write("words")
    monkeypatch.setitem(_rivals.RIVALS, "linear model", guess._replace(fit=slow_at_first))
    found = found_in(run("--models", "linear model")[1])
    assert len(calls) == 3
    assert calls[0] < calls[1]
    assert float(found["linear model"][-2]) < 0.3


def test_a_model_that_fails_is_left_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("no luck")

    write("words")
    monkeypatch.setitem(_rivals.RIVALS, "linear model", _rivals.Rival("sklearn", fail))
    status, shown, errors = run("--models", "constant guess,linear model")
    assert (status, errors) == (0, "warning: linear model is left out: no luck\n")
    assert "linear model" not in found_in(shown)


def test_a_class_that_a_fold_has_not(run: Run) -> None:
    lines = [f"{i},{'pqr'[i % 2] if i else 'rare'}" for i in range(60)]
    Path("t.csv").write_text("\n".join(["a,y", *lines]) + "\n")
    names = [name for name, rival in _rivals.RIVALS.items() if rival.usual and _rivals.installed(name)]
    status, shown, errors = run("--models", ",".join(names))
    assert status == 0
    assert "is left out" not in errors
    assert set(names) <= found_in(shown).keys()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--models", "LightGBX"],
            "--models: expected some of .*, got 'LightGBX'; did you mean 'LightGBM'.",
        ),
        (["--models", "simdnn", "--preset", "fast"], "--preset: cannot be combined with --models"),
        (["--models", ","], "--models: expected at least one"),
        (["--folds", "1"], "--folds"),
        (["--folds", "500"], "--folds: expected at most 160, the number of rows, got 500"),
        (["--target", "z"], "target 'z' is missing"),
        (["--ignore", "y"], "--ignore: y is the target"),
    ],
)
def test_a_wrong_option_is_one_line(options: list[str], message: str, run: Run) -> None:
    write("words")
    status, shown, errors = run(*options)
    assert (status, shown) == (2, [])
    assert re.fullmatch(f"error: .*{message}.*\n", errors), errors


def test_an_infinite_number_is_told_before_any_fit(run: Run) -> None:
    Path("t.csv").write_text("a,y\n1,p\n2,q\ninf,p\n4,q\n")
    assert run()[2] == "error: column a: row 3 (counted from 1) is infinite\n"


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_folds_are_stratified_partitions(folds: int) -> None:
    y = np.random.default_rng(0).integers(0, 3, 101)
    masks = np.array(_measures.deal(y, folds, 1))
    assert (masks.sum(axis=0) == 1).all()
    for label in range(3):
        counts = [int((y[mask] == label).sum()) for mask in masks]
        assert max(counts) - min(counts) <= 2


def test_metrics_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, r2_score, roc_auc_score

    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(3), 50)
    y = np.arange(50) % 3
    found = _measures.measured(_measures.Task("y", {}, y, ("a", "b", "c")), shares)
    assert found == pytest.approx(
        {
            "accuracy": accuracy_score(y, shares.argmax(axis=1)),
            "log loss": log_loss(y, shares),
            "AUC": roc_auc_score(y, shares, multi_class="ovr"),
        }
    )
    values, predicted = rng.normal(size=50), rng.normal(size=50)
    for size in (1.0, 2.0**-600, 2.0**600):
        found = _measures.measured(_measures.Task("y", {}, values * size), predicted * size)
        assert found["MAE"] / size == pytest.approx(mean_absolute_error(values, predicted))
        assert found["RMSE"] / size == pytest.approx(np.sqrt(np.mean((values - predicted) ** 2)))
        assert found["R2"] == pytest.approx(r2_score(values, predicted))
