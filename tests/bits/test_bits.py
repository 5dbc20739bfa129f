"""Equal bits at every ISA level and with any number of threads, compared with golden.json."""

import json
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F

from tests import oracles
from tests.support.networks import network, network_for, samples
from tests.support.processes import LEVELS, output_of, run
from tests.support.registry import ELEMENTWISE, FLOATS, OPTIMIZERS, same_bits, spread, with_threads
from tests.tools import golden

Array = np.ndarray[Any, Any]

every_float = pytest.mark.parametrize("dtype", FLOATS)


def assert_golden(found: dict[str, str]) -> None:
    """Asserts hashes equal to golden.json; the message names the entries that differ."""
    wanted = json.loads(golden.PATH.read_text())
    differing = [name for name in wanted.keys() & found.keys() if wanted[name] != found[name]]
    missing, new = wanted.keys() - found.keys(), found.keys() - wanted.keys()
    agrees = not (differing or missing or new)
    assert agrees, (
        f"other bits than golden.json: {sorted(differing)}; no longer computed: {sorted(missing)};"
        f" not yet in it: {sorted(new)}. If this is meant, run `python -m tests.tools.golden`"
    )


def test_every_level_has_the_golden_bits(isa: str) -> None:
    assert_golden(json.loads(output_of(["-m", "tests.tools.golden", "--print"], timeout=120, SIMDNN_ISA=isa)))


def test_a_copy_of_one_thread_has_the_golden_bits() -> None:
    assert_golden(
        json.loads(output_of(["-m", "tests.tools.golden", "--print"], timeout=120, OMP_NUM_THREADS="1"))
    )


def test_every_layer_has_the_golden_bits(layer: str) -> None:
    found = output_of(
        ["-m", "tests.tools.golden", "--print"], 120, OMP_NUM_THREADS="3", SIMDNN_THREADING=layer
    )
    assert_golden(json.loads(found))


WIDE = """
from tests.tools.golden import digest
from tests.support.networks import network_for, samples
from tests.oracles import LOSSES
from tests.support.registry import ELEMENTWISE, float_patterns
import numpy as np, simdnn, simdnn.functional as F

x = float_patterns(40013)
for case in ELEMENTWISE:
    for kind in (np.float32, np.float16):
        with np.errstate(over="ignore"):
            values = x.astype(kind)
        print(case.name, kind.__name__, digest(case.function(*case.repeated(values))))
        print(case.name, kind.__name__, "strided", digest(case.function(*case.repeated(values[::-3]))))
for dtype in (np.float32, np.float64):
    for widths in ([1, 1], [70, 130, 66, 9], [33, 31, 65, 3]):
        for loss in LOSSES:
            model = network_for(loss, widths, "silu", dtype=dtype)
            data = samples(loss, 300, widths[0], widths[-1], dtype)
            simdnn.Trainer(model, loss=loss, seed=0).fit(*data, epochs=2, batch_size=77)
            print(widths, loss, digest(model.flat_parameters, model.flat_gradients, model(data[0])))
"""


def test_levels_agree_beyond_the_golden_sizes() -> None:
    """Levels agree on activations in single and half precision, also strided, and on odd-sized networks."""
    levels = [level for level in LEVELS if level in simdnn.show_config("dicts")["isa_available"]]
    if len(levels) < 2:
        pytest.skip(f"this CPU has one level alone: {levels}")
    printed = {level: run(WIDE, timeout=120, SIMDNN_ISA=level).splitlines() for level in levels}
    for level in levels[1:]:
        differing = [a for a, b in zip(printed[levels[0]], printed[level], strict=True) if a != b]
        assert not differing, f"{levels[0]} and {level} differ"


@every_float
@pytest.mark.parametrize("case", ELEMENTWISE, ids=lambda case: case.name)
def test_threads_do_not_change_an_element(layer: str, case: Any, dtype: Any) -> None:
    x = spread(300_001, dtype, 30)
    for view in (x, x[::-2], x[3:]):
        results = [
            with_threads(n, lambda view=view: case.function(*case.repeated(view))) for n in (1, 2, 3, 7)
        ]
        assert all(same_bits(result, results[0]) for result in results)
    in_place = x.copy()
    with_threads(2, lambda: case.function(*case.repeated(in_place), out=in_place))
    assert same_bits(in_place, with_threads(1, lambda: case.function(*case.repeated(x))))


