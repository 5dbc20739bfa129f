"""Activations made of several ufuncs: prelu, rrelu, crelu, maxout, beta of swish, both forms of gelu."""

import inspect
import pickle
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F

from tests import oracles
from tests.support.registry import FLOATS, float_patterns, same_bits, spread, ulp_errors

Array = np.ndarray[Any, Any]

every_float = pytest.mark.parametrize("dtype", FLOATS)
every_storage = pytest.mark.parametrize("dtype", [np.float16, *FLOATS])

#: Shapes of x and of a parameter that broadcasts to it.
SHAPES = [
    ((7,), ()),
    ((7,), (1,)),
    ((7,), (7,)),
    ((40, 33), ()),
    ((40, 33), (33,)),
    ((40, 33), (40, 1)),
    ((40, 33), (1, 33)),
    ((5, 6, 7), (6, 1)),
    ((5, 6, 7), (5, 1, 7)),
    ((5, 6, 1), (6, 1)),
    ((5, 6, 1), (1,)),
    ((5, 1, 7), (5, 1, 1)),
    ((0, 3), (3,)),
    ((), ()),
]


def trained(name: str) -> Any:
    """The triple (f, f_backward, oracle of df/dparameter) of an activation with a trainable parameter."""
    oracle = {"prelu": "leaky_relu"}.get(name, name)
    return getattr(F, name), getattr(F, f"{name}_backward"), oracles.ACTIVATIONS[oracle].parameter_derivative


def sum_to(x: Array, shape: tuple[int, ...]) -> Array:
    """The sum of x over the axes along which `shape` was broadcast."""
    lead = x.ndim - len(shape)
    axes = tuple(i for i in range(x.ndim) if i < lead or (shape[i - lead] == 1 and x.shape[i] != 1))
    return x.sum(axis=axes, keepdims=True).reshape(shape)


@every_float
@pytest.mark.parametrize(("shape", "parameter_shape"), SHAPES)
@pytest.mark.parametrize("name", ["prelu", "swish"])
def test_parameter_gradient_is_that_of_the_oracle(
    name: str, shape: tuple[int, ...], parameter_shape: tuple[int, ...], dtype: Any
) -> None:
    _, backward, derivative = trained(name)
    size = int(np.prod(shape))
    x, dy = spread(size + 3, dtype, 4)[3:].reshape(shape), spread(size, dtype).reshape(shape)
    parameter = np.asarray(
        spread(int(np.prod(parameter_shape)), dtype, 0.5).reshape(parameter_shape) + dtype(1)
    )
    dx, gradient = backward(dy, x, parameter)
    wide = [array.astype(np.float64) for array in (dy, x, np.broadcast_to(parameter, shape))]
    each = wide[0] * derivative(oracles.Double, *wide[1:])
    allowed = 8 * np.finfo(dtype).eps
    assert gradient.dtype == dtype
    assert np.shape(gradient) == parameter_shape
    scale = max(1.0, float(np.abs(each).sum()))
    assert np.abs(gradient - sum_to(each, parameter_shape)).max(initial=0) <= allowed * scale
    assert same_bits(dx, getattr(F, f"{name}_derivative")(x, parameter) * dy)


@pytest.mark.parametrize(
    ("name", "parameter"), [("prelu", 0.25), ("swish", 1.0), ("swish", 1.7), ("swish", -0.3)]
)
def test_what_an_element_adds_is_within_three_ulp(name: str, parameter: float) -> None:
    """The bound holds if the exact value is a normal number; an infinite x contributes the limit."""
    _, backward, derivative = trained(name)
    x = float_patterns(100_003)
    each = np.full_like(x, parameter)
    _, found = backward(np.ones_like(x), x, each)
    with np.errstate(all="ignore"):
        exact = derivative(oracles.Double, x.astype(np.float64), each.astype(np.float64))
    errors = ulp_errors(found, exact)
    normal = (np.abs(exact) >= np.finfo(np.float32).smallest_normal) & np.isfinite(exact)
    assert errors[normal].max() <= 3
    infinite = np.array([-np.inf, np.inf])
    _, found = backward(np.ones(2), infinite, np.full(2, parameter))
    assert np.array_equal(found, [-np.inf, 0] if name == "prelu" else [0, 0])


