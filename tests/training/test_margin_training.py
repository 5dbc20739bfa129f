"""Large-margin softmax in a Trainer: gradients, schedule of lambda, errors, and effect on angles."""

from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import nn, optim
from sklearn.datasets import load_digits

from tests.oracles import margin as oracle
from tests.support.networks import network
from tests.support.registry import FLOATS, same_bits, spread, with_threads

Array = np.ndarray[Any, Any]

VARIANTS = pytest.mark.parametrize(
    ("variant", "margin"), [(variant, row[0][-1]) for variant, row in oracle.VARIANTS.items()]
)


def batch(n: int, d: int, classes: int, dtype: Any = np.float64) -> tuple[Array, Array]:
    return spread(n * d, dtype, 1.5).reshape(n, d), np.arange(n) * 3 % classes


@VARIANTS
@pytest.mark.parametrize("n", [20, 600])
def test_a_step_has_the_gradients_of_the_function(variant: str, margin: float, n: int) -> None:
    """The law holds in batches of several chunks too, with ignored samples and weights."""
    x, y = batch(n, 6, 5)
    y[::3] = -100
    weight = np.linspace(1, 2, n)
    model = network([6, 9, 5], "silu", bias=False)
    first, last = (value.copy() for value in model.parameters().values())
    hidden = nn.Sequential(nn.Dense(6, 9, activation="silu", bias=False), dtype=np.float64)
    hidden.load_state_dict({"0.weight": first})
    features = hidden.forward(x, training=True)
    settings: dict[str, Any] = {"margin": margin, "lam": 0.7, "variant": variant}
    wanted, (by_features, by_weight) = F.large_margin_softmax(
        features, last, y, **settings, sample_weight=weight, return_grad=True
    )
    hidden.backward(by_features)

    trainer = simdnn.Trainer(
        model, loss=partial(F.large_margin_softmax, **settings), optimizer=optim.SGD(lr=0.1)
    )
    assert trainer.step(x, y, weight) == pytest.approx(wanted, rel=1e-13)
    found = model.gradients()
    np.testing.assert_allclose(found["1.weight"], by_weight, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found["0.weight"], hidden.gradients()["0.weight"], rtol=1e-12, atol=1e-14)


