"""Measured effects of the remedies for vanishing and exploding gradients."""

import re
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import Trainer, diagnostics, init, nn, optim
from simdnn.diagnostics._rules import RULES

from tests.support.registry import spread

Array = np.ndarray[Any, Any]

LAYERS, WIDTH, CLASSES = 20, 64, 10
MakeBlock = Callable[[], list[nn.Layer]]


def batch(n: int = 256) -> tuple[Array, Array]:
    return spread(n * WIDTH, np.float64, 1.7).reshape(n, WIDTH), np.arange(n) * 3 % CLASSES


def dense(**settings: Any) -> nn.Dense:
    return nn.Dense(WIDTH, WIDTH, **settings)


#: Builders of one of twenty hidden layers, with Xavier weights by default.
BLOCKS: dict[str, MakeBlock] = {
    "sigmoid": lambda: [dense(activation="sigmoid")],
    "relu": lambda: [dense(activation="relu", init=init.xavier_uniform)],
    "relu he": lambda: [dense(activation="relu", init=init.he_normal)],
    "residual": lambda: [nn.Residual(dense(activation="sigmoid"))],
    "batch norm": lambda: [dense(), nn.BatchNorm1d(WIDTH), nn.Sigmoid()],
    "elu": lambda: [dense(activation="elu", init=init.xavier_uniform)],
    "leaky_relu": lambda: [dense(activation=nn.LeakyReLU(0.2), init=init.xavier_uniform)],
}


def deep(block: MakeBlock) -> nn.Sequential:
    hidden = [layer for _ in range(LAYERS) for layer in block()]
    return nn.Sequential(*hidden, nn.Dense(WIDTH, CLASSES), dtype=np.float64, rng=0)


def weight_gradients(model: nn.Sequential) -> list[Array]:
    """Gradients of all weights, first layer first."""
    x, y = batch()
    _, dy = F.cross_entropy(model.forward(x, training=True), y, return_grad=True)
    model.backward(dy)
    return [value for name, value in model.gradients().items() if value.ndim == 2]


def ratio(name: str) -> float:
    """The norm of the first layer's gradient over that of the last hidden layer's, of equal shape."""
    gradients = weight_gradients(deep(BLOCKS[name]))
    return float(np.linalg.norm(gradients[0]) / np.linalg.norm(gradients[-2]))


def test_gradients_vanish_through_sigmoids() -> None:
    """A sigmoid has a slope of at most 1/4, so that about 4^-19 of the gradient remains."""
    model = deep(BLOCKS["sigmoid"])
    gradients = weight_gradients(model)
    norms = [float(np.linalg.norm(gradient)) for gradient in gradients]
    assert norms[0] < 1e-6 * norms[-1]
    assert ratio("sigmoid") < 1e-9
    assert all(below < above for below, above in pairwise(norms[:-1]))


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("relu", 1e-4),  # half of the units are active: sqrt(1/2)^19 = 1e-3
        ("leaky_relu", 1e-4),
        ("elu", 1e-4),
        ("relu he", 0.1),  # twice the variance compensates
        # division by small standard deviations compensates for the sigmoids
        ("batch norm", 0.1),
        ("residual", 0.01),  # the shortcut passes the whole gradient
    ],
)
def test_remedies_keep_gradients(name: str, least: float) -> None:
    assert least < ratio(name) < 10
    assert ratio(name) > 1e5 * ratio("sigmoid")


def through_time(layer: nn.Layer) -> diagnostics.Report:
    """Gradients through 100 time steps of a loss at the last one."""
    model = nn.Sequential(layer, nn.Dense(32, 2), dtype=np.float64, rng=0)
    x = spread(16 * 100 * 8, np.float64, 1.7).reshape(16, 100, 8)
    return diagnostics.report(model, x, np.arange(16) % 2)


def test_an_open_forget_gate_keeps_gradients_over_a_hundred_steps() -> None:
    plain, gated = through_time(nn.RNN(8, 32)), through_time(nn.LSTM(8, 32, forget_bias=5.0))
    assert plain.layers[0].time_ratio < 1e-20
    assert 0.1 < gated.layers[0].time_ratio < 100
    assert plain.verdict == "vanishing gradients"
    assert "nn.LSTM" in str(plain)
    assert gated.verdict == "healthy"


def exploding() -> tuple[nn.Sequential, Array, Array]:
    """Twenty linear layers, each of which doubles its input."""
    double = partial(init.normal, std=2 / np.sqrt(WIDTH))
    hidden = [dense(init=double) for _ in range(LAYERS)]
    x, _ = batch()
    model = nn.Sequential(*hidden, nn.Dense(WIDTH, 1), rng=0)
    return model, x, x[:, :1]


