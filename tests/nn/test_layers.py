"""Laws of every layer: oracle, gradients, evaluation against training, bits, shapes, state."""

import copy
import pickle
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import Trainer, nn, optim

from tests.oracles.layers import ROWS, Row, class_names
from tests.support.registry import FLOATS, same_bits, spread

Array = np.ndarray[Any, Any]

every_row = pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
every_float = pytest.mark.parametrize("dtype", FLOATS)


@pytest.fixture(autouse=True)
def all_threads() -> Iterator[None]:
    yield
    simdnn.set_num_threads(None)


def pass_of(model: nn.Sequential, x: Array, number: int = 3) -> Array:
    """A forward pass in training mode with the same random numbers each time."""
    model._model.passes = number
    return model.forward(x, training=True)


def state_of(model: nn.Sequential) -> dict[str, Array]:
    """Parameters and buffers of the only layer in float64."""
    return {name.removeprefix("0."): value.astype(np.float64) for name, value in model.state_dict().items()}


@every_float
@every_row
def test_output_matches_oracle(row: Row, dtype: Any) -> None:
    model, x = row.model(dtype), row.x(40, dtype)
    wanted = row.oracle(x.astype(np.float64), state_of(model))
    tolerance = 4e-6 if dtype == np.float32 else 1e-13
    for got in [model(x), model.freeze().predict(x), *([pass_of(model, x)] if row.same_in_training else [])]:
        assert got.dtype == dtype
        assert got.shape == wanted.shape
        assert np.allclose(got, wanted, rtol=tolerance, atol=tolerance)


@every_row
def test_gradients_match_central_differences(row: Row) -> None:
    model, x = row.model(), row.x(7)
    dy = spread(pass_of(model, x).size, np.float64, 1.0).reshape(model(x).shape)
    loss = lambda: float((pass_of(model, x) * dy).sum())  # noqa: E731
    loss()
    dx = model.backward(dy)
    gradient = model.flat_gradients.copy()
    step = 1e-5

    def slope(at: Array, i: int) -> float:
        kept = at.flat[i]
        values = []
        for move in (step, -step):
            at.flat[i] = kept + move
            values.append(loss())
        at.flat[i] = kept
        return (values[0] - values[1]) / (2 * step)

    assert dx.shape == x.shape
    pass_of(model, x)
    assert model.backward(dy, input_gradient=False) is None
    assert same_bits(model.flat_gradients, gradient)
    if row.differentiable:
        moved = np.array([slope(x, i) for i in range(x.size)]).reshape(x.shape)
        assert np.allclose(dx, moved, rtol=2e-6, atol=2e-7)
    parameters = model.flat_parameters
    assert np.allclose(gradient, [slope(parameters, i) for i in range(parameters.size)], rtol=2e-6, atol=2e-7)


@every_row
def test_gradients_of_many_chunks_are_sums_over_small_batches(row: Row) -> None:
    """Batches of more than 256 samples pass in chunks; parameters' gradients add up over them."""
    if row.batch_statistics or not row.same_in_training:
        pytest.skip("a sample's output depends on the batch or on its place in it")
    model, count = row.model(), 600
    x, bounds = row.x(count), [*range(0, count, 50), count]
    dy = spread(model(x).size, np.float64, 1.0).reshape(model(x).shape)
    parts = []
    for a, b in pairwise(bounds):
        pass_of(model, x[a:b])
        parts.append((model.backward(dy[a:b]), model.flat_gradients.copy()))
    pass_of(model, x)
    dx = model.backward(dy)
    assert np.allclose(dx, np.concatenate([part for part, _ in parts]), rtol=1e-12, atol=1e-12)
    wanted = np.sum([part for _, part in parts], axis=0)
    assert np.allclose(model.flat_gradients, wanted, rtol=1e-11, atol=1e-11)


@every_row
def test_a_step_of_many_chunks_has_the_mean_gradient(row: Row) -> None:
    """`Trainer.step` on 600 samples has the gradient of the mean loss, from passes over 50 at a time."""
    if row.batch_statistics or not row.same_in_training or isinstance(row.layer, nn.LargeMarginSoftmax):
        pytest.skip("a sample's output depends on the batch or on its place in it, or the loss has a margin")
    count, model = 600, row.model()
    x = row.x(count)
    y = spread(model(x).size, np.float64, 1.0).reshape(model(x).shape)
    wanted = np.zeros(model.flat_parameters.size)
    for a in range(0, count, 50):
        error = pass_of(model, x[a : a + 50]) - y[a : a + 50]
        model.backward(2 * error / y.size)
        wanted += model.flat_gradients
    Trainer(model, loss="mse", optimizer=optim.SGD(lr=0.0)).step(x, y)
    assert np.allclose(model.flat_gradients, wanted, rtol=1e-10, atol=1e-12)


