"""Predictions of many networks in one call have the bits of one call after another."""

import copy
import threading
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import nn

from tests.oracles.layers import ROWS, Row
from tests.support.networks import network
from tests.support.processes import run
from tests.support.registry import FLOATS, same_bits, spread

Array = np.ndarray[Any, Any]


def numbers(rows: int, columns: int, dtype: Any = np.float64) -> Array:
    return spread(rows * columns, dtype, 1.5).reshape(rows, columns)


def mixed(inputs: int = 20) -> list[Any]:
    """Models and predictors of several sizes and both dtypes, large enough for threads."""
    shapes = [[inputs, 3], [inputs, 64, 64, 5], [inputs, 200, 2], [inputs, 8, 8, 8, 1], [inputs, 33, 4]]
    models = [network(shape, dtype=dtype) for shape in shapes for dtype in FLOATS]
    return [*models, *(model.freeze() for model in models)]


def alone(model: Any, x: Any) -> Array:
    return model(x) if isinstance(model, nn.Sequential) else model.predict(x)


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_every_layer_predicts_as_alone(row: Row) -> None:
    models: list[Any] = [row.model(dtype) for dtype in FLOATS]
    models += [model.freeze() for model in models]
    xs = [row.x(rows, np.float64) for rows in (1, 7, 300, 20)]
    wanted = [alone(copy.deepcopy(model), x) for model, x in zip(models, xs, strict=True)]
    assert all(map(same_bits, simdnn.predict_many(models, xs), wanted))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("n_threads", [None, 1, 2, 5, 100])
def test_no_number_of_threads_changes_a_bit(layer: str, threads: int, n_threads: int, dtype: Any) -> None:
    models, x = mixed(), (3 * numbers(700, 20)).astype(dtype)
    wanted = [alone(model, x) for model in models]
    for xs in (x, [x] * len(models), np.asfortranarray(x)):
        found = simdnn.predict_many(models, xs, n_threads=n_threads)
        assert all(map(same_bits, found, wanted))
        assert [y.dtype for y in found] == [model.dtype for model in models]


def test_inputs_may_have_any_number_of_rows() -> None:
    models = mixed()
    xs: list[Any] = [numbers(rows, 20) for rows in range(len(models))]
    xs[3] = xs[3][0]
    xs[4] = xs[4].tolist()
    found = simdnn.predict_many(models, xs)
    assert all(map(same_bits, found, [alone(model, x) for model, x in zip(models, xs, strict=True)]))
    assert all(map(same_bits, simdnn.predict_many(models, xs[3]), [alone(model, xs[3]) for model in models]))
    assert all(
        map(same_bits, simdnn.predict_many(models, xs[4]), simdnn.predict_many(models, np.array(xs[4])))
    )
    assert simdnn.predict_many([], numbers(2, 2)) == simdnn.predict_many([], []) == []


def test_a_model_may_be_in_the_list_several_times(threads: int) -> None:
    model, other = network([20, 300, 4]), network([20, 300, 4])
    batches = [numbers(400, 20) + i for i in range(6)]
    found = simdnn.predict_many([model, other] * 3, batches)
    assert all(map(same_bits, found, map(model, batches)))


def test_stateful_models_go_on_in_the_order_of_the_list(threads: int) -> None:
    model = nn.Sequential(nn.LSTM(3, 40, stateful=True), nn.Dense(40, 2), rng=0)
    again = copy.deepcopy(model)
    pieces = [spread(50 * 9 * 3, np.float32).reshape(50, 9, 3) + i for i in range(4)]
    found = simdnn.predict_many([model] * 4, pieces)
    assert all(map(same_bits, found, map(again, pieces)))
    assert all(map(same_bits, model._model.states, again._model.states))
    with pytest.raises(ValueError, match=r"xs\[1\]: expected 50 samples, whose states"):
        simdnn.predict_many([model, model], [pieces[0], pieces[1][:49]])
    model.reset_states()
    with pytest.raises(ValueError, match=r"xs\[1\]: expected 50 samples, whose states"):
        simdnn.predict_many([model, model], [pieces[0], pieces[1][:49]])
    assert not model._model.states


WRONG: list[tuple[Any, Any, type[Exception], str]] = [
    ([network([3, 2]), 5], numbers(2, 3), TypeError, r"models\[1\]: expected a Sequential or a Pred.*int"),
    (network([3, 2]), numbers(2, 3), TypeError, "models: expected a sequence of models, got Sequential"),
    (None, numbers(2, 3), TypeError, "models: expected a sequence of models, got NoneType"),
    ([network([3, 2])] * 3, [numbers(2, 3)] * 2, ValueError, "xs: expected one array for each of the 3"),
    ([network([3, 2])] * 2, [numbers(2, 3), numbers(2, 4)], ValueError, r"xs\[1\]: .*\(n, 3\), got \(2, 4\)"),
    ([network([4, 2]), network([3, 2])], numbers(2, 4), ValueError, r"models\[1\]: xs: .*\(n, 3\)"),
    ([network([3, 2])] * 2, [numbers(2, 3), None], TypeError, r"xs\[1\]: expected real numbers"),
    ([network([3, 2])] * 2, [numbers(2, 3), 1j * numbers(2, 3)], TypeError, r"xs\[1\]: .*complex"),
    ([network([3, 2])], np.ma.masked_array(numbers(2, 3)), TypeError, "xs: a masked array"),
    (
        [nn.Sequential(nn.Embedding(5, 2), in_features=1)],
        [np.array([[7.0]])],
        IndexError,
        r"xs\[0\]: row 0, column 0",
    ),
    (
        [nn.Sequential(nn.Embedding(5, 2), in_features=1)],
        np.array([[1 + 1e-12]]),
        ValueError,
        r"models\[0\]: xs: row 0, column 0: expected an integer",
    ),
]


@pytest.mark.parametrize(("models", "xs", "kind", "message"), WRONG)
def test_an_error_names_the_place(models: Any, xs: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        simdnn.predict_many(models, xs)


@pytest.mark.parametrize(("n_threads", "kind"), [(0, ValueError), (1.5, TypeError), (True, TypeError)])
def test_threads_are_a_count(n_threads: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="n_threads: expected an integer"):
        simdnn.predict_many([network([3, 2])], numbers(2, 3), n_threads=n_threads)


def test_calls_that_share_models_do_not_wait_for_each_other(threads: int) -> None:
    """Lists in any order, and single calls, at the same time."""
    models = [network([20, 100, 4], dtype=np.float32) for _ in range(8)]
    x = numbers(300, 20, np.float32)
    wanted = [model(x) for model in models]
    errors: list[int] = []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(20):
            order = rng.permutation(8)
            found = simdnn.predict_many([models[i] for i in order], x)
            found.append(models[seed](x))
            right = [*(wanted[i] for i in order), wanted[seed]]
            errors.extend(i for i, pair in enumerate(zip(found, right, strict=True)) if not same_bits(*pair))

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not any(worker.is_alive() for worker in workers)
    assert not errors


def test_a_forked_child_predicts_too(layer: str) -> None:
    script = f"""
import os, warnings, numpy as np, simdnn
from tests.support.networks import network
warnings.simplefilter("ignore")
simdnn.set_threading_layer({layer!r})
models, x = [network([20, 200, 4]) for _ in range(4)], np.ones((2000, 20))
wanted = simdnn.predict_many(models, x, n_threads=2)
child = os.fork()
if child == 0:
    same = all(map(np.array_equal, simdnn.predict_many(models, x, n_threads=2), wanted))
    os._exit(0 if same else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run(script, timeout=60).strip() == "0"
