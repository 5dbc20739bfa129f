"""thinc's tests pass on `SimdnnOps`, which equals float64 formulas; models train as on `NumpyOps`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import nn

from tests.support.processes import ROOT, output_of
from tests.support.registry import FLOATS, same_bits, spread

api = pytest.importorskip("thinc.api", reason="needs the extra [peers] or [thinc]: thinc")
ours = pytest.importorskip("simdnn.thinc", reason="needs the extra [peers] or [thinc]: thinc")

pytestmark = pytest.mark.peers

OPS = ours.SimdnnOps()
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-13}


@pytest.mark.parametrize("folder", ["backends.test_ops", "layers", "model", "test_optimizers"])
def test_the_tests_of_thinc_pass(folder: str, tmp_path: Path) -> None:
    """A plugin gives them our backend as NumpyOps, also for the name "numpy".

    One of them is left out, because it fails on every backend: NumPy 2.4 makes no scalar of its arrays.
    """
    pytest.importorskip("hypothesis", reason="needs the extra [test]: hypothesis")
    pytest.importorskip("mock", reason="needs the extra [peers]: mock")
    plugin = ("-p", "tests.support.thinc_plugin", "-p", "no:cacheprovider")
    chosen = ("-k", "not compare_activations_to_torch", "--pyargs", f"thinc.tests.{folder}")
    alone = ("-c", os.devnull, "--rootdir", str(tmp_path), *chosen)
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    printed = output_of(["-m", "pytest", "-q", *plugin, *alone], timeout=300, PYTHONPATH=path)
    assert "passed" in printed


def test_a_name_reaches_the_backend() -> None:
    with api.use_ops("simdnn"):
        assert type(api.get_current_ops()) is ours.SimdnnOps
        assert type(api.Relu(2, 3).ops) is ours.SimdnnOps
    assert type(api.get_current_ops()) is not ours.SimdnnOps


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("trans1", "trans2"), [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (5, 3, 2), (64, 33, 17), (300, 1, 70), (0, 3, 2), (4, 0, 3), (2, 3, 0)]
)
def test_products(shape: tuple[int, int, int], trans1: bool, trans2: bool, dtype: Any) -> None:
    rows, depth, columns = shape
    x = spread(rows * depth, dtype).reshape((depth, rows) if trans1 else (rows, depth))
    y = spread(depth * columns, dtype).reshape((columns, depth) if trans2 else (depth, columns))
    wanted = (x.T if trans1 else x).astype(float) @ (y.T if trans2 else y).astype(float)
    found = OPS.gemm(x, y, trans1=trans1, trans2=trans2)
    assert found.dtype == dtype
    assert found.shape == (rows, columns)
    assert np.allclose(found, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * max(depth, 1))
    out = np.full_like(found, np.nan)
    assert OPS.gemm(x, y, out=out, trans1=trans1, trans2=trans2) is out
    strided = np.repeat(np.repeat(x, 2, axis=0), 3, axis=1)[::2, ::3]
    assert same_bits(out, found)
    assert same_bits(OPS.gemm(strided, y, trans1=trans1, trans2=trans2), found)


def test_a_product_has_the_bits_of_a_layer() -> None:
    model = nn.Sequential(nn.Dense(33, 17, bias=False), rng=0)
    x = spread(40 * 33, np.float32).reshape(40, 33)
    assert same_bits(OPS.gemm(x, model.parameters()["0.weight"]), model(x))


@pytest.mark.parametrize(
    ("x", "y", "out", "message"),
    [
        ((2, 3), (4, 5), None, r"y: expected 3 rows, got 4"),
        ((2, 3), (3, 5), np.zeros((2, 4), np.float32), r"out: expected shape \(2, 5\), got \(2, 4\)"),
        ((2, 3), (3, 5), np.zeros((2, 5)), "out: expected a writeable, aligned, C-contiguous array"),
        ((2, 3), (3, 5), np.zeros((5, 2), np.float32).T, "out: expected a writeable, aligned, C-contiguous"),
    ],
)
def test_wrong_products(x: Any, y: Any, out: Any, message: str) -> None:
    before = None if out is None else out.copy()
    with pytest.raises((TypeError, ValueError), match=message):
        OPS.gemm(np.ones(x, np.float32), np.ones(y, np.float32), out=out)
    assert out is None or same_bits(out, before)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("pieces", [1, 2, 3, 4, 7])
def test_maxout(pieces: int, dtype: Any) -> None:
    x = np.round(spread(700 * pieces, dtype, 3.0)).reshape(35, 20, pieces) + dtype(0)  # some are equal
    best, winner = OPS.maxout(x)
    assert best.dtype == dtype
    assert winner.dtype == np.int32
    assert same_bits(best, x.max(axis=-1))
    assert (winner == x.argmax(axis=-1)).all()
    dx = OPS.backprop_maxout(np.ones((35, 20), dtype), winner, pieces)
    assert same_bits(dx, F.maxout_derivative(x.reshape(35, -1), pieces).reshape(x.shape))


def test_maxout_of_nothing_and_of_nan() -> None:
    assert [one.shape for one in OPS.maxout(np.zeros((0, 3, 2), np.float32))] == [(0, 3), (0, 3)]
    best, winner = OPS.maxout(np.array([[[1.0, np.nan, 2.0], [np.nan, 1.0, np.nan], [2.0, 1.0, np.nan]]]))
    assert np.isnan(best).all()
    assert winner.tolist() == [[1, 0, 2]]


#: Methods of one array, their gradients, and the formulas.
FUNCTIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "gelu_approx": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "relu_k": lambda x: np.clip(x, 0, 6),
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "hard_swish": lambda x: x * np.clip(0.2 * x + 0.5, 0, 1),
    "hard_swish_mobilenet": lambda x: x * np.clip(x + 3, 0, 6) / 6,
}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_activations(name: str, dtype: Any) -> None:
    x = spread(500, dtype, 8.0).reshape(20, 25)
    wide, h, tolerance = x.astype(float), 1e-6, TOLERANCE[dtype]
    y = getattr(OPS, name)(x)
    assert np.allclose(y, FUNCTIONS[name](wide), rtol=tolerance, atol=tolerance)
    dy = spread(500, dtype, 1.0).reshape(20, 25)
    arguments = {"relu": [y], "sigmoid": [y], "swish": [x, y]}.get(name, [x])
    slope = (FUNCTIONS[name](wide + h) - FUNCTIONS[name](wide - h)) / (2 * h)
    found = getattr(OPS, f"backprop_{name}")(dy, *arguments)
    assert np.allclose(found, dy * slope, rtol=1e-5, atol=1e-5)
    copy = x.copy()
    assert getattr(OPS, name)(copy, inplace=True) is copy
    assert np.allclose(copy, y, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_gradient_of_sigmoid_by_its_output(dtype: Any) -> None:
    y, dy = (spread(60, dtype, 1.0) + 1) / 2, spread(60, dtype, 2.0)
    wanted = dy.astype(float) * y * (1 - y.astype(float))
    found = OPS.backprop_sigmoid(dy, y)
    assert found.dtype == dtype
    assert np.allclose(found, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    with pytest.raises(ValueError, match="dY: expected shape"):
        OPS.backprop_sigmoid(dy[:1], y)
    assert OPS.backprop_sigmoid(dy, y, inplace=True) is y
    assert same_bits(y, found)


def test_mish_below_its_threshold_is_that_of_thinc() -> None:
    x, dy = spread(100, np.float32, 30.0), np.ones(100, np.float32)
    theirs = api.NumpyOps()
    assert same_bits(OPS.mish(x, 5.0), theirs.mish(x, 5.0))
    assert same_bits(OPS.backprop_mish(dy, x, 5.0), theirs.backprop_mish(dy, x, 5.0))


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("axis", [-1, 0])
def test_softmax(axis: int, temperature: float) -> None:
    x = spread(60, np.float64, 5.0).reshape(6, 10)
    powers = np.exp(x / temperature)
    wanted = powers / powers.sum(axis=axis, keepdims=True)
    assert np.allclose(OPS.softmax(x, axis=axis, temperature=temperature), wanted, rtol=1e-13)
    assert OPS.softmax(x, axis=axis, temperature=temperature, inplace=True) is x
    assert np.allclose(x, wanted, rtol=1e-13)


def test_adam_is_the_formula() -> None:
    """Three steps with the learning rate that thinc corrects for the start of the means."""
    w, m, v = spread(5000, np.float32), np.zeros(5000, np.float32), np.zeros(5000, np.float32)
    wanted, first, second = w.astype(float), np.zeros(5000), np.zeros(5000)
    for t in range(1, 4):
        g = spread(5000, np.float32, 1.0 / t)
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g.astype(float) ** 2
        rate = 0.01 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        wanted -= rate * first / (np.sqrt(second) + 1e-8)
        returned = OPS.adam(w, g, m, v, 0.9, 0.999, 1e-8, rate)
        assert all(one is other for one, other in zip(returned, (w, g, m, v), strict=True))
        assert not g.any()
        assert np.allclose(w, wanted, rtol=1e-5, atol=1e-6)


def test_wrong_arguments_of_adam_change_nothing() -> None:
    arrays = [spread(6, np.float32) for _ in range(4)]
    before = [array.copy() for array in arrays]
    with pytest.raises(ValueError, match="exp_avg: expected shape"):
        OPS.adam(arrays[0], arrays[1], arrays[2][:5], arrays[3], 0.9, 0.999, 1e-8, 0.01)
    with pytest.raises(TypeError, match="gradient: expected a writeable"):
        OPS.adam(arrays[0], arrays[1].astype(float), arrays[2], arrays[3], 0.9, 0.999, 1e-8, 0.01)
    with pytest.raises(ValueError, match="beta1: expected"):
        OPS.adam(*arrays, 1.5, 0.999, 1e-8, 0.01)
    assert all(map(same_bits, arrays, before))


def test_threads_change_no_bits() -> None:
    x, y = spread(600 * 200, np.float32).reshape(600, 200), spread(200 * 300, np.float32).reshape(200, 300)
    pieces = spread(400_000 * 2, np.float32).reshape(4000, 100, 2)
    found = []
    for threads in (1, 2):
        simdnn.set_num_threads(threads)
        arrays = [spread(400_000, np.float32, scale) for scale in (1.0, 0.1, 0.1)]
        state = [*arrays, np.abs(arrays[2])]
        OPS.adam(*state, 0.9, 0.999, 1e-8, 0.01)
        found.append([OPS.gemm(x, y), OPS.gemm(y, x, trans1=True, trans2=True), *OPS.maxout(pieces), *state])
    assert all(map(same_bits, *found))


def trained(ops: Any, optimizer: Any, layer: str) -> tuple[list[float], Any]:
    """Losses of a model of thinc, and its predictions."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(256, 8)).astype(np.float32)
    y = np.eye(3, dtype=np.float32)[(x @ rng.normal(size=(8, 3))).argmax(axis=1)]
    api.set_current_ops(ops)
    api.fix_random_seed(0)
    make = getattr(api, layer)
    model = api.chain(make(16), make(16), api.Softmax())
    model.initialize(x[:4], y[:4])
    losses = []
    for _ in range(12):
        for rows in np.split(np.arange(256), 8):
            found, backward = model.begin_update(x[rows])
            losses.append(float(-np.log((found * y[rows]).sum(axis=1)).mean()))
            backward((found - y[rows]) / len(rows))
            model.finish_update(optimizer)
    return losses, model.predict(x)


