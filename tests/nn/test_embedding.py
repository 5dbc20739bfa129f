"""Embeddings of categorical columns: lookups, errors, and no writes before an error."""

from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, nn

from tests.support.registry import FLOATS, same_bits

every_float = pytest.mark.parametrize("dtype", FLOATS)
LAYER = nn.Embedding(in_features=3, columns={1: (5, 2)})


def model_of(*layers: nn.Layer, dtype: Any = np.float32, **options: Any) -> nn.Sequential:
    return nn.Sequential(*layers, dtype=dtype, rng=0, **options)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (5, IndexError, r"x: row 7, column 1: 5 is out of range for 5 embeddings \(0 to 4\)"),
        (-1, IndexError, "row 7, column 1: -1 is out of range"),
        (1.5, ValueError, "row 7, column 1: expected an integer.*1.5"),
        (np.nan, ValueError, "row 7, column 1: .*nan"),
        (np.inf, ValueError, "row 7, column 1: .*inf"),
    ],
)
@pytest.mark.parametrize(
    "layer", [LAYER, nn.Concatenate((), LAYER), nn.Residual(LAYER, shortcut=nn.Dense(3, 4))]
)
def test_what_cannot_be_looked_up_is_refused(
    layer: nn.Layer, value: float, error: type[Exception], message: str
) -> None:
    x = np.ones((20, 3))
    x[7, 1] = value
    model = model_of(layer, nn.BatchNorm1d(), nn.Dense(model_of(layer).out_features, 2))
    trainer, state, y = Trainer(model), model.state_dict(), np.zeros(20, int)
    out = np.full((20, 2), 7, np.float32)
    calls = [
        lambda: model(x),
        lambda: model.forward(x, training=True),
        lambda: model.freeze().predict(x, out),
        lambda: trainer.step(x, y),
        lambda: trainer.step(x.astype(np.float32), y),
        lambda: trainer.fit(x, y, epochs=1, progress=False),
    ]
    for call in calls:
        with pytest.raises(error, match=message):
            call()
    assert all(same_bits(state[name], kept) for name, kept in model.state_dict().items())
    assert (out == 7).all()


@every_float
def test_integers_of_any_kind_are_looked_up_alike(dtype: Any) -> None:
    model = model_of(nn.Embedding(9, 4), dtype=dtype, in_features=2)
    codes = np.array([[0, 8], [3, 3]])
    wanted = model.parameters()["0.weight"][codes].reshape(2, 8)
    for kind in (np.int64, np.uint8, np.int16, np.float32, np.float64, object):
        if kind is object:
            assert same_bits(model(codes.tolist()), wanted)
        else:
            assert same_bits(model(codes.astype(kind)), wanted)


def test_bytes_are_looked_up_where_they_lie() -> None:
    x = (np.arange(60, dtype=np.uint8) % 7).reshape(20, 3)
    y = np.arange(20) % 2
    models = [model_of(nn.Embedding(7, 2, in_features=3), nn.Dense(6, 2)) for _ in range(2)]
    for model, kind in zip(models, (np.uint8, np.float32), strict=True):
        Trainer(model, seed=0).fit(x.astype(kind), y, epochs=3, progress=False)
    assert same_bits(models[0].flat_parameters, models[1].flat_parameters)


