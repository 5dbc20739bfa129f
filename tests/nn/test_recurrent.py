"""Recurrent layers: padding, truncated backpropagation, kept states, memory."""

import copy
from functools import partial
from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, nn, optim

from tests.support.registry import same_bits, spread, with_threads

Array = np.ndarray[Any, Any]

CELLS = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}
every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=list(CELLS))


def network(cell: Any, *size: int, dtype: Any = np.float64, **settings: Any) -> nn.Sequential:
    """A network of one layer with large weights."""
    model = nn.Sequential(cell(*size, **settings), dtype=dtype, rng=0)
    model.flat_parameters[:] = spread(model.flat_parameters.size, np.float64, 0.9).astype(dtype)
    return model


def numbers(*shape: int, dtype: Any = np.float64) -> Array:
    return spread(int(np.prod(shape)), dtype, 1.5).reshape(shape)


def gradients(model: nn.Sequential, x: Array, dy: Array) -> tuple[Array, Array, Array]:
    """The output, and the gradients w.r.t. x and the parameters."""
    y = model.forward(x, training=True)
    return y, model.backward(dy), model.flat_gradients.copy()


@pytest.mark.parametrize("mask", [0.0, -1.0, np.nan])
@pytest.mark.parametrize("in_front", [False, True])
@every_cell
def test_padded_sequences_are_as_each_alone(cell: Any, in_front: bool, mask: float) -> None:
    """Last states and gradients w.r.t. real steps have the same bits; those w.r.t. padding are 0."""
    settings = {"num_layers": 2, "initial_state": "learned", "mask_value": mask}
    model = network(cell, 3, 5, **settings)
    lengths = [7, 2, 5, 1]
    sequences = [numbers(n, 3) for n in lengths]
    x = nn.pad_sequences(sequences, mask)
    real = [slice(7 - n, 7) if in_front else slice(0, n) for n in lengths]
    if in_front:
        x = np.stack([np.roll(row, 7 - n, axis=0) for row, n in zip(x, lengths, strict=True)])
    dy = numbers(4, 5)
    y, dx, gradient = gradients(model, x, dy)
    assert same_bits(model(x), y)
    alone = [gradients(model, s[None], one[None]) for s, one in zip(sequences, dy, strict=True)]
    for i, (own_y, own_dx, _) in enumerate(alone):
        assert same_bits(y[i], own_y[0])
        assert same_bits(dx[i, real[i]], own_dx[0])
        assert not np.delete(dx[i], np.r_[real[i]], axis=0).any()
    assert np.allclose(gradient, sum(own for _, _, own in alone), rtol=1e-12, atol=1e-14)


@every_cell
def test_skipped_steps_show_the_state_that_they_carry_on(cell: Any) -> None:
    model = network(cell, 3, 5, return_sequences=True, mask_value=9.0)
    x = numbers(4, 6, 3)
    x[1, 3:5] = 9.0
    y = model(x)
    assert same_bits(y[1, 3:5], np.repeat(y[1, 2:3], 2, axis=0))
    x[1, 3, 0] = 0
    assert not np.array_equal(model(x)[1, 3], y[1, 2]), "a step with another number is no padding"


@pytest.mark.parametrize("k", [1, 3, 4, 7, 20])
@every_cell
def test_truncated_gradients_are_those_of_blocks_that_begin_with_a_constant(cell: Any, k: int) -> None:
    settings = {"num_layers": 2, "return_sequences": True, "initial_state": "learned"}
    whole = network(cell, 3, 5, truncate=k, **settings)
    pieces = network(cell, 3, 5, stateful=True, **settings)
    x, dy = numbers(4, 10, 3), numbers(4, 10, 5)
    y, dx, gradient = gradients(whole, x, dy)
    found = [gradients(pieces, x[:, t : t + k], dy[:, t : t + k]) for t in range(0, 10, k)]
    assert same_bits(y, np.concatenate([piece[0] for piece in found], axis=1))
    assert same_bits(dx, np.concatenate([piece[1] for piece in found], axis=1))
    assert np.allclose(gradient, sum(piece[2] for piece in found), rtol=1e-12, atol=1e-14)
    if k > 10:
        _, full_dx, full = gradients(network(cell, 3, 5, **settings), x, dy)
        assert same_bits(full_dx, dx)
        assert same_bits(full, gradient)


