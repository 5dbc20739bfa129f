"""Training: batches, seeds, history, callbacks, validation, and learning."""

from typing import Any

import numpy as np
import pytest
from simdnn import History, Trainer, nn, optim

from tests import oracles
from tests.support.networks import network, network_for, samples
from tests.support.registry import ACTIVATIONS, FLOATS, KINDS, same_bits, spread

Array = np.ndarray[Any, Any]

every_loss = pytest.mark.parametrize("loss", oracles.LOSSES)
every_float = pytest.mark.parametrize("dtype", FLOATS)
every_batch_size = pytest.mark.parametrize("batch_size", [1, 7, 32, 100, None, 1000], ids=str)


def trained(
    loss: str = "cross_entropy", seed: int | None = 3, dtype: Any = np.float32, **options: Any
) -> nn.Sequential:
    """A model after three epochs of 100 samples."""
    model = network_for(loss, [6, 16, 5], dtype=dtype)
    x, y = samples(loss, 100, 6, 5, dtype)
    Trainer(model, loss=loss, optimizer=optim.Adam(lr=0.01), seed=seed).fit(x, y, epochs=3, **options)
    return model


@every_batch_size
@every_float
@every_loss
def test_fit_without_shuffling_is_a_loop_of_steps(loss: str, dtype: Any, batch_size: int | None) -> None:
    x, y = samples(loss, 300, 6, 5, dtype)
    looped, fitted = (network_for(loss, [6, 16, 5], dtype=dtype) for _ in range(2))
    trainer = Trainer(looped, loss=loss, optimizer=optim.Adam(lr=0.01))
    losses = []
    for _ in range(2):
        total = 0.0
        for begin in range(0, 300, batch_size or 300):
            part = slice(begin, begin + (batch_size or 300))
            total += trainer.step(x[part], y[part]) * len(x[part])
        losses.append(total / 300)
    history = Trainer(fitted, loss=loss, optimizer=optim.Adam(lr=0.01)).fit(
        x, y, epochs=2, batch_size=batch_size, shuffle=False
    )
    assert same_bits(fitted.flat_parameters, looped.flat_parameters)
    assert np.allclose(history.loss, losses, rtol=1e-12)
    assert history.steps == 2 * -(-300 // min(batch_size or 300, 300))


@every_batch_size
@every_loss
def test_the_same_seed_gives_the_same_bits(loss: str, batch_size: int | None) -> None:
    first = trained(loss, batch_size=batch_size).flat_parameters
    assert same_bits(trained(loss, batch_size=batch_size).flat_parameters, first)


def test_different_seeds_differ() -> None:
    runs = [trained(seed=seed).flat_parameters for seed in (0, 1, 2, 2**64 - 1, None, None)]
    for i, one in enumerate(runs):
        for other in runs[:i]:
            assert not np.array_equal(one, other)


@pytest.mark.parametrize("batch_size", [1, 7, None])
def test_an_epoch_sees_every_sample_once(batch_size: int | None) -> None:
    """Each sample has a separate weight, which one step moves from 0 toward 1 by its gradient -2 / batch."""
    model = nn.Sequential(nn.Dense(40, 1, bias=False), dtype=np.float64, rng=0)
    model.flat_parameters[:] = 0
    trainer = Trainer(model, loss="mse", optimizer=optim.SGD(lr=0.25), seed=5)
    trainer.fit(np.eye(40), np.ones((40, 1)), epochs=1, batch_size=batch_size)
    moved = 0.5 / model.flat_parameters
    expected = [batch_size or 40] * 40
    if batch_size:
        expected[40 - 40 % batch_size :] = [40 % batch_size] * (40 % batch_size)
    assert np.allclose(np.sort(moved), np.sort(expected))


def test_the_order_changes_with_seed_and_epoch() -> None:
    """From equal parameters, only the order of the samples can cause a difference."""
    x, y = samples("mse", 40, 6, 5)
    start, ends = network([6, 5]).flat_parameters.copy(), []
    for seed in range(3):
        model = network([6, 5])
        trainer = Trainer(model, loss="mse", optimizer=optim.SGD(lr=0.1), seed=seed)
        for _ in range(3):
            model.flat_parameters[:] = start
            trainer.fit(x, y, epochs=1, batch_size=1)
            ends.append(model.flat_parameters.tobytes())
    assert len(set(ends)) == 9


@every_loss
def test_history_counts_epochs_steps_and_validation(loss: str) -> None:
    model = network_for(loss, [6, 16, 5], dtype=np.float32)
    x, y = samples(loss, 100, 6, 5, np.float32)
    trainer = Trainer(model, loss=loss, seed=0)
    history = trainer.fit(x, y, epochs=4, batch_size=32, validation_data=(x[:30], y[:30]))
    assert isinstance(history, History)
    assert history.epochs == 4
    assert history.steps == 16
    assert len(history.seconds) == len(history.val_loss) == len(history.loss) == 4
    assert all(seconds >= 0 for seconds in history.seconds)
    classifies = oracles.LOSSES[loss].classifies
    assert len(history.accuracy) == len(history.val_accuracy) == (4 if classifies else 0)
    value, accuracy = trainer.evaluate(x[:30], y[:30])
    assert value == history.val_loss[-1]
    assert not classifies or accuracy == history.val_accuracy[-1]


@every_loss
def test_validation_does_not_change_the_training(loss: str) -> None:
    x, y = samples(loss, 50, 6, 5, np.float32)
    plain = trained(loss).flat_parameters
    assert same_bits(trained(loss, validation_data=(x, y)).flat_parameters, plain)


@pytest.mark.parametrize(
    ("rows", "labels", "error", "message"),
    [
        (0, 0, ValueError, r"validation_data: x: expected at least one sample"),
        (3, 2, ValueError, r"validation_data: y: expected shape \(3,\)"),
    ],
)
def test_errors_of_validation_data_say_so(
    rows: int, labels: int, error: type[Exception], message: str
) -> None:
    x, y = samples("cross_entropy", 50, 6, 5)
    trainer = Trainer(network([6, 8, 5]), seed=0)
    with pytest.raises(error, match=message):
        trainer.fit(x, y, epochs=1, validation_data=(x[:rows], y[:labels]))
    with pytest.raises(IndexError, match=r"validation_data: "):
        trainer.fit(x, y, epochs=1, validation_data=(x, y + 5))
    assert trainer.epochs_done == 0


def test_a_true_answer_of_a_callback_ends_the_training() -> None:
    model = network([6, 8, 5])
    x, y = samples("cross_entropy", 50, 6, 5)
    trainer = Trainer(model, seed=0)
    seen: list[dict[str, float]] = []

    def stop_at_third(caller: Trainer, logs: dict[str, float]) -> bool:
        assert caller is trainer
        seen.append(logs)
        return len(seen) == 3

    heard: list[int] = []
    history = trainer.fit(x, y, epochs=10, callbacks=[stop_at_third, lambda *_: heard.append(1)])
    assert history.epochs == len(seen) == len(heard) == 3
    assert [logs["loss"] for logs in seen] == history.loss


def test_a_callback_may_change_the_learning_rate_and_raise() -> None:
    model = network([6, 8, 5])
    x, y = samples("cross_entropy", 50, 6, 5)
    trainer = Trainer(model, optimizer=optim.SGD(lr=0.1), seed=0)

    def freeze(caller: Trainer, logs: dict[str, float]) -> None:
        caller.optimizer.lr = 0.0

    trainer.fit(x, y, epochs=1, callbacks=[freeze])
    before = model.flat_parameters.copy()
    trainer.fit(x, y, epochs=1)
    assert same_bits(model.flat_parameters, before)

    def fail(caller: Trainer, logs: dict[str, float]) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        trainer.fit(x, y, epochs=5, callbacks=[fail])


@every_float
def test_writing_into_parameters_takes_effect_in_the_next_step(dtype: Any) -> None:
    x, y = samples("mse", 40, 6, 5, dtype)
    used, fresh = network([6, 16, 9, 5], dtype=dtype), network([6, 16, 9, 5], dtype=dtype)
    trainer = Trainer(used, loss="mse", optimizer=optim.SGD(lr=0.1))
    trainer.step(x, y)
    used(x)
    for name, value in fresh.parameters().items():
        value[...] = 0.5 * value[::-1]
        used.parameters()[name][...] = value
    assert same_bits(used(x), fresh(x))
    for each in (trainer, Trainer(fresh, loss="mse", optimizer=optim.SGD(lr=0.1))):
        each.step(x, y)
    assert same_bits(used.flat_gradients, fresh.flat_gradients)
    assert same_bits(used.flat_parameters, fresh.flat_parameters)
    used.forward(x, training=True)
    used.parameters()["1.weight"][...] *= 2
    fresh.parameters()["1.weight"][...] *= 2
    used.forward(x, training=True)
    fresh.forward(x, training=True)
    assert same_bits(used.backward(y), fresh.backward(y))


def test_batches_of_changing_size_are_each_right() -> None:
    model, other = network([6, 16, 5]), network([6, 16, 5])
    trainer = Trainer(model, optimizer=optim.SGD(lr=0.1))
    for count in (3, 300, 1, 40, 257, 2):
        x, y = samples("cross_entropy", count, 6, 5)
        fresh = Trainer(other, optimizer=optim.SGD(lr=0.1))
        assert trainer.step(x, y) == fresh.step(x, y)
        assert same_bits(model.flat_parameters, other.flat_parameters)


@every_float
def test_a_step_reads_any_layout(dtype: Any) -> None:
    x, y = samples("mse", 40, 6, 5, dtype)
    views = [
        (np.asfortranarray(x), np.asfortranarray(y)),
        (np.repeat(x, 2, axis=1)[:, ::2], y[::-1][::-1]),
        (x.astype(x.dtype.newbyteorder()), y.astype(y.dtype.newbyteorder())),
        (np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(dtype).reshape(x.shape), y),
        (x.tolist(), y.tolist()),
    ]
    plain = network([6, 16, 5], dtype=dtype)
    Trainer(plain, loss="mse").step(x, y)
    for view in views:
        model = network([6, 16, 5], dtype=dtype)
        Trainer(model, loss="mse").step(*view)
        assert same_bits(model.flat_parameters, plain.flat_parameters)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", KINDS)
def test_the_loss_falls(loss: str, activation: str) -> None:
    model = network([6, 16, 5], activation, dtype=np.float32)
    x, y = samples(loss, 64, 6, 5, np.float32)
    history = Trainer(model, loss=loss, optimizer=optim.Adam(lr=0.01), seed=0).fit(
        x, y, epochs=60, batch_size=16
    )
    assert history.loss[-1] < 0.9 * history.loss[0]


def test_hand_written_digits_are_learned() -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="needs the extra [test]: scikit-learn")
    images, labels = datasets.load_digits(return_X_y=True)
    x = (images / 16).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(x))
    train, test = order[360:], order[:360]
    model = nn.Sequential(nn.Dense(64, 128, activation="relu"), nn.Dense(128, 10), rng=0)
    trainer = Trainer(model, optimizer=optim.Adam(lr=2e-3), seed=0)
    trainer.fit(x[train], labels[train], epochs=30)
    assert trainer.evaluate(x[test], labels[test])[1] >= 0.97


