"""Cross-entropy with class weights, label smoothing, focal factors, ignored targets and soft targets."""

import itertools
from typing import Any

import numpy as np
import pytest
import simdnn.functional as F

from tests.oracles import losses
from tests.support.networks import outputs, targets
from tests.support.registry import (
    FLOATS,
    compute_type,
    same_bits,
    spread,
    ulp_errors,
    wide,
    without_tiny,
)

Array = np.ndarray[Any, Any]

WIDTHS = [1, 2, 3, 10, 16, 17, 48, 64, 65, 1000]

every_float = pytest.mark.parametrize("dtype", FLOATS)
every_storage = pytest.mark.parametrize("dtype", [np.float16, *FLOATS])


def modifiers(width: int) -> dict[str, tuple[Any, ...]]:
    """The values of each modifier whose combinations are tested."""
    return {
        "weight": (None, 0.25 + np.arange(width) % 4),
        "label_smoothing": (0.0, 0.15),
        "gamma": (0.0, 0.5, 2.0),
        "alpha": (None, 0.3, 0.5 + np.arange(width) % 3),
        "ignore_index": (-100, 2),
        "soft": (False, True),
        "sample_weight": (None, 0.5 + np.arange(40) % 3),
    }


@pytest.mark.parametrize("width", [6, 70])
@every_storage
def test_every_combination_of_modifiers_matches_one_oracle(dtype: Any, width: int) -> None:
    """Class weights, smoothing, focal factors, ignored and soft targets share one oracle and one divisor."""
    x, eps = outputs("cross_entropy", 40, width, dtype), np.finfo(compute_type(dtype)).eps
    classes, probabilities = targets("cross_entropy", 40, width), targets("kl_div", 40, width, dtype)
    choices = modifiers(width)
    for values in itertools.product(*choices.values()):
        settings: dict[str, Any] = dict(zip(choices, values, strict=True))
        soft, sample = settings.pop("soft"), settings.pop("sample_weight")
        y = probabilities if soft else classes
        given = {key: value for key, value in settings.items() if value is not None}
        share = np.ones(40) if sample is None else sample
        each = losses.cross_entropy(wide(x), wide(y), **given) * share
        slope = losses.cross_entropy_slope(wide(x), wide(y), **given) * share[:, np.newaxis]
        if not soft:
            own = (y != settings["ignore_index"]) * (
                1 if settings["weight"] is None else settings["weight"][y]
            )
            share = share * own
        for reduction, over in (("mean", share.sum()), ("sum", 1), ("none", 1)):
            loss, gradient = F.focal_loss(
                x, y, **settings, sample_weight=sample, reduction=reduction, return_grad=True
            )
            wanted = each if reduction == "none" else each.sum() / over
            assert np.allclose(loss, wanted, rtol=16 * eps, atol=16 * eps), settings
            assert np.allclose(gradient * over, slope, rtol=32 * eps, atol=32 * eps), settings


@every_float
def test_focal_without_gamma_has_the_bits_of_cross_entropy(dtype: Any) -> None:
    for width in WIDTHS:
        x = outputs("focal", 40, width, dtype)
        for y in (targets("cross_entropy", 40, width), targets("kl_div", 40, width, dtype)):
            for smoothing, weight in itertools.product((0.0, 0.1), (None, 0.5 + np.arange(width) % 3)):
                settings = {"label_smoothing": smoothing, "weight": weight, "return_grad": True}
                for a, b in zip(
                    F.focal_loss(x, y, gamma=0.0, **settings), F.cross_entropy(x, y, **settings), strict=True
                ):
                    assert same_bits(a, b)


@every_float
@pytest.mark.parametrize("function", [F.cross_entropy, F.focal_loss])
def test_one_hot_probabilities_are_indices(function: Any, dtype: Any) -> None:
    for width in WIDTHS:
        x, y = outputs("cross_entropy", 40, width, dtype), targets("cross_entropy", 40, width)
        eps = 8 * np.finfo(dtype).eps
        found = function(x, np.eye(width, dtype=dtype)[y], reduction="none", return_grad=True)
        for a, b in zip(found, function(x, y, reduction="none", return_grad=True), strict=True):
            assert np.allclose(a, b, rtol=eps, atol=eps)


@every_float
@pytest.mark.parametrize("gamma", [0, 1e-3, 0.5, 1, 2, 5, 50])
def test_focal_goes_to_zero_with_its_gradient(gamma: float, dtype: Any) -> None:
    """Loss and gradient fall to 0 as p goes to 1, in the smallest steps of the format, and at p = 1."""
    gap = np.concatenate([np.linspace(0, 120, 2001), [500, 1e4, np.inf]]).astype(dtype)
    for soft in (False, True):
        x = np.stack([np.zeros_like(gap), -gap, -gap], axis=1)
        y = np.tile(dtype([1, 0, 0]), (gap.size, 1)) if soft else np.zeros(gap.size, int)
        loss, gradient = F.focal_loss(x, y, gamma=gamma, reduction="none", return_grad=True)
        assert np.isfinite(loss).all()
        assert np.isfinite(gradient).all()
        assert not np.signbit(loss).any()
        assert (np.diff(loss) <= 0).all()
        q = (2 * np.exp(-gap.astype(np.float64))) / (1 + 2 * np.exp(-gap.astype(np.float64)))
        assert np.allclose(loss, -(q**gamma) * np.log1p(-q), rtol=1e-5, atol=np.finfo(dtype).tiny)
        assert not loss[-2:].any()
        assert not gradient[-2:].any()


