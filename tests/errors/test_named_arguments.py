"""Errors name the argument as the caller wrote it, the value that came and the values that are wanted."""

import csv
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import diagnostics, distributed, init, nn, optim, pretrain, table
from simdnn import functional as F

N = 20
X = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)
Y = np.arange(N) % 2
LOGITS = X[:, :2]


def network() -> nn.Sequential:
    return nn.Sequential(nn.Dense(3, 2), rng=0)


def trained(**settings: Any) -> Any:
    return simdnn.Trainer(network(), seed=0).fit(X, Y, epochs=1, progress=False, **settings)


RNG = r"rng: expected a numpy\.random\.Generator, an integer >= 0 or None, got "
CALLS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "dtype": (lambda: nn.Sequential(nn.Dense(3, 2), dtype="flaot32"), TypeError, "dtype: .*, got 'flaot32'"),
    "dtype of a number": (lambda: nn.Sequential(nn.Dense(3, 2), dtype=5), TypeError, "dtype: .*, got 5"),
    "dtype of an RBM": (lambda: pretrain.BernoulliRBM(3, 2, dtype="x"), TypeError, "dtype: .*, got 'x'"),
    "dtype of weights": (lambda: init.normal((3, 2), dtype="x"), TypeError, "dtype: expected .*, got 'x'"),
    "rng": (lambda: nn.Sequential(nn.Dense(3, 2), rng="x"), TypeError, RNG + "'x'"),
    "rng below 0": (lambda: nn.Sequential(nn.Dense(3, 2), rng=-1), ValueError, RNG + "-1"),
    "rng of weights": (lambda: init.normal((3, 2), rng=1.5), TypeError, RNG + "1.5"),
    "rng of slopes": (lambda: F.rrelu(X, training=True, rng="x"), TypeError, RNG + "'x'"),
    "truncate": (
        lambda: nn.Sequential(nn.LSTM(3, 2, truncate=10**30)),
        ValueError,
        "^truncate: expected an integer from 1 to",
    ),
    "pos_weight": (
        lambda: F.binary_cross_entropy_with_logits(LOGITS, 0 * LOGITS, pos_weight=[1, -1]),
        ValueError,
        r"^pos_weight\[1\]: expected a finite number >= 0, got -1",
    ),
    "pos_weight of columns": (
        lambda: F.binary_cross_entropy_with_logits(LOGITS, 0 * LOGITS, pos_weight=[1, 1, 1]),
        ValueError,
        "^pos_weight: expected one number for each of the 2 classes of input, got 3",
    ),
    "reduction": (lambda: F.mse_loss(X, X, reduction=1), TypeError, "^reduction: expected a name, got int"),
    "reduction of a margin": (
        lambda: F.large_margin_softmax(X, X.T, Y, reduction=["mean"]),
        TypeError,
        "^reduction: expected a name, got list",
    ),
    "return_grad of a margin": (
        lambda: F.large_margin_softmax(X, X.T, Y, return_grad="x"),
        TypeError,
        "^return_grad: expected True or False, got 'x'",
    ),
    "a number for samples": (lambda: pretrain.lsuv(network(), 1.0), ValueError, r"shape \(n, 3\), got \(\)"),
    "a number to report": (
        lambda: diagnostics.report(network(), 1.0, Y),
        ValueError,
        r"shape \(n, 3\), got \(\)",
    ),
    "communicator": (
        lambda: distributed.DataParallel(simdnn.Trainer(network()), comm=5),
        TypeError,
        "^comm: expected a communicator of mpi4py or None, got int",
    ),
    "name of a target": (lambda: table.Target(5), TypeError, "^target: expected a string as name, got int"),
    "name of a target to fit": (
        lambda: table.Target.fit({"y": Y}, 5),
        TypeError,
        "^target: expected a string as name, got int",
    ),
    "alpha": (lambda: F.focal_loss(LOGITS, Y, alpha=[1, -1]), ValueError, r"^alpha\[1\]: expected a finite"),
    "alpha of words": (lambda: F.focal_loss(LOGITS, Y, alpha=["a", "b"]), TypeError, "^alpha: expected real"),
    "alpha of classes": (
        lambda: F.focal_loss(LOGITS, Y, alpha=[1, 1, 1]),
        ValueError,
        "^alpha: expected one number for each of the 2 classes of logits, got 3",
    ),
    "alpha and weight": (
        lambda: F.focal_loss(LOGITS, Y, alpha=[1, 1, 1], weight=[1, 1]),
        ValueError,
        r"^alpha: expected shape \(2,\), that of weight, got \(3,\)",
    ),
    "weight": (
        lambda: F.focal_loss(LOGITS, Y, weight=[1, 1, 1]),
        ValueError,
        "^weight: expected one number for each of the 2 classes",
    ),
    "teacher_logits": (
        lambda: F.distillation_loss(LOGITS, X),
        ValueError,
        r"^teacher_logits: expected shape \(20, 2\), that of student_logits, got \(20, 3\)",
    ),
    "loss": (
        lambda: simdnn.Trainer(network(), loss=["mse"]),
        TypeError,
        r"^loss: expected a name, .* got \['mse'\]",
    ),
    "validation_data": (
        lambda: trained(validation_data=[(X, Y), (X, Y)]),
        TypeError,
        r"^validation_data: expected a pair .* got 2 pairs",
    ),
    "validation_data of a number": (
        lambda: trained(validation_data=5),
        TypeError,
        r"^validation_data: expected a pair .* got int",
    ),
    "sample_weight": (
        lambda: trained(sample_weight=np.full(N, 1e300)),
        ValueError,
        r"^sample_weight: expected numbers that float32 can hold, got 1e\+300",
    ),
    "epochs of patience": (
        lambda: simdnn.fit_many([simdnn.Trainer(network())], X, Y, epochs=1, patience=0),
        ValueError,
        "^validation: patience needs data to evaluate, got None; monitor='loss' needs none",
    ),
    "the best epoch": (
        lambda: trained(restore_best=True),
        ValueError,
        "^validation_data: restore_best needs data to evaluate, got None; monitor='loss' needs none",
    ),
    "an infinite margin": (
        lambda: F.margin_annealing(np.inf),
        ValueError,
        "^base: expected a finite number >= 0, got inf",
    ),
    "an infinite decay": (lambda: F.margin_annealing(gamma=np.inf), ValueError, "^gamma: expected a finite"),
    "an infinite limit": (lambda: F.margin_annealing(minimum=np.inf), ValueError, "^minimum: expected a fin"),
    "betas in a set": (
        lambda: optim.Adam(betas={0.9, 0.99}),
        TypeError,
        "^betas: expected two numbers, got {",
    ),
    "betas in a dictionary": (
        lambda: optim.Adam(betas={0.9: 1, 0.99: 2}),
        TypeError,
        "^betas: expected two numbers, got {",
    ),
    "betas in a string": (
        lambda: optim.Adam(betas="ab"),
        TypeError,
        "^betas: expected two numbers, got 'ab'",
    ),
}


