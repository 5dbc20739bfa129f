"""Advice about a model that is not better than a simpler one, in the output and on the page."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from simdnn.cli._verdict import verdict, verdict_of_network

Run = Callable[..., tuple[int, list[str], str]]
TRAIN = ["train", "t.csv", "--target", "y", "--out", "m.safetensors", "--quiet"]
BAG = ["--preset", "fast", "--members", "2", "--report", "r.html"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (9.0, ""),
        (10.0, "the linear model out of fold (RMSE 10 against 10): prefer a linear model"),
        (12.5, "the linear model out of fold (RMSE 12.5 against 10)"),
        (123456.0, "a constant guess out of fold (RMSE 123,500 against 20): the columns may say too little"),
    ],
)
def test_numbers_are_judged_by_rmse(model: float, words: str) -> None:
    found = verdict(False, {"RMSE": 20.0}, {"RMSE": 10.0}, {"RMSE": model})
    assert words in found
    assert bool(words) == bool(found)


def test_classes_are_judged_by_log_loss() -> None:
    constant, linear, good = ({"accuracy": 0.5, "log loss": loss} for loss in (0.7, 0.3, 0.2))
    assert verdict(True, constant, linear, good) == ""
    assert "(log loss 0.3000 against 0.2000)" in verdict(True, constant, good, linear)
    assert "LogisticRegression" in verdict(True, constant, good, linear)
    assert "All values of the target are equal" in verdict(False, *[{"RMSE": 0.0}] * 3)


def test_a_plain_network_is_compared_with_a_constant() -> None:
    assert verdict_of_network({"RMSE": 1.0, "R2": 0.1}, "validation") == ""
    assert "(validation: R2 -0.1000)" in verdict_of_network({"RMSE": 1.0, "R2": -0.1}, "validation")
    assert verdict_of_network({"accuracy": 0.6, "baseline accuracy": 0.5}, "validation") == ""
    found = verdict_of_network({"accuracy": 0.5, "baseline accuracy": 0.5}, "validation")
    assert "accuracy 0.5000 against 0.5000" in found
    assert verdict_of_network({"RMSE": 0.0, "MAE": 0.0}, "validation") == ""


@pytest.mark.parametrize("kind", ["noise", "line", "wave"])
def test_the_commands_say_it(kind: str, run: Run) -> None:
    pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
    pytest.importorskip("sklearn", reason="needs the extra [sklearn]: scikit-learn")
    pytest.importorskip("matplotlib", reason="needs the extra [plot]: matplotlib")
    rng = np.random.default_rng(0)
    a = rng.uniform(-3, 3, 300)
    y = {"noise": rng.normal(size=300), "line": 2 * a, "wave": np.sin(3 * a)}[kind]
    Path("t.csv").write_text("a,y\n" + "".join(f"{p:.6f},{q:.6f}\n" for p, q in zip(a, y, strict=True)))
    status, shown, _ = run(*TRAIN, *BAG)
    wanted = {"noise": "not better than a constant guess", "line": "not better than the linear model"}
    lines = [line for line in shown if line.startswith("This model is not")]
    assert status == 0
    assert len(lines) == (kind != "wave")
    page = Path("r.html").read_text()
    assert ("not better" in page) == (kind != "wave")
    for line in lines:
        assert wanted[kind] in line
        assert line.replace("'", "&#x27;") in page
    options = ["--epochs", "1", "--lr", "1e-9"] if kind == "noise" else ["--epochs", "60", "--lr", "0.01"]
    _, shown, _ = run(*TRAIN, *options)
    assert ("This network is not better than a constant guess" in "\n".join(shown)) == (kind == "noise")
