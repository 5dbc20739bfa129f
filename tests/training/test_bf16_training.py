"""Training with bf16 products beside float32 from the same seeds, and everything around a training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest
import simdnn
from simdnn import Trainer, nn, optim

from tests.support.registry import same_bits, spread, with_threads

Array = np.ndarray[Any, Any]


def digits() -> tuple[Array, Array]:
    """800 of scikit-learn's digits, in a random order."""
    data = pytest.importorskip("sklearn.datasets").load_digits()
    order = np.random.default_rng(0).permutation(len(data.data))[:800]
    return (data.data[order] / 16).astype(np.float32), data.target[order]


def table() -> tuple[Array, Array]:
    """A table of 30 standardized columns of very different origin, and two classes."""
    data = pytest.importorskip("sklearn.datasets").load_breast_cancer()
    order = np.random.default_rng(0).permutation(len(data.data))
    X = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    return X[order].astype(np.float32), data.target[order]


def regression(noise: float = 0.1) -> tuple[Array, Array]:
    """A smooth function of eight numbers, with noise."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (800, 8))
    y = np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2] - 0.5 * X[:, 3] ** 2
    return X.astype(np.float32), (y + noise * rng.normal(size=800)).astype(np.float32)[:, None]


def deep(activation: str) -> list[nn.Layer]:
    hidden = [nn.Dense(32, 32, activation) for _ in range(8)]
    return [nn.Dense(64, 32, activation), *hidden, nn.Dense(32, 10)]


def normalized() -> list[nn.Layer]:
    blocks = [[nn.Dense(fan_in, 32), nn.BatchNorm1d(), nn.ReLU(), nn.Dropout(0.05)] for fan_in in (64, 32)]
    return [layer for block in blocks for layer in block] + [nn.Dense(32, 10)]


class Case(NamedTuple):
    """A problem, a network and an optimizer."""

    data: Callable[[], tuple[Array, Array]]
    layers: Callable[[], list[nn.Layer]]
    optimizer: Callable[[], optim.Optimizer]
    loss: str = "cross_entropy"


CASES = {
    "digits, tanh, SGD": Case(
        digits, lambda: [nn.Dense(64, 48, "tanh"), nn.Dense(48, 10)], lambda: optim.SGD(lr=0.1, momentum=0.9)
    ),
    "digits, batch norm, Adam": Case(digits, normalized, lambda: optim.Adam(lr=2e-3)),
    "digits, ten layers of relu, Adam": Case(digits, lambda: deep("relu"), lambda: optim.Adam(lr=1e-3)),
    "digits, ten layers of tanh, SGD": Case(
        digits, lambda: deep("tanh"), lambda: optim.SGD(lr=0.02, momentum=0.9)
    ),
    "table, silu, AdamW": Case(
        table,
        lambda: [nn.Dense(30, 48, "silu"), nn.Dense(48, 48, "silu"), nn.Dense(48, 2)],
        lambda: optim.AdamW(lr=1e-3),
    ),
    "regression, tanh, Adam": Case(
        regression,
        lambda: [nn.Dense(8, 48, "tanh"), nn.Dense(48, 48, "tanh"), nn.Dense(48, 1)],
        lambda: optim.Adam(lr=2e-3),
        "mse",
    ),
    "regression, residual relu, large rate": Case(
        regression,
        lambda: [
            nn.Dense(8, 48),
            nn.Residual(nn.Dense(48, 48, "relu"), nn.Dense(48, 48)),
            nn.ReLU(),
            nn.Dense(48, 1),
        ],
        lambda: optim.SGD(lr=0.05, momentum=0.9),
        "mse",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_two_hundred_epochs_end_where_float32_does(case: Case) -> None:
    """Losses on the training data within 30 % or a thousandth, on others within 10 % or a hundredth."""
    X, y = case.data()
    count = len(X) * 3 // 4
    found = []
    precisions: list[Literal["bf16", "float32"]] = ["bf16", "float32"]
    for precision in precisions:
        model = nn.Sequential(*case.layers(), rng=1, precision=precision)
        trainer = Trainer(model, loss=case.loss, optimizer=case.optimizer(), seed=1)
        trainer.fit(X[:count], y[:count], epochs=200, batch_size=64, progress=False)
        found.append([trainer.evaluate(X[:count], y[:count]), trainer.evaluate(X[count:], y[count:])])
    (seen, other), (wanted, wanted_other) = found
    assert seen[0] <= 1.3 * wanted[0] + 1e-3
    if case.loss == "mse":
        assert other[0] <= 1.1 * wanted_other[0] + 1e-2
    else:
        assert other[1] >= wanted_other[1] - 0.02


def test_tiny_gradients_need_no_scaling() -> None:
    """bf16 has float32's exponents: gradients scaled by a power of two have the same digits."""
    layers = nn.Dense(20, 40, "tanh"), nn.Dense(40, 30, "relu"), nn.Dense(30, 4)
    model = nn.Sequential(*layers, rng=0, precision="bf16")
    x, dy = spread(1200, np.float32, 2).reshape(60, 20), spread(240, np.float32, 1).reshape(60, 4)
    found = []
    for scale in (1.0, 2.0**-20, 2.0**-40):
        model.forward(x, training=True)
        dx = model.backward(dy * np.float32(scale))
        found.append([dx / np.float32(scale), model.flat_gradients / np.float32(scale)])
    usual, *scaled = found
    assert np.abs(usual[1]).max() * 2.0**-40 < 2.0**-24  # the smallest number of float16
    for one in scaled:
        assert all(map(same_bits, one, usual))