@pytest.mark.parametrize("name", ["prelu", "swish"])
def test_parameter_gradient_is_the_slope_of_the_value(name: str) -> None:
    value, backward, _ = trained(name)
    x, dy, step = spread(500, np.float64, 5), spread(503, np.float64)[3:], 1e-6
    parameter = np.array(0.7)
    _, gradient = backward(dy, x, parameter)
    slope = (dy * (value(x, parameter + step) - value(x, parameter - step))).sum() / (2 * step)
    assert gradient == pytest.approx(slope, rel=1e-8)


@every_storage
def test_parameter_gradient_does_not_depend_on_layout(dtype: Any) -> None:
    x, dy = spread(64 * 48, dtype, 4).reshape(64, 48), spread(64 * 48 + 5, dtype)[5:].reshape(64, 48)
    weight = spread(48, dtype, 0.5)
    wanted = F.prelu_backward(dy, x, weight)
    assert wanted[1].dtype == dtype
    for arrays in (
        (np.asfortranarray(dy), np.asfortranarray(x), weight),
        (dy[::-1][::-1], x[:, ::-1][:, ::-1], np.repeat(weight, 2)[::2]),
    ):
        got = F.prelu_backward(*arrays)
        assert all(same_bits(a, b) for a, b in zip(got, wanted, strict=True))


def test_parameter_gradient_of_a_long_sum_is_exact_to_rounding() -> None:
    x = np.full(3_000_001, -0.1, np.float32)
    _, gradient = F.prelu_backward(np.ones_like(x), x, np.float32(0.25))
    assert ulp_errors(np.float32(gradient), np.float64(np.float32(-0.1)) * 3_000_001) <= 0.5


def test_parameter_gradient_wants_a_parameter_that_broadcasts() -> None:
    x = np.ones((4, 3))
    for shape in ((4,), (2, 3), (1, 3, 1)):
        with pytest.raises(ValueError, match=r"parameter: .*\(4, 3\)|broadcast"):
            F.prelu_backward(x, x, np.ones(shape))


def test_beta_is_trained_if_it_is_an_array() -> None:
    x = np.linspace(-3, 3, 7)
    for beta in (1.0, 0.5, 2):
        assert isinstance(F.swish_backward(x, x, beta), np.ndarray)
        assert isinstance(F.swish_backward(x, x, beta=beta), np.ndarray)
    betas: tuple[Any, ...] = (np.array(0.5), np.float64(0.5), np.full(7, 0.5), [0.5])
    for beta in betas:
        dx, dbeta = F.swish_backward(x, x, beta)
        assert same_bits(dx, F.swish_backward(x, x, 0.5))
        assert np.shape(dbeta) == np.shape(beta)


def test_parameters_of_other_libraries_stay_with_them() -> None:
    dask_array = pytest.importorskip("dask.array", reason="needs the extra [test]: dask")
    x, weight = spread(60, np.float64, 4).reshape(20, 3), np.array([0.1, 0.2, 0.3])
    lazy = dask_array.from_array(x, chunks=7)
    dx, gradient = F.prelu_backward(dask_array.ones_like(lazy), lazy, weight)
    wanted = F.prelu_backward(np.ones_like(x), x, weight)
    assert isinstance(dx, dask_array.Array)
    assert isinstance(gradient, dask_array.Array)
    assert np.allclose(gradient.compute(), wanted[1], rtol=1e-14)
    assert isinstance(F.crelu(lazy), dask_array.Array)
    assert isinstance(F.maxout(lazy, 3), dask_array.Array)
    assert same_bits(F.maxout(lazy, 3).compute(), F.maxout(x, 3))
    assert same_bits(F.crelu(lazy, axis=0).compute(), F.crelu(x, axis=0))


