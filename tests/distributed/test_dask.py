"""`distributed.fit_many` on a cluster of two processes, one of which is killed. Needs [distributed]."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import nn, optim, schedules

from tests.distributed.launch import needs_dask

pytestmark = [
    needs_dask,
    pytest.mark.filterwarnings("default"),
]  # warnings of Dask's own threads are no errors
Array = np.ndarray[Any, Any]


def data() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(120, 6)).astype(np.float32), rng.integers(0, 3, 120)


def population(count: int = 9) -> list[simdnn.Trainer]:
    """Networks of several kinds, precisions and optimizers, and one whose rate follows its loss."""
    made = []
    for seed in range(count):
        dtype = np.float64 if seed % 3 == 0 else np.float32
        layers = (
            nn.Dense(6, 8 + seed % 2, "tanh"),
            nn.BatchNorm1d(8 + seed % 2),
            nn.Dropout(0.2),
            nn.Dense(8 + seed % 2, 3),
        )
        rate = schedules.reduce_on_plateau(0.05, patience=0) if seed == 4 else 0.05
        optimizer = optim.NAdam(lr=rate) if seed % 2 else optim.SGD(lr=rate, momentum=0.9)
        made.append(
            simdnn.Trainer(nn.Sequential(*layers, dtype=dtype, rng=seed), optimizer=optimizer, seed=seed)
        )
    return made


def equal(found: list[simdnn.Trainer], wanted: list[simdnn.Trainer]) -> None:
    for one, other in zip(found, wanted, strict=True):
        for name, value in other.model.state_dict().items():
            np.testing.assert_array_equal(one.model.state_dict()[name], value)
        assert one.optimizer.current_lr == other.optimizer.current_lr
        assert (one.epochs_done, one.optimizer.steps) == (other.epochs_done, other.optimizer.steps)


def metrics(histories: list[simdnn.History]) -> list[Any]:
    return [
        (one.loss, one.accuracy, one.val_loss, one.val_accuracy, one.steps, one.stopped) for one in histories
    ]


def test_workers_have_the_bits_of_one_machine(client: Any) -> None:
    x, y = data()
    rows = [np.arange(i, 100) for i in range(9)]
    options: dict[str, Any] = {
        "batch_size": [8 + i for i in range(9)],
        "indices": rows,
        "validation": np.arange(100, 120),
    }
    found, wanted = population(), population()
    for _ in range(2):  # the second call goes on where the first has ended
        many = simdnn.distributed.fit_many(
            found, x, y, epochs=3, patience=1, restore_best=True, client=client, **options
        )
        here = simdnn.fit_many(wanted, x, y, epochs=3, patience=1, restore_best=True, **options)
        assert metrics(many) == metrics(here)
        equal(found, wanted)


def test_arrays_of_each_network_and_the_client_of_the_process(client: Any) -> None:
    x, y = data()
    xs, ys = [x[i:] for i in range(9)], [y[i:] for i in range(9)]
    found, wanted = population(), population()
    weights = [np.ones(120 - i) for i in range(9)]
    with client.as_current():
        many = simdnn.distributed.fit_many(found, xs, ys, epochs=2, validation=(x, y), sample_weight=weights)
    assert metrics(many) == metrics(simdnn.fit_many(wanted, xs, ys, epochs=2, validation=(x, y)))
    equal(found, wanted)


def test_lazy_arrays_are_computed_by_the_workers(client: Any) -> None:
    import dask.array

    x, y = data()
    lazy_x, lazy_y = dask.array.from_array(x, chunks=(25, 6)), dask.array.from_array(y, chunks=25)

    def elsewhere(block: Array) -> Array:
        assert len(block) == 0 or os.getpid() != here
        return block

    here = os.getpid()
    far_x = lazy_x.map_blocks(elsewhere, dtype=x.dtype)
    (one,), (other,) = population(1), population(1)
    with client.as_current():
        blocks = [(far_x.blocks[i], lazy_y.blocks[i]) for i in range(5)]
        one.fit(blocks, epochs=2, batch_size=16)
        found = simdnn.distributed.predict(one.model, far_x).compute()
    other.fit(x, y, epochs=2, batch_size=16, shuffle=False)
    equal([one], [other])
    np.testing.assert_array_equal(found, one.model(x))


def test_killed_worker_changes_no_bit(client: Any, tmp_path: Path) -> None:
    flag, parent = tmp_path / "killed", os.getpid()

    def rate(step: int) -> float:
        """Kills the first worker that has trained some steps."""
        if step > 20 and os.getpid() != parent and not flag.exists():
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return 0.05

    x, y = data()
    found, wanted = population(16), population(16)
    found[5].optimizer.lr = wanted[5].optimizer.lr = rate
    pids = client.run(os.getpid)
    many = simdnn.distributed.fit_many(found, x, y, epochs=8, client=client)
    assert flag.exists()
    assert metrics(many) == metrics(simdnn.fit_many(wanted, x, y, epochs=8))
    equal(found, wanted)
    client.wait_for_workers(2, timeout=20)
    assert set(client.run(os.getpid).values()) != set(pids.values())


def test_data_that_a_worker_has_lost_are_sent_again(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only copy of the data may be on the worker that ends: their tasks end without having run then."""
    scatter, sent = client.scatter, list[Any]()

    def losing(*arguments: Any, **options: Any) -> Any:
        found = scatter(*arguments, **options)
        sent.append(found)
        if len(sent) <= 2:
            client.cancel(found, force=True)
        return found

    monkeypatch.setattr(client, "scatter", losing)
    x, y = data()
    found, wanted = population(16), population(16)
    many = simdnn.distributed.fit_many(found, x, y, epochs=2, client=client)
    assert len(sent) == 3
    assert metrics(many) == metrics(simdnn.fit_many(wanted, x, y, epochs=2))
    equal(found, wanted)