def test_a_training_goes_on_from_a_checkpoint_with_the_same_bits(tmp_path: Path) -> None:
    X, y = regression()

    def trainer() -> Trainer:
        layers = nn.Dense(8, 33, "silu"), nn.Dropout(0.1), nn.Dense(33, 1)
        model = nn.Sequential(*layers, rng=0, precision="bf16")
        return Trainer(model, loss="mse", optimizer=optim.Adam(lr=1e-3), seed=2)

    whole, first = trainer(), trainer()
    whole.fit(X, y, epochs=6, progress=False)
    first.fit(X, y, epochs=3, progress=False)
    first.save(tmp_path / "checkpoint.safetensors")
    second = Trainer.load(tmp_path / "checkpoint.safetensors")
    assert second.model.precision == "bf16"
    second.fit(X, y, epochs=3, progress=False)
    assert same_bits(second.model.flat_parameters, whole.model.flat_parameters)


@pytest.mark.parametrize("width", [4, 40])
def test_many_networks_have_the_bits_of_their_own_trainers(width: int) -> None:
    """Tiny networks of float32 share the lanes of vectors; those of bf16 train by themselves."""
    X, y = regression()

    def trainers() -> list[Trainer]:
        made = []
        for seed in range(24):
            layers = nn.Dense(8, width, "tanh"), nn.Dense(width, 1)
            model = nn.Sequential(*layers, rng=seed, precision="bf16" if seed % 2 else "float32")
            made.append(Trainer(model, loss="mse", seed=seed))
        return made

    together, alone = trainers(), trainers()
    simdnn.fit_many(together, X, y, epochs=3, batch_size=16)
    for one, other in zip(together, alone, strict=True):
        other.fit(X, y, epochs=3, batch_size=16, progress=False)
        assert same_bits(one.model.flat_parameters, other.model.flat_parameters)


@pytest.mark.parametrize("groups", [(), [{"params": "0.weight", "lr_factor": 0.0}]], ids=["one", "frozen"])
def test_parameters_that_a_hook_writes_are_seen_by_the_next_step(groups: Any) -> None:
    """An epoch in one call has the bits of a call for each step, also where a weight is frozen."""
    X, y = regression()
    found = []
    for whole in (True, False):
        model = nn.Sequential(nn.Dense(8, 20, "tanh"), nn.Dense(20, 1), rng=0, precision="bf16")
        parameters = model.flat_parameters

        def shrink(_: Array, parameters: Array = parameters) -> None:
            parameters *= np.float32(0.9)

        optimizer = optim.SGD(groups, lr=0.01) if groups else optim.SGD(lr=0.01)
        trainer = Trainer(model, loss="mse", optimizer=optimizer, grad_hook=shrink)
        if whole:
            trainer.fit(X[:256], y[:256], epochs=1, batch_size=64, shuffle=False, progress=False)
        for begin in [] if whole else range(0, 256, 64):
            trainer.step(X[begin : begin + 64], y[begin : begin + 64])
        found.append([parameters.copy(), model(X)])
    assert all(map(same_bits, *found))


@pytest.mark.parametrize("max_norm", [np.inf, 0.5])
@pytest.mark.parametrize("threads", [1, 2])
def test_an_epoch_in_one_call_has_the_bits_of_a_call_for_each_step(threads: int, max_norm: float) -> None:
    """Within a call the optimizer writes the rounded weights; a new call rounds all of them."""
    X, y = regression()

    def train(whole: bool) -> Array:
        layers = nn.Dense(8, 150, "relu"), nn.Dense(150, 120, "tanh"), nn.Dense(120, 1)
        model = nn.Sequential(*layers, rng=0, precision="bf16")
        optimizer = optim.AdamW(lr=1e-2, max_norm=max_norm)
        trainer = Trainer(model, loss="mse", optimizer=optimizer)
        if whole:
            trainer.fit(X, y, epochs=1, batch_size=100, shuffle=False, progress=False)
        for begin in [] if whole else range(0, len(X), 100):
            trainer.step(X[begin : begin + 100], y[begin : begin + 100])
        return model.flat_parameters

    assert same_bits(*(with_threads(threads, lambda whole=whole: train(whole)) for whole in (True, False)))
