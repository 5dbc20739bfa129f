"""Every activation agrees with its paper's formula, within the error bound of its description."""

from typing import Any

import mpmath
import numpy as np
import pytest
import simdnn.functional as F

from tests import oracles
from tests.support.registry import (
    ACTIVATIONS,
    FLOATS,
    float_patterns,
    mixed_bits,
    parameters_of,
    same_bits,
    special_values,
    ulp_errors,
)

Array = np.ndarray[Any, Any]

#: Pairs (activation, parameters): the default parameters, and others that the oracle lists.
CASES = [
    pytest.param(name, parameters, id=f"{name}{parameters or ''}")
    for name in ACTIVATIONS
    for parameters in (parameters_of(name), *oracles.ACTIVATIONS[name].parameters)
    if name in oracles.ACTIVATIONS
]
NAMES = [name for name in ACTIVATIONS if name in oracles.ACTIVATIONS]
KINDS = ["value", "derivative"]


def function(name: str, kind: str) -> Any:
    return getattr(F, name if kind == "value" else f"{name}_{kind}")


def formula(name: str, kind: str) -> Any:
    return getattr(oracles.ACTIVATIONS[name], kind)


def root_of(name: str, kind: str, parameters: tuple[float, ...]) -> float:
    """The x at which the function crosses zero, near which no relative error is bounded; NaN if none."""
    return oracles.ACTIVATIONS[name].root(*parameters) if kind == "derivative" else np.nan