@every_float
def test_threads_do_not_change_rows(layer: str, dtype: Any) -> None:
    x = spread(500 * 301, dtype, 20).reshape(500, 301)
    y = np.arange(500) * 7 % 301
    for work in (
        lambda: [F.softmax(x), F.log_softmax(x), F.logsumexp(x), F.softmax(x, axis=0), F.softmax(x, 3.0)],
        lambda: [F.softmax_backward(x[::-1], x), F.log_softmax_backward(x[::-1], x)],
        lambda: F.cross_entropy(x, y, return_grad=True),
        lambda: F.mse_loss(x, x[::-1], return_grad=True),
    ):
        results = [with_threads(n, work) for n in (1, 2, 3)]
        assert all(same_bits(a, b) for result in results for a, b in zip(result, results[0], strict=True))


@every_float
@pytest.mark.parametrize("batch_size", [600, 50, 30])
@pytest.mark.parametrize("loss", oracles.LOSSES)
def test_threads_do_not_change_training(layer: str, loss: str, batch_size: int, dtype: Any) -> None:
    """Layers are so wide that threads divide products by rows or columns, and batches have several chunks."""

    def train() -> tuple[Array, Array, Array]:
        model = network_for(loss, [100, 260, 250, 10], "relu", dtype=dtype)
        x, y = samples(loss, 600, 100, 10, dtype)
        simdnn.Trainer(model, loss=loss, seed=1).fit(x, y, epochs=2, batch_size=batch_size)
        return model.flat_parameters.copy(), model.flat_gradients.copy(), model(x)

    results = [with_threads(n, train) for n in (1, 2, 3)]
    for result in results[1:]:
        assert all(same_bits(a, b) for a, b in zip(result, results[0], strict=True))


def test_a_trainer_that_tries_the_team_and_itself_keeps_its_bits(layer: str) -> None:
    """Training is long enough for the tuner to try the pool and one thread, 30 ms each, and to choose."""
    x, y = samples("cross_entropy", 128, 400, 10, np.float32)

    def train() -> Array:
        model = network([400, 300, 10], dtype=np.float32)
        trainer = simdnn.Trainer(model, seed=1)
        for _ in range(300):
            trainer.step(x, y)
        return model.flat_parameters.copy()

    assert same_bits(with_threads(2, train), with_threads(1, train))


@every_float
@pytest.mark.parametrize(("rule", "make", "settings"), OPTIMIZERS)
def test_threads_do_not_change_an_update(
    layer: str, rule: str, make: Any, settings: dict[str, Any], dtype: Any
) -> None:
    gradient = spread(200_003, dtype)[3:]

    def update() -> Array:
        p = spread(200_000, dtype)
        optimizer = make([p], **settings)
        for _ in range(3):
            optimizer.step([gradient])
        return p

    results = [with_threads(n, update) for n in (1, 2, 3)]
    assert all(same_bits(result, results[0]) for result in results)


@every_float
@pytest.mark.parametrize("case", ELEMENTWISE, ids=lambda case: case.name)
def test_alignment_does_not_change_an_element(case: Any, dtype: Any) -> None:
    values = spread(200, dtype, 20)
    wanted = case.function(*case.repeated(values))
    memory = np.zeros(400, dtype)
    for offset in range(64 // memory.itemsize + 1):
        view = memory[offset : offset + 200]
        view[...] = values
        assert same_bits(case.function(*case.repeated(view)), wanted)


@every_float
def test_a_step_in_chunks_has_the_bits_of_one_backward_pass(dtype: Any) -> None:
    """A training step computes 600 rows in several chunks; forward and backward compute them at once."""
    x, y = samples("cross_entropy", 600, 20, 5, dtype)
    model = network([20, 40, 5], dtype=dtype)
    simdnn.Trainer(model, optimizer=simdnn.optim.SGD(lr=0.0)).step(x, y)
    gradients = model.flat_gradients.copy()
    model.backward(F.cross_entropy(model.forward(x, training=True), y, return_grad=True)[1])
    assert same_bits(model.flat_gradients, gradients)


def test_runs_repeat() -> None:
    def train() -> str:
        model = network([30, 64, 8], dtype=np.float32)
        x, y = samples("cross_entropy", 100, 30, 8, np.float32)
        simdnn.Trainer(model, seed=0).fit(x, y, epochs=10)
        return golden.digest(model.flat_parameters)

    assert len({train() for _ in range(20)}) == 1
