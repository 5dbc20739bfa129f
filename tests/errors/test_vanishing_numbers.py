"""Settings that the dtype of a computation cannot hold are refused; others give finite results."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import functional as F
from simdnn import nn, optim

from tests.support.registry import ACTIVATIONS

X = np.array([[-2, -1, -0.5, 0, 0.5, 1, 2, 3]])
DTYPES = (np.float16, np.float32, np.float64)
#: Numbers that become zero or infinite in one dtype or the other.
NUMBERS = (1e-320, 1e-46, 1e-8, -1e-46, 1e5, 1e39, -1e39, 1e300)

FUNCTIONS = [
    (name + suffix, key)
    for name, row in ACTIVATIONS.items()
    for key in row["parameters"]
    for suffix in ("", "_derivative", "_backward")
]
FUNCTIONS += [
    (name + suffix, "temperature")
    for name in ("softmax", "log_softmax", "logsumexp")
    for suffix in ("", "_backward")
]
FUNCTIONS += [(f"rrelu{suffix}", key) for key in ("lower", "upper") for suffix in ("", "_derivative")]


def arrays_of(name: str, dtype: Any) -> list[np.ndarray]:
    """The arrays that a function takes."""
    dy = np.ones(1 if name == "logsumexp_backward" else X.shape)
    return [one.astype(dtype) for one in ([dy, X] if name.endswith("_backward") else [X])]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "key"), FUNCTIONS)
def test_a_function_refuses_what_its_dtype_cannot_hold(name: str, key: str, dtype: Any) -> None:
    """Any number that is taken gives what the same number gives in float64, up to overflow of the result."""
    function, refused = getattr(F, name), []
    for number in NUMBERS:
        try:
            found = function(*arrays_of(name, dtype), **{key: number})
        except ValueError as error:
            refused.append((key, str(error)))
            continue
        exact: Any = function(*arrays_of(name, np.float64), **{key: np.float64(number)})
        if isinstance(exact, tuple):  # with the gradient w.r.t. an array of the parameter
            exact = exact[0]
        fits = np.abs(exact) <= float(np.finfo(dtype).max)
        assert found.dtype == dtype
        assert np.isfinite(found)[fits].all(), (number, found, exact)
    assert all(named in message for named, message in refused)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "celu", "celu_derivative"])
def test_numbers_that_a_dtype_can_hold_are_taken(name: str) -> None:
    function = getattr(F, name)
    for x, number in (
        (X, 1e-46),
        (X, 1e-300),
        (X.astype(np.float32), 1e-37),
        (X.astype(np.float32), np.float64(1e-46)),
        (X.astype(np.float32), np.array([1e-46])),
        (X.astype(np.float16), 1e-7),
    ):
        assert not np.isnan(function(x, number)).any()


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_message_names_the_number_and_the_dtype(dtype: Any) -> None:
    wanted = f"alpha: expected a number of at least .* for {np.dtype(dtype)}, got 1e-46"
    with pytest.raises(ValueError, match=wanted):
        F.celu(X.astype(dtype), 1e-46)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_infinity_is_a_number_of_every_dtype() -> None:
    x = X.astype(np.float32)
    assert np.array_equal(F.hard_tanh(x, -math.inf, math.inf), x)
    assert np.allclose(F.softmax(x, math.inf), 1 / 8)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "CELU": (lambda: nn.CELU(1e-46), "alpha"),
    "CELU of double": (lambda: nn.CELU(1e-320), "alpha"),
    "ELU": (lambda: nn.ELU(1e39), "alpha"),
    "LeakyReLU": (lambda: nn.LeakyReLU(1e39), "negative_slope"),
    "HardTanh": (lambda: nn.HardTanh(-1e39, 1.0), "min_val"),
    "Swish": (lambda: nn.Swish(-1e39), "beta"),
    "PReLU": (lambda: nn.PReLU(init=1e39), "init"),
    "RReLU": (lambda: nn.RReLU(0.0, 1e39), "upper"),
    "RReLU lower": (lambda: nn.RReLU(-1e39, 0.0), "lower"),
    "LayerNorm": (lambda: nn.LayerNorm(4, eps=1e-320), "eps"),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(4, eps=1e-46), "eps"),
    "BatchNorm1d large": (lambda: nn.BatchNorm1d(4, eps=1e39), "eps"),
    "LSTM": (lambda: nn.LSTM(3, 2, forget_bias=1e39), "forget_bias"),
    "Adam": (lambda: optim.Adam(eps=1e-46), "eps"),
    "Adam later": (lambda: optim.Adam().set_params(eps=1e-46), "eps"),
    "SGD": (lambda: optim.SGD(momentum=1e39), "momentum"),
    "AdamW": (lambda: optim.AdamW(weight_decay=1e39), "weight_decay"),
    "lr": (lambda: optim.SGD(lr=1e39), "lr"),
    "smooth_l1": (lambda: F.smooth_l1_loss(X, X, beta=1e-320), "beta"),
    "huber": (lambda: F.huber_loss(X, X, delta=1e-320), "delta"),
    "distillation": (lambda: F.distillation_loss(X, X, 1e39), "temperature"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_settings_that_float32_cannot_hold_are_refused(what: str) -> None:
    call, name = REFUSED[what]
    with pytest.raises(ValueError, match=f"{name}: expected"):
        call()


def test_the_least_numbers_give_numbers() -> None:
    least = float(np.finfo(np.float32).tiny)
    for layer in (nn.LayerNorm(4, eps=least), nn.BatchNorm1d(4, eps=least), nn.CELU(least)):
        model = nn.Sequential(layer, in_features=4, rng=0)
        for x in (np.zeros((3, 4)), np.ones((3, 4)), -np.ones((3, 4))):
            assert np.isfinite(model(x)).all()
            assert np.isfinite(model.forward(x, training=True)).all()
            assert np.isfinite(model.backward(x)).all()
    for optimizer in (optim.Adam(eps=least), optim.RMSprop(eps=least), optim.Adagrad(eps=least)):
        trainer = simdnn.Trainer(nn.Sequential(nn.Dense(3, 2), rng=0), optimizer=optimizer, seed=0)
        trainer.step(np.zeros((4, 3)), [0, 1, 1, 0])
        assert np.isfinite(trainer.model.flat_parameters).all()
    assert F.smooth_l1_loss(X, X + 1, beta=0.0) == 1
    assert math.isfinite(F.poisson_nll_loss(0 * X, 0 * X, log_input=False, eps=1e-300))