@every_row
def test_training_differs_from_evaluation_only_where_it_should(row: Row) -> None:
    model, x = row.model(), row.x(40)
    assert (row.same_in_training) == np.allclose(pass_of(model, x), model(x), rtol=1e-12, atol=1e-12)


@every_float
@every_row
def test_rows_have_the_same_bits_in_every_batch(row: Row, dtype: Any) -> None:
    model, x = row.model(dtype), row.x(300, dtype)
    whole = model(x)
    for n in (1, 2, 31, 300):
        assert same_bits(model(x[:n]), whole[:n])
        assert same_bits(model(x[300 - n :]), whole[300 - n :])
    assert same_bits(model(x[17]), whole[17])
    if not row.batch_statistics:
        assert same_bits(pass_of(model, x[:50]), pass_of(model, x)[:50])


@every_row
def test_threads_do_not_change_bits(row: Row) -> None:
    found = []
    for threads in (1, 2, 3):
        simdnn.set_num_threads(threads)
        model, x = row.model(np.float32), row.x(300, np.float32)
        y = pass_of(model, x)
        found.append([y, model.backward(np.ones_like(y)), model.flat_gradients.copy(), model(x)])
    for other in found[1:]:
        assert all(map(same_bits, found[0], other))


@every_float
@every_row
def test_shapes(row: Row, dtype: Any) -> None:
    model = row.model(dtype)
    whole = model(row.x(5, dtype))
    assert whole.shape[-1] == model.out_features
    for n in (0, 1):
        x = row.x(5, dtype)[:n]
        assert model(x).shape == (n, *whole.shape[1:])
        assert model.freeze().predict(x).shape == (n, *whole.shape[1:])
    assert pass_of(model, row.x(1, dtype)).shape == (1, *whole.shape[1:])
    assert model.backward(np.ones_like(whole[:1])).shape == row.x(1).shape
    assert model(row.x(1, dtype)[0]).shape == whole.shape[1:]


@every_row
def test_copies_go_on_alike(row: Row) -> None:
    model, x = row.model(), row.x(20)
    model.forward(x, training=True)
    for copied in (copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
        duplicate = copied(model)
        assert duplicate.state_dict().keys() == model.state_dict().keys()
        assert same_bits(duplicate(x), model(x))
        passes = model._model.passes
        y = model.forward(x, training=True)
        assert same_bits(duplicate.forward(x, training=True), y)
        model._model.passes = passes
        other = row.model(rng=5)
        other.load_state_dict(duplicate.state_dict())
        assert same_bits(other(x), duplicate(x))
    assert repr(eval(repr(row.layer), vars(nn).copy())) == repr(row.layer)


@every_float
@every_row
def test_layer_trains_inside_a_network(row: Row, dtype: Any) -> None:
    """The loss falls in a network with the layer between others, in batches of several chunks."""
    wide = [] if row.codes else [nn.Dense(4, row.features)]
    if row.steps is not None:
        head = [nn.LSTM(row.model().out_features, 3)] if row.model()._output.sequence else []
        out = 3 if head else row.model().out_features
    else:
        head, out = [], row.model().out_features
    options: dict[str, Any] = {"dtype": dtype, "rng": 1, "in_features": None if wide else row.features}
    model = nn.Sequential(*wide, row.layer, *head, nn.Dense(out, 3), **options)
    shape = (600, 4) if row.steps is None else (600, row.steps, 4)
    x = row.x(600, dtype) if row.codes else spread(int(np.prod(shape)), dtype, 1.5).reshape(shape)
    y = (x.reshape(600, -1)[:, 0] > 0).astype(int)
    history = Trainer(model, optimizer="adam", seed=0).fit(x, y, epochs=8, batch_size=300, progress=False)
    assert history.loss[-1] < history.loss[0]
    assert all(np.isfinite(value).all() for value in model.state_dict().values())
    again = nn.Sequential(*wide, row.layer, *head, nn.Dense(out, 3), **options)
    Trainer(again, optimizer="adam", seed=0).fit(x, y, epochs=8, batch_size=300, progress=False)
    assert same_bits(again.flat_parameters, model.flat_parameters)


def test_every_layer_has_a_row() -> None:
    public = set(nn._describe.LAYERS)
    missing = public - set().union(*(class_names(row.layer) for row in ROWS.values()))
    assert not missing, f"add rows with an oracle for {sorted(missing)} to ROWS in tests/oracles/layers.py"