@every_float
@pytest.mark.parametrize("layer", [nn.ReLU(), nn.Dropout(0.5), nn.Softmax()], ids=repr)
def test_a_network_without_parameters_is_trained_in_vain(layer: nn.Layer, dtype: Any) -> None:
    model = nn.Sequential(layer, dtype=dtype, rng=0, in_features=3)
    optimizer = optim.SGD(lr=0.1, momentum=0.9, clip_norm=1.0, max_norm=1.0, skip_nonfinite=True)
    trainer = Trainer(model, loss="mse", optimizer=optimizer, seed=0)
    x = spread(300 * 3, dtype, 1.5).reshape(300, 3)
    before = model(x)
    assert np.isfinite(trainer.step(x, x))
    assert np.isfinite(trainer.fit(x, x, epochs=2, progress=False).loss).all()
    assert same_bits(model(x), before)
    assert model.forward(x, training=True).shape == model.backward(x).shape
    assert model.backward(x, input_gradient=False) is None
    assert model.profile(4).rows[0].parameters == 0


@every_float
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize("scale", [1.0, 1 / 255])
def test_samples_are_cast_as_they_are_read(kind: Any, scale: float, dtype: Any) -> None:
    """The bits are those of samples that were cast and then scaled beforehand."""
    x = (100 + 90 * spread(700 * 6, np.float64)).reshape(700, 6).astype(kind)
    y = (x[:, 0] > 100).astype(int)
    before = x.copy()
    found = []
    for given, factor in ((x, scale), (x.astype(dtype) * np.asarray(scale, dtype), 1.0)):
        model = network([6, 9, 2], dtype=dtype)
        trainer = Trainer(model, optimizer=optim.SGD(lr=1e-3), seed=3)
        history = trainer.fit(
            given, y, epochs=2, batch_size=300, validation_data=(given, y), scale=factor, progress=False
        )
        measured = trainer.evaluate(given, y, scale=factor)
        found.append((model.flat_parameters.copy(), history.loss, history.val_loss, measured))
    assert same_bits(found[0][0], found[1][0])
    assert found[0][1:] == found[1][1:]
    assert same_bits(x, before)
    misaligned = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(kind).reshape(x.shape)
    views = [x, misaligned, np.asfortranarray(x), x.astype(x.dtype.newbyteorder()), x.astype(np.longdouble)]
    losses = [Trainer(network([6, 9, 2], dtype=dtype), seed=0).step(view, y) for view in views]
    assert len(set(losses)) == 1


def test_a_trainer_keeps_its_parts() -> None:
    """An assignment that training would not see is refused."""
    trainer = Trainer(nn.Sequential(nn.Dense(2, 2), rng=0), seed=0)
    for name, value in (("model", trainer.model), ("loss", "mse"), ("optimizer", None), ("seed", 1)):
        before = getattr(trainer, name)
        with pytest.raises(AttributeError, match=f"{name}: .*make another Trainer"):
            setattr(trainer, name, value)
        assert getattr(trainer, name) is before
