"""Losses and softmax compared with PyTorch's: values and gradients for every shared setting."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import simdnn.functional as F
from simdnn.losses._registry import NAMED

from tests import oracles
from tests.support.networks import outputs, targets
from tests.support.registry import FLOATS, spread

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")]
torch: Any = pytest.importorskip("torch", reason="needs the extra [peers]: torch")
peer: Any = torch.nn.functional

Array = np.ndarray[Any, Any]

every_float = pytest.mark.parametrize("dtype", FLOATS)
WEIGHT = 0.25 + np.arange(7) % 4


def near(got: Any, wanted: Any, dtype: Any) -> bool:
    """Asserts equality within 1e-6 in float32, 1e-12 in float64."""
    allowed = 1e-6 if dtype == np.float32 else 1e-12
    return np.allclose(got, wanted.detach().numpy(), rtol=4 * allowed, atol=allowed, equal_nan=True)


def torch_distillation(x: Any, teacher: Any, temperature: float, reduction: str) -> Any:
    """The loss of Hinton et al. 2015 by PyTorch's functions."""
    log_student, log_teacher = (peer.log_softmax(z / temperature, 1) for z in (x, teacher))
    each = peer.kl_div(log_student, log_teacher, reduction="none", log_target=True).sum(1) * temperature**2
    return {"none": each, "sum": each.sum(), "mean": each.mean()}[reduction]


def torch_focal(x: Any, y: Any, gamma: float, reduction: str) -> Any:
    """The focal loss, (1 - p)^gamma times cross-entropy, by PyTorch's functions."""
    each = peer.cross_entropy(x, y, reduction="none")
    each = (1 - torch.exp(-each)) ** gamma * each
    return {"none": each, "sum": each.sum(), "mean": each.mean()}[reduction]


Rows = list[tuple[str, Callable[..., Any], dict[str, Any]]]
#: Losses that PyTorch has by the same name, with their defaults.
NAMED_ALIKE: Rows = [
    (name, function, {})
    for name in oracles.LOSSES
    if (function := getattr(peer, NAMED[name].__name__, None)) is not None
]
#: (name of the oracle that makes outputs and targets, PyTorch's function, the settings of both)
ROWS: Rows = [
    *NAMED_ALIKE,
    ("cross_entropy", peer.cross_entropy, {"weight": WEIGHT}),
    ("cross_entropy", peer.cross_entropy, {"label_smoothing": 0.1}),
    ("cross_entropy", peer.cross_entropy, {"ignore_index": 3}),
    ("cross_entropy", peer.cross_entropy, {"weight": WEIGHT, "label_smoothing": 0.2}),
    ("cross_entropy", peer.cross_entropy, {"weight": WEIGHT, "ignore_index": 3}),
    ("cross_entropy", peer.cross_entropy, {"weight": WEIGHT, "label_smoothing": 0.2, "ignore_index": 3}),
    ("focal", torch_focal, {"gamma": 2.0}),
    ("nll", peer.nll_loss, {"weight": WEIGHT, "ignore_index": 3}),
    ("distillation", torch_distillation, {"temperature": 3.0}),
    ("binary_cross_entropy_with_logits", peer.binary_cross_entropy_with_logits, {"pos_weight": WEIGHT}),
    ("huber", peer.huber_loss, {"delta": 0.7}),
    ("smooth_l1", peer.smooth_l1_loss, {"beta": 0.7}),
    ("smooth_l1", peer.smooth_l1_loss, {"beta": 0.0}),
    ("poisson_nll", peer.poisson_nll_loss, {"full": True}),
    ("kl_div", peer.kl_div, {"log_target": True}),
]
IDS = [f"{name}-{'-'.join(settings)}" for name, _, settings in ROWS]


def agrees(ours: Any, theirs: Any, x: Array, y: Array, reduction: str) -> bool:
    """Asserts that value and gradient equal PyTorch's."""
    leaf = torch.tensor(x, requires_grad=True)
    value = theirs(leaf, torch.tensor(y), reduction=reduction)
    value.sum().backward()
    loss, gradient = ours(x, y, reduction=reduction, return_grad=True)
    return near(loss, value, x.dtype) and near(gradient, leaf.grad, x.dtype)


def tensors(settings: dict[str, Any], dtype: Any) -> dict[str, Any]:
    return {k: torch.tensor(v.astype(dtype)) if isinstance(v, np.ndarray) else v for k, v in settings.items()}


@every_float
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("name", "theirs", "settings"), ROWS, ids=IDS)
def test_losses_agree(name: str, theirs: Any, settings: dict[str, Any], reduction: str, dtype: Any) -> None:
    ours, theirs = partial(NAMED[name], **settings), partial(theirs, **tensors(settings, dtype))
    x, y = outputs(name, 40, 7, dtype, 3), targets(name, 40, 7, dtype)
    assert agrees(ours, theirs, x, y, reduction)