@pytest.mark.parametrize("what", CALLS)
def test_the_message_names_the_argument(what: str) -> None:
    call, kind, message = CALLS[what]
    with pytest.raises(kind, match=message):
        call()


ESTIMATORS: dict[str, tuple[dict[str, Any], str]] = {
    "alpha": ({"alpha": True}, "^alpha: expected a number, got bool"),
    "alpha beyond float32": ({"alpha": 1e39}, "^alpha: expected a number that float32 can hold"),
    "learning_rate_init": ({"learning_rate_init": True}, "^learning_rate_init: expected a number, got bool"),
    "tol": ({"tol": True}, "^tol: expected a number, got bool"),
    "momentum": ({"momentum": True, "solver": "sgd"}, "^momentum: expected a number, got bool"),
    "max_iter": ({"max_iter": True}, "^max_iter: expected a number, got bool"),
    "epsilon": ({"epsilon": 1e-46}, "^epsilon: expected a number of at least 1.17549e-38, got 1e-46"),
    "dtype": ({"dtype": "\ud800"}, "^dtype: expected float32, float64 or None, got '.ud800'"),
    "a fraction": ({"alpha": Fraction(1, 2)}, "^alpha: expected an int or a float, got Fraction"),
    "a fraction of the rows": (
        {"validation_fraction": Fraction(1, 2), "early_stopping": True},
        "^validation_fraction: expected an int or a float, got Fraction",
    ),
    "sizes in an array without axes": (
        {"hidden_layer_sizes": np.array(4)},
        "^hidden_layer_sizes: expected integers in their order, got an array without axes",
    ),
    "callbacks": ({"callbacks": [1]}, r"^callbacks\[0\]: expected a function, got int"),
    "sizes in a dictionary": ({"hidden_layer_sizes": {}}, "^hidden_layer_sizes: expected integers"),
    "sizes in a set": ({"hidden_layer_sizes": {3, 4}}, "^hidden_layer_sizes: expected integers"),
}


