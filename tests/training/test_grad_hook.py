"""`Trainer(grad_hook=...)`: its place in the step, errors in it, copies."""

from __future__ import annotations

import contextlib
import copy
import gc
import pickle
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import nn, optim

from tests.support.networks import network

Array = np.ndarray[Any, Any]
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def trainer(dtype: Any = np.float64, **options: Any) -> simdnn.Trainer:
    options.setdefault("optimizer", optim.SGD(lr=0.5))
    return simdnn.Trainer(network([4, 8, 3], dtype=dtype), seed=3, **options)


def data(count: int = 40) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 4)), rng.integers(0, 3, count)


@both
@pytest.mark.parametrize("count", [1, 40, 700], ids=["one", "batch", "chunks"])
def test_hook_sees_the_gradient_of_the_batch(dtype: Any, count: int) -> None:
    x, y = data(count)
    seen: list[Array] = []
    one = trainer(dtype, grad_hook=lambda gradient: seen.append(gradient.copy()))
    _, wanted = trainer(dtype).objective(x, y)(one.model.flat_parameters)
    one.step(x, y)
    assert len(seen) == 1
    np.testing.assert_array_equal(seen[0], wanted)


@both
def test_optimizer_uses_what_the_hook_writes(dtype: Any) -> None:
    x, y = data()
    written = np.linspace(-1, 1, trainer().model.flat_parameters.size).astype(dtype)

    def hook(gradient: Array) -> None:
        assert gradient.dtype == dtype
        gradient[:] = written

    one = trainer(dtype, grad_hook=hook)
    before = one.model.flat_parameters.copy()
    one.step(x, y)
    np.testing.assert_array_equal(one.model.flat_parameters, before - dtype(0.5) * written)
    np.testing.assert_array_equal(one.model.flat_gradients, written)


def test_clipping_and_penalties_come_after_the_hook() -> None:
    def hook(gradient: Array) -> None:
        gradient[:] = 2.0

    x, y = data()
    one = trainer(grad_hook=hook, clip_norm=1.0, l2=0.1)
    before = one.model.flat_parameters.copy()
    one.step(x, y)
    norm = 2 * np.sqrt(before.size)
    assert one.optimizer.grad_norm == pytest.approx(norm)
    np.testing.assert_allclose(one.model.flat_parameters, before - 0.5 * (2 / norm + 0.1 * before), rtol=1e-6)


def test_hook_is_called_once_in_each_step() -> None:
    x, y = data(41)
    calls: list[int] = []
    one = trainer(grad_hook=lambda gradient: calls.append(gradient.size))
    history = one.fit(x, y, epochs=3, batch_size=10, validation_data=(x, y))
    assert len(calls) == history.steps == 15
    one.evaluate(x, y)
    one.objective(x, y)(one.model.flat_parameters)
    assert len(calls) == 15


def test_hook_that_writes_nothing_changes_no_bit() -> None:
    x, y = data()
    plain, hooked = trainer(), trainer(grad_hook=lambda gradient: None)
    assert plain.fit(x, y, epochs=3).loss == hooked.fit(x, y, epochs=3).loss
    np.testing.assert_array_equal(plain.model.flat_parameters, hooked.model.flat_parameters)


@pytest.mark.parametrize("optimizer", [optim.SGD(lr=0.5, momentum=0.9), optim.Adam(), optim.NAdam()])
def test_error_in_the_hook_updates_nothing(optimizer: optim.Optimizer) -> None:
    x, y = data()
    steps = 0

    def hook(gradient: Array) -> None:
        nonlocal steps
        if steps == 6:
            gradient[:] = 7.0
            raise KeyError("engine")
        steps += 1

    layers = nn.Dense(4, 8, activation="tanh"), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Dense(8, 3)
    make = [nn.Sequential(*layers, rng=0) for _ in range(2)]
    failing = simdnn.Trainer(make[0], optimizer=copy.copy(optimizer), seed=3, grad_hook=hook)
    plain = simdnn.Trainer(make[1], optimizer=copy.copy(optimizer), seed=3)
    with pytest.raises(KeyError, match="engine"):
        failing.fit(x, y, epochs=5, batch_size=10)
    assert failing.optimizer.steps == 6
    plain.fit(x, y, epochs=1, batch_size=10)
    assert failing.epochs_done == plain.epochs_done == 1
    for i in range(2):
        order = simdnn._core.shuffled_order(40, 3, 1)[10 * i : 10 * i + 10]
        plain.step(x[order], y[order])
    failing.grad_hook = None
    assert failing.step(x, y) == plain.step(x, y)
    for name, value in plain.model.state_dict().items():
        np.testing.assert_array_equal(failing.model.state_dict()[name], value, err_msg=name)


