"""Matrix products of a dense layer: every output, at any position, is one chain of fused multiply-adds."""

from typing import Any

import numpy as np
import pytest
import simdnn.functional as F
from simdnn import nn

from tests.support.processes import run
from tests.support.registry import ACTIVATIONS, same_bits, spread, with_threads
from tests.tools.golden import digest

Array = np.ndarray[Any, Any]

#: Shapes (rows, inputs, outputs): remainders of vectors, few columns, rows a page apart, several chunks.
SHAPES = [
    (1, 1, 1),
    (5, 3, 2),
    (33, 16, 1),
    (64, 32, 3),
    (40, 64, 10),
    (40, 65, 12),
    (37, 30, 130),
    (100, 9, 1024),
    (30, 1030, 7),
    (600, 48, 5),
]


def fma(x: Array, y: Array, z: Array) -> Array:
    """The float32 value of x y + z rounded once: an exact product, a sum rounded to odd, then to float32."""
    x, y, z = (v.astype(np.float64) for v in (x, y, z))
    product = x * y
    total = product + z
    back = total - product
    error = (product - (total - back)) + (z - back)
    even = (total.view(np.int64) & 1) == 0
    odd = np.nextafter(total, np.where(error > 0, np.inf, -np.inf))
    return np.where((error != 0) & even, odd, total).astype(np.float32)


def chain(a: Array, b: Array, start: Array) -> Array:
    """The matrix start + a b, accumulated in the order of the inner index."""
    c = np.broadcast_to(start, (a.shape[0], b.shape[1])).astype(np.float32)
    for k in range(a.shape[1]):
        c = fma(a[:, k, None], b[None, k, :], c)
    return c


def products(rows: int, inputs: int, outputs: int, dtype: Any = np.float32) -> tuple[Array, ...]:
    """Input and output of a dense layer: x, dy, the parameters, and y, dW, db and dX."""
    model = nn.Sequential(nn.Dense(inputs, outputs), dtype=dtype, rng=0)
    model.flat_parameters[:] = spread(model.flat_parameters.size, dtype)
    x, dy = spread(rows * inputs, dtype).reshape(rows, -1), spread(rows * outputs, dtype, 3).reshape(rows, -1)
    y = model.forward(x, training=True).copy()
    dx = model.backward(dy)
    weight, bias = model.parameters().values()
    return x, dy, weight, bias, y, *model.gradients().values(), dx


@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_are_chains_in_order(shape: tuple[int, int, int]) -> None:
    x, dy, weight, bias, y, dweight, dbias, dx = products(*shape)
    zero = np.float32(0)
    assert same_bits(y, chain(x, weight, bias))
    assert same_bits(dweight, chain(x.T, dy, zero))
    assert same_bits(dbias[None], chain(np.ones((1, len(x)), np.float32), dy, zero))
    assert same_bits(dx, chain(dy, weight.T, zero))


@pytest.mark.parametrize("shape", SHAPES)
def test_float64_products_are_right(shape: tuple[int, int, int]) -> None:
    x, dy, weight, bias, y, dweight, dbias, dx = products(*shape, dtype=np.float64)
    for found, wanted in (
        (y, x @ weight + bias),
        (dweight, x.T @ dy),
        (dbias, dy.sum(0)),
        (dx, dy @ weight.T),
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("inputs", [520, 2060])
def test_large_products_are_chains_for_any_number_of_threads(inputs: int) -> None:
    """Weights whose gradient takes other loops than that of small ones, by a batch of several chunks."""
    shape = (600, inputs, 530)
    x, dy, weight, bias, y, dweight, _, dx = products(*shape)
    rows, ins, outs = (np.unique(np.r_[0:n:61, n - 20 : n]) for n in shape)
    zero = np.float32(0)
    assert same_bits(y[np.ix_(rows, outs)], chain(x[rows], weight[:, outs], bias[outs]))
    assert same_bits(dweight[np.ix_(ins, outs)], chain(x[:, ins].T, dy[:, outs], zero))
    assert same_bits(dx[np.ix_(rows, ins)], chain(dy[rows], weight[ins].T, zero))
    for threads in (1, 2, 3):
        again = with_threads(threads, lambda: products(*shape))
        assert all(
            same_bits(a, b) for a, b in zip((y, dweight, dx), (again[4], again[5], again[7]), strict=True)
        )


def digests() -> str:
    """Hashes of all products, in both precisions."""
    return digest(
        *(
            array
            for shape in SHAPES
            for dtype in (np.float32, np.float64)
            for array in products(*shape, dtype)
        )
    )


def test_levels_agree(isa: str) -> None:
    script = "from tests.bits.test_products import digests; print(digests())"
    assert run(script, SIMDNN_ISA=isa).strip() == digests()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_few_outputs_get_their_activation_once(name: str) -> None:
    x = spread(64 * 40, np.float32, 2).reshape(64, 40)
    weight, bias = spread(40 * 3, np.float32).reshape(40, 3), spread(3, np.float32)
    model = nn.Sequential(nn.Dense(40, 3, activation=name), rng=0)
    for view, value in zip(model.parameters().values(), (weight, bias), strict=True):
        view[...] = value
    wanted = getattr(F, name)(chain(x, weight, bias))
    for _ in range(3):
        assert same_bits(model.forward(x, training=True), wanted)