@pytest.mark.parametrize("what", ESTIMATORS)
def test_an_estimator_names_its_own_parameter(what: str) -> None:
    estimators = pytest.importorskip("simdnn.sklearn", reason="needs the extra [sklearn]")
    settings, message = ESTIMATORS[what]
    for kind in (estimators.MLPClassifier, estimators.MLPRegressor):
        with pytest.raises((TypeError, ValueError), match=message):
            kind(**settings).fit(X, Y)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_an_estimator_takes_any_number_of_epochs_without_a_change() -> None:
    estimators = pytest.importorskip("simdnn.sklearn", reason="needs the extra [sklearn]")
    many, endless = (
        estimators.MLPClassifier(n_iter_no_change=limit, max_iter=3, random_state=0).fit(X, Y)
        for limit in (10**30, np.inf)
    )
    assert many.loss_curve_ == endless.loss_curve_


def test_an_estimator_names_the_loss_that_was_chosen() -> None:
    estimators = pytest.importorskip("simdnn.sklearn", reason="needs the extra [sklearn]")
    labels = np.stack([Y, 1 - Y], axis=1)
    for loss, name in (("focal", "'focal'"), (F.focal_loss, "'focal_loss'"), ("nll", "'nll'")):
        with pytest.raises(ValueError, match=f"loss: {name}"):
            estimators.MLPClassifier(loss=loss).fit(X, labels)
    with pytest.raises(ValueError, match="loss: 'focal' is a loss for classification"):
        estimators.MLPRegressor(loss="focal").fit(X, X[:, 0])


def test_an_optimizer_shows_the_rule_that_was_chosen() -> None:
    assert repr(optim.Adam(amsgrad=True)) == "Adam(lr=0.001, amsgrad=True)"
    assert repr(optim.RMSprop(centered=True)) == "RMSprop(lr=0.01, centered=True)"
    for optimizer in (optim.Adam(amsgrad=True, eps=1e-6), optim.RMSprop(centered=True, momentum=0.5)):
        scope = {kind.__name__: kind for kind in (optim.Adam, optim.RMSprop)}
        assert eval(repr(optimizer), scope).get_params() == optimizer.get_params()


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_a_table_of_one_column_has_a_hint_at_its_delimiter(mark: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"a{mark}b\n1{mark}2\n3{mark}4\n")
    hint = re.escape(f"is the delimiter {mark!r}?")
    with pytest.warns(UserWarning, match=f"there is one column, .*{hint}"):
        assert len(table.read(path)) == 1
    with pytest.warns(UserWarning, match=hint):
        assert len(list(table.chunks(path, rows=1))) == 2
    assert list(table.read(path, delimiter=mark)) == ["a", "b"]


def test_cells_of_any_length_are_read(tmp_path: Path) -> None:
    long, limit = "x" * 200_000, csv.field_size_limit()
    path = tmp_path / "t.csv"
    path.write_text(f'a,b,c\n1,{long},"{long}"\n2,y,z\n')
    assert table.read(path)["b"].tolist() == [long, "y"]
    assert table.read(path, columns=["a"])["a"].tolist() == [1, 2]
    assert [len(chunk["c"][0]) for chunk in table.chunks(path, rows=1)] == [200_000, 1]
    assert csv.field_size_limit() == limit  # other readers of the process keep theirs
