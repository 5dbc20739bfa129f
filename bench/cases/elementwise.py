"""Values and gradients of every activation, and every elementary function, by size, with ``out=``."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from simdnn import _core
from simdnn import functional as F

from bench import peers
from bench.harness import BEST, OURS, Case, Contestant, Goal
from bench.peers import elementwise_compiled, elementwise_numpy, elementwise_torch
from bench.peers.elementwise_numpy import Functions

SIZES = {"64": 64, "4096": 4096, "1e5": 100_000, "1e6": 1_000_000, "16e6": 16_000_000}
#: Length of the random block that longer inputs repeat.
BLOCK = 100_000
#: Absolute tolerance, which allows 1 - y^2 of a rounded y; JAX computes gelu_tanh that way at large x.
TOLERANCE, LOOSE_TOLERANCE = 1e-5, {"gelu_tanh": 1e-4}
RELATIVE_TOLERANCE = 2e-5
TWICE_PYTORCH = Goal(("PyTorch",), 2.0)
#: Goals in addition to `BEST`.
STRICTER = {"elu N=4096": (TWICE_PYTORCH,), "gelu N=4096": (TWICE_PYTORCH,)}
NOTE = "with out=, except for JAX, and PyTorch's prelu and the backward of its mish and hard_swish"


class Subject(NamedTuple):
    """The subject of a row: a registered function, or its backward."""

    name: str
    backward: bool = False


class Inputs(NamedTuple):
    """Inputs [N] in float32, scratch memory y [N], and the expected result of the first block in float64."""

    dy: NDArray[np.float32]
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    expected: NDArray[np.float64]


def activations() -> list[str]:
    """Names of the registered activations and prelu, which is leaky_relu with a gradient of its slope."""
    return list(dict.fromkeys([*(row["name"] for row in _core.activations()), "prelu"]))


def elementary() -> list[str]:
    """Names of the registered elementary functions."""
    return [row["name"] for row in _core.elementary()]


def cases() -> Iterator[Case]:
    """A value and a backward row for every activation and size; a value row for elementary functions."""
    subjects = [Subject(name, backward) for name in activations() for backward in (False, True)]
    for group, members in (("elementwise", subjects), ("elementary", list(map(Subject, elementary())))):
        for subject in members:
            for label, size in SIZES.items():
                name = f"{subject.name}{' backward' if subject.backward else ''} N={label}"
                build = functools.partial(contestants, subject, size)
                yield Case(group, name, build, (BEST, *STRICTER.get(name, ())), NOTE)


def contestants(subject: Subject, size: int) -> list[Contestant]:
    """The libraries that have the function, simdnn first."""
    inputs = make_inputs(subject, size)
    makers = (_simdnn, _numpy, _torch, _jax, _numexpr)
    return [contestant for make in makers if (contestant := make(subject, inputs)) is not None]


def make_inputs(subject: Subject, size: int) -> Inputs:
    """Normal numbers of standard deviation 2, moved into the domain of logarithms for those."""
    rng = np.random.default_rng(size)
    dy, x = rng.normal(size=(2, min(size, BLOCK))).astype(np.float32) * np.float32(2)
    x = np.where(x == np.rint(x), x + np.float32(0.25), x)  # away from kinks, at which libraries differ
    lowest = {"log": 0.0, "log1p": -1.0}.get(subject.name)
    if lowest is not None:
        x = np.abs(x) + np.float32(lowest + 0.01)
    expected = _expected(subject, dy.astype(np.float64), x.astype(np.float64))
    times = -(-size // BLOCK)
    dy, x = np.tile(dy, times), np.tile(x, times)
    return Inputs(dy, x, np.empty_like(x), expected)


def _expected(subject: Subject, dy: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The float64 answer of the tests' oracle."""
    functions = elementwise_numpy.from_oracle(subject.name)
    out = np.empty_like(x)
    with np.errstate(all="ignore"):
        if subject.backward:
            assert functions.backward is not None
            functions.backward(dy, x, np.empty_like(x), out)
        else:
            functions.forward(x, np.empty_like(x), out)
    return out


def simdnn_functions(name: str) -> Functions:
    """simdnn's functions with the arguments of the peers', so that all have the same Python overhead."""
    if name == "prelu":  # its backward returns both gradients, as new arrays
        return Functions(
            lambda x, y, out: F.prelu(x, 0.25, out=out),
            lambda dy, x, y, out: F.prelu_backward(dy, x, 0.25)[0],
        )
    value, derivative = getattr(F, name), getattr(F, f"{name}_backward", None)
    return Functions(
        lambda x, y, out: value(x, out=out),
        derivative and (lambda dy, x, y, out: derivative(dy, x, out=out)),
    )


def _simdnn(subject: Subject, inputs: Inputs) -> Contestant:
    return _call(OURS, simdnn_functions(subject.name), subject, inputs)


def _numpy(subject: Subject, inputs: Inputs) -> Contestant | None:
    functions = elementwise_numpy.functions_of(subject.name)
    quiet = functools.partial(np.errstate, all="ignore")
    return functions and _call("NumPy", functions, subject, inputs, quiet)


def _torch(subject: Subject, inputs: Inputs) -> Contestant | None:
    torch = peers.torch()
    functions = torch and elementwise_torch.functions_of(torch, subject.name)
    if not functions:
        return None
    dy, x, y = map(torch.from_numpy, (inputs.dy, inputs.x, inputs.y))
    return _call("PyTorch", functions, subject, Inputs(dy, x, y, inputs.expected), torch.inference_mode)


def _jax(subject: Subject, inputs: Inputs) -> Contestant | None:
    jax = peers.jax()
    run = jax and elementwise_compiled.jax_run(jax, *subject, inputs.dy, inputs.x)
    return run and checked("JAX", run, inputs.expected, atol=LOOSE_TOLERANCE.get(subject.name, TOLERANCE))


def _numexpr(subject: Subject, inputs: Inputs) -> Contestant | None:
    numexpr = peers.numexpr()
    if numexpr is None or subject.backward:
        return None
    run = elementwise_compiled.numexpr_run(numexpr, subject.name, inputs.x, np.empty_like(inputs.x))
    return run and checked("numexpr", run, inputs.expected)


def _call(
    label: str, functions: Functions, subject: Subject, inputs: Any, context: Any = contextlib.nullcontext
) -> Contestant:
    """A contestant whose functions take these arrays or tensors."""
    dy, x, y, _ = inputs
    out = x * 0
    forward, backward = functions
    run: Callable[[], Any] = lambda: forward(x, y, out)  # noqa: E731
    if subject.backward:
        assert backward is not None
        run = lambda: backward(dy, x, y, out)  # noqa: E731

    def answer() -> Any:
        result = run()
        return result if getattr(result, "shape", None) == out.shape else out

    return checked(label, run, inputs.expected, context, answer)


def checked(
    label: str,
    run: Callable[[], Any],
    expected: NDArray[np.float64],
    context: Any = contextlib.nullcontext,
    answer: Callable[[], Any] | None = None,
    atol: float = TOLERANCE,
) -> Contestant:
    """A contestant whose result, from ``answer`` or else from ``run``, is compared block by block."""

    def check() -> None:
        result = np.asarray((answer or run)()).reshape(-1, expected.size)
        flat = expected.ravel()
        tolerance = atol + RELATIVE_TOLERANCE * np.abs(flat)
        for block in result:
            if not (np.abs(block - flat) <= tolerance).all():  # a third of the time of assert_allclose
                np.testing.assert_allclose(block, flat, rtol=RELATIVE_TOLERANCE, atol=atol)

    return Contestant(label, run, check, context=context)
