"""Losses compared with ONNX's operators, Keras, and torchvision's focal loss."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import simdnn.functional as F

from tests.support.registry import FLOATS, spread

pytestmark = pytest.mark.peers

Array = np.ndarray[Any, Any]

every_float = pytest.mark.parametrize("dtype", FLOATS)
WEIGHT = 0.25 + np.arange(7) % 4


#: Tolerance, because Keras clips probabilities at 1e-7.
CLIPPED = 1e-6


def near(got: Any, wanted: Any, allowed: float) -> bool:
    return bool(np.allclose(got, wanted, rtol=4 * allowed, atol=allowed))


def allowed(dtype: Any) -> float:
    return 1e-6 if dtype == np.float32 else 1e-12


def logits(dtype: Any, *shape: int) -> Array:
    return spread(int(np.prod(shape)), dtype, 3).reshape(shape)


def labels(*shape: int) -> Array:
    return (np.arange(np.prod(shape)) * 5 % 7).reshape(shape)


@every_float
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(40, 7), (5, 7, 3, 2)], ids=["rows", "images"])
@pytest.mark.parametrize("settings", [{}, {"weight": WEIGHT}, {"ignore_index": 3}], ids=repr)
@pytest.mark.parametrize("op", ["SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"])
def test_onnx_has_the_same_losses(
    op: str, settings: dict[str, Any], shape: tuple[int, ...], reduction: str, dtype: Any
) -> None:
    onnx = pytest.importorskip("onnx", reason="needs the extra [peers]: onnx")
    from onnx.reference import ReferenceEvaluator

    helper, x, y = onnx.helper, logits(dtype, *shape), labels(shape[0], *shape[2:])
    ours: Callable[..., Any] = F.cross_entropy
    if op == "NegativeLogLikelihoodLoss":
        ours, x = F.nll_loss, F.log_softmax(x, axis=1)
    feed = {"x": x, "y": y} | ({"w": settings["weight"].astype(dtype)} if "weight" in settings else {})
    ignored = {key: value for key, value in settings.items() if key == "ignore_index"}
    types = {name: helper.np_dtype_to_tensor_dtype(value.dtype) for name, value in feed.items()}
    graph = helper.make_graph(
        [helper.make_node(op, list(feed), ["loss"], reduction=reduction, **ignored)],
        "g",
        [helper.make_tensor_value_info(name, types[name], value.shape) for name, value in feed.items()],
        [helper.make_tensor_value_info("loss", types["x"], None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    (wanted,) = ReferenceEvaluator(model).run(None, feed)
    assert near(ours(x, y, reduction=reduction, **settings), wanted, allowed(dtype))


def keras_losses() -> Any:
    """Keras with its NumPy backend."""
    os.environ.setdefault("KERAS_BACKEND", "numpy")
    return pytest.importorskip("keras", reason="needs the extra [peers]: keras").losses


#: (loss, name in Keras, settings); Keras takes (target, output) and averages over the last axis.
ELEMENTS: list[tuple[Callable[..., Any], str, dict[str, Any]]] = [
    (F.mse_loss, "mean_squared_error", {}),
    (F.l1_loss, "mean_absolute_error", {}),
    (partial(F.huber_loss, delta=0.7), "huber", {"delta": 0.7}),
    (F.log_cosh_loss, "log_cosh", {}),
    (F.hinge_loss, "hinge", {}),
    (F.squared_hinge_loss, "squared_hinge", {}),
    (F.binary_cross_entropy_with_logits, "binary_crossentropy", {"from_logits": True}),
    (F.binary_cross_entropy, "binary_crossentropy", {}),
    (partial(F.poisson_nll_loss, log_input=False), "poisson", {}),
]


@every_float
@pytest.mark.parametrize(("ours", "name", "settings"), ELEMENTS, ids=[name for _, name, _ in ELEMENTS])
def test_keras_has_the_same_losses_of_elements(
    ours: Callable[..., Any], name: str, settings: dict[str, Any], dtype: Any
) -> None:
    theirs, x, y = getattr(keras_losses(), name), logits(dtype, 20, 6), logits(dtype, 6, 20).T.copy()
    if "hinge" in name:
        y = np.where(y < 0, -1, 1).astype(dtype)
    if name == "binary_crossentropy":
        y = (y > 0).astype(dtype)
        x = x if settings else F.sigmoid(x)
    if name == "poisson":
        x, y = np.exp(x), np.floor(np.abs(y))
    assert near(ours(x, y, reduction="none").mean(axis=-1), theirs(y, x, **settings), CLIPPED)


@every_float
def test_keras_has_the_same_losses_of_classes(dtype: Any) -> None:
    losses, x, y = keras_losses(), logits(dtype, 20, 7), labels(20)
    hot, soft = np.eye(7, dtype=dtype)[y], F.softmax(logits(dtype, 7, 20).T.copy())
    rows = partial(F.cross_entropy, x, reduction="none")
    assert near(rows(y), losses.sparse_categorical_crossentropy(y, x, from_logits=True), CLIPPED)
    assert near(rows(soft), losses.categorical_crossentropy(soft, x, from_logits=True), CLIPPED)
    smoothed = losses.categorical_crossentropy(hot, x, from_logits=True, label_smoothing=0.1)
    assert near(rows(y, label_smoothing=0.1), smoothed, CLIPPED)
    for gamma in (0.0, 2.0):
        focal = losses.categorical_focal_crossentropy(hot, x, alpha=0.25, gamma=gamma, from_logits=True)
        assert near(F.focal_loss(x, y, gamma, 0.25, reduction="none"), focal, CLIPPED)
    divergence = F.kl_div(F.log_softmax(x), soft, reduction="none").sum(axis=-1)
    assert near(divergence, losses.kl_divergence(soft, F.softmax(x)), CLIPPED)


@every_float
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("alpha", [None, 0.25])
def test_torchvision_has_the_same_focal_loss_of_two_classes(
    alpha: float | None, gamma: float, dtype: Any
) -> None:
    """The reference is ``ops.sigmoid_focal_loss``, with the logits 0 and x of two classes."""
    x, y = logits(np.float64, 60), np.arange(60) % 2
    p = 1 / (1 + np.exp(-x))
    p_t = np.where(y == 1, p, 1 - p)
    wanted = -np.log(p_t) * (1 - p_t) ** gamma
    if alpha is not None:
        wanted *= np.where(y == 1, alpha, 1 - alpha)
    pair = np.column_stack([np.zeros(60), x]).astype(dtype)
    scale = None if alpha is None else np.array([1 - alpha, alpha])
    assert near(F.focal_loss(pair, y, gamma, scale, reduction="none"), wanted, allowed(dtype))
