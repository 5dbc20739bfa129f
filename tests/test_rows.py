"""Softmax and losses over rows: close to the oracle, each row for itself, gradients that are derivatives."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import simdnn.functional as F

from . import oracles
from .registry import FLOATS, same_bits, spread, ulp_errors

Array = np.ndarray[Any, Any]

WIDTHS = [1, 10, 16, 17, 64, 1000, 32000]


class Rowwise(NamedTuple):
    """A function of rows: its oracle, and what float64 itself loses of it beside a logit that dominates."""

    oracle: Callable[[Array], Array]
    floor: float


ROWWISE = {"softmax": Rowwise(oracles.softmax, 0), "log_softmax": Rowwise(oracles.log_softmax, 1e-15)}

every_rowwise = pytest.mark.parametrize("name", ROWWISE)
every_float = pytest.mark.parametrize("dtype", FLOATS)
every_storage = pytest.mark.parametrize("dtype", [np.float16, *FLOATS])


def rows(count: int, width: int, dtype: Any = np.float64, bound: float = 12) -> Array:
    return spread(count * width, dtype, bound).reshape(count, width)


def labels(count: int, classes: int) -> Array:
    return np.arange(count) * 7 % classes


@pytest.mark.parametrize("bound", [1, 12, 80])
@pytest.mark.parametrize("width", WIDTHS)
@every_rowwise
def test_float32_rows_are_within_two_ulp(name: str, width: int, bound: float) -> None:
    x = rows(3, width, np.float32, bound)
    exact = ROWWISE[name].oracle(x.astype(np.float64))
    got = getattr(F, name)(x)
    assert got.dtype == np.float32
    errors = np.where(np.abs(got - exact) <= ROWWISE[name].floor, 0, ulp_errors(got, exact))
    worst = np.unravel_index(np.argmax(errors), errors.shape)
    assert errors[worst] <= 2, f"{errors[worst]:.2f} ULP: got {got[worst]!r}, exact {exact[worst]!r}"


@pytest.mark.parametrize("width", WIDTHS)
@every_rowwise
def test_float64_rows_match_extended_precision(name: str, width: int) -> None:
    x = rows(3, width)
    exact = ROWWISE[name].oracle(x.astype(np.longdouble))
    assert np.allclose(getattr(F, name)(x), exact.astype(np.float64), rtol=4e-15, atol=2e-16)


@every_storage
@every_rowwise
def test_any_axis_and_any_strides(name: str, dtype: Any) -> None:
    function = getattr(F, name)
    x = spread(5 * 17 * 6, dtype, 9).reshape(5, 17, 6)
    for axis in (0, 1, 2, -1, -2):
        moved = np.moveaxis(x, axis, -1)
        wanted = np.moveaxis(function(np.ascontiguousarray(moved)), -1, axis)
        assert same_bits(function(x, axis=axis), wanted)
        out = np.empty_like(x)
        assert function(x, axis=axis, out=out) is out
        assert same_bits(out, wanted)
    wide = spread(4 * 200, dtype, 9).reshape(4, 200)
    for view in (wide[:, ::2], wide[:, ::-1], wide[::-1, 3::5], np.asfortranarray(wide)):
        assert same_bits(function(view), function(view.copy()))
    aligned = wide.copy()
    assert same_bits(function(aligned, out=aligned), function(wide))


@every_rowwise
def test_float16_is_float32_rounded(name: str) -> None:
    x = rows(9, 33, np.float16)
    assert same_bits(getattr(F, name)(x), getattr(F, name)(x.astype(np.float32)).astype(np.float16))


@every_float
@every_rowwise
def test_a_row_does_not_depend_on_the_others(name: str, dtype: Any) -> None:
    x = rows(40, 50, dtype)
    function = getattr(F, name)
    clean = function(x)
    for spoiler in (np.nan, np.inf):
        spoiled = x.copy()
        spoiled[7, 33] = spoiled[39, 0] = spoiler
        got = function(spoiled)
        assert np.isnan(got[7]).all()
        assert np.isnan(got[39]).all()
        others = np.delete(np.arange(40), [7, 39])
        assert same_bits(got[others], clean[others])
    for i in range(40):
        assert same_bits(function(x[i]), clean[i])


@every_float
@pytest.mark.parametrize("width", [2, 16, 17, 40])
def test_masked_entries_are_exact(width: int, dtype: Any) -> None:
    x = rows(1, width, dtype)[0]
    for i in range(width):
        masked = x.copy()
        masked[i] = -np.inf
        kept = np.arange(width) != i
        assert F.softmax(masked)[i] == 0
        assert F.log_softmax(masked)[i] == -np.inf
        assert np.allclose(F.softmax(masked)[kept], oracles.softmax(x[kept].astype(np.float64)), rtol=4e-7)
        alone = np.where(kept, dtype(-np.inf), x)
        assert same_bits(F.softmax(alone), (~kept).astype(dtype))
    assert np.isnan(F.softmax(np.full(width, -np.inf, dtype))).all()


@every_float
def test_huge_logits_do_not_overflow(dtype: Any) -> None:
    largest = np.finfo(dtype).max
    x = np.array([[largest, largest, -largest], [-largest, -largest, -largest], [largest, 0, 1]], dtype)
    assert np.allclose(F.softmax(x), [[0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3], [1, 0, 0]])
    assert np.allclose(F.log_softmax(x)[1], -np.log(3))
    assert np.allclose(F.log_softmax(x)[2, 0], 0)
    loss, gradient = F.cross_entropy(x, [0, 1, 0], reduction="none", return_grad=True)
    assert np.allclose(loss, [np.log(2), np.log(3), 0])
    assert np.isfinite(gradient).all()
    small = rows(4, 30, dtype, 3)
    assert np.allclose(F.softmax(small + dtype(1e4)), F.softmax((small + dtype(1e4)) - dtype(1e4)), rtol=1e-6)


@every_storage
@pytest.mark.parametrize(("count", "classes"), [(1, 1), (3, 2), (32, 10), (5, 17), (300, 64), (4, 1000)])
def test_cross_entropy_matches_oracle(count: int, classes: int, dtype: Any) -> None:
    x, y = rows(count, classes, dtype), labels(count, classes)
    wide = x.astype(np.float64)
    each = oracles.LOSSES["cross_entropy"].rows(wide, y)
    slope = oracles.LOSSES["cross_entropy"].gradient(wide, y)
    compute = np.float64 if dtype == np.float64 else np.float32
    tolerance = {"rtol": 8 * np.finfo(compute).eps, "atol": 4 * np.finfo(compute).eps}
    for reduction, loss_of, scale in (
        ("mean", each.mean(), count),
        ("sum", each.sum(), 1),
        ("none", each, 1),
    ):
        loss, gradient = F.cross_entropy(x, y, reduction=reduction, return_grad=True)
        assert gradient.shape == x.shape
        assert gradient.dtype == compute
        assert np.allclose(loss, loss_of, **tolerance)
        assert np.allclose(gradient * scale, slope, **tolerance)
        assert same_bits(F.cross_entropy(x, y, reduction=reduction), loss)
    assert isinstance(F.cross_entropy(x, y), float)
    one = F.cross_entropy(x[0], y[0], return_grad=True)
    assert np.allclose(one[0], each[0], **tolerance)
    assert np.allclose(one[1], slope[0], **tolerance)


@every_storage
@pytest.mark.parametrize("shape", [(1,), (7,), (5, 3), (2, 3, 4), (40, 100), ()])
def test_mse_matches_oracle(shape: tuple[int, ...], dtype: Any) -> None:
    size = int(np.prod(shape))
    x, y = spread(2 * size, dtype, 3).reshape(2, *shape)
    each = (x.astype(np.float64) - y.astype(np.float64)) ** 2
    slope = 2 * (x.astype(np.float64) - y.astype(np.float64))
    compute = np.float64 if dtype == np.float64 else np.float32
    for reduction, loss_of, scale in (("mean", each.mean(), size), ("sum", each.sum(), 1), ("none", each, 1)):
        loss, gradient = F.mse_loss(x, y, reduction=reduction, return_grad=True)
        assert gradient.shape == np.shape(x)
        assert np.allclose(loss, loss_of, rtol=8 * np.finfo(compute).eps)
        assert np.allclose(gradient * scale, slope, rtol=8 * np.finfo(compute).eps)
        assert same_bits(F.mse_loss(x, y, reduction=reduction), loss)


def test_gradients_match_central_differences() -> None:
    x, y, values = rows(6, 9, bound=3), labels(6, 9), spread(54, np.float64, 2).reshape(6, 9)
    h = 1e-6
    for loss, target in ((F.cross_entropy, y), (F.mse_loss, values)):
        for reduction in ("mean", "sum"):
            _, gradient = loss(x, target, reduction=reduction, return_grad=True)
            for place in np.ndindex(x.shape):
                step = np.zeros_like(x)
                step[place] = h
                ends = [loss(x + sign * step, target, reduction=reduction) for sign in (1, -1)]
                assert abs((ends[0] - ends[1]) / (2 * h) - gradient[place]) < 1e-8


@every_float
def test_ignored_rows_add_nothing(dtype: Any) -> None:
    x, y = rows(12, 5, dtype), labels(12, 5)
    for ignore_index in (-100, -1, 3, 99):
        marked = y.copy()
        marked[[2, 5, 11]] = ignore_index
        kept = marked != ignore_index
        loss, gradient = F.cross_entropy(x, marked, ignore_index=ignore_index, return_grad=True)
        wanted, slope = F.cross_entropy(x[kept], marked[kept], return_grad=True)
        assert np.isclose(loss, wanted, rtol=1e-14)
        assert same_bits(gradient[kept], slope)
        assert not gradient[~kept].any()
        each = F.cross_entropy(x, marked, ignore_index=ignore_index, reduction="none")
        assert not each[~kept].any()
    everything = np.full(12, -100)
    assert np.isnan(F.cross_entropy(x, everything))
    assert F.cross_entropy(x, everything, reduction="sum") == 0


@pytest.mark.parametrize("kind", [*"bBhHiIlLqQ", ">i4", ">i8", ">u2"])
def test_every_integer_dtype_is_a_label(kind: str) -> None:
    x, y = rows(8, 5), labels(8, 5)
    assert same_bits(F.cross_entropy(x, y.astype(kind)), F.cross_entropy(x, y))
    twice = np.repeat(y, 2).astype(kind)[::2]
    assert same_bits(F.cross_entropy(x, twice), F.cross_entropy(x, y))


def test_losses_read_any_layout() -> None:
    x, y = rows(20, 14, np.float32), labels(20, 7)
    for view in (x[:, ::2], x[::-1, :7], np.asfortranarray(x[:, :7]), x[:, :7].astype(">f4")):
        plain = np.ascontiguousarray(view, dtype=np.float32)
        for got, wanted in zip(
            F.cross_entropy(view, y, return_grad=True),
            F.cross_entropy(plain, y, return_grad=True),
            strict=True,
        ):
            assert np.allclose(got, wanted, rtol=1e-6)
        assert np.isclose(F.mse_loss(view, plain[::-1]), F.mse_loss(plain, plain[::-1]))


@every_float
def test_a_spoiled_row_spoils_only_its_own_gradient(dtype: Any) -> None:
    x, y = rows(9, 21, dtype), labels(9, 21)
    clean = F.cross_entropy(x, y, reduction="none", return_grad=True)
    x[4, 20] = np.nan
    for got, before in zip(F.cross_entropy(x, y, reduction="none", return_grad=True), clean, strict=True):
        assert np.isnan(got[4]).all()
        assert same_bits(np.delete(got, 4, axis=0), np.delete(before, 4, axis=0))


@every_float
@pytest.mark.parametrize(
    "function", [F.softmax, F.log_softmax, lambda x: F.cross_entropy(x, labels(4, x.shape[-1]))]
)
def test_no_floating_point_warning(function: Any, dtype: Any) -> None:
    limits = np.finfo(dtype)
    x = np.array([0, -0.0, limits.max, -limits.max, limits.smallest_subnormal, -np.inf, 88, -88] * 4, dtype)
    with np.errstate(all="raise"):
        function(x.reshape(4, 8))
