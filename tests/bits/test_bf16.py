"""Products of bfloat16 factors: every output has the bits that the TDPBF16PS instruction gives it.

The rule of that instruction: k is cut into blocks of 32, the last one padded with zeros. In a block, the
products of even k and of odd k are two chains of fused multiply-adds from zero; then c += even + odd.
Subnormal operands and results are zeros of their sign; a result is subnormal if it is so after rounding with
an unbounded exponent.
"""

import platform
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import nn

from tests.support.processes import control_word, raised_flags, run
from tests.support.registry import same_bits, spread, with_threads
from tests.tools.golden import digest

Array = np.ndarray[Any, Any]

LEAST = 2.0**-126

#: Shapes (rows, inputs, outputs): remainders of tiles, vectors and blocks; few rows; several parts, chunks.
SHAPES = [
    (1, 1, 1),
    (1, 70, 33),
    (4, 31, 15),
    (12, 65, 64),
    (13, 33, 17),
    (15, 32, 16),
    (16, 63, 65),
    (17, 64, 1),
    (31, 15, 100),
    (33, 2, 63),
    (65, 129, 48),
    (300, 17, 10),
    (40, 600, 31),
    (30, 30, 150),
]


def normal(rng: np.random.Generator, count: int) -> Array:
    return rng.standard_normal(count)


def wide(rng: np.random.Generator, count: int) -> Array:
    return np.ldexp(rng.standard_normal(count), rng.integers(-60, 60, count))


def subnormal(rng: np.random.Generator, count: int) -> Array:
    return np.ldexp(rng.standard_normal(count), -50 - rng.integers(0, 90, count))


def canceling(rng: np.random.Generator, count: int) -> Array:
    return np.ldexp(1 + rng.integers(0, 4, count) / 128, rng.integers(0, 20, count)) * rng.choice(
        [-1, 1], count
    )


def tiny(rng: np.random.Generator, count: int) -> Array:
    """Factors whose products are near the smallest normal number."""
    return np.ldexp(rng.choice([1, 1, 1.5, 1.0078125], count), -60 - rng.integers(0, 8, count)) * rng.choice(
        [-1, 1], count
    )


def special(rng: np.random.Generator, count: int) -> Array:
    x = rng.standard_normal(count)
    at = rng.integers(0, 900, count)
    for place, value in enumerate([np.inf, -np.inf, np.nan, 0.0, -0.0, 3e38, 1e-40]):
        x[at == place] = value
    x[at > 700] = 0.0
    return x


def any_bits(rng: np.random.Generator, count: int) -> Array:
    return rng.integers(0, 2**32, count, dtype=np.uint32).view(np.float32)


KINDS = (normal, wide, subnormal, canceling, tiny, special, any_bits)
every_kind = pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])


def numbers(kind: Callable[[np.random.Generator, int], Array], seed: int, *shape: int) -> Array:
    with np.errstate(all="ignore"):
        return kind(np.random.default_rng(seed), int(np.prod(shape))).astype(np.float32).reshape(shape)


def narrow(x: Array) -> Array:
    """float64 numbers rounded to float32 with an unbounded exponent, then flushed to zero or to infinity."""
    bits = x.view(np.uint64)
    kept = (bits + np.uint64(2**28 - 1) + (bits >> np.uint64(29) & np.uint64(1))) & ~np.uint64(2**29 - 1)
    y = np.where(np.isfinite(x), kept.view(np.float64), x)
    y = np.where(np.abs(y) < LEAST, np.copysign(0.0, y), y)
    return np.where(np.abs(y) >= 2.0**128, np.copysign(np.inf, y), y)


def flush(x: Array) -> Array:
    """float32 numbers in float64, subnormal ones as zeros of their sign."""
    with np.errstate(invalid="ignore"):  # a signaling NaN becomes a quiet one
        y = x.astype(np.float64)
    return np.where(np.abs(y) < LEAST, np.copysign(0.0, y), y)