@pytest.mark.parametrize("samples", [1, 6, 300])
@every_cell
def test_stateful_layers_go_on_where_the_last_batch_ended(cell: Any, samples: int) -> None:
    make = partial(network, cell, 3, 5, num_layers=2, return_sequences=True)
    model = make(stateful=True)
    x = numbers(samples, 9, 3)
    wanted = make()(x)
    predictor = model.freeze()
    for run in (model, predictor.predict, partial(model.forward, training=True)):
        model.reset_states()
        parts = [run(x[:, a:b]) for a, b in [(0, 4), (4, 5), (5, 9)]]
        assert same_bits(np.concatenate(parts, axis=1), wanted)
    again = [model(x[:, :4]), predictor.predict(x[:, :4])]
    assert not np.array_equal(again[0], wanted[:, :4]), "the state of the last call is carried on"
    model.reset_states()
    predictor.reset_states()
    assert same_bits(model(x[:, :4]), wanted[:, :4])
    assert same_bits(predictor.predict(x[:, :4]), wanted[:, :4])
    assert same_bits(model.freeze().predict(x[:, :4]), wanted[:, :4]), (
        "a predictor begins with initial states"
    )


def test_after_a_reset_batches_of_another_size_begin_with_initial_states() -> None:
    make = partial(network, nn.LSTM, 3, 5)
    model, x = make(stateful=True), numbers(9, 4, 3)
    wanted = make()(x)
    predictor = model.freeze()
    for run in (model, partial(model.forward, training=True), predictor.predict):
        for count in (9, 4, 7, 7):
            model.reset_states()
            predictor.reset_states()
            assert same_bits(run(x[:count]), wanted[:count])
        with pytest.raises(ValueError, match="expected 7 samples"):
            run(x)


def test_stateful_training_keeps_batches_of_one_size() -> None:
    model = nn.Sequential(nn.LSTM(3, 8, stateful=True), nn.Dense(8, 2), rng=0)
    x, y = numbers(20, 5, 3, dtype=np.float32), np.arange(20) % 2
    trainer = Trainer(model, seed=0)
    before = model.flat_parameters.copy()
    with pytest.raises(ValueError, match=r"batch_size: .*20 samples.*batches of 8"):
        trainer.fit(x, y, epochs=1, batch_size=8)
    assert same_bits(model.flat_parameters, before)
    trainer.fit(x, y, epochs=2, batch_size=10, shuffle=False)
    after = model.flat_parameters.copy()
    for call in (
        lambda: trainer.step(x, y),
        lambda: model(x),
        lambda: model.forward(x, training=True),
        lambda: trainer.fit(x, y, epochs=1, batch_size=5),
    ):
        with pytest.raises(ValueError, match=r"x: expected 10 samples.*reset_states\(\), got"):
            call()
    assert same_bits(model.flat_parameters, after)
    kept = model(x[:10])
    model.reset_states()
    fresh = model(x[:10])
    assert not np.array_equal(kept, fresh)
    second = copy.deepcopy(model)
    trainer.evaluate(x, y)
    assert same_bits(model(x[:10]), second(x[:10])), "evaluate leaves the states alone"


@every_cell
def test_learned_states_learn_from_the_first_batch_of_a_series_alone(cell: Any) -> None:
    model = network(cell, 3, 5, initial_state="learned", stateful=True)
    x, dy = numbers(4, 6, 3), numbers(4, 5)
    gradients(model, x, dy)
    names = [name for name in model.parameters() if name.startswith(("0.h0", "0.c0"))]
    assert names == (["0.h0_l0", "0.c0_l0"] if cell is nn.LSTM else ["0.h0_l0"])
    assert all(model.gradients()[name].any() for name in names)
    gradients(model, x, dy)
    assert not any(model.gradients()[name].any() for name in names)


@pytest.mark.parametrize(("samples", "time", "hidden"), [(70, 12, 48), (3, 4, 300), (33, 2, 130)])
@every_cell
def test_threads_do_not_change_bits(cell: Any, samples: int, time: int, hidden: int) -> None:
    """Threads split samples, or columns of a wide product."""
    x = numbers(samples, time, 20, dtype=np.float32)

    def run() -> list[Array]:
        model = network(cell, 20, hidden, num_layers=2, dtype=np.float32, mask_value=0.0)
        model.flat_parameters[:] /= 8
        y = model.forward(x, training=True)
        return [y, model.backward(np.ones_like(y)), model.flat_gradients.copy(), model(x)]

    found = [with_threads(n, run) for n in (1, 2, 3)]
    for other in found[1:]:
        assert all(map(same_bits, found[0], other))


