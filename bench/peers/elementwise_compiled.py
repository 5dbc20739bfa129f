"""Elementwise functions compiled by JAX and numexpr."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.peers.elementwise_numpy import SELU_ALPHA, SELU_SCALE, Array

#: numexpr's expressions of x. Fractional constants are float32 variables, because a Python float would make
#: the result float64, as would abs and maximum of numexpr. It has no erf.
EXPRESSIONS: dict[str, tuple[str, dict[str, float]]] = {
    "identity": ("x", {}),
    "relu": ("where(x > 0, x, 0)", {}),
    "leaky_relu": ("where(x > 0, x, a * x)", {"a": 0.01}),
    "prelu": ("where(x > 0, x, a * x)", {"a": 0.25}),
    "relu6": ("where(x > 0, where(x < 6, x, 6), 0)", {}),
    "hard_tanh": ("where(x > -1, where(x < 1, x, 1), -1)", {}),
    "hard_sigmoid": ("where(x > -3, where(x < 3, a * x + b, 1), 0)", {"a": 1 / 6, "b": 0.5}),
    "hard_swish": ("where(x > -3, where(x < 3, x * (a * x + b), x), 0)", {"a": 1 / 6, "b": 0.5}),
    "softsign": ("x / (1 + where(x < 0, -x, x))", {}),
    "binary_step": ("where(x >= 0, a, b)", {"a": 1, "b": 0}),
    "sigmoid": ("1 / (1 + exp(-x))", {}),
    "tanh": ("tanh(x)", {}),
    "elu": ("where(x > 0, x, expm1(x))", {}),
    "selu": ("where(x > 0, a * x, b * expm1(x))", {"a": SELU_SCALE, "b": SELU_SCALE * SELU_ALPHA}),
    "celu": ("where(x > 0, x, expm1(x))", {}),
    "softplus": ("where(x > 0, x, 0) + log1p(exp(where(x > 0, -x, x)))", {}),
    "log_sigmoid": ("where(x < 0, x, 0) - log1p(exp(where(x < 0, x, -x)))", {}),
    "silu": ("x / (1 + exp(-x))", {}),
    "swish": ("x / (1 + exp(-x))", {}),
    "mish": ("x * tanh(log1p(exp(x)))", {}),
    "gelu_tanh": (
        "x / (1 + exp(x * (a + b * x * x)))",
        {"a": -2 * math.sqrt(2 / math.pi), "b": -2 * math.sqrt(2 / math.pi) * 0.044715},
    ),
    "exp": ("exp(x)", {}),
    "expm1": ("expm1(x)", {}),
    "log": ("log(x)", {}),
    "log1p": ("log1p(x)", {}),
}


def jax_function(jax: Any, name: str) -> Callable[[Any], Any] | None:
    """JAX's function of one array, not yet compiled: by its name, or where it has another one."""
    nn, numpy = jax.nn, jax.numpy
    others = {
        **{name: getattr(numpy, name) for name in ("exp", "expm1", "log", "log1p")},
        "prelu": lambda x, weight=0.25: numpy.where(x > 0, x, weight * x),
        "softsign": nn.soft_sign,
        "binary_step": lambda x: (x >= 0).astype(x.dtype),
        "gelu": functools.partial(nn.gelu, approximate=False),
        "gelu_tanh": functools.partial(nn.gelu, approximate=True),
    }
    return others.get(name) or getattr(nn, name, None)


def jax_run(jax: Any, name: str, backward: bool, dy: Array, x: Array) -> Callable[[], Any] | None:
    """A compiled call that waits for its result, the value or the derivative times dy."""
    function = jax_function(jax, name)
    if function is None:
        return None
    dy_jax, x_jax = jax.numpy.asarray(dy), jax.numpy.asarray(x)
    if not backward:
        compiled = jax.jit(function)
        return lambda: compiled(x_jax).block_until_ready()
    if name == "prelu":
        weight = jax.numpy.float32(0.25)
        both = jax.jit(lambda x, dy: jax.vjp(function, x, weight)[1](dy))
        return lambda: jax.block_until_ready(both(x_jax, dy_jax))[0]
    compiled = jax.jit(lambda x, dy: jax.vjp(function, x)[1](dy)[0])
    return lambda: compiled(x_jax, dy_jax).block_until_ready()


def numexpr_run(numexpr: Any, name: str, x: Array, out: Array | None) -> Callable[[], Any] | None:
    """A call of the compiled expression, which takes a seventh of ``numexpr.evaluate`` on small arrays."""
    if name not in EXPRESSIONS:
        return None
    text, constants = EXPRESSIONS[name]
    float32 = float  # numexpr takes this type for float32 arguments
    compiled = numexpr.NumExpr(text, [(variable, float32) for variable in ("x", *constants)])
    arguments = (x, *map(np.float32, constants.values()))
    # The arguments that `evaluate` would pass; numexpr's wheels are built without MKL.
    return functools.partial(compiled, *arguments, out=out, order="K", casting="safe", ex_uses_vml=False)
