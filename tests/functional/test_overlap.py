"""Results written over the memory of arguments equal those in separate memory, for every kind of overlap."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import simdnn.functional as F
from simdnn import _core, nn, optim

from tests.support.networks import network
from tests.support.registry import ELEMENTWISE, RULES

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]
ROWS, COLUMNS = 37, 24


class Overlap(NamedTuple):
    """Two views of one buffer, of the shapes of a result and of an argument."""

    name: str
    views: Callable[[Array, tuple[int, ...], tuple[int, ...]], tuple[Array, Array]]


def at(buffer: Array, offset: int, shape: tuple[int, ...], step: int = 1) -> Array:
    """A view of a flat buffer from an offset on."""
    return buffer[offset : offset + step * int(np.prod(shape)) : step].reshape(shape)


def strided(buffer: Array, offset: int, shape: tuple[int, ...]) -> Array:
    """A view with two elements between neighbors of a row."""
    wide = (*shape[:-1], 2 * shape[-1]) if shape else (2,)
    return (
        at(buffer, offset, wide)[..., ::2].reshape(shape) if shape else at(buffer, offset, (1,)).reshape(())
    )


OVERLAPS = [
    Overlap("same place", lambda b, out, x: (at(b, 100, out), at(b, 100, x))),
    Overlap("shifted forward", lambda b, out, x: (at(b, 101, out), at(b, 100, x))),
    Overlap("shifted backward", lambda b, out, x: (at(b, 100, out), at(b, 101, x))),
    Overlap("a row later", lambda b, out, x: (at(b, 100 + COLUMNS, out), at(b, 100, x))),
    Overlap("in part", lambda b, out, x: (at(b, 500, out), at(b, 100, x))),
    Overlap("reversed", lambda b, out, x: (at(b, 100, out)[::-1], at(b, 100, x))),
    Overlap("strided result", lambda b, out, x: (strided(b, 100, out), at(b, 100, x))),
    Overlap("strided argument", lambda b, out, x: (at(b, 100, out), strided(b, 100, x))),
]


class Writer(NamedTuple):
    """A function that writes to `out`, with the shapes of its arrays; other arguments are `rest`."""

    name: str
    function: Function
    shapes: list[tuple[int, ...]]
    rest: tuple[Any, ...] = ()

    def results(self, arrays: list[Array], **keywords: Any) -> tuple[Array, ...]:
        """All results, as a tuple."""
        found = self.function(*arrays, *self.rest, **keywords)
        return found if isinstance(found, tuple) else (found,)


FULL, REDUCED = (ROWS, COLUMNS), (ROWS,)
WRITERS = [
    *(Writer(row.name, row.function, [FULL] * row.arrays) for row in ELEMENTWISE),
    *(
        Writer(f"{row.name} of its parameters", row.ufunc, [FULL] * (row.arrays + len(row.defaults)))
        for row in ELEMENTWISE
        if row.defaults
    ),
    Writer("prelu", F.prelu, [FULL, (COLUMNS,)]),
    Writer("prelu_derivative", F.prelu_derivative, [FULL, FULL]),
    Writer("swish_backward of beta", F.swish_backward, [FULL, FULL, (COLUMNS,)]),
    Writer("swish_backward of each beta", F.swish_backward, [FULL, FULL, FULL]),
    Writer("gelu of tanh", functools.partial(F.gelu, approximate="tanh"), [FULL]),
    Writer("crelu", F.crelu, [FULL]),
    Writer("softmax", F.softmax, [FULL]),
    Writer("softmax of a temperature", F.softmax, [FULL], (2.0,)),
    Writer("softmax of temperatures", F.softmax, [FULL, REDUCED]),
    Writer("log_softmax", F.log_softmax, [FULL]),
    Writer("logsumexp", F.logsumexp, [FULL]),
    Writer("softmax_backward", F.softmax_backward, [FULL, FULL]),
    Writer("log_softmax_backward", F.log_softmax_backward, [FULL, FULL]),
    Writer("logsumexp_backward", F.logsumexp_backward, [REDUCED, FULL]),
    Writer("entropy", _core.entropy, [FULL]),
    Writer("entropy_backward", _core.entropy_backward, [REDUCED, FULL]),
    Writer("maxout", _core.maxout, [FULL]),
    Writer("maxout_derivative", _core.maxout_derivative, [FULL]),
    Writer("maxout_backward", _core.maxout_backward, [REDUCED, FULL]),
]


@pytest.mark.parametrize("overlap", OVERLAPS, ids=lambda row: row.name)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("row", WRITERS, ids=lambda row: row.name)
def test_out_may_overlap_each_argument(row: Writer, dtype: Any, overlap: Overlap) -> None:
    generator = np.random.default_rng(0)
    for place in range(len(row.shapes)):
        arrays = [generator.uniform(0.1, 0.9, shape).astype(dtype) for shape in row.shapes]
        wanted = row.results(arrays)
        buffer = np.zeros(100 + 4 * ROWS * COLUMNS + COLUMNS, dtype)
        out, argument = overlap.views(buffer, wanted[0].shape, row.shapes[place])
        argument[...] = arrays[place]
        got = row.results([*arrays[:place], argument, *arrays[place + 1 :]], out=out)
        assert np.shares_memory(got[0], buffer)
        for one, exact in zip(got, wanted, strict=True):
            np.testing.assert_array_equal(one, exact)
        np.testing.assert_array_equal(out, wanted[0])


@pytest.mark.parametrize("shape", [(5,), (6, 6)])
@pytest.mark.parametrize("form", ["keyword", "tuple", "position", "temperature"])
def test_a_reduction_may_write_to_the_rows_that_it_reads_again(form: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    wanted = np.broadcast_to(F.logsumexp(x, 2.0 if form == "temperature" else 1.0), shape)
    calls: dict[str, Function] = {
        "keyword": lambda: F.logsumexp(x, out=x),
        "tuple": lambda: F.logsumexp(x, out=(x,)),
        "position": lambda: F.logsumexp(x, 1.0, x),
        "temperature": lambda: F.logsumexp(x, temperature=2.0, out=x),
    }
    assert calls[form]() is x
    np.testing.assert_array_equal(x, wanted)


def test_every_function_that_takes_out_is_a_row_above() -> None:
    names = {row.name.split(" ")[0] for row in WRITERS}
    ufuncs = {
        name.removesuffix("_default") for name, item in vars(_core).items() if isinstance(item, np.ufunc)
    }
    internal = {name for name in ufuncs if name.endswith(("_slope_backward", "swish_beta_backward"))}
    assert ufuncs - internal - names == set()


@pytest.mark.parametrize("row", [row for row in ELEMENTWISE if row.ufunc.nin == 2], ids=lambda row: row.name)
def test_reduce_and_accumulate_take_one_element_after_the_other(row: Any) -> None:
    x = np.random.default_rng(0).uniform(0.5, 1.5, (300, 3))
    steps = [x[0]]
    for one in x[1:]:
        steps.append(row.ufunc(steps[-1], one))
    np.testing.assert_array_equal(row.ufunc.accumulate(x), steps)
    np.testing.assert_array_equal(row.ufunc.accumulate(x, out=x.copy()), steps)
    np.testing.assert_array_equal(row.ufunc.reduce(x), steps[-1])
    for column in range(3):
        assert row.ufunc.reduce(np.ascontiguousarray(x[:, column])) == steps[-1][column]


@pytest.mark.parametrize("shape", [(8, 8), (8, 4), (4, 8)])
@pytest.mark.parametrize("shift", [-9, -1, 0, 1, 8, 700])
def test_predictions_may_overlap_their_samples(shape: tuple[int, int], shift: int) -> None:
    inputs, outputs = shape
    model = network([inputs, outputs], dtype=np.float32)
    x = np.random.default_rng(0).normal(size=(1000, inputs)).astype(np.float32)
    buffer = np.zeros(20_000, np.float32)
    own, out = at(buffer, 1000, x.shape), at(buffer, 1000 + shift, (1000, outputs))
    own[...] = x
    assert model.freeze().predict(own, out) is out
    np.testing.assert_array_equal(out, model(x))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("shift", [-1, 0, 1, 5])
def test_gradients_may_overlap_parameters(rule: str, shift: int) -> None:
    def made(params: list[Array]) -> optim.Optimizer:
        native = _core.OptimizerConfig(rule, {"lr": 0.1})
        optimizer = optim.SGD(params)
        optimizer._config = native
        optimizer._take(params)
        return optimizer

    buffer = np.linspace(0.5, 1.5, 60)
    params, grads = [buffer[10:30], buffer[30:40]], [buffer[10 + shift : 30 + shift], buffer[25:35]]
    apart = [one.copy() for one in params]
    made(apart).step([one.copy() for one in grads])
    made(params).step(grads)
    for one, wanted in zip(params, apart, strict=True):
        np.testing.assert_array_equal(one, wanted)


def test_a_state_may_hold_views_of_the_parameters_that_it_sets() -> None:
    model = nn.Sequential(nn.Dense(4, 4), nn.Dense(4, 4), rng=0)
    before, state = model.state_dict(), model.parameters()
    model.load_state_dict({name: state[f"{1 - int(name[0])}{name[1:]}"] for name in state})
    after = model.state_dict()
    for name in before:
        np.testing.assert_array_equal(after[name], before[f"{1 - int(name[0])}{name[1:]}"])
    model.load_state_dict({name: value.T for name, value in model.parameters().items()})
    np.testing.assert_array_equal(model.parameters()["0.weight"], after["0.weight"].T)


def test_backward_reads_a_gradient_that_it_overwrites() -> None:
    model = network([3, 3], dtype=np.float32)
    x = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)
    dy = model.flat_gradients[:9].reshape(3, 3)
    dy[...] = x
    model.forward(x, training=True)
    given = model.backward(dy)
    gradients = model.flat_gradients.copy()
    model.forward(x, training=True)
    np.testing.assert_array_equal(given, model.backward(x))
    np.testing.assert_array_equal(gradients, model.flat_gradients)


@pytest.mark.parametrize(
    "change",
    [lambda grads: optim.clip_grad_norm_(grads, 1.0), lambda grads: optim.clip_grad_value_(grads, 1.0)],
)
def test_clipping_refuses_elements_that_share_memory(change: Function) -> None:
    buffer = np.arange(10.0)
    for array in (
        np.lib.stride_tricks.sliding_window_view(buffer, 3, writeable=True),
        np.lib.stride_tricks.as_strided(buffer, (4, 3), (8, 0), writeable=True),
    ):
        with pytest.raises(ValueError, match=r"grads\[0\]: its elements share memory"):
            change([array])
    np.testing.assert_array_equal(buffer, np.arange(10.0))
    change([np.asfortranarray(np.ones((3, 4)))[:, ::2]])
