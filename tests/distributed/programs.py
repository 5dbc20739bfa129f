"""Programs of one rank: ``mpiexec -n 2 python -m tests.distributed.programs NAME ARGUMENTS``."""

from __future__ import annotations

import copy
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pytest
import simdnn
from mpi4py import MPI
from simdnn import callbacks, nn, optim, schedules
from simdnn import functional as F
from simdnn.distributed import DataParallel

from tests.support.networks import network

Array = np.ndarray[Any, Any]
comm = MPI.COMM_WORLD
#: Longest wait for other ranks, in seconds.
TIMEOUT = 20.0
SIZES = [4, 8, 3]


def trainer(model: nn.Sequential | None = None, **options: Any) -> simdnn.Trainer:
    options = {"optimizer": optim.Adam(lr=0.01), "seed": 5} | options
    return simdnn.Trainer(model or network(SIZES, dtype=np.float64), **options)


def parallel(of: simdnn.Trainer, **options: Any) -> DataParallel:
    return DataParallel(of, comm, **{"timeout": TIMEOUT} | options)


def data(count: int = 53) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 4)), rng.integers(0, 3, count)


def random_model() -> nn.Sequential:
    layers = nn.Dense(4, 8, activation="tanh"), nn.Dropout(0.3), nn.Dense(8, 3)
    return nn.Sequential(*layers, rng=0)


def share(count: int) -> slice:
    """Unequal parts of samples: rank 0 has the fewest."""
    cuts = np.cumsum([0, *range(1, comm.size + 1)]) * count // (comm.size * (comm.size + 1) // 2)
    return slice(cuts[comm.rank], cuts[comm.rank + 1])


def equal_everywhere(of: simdnn.Trainer) -> None:
    arrays = [of.model.flat_parameters, of.model._model.buffers, *of._trainer.slots()]
    for found in comm.allgather([array.copy() for array in arrays]):
        for mine, other in zip(arrays, found, strict=True):
            np.testing.assert_array_equal(mine, other)