@every_float
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weight"])
def test_probabilities_agree(weight: Any, smoothing: float, reduction: str, dtype: Any) -> None:
    x, y = outputs("cross_entropy", 40, 7, dtype), targets("kl_div", 40, 7, dtype)
    settings = {"weight": weight, "label_smoothing": smoothing}
    theirs = partial(peer.cross_entropy, **tensors(settings, dtype))
    assert agrees(partial(F.cross_entropy, **settings), theirs, x, y, reduction)


@every_float
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    "settings", [{}, {"weight": WEIGHT}, {"label_smoothing": 0.1}, {"ignore_index": 3}], ids=str
)
def test_images_agree(settings: Any, reduction: str, dtype: Any) -> None:
    """Logits [N, C, d1, d2] have targets of indices [N, d1, d2] or probabilities [N, C, d1, d2]."""
    x = spread(3 * 7 * 20, dtype, 5).reshape(3, 7, 4, 5)
    classes = targets("cross_entropy", 60, 7).reshape(3, 4, 5)
    probabilities = np.ascontiguousarray(
        np.moveaxis(targets("kl_div", 60, 7, dtype).reshape(3, 4, 5, 7), -1, 1)
    )
    theirs = partial(peer.cross_entropy, **tensors(settings, dtype))
    assert agrees(partial(F.cross_entropy, **settings), theirs, x, classes, reduction)
    if "ignore_index" not in settings:
        assert agrees(partial(F.cross_entropy, **settings), theirs, x, probabilities, reduction)


@every_float
@pytest.mark.parametrize("label", [0, 6])
def test_one_row_agrees(label: int, dtype: Any) -> None:
    x = outputs("cross_entropy", 1, 7, dtype)[0]
    for reduction in ("mean", "sum", "none"):
        assert agrees(F.cross_entropy, peer.cross_entropy, x, np.int64(label), reduction)


@every_float
@pytest.mark.parametrize("reduction", ["mean", "batchmean", "sum", "none"])
def test_batchmean_agrees(reduction: str, dtype: Any) -> None:
    x, y = outputs("kl_div", 40, 7, dtype), targets("kl_div", 40, 7, dtype)
    assert agrees(F.kl_div, peer.kl_div, x, y, reduction)


@every_float
def test_poisson_without_logarithms_agrees(dtype: Any) -> None:
    x, y = np.abs(spread(60, dtype, 3)) + dtype(0.1), targets("poisson_nll", 1, 60, dtype)[0]
    for reduction in ("mean", "sum", "none"):
        settings = {"log_input": False, "full": True, "eps": 1e-3}
        assert agrees(
            partial(F.poisson_nll_loss, **settings),
            partial(peer.poisson_nll_loss, **settings),
            x,
            y,
            reduction,
        )


@every_float
def test_edges_agree(dtype: Any) -> None:
    """Edge cases are: everything ignored, masked logits, probabilities of exactly 0 and 1."""
    x = outputs("cross_entropy", 5, 7, dtype)
    for reduction in ("mean", "sum", "none"):
        loss = F.cross_entropy(x, np.full(5, -100), reduction=reduction)
        wanted = peer.cross_entropy(torch.tensor(x), torch.full((5,), -100), reduction=reduction)
        assert near(loss, wanted, dtype)
    x[:, 2] = -np.inf
    assert agrees(F.cross_entropy, peer.cross_entropy, x, np.array([0, 1, 3, 4, 5]), "none")
    ends = np.array([0, 1, 0, 1, 0.5], dtype)
    wanted = peer.binary_cross_entropy(*map(torch.tensor, (ends, ends[::-1].copy())), reduction="none")
    assert near(F.binary_cross_entropy(ends, ends[::-1], reduction="none"), wanted, dtype)


SOFTMAX = {
    "softmax": torch.softmax,
    "log_softmax": torch.log_softmax,
    "logsumexp": torch.logsumexp,
}


@every_float
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("width", [1, 11, 200])
@pytest.mark.parametrize("name", SOFTMAX)
def test_softmax_and_its_backward_agree(name: str, width: int, axis: int, dtype: Any) -> None:
    x = spread(40 * width, dtype, 10).reshape(40, width)
    leaf = torch.tensor(x, requires_grad=True)
    output = SOFTMAX[name](leaf, axis)
    dy = spread(output.numel() + 3, dtype, 2)[3:].reshape(output.shape)
    output.backward(torch.tensor(dy))
    assert near(getattr(F, name)(x, axis=axis), output, dtype)
    assert near(getattr(F, f"{name}_backward")(dy, x, axis=axis), leaf.grad, dtype)


@every_float
@pytest.mark.parametrize("name", SOFTMAX)
def test_softmax_of_infinities_agrees(name: str, dtype: Any) -> None:
    inf, nan = np.inf, np.nan
    x = np.array([[1, -inf, 2], [-inf, -inf, -inf], [inf, 1, 2], [nan, 1, 2], [-inf, -inf, 3]], dtype)
    assert near(getattr(F, name)(x), SOFTMAX[name](torch.tensor(x), 1), dtype)