def test_clipping_tames_what_otherwise_reaches_infinity() -> None:
    losses = {}
    for clip_norm in (None, 1.0):
        model, x, y = exploding()
        trainer = Trainer(model, "mse", optim.SGD(lr=1e-3), clip_norm=clip_norm, seed=0)
        losses[clip_norm] = [trainer.step(x, y) for _ in range(300)]
        parameters = model.flat_parameters
        assert np.isfinite(parameters).all() == (clip_norm is not None)
    assert losses[None][0] == losses[1.0][0] > 1e6
    assert not np.isfinite(losses[None]).all()
    assert np.isfinite(losses[1.0]).all()
    assert losses[1.0][-1] < losses[1.0][0] / 100


def separable(**settings: float) -> Array:
    """A linear classifier of separable points; without a penalty its weights grow without bound."""
    x = np.concatenate([np.eye(4), -np.eye(4)])
    y = np.repeat([0, 1], 4)
    model = nn.Sequential(nn.Dense(4, 2, bias=False, init=init.zeros), dtype=np.float64)
    Trainer(model, optimizer=optim.SGD(lr=1.0), seed=0, **settings).fit(x, y, epochs=3000, batch_size=None)
    return model.flat_parameters


def test_penalties_bound_weights() -> None:
    """The penalized loss starts at log 2, hence |w|_1 <= log 2 / l1 and |w|^2 <= 2 log 2 / l2."""
    free, l1, l2 = separable(), separable(l1=0.05), separable(l2=0.05)
    assert np.abs(l1).sum() <= np.log(2) / 0.05 < np.abs(free).sum()
    assert (l2**2).sum() <= 2 * np.log(2) / 0.05 < (free**2).sum()


def test_the_report_has_the_gradients_of_the_model() -> None:
    model = deep(BLOCKS["residual"])
    x, y = batch()
    before = model.state_dict()
    report = diagnostics.report(model, x, y)
    gradients = model.gradients()
    assert not np.any(model.flat_gradients), "the model is not touched"
    weight_gradients(model)
    for layer in report.layers:
        own = [gradient for name, gradient in gradients.items() if name.split(".")[0] == layer.name]
        assert layer.gradient_norm == pytest.approx(np.sqrt(sum((g**2).sum() for g in own)), rel=1e-10)
    assert report.loss == pytest.approx(F.cross_entropy(model(x), y), rel=1e-12)
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_report_has_the_numbers_of_each_layer() -> None:
    model = nn.Sequential(
        nn.Dense(3, 4),
        nn.Dropout(0.0),
        nn.Tanh(),
        nn.Dense(4, 2, "relu"),
        nn.Dense(2, 2),
        rng=0,
        dtype=np.float64,
    )
    p = model.parameters()
    p["3.bias"][...] = [-50, 50]
    x = spread(60, np.float64, 30.0).reshape(20, 3)
    report = diagnostics.report(model, x, np.arange(20) % 2)
    z = x @ p["0.weight"] + p["0.bias"]
    a = np.tanh(z)
    h = np.maximum(a @ p["3.weight"] + p["3.bias"], 0)
    for place, output in ((0, z), (1, z), (2, a), (3, h)):
        assert report.layers[place].mean == pytest.approx(output.mean(), rel=1e-12)
        assert report.layers[place].std == pytest.approx(output.std(), rel=1e-12)
    assert report.layers[2].saturated == pytest.approx(np.mean(1 - a**2 < 0.05))
    assert [report.layers[place].dead for place in (2, 3)] == [0.0, 0.5]
    assert np.isnan(report.layers[0].dead)
    assert np.isnan(report.layers[3].saturated), "a rectifier is not bounded"
    norm = np.sqrt((p["3.weight"] ** 2).sum() + (p["3.bias"] ** 2).sum())
    assert report.layers[3].weight_norm == pytest.approx(norm)
    assert [layer.parameters for layer in report.layers] == [16, 0, 0, 10, 6]


def shifted_relu() -> nn.Sequential:
    model = deep(BLOCKS["relu he"])
    model.parameters()["3.bias"][:40] = -100
    return model


def saturated() -> nn.Sequential:
    model = nn.Sequential(nn.Dense(WIDTH, WIDTH, "tanh"), nn.Dense(WIDTH, CLASSES), rng=0)
    model.parameters()["0.weight"][...] *= 30
    return model