class Counted:
    """A communicator that keeps the names and the first arguments of its calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(comm, name)

        def call(*arguments: Any) -> Any:
            self.calls.append((name, arguments))
            return method(*arguments)

        return call


def one_message() -> None:
    """A step is one in-place Allreduce of the gradient buffer itself."""
    counted, one = Counted(), trainer()
    many = DataParallel(one, counted, timeout=TIMEOUT)
    x, y = data()
    counted.calls.clear()
    many.step(x[share(53)], y[share(53)])
    ((name, (place, message)),) = counted.calls
    assert name == "Allreduce"
    assert place is MPI.IN_PLACE
    assert message.ctypes.data == one.model.flat_gradients.ctypes.data
    assert 0 < message.size - one.model.flat_gradients.size <= 16


def global_gradient() -> None:
    """A step has the gradient and the loss of one process with all samples, whatever a rank has of them."""
    x, y = data()
    weight = np.linspace(0, 2, 53)
    for weights in (None, weight):
        for mine in (share(53), slice(0, 0) if comm.rank == 0 else share(53)):
            rows = np.concatenate(comm.allgather(np.arange(53)[mine]))
            one, single = (
                trainer(clip_norm=0.1, l2=0.5, penalty="sum"),
                trainer(clip_norm=0.1, l2=0.5, penalty="sum"),
            )
            many = parallel(one)
            for _ in range(3):
                loss = many.step(x[mine], y[mine], None if weights is None else weights[mine])
                wanted = single.step(x[rows], y[rows], None if weights is None else weights[rows])
                assert loss == pytest.approx(wanted, rel=1e-12)
                assert one.optimizer.grad_norm == pytest.approx(single.optimizer.grad_norm, rel=1e-12)
            np.testing.assert_allclose(
                one.model.flat_parameters, single.model.flat_parameters, rtol=1e-9, atol=1e-12
            )
            equal_everywhere(one)


def weightless() -> None:
    """A rank whose samples or classes weigh nothing takes part in a step; ranks without any are refused."""
    x, y = data()
    y, weight = np.sort(y), comm.bcast(np.arange(53.0) >= share(53).stop)  # 0 on rank 0
    loss = partial(F.cross_entropy, weight=[0.0, 1.0, 3.0], label_smoothing=0.1)
    one, single = trainer(loss=loss), trainer(loss=loss)
    many, mine = parallel(one), share(53)
    for weights in (None, weight):
        found = many.step(x[mine], y[mine], None if weights is None else weights[mine])
        assert found == pytest.approx(single.step(x, y, weights), rel=1e-12)
    np.testing.assert_allclose(one.model.flat_parameters, single.model.flat_parameters, rtol=1e-9, atol=1e-12)
    for nothing in ((x[:0], y[:0]), (x[mine], y[mine], 0 * weight[mine])):
        with pytest.raises(ValueError, match="step: expected at least one sample of a weight above 0"):
            many.step(*nothing)
    assert one.optimizer.steps == 2
    if comm.rank == 1:
        one.grad_hook = print
    hooked = "trainer: it has a grad_hook"
    with expect(ValueError, hooked, f"rank 1: ValueError: {hooked}"):
        many.step(x[mine], y[mine])
    equal_everywhere(one)
    local = parallel(trainer(), average_every=1)
    local.step(x[mine], y[mine], weight[mine])
    local.fit(x, y, epochs=1, batch_size=10, sample_weight=weight, shuffle=False)
    equal_everywhere(local.trainer)


def fits_like_one() -> None:
    """A fit has the history and the parameters of one process, to rounding."""
    x, y = data()
    decay = schedules.cosine(0.1, 20)
    for optimizer in (
        optim.SGD(lr=decay, momentum=0.9),
        falling(),
        optim.Adam(lr=lambda step: 0.1 / (step + 5)),
    ):
        options = {"epochs": 4, "batch_size": 13, "validation_data": (x, y)}
        make = [
            trainer(
                nn.Sequential.from_dict(random_model().to_dict(), rng=0), optimizer=copy.deepcopy(optimizer)
            )
            for _ in range(2)
        ]
        one, single = make
        found, wanted = parallel(one).fit(x, y, **options), single.fit(x, y, **options)
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-5, err_msg=name)
        assert found.steps == wanted.steps
        assert one.optimizer.current_lr == single.optimizer.current_lr
        np.testing.assert_allclose(
            one.model.flat_parameters, single.model.flat_parameters, rtol=1e-4, atol=1e-6
        )
        equal_everywhere(one)


def ordered() -> None:
    """With deterministic=True, n ranks have the bits of one that adds n micro-batches."""
    x, y = data()
    weight = np.linspace(0, 2, 53).astype(np.float32)
    for parts in (1, 2):
        one, single = trainer(random_model(), clip_norm=0.5), trainer(random_model(), clip_norm=0.5)
        many = parallel(one, deterministic=True, accumulate=parts)
        alone = DataParallel(single, None, deterministic=True, accumulate=comm.size * parts)
        options = {
            "epochs": 3,
            "batch_size": 12,
            "sample_weight": weight,
        }  # the last batch has fewer samples than parts
        assert many.fit(x, y, **options).loss == alone.fit(x, y, **options).loss
        np.testing.assert_array_equal(one.model.flat_parameters, single.model.flat_parameters)
    mine = slice(6 * comm.rank, 6 * comm.rank + 6)
    assert many.step(x[mine], y[mine]) == alone.step(x[: 6 * comm.size], y[: 6 * comm.size])
    np.testing.assert_array_equal(one.model.flat_parameters, single.model.flat_parameters)


def local_steps() -> None:
    """With average_every=k the ranks step alone, and take the mean of parameters and state after k steps."""
    x, y = data()
    for ordered_sum in (False, True):
        one, own = trainer(), trainer()
        many = parallel(one, average_every=3, deterministic=ordered_sum)
        for _ in range(2):
            for i in range(3):
                rows = share(53 - i)
                assert many.step(x[rows], y[rows]) == own.step(x[rows], y[rows])
            for array in (own.model.flat_parameters, *own._trainer.slots()):
                array[:] = np.mean(comm.allgather(array.copy()), axis=0)
        np.testing.assert_allclose(one.model.flat_parameters, own.model.flat_parameters, rtol=1e-12)
        equal_everywhere(one)
    history = many.fit(x, y, epochs=3, batch_size=20)
    assert len({tuple(losses) for losses in comm.allgather(history.loss)}) == 1
    assert history.loss[-1] < history.loss[0]
    equal_everywhere(one)


def running_statistics() -> None:
    """Running statistics are averaged after an epoch; ranks without samples keep theirs."""
    layers = nn.Dense(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dense(8, 3)
    one = trainer(nn.Sequential(*layers, rng=0))
    x, y = data(12 * comm.size + 1)
    many = parallel(one)
    many.fit(x, y, epochs=2, batch_size=12 * comm.size)
    equal_everywhere(one)
    before = one.model._model.buffers.copy()
    mine = slice(0, 2 if comm.rank == 0 else 0)
    many.step(x[mine], y[mine])
    assert (comm.rank == 0) == bool((one.model._model.buffers != before).any())
    with pytest.raises(ValueError, match="accumulate: expected 1 for a model with batch normalization"):
        parallel(one, accumulate=2)


def stopping() -> None:
    """A callback on one rank ends the training on all; early stopping sees the same metrics on all."""
    x, y = data()
    ends = [lambda trainer, logs: trainer.epochs_done == 2] if comm.rank == 1 else []
    history = parallel(trainer()).fit(x, y, epochs=9, callbacks=ends)
    assert history.epochs == 2
    assert history.stopped
    early = callbacks.EarlyStopping(patience=2, restore_best=True)
    one = trainer(optimizer=optim.Adam(lr=0.5))
    parallel(one).fit(x[:30], y[:30], epochs=60, validation_data=(x[30:], y[30:]), callbacks=[early])
    assert early.stopped_epoch is not None
    equal_everywhere(one)


def falling() -> optim.Optimizer:
    """An optimizer whose rate falls when the loss does not."""
    return optim.NAdam(lr=schedules.reduce_on_plateau(0.02, patience=0, threshold=0.1))


def resume(path: str) -> None:
    """A saved run goes on bit for bit, loaded on all ranks or on rank 0 alone."""
    x, y = data()
    for options in ({}, {"average_every": 4}, {"deterministic": True, "accumulate": 2}):
        for everywhere in (True, False):
            one = trainer(random_model(), optimizer=falling())
            whole = parallel(one, **options)
            whole.fit(x, y, epochs=2, batch_size=10)
            whole.step(x[share(53)], y[share(53)])
            whole.save(path, {"epoch": 2})
            loads = everywhere or comm.rank == 0
            other = simdnn.Trainer.load(path) if loads else trainer(random_model(), optimizer=falling())
            comm.Barrier()
            again = parallel(other, **options)
            assert whole.fit(x, y, epochs=2).loss == again.fit(x, y, epochs=2).loss
            np.testing.assert_array_equal(one.model.flat_parameters, other.model.flat_parameters)
            assert other.epochs_done == 4


def expect(kind: type[Exception], mine: str, others: str | None = None, *, rank: int = 1) -> Any:
    """The error of the rank that fails, and that of the others, which tells of it."""
    here = comm.rank == rank or others is None
    return pytest.raises(kind if here else RuntimeError, match=mine if here else others)


def differing() -> None:
    """Every rank refuses ranks that do not fit together, and names the rank and the setting."""
    last = comm.size - 1
    other = comm.rank == last
    changes: dict[str, dict[str, Any]] = {
        "seed": {"seed": 6},
        "model": {"model": network([4, 9, 3])},
        "optimizer": {"optimizer": optim.NAdam(lr=0.01)},
        "optimizer.lr": {"optimizer": optim.Adam(lr=0.02)},
        "optimizer.clip_norm": {"clip_norm": 1.0},
        "loss": {"loss": "focal"},
        "penalty": {"penalty": "sum"},
    }
    for name, change in changes.items():
        with expect(ValueError, f"{name}: rank {last} has .*, rank 0 has .* equal on all ranks"):
            parallel(trainer(**change if other else {}))
    with expect(ValueError, f"average_every: rank {last} has 3, rank 0 has None"):
        parallel(trainer(), average_every=3 if other else None)
    with pytest.MonkeyPatch.context() as patched:
        if other:
            patched.setattr("simdnn.distributed._handshake.__version__", "0.0.9")
        with expect(ValueError, f"simdnn's version: rank {last} has 0.0.9"):
            parallel(trainer())
    with expect(
        TypeError, "trainer: expected a Trainer, got int", f"rank {last}: TypeError: trainer", rank=last
    ):
        parallel(3 if other else trainer())
    x, y = data()
    with expect(ValueError, f"number of samples: rank {last} has 52, rank 0 has 53"):
        parallel(trainer()).fit(x[: 53 - other], y[: 53 - other], epochs=1)
    with expect(ValueError, f"hash of X, y and sample_weight: rank {last}"):
        parallel(trainer()).fit(x + other, y, epochs=1)
    with expect(ValueError, f"epochs: rank {last} has 2, rank 0 has 1"):
        parallel(trainer()).fit(x, y, epochs=2 if other else 1)
    stale = trainer()
    stale.fit(x, y, epochs=1 if other else 2)
    with expect(ValueError, f"rank {last} has done 1 epochs and 2 steps, rank 0 2 and 4: a stale checkpoint"):
        parallel(stale)


def failing(folder: str) -> None:
    """An error on one rank is raised on every rank in the same step, and training can go on."""
    x, y = data()
    bad = np.where(np.arange(53) == 20, 7, y) if comm.rank == 1 else y
    nan = np.where(comm.rank == 1, np.nan, x)
    inside = "class 7 is out of range"
    for options in ({}, {"deterministic": True, "accumulate": 2}, {"average_every": 1}):
        one = trainer(random_model())
        many = parallel(one, **options)
        many.step(x, y)
        before = one.model.flat_parameters.copy()
        with expect(IndexError, inside, f"rank 1: IndexError: .*{inside}"):
            many.step(x, bad)
        with expect(ValueError, "rows as in X, got shape", "rank 1: ValueError: y: expected 53 rows"):
            many.step(x, y[: 53 - comm.rank % 2])
        if "average_every" not in options:
            with expect(FloatingPointError, "step: rank 1: the gradient is not finite; nothing was updated"):
                many.step(nan, y)
            np.testing.assert_array_equal(one.model.flat_parameters, before)
            assert many.step(x, y) < 2
            equal_everywhere(one)
        else:
            with expect(FloatingPointError, "averaging: rank 1: its state is not finite"):
                many.step(nan, y)
    skipping = trainer(optimizer=optim.SGD(lr=0.1, skip_nonfinite=True))
    parallel(skipping).step(nan, y)
    assert (skipping.optimizer.skipped, skipping.optimizer.steps) == (1, 0)
    many = parallel(trainer())
    with expect(IndexError, inside, f"fit: rank 1: IndexError: .*{inside}"):
        many.fit(x, bad, epochs=1)

    def stumble(trainer: simdnn.Trainer, logs: Any) -> None:
        if comm.rank == 1:
            raise KeyError("disk")

    with expect(KeyError, "disk", "callbacks: rank 1: KeyError: 'disk'"):
        many.fit(x, y, epochs=2, callbacks=[stumble])
    with expect(OSError, "gone", "save: rank 0: ", rank=0):
        many.save(os.path.join(folder, "gone", "file.safetensors"))
    many.fit(x, y, epochs=1)
    if comm.rank == 1:
        many.trainer.model.flat_parameters[0] += 1
    with expect(RuntimeError, "parameters or optimizer state of rank 1 differ from those of rank 0"):
        many.fit(x, y, epochs=1)
    with expect(RuntimeError, "save: parameters or optimizer state of rank 1"):
        many.save(os.path.join(folder, "file.safetensors"))


def laws(folder: str) -> None:
    """All laws, one after another: starting the processes takes longer than most of them."""
    for law in (
        one_message,
        global_gradient,
        weightless,
        fits_like_one,
        ordered,
        local_steps,
        running_statistics,
        stopping,
    ):
        law()
    resume(os.path.join(folder, "trainer.safetensors"))
    differing()
    failing(folder)


def raises() -> None:
    """Rank 1 has an uncaught exception between two steps."""
    many = parallel(trainer())
    if comm.rank == 1:
        raise RuntimeError("no more disk")
    many.step(*data())


def dies(path: str, way: str) -> None:
    """Rank 1 is lost in the middle of a fit that saves after each epoch."""
    x, y = data()
    many = parallel(trainer(), timeout=2.0)

    def after_epoch(trainer: simdnn.Trainer, logs: Any) -> None:
        many.save(path)
        if trainer.epochs_done == 3 and comm.rank == 1:
            print("rank 1 leaves", flush=True)
            if way == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if way == "hangs":
                signal.pause()

    many.fit(x, y, epochs=5, callbacks=[after_epoch])
    if way == "ends early" and comm.rank == 1:
        raise SystemExit("rank 1 has no more batches")
    many.step(x, y)


def main(name: str, *arguments: str) -> None:
    chosen: Callable[..., None] = globals()[name]
    chosen(*arguments)
    print(f"rank {comm.rank}: {name} passed", flush=True)


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main(*sys.argv[1:])