@every_storage
def test_prelu_is_leaky_relu_with_its_slopes(dtype: Any) -> None:
    x, weight = spread(300, dtype, 4).reshape(100, 3), np.array([0.25, -0.5, 2], dtype)
    for column, slope in enumerate(weight):
        assert same_bits(F.prelu(x, weight)[:, column], F.leaky_relu(x[:, column], slope))
        assert same_bits(
            F.prelu_derivative(x, weight)[:, column], F.leaky_relu_derivative(x[:, column], slope)
        )
    out = np.empty_like(x)
    assert F.prelu(x, weight, out=out) is out


class TestRrelu:
    """Tests of rrelu, with its random slopes."""

    @every_storage
    def test_evaluation_has_the_mean_slope(self, dtype: Any) -> None:
        x = spread(100, dtype, 4)
        assert same_bits(F.rrelu(x), F.leaky_relu(x, (1 / 8 + 1 / 3) / 2))
        assert same_bits(F.rrelu(x, 0.1, 0.4), F.leaky_relu(x, 0.25))
        y, slope = F.rrelu(x, return_slope=True)
        assert slope == (1 / 8 + 1 / 3) / 2
        assert same_bits(F.rrelu_derivative(x), F.leaky_relu_derivative(x, slope))
        assert same_bits(F.rrelu_backward(x, x), x * F.rrelu_derivative(x))
        assert same_bits(y, F.rrelu(x))

    @every_float
    @pytest.mark.parametrize("distribution", ["uniform", "normal"])
    def test_training_draws_a_slope_for_each_element(self, distribution: Any, dtype: Any) -> None:
        x = -np.ones((400, 500), dtype)
        y, slope = F.rrelu(x, training=True, rng=3, distribution=distribution, return_slope=True)
        assert y.dtype == slope.dtype == dtype
        assert same_bits(y, -slope)
        assert slope.mean() == pytest.approx((1 / 8 + 1 / 3) / 2, abs=1e-3)
        assert slope.std() == pytest.approx((1 / 3 - 1 / 8) / 12**0.5, rel=0.01)
        inside = ((slope >= 1 / 8) & (slope <= 1 / 3)).mean()
        assert inside == 1 if distribution == "uniform" else 0.85 < inside < 0.95
        assert len(np.unique(slope)) > 100_000

    @every_storage
    def test_backward_uses_the_slopes_of_the_forward_pass(self, dtype: Any) -> None:
        x, dy = spread(999, dtype, 4), spread(1000, dtype)[1:]
        y, slope = F.rrelu(x, training=True, rng=np.random.default_rng(5), return_slope=True)
        assert same_bits(y, np.where(x > 0, x, x * slope))
        assert same_bits(F.rrelu_derivative(x, slope), np.where(x > 0, dtype(1), slope))
        assert same_bits(F.rrelu_backward(dy, x, slope), dy * F.rrelu_derivative(x, slope))

    def test_seed_and_generator(self) -> None:
        x = -np.ones(50)
        first = F.rrelu(x, training=True, rng=7)
        assert same_bits(first, F.rrelu(x, training=True, rng=np.random.default_rng(7)))
        assert not same_bits(first, F.rrelu(x, training=True, rng=8))
        generator = np.random.default_rng(7)
        assert same_bits(first, F.rrelu(x, training=True, rng=generator))
        assert not same_bits(first, F.rrelu(x, training=True, rng=generator))

    def test_bad_arguments(self) -> None:
        with pytest.raises(ValueError, match=r"lower, upper: .*0\.5 and 0\.1"):
            F.rrelu([1.0], 0.5, 0.1)
        with pytest.raises(ValueError, match=r"distribution: 'gamma'.*uniform, normal"):
            F.rrelu([1.0], training=True, distribution="gamma")
        with pytest.raises(TypeError, match="leaky_relu"):
            F.rrelu([1j])