def rounded(x: Array) -> Array:
    """float32 numbers rounded to bfloat16, to even in a tie; subnormal ones become zeros of their sign."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    kept = ((bits + np.uint32(0x7FFF) + (bits >> 16 & np.uint32(1))) & np.uint32(0xFFFF0000)).view(np.float32)
    return np.where(np.isnan(x), np.nan, np.where(np.abs(flush(x)) > 0, flush(kept), flush(x)))


def fma(x: Array, y: Array, z: Array) -> Array:
    """x y + z for bfloat16 x, y and float32 z: an exact product, a sum rounded to odd, then narrowed."""
    product = x * y
    total = product + z
    back = total - product
    error = (product - (total - back)) + (z - back)
    even = (total.view(np.int64) & 1) == 0
    odd = np.nextafter(total, np.where(error > 0, np.inf, -np.inf))
    return narrow(np.where((error != 0) & even & np.isfinite(total), odd, total))


def product(a: Array, b: Array, start: Array) -> Array:
    """The matrix start + a b by the rule, where a and b are already rounded."""
    with np.errstate(all="ignore"):
        c = np.broadcast_to(flush(start), (a.shape[0], b.shape[1]))
        for first in range(0, a.shape[1], 32):
            chains = [np.zeros(c.shape), np.zeros(c.shape)]
            for k in range(first, first + 32):
                x, y = (a[:, k, None], b[None, k, :]) if k < a.shape[1] else (np.zeros((1, 1)),) * 2
                chains[k % 2] = fma(x, y, chains[k % 2])
            c = narrow(c + narrow(chains[0] + chains[1]))
        return c.astype(np.float32)


def equal(found: Array, wanted: Array) -> bool:
    """True for equal bits, where any NaN equals any other."""
    nan = np.isnan(found)
    return bool((nan == np.isnan(wanted)).all()) and same_bits(
        np.where(nan, 0, found), np.where(nan, 0, wanted)
    )


def network(weight: Array, bias: Array) -> nn.Sequential:
    model = nn.Sequential(nn.Dense(*weight.shape), rng=0, precision="bf16")
    for view, value in zip(model.parameters().values(), (weight, bias), strict=True):
        view[...] = value
    return model


def dense(weight: Array, bias: Array, x: Array, dy: Array) -> tuple[Array, Array, Array]:
    """Output y, weight gradient dW and input gradient dX of a dense layer."""
    model = network(weight, bias)
    y = model.forward(x, training=True).copy()
    dx = model.backward(dy)
    return y, model.gradients()["0.weight"].copy(), dx


def arguments(kind: Callable[[np.random.Generator, int], Array], shape: tuple[int, int, int]) -> list[Array]:
    """Weight, bias, x and dy of a dense layer. A backward pass flushes dy below 2^-63, so it has none."""
    rows, inputs, outputs = shape
    shapes = [(inputs, outputs), (outputs,), (rows, inputs), (rows, outputs)]
    weight, bias, x, dy = (numbers(kind, seed, *shape) for seed, shape in enumerate(shapes))
    return [weight, bias, x, np.where(np.abs(dy) < 2.0**-63, np.float32(0), dy)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@every_kind
def test_products_follow_the_rule(
    kind: Callable[[np.random.Generator, int], Array], shape: tuple[int, int, int]
) -> None:
    weight, bias, x, dy = arguments(kind, shape)
    y, dweight, dx = dense(weight, bias, x, dy)
    zero = np.float32(0)
    assert equal(y, product(rounded(x), rounded(weight), bias))
    assert equal(network(weight, bias)(x), y)
    assert equal(dweight, product(rounded(x).T, rounded(dy), zero))
    assert equal(dx, product(rounded(dy), rounded(weight).T, zero))


def test_oracle_rounds_as_fractions_do() -> None:
    """The sum of a chain's step against exact arithmetic, at the border of the normal numbers too."""
    rng = np.random.default_rng(5)
    for kind in (normal, wide, subnormal, canceling, tiny):
        x, y = (rounded(numbers(kind, seed, 300)) for seed in (1, 2))
        z = flush(numbers(kind, 3, 300) * np.float32(rng.choice([1, 2.0**-64])))
        for a, b, c, found in zip(x, y, z, fma(x, y, z), strict=True):
            exact = Fraction(a) * Fraction(b) + Fraction(c)
            if exact == 0:
                assert found == 0
                continue
            exponent = 0
            while abs(exact) >= Fraction(2) ** (exponent + 1):
                exponent += 1
            while abs(exact) < Fraction(2) ** exponent:
                exponent -= 1
            unit = Fraction(2) ** (exponent - 23)
            value = round(exact / unit) * unit  # round is to even in a tie
            assert found == (0 if abs(value) < Fraction(LEAST) else float(value))


