"""Numbers of float64 that float32 cannot hold: whoever casts them refuses them by name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import diagnostics, nn, optim
from simdnn import functional as F

N = 6


def wide(*shape: int, value: float = 1e39) -> np.ndarray:
    """Zeros, and one number that float32 cannot hold."""
    numbers = np.zeros(shape)
    numbers.flat[-1] = value
    return numbers


def network(dtype: Any = np.float32) -> nn.Sequential:
    return nn.Sequential(nn.Dense(3, 2), rng=0, dtype=dtype)


def trainer(dtype: Any = np.float32) -> simdnn.Trainer:
    return simdnn.Trainer(network(dtype), "mse", seed=0)


def backward(dy: np.ndarray) -> Any:
    model = network()
    model.forward(np.zeros((N, 3)), training=True)
    return model.backward(dy)


def adapted(x: np.ndarray) -> Any:
    """A step of an optimizer on arrays of the user's own."""
    return optim.SGD(params=[np.zeros(x.shape, np.float32)], lr=0.1).step([x])


X, Y = np.zeros((N, 3)), np.zeros((N, 2))

CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "forward": (lambda: network()(wide(N, 3)), "x"),
    "training": (lambda: network().forward(wide(N, 3), training=True), "x"),
    "one sample": (lambda: network()(wide(3)), "x"),
    "backward": (lambda: backward(wide(N, 2)), "dy"),
    "predictor": (lambda: network().freeze().predict(wide(N, 3)), "x"),
    "ensemble": (lambda: nn.Ensemble([network()])(wide(N, 3)), "x"),
    "many": (lambda: nn.predict_many([network()], wide(N, 3)), "xs"),
    "step x": (lambda: trainer().step(wide(N, 3), Y), "x"),
    "step y": (lambda: trainer().step(X, wide(N, 2)), "y"),
    "fit x": (lambda: trainer().fit(wide(N, 3), Y, epochs=1, progress=False), "x"),
    "fit y": (lambda: trainer().fit(X, wide(N, 2), epochs=1, progress=False), "y"),
    "fit weight": (
        lambda: trainer().fit(X, Y, epochs=1, progress=False, sample_weight=wide(N)),
        "sample_weight",
    ),
    "validation": (
        lambda: trainer().fit(X, Y, epochs=1, progress=False, validation_data=(wide(N, 3), Y)),
        "validation_data: x",
    ),
    "evaluate": (lambda: trainer().evaluate(X, wide(N, 2)), "y"),
    "objective": (lambda: trainer().objective(wide(N, 3), Y), "x"),
    "fit_many": (lambda: simdnn.fit_many([trainer()], wide(N, 3), Y, epochs=1), "x"),
    "optimizer": (lambda: adapted(wide(N)), r"grads\[0\]"),
    "loss": (lambda: F.mse_loss(Y.astype(np.float32), wide(N, 2)), "target"),
}


@pytest.mark.parametrize("what", CALLS)
def test_a_finite_number_that_would_become_infinite_is_refused(what: str) -> None:
    call, name = CALLS[what]
    with pytest.raises(ValueError, match=rf"{name}: expected numbers that float32 can hold, got 1e\+39"):
        call()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_scale_that_makes_numbers_infinite_is_refused(dtype: Any) -> None:
    kind, large = ("float32", 1e10) if dtype == np.float32 else ("float64", 1e300)
    calls: list[Callable[..., Any]] = [
        lambda x, scale: trainer(dtype).fit(x, Y, epochs=1, progress=False, scale=scale),
        lambda x, scale: trainer(dtype).fit([(x, Y)], epochs=1, progress=False, scale=scale),
        lambda x, scale: trainer(dtype).fit(sparse.csr_array(x), Y, epochs=1, progress=False, scale=scale),
        lambda x, scale: trainer(dtype).evaluate(x, Y, scale=scale),
        lambda x, scale: trainer(dtype).objective(x, Y, scale=scale),
        lambda x, scale: simdnn.fit_many([trainer(dtype)], x, Y, epochs=1, scale=scale),
    ]
    sparse = pytest.importorskip("scipy.sparse")
    for call in calls:
        if dtype == np.float32:
            with pytest.raises(ValueError, match=r"scale: expected a number that float32 can hold"):
                call(X, 1e300)
        with pytest.raises(ValueError, match=rf"products with x that {kind} can hold, got 1e\+30 \* "):
            call(wide(N, 3, value=1e30), large)
        call(wide(N, 3, value=np.inf), 2.0)


def test_arrays_of_any_layout_are_checked() -> None:
    for x in (
        np.asfortranarray(wide(N, 3, value=-1e39)),
        np.repeat(wide(N, 3, value=-1e39), 2, axis=0)[::2],
        wide(N, 3, value=-1e39).astype(np.longdouble),
        wide(N, 3, value=-1e39).astype(">f8"),
        wide(N, 3, value=-1e39).tolist(),
    ):
        for call in (network(), network().freeze().predict, lambda given: trainer().step(given, Y)):
            with pytest.raises(ValueError, match=r"x: expected numbers .* got -1e\+39"):
                call(x)


def test_an_error_changes_nothing() -> None:
    own = trainer()
    before = own.model.flat_parameters.copy()
    with pytest.raises(ValueError, match="y: expected"):
        own.step(X, wide(N, 2))
    assert np.array_equal(own.model.flat_parameters, before)
    assert own.optimizer.steps == 0


def test_the_largest_number_and_infinity_are_taken() -> None:
    largest = float(np.finfo(np.float32).max)
    model = nn.Sequential(nn.Identity(), in_features=3)
    for value in (largest, -largest, largest * (1 + 2**-26), np.inf, -np.inf):
        with np.errstate(over="ignore"):
            assert np.array_equal(model(wide(N, 3, value=value)), np.float32(wide(N, 3, value=value)))
    with pytest.raises(ValueError, match="x: expected"):
        model(wide(N, 3, value=largest * (1 + 2**-24)))


def test_float64_networks_take_all() -> None:
    assert np.isfinite(network(np.float64)(wide(N, 3))).all()
    assert np.isfinite(trainer(np.float64).step(X, wide(N, 2)))


def test_a_report_counts_them_among_the_bad_inputs() -> None:
    assert "X[5, 2] is 1e+39" in str(diagnostics.report(network(), wide(N, 3), Y, loss="mse"))