class TestCrelu:
    """Tests of crelu, the concatenation of relu(x) and relu(-x)."""

    @every_storage
    @pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
    def test_halves_along_an_axis(self, axis: int, dtype: Any) -> None:
        x = spread(60, dtype, 3).reshape(3, 4, 5)
        dy = spread(126, dtype)[6:]
        wanted = np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)], axis=axis) + dtype(0)
        assert same_bits(F.crelu(x, axis), wanted)
        shape = wanted.shape
        slopes = np.concatenate([(x > 0), -1.0 * (x < 0)], axis=axis).astype(dtype) + dtype(0)
        assert same_bits(F.crelu_derivative(x, axis), slopes)
        gradient = dy.reshape(shape)
        rising, falling = np.split(gradient * slopes, 2, axis=axis)
        assert np.array_equal(F.crelu_backward(gradient, x, axis), rising + falling)

    def test_special_values_and_integers(self) -> None:
        y = F.crelu(np.array([np.nan, np.inf, -np.inf, -0.0]))
        assert same_bits(y, np.array([np.nan, np.inf, 0, 0, np.nan, 0, np.inf, 0]))
        assert same_bits(F.crelu(np.array([-128, 127], np.int8)), np.array([0, 127, 128, 0], np.float16))
        assert F.crelu(np.zeros((0, 3))).shape == (0, 6)

    def test_bad_arguments(self) -> None:
        for function in (F.crelu, F.crelu_derivative):
            for x, axis in ((np.ones((2, 3)), 2), (1.0, -1)):
                with pytest.raises(np.exceptions.AxisError):
                    function(x, axis=axis)
        with pytest.raises(ValueError, match=r"dy: expected shape \(2, 6\).*\(2, 3\)"):
            F.crelu_backward(np.ones((2, 3)), np.ones((2, 3)))