@pytest.fixture(autouse=True)
def all_threads() -> Iterator[None]:
    """The number of threads of before."""
    threads = simdnn.get_num_threads()
    yield
    simdnn.set_num_threads(threads)


@pytest.fixture
def restored() -> Iterator[None]:
    """The backend of before."""
    ops = api.get_current_ops()
    yield
    api.set_current_ops(ops)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("layer", ["Relu", "Maxout", "Mish", "Gelu", "Swish"])
def test_a_model_trains_as_on_their_backend(layer: str) -> None:
    settings = {"learn_rate": 0.01, "L2": 0.01, "grad_clip": 1.0}
    theirs, wanted = trained(api.NumpyOps(), api.Adam(**settings), layer)
    losses, found = trained(OPS, ours.Adam(**settings), layer)
    assert np.allclose(losses, theirs, rtol=2e-3, atol=2e-3)
    assert np.allclose(found, wanted, atol=5e-3)
    assert losses[-1] < losses[0] / 2
    again, bits = trained(OPS, ours.Adam(**settings), layer)
    assert again == losses
    assert same_bits(bits, found)


def test_configurations_name_the_optimizer() -> None:
    section = {"optimizer": {"@optimizers": "simdnn.Adam.v1", "learn_rate": 0.25, "use_averages": False}}
    optimizer = api.registry.resolve(section)["optimizer"]
    assert isinstance(optimizer, api.Optimizer)
    assert optimizer.learn_rate(0, key=None) == 0.25
    assert optimizer.averages is None