def test_interrupt_in_the_hook_comes_out() -> None:
    def hook(gradient: Array) -> None:
        raise KeyboardInterrupt

    one = trainer(grad_hook=hook)
    with pytest.raises(KeyboardInterrupt):
        one.fit(*data(), epochs=1)
    assert one.optimizer.steps == 0


def test_hook_may_read_but_not_step_its_own_trainer() -> None:
    x, y = data()

    def hook(gradient: Array) -> None:
        assert one.optimizer.steps == 0
        assert one.model.flat_parameters.size == gradient.size
        one.step(x, y)

    one = trainer(grad_hook=hook)
    with pytest.raises(RuntimeError, match="in use by a call of this thread"):
        one.step(x, y)
    assert one.optimizer.steps == 0


def test_hook_runs_in_other_threads() -> None:
    x, y = data(300)
    one, names = trainer(), set()
    one.grad_hook = lambda gradient: names.add(threading.current_thread().name)
    thread = threading.Thread(target=lambda: one.fit(x, y, epochs=2, batch_size=100), name="fitting")
    thread.start()
    thread.join()
    assert names == {"fitting"}


@pytest.mark.parametrize("count", [2, 17])
def test_hooks_of_many_networks(count: int) -> None:
    """Networks of one shape, which are otherwise trained in the lanes of vectors, have their hooks called."""

    def population() -> list[simdnn.Trainer]:
        models = [nn.Sequential(nn.Dense(4, 3, "tanh"), nn.Dense(3, 3), rng=seed) for seed in range(count)]
        return [simdnn.Trainer(model, seed=seed) for seed, model in enumerate(models)]

    x, y = data()
    found, alone, calls = population(), population(), [0] * count

    def hook_of(place: int) -> Any:
        def hook(gradient: Array) -> None:
            calls[place] += 1
            gradient *= 0.5
            if place == 1 and calls[1] == 6:
                raise KeyError("engine")

        return hook

    for place, (one, other) in enumerate(zip(found, alone, strict=True)):
        one.grad_hook = hook_of(place)
        other.grad_hook = hook_of(place)
    with pytest.raises(RuntimeError, match=r"trainers\[1\]: KeyError: 'engine'"):
        simdnn.fit_many(found, x, y, epochs=3, batch_size=10)
    assert calls == [12, 6, *[12] * (count - 2)]
    calls[:] = [0] * count
    for place, one in enumerate(alone):
        with contextlib.suppress(KeyError):
            one.fit(x, y, epochs=3, batch_size=10)
        np.testing.assert_array_equal(found[place].model.flat_parameters, one.model.flat_parameters)
    calls[:] = [0] * count
    simdnn.step_many(found, [x] * count, [y] * count)
    assert calls == [1] * count


@pytest.mark.parametrize("hook", [3, "mean", [print]])
def test_only_functions_are_hooks(hook: Any) -> None:
    with pytest.raises(TypeError, match="grad_hook: expected a function or None, got"):
        trainer(grad_hook=hook)
    one = trainer()
    with pytest.raises(TypeError, match="grad_hook"):
        one.grad_hook = hook


def test_copies_and_files_have_no_hook(tmp_path: Path) -> None:
    one = trainer(grad_hook=lambda gradient: None)
    path = tmp_path / "trainer.safetensors"
    assert copy.copy(one).grad_hook is None
    assert pickle.loads(pickle.dumps(one)).grad_hook is None
    one.save(path)
    assert simdnn.Trainer.load(path).grad_hook is None
    assert one.grad_hook is not None


def test_trainer_and_its_hook_are_collected() -> None:
    class Hook:
        def __init__(self, of: simdnn.Trainer) -> None:
            self.of = of

        def __call__(self, gradient: Array) -> None:
            pass

    one = trainer()
    one.grad_hook = Hook(one)
    gone = weakref.ref(one.grad_hook)
    del one
    gc.collect()
    assert gone() is None