class TestMaxout:
    """Tests of maxout, the maximum of neighboring pieces."""

    @every_storage
    @pytest.mark.parametrize("pieces", [1, 2, 3, 4, 5, 12])
    @pytest.mark.parametrize("axis", [0, 1, -1])
    def test_value_and_gradient(self, axis: int, pieces: int, dtype: Any) -> None:
        x = np.moveaxis(np.round(spread(37 * 60, dtype, 3), 1).astype(dtype).reshape(37, 60), 1, axis)
        groups = np.moveaxis(x, axis, 1).reshape(37, -1, pieces)
        wanted = np.moveaxis(groups.max(axis=2), 1, axis)
        assert np.array_equal(F.maxout(x, pieces, axis), wanted)
        slopes = np.eye(pieces, dtype=dtype)[
            groups.argmax(axis=2)
        ]  # argmax returns the first of equal elements
        assert same_bits(F.maxout_derivative(x, pieces, axis), np.moveaxis(slopes.reshape(37, 60), 1, axis))
        dy = spread(wanted.size, dtype).reshape(wanted.shape)
        spreading = np.repeat(dy, pieces, axis=axis) * F.maxout_derivative(x, pieces, axis)
        assert np.array_equal(F.maxout_backward(dy, x, pieces, axis), spreading)

    @every_storage
    @pytest.mark.parametrize("pieces", [2, 3, 5])
    def test_nan_spoils_its_group_alone(self, pieces: int, dtype: Any) -> None:
        x = spread(pieces * 40, dtype)
        for place in range(x.size):
            spoiled = x.copy()
            spoiled[place] = np.nan
            y, slopes = F.maxout(spoiled, pieces), F.maxout_derivative(spoiled, pieces)
            assert np.flatnonzero(np.isnan(y)).tolist() == [place // pieces]
            first = place // pieces * pieces
            assert np.flatnonzero(np.isnan(slopes)).tolist() == list(range(first, first + pieces))

    @every_float
    def test_threads_do_not_change_a_bit(self, dtype: Any) -> None:
        x, dy = spread(600_000, dtype), spread(200_000, dtype)
        found = []
        for count in (1, 2, 3):
            simdnn.set_num_threads(count)
            found.append((F.maxout(x, 3), F.maxout_derivative(x, 3), F.maxout_backward(dy, x, 3)))
        simdnn.set_num_threads(None)
        assert all(same_bits(a, b) for one in found for a, b in zip(one, found[0], strict=True))

    def test_strided_and_special(self) -> None:
        x = np.array([[-np.inf, -np.inf, np.inf, 1.0], [-0.0, 0.0, 0.0, -0.0]])
        assert same_bits(F.maxout(x, 2), np.array([[-np.inf, np.inf], [-0.0, 0.0]]))
        wide = spread(400, np.float32).reshape(10, 40)
        assert same_bits(F.maxout(wide[:, ::-2], 4), F.maxout(wide[:, ::-2].copy(), 4))
        assert F.maxout(np.zeros((0, 4)), 2).shape == (0, 2)

    def test_bad_arguments(self) -> None:
        with pytest.raises(ValueError, match=r"pieces: .*divisor of 5.*got 2"):
            F.maxout(np.ones((3, 5)), 2)
        with pytest.raises(ValueError, match=r"pieces: .*>= 1, got 0"):
            F.maxout(np.ones(4), 0)
        with pytest.raises(TypeError, match=r"pieces: .*float"):
            F.maxout(np.ones(4), 2.0)
        with pytest.raises(ValueError, match=r"dy: expected shape \(2,\), got \(4,\)"):
            F.maxout_backward(np.ones(4), np.ones(4), 2)


@every_storage
def test_gelu_has_two_forms(dtype: Any) -> None:
    x = spread(500, dtype, 5)
    for suffix in ("", "_derivative"):
        function, by_tanh = getattr(F, f"gelu{suffix}"), getattr(F, f"gelu_tanh{suffix}")
        assert same_bits(function(x, approximate="tanh"), by_tanh(x))
        assert same_bits(function(x, "tanh"), by_tanh(x))
        assert same_bits(function(x, approximate="none"), function(x))
        assert not same_bits(function(x), by_tanh(x))
    assert same_bits(F.gelu_backward(x, x, approximate="tanh"), F.gelu_tanh_backward(x, x))
    out = np.empty_like(x)
    assert F.gelu(x, approximate="tanh", out=out) is out
    with pytest.raises(ValueError, match=r"approximate: 'erf'.*none, tanh"):
        F.gelu(x, approximate="erf")


class TestFunctionsWithDefaults:
    """A ufunc wrapped with default parameters behaves like a Python function."""

    NAMES = ("elu", "hard_tanh_backward", "gelu", "swish_backward")

    @pytest.mark.parametrize("name", NAMES)
    def test_it_has_a_name_a_signature_and_pickles(self, name: str) -> None:
        function = getattr(F, name)
        assert function.__name__ == function.__qualname__ == name
        assert function.__module__ == "simdnn.functional"
        assert name in repr(function)
        assert pickle.loads(pickle.dumps(function)) is function
        assert callable(function)
        names = list(inspect.signature(function).parameters)
        assert names[0] == ("dy" if name.endswith("backward") else "x")
        assert function.__doc__.startswith(f"{name}({', '.join(names[:1])}")

    def test_arguments_by_place_and_by_name(self) -> None:
        x = np.array([-3.0, 0.5, 3.0])
        wanted = np.clip(x, -2, 0.25)
        for y in (
            F.hard_tanh(x, -2, 0.25),
            F.hard_tanh(x, -2, max_val=0.25),
            F.hard_tanh(x, min_val=-2, max_val=0.25),
            F.hard_tanh(x, max_val=0.25, min_val=-2.0),
        ):
            assert same_bits(y, wanted)
        assert same_bits(F.hard_tanh(x, max_val=0.25), np.clip(x, -1, 0.25))
        assert same_bits(F.hard_tanh(x, -2), np.clip(x, -2, 1))

    def test_wrong_arguments_are_type_errors(self) -> None:
        for call in (
            lambda: F.elu(),
            lambda: F.elu([1.0], beta=2),
            lambda: F.elu([1.0], 1, 2, 3),
            lambda: F.elu([1.0], 1.0, alpha=1.0),
        ):
            with pytest.raises(TypeError, match="elu"):
                call()

    def test_no_reference_is_lost(self) -> None:
        import sys

        x, alpha, out = np.ones(3), np.array(0.5), np.empty(3)
        before = [sys.getrefcount(thing) for thing in (x, alpha, out)]
        for _ in range(100):
            F.elu(x, alpha, out=out)
            F.elu(x, alpha=alpha, out=out)
            F.elu(x, out=out)
        assert [sys.getrefcount(thing) for thing in (x, alpha, out)] == before