@every_float
def test_gradients_are_added_row_by_row(dtype: Any) -> None:
    model = model_of(nn.Embedding(3, 2), dtype=dtype, in_features=2)
    model.forward([[0, 2], [2, 2], [0, 0]], training=True)
    dx = model.backward([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]])
    assert model.gradients()["0.weight"].tolist() == [[21, 24], [0, 0], [15, 18]]
    assert not dx.any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Embedding(), "expected num_embeddings and embedding_dim, or columns"),
        (lambda: nn.Embedding(3), "expected num_embeddings"),
        (lambda: nn.Embedding(3, 2, in_features=2, columns={0: (3, 2)}), "or columns"),
        (lambda: nn.Embedding(columns={0: (3, 2)}), "in_features: "),
        (lambda: nn.Embedding(in_features=2, columns={2: (3, 2)}), "columns: .*2"),
        (lambda: nn.Embedding(in_features=2, columns={}), "columns: .*none"),
        (lambda: nn.Embedding(in_features=2, columns={0: (3,)}), r"columns: .*\(0, 3\)"),
        (lambda: nn.Embedding(in_features=2, columns=[(0, 3, 2), (0, 3, 2)]), "columns: column 0 .*twice"),
        (lambda: nn.Embedding(0, 2), "num_embeddings: .*0"),
        (lambda: model_of(nn.Dense(3, 2), nn.Embedding(3, 2)), r"layers\[1\]: .*first"),
        (lambda: model_of(nn.Dense(3, 3), nn.Concatenate((), LAYER)), r"layers\[1\]: .*first"),
        (
            lambda: model_of(nn.Residual(nn.Dense(3, 3), nn.Embedding(3, 1))),
            r"layers\[0\]: layers\[1\]: .*first",
        ),
        (lambda: model_of(LAYER, nn.Dense(5, 2)), r"layers\[1\]: .*\(n, 4\).*\(n, 5\)"),
        (lambda: model_of(nn.Dense(4, 5), nn.BatchNorm1d(6)), r"layers\[1\]: .*\(n, 5\).*\(n, 6\)"),
        (lambda: model_of(nn.Dense(4, 5), nn.PReLU(6)), r"layers\[1\]: .*\(n, 5\).*\(n, 6\)"),
        (lambda: model_of(nn.Dense(4, 5), nn.CReLU(), nn.Dense(5, 2)), r"layers\[2\]: .*\(n, 10\).*\(n, 5\)"),
        (
            lambda: model_of(nn.Concatenate(nn.Dense(4, 5), nn.Dense(3, 5))),
            r"layers\[0\]: branches\[1\]\[0\]: .*\(n, 4\).*\(n, 3\)",
        ),
        (
            lambda: Trainer(model_of(nn.Dense(4, 5), nn.Softmax())),
            r"layers\[1\]: Softmax\(\).*\(n, 5\).*cross_entropy.*\(n, 5\)",
        ),
        (lambda: nn.Dense(3, 4, nn.Swish(trainable=True)), "activation: Swish.*layer of its own"),
        (lambda: nn.Dense(3, 4, nn.BinaryStep(True)), "activation: BinaryStep.*layer of its own"),
        (lambda: nn.BatchNorm1d(4, momentum=2), "momentum: .*2"),
        (lambda: nn.BatchNorm1d(4, eps=0), "eps: .*0"),
        (lambda: nn.LayerNorm(0), "num_features: .*0"),
        (lambda: nn.AlphaDropout(1), "p: .*1"),
        (lambda: nn.RReLU(0.5, 0.1), "lower, upper: .*0.5.*0.1"),
        (lambda: nn.RReLU(distribution="cauchy"), "distribution: .*cauchy"),
        (lambda: nn.Swish(num_parameters=3), "num_parameters: .*3"),
        (lambda: nn.BinaryStep("wide"), "straight_through: .*wide.*clipped"),
        (lambda: nn.Maxout(3, 4, 0), "pieces: .*0"),
        (lambda: nn.Concatenate(), "branches: .*none"),
    ],
)
def test_bad_compositions_are_refused_at_construction(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_columns_are_a_mapping_or_triples() -> None:
    listed = nn.Embedding(in_features=6, columns=[(4, 5, 3), (0, 11, 2)])
    assert repr(listed) == repr(nn.Embedding(in_features=6, columns={4: (5, 3), 0: (11, 2)}))
    with pytest.raises(TypeError, match=r"columns: .*int"):
        nn.Embedding(in_features=6, columns={4: 5})


def test_softmax_and_sigmoid_go_with_losses_of_probabilities() -> None:
    for last, loss in ((nn.Softmax(), "mse"), (nn.Sigmoid(), "binary_cross_entropy")):
        x = np.linspace(-1, 1, 60).reshape(20, 3)
        history = Trainer(model_of(nn.Dense(3, 2), last), loss=loss, seed=0).fit(
            x, (x[:, :2] > 0).astype(float), epochs=5, progress=False
        )
        assert history.loss[-1] < history.loss[0]


@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize("nested", [False, True])
def test_numbers_that_a_cast_would_round_to_integers_are_refused(strided: bool, nested: bool) -> None:
    layer = nn.Embedding(in_features=1, columns={0: (4, 2)})
    model = model_of(nn.Concatenate((), layer) if nested else layer)
    outputs = model.out_features
    x = np.array([[1.0, 0], [2.0 + 2.0**-40, 0], [3.0, 0]])[:, :1]
    x, y = x if strided else x.copy(), np.zeros((3, outputs))
    trainer = Trainer(model, "mse", seed=0)
    before = model.flat_parameters.copy()
    for call in (
        lambda: model(x),
        lambda: model.forward(x, training=True),
        lambda: model.freeze().predict(x),
        lambda: trainer.step(x, y),
        lambda: trainer.fit(x, y, epochs=1),
        lambda: trainer.evaluate(x, y),
        lambda: model(x.astype(np.longdouble)),
    ):
        with pytest.raises(ValueError, match=r"x: row 1, column 0: expected an integer to look up"):
            call()
    assert np.array_equal(model.flat_parameters, before)
    x[1] = 2
    assert np.array_equal(model(x), model(x.astype(np.float32)))


def test_a_network_has_no_more_integers_than_its_dtype_tells_apart() -> None:
    most = 2**24
    large = model_of(nn.Embedding(most + 1, 1, init="zeros"), in_features=1)
    message = "num_embeddings: float32 tells only 16777216 integers apart, got 16777217"
    for call in (
        lambda: large([[1]]),
        lambda: large.freeze(),
        lambda: Trainer(large, "mse").step([[1]], [[1.0]]),
        lambda: Trainer(large, "mse").fit([[1]], [[1.0]], epochs=1),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    for dtype, count in ((np.float32, most), (np.float64, most + 4)):
        model = model_of(nn.Embedding(count, 1, init="zeros"), in_features=1, dtype=dtype)
        model.parameters()["0.weight"][-4:, 0] = [1, 2, 3, 4]
        for kind in (np.int64, np.uint32, np.float64):
            assert model(np.arange(count - 4, count, dtype=kind)[:, np.newaxis])[:, 0].tolist() == [
                1,
                2,
                3,
                4,
            ]
            for outside in (count, count + 1):
                with pytest.raises(IndexError, match=f"is out of range for {count} embeddings"):
                    model(np.array([[outside]], kind))


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (2 + 2.0**-26, ValueError, "row 7, column 1: expected an integer to look up, got 2.00000001490116"),
        (5 - 2.0**-26, ValueError, "row 7, column 1: expected an integer to look up, got 4.999999985098838"),
        (2.0**24 + 1, IndexError, "row 7, column 1: 16777217 is out of range"),
        (1e30, IndexError, "row 7, column 1: 1[0-9]{30} is out of range"),
    ],
)
def test_numbers_of_a_wider_type_are_checked_as_they_are(
    value: float, error: type[Exception], message: str
) -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="needs the extra [sklearn]: scipy")
    x = np.ones((20, 3))
    x[7, 1] = value
    trainer, y = Trainer(model_of(LAYER, nn.Dense(4, 2))), np.zeros(20, int)
    for given in (x, sparse.csr_matrix(x), sparse.coo_array(x), x.astype(np.longdouble)):
        for call in (trainer.step, trainer.evaluate):
            with pytest.raises(error, match=message):
                call(given, y)


def test_entries_of_a_sparse_matrix_add_up_before_they_are_looked_up() -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="needs the extra [sklearn]: scipy")
    parts = sparse.csr_matrix(([1.25, 1.75, 1.0], [1, 1, 0], [0, 3]), shape=(1, 3))
    trainer = Trainer(model_of(LAYER, nn.Dense(4, 2)))
    assert trainer.evaluate(parts, [0]) == trainer.evaluate(np.array([[1.0, 3.0, 0.0]]), [0])
