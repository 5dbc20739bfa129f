"""The forms of samples and targets: sequences are arrays; sparse matrices are objects of SciPy, checked."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn.functional as F
from simdnn import Trainer, nn, optim, pretrain, schedules, table

from tests.support.networks import network

Array = np.ndarray[Any, Any]


def trainer_of(inputs: int = 3, loss: str = "cross_entropy") -> Trainer:
    return Trainer(network([inputs, 4, 2], dtype=np.float64), loss=loss, seed=0)


def trained(x: Any, y: Any, loss: str = "cross_entropy") -> list[float]:
    """The parameters after a step and an epoch, and the evaluation."""
    trainer = trainer_of(loss=loss)
    found = [trainer.step(x, y), *trainer.fit(x, y, epochs=1, batch_size=2, progress=False).loss]
    return [*found, *trainer.evaluate(x, y)[:1], *trainer.model.flat_parameters]


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("form", [list, tuple], ids=["list", "tuple"])
def test_a_sequence_of_rows_is_an_array(form: Callable[[Any], Any], rows: int) -> None:
    x = np.random.default_rng(0).normal(size=(rows, 3))
    y = np.arange(rows) % 2
    assert trained(form(map(form, x.tolist())), form(y.tolist())) == trained(x, y)
    assert trained(form(x), form(y)) == trained(x, y)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_tuple_of_rows_of_values_is_an_array(rows: int) -> None:
    generator = np.random.default_rng(0)
    x, values = generator.normal(size=(rows, 3)), generator.normal(size=(rows, 2))
    for loss in ("mse", "distillation"):
        assert trained(x, tuple(values), loss) == trained(x, values, loss)
    assert F.distillation_loss(values, tuple(values + 1)) == F.distillation_loss(values, values + 1)
    deep = generator.normal(size=(2, 3, 4))
    assert F.distillation_loss(deep, tuple(deep + deep)) == F.distillation_loss(deep, deep + deep)


PARTS = (np.ones(2), np.array([0, 1]), np.array([0, 2]), (1, 3))


@pytest.mark.parametrize(
    "x",
    [
        PARTS,
        (np.ones(2), [object(), object()], [0, 2], (1, 3)),
        (np.ones(2), np.ones(2), np.array([0.0, 2.0]), (1, 3)),
        list(PARTS),
        ((0.0, 0.0), (0.0, 1.0)),
        {"data": 1},
    ],
)
def test_the_parts_of_a_sparse_matrix_are_no_matrix(x: Any) -> None:
    for call in (trainer_of().step, trainer_of().evaluate):
        with pytest.raises((TypeError, ValueError), match="x: expected"):
            call(x, [0])


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
@pytest.mark.parametrize("suffix", ["_matrix", "_array"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.uint8, bool])
def test_every_sparse_format_and_dtype_is_the_dense_matrix(dtype: Any, suffix: str, kind: str) -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="needs the extra [sklearn]: scipy")
    x = (np.random.default_rng(0).integers(-3, 4, (20, 3)).clip(0)).astype(dtype)
    y = np.arange(20) % 2
    assert trained(getattr(sparse, kind + suffix)(x), y) == trained(x, y)


def spoiled(change: Callable[[Any], None], index: Any = np.int64) -> Any:
    """A sparse matrix [4, 3] with an inconsistent part."""
    sparse = pytest.importorskip("scipy.sparse", reason="needs the extra [sklearn]: scipy")
    matrix = sparse.csr_array(np.ones((4, 3)))
    matrix.indices, matrix.indptr = matrix.indices.astype(index), matrix.indptr.astype(index)
    change(matrix)
    return matrix


def setter(part: str, place: int, value: Any) -> Callable[[Any], None]:
    return lambda matrix: getattr(matrix, part).__setitem__(place, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (setter("indices", 5, 3), r"x\.indices\[5\]: expected a column from 0 to 2, got 3"),
        (setter("indices", 5, -1), r"x\.indices\[5\]: .*got -1"),
        (setter("indices", 5, 2**31 - 1), r"x\.indices\[5\]: .*got 2147483647"),
        (setter("indptr", 2, 1), "x: expected a valid CSR matrix"),
        (setter("indptr", 0, -1), "x: expected a valid CSR matrix"),
        (setter("indptr", 4, 13), "x: expected a valid CSR matrix"),
        (lambda m: setattr(m, "indptr", m.indptr[:-1]), "x: expected a valid CSR matrix"),
        (lambda m: setattr(m, "indices", m.indices[:-1]), "x: expected a valid CSR matrix"),
        (
            lambda m: setattr(m, "indices", m.indices * 1.0),
            r"x\.indices: expected integers, got dtype float64",
        ),
        (
            lambda m: setattr(m, "indptr", m.indptr.astype("O")),
            r"x\.indptr: expected integers, got dtype object",
        ),
        (lambda m: setattr(m, "data", m.data.astype(complex)), r"x\.data: expected real numbers"),
        (lambda m: setattr(m, "data", m.data.reshape(3, 4)), "x: expected a valid CSR matrix"),
    ],
)
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_inconsistent_sparse_matrices_are_refused(index: Any, change: Any, message: str) -> None:
    trainer = trainer_of()
    before = trainer.model.flat_parameters.copy()
    with pytest.raises((TypeError, ValueError), match=message):
        trainer.fit(spoiled(change, index), [0, 1, 0, 1], epochs=1, progress=False)
    np.testing.assert_array_equal(trainer.model.flat_parameters, before)


def test_sparse_matrices_of_other_shapes_are_refused() -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="needs the extra [sklearn]: scipy")
    with pytest.raises(ValueError, match="x: expected 3 columns, got 4"):
        trainer_of().step(sparse.csr_array(np.ones((2, 4))), [0, 1])
    with pytest.raises(ValueError, match="x: expected at least one sample"):
        trainer_of().step(sparse.csr_array((0, 3)), [])
    recurrent = Trainer(nn.Sequential(nn.LSTM(3, 2), rng=0), seed=0)
    with pytest.raises(TypeError, match=r"x: .*sparse"):
        recurrent.step(sparse.csr_array(np.ones((2, 3))), [0, 1])


def test_duplicate_and_unsorted_entries_add_up() -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="needs the extra [sklearn]: scipy")
    parts = ([1.0, 2.0, 4.0, 8.0], [2, 0, 2, 1], [0, 3, 4])
    matrix = sparse.csr_matrix(parts, shape=(2, 3))
    assert trained(matrix, [0, 1]) == trained(matrix.toarray(), [0, 1])


DENSE_ONLY = {
    "call": lambda model, x: model(x),
    "forward": lambda model, x: model.forward(x, training=True),
    "predict": lambda model, x: model.freeze().predict(x),
    "backward": lambda model, x: (model.forward(np.eye(3), training=True), model.backward(x)),
    "targets": lambda model, x: Trainer(model, "mse").step(np.eye(3), x),
    "classes": lambda model, x: Trainer(model).step(np.eye(3), x),
    "weights": lambda model, x: Trainer(model).step(np.eye(3), [0, 1, 1], x),
    "softmax": lambda model, x: F.softmax(x),
    "crelu": lambda model, x: F.crelu(x),
    "loss": lambda model, x: F.mse_loss(x, np.eye(3)),
    "grads": lambda model, x: optim.SGD([np.eye(3)]).step([x]),
    "parameters": lambda model, x: model.load_state_dict({"0.weight": x}),
    "lsuv": lambda model, x: pretrain.lsuv(model, x),
    "greedy": lambda model, x: pretrain.BernoulliRBM(3, 2).fit(x),
    "columns": lambda model, x: table.Columns.fit({"a": x}),
    "step": lambda model, x: schedules.constant(1.0)(x),
}


@pytest.mark.parametrize("name", DENSE_ONLY)
@pytest.mark.parametrize("kind", ["csr_matrix", "coo_array"])
def test_where_arrays_are_dense_a_sparse_matrix_is_refused_by_its_name(name: str, kind: str) -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="needs the extra [sklearn]: scipy")
    matrix = getattr(sparse, kind)(np.eye(3))
    with pytest.raises(TypeError, match=rf"sparse {kind}: make it dense with \.toarray\(\)"):
        DENSE_ONLY[name](nn.Sequential(nn.Dense(3, 3), rng=0), matrix)
