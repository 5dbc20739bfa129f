"""Row-wise functions: softmax, crelu and maxout."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from simdnn import functional as F
from simdnn.demo import _numpy_mlp

from bench import peers
from bench.cases.elementwise import checked
from bench.harness import BEST, OURS, Case, Contestant

Array = NDArray[np.float32]

SOFTMAX_SHAPES = ((32, 10), (256, 10), (256, 64), (128, 1000), (4096, 1000), (16, 32000))
SHAPES = ((32, 128), (256, 1024), (4096, 1024))
PIECES = (2, 4)
NOTE = "new outputs for everybody; where PyTorch has no one best way, two are timed"


def cases() -> Iterator[Case]:
    """Rows by shape (rows, features)."""
    for shape in SOFTMAX_SHAPES:
        yield Case("softmax", "{}x{}".format(*shape), functools.partial(_softmax, shape), (BEST,))
    for shape in SHAPES:
        yield Case("crelu", "{}x{}".format(*shape), functools.partial(_crelu, shape), (BEST,), NOTE)
    for pieces in PIECES:
        for shape in SHAPES:
            name = "{}x{}, pieces={}".format(*shape, pieces)
            yield Case("maxout", name, functools.partial(_maxout, shape, pieces), (BEST,), NOTE)


def _normal(shape: tuple[int, int]) -> Array:
    return np.random.default_rng(shape[1]).normal(size=shape).astype(np.float32)


def _softmax(shape: tuple[int, int]) -> Iterator[Contestant]:
    x = _normal(shape)
    expected = _numpy_mlp.softmax(x.astype(np.float64))
    yield checked(OURS, functools.partial(F.softmax, x, out=np.empty_like(x)), expected)
    yield checked("NumPy", functools.partial(_numpy_mlp.softmax, x), expected)
    if torch := peers.torch():
        run = functools.partial(torch.softmax, torch.from_numpy(x), 1, out=torch.empty(shape))
        yield checked("PyTorch", run, expected, torch.inference_mode)
    if jax := peers.jax():
        array, function = jax.numpy.asarray(x), jax.jit(jax.nn.softmax)
        yield checked("JAX", lambda: function(array).block_until_ready(), expected)


def _crelu(shape: tuple[int, int]) -> Iterator[Contestant]:
    """Concatenation of relu(x) and relu(-x)."""
    x = _normal(shape)
    expected = np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)], axis=1).astype(np.float64)
    yield checked(OURS, functools.partial(F.crelu, x), expected)
    yield checked("NumPy", functools.partial(_numpy_crelu, x), expected)
    if torch := peers.torch():
        tensor = torch.from_numpy(x)
        run = lambda: torch.cat((tensor, tensor.neg()), 1).relu_()  # noqa: E731
        yield checked("PyTorch cat", run, expected, torch.inference_mode)
        halves = functools.partial(_torch_crelu, torch, tensor)
        yield checked("PyTorch halves", halves, expected, torch.inference_mode)
    if jax := peers.jax():
        numpy, array = jax.numpy, jax.numpy.asarray(x)
        function = jax.jit(lambda x: jax.nn.relu(numpy.concatenate([x, -x], axis=1)))
        yield checked("JAX", lambda: function(array).block_until_ready(), expected)


def _numpy_crelu(x: Array) -> Array:
    rows, features = x.shape
    out = np.empty((rows, 2 * features), np.float32)
    np.maximum(x, 0, out=out[:, :features])
    second = np.negative(x, out=out[:, features:])
    np.maximum(second, 0, out=second)
    return out


def _torch_crelu(torch: Any, x: Any) -> Any:
    rows, features = x.shape
    out = torch.empty(rows, 2 * features)
    torch.clamp_min(x, 0, out=out[:, :features])
    torch.neg(x, out=out[:, features:]).clamp_min_(0)
    return out


def _maxout(shape: tuple[int, int], pieces: int) -> Iterator[Contestant]:
    """The maximum of each group of ``pieces`` adjacent features."""
    x = _normal(shape)
    grouped = (shape[0], shape[1] // pieces, pieces)
    expected = x.reshape(grouped).max(axis=2).astype(np.float64)
    yield checked(OURS, functools.partial(F.maxout, x, pieces), expected)

    def numpy_maxout() -> Array:
        out = np.maximum(x[:, ::pieces], x[:, 1::pieces])  # much faster than a reduction over a short axis
        for piece in range(2, pieces):
            np.maximum(out, x[:, piece::pieces], out=out)
        return out

    yield checked("NumPy", numpy_maxout, expected)
    if torch := peers.torch():
        largest = functools.partial(torch.amax, torch.from_numpy(x).reshape(grouped), 2)
        yield checked("PyTorch amax", largest, expected, torch.inference_mode)
        parts = torch.from_numpy(x).reshape(grouped).unbind(2)
        reduced = functools.partial(functools.reduce, torch.maximum, parts)
        yield checked("PyTorch maximum", reduced, expected, torch.inference_mode)
    if jax := peers.jax():
        array, function = jax.numpy.asarray(x), jax.jit(lambda x: x.reshape(grouped).max(axis=2))
        yield checked("JAX", lambda: function(array).block_until_ready(), expected)