@pytest.mark.parametrize(
    ("model", "verdict", "remedy"),
    [
        (lambda: deep(BLOCKS["sigmoid"]), "vanishing gradients", "nn.BatchNorm1d"),
        (lambda: deep(BLOCKS["relu he"]), "healthy", ""),
        (lambda: deep(BLOCKS["residual"]), "healthy", ""),
        (shifted_relu, "dead units", "nn.LeakyReLU"),
        (saturated, "saturated units", "xavier_uniform"),
        (lambda: deep(lambda: [dense(activation="relu6")]), "healthy", ""),
        (lambda: deep(lambda: [dense(activation="binary_step")]), "vanishing gradients, dead units", "elu"),
    ],
    ids=["sigmoid", "he", "residual", "dead", "saturated", "relu6", "step"],
)
def test_verdicts(model: Callable[[], nn.Sequential], verdict: str, remedy: str) -> None:
    report = diagnostics.report(model(), *batch())
    assert report.verdict == verdict
    text = str(report)
    assert f"verdict: {verdict}" in text
    assert remedy in text
    assert len([line for line in text.splitlines() if "Dense(" in line]) >= len(report.layers)


def test_explosions_are_reported() -> None:
    model, x, y = exploding()
    model.flat_parameters[:] *= 1e3
    report = diagnostics.report(model, x, y, loss="mse")
    assert report.verdict == "exploding gradients"
    assert "clip_norm" in str(report)


def test_remedies_name_what_there_is() -> None:
    text = " ".join(rule.remedy for rule in RULES.values())
    for module, name in re.findall(r"\b(nn|pretrain)\.(\w+)", text):
        assert hasattr(getattr(simdnn, module), name), f"{module}.{name}"
    for name in re.findall(r"init='(\w+)'", text):
        assert callable(init.from_name(name))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, x, y: diagnostics.report(3, x, y), TypeError, "model: expected a Sequential"),
        (lambda m, x, y: diagnostics.report(m, x[:, :3], y), ValueError, "x: expected shape"),
        (lambda m, x, y: diagnostics.report(m, x[:0], y[:0]), ValueError, "X: expected at least one sample"),
        (lambda m, x, y: diagnostics.report(m, x, y + 10), IndexError, "class"),
        (lambda m, x, y: diagnostics.report(m, x, y, loss="zero_one"), ValueError, "0-1 loss"),
    ],
)
def test_bad_calls(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(deep(BLOCKS["sigmoid"]), *batch())


def chain(std: float, activation: Any = "relu", depth: int = 15) -> nn.Sequential:
    """A deep network of 32 units a layer, with weights of this standard deviation."""
    random = np.random.default_rng(0)
    hidden = [nn.Dense(32, 32, activation=activation) for _ in range(depth)]
    model = nn.Sequential(nn.Dense(20, 32, activation=activation), *hidden, nn.Dense(32, 3), rng=0)
    for value in model.parameters().values():
        value[...] = random.standard_normal(value.shape) * std if value.ndim == 2 else 0
    return model


@pytest.mark.parametrize(("std", "problem"), [(2.0, "exploding"), (0.02, "vanishing"), (0.25, None)])
def test_flows_of_a_wrong_size_are_seen(std: float, problem: str | None) -> None:
    """If all gradients are about 1e14, the ratio of the first to the last one's shows nothing."""
    random = np.random.default_rng(1)
    x, y = random.standard_normal((256, 20)).astype(np.float32), random.integers(0, 3, 256)
    found = diagnostics.report(chain(std), x, y)
    assert problem == "vanishing" or 1e-3 < found.gradient_ratio < 1e3
    assert found.verdict == ("healthy" if problem is None else f"{problem} gradients")


def test_targets_far_from_the_outputs_make_long_gradients() -> None:
    x = np.random.default_rng(1).standard_normal((64, 20)).astype(np.float32)
    found = diagnostics.report(chain(0.25, depth=1), x, np.full((64, 3), 1e6), loss="mse")
    assert "gradient is" in found.problems["exploding"]
    assert (
        diagnostics.report(chain(0.25, depth=1), x, np.full((64, 3), 10.0), loss="mse").verdict == "healthy"
    )


def test_a_last_layer_of_zeros_is_healthy() -> None:
    model = nn.Sequential(nn.Dense(20, 32, activation="relu"), nn.Dense(32, 3, init="zeros"), rng=0)
    x = np.random.default_rng(1).standard_normal((64, 20)).astype(np.float32)
    assert "exploding" not in diagnostics.report(model, x, np.arange(64) % 3).problems
