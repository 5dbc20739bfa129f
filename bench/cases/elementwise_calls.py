"""The overhead of calls: outputs that are allocated, and arrays of one element."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from simdnn import functional as F

from bench import peers
from bench.cases.elementwise import Subject, checked, make_inputs
from bench.harness import BEST, OURS, Case, Contestant, Goal
from bench.peers import elementwise_compiled, elementwise_numpy

FRESH_SIZES = {"1e6": 1_000_000, "16e6": 16_000_000}
FRESH = ("sigmoid", "relu", "gelu")
FRESH_NOTE = (
    "without out=: the system hands out new memory page by page at the first touch, which often takes longer"
    " than the function; everybody pays it, unless the allocator keeps what the last call gave back"
)
ONE = ("sigmoid", "relu", "elu", "swish", "gelu")
ONE_NOTE = "one float32 element, without out="
NO_SLOWER_THAN_NUMPY = Goal(("np.exp",), 1.0)


def cases() -> Iterator[Case]:
    """Rows for allocated outputs, then for one element."""
    for name in FRESH:
        for label, size in FRESH_SIZES.items():
            build = functools.partial(_fresh, name, size)
            yield Case("fresh", f"{name} N={label}", build, (BEST,), FRESH_NOTE)
    for name in ONE:
        yield Case("call N=1", f"F.{name}", functools.partial(_one, name), (NO_SLOWER_THAN_NUMPY,), ONE_NOTE)


def _fresh(name: str, size: int) -> Iterator[Contestant]:
    inputs = make_inputs(Subject(name), size)
    x, expected = inputs.x, inputs.expected
    yield checked(OURS, functools.partial(getattr(F, name), x), expected)
    if functions := elementwise_numpy.functions_of(name):
        yield checked("NumPy", functools.partial(_numpy, functions.forward, x), expected)
    if torch := peers.torch():
        function = getattr(torch.nn.functional, name)
        run = functools.partial(function, torch.from_numpy(x))
        yield checked("PyTorch", run, expected, torch.inference_mode)
    if (jax := peers.jax()) and (compiled := elementwise_compiled.jax_run(jax, name, False, x, x)):
        yield checked("JAX", compiled, expected)
    if (numexpr := peers.numexpr()) and (
        evaluate := elementwise_compiled.numexpr_run(numexpr, name, x, None)
    ):
        yield checked("numexpr", evaluate, expected)


def _numpy(forward: Callable[[Any, Any, Any], Any], x: Any) -> Any:
    """A call that allocates one array and computes all steps in it."""
    out = np.empty_like(x)
    forward(x, out, out)
    return out


def _one(name: str) -> Iterator[Contestant]:
    inputs = make_inputs(Subject(name), 1)
    x = inputs.x
    yield checked(OURS, functools.partial(getattr(F, name), x), inputs.expected)
    x64 = x.astype(np.float64)
    for function in (np.exp, np.tanh):
        yield checked(f"np.{function.__name__}", functools.partial(function, x), function(x64))
    if torch := peers.torch():
        run = functools.partial(torch.sigmoid, torch.from_numpy(x))
        yield checked("torch.sigmoid", run, 1 / (1 + np.exp(-x64)), torch.inference_mode)