@every_float
def test_small_losses_keep_their_digits(dtype: Any) -> None:
    for width in (2, 10, 49, 1000):
        for gap in (20, 46, 80):
            x = np.zeros((1, width), dtype)
            x[0, 1:] = -gap
            wanted = np.log1p((width - 1) * np.exp(np.longdouble(-gap)))
            digits = 1e-6 if dtype == np.float32 else 1e-14
            for target, absolute in (
                ([0], 2**-63),
                (np.eye(width, dtype=dtype)[:1], float(np.finfo(dtype).eps)),
            ):
                (found,), gradient = F.cross_entropy(x, target, reduction="none", return_grad=True)
                assert found == pytest.approx(float(wanted), rel=digits, abs=0)
                assert gradient[0, 1:] == pytest.approx(np.exp(-gap - float(wanted)), rel=1e-6, abs=2**-63)
                assert gradient[0, 0] == pytest.approx(float(np.expm1(-wanted)), rel=1e-6, abs=absolute)
            assert F.log_softmax(x)[0, 0] == pytest.approx(-float(wanted), rel=digits, abs=0)
            assert F.logsumexp(x)[0] == pytest.approx(float(wanted), rel=digits, abs=0)


@pytest.mark.parametrize("shift", [0, 300, 4090, 5000])
@pytest.mark.parametrize("width", [2, 10, 17, 64, 65, 1000, 32000])
def test_cross_entropy_is_within_one_ulp(width: int, shift: float) -> None:
    """The loss is within 1 ULP, its gradient w.r.t. other classes than the target within 2 ULP."""
    count = 50 if width <= 1000 else 5
    for bound in (1, 12, 80):
        x = (spread(count * width, np.float64, bound) + shift).astype(np.float32).reshape(count, width)
        y = targets("cross_entropy", count, width)
        exact = losses.cross_entropy(x.astype(np.longdouble), y).astype(np.float64)
        slope = losses.cross_entropy_slope(x.astype(np.longdouble), y).astype(np.float64)
        loss, gradient = F.cross_entropy(x, y, reduction="none", return_grad=True)
        assert ulp_errors(loss, exact).max() <= 1
        off = np.arange(width) != y[:, np.newaxis]
        assert ulp_errors(gradient, without_tiny(slope, np.float32))[off].max() <= 2


@every_float
def test_ignored_rows_add_nothing(dtype: Any) -> None:
    x, y = outputs("cross_entropy", 12, 5, dtype), targets("cross_entropy", 12, 5)
    for ignore_index in (-100, -1, 3, 99):
        marked = y.copy()
        marked[[2, 5, 11]] = ignore_index
        kept = marked != ignore_index
        loss, gradient = F.cross_entropy(x, marked, ignore_index=ignore_index, return_grad=True)
        wanted, slope = F.cross_entropy(x[kept], marked[kept], return_grad=True)
        assert np.isclose(loss, wanted, rtol=1e-14)
        assert same_bits(gradient[kept], slope)
        assert not gradient[~kept].any()


@every_float
def test_distillation_mixes_soft_and_hard(dtype: Any) -> None:
    x, teacher = outputs("distillation", 20, 7, dtype), targets("distillation", 20, 7, dtype)
    y = targets("cross_entropy", 20, 7)
    for temperature, hard in ((1.0, 0.25), (4.0, 0.5), (2.0, 1.0)):
        loss, gradient = F.distillation_loss(
            x, teacher, temperature, target=y, hard_weight=hard, reduction="none", return_grad=True
        )
        soft = losses.distillation(wide(x), wide(teacher), temperature)
        slope = losses.distillation_slope(wide(x), wide(teacher), temperature)
        wanted = (1 - hard) * soft + hard * losses.cross_entropy(wide(x), y)
        slope = (1 - hard) * slope + hard * losses.cross_entropy_slope(wide(x), y)
        eps = np.finfo(dtype).eps
        assert np.allclose(loss, wanted, rtol=8 * eps, atol=8 * eps)
        assert np.allclose(gradient, slope, rtol=8 * eps, atol=8 * eps)


def test_distillation_without_temperature_has_the_gradient_of_soft_targets() -> None:
    x, teacher = outputs("distillation", 20, 7), targets("distillation", 20, 7)
    _, gradient = F.distillation_loss(x, teacher, return_grad=True)
    _, wanted = F.cross_entropy(x, losses.softmax(teacher), return_grad=True)
    assert np.allclose(gradient, wanted, rtol=1e-13, atol=1e-16)