def assert_within(got: Array, exact: Array, x: Array, bound: float, root: float, errors: Array) -> None:
    """Asserts errors within the bound in ULP, 2 ULP for a subnormal result, eps / 10 near a root."""
    limits = np.finfo(got.dtype)
    allowed = np.where(np.abs(exact) < limits.smallest_normal, 2, bound)
    with np.errstate(invalid="ignore"):
        near = (np.abs(x - root) <= 0.2 * abs(root)) & (np.abs(got - exact) <= limits.eps / 10)
    wrong = (errors > allowed) & ~near
    worst = int(np.argmax(np.where(wrong, errors, 0)))
    assert not wrong.any(), (
        f"{errors[worst]:.3f} ULP, allowed {allowed[worst]}, at x = {x[worst]!r}:"
        f" got {got[worst]!r}, exact {exact[worst]!r}"
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_float32_is_within_its_bound_of_the_oracle(
    name: str, parameters: tuple[float, ...], kind: str
) -> None:
    x = float_patterns()
    rounded = [float(np.float32(p)) for p in parameters]
    with np.errstate(all="ignore"):
        exact = formula(name, kind)(oracles.Double, x.astype(np.float64), *rounded)
    got = function(name, kind)(x, *parameters)
    assert got.dtype == np.float32
    bound = ACTIVATIONS[name][f"{kind}_ulp"]
    assert_within(got, exact, x, bound, root_of(name, kind, parameters), ulp_errors(got, exact))


def float64_samples() -> Array:
    """Numbers of every exponent and sign, more of them where functions bend, and special values."""
    words = mixed_bits(3000, np.uint64)
    mantissas = words & np.uint64((1 << 52) - 1)
    exponents = np.concatenate([np.arange(1000) * 2046 // 999, np.arange(2000) % 44 + 990]).astype(np.uint64)
    signs = words & np.uint64(1 << 63)
    return np.concatenate(
        [(signs | exponents << np.uint64(52) | mantissas).view(np.float64), special_values(np.float64)]
    )


@pytest.mark.parametrize(("kind", "bound"), [("value", 2), ("derivative", 4)])
@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_float64_is_close_to_arbitrary_precision(
    name: str, parameters: tuple[float, ...], kind: str, bound: float
) -> None:
    x = float64_samples()
    got = function(name, kind)(x, *parameters)
    assert got.dtype == np.float64
    with mpmath.workprec(250):
        precise = [formula(name, kind)(oracles.Precise, mpmath.mpf(float(one)), *parameters) for one in x]
        exact = np.array([float(one) for one in precise])
        _, exponents = np.frexp(exact)
        units = [mpmath.ldexp(1, max(int(e) - 53, -1074)) for e in exponents]
        pairs = zip(got, precise, units, exact, strict=True)
        errors = np.array(
            [
                0 if np.isinf(e) and g == e else float(abs(mpmath.mpf(float(g)) - p) / u)
                for g, p, u, e in pairs
            ]
        )
    assert_within(got, exact, x, bound, root_of(name, kind, parameters), errors)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_float16_is_correctly_rounded(name: str, kind: str) -> None:
    """All 65,536 inputs are tested; mpmath decides where float64 is not accurate enough."""
    x = np.arange(2**16, dtype=np.uint16).view(np.float16)
    x = x[np.isfinite(x)]
    got = function(name, kind)(x)
    parameters = [float(np.float16(p)) for p in parameters_of(name)]
    with np.errstate(all="ignore"):
        wide = formula(name, kind)(oracles.Double, x.astype(np.float64), *parameters)
        wanted = wide.astype(np.float16)
    for i in np.flatnonzero(~((got == wanted) | (np.isnan(got) & np.isnan(wanted)))):
        if x[i] == 0:
            assert got[i] == np.float16(oracles.ACTIVATIONS[name].slope_at_zero(*parameters))
            continue
        with mpmath.workprec(250):
            precise = formula(name, kind)(oracles.Precise, mpmath.mpf(float(x[i])), *parameters)
            near = [
                got[i],
                np.nextafter(got[i], np.float16(-np.inf)),
                np.nextafter(got[i], np.float16(np.inf)),
            ]
            distances = [abs(mpmath.mpf(float(one)) - precise) for one in near]
        assert distances[0] == min(distances), f"x = {x[i]!r}: got {got[i]!r}, exact {float(precise)!r}"


@pytest.mark.parametrize("dtype", [np.float16, *FLOATS])
@pytest.mark.parametrize("name", NAMES)
def test_nan_in_is_nan_out(name: str, dtype: Any) -> None:
    word: Any = {2: np.uint16, 4: np.uint32, 8: np.uint64}[np.dtype(dtype).itemsize]
    quiet = np.array([np.nan, -np.nan], dtype)
    signaling = (quiet.view(word) ^ (word(1) << word(np.finfo(dtype).nmant - 1)) | word(1)).view(dtype)
    x = np.tile(np.concatenate([quiet, signaling]), 5)
    for kind in KINDS:
        assert np.isnan(function(name, kind)(x)).all()
    assert np.isnan(function(name, "backward")(np.ones_like(x), x)).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_nan_stays_in_its_lane(name: str, dtype: Any) -> None:
    x = np.linspace(-3, 3, 67, dtype=dtype)
    for kind in KINDS:
        clean = function(name, kind)(x)
        for place in range(67):
            spoiled = x.copy()
            spoiled[place] = np.nan
            assert np.flatnonzero(function(name, kind)(spoiled) != clean).tolist() == [place]


@pytest.mark.parametrize("dtype", [np.float16, *FLOATS])
@pytest.mark.parametrize("name", NAMES)
def test_limits_at_infinity(name: str, dtype: Any) -> None:
    x = np.array([-np.inf, np.inf], dtype)
    limits = np.array(oracles.ACTIVATIONS[name].limits, np.float32 if dtype == np.float16 else dtype).astype(
        dtype
    )
    assert same_bits(function(name, "value")(x), limits[:2])
    assert np.array_equal(function(name, "derivative")(x), limits[2:])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_derivative_at_zero_is_the_documented_one(
    name: str, parameters: tuple[float, ...], dtype: Any
) -> None:
    slope = dtype(oracles.ACTIVATIONS[name].slope_at_zero(*parameters))
    assert same_bits(
        function(name, "derivative")(np.array([0.0, -0.0], dtype), *parameters), np.array([slope, slope])
    )


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_sign_of_zero_is_that_of_the_exact_result(name: str, dtype: Any) -> None:
    x = special_values(dtype)
    with np.errstate(all="ignore"):
        exact = formula(name, "value")(oracles.Double, x.astype(np.float64), *parameters_of(name))
    got = function(name, "value")(x)
    zeros = got == 0
    assert np.array_equal(np.signbit(got[zeros]), np.signbit(exact[zeros]))


@pytest.mark.parametrize("dtype", [np.float16, *FLOATS])
@pytest.mark.parametrize("name", NAMES)
def test_backward_is_the_incoming_gradient_times_the_derivative(name: str, dtype: Any) -> None:
    x = np.concatenate([special_values(np.float32), np.linspace(-9, 9, 999)])
    with np.errstate(over="ignore"):
        x = x.astype(dtype)
    dy = np.linspace(3, -3, x.size).astype(dtype)
    compute = np.float64 if dtype == np.float16 else dtype
    with np.errstate(all="ignore"):
        rounded = [dtype(p) for p in parameters_of(name)]
        wanted = dy.astype(compute) * function(name, "derivative")(x.astype(compute), *rounded)
        wanted = wanted.astype(dtype)
    assert same_bits(function(name, "backward")(dy, x), wanted)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", [name for name in NAMES if oracles.ACTIVATIONS[name].equals])
def test_special_case_has_the_bits_of_the_general_one(name: str, dtype: Any) -> None:
    other, parameters = oracles.ACTIVATIONS[name].equals
    x = float_patterns().astype(dtype)
    for kind in KINDS:
        assert same_bits(function(name, kind)(x, *parameters), function(other, kind)(x))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", [name for name in NAMES if oracles.ACTIVATIONS[name].identities])
def test_identities_hold_to_the_bit(name: str, dtype: Any) -> None:
    x = float_patterns().astype(dtype)
    for kind, expression in oracles.ACTIVATIONS[name].identities:
        assert same_bits(function(name, kind)(x), expression(F, x))