def test_failing_network_harms_no_other(client: Any) -> None:
    def rate(step: int) -> float:
        return -1.0 if step > 20 else 0.05

    x, y = data()
    found, wanted = population(), population()
    found[5].optimizer.lr = wanted[5].optimizer.lr = rate
    with pytest.raises(ValueError, match=r"trainers\[5\]: .*-1"):
        simdnn.distributed.fit_many(found, x, y, epochs=8, client=client)
    with pytest.raises(ValueError, match=r"trainers\[5\]: .*-1"):
        simdnn.fit_many(wanted, x, y, epochs=8)
    equal(found, wanted)
    assert found[6].epochs_done == 8
    assert found[5].epochs_done < 8


def ticks(pid: int) -> dict[str, int]:
    """Processor time of the threads of a process besides Dask's event loop, in hundredths of a second."""
    found = {}
    for name in set(os.listdir(f"/proc/{pid}/task")) - {str(pid)}:
        with open(f"/proc/{pid}/task/{name}/stat") as file:
            found[name] = int(file.read().rpartition(")")[2].split()[11])
    return found


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="reads threads from Linux's /proc")
def test_worker_with_one_thread_computes_on_one(client: Any) -> None:
    """The other threads of the machine are other workers'."""
    x, y = data()
    pids = client.run(os.getpid).values()
    before = {pid: ticks(pid) for pid in pids}
    simdnn.distributed.fit_many(population(16), x, y, epochs=1500, client=client)
    for pid in pids:
        used = sorted(after - before[pid].get(name, 0) for name, after in ticks(pid).items())
        assert used[-1] >= 10
        assert used[-2] < 0.3 * used[-1]


def test_arguments_are_checked_here(client: Any) -> None:
    x, y = data()
    trainers = population(3)
    with pytest.raises(ValueError, match=r"epochs\[1\]"):
        simdnn.distributed.fit_many(trainers, x, y, epochs=[1, 0, 1], client=client)
    with pytest.raises(TypeError, match=r"trainers\[1\]: expected a Trainer"):
        simdnn.distributed.fit_many([trainers[0], 3], x, y, epochs=1, client=client)
    with pytest.raises(TypeError, match=r"client: expected a dask.distributed.Client, got int"):
        simdnn.distributed.fit_many(trainers, x, y, epochs=1, client=3)
    trainers[2].grad_hook = lambda gradient: None
    with pytest.raises(ValueError, match=r"trainers\[2\]: it has a grad_hook"):
        simdnn.distributed.fit_many(trainers, x, y, epochs=1, client=client)
