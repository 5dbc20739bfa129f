"""Softmax and related functions along rows: agreement with the oracle, independent rows, gradients."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import simdnn.functional as F

from tests.oracles import losses
from tests.support.registry import FLOATS, same_bits, spread, ulp_errors

Array = np.ndarray[Any, Any]

WIDTHS = [1, 2, 3, 10, 16, 17, 48, 64, 65, 1000, 32000, 100_000]


class Rowwise(NamedTuple):
    """A function of rows with its oracle, and its error bound in units in the last place of float32."""

    oracle: Callable[[Array], Array]
    ulp: float


ROWWISE = {
    "softmax": Rowwise(losses.softmax, 2),
    "log_softmax": Rowwise(losses.log_softmax, 2),
    "logsumexp": Rowwise(losses.logsumexp, 1),
}
ELEMENTS = ["softmax", "log_softmax"]

every_rowwise = pytest.mark.parametrize("name", ROWWISE)
every_elements = pytest.mark.parametrize("name", ELEMENTS)
every_float = pytest.mark.parametrize("dtype", FLOATS)
every_storage = pytest.mark.parametrize("dtype", [np.float16, *FLOATS])


def rows(count: int, width: int, dtype: Any = np.float64, bound: float = 12) -> Array:
    return spread(count * width, dtype, bound).reshape(count, width)


def slope_for(name: str, x: Array) -> Array:
    """A gradient dy with the shape of the result."""
    shape = getattr(F, name)(x).shape
    return spread(int(np.prod(shape)) + 3, x.dtype, 2)[3:].reshape(shape)


def assert_within(name: str, x: Array) -> None:
    """Asserts that every element is within its error bound of the oracle, which has extended precision."""
    exact = ROWWISE[name].oracle(x.astype(np.longdouble)).astype(np.float64)
    got = getattr(F, name)(x)
    assert got.dtype == np.float32
    errors = ulp_errors(got, exact)
    worst = np.unravel_index(np.argmax(errors), errors.shape)
    assert errors[worst] <= ROWWISE[name].ulp, f"{errors[worst]:.2f} ULP at {worst}"


@pytest.mark.parametrize("bound", [1, 12, 80])
@pytest.mark.parametrize("width", WIDTHS)
@every_rowwise
def test_float32_rows_are_within_their_budget(name: str, width: int, bound: float) -> None:
    assert_within(name, rows(3 if width > 1000 else 33, width, np.float32, bound))


def hard_rows(count: int, width: int, rng: np.random.Generator) -> dict[str, Array]:
    """Rows with large rounding errors: large logits, shifted logits, and one logit that dominates."""
    ahead = rng.uniform(-5, 5, (count, width))
    ahead[:, 0] = ahead.max(axis=1) + rng.uniform(0, 12, count)
    return {
        "alike": rng.uniform(-0.4, 0.4, (count, width)),
        "normal": rng.normal(size=(count, width)) * rng.choice([0.1, 1, 3, 10], (count, 1)),
        "wide": rng.uniform(-90, 0, (count, width)) + rng.choice([0, 100, -3000, 4000], (count, 1)),
        "ahead": ahead,
        "far": 3 * rng.normal(size=(count, width)) + rng.choice([4200, -5000, 1e5], (count, 1)),
    }


@pytest.mark.parametrize("width", [10, 1000, 32000])
@every_rowwise
def test_the_budget_holds_in_dense_samples(name: str, width: int) -> None:
    rng = np.random.default_rng(width)
    for x in hard_rows(max(1, 320_000 // width), width, rng).values():
        assert_within(name, x.astype(np.float32))


@pytest.mark.parametrize("width", [2, 10, 17, 49, 1000])
@every_rowwise
def test_the_budget_holds_for_large_logits(name: str, width: int) -> None:
    """Logits below and above 4096, where the shift of rows changes, and much larger ones."""
    for top in (300, 4000, 4096, 4097, 5000, 1e5, 3e8):
        for sign in (1, -1):
            x = rows(33, width, np.float64, 20) + sign * top
            assert_within(name, x.astype(np.float32))


@every_float
@every_rowwise
def test_a_row_beside_huge_ones_keeps_its_bits(name: str, dtype: Any) -> None:
    """Short rows with different shifts are computed in one panel."""
    function = getattr(F, name)
    for width in (1, 2, 10, 33, 64, 65):
        x = rows(40, width, dtype)
        x[::3] += dtype(5000)
        x[1::7] -= dtype(1e6)
        x[5] = np.finfo(dtype).max
        x[6, 0] = -np.inf
        whole = function(x)
        for i in range(40):
            assert same_bits(function(x[i]), whole[i])
            assert same_bits(function(x[i : i + 3])[0], whole[i])


@pytest.mark.parametrize("width", WIDTHS[:-1])
@every_rowwise
def test_float64_rows_match_extended_precision(name: str, width: int) -> None:
    x = rows(3, width)
    exact = ROWWISE[name].oracle(x.astype(np.longdouble))
    assert np.allclose(getattr(F, name)(x), exact.astype(np.float64), rtol=4e-15, atol=2e-16)


@every_float
@pytest.mark.parametrize("temperature", [1e-3, 0.1, 0.5, 2.0, 3.7, 100.0])
@every_rowwise
def test_temperature_divides(name: str, temperature: float, dtype: Any) -> None:
    for width in (1, 10, 49, 1000):
        x = rows(20, width, dtype)
        exact = ROWWISE[name].oracle(x.astype(np.longdouble) / dtype(temperature)).astype(np.float64)
        got = getattr(F, name)(x, temperature)
        assert got.dtype == dtype
        assert np.allclose(got, exact, rtol=2e-7 if dtype == np.float32 else 1e-12, atol=np.finfo(dtype).tiny)
        assert same_bits(getattr(F, name)(x, temperature=1.0), getattr(F, name)(x))
        each = np.linspace(0.5, 2, 20).astype(dtype)
        alone = [getattr(F, name)(x[i], each[i]) for i in range(20)]
        assert same_bits(getattr(F, name)(x, each), np.stack(alone))


@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0])
@every_rowwise
def test_backward_matches_central_differences(name: str, temperature: float) -> None:
    x, h = rows(5, 7, bound=3), 1e-6
    dy = slope_for(name, x)
    dx = getattr(F, f"{name}_backward")(dy, x, temperature)
    assert dx.shape == x.shape
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = h
        ends = [getattr(F, name)(x + sign * step, temperature) for sign in (1, -1)]
        assert ((ends[0] - ends[1]) * dy).sum() / (2 * h) == pytest.approx(dx[place], abs=1e-8)


BACKWARD = {
    "softmax": lambda dy, x: losses.softmax(x) * (dy - (dy * losses.softmax(x)).sum(-1, keepdims=True)),
    "log_softmax": lambda dy, x: dy - losses.softmax(x) * dy.sum(-1, keepdims=True),
    "logsumexp": lambda dy, x: dy[..., np.newaxis] * losses.softmax(x),
}


@every_float
@pytest.mark.parametrize("width", [1, 2, 10, 17, 49, 1000])
@every_rowwise
def test_backward_matches_oracle(name: str, width: int, dtype: Any) -> None:
    x = rows(20, width, dtype)
    dy, eps = slope_for(name, x), np.finfo(dtype).eps
    got = getattr(F, f"{name}_backward")(dy, x)
    assert got.dtype == dtype
    exact = BACKWARD[name](dy.astype(np.longdouble), x.astype(np.longdouble)).astype(np.float64)
    assert np.allclose(got, exact, rtol=8 * eps, atol=8 * eps * np.abs(dy).max())


@every_elements
def test_a_shift_changes_nothing(name: str) -> None:
    """All shifts and numbers are multiples of 1/8, so that their sums are exact."""
    x = np.round(8 * rows(20, 30)) / 8
    for shift in (-4000.0, -3.125, 100.0, 4095.875, 1e5):
        assert np.allclose(getattr(F, name)(x + shift), getattr(F, name)(x), rtol=1e-14, atol=1e-14)
        assert np.allclose(F.logsumexp(x + shift), F.logsumexp(x) + shift, rtol=1e-15)


@every_float
@pytest.mark.parametrize("width", WIDTHS)
def test_probabilities_sum_to_one(width: int, dtype: Any) -> None:
    total = F.softmax(rows(3, width, dtype)).sum(axis=1, dtype=np.float64)
    assert np.allclose(total, 1, rtol=4 * np.finfo(dtype).eps)


@every_storage
@every_rowwise
def test_any_axis_and_any_strides(name: str, dtype: Any) -> None:
    function, backward = getattr(F, name), getattr(F, f"{name}_backward")
    x = spread(5 * 17 * 6, dtype, 9).reshape(5, 17, 6)
    for axis in (0, 1, 2, -1, -2):
        moved = np.ascontiguousarray(np.moveaxis(x, axis, -1))
        wanted = function(moved)
        if wanted.ndim == x.ndim:
            wanted = np.moveaxis(wanted, -1, axis)
        assert same_bits(function(x, axis=axis), wanted)
        out = np.empty_like(wanted)
        assert function(x, axis=axis, out=out) is out
        assert same_bits(out, wanted)
        dy = spread(wanted.size, dtype).reshape(wanted.shape)
        turned = np.moveaxis(dy, axis, -1) if dy.ndim == x.ndim else dy
        assert same_bits(np.moveaxis(backward(dy, x, axis=axis), axis, -1), backward(turned, moved))
    wide = spread(4 * 200, dtype, 9).reshape(4, 200)
    for view in (wide[:, ::2], wide[:, ::-1], wide[::-1, 3::5], np.asfortranarray(wide)):
        assert same_bits(function(view), function(view.copy()))


@every_storage
@every_elements
def test_out_may_be_the_input(name: str, dtype: Any) -> None:
    for width in (5, 64, 65, 200):
        x = rows(20, width, dtype, 9)
        aligned = x.copy()
        assert same_bits(getattr(F, name)(aligned, out=aligned), getattr(F, name)(x))


@every_rowwise
def test_float16_is_float32_rounded(name: str) -> None:
    x = rows(9, 33, np.float16)
    assert same_bits(getattr(F, name)(x), getattr(F, name)(x.astype(np.float32)).astype(np.float16))


@every_float
@every_elements
def test_a_row_does_not_depend_on_the_others(name: str, dtype: Any) -> None:
    for width in (34, 70):
        x = rows(40, width, dtype)
        function = getattr(F, name)
        clean = function(x)
        for spoiler in (np.nan, np.inf):
            spoiled = x.copy()
            spoiled[7, 33] = spoiled[39, 0] = spoiler
            got = function(spoiled)
            assert np.isnan(got[[7, 39]]).all()
            others = np.delete(np.arange(40), [7, 39])
            assert same_bits(got[others], clean[others])
            assert np.isfinite(F.logsumexp(spoiled)[others]).all()


@every_float
def test_logsumexp_knows_infinities(dtype: Any) -> None:
    """Results as in PyTorch: a row of -inf gives -inf, a row with inf gives inf, a row with NaN gives NaN."""
    inf = np.inf
    x = np.array([[-inf, -inf, -inf], [-inf, 1, -inf], [inf, 0, -inf], [inf, np.nan, 0]], dtype)
    assert same_bits(F.logsumexp(x), np.array([-inf, 1, inf, np.nan], dtype))
    assert same_bits(F.logsumexp(x, 2.0), np.array([-inf, 0.5, inf, np.nan], dtype))


@every_float
@pytest.mark.parametrize("width", [2, 16, 17, 40, 49])
def test_masked_entries_are_exact(width: int, dtype: Any) -> None:
    x = rows(1, width, dtype)[0]
    for i in range(width):
        masked = x.copy()
        masked[i] = -np.inf
        kept = np.arange(width) != i
        assert same_bits(F.softmax(masked)[i], dtype(0))
        assert F.log_softmax(masked)[i] == -np.inf
        assert np.allclose(F.softmax(masked)[kept], losses.softmax(x[kept].astype(np.float64)), rtol=4e-7)
        alone = np.where(kept, dtype(-np.inf), x)
        assert same_bits(F.softmax(alone), (~kept).astype(dtype))
    assert np.isnan(F.softmax(np.full(width, -np.inf, dtype))).all()
    assert np.isnan(F.log_softmax(np.full(width, -np.inf, dtype))).all()


@every_float
def test_huge_logits_do_not_overflow(dtype: Any) -> None:
    largest = np.finfo(dtype).max
    x = np.array([[largest, largest, -largest], [-largest, -largest, -largest], [largest, 0, 1]], dtype)
    assert np.allclose(F.softmax(x), [[0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3], [1, 0, 0]])
    assert np.allclose(F.log_softmax(x)[1], -np.log(3))
    assert np.allclose(F.log_softmax(x)[2, 0], 0)
    assert same_bits(F.logsumexp(x), x[:, 0])
    loss, gradient = F.cross_entropy(x, [0, 1, 0], reduction="none", return_grad=True)
    assert np.allclose(loss, [np.log(2), np.log(3), 0])
    assert np.isfinite(gradient).all()


@every_float
@pytest.mark.parametrize("name", [*ROWWISE, "entropy"])
def test_no_floating_point_warning(name: str, dtype: Any) -> None:
    limits = np.finfo(dtype)
    x = np.array([0, -0.0, limits.max, -limits.max, limits.smallest_subnormal, -np.inf, 88, -88] * 4, dtype)
    with np.errstate(all="raise"):
        getattr(F, name)(x.reshape(4, 8))


@every_float
@pytest.mark.parametrize("width", [1, 2, 17, 1000])
def test_entropy_matches_oracle(width: int, dtype: Any) -> None:
    p = F.softmax(rows(20, width, dtype))
    p[0] = np.arange(width) == 0
    wide = p.astype(np.float64)
    with np.errstate(divide="ignore"):
        exact, slope = -losses.times(wide, np.log(wide)).sum(axis=1), -(np.log(wide) + 1)
    value, gradient = F.entropy(p, return_grad=True)
    eps = np.finfo(dtype).eps
    assert np.allclose(value, exact, rtol=4 * eps, atol=4 * eps)
    assert np.allclose(gradient, slope, rtol=4 * eps, atol=4 * eps)
    for got, wanted in zip(F.entropy(p.T, axis=0, return_grad=True), (value, gradient.T), strict=True):
        assert same_bits(got, wanted)
    assert value[0] == 0


@pytest.mark.parametrize("axis", [99, -99, 2**40, 10**30, -(10**30)])
@pytest.mark.parametrize("name", [*ROWWISE, "entropy"])
def test_an_axis_that_is_not_there(name: str, axis: int) -> None:
    """Axes that no C integer holds are refused like others."""
    with pytest.raises(np.exceptions.AxisError, match=f"axis {axis} is out of bounds"):
        getattr(F, name)(np.ones((3, 4)), axis=axis)
    with pytest.raises(np.exceptions.AxisError, match=f"axis {axis} is out of bounds"):
        getattr(F, f"{name}_backward", F.softmax_backward)(np.ones((3, 4)), np.ones((3, 4)), axis=axis)