@VARIANTS
def test_a_network_of_one_layer_trains(variant: str, margin: float) -> None:
    x, y = batch(50, 6, 5)
    model = network([6, 5], bias=False)
    weight = model.parameters()["0.weight"].copy()
    loss = partial(F.large_margin_softmax, margin=margin, variant=variant)
    _, (_, by_weight) = F.large_margin_softmax(x, weight, y, margin, variant=variant, return_grad=True)
    simdnn.Trainer(model, loss=loss, optimizer=optim.SGD(lr=0.1)).step(x, y)
    np.testing.assert_allclose(model.gradients()["0.weight"], by_weight, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", FLOATS)
def test_margin_one_trains_as_cross_entropy(dtype: Any) -> None:
    x, y = batch(90, 6, 5, dtype)
    parameters = []
    for loss in ("cross_entropy", partial(F.large_margin_softmax, margin=1)):
        model = network([6, 9, 5], "tanh", bias=False, dtype=dtype)
        simdnn.Trainer(model, loss=loss, seed=1).fit(x, y, epochs=3, batch_size=16)
        parameters.append(model.flat_parameters.copy())
    assert same_bits(*parameters)


def test_lambda_follows_its_schedule() -> None:
    """Lambda depends on the number of earlier steps, of `step` and `fit` together."""
    x, y = batch(30, 6, 5)
    lam = F.margin_annealing(base=8.0, gamma=0.5, power=2, minimum=0.5)
    assert [lam(t) for t in (0, 2, 100)] == [8.0, 2.0, 0.5]
    annealed = network([6, 5], bias=False)
    trainer = simdnn.Trainer(
        annealed, loss=partial(F.large_margin_softmax, margin=3, lam=lam), optimizer=optim.SGD(lr=0.1)
    )
    plain = network([6, 5], bias=False)
    for step in range(12):
        fixed = partial(F.large_margin_softmax, margin=3, lam=lam(step))
        alone = simdnn.Trainer(plain, loss=fixed, optimizer=optim.SGD(lr=0.1)).step(x, y)
        if step % 2:
            assert trainer.step(x, y) == alone
        else:
            assert trainer.fit(x, y, epochs=1, batch_size=None, shuffle=False).loss == [alone]
        assert same_bits(annealed.flat_parameters, plain.flat_parameters)


def test_evaluation_sees_no_margin() -> None:
    x, y = batch(300, 6, 5)
    model = network([6, 5], bias=False)
    trainer = simdnn.Trainer(model, loss="large_margin_softmax")
    before = model.flat_parameters.copy()
    loss, accuracy = trainer.evaluate(x, y)
    assert loss == pytest.approx(F.cross_entropy(model(x), y), rel=1e-13)
    assert accuracy == np.mean(model(x).argmax(axis=1) == y)
    assert same_bits(model.flat_parameters, before)
    assert trainer.step(x, y) > loss


def test_the_accuracy_of_an_epoch_sees_no_margin() -> None:
    """Accuracy from logits with a margin would miss samples that are classified correctly."""
    x = np.repeat(np.eye(4), 30, axis=0)
    y = np.arange(120) // 30
    model = nn.Sequential(nn.LargeMarginSoftmax(4, 4, margin=4, lam=0.0, init="identity"), dtype=np.float64)
    x += 0.6 * np.roll(x, 1, axis=1)
    trainer = simdnn.Trainer(model, optimizer=optim.SGD(lr=0.0), seed=0)
    history = trainer.fit(x, y, epochs=1, batch_size=50, validation_data=(x, y))
    assert history.accuracy == history.val_accuracy == [1.0]
    assert history.loss[0] > 2 * history.val_loss[0]


@VARIANTS
def test_a_margin_layer_trains_as_its_loss(variant: Any, margin: float) -> None:
    x, y = batch(90, 6, 5, np.float32)
    lam = F.margin_annealing(base=10.0, gamma=0.5, minimum=0.5)
    settings: dict[str, Any] = {"margin": margin, "variant": variant, "lam": lam}
    parameters = []
    for head, loss in (
        (nn.LargeMarginSoftmax(9, 5, **settings), None),
        (nn.Dense(9, 5, bias=False), partial(F.large_margin_softmax, **settings)),
    ):
        model = nn.Sequential(nn.Dense(6, 9, "tanh"), head, rng=0)
        simdnn.Trainer(model, loss, seed=1).fit(x, y, epochs=3, batch_size=16)
        parameters.append(model.flat_parameters.copy())
    assert same_bits(*parameters)


def test_a_margin_layer_takes_another_loss() -> None:
    x, y = batch(90, 6, 5)
    model = nn.Sequential(nn.LargeMarginSoftmax(6, 5), dtype=np.float64, rng=0)
    wanted = F.cross_entropy(model(x), y)
    assert simdnn.Trainer(model, "cross_entropy").step(x, y) == pytest.approx(wanted, rel=1e-13)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"margin": 5}, ValueError, "margin: "),
        ({"variant": "l2"}, ValueError, "variant: "),
        ({"lam": -1}, ValueError, "lam: "),
        ({"classes": 0}, ValueError, "classes: "),
        ({"scale": "large"}, TypeError, "scale: "),
    ],
)
def test_a_margin_layer_refuses(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        nn.LargeMarginSoftmax(**{"in_features": 4, "classes": 3, **settings})


@pytest.mark.parametrize("dtype", FLOATS)
@VARIANTS
def test_threads_do_not_change_training(variant: str, margin: float, dtype: Any) -> None:
    x, y = batch(600, 100, 40, dtype)
    loss = partial(
        F.large_margin_softmax, margin=margin, variant=variant, lam=F.margin_annealing(9, minimum=1)
    )

    def train() -> Array:
        model = network([100, 260, 40], "relu", bias=False, dtype=dtype)
        simdnn.Trainer(model, loss=loss, seed=1).fit(x, y, epochs=1, batch_size=300)
        return model.flat_parameters.copy()

    results = [with_threads(n, train) for n in (1, 2, 3)]
    assert all(same_bits(result, results[0]) for result in results)


@pytest.mark.parametrize(
    "last",
    [nn.Dense(9, 3), nn.Dense(9, 3, bias=False, activation="tanh"), nn.Dense(9, 3, activation="relu")],
    ids=repr,
)
def test_other_last_layers_are_refused(last: nn.Dense) -> None:
    model = nn.Sequential(nn.Dense(4, 9, activation="relu"), last)
    with pytest.raises(ValueError, match=r"loss: .*bias=False.*got Dense\(9, 3"):
        simdnn.Trainer(model, loss="large_margin_softmax")


def test_bad_targets_change_nothing() -> None:
    x, y = batch(20, 6, 5)
    model = network([6, 5], bias=False)
    trainer = simdnn.Trainer(model, loss="large_margin_softmax")
    before = model.flat_parameters.copy()
    for bad, error in ((y + 1, IndexError), (np.eye(5)[y], TypeError), (y[1:], ValueError)):
        for call in (trainer.step, trainer.evaluate, partial(trainer.fit, epochs=1)):
            with pytest.raises(error):
                call(x, bad)
    with pytest.raises(ValueError, match="margin: "):
        simdnn.Trainer(model, loss=partial(F.large_margin_softmax, margin=5))
    assert same_bits(model.flat_parameters, before)


def mean_angle(features: Array, y: Array) -> float:
    """Mean angle in degrees between the features of a sample and the mean direction of its class."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    angles = []
    for label in np.unique(y):
        own = unit[y == label]
        center = own.mean(axis=0) / np.linalg.norm(own.mean(axis=0))
        angles.append(np.degrees(np.arccos(np.clip(own @ center, -1, 1))))
    return float(np.concatenate(angles).mean())


def train_digits(margin: int) -> tuple[float, float]:
    """Trains 30 epochs; returns the mean angle of held-out features, and the accuracy."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    lam = F.margin_annealing(base=10.0, gamma=0.1, minimum=1.0)
    head = nn.LargeMarginSoftmax(32, 10, margin, lam=lam)
    model = nn.Sequential(nn.Dense(64, 64, activation="relu"), nn.Dense(64, 32), head, rng=0)
    trainer = simdnn.Trainer(model, optimizer=optim.Adam(lr=2e-3), seed=0)
    trainer.fit(x[:1200], y[:1200], epochs=30, batch_size=64)
    weights = model.parameters()
    hidden = np.maximum(x[1200:] @ weights["0.weight"] + weights["0.bias"], 0)
    features = hidden @ weights["1.weight"] + weights["1.bias"]
    return mean_angle(features, y[1200:]), trainer.evaluate(x[1200:], y[1200:])[1]


def test_margins_narrow_the_classes_of_digits() -> None:
    """After the same number of steps, a larger margin gives smaller angles to the class's direction."""
    angles, accuracies = zip(*(train_digits(margin) for margin in (1, 2, 3, 4)), strict=True)
    assert all(larger < smaller - 1 for smaller, larger in pairwise(angles))
    assert min(accuracies[1:]) > accuracies[0] - 0.01