@every_cell
def test_a_layer_fits_any_length(cell: Any) -> None:
    """Buffers fit the largest batch so far; fewer samples with more steps fit too."""
    model, other = network(cell, 3, 5), network(cell, 3, 5)
    trainer = Trainer(nn.Sequential(cell(3, 5), nn.Dense(5, 2), dtype=np.float64, rng=0), seed=0)
    for samples, time in [(20, 6), (4, 30), (20, 3), (1, 120), (4, 60), (64, 2), (64, 9)]:
        x, dy = numbers(samples, time, 3), numbers(samples, 5)
        fresh = network(cell, 3, 5)
        assert all(map(same_bits, gradients(model, x, dy), gradients(fresh, x, dy)))
        assert same_bits(other(x), fresh(x))
        assert np.isfinite(trainer.step(x, np.arange(samples) % 2))


def recall(samples: int, steps: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Samples with a symbol at the first step, then noise; the symbol is the class."""
    x = rng.normal(size=(samples, steps, 2)).astype(np.float32)
    y = rng.integers(0, 2, samples)
    x[:, 0] = 3 * np.eye(2)[y]
    return x, y


@pytest.mark.parametrize("seed", range(3))
def test_an_lstm_remembers_what_a_plain_recurrence_forgets(seed: int) -> None:
    """The task needs the first of 40 steps (Bengio, Simard & Frasconi 1994, "Learning long-term ...")."""
    rng = np.random.default_rng(seed)
    (x, y), (x_test, y_test) = recall(2000, 40, rng), recall(500, 40, rng)
    accuracy = {}
    for layer in (nn.LSTM(2, 16, forget_bias=2.0), nn.RNN(2, 16)):
        model = nn.Sequential(layer, nn.Dense(16, 2), rng=seed)
        trainer = Trainer(model, optimizer=optim.Adam(lr=0.01, clip_norm=1.0), seed=seed)
        trainer.fit(x, y, epochs=10, batch_size=50)
        accuracy[type(layer)] = trainer.evaluate(x_test, y_test)[1]
    assert accuracy[nn.LSTM] > 0.97
    assert accuracy[nn.RNN] < 0.65


def test_initial_values() -> None:
    names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    plain = nn.Sequential(nn.LSTM(6, 25, 2), rng=1).parameters()
    assert list(plain)[:4] == [f"0.{name}" for name in names]
    assert [value.shape for value in plain.values()][4:] == [(25, 100), (25, 100), (100,), (100,)]
    assert all(np.abs(value).max() <= 0.2 for value in plain.values())
    tuned = nn.Sequential(
        nn.LSTM(6, 25, 2, recurrent_init="orthogonal", init="zeros", forget_bias=1.5),
        rng=1,
        dtype=np.float64,
    ).parameters()
    for level in range(2):
        for gate in np.split(tuned[f"0.weight_hh_l{level}"], 4, axis=1):
            assert np.allclose(gate.T @ gate, np.eye(25))
        assert not tuned[f"0.weight_ih_l{level}"].any()
        bias = tuned[f"0.bias_ih_l{level}"].reshape(4, 25)
        assert np.all(np.abs(bias - [[0], [1.5], [0], [0]]) <= 0.2)


@pytest.mark.parametrize("cell", CELLS)
def test_flat_data_is_refused_with_both_shapes(cell: str) -> None:
    layer = getattr(nn, cell)
    model = nn.Sequential(layer(8, 4), nn.Dense(4, 2), rng=0)
    trainer = Trainer(model, seed=0)
    x, y = np.ones((20, 8), np.float32), np.zeros(20, int)
    for call in (
        lambda: trainer.step(x, y),
        lambda: trainer.fit(x, y, epochs=1),
        lambda: model.forward(x, training=True),
    ):
        with pytest.raises(ValueError, match=r"x: expected shape \(n, time, 8\), got \(20, 8\)"):
            call()
    with pytest.raises(
        ValueError, match=rf"layers\[1\]: layers\[0\] gives \(n, 4\), but {cell}.*\(n, time, 4\)"
    ):
        nn.Sequential(layer(8, 4), layer(4, 3))


def test_padding() -> None:
    padded = nn.pad_sequences([np.ones((2, 3), np.float32), np.zeros((4, 3), np.float32)], value=-1)
    assert padded.dtype == np.float32
    assert padded.shape == (2, 4, 3)
    assert np.array_equal(padded[0, :, 0], [1, 1, -1, -1])
    assert nn.pad_sequences([np.ones((2, 1), int)]).dtype == np.float64


def test_a_long_recurrence_in_pieces_of_time_has_the_same_bits() -> None:
    """Long batches are computed in pieces, with checks for Ctrl-C between them; short ones in one."""
    model = network(nn.LSTM, 64, 256, dtype=np.float32)
    model.flat_parameters[:] /= 16
    x = numbers(64, 60, 64, dtype=np.float32)
    assert same_bits(model(x)[:3], model(x[:3]))