def test_tininess_is_detected_after_rounding() -> None:
    """2^-126 less f 2^-150: gradual underflow gives 2^-126 for f up to 1, this rule for f up to a half."""
    for f, wanted in ((0.25, LEAST), (0.5, LEAST), (0.625, 0.0), (1.0, 0.0), (2.0, 0.0)):
        x = np.array([[2.0**-63, 0, -f * 2.0**-76, 0]], np.float32)
        weight = np.array([[2.0**-63], [0], [2.0**-74], [0]], np.float32)
        y = network(weight, np.zeros(1, np.float32))(x)
        assert y[0, 0] == wanted, f


def test_every_nan_of_a_sum_is_the_same() -> None:
    weight, bias, x, dy = arguments(special, (40, 300, 40))
    for found in dense(weight, bias, x, dy):
        assert set(found.view(np.uint32)[np.isnan(found)]) == {0x7FC00000}


@pytest.mark.parametrize("shape", [(600, 48, 70), (40, 600, 300)], ids=str)
def test_bits_do_not_depend_on_threads_or_alignment(shape: tuple[int, int, int]) -> None:
    weight, bias, x, dy = arguments(wide, shape)
    wanted = dense(weight, bias, x, dy)
    shifted = [np.concatenate([np.zeros(1, np.float32), m.ravel()])[1:].reshape(m.shape) for m in (x, dy)]
    for threads in (1, 2, 3):
        assert all(map(same_bits, with_threads(threads, lambda: dense(weight, bias, *shifted)), wanted))


def test_a_row_has_the_bits_that_it_has_in_a_batch() -> None:
    weight, bias, x, _ = arguments(wide, (40, 333, 129))
    model = network(weight, bias)
    whole = model(x)
    for count in (1, 2, 5, 12, 13, 17):
        assert same_bits(np.concatenate([model(x[i : i + count]) for i in range(0, 40, count)]), whole)


def digests() -> str:
    """Hashes of the products of all kinds of numbers and shapes; a NaN is the same everywhere."""
    return digest(*(m for kind in KINDS for shape in SHAPES for m in dense(*arguments(kind, shape))))


def test_levels_agree(isa: str) -> None:
    script = "from tests.bits.test_bf16 import digests; print(digests())"
    assert run(script, timeout=120, SIMDNN_ISA=isa).strip() == digests()


def test_the_matrix_unit_is_used_where_it_is() -> None:
    """This machine's own level computes the products of the other tests of this file."""
    config = simdnn.show_config("dicts")
    if "amx" not in config["isa_available"]:
        pytest.skip("no matrix unit here: its tiles were NOT compared with the emulation")
    assert config["isa_available"][-1] == "amx"


@pytest.mark.skipif(platform.system() != "Linux", reason="reads the control word by the C library of Linux")
def test_control_word_and_flags_are_left_alone() -> None:
    """The emulation flushes by the control word of x86-64, and restores it with its flags."""
    weight, bias, x, dy = arguments(subnormal, (40, 70, 33))
    before = control_word()
    assert raised_flags(lambda: dense(weight, bias, x, dy)) == ""
    assert control_word() == before


def test_rounding_of_inputs_is_to_even() -> None:
    """Ties, overflow, subnormal numbers: a product with 1 shows the factor."""
    bits = [0x3F808000, 0x3F818000, 0x3F808001, 0x7F7FFFFF, 0x007FFFFF, 0x80000001, 0x00800000, 0xFF800000]
    bits += [0x3F807FFF, 0xBF818000, 0x00808000, 0x7F7F7FFF]
    x = np.array(bits, np.uint32).view(np.float32)[:, None]
    wanted = [0x3F800000, 0x3F820000, 0x3F810000, 0x7F800000, 0, 0, 0x00800000, 0xFF800000]
    wanted += [0x3F800000, 0xBF820000, 0x00800000, 0x7F7F0000]
    found = network(np.ones((1, 1), np.float32), np.zeros(1, np.float32))(x)
    assert [hex(v) for v in found[:, 0].view(np.uint32)] == [hex(v) for v in wanted]
    assert same_bits(found[:, 0].astype(np.float64), rounded(x[:, 0]) + 0)


def test_gradients_of_chunks_accumulate() -> None:
    """Batches of more than 256 rows add dW of each chunk: blocks of k do not cross its border."""
    weight, bias, x, dy = (spread(n, np.float32, 1.3) for n in (40 * 30, 30, 600 * 40, 600 * 30))
    weight, x, dy = weight.reshape(40, 30), x.reshape(600, 40), dy.reshape(600, 30)
    assert equal(dense(weight, bias, x, dy)[1], product(rounded(x).T, rounded(dy), np.float32(0)))
