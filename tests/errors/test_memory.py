"""Memory that runs out is a MemoryError, and arrays at any address are read."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn.functional as F
from simdnn import Trainer, _core, nn, optim, pretrain, schedules

from tests.support.networks import network
from tests.support.processes import run, without_sanitizer

pytestmark = without_sanitizer

Array = np.ndarray[Any, Any]

SHORT = """
import resource
import numpy as np, simdnn, simdnn.functional as F
from simdnn import nn, optim
N = 20_000_000
half, strided = np.zeros(N, np.float16), np.zeros(2 * N, np.float32)[::2]
scalar, out_of_half, out = np.float32(1), np.zeros(N, np.float16), np.zeros(N, np.float32)
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + ROOM * 2**20,) * 2)
try:
    CALL
    print("computed")
except MemoryError:
    print("MemoryError")
print(np.isfinite(F.softmax(np.zeros(5))).all())
"""

#: Calls with about the least megabytes of scratch that they need: one row as single precision.
WIDE = {
    "F.softmax(half, out=out_of_half)": 77,
    "F.softmax(strided, out=out)": 77,
    "F.log_softmax(strided, 2.0, out=out)": 77,
    "F.logsumexp(half)": 77,
    "F.entropy(strided)": 77,
    "F.softmax_backward(strided, strided, out=out)": 153,
    "F.log_softmax_backward(half, half, out=out_of_half)": 153,
    "F.logsumexp_backward(scalar, strided, out=out)": 77,
}


def lines_of(call: str, room: int) -> list[str]:
    return run(SHORT.replace("CALL", call).replace("ROOM", str(room)), OMP_NUM_THREADS="1").split()


@pytest.mark.parametrize("call", WIDE)
def test_scratch_of_a_wide_row_is_one_row(call: str) -> None:
    assert lines_of(call, WIDE[call] + 20) == ["computed", "True"]
    assert lines_of(call, WIDE[call] // 2) == ["MemoryError", "True"]


#: Networks whose arenas take 41 megabytes each, at the first prediction.
FOUR = "[nn.Sequential(nn.Dense(1, 40_000), nn.Dense(40_000, 1)) for _ in range(4)]"

HUGE = {
    "network": "nn.Sequential(nn.Dense(30_000, 30_000))",
    "sizes beyond any memory": "nn.Sequential(nn.ReLU(), in_features=2**45).freeze()",
    "a product of sizes that wraps": "nn.Sequential(nn.ReLU(), in_features=2**62).freeze()",
    "optimizer": "optim.Adam([out]).step([out])",
    "loss": "F.mse_loss(strided, strided, return_grad=True)",
    "activation": "F.gelu(out)",
    "prediction": "nn.Sequential(nn.ReLU(), in_features=N)(np.broadcast_to(scalar, (1, N)))",
    "predictions": f"simdnn.predict_many({FOUR}, np.ones((256, 1)), n_threads=2)",
    "ensemble": f"nn.Ensemble({FOUR})(np.ones((256, 1)))",
    "step": "simdnn.Trainer(nn.Sequential(nn.Dense(2, 2))).step(out.reshape(-1, 2), np.zeros(N // 2, 'b'))",
}


@pytest.mark.parametrize("name", HUGE)
def test_memory_that_runs_out_is_a_memory_error(name: str) -> None:
    assert lines_of(HUGE[name], 60) == ["MemoryError", "True"]


def test_a_trainer_goes_on_after_memory_ran_out() -> None:
    printed = run("""
import resource
import numpy as np, simdnn
from simdnn import nn
model = nn.Sequential(nn.LSTM(4, 64, stateful=True), nn.Dense(64, 3), nn.BatchNorm1d(3), rng=0)
trainer = simdnn.Trainer(model, seed=0)
x, y = np.ones((8, 5, 4), np.float32), np.arange(8) % 3
trainer.step(x, y)
model.reset_states()
many, labels = np.ones((60_000, 5, 4), np.float32), np.zeros(60_000, np.int64)
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
for room in range(1, 80, 6):
    resource.setrlimit(resource.RLIMIT_AS, (used + room * 2**20, -1))
    try:
        trainer.step(many, labels)
    except MemoryError:
        pass
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    model.reset_states()
    trainer.step(x, y)
    model.reset_states()
print(np.isfinite(model.flat_parameters).all())
""")
    assert printed.strip() == "True"


def unaligned(array: Array) -> Array:
    """A contiguous copy one byte beyond an aligned address."""
    memory = np.zeros(array.nbytes + 1, np.uint8)
    found = np.frombuffer(memory.data, array.dtype, array.size, 1).reshape(array.shape)
    found[...] = array
    assert array.itemsize == 1 or not found.flags.aligned
    return found


def field(array: Array) -> Array:
    """A copy in a field of packed records."""
    records = np.zeros(array.shape, np.dtype([("before", "u1"), ("own", array.dtype)]))
    records["own"] = array
    return records["own"]


def swapped(array: Array) -> Array:
    """A copy in the other byte order."""
    return array.astype(array.dtype.newbyteorder())


def trained(x: Any, y: Any, weight: Any, order: Any = None) -> Array:
    trainer = Trainer(network([3, 4, 2], dtype=np.float32), seed=0)
    trainer.step(x, y, weight)
    trainer.fit(
        x,
        y,
        epochs=2,
        batch_size=7,
        sample_weight=weight,
        validation_data=(x, y, weight),
        order=None if order is None else lambda epoch: order,
    )
    return np.append(trainer.model.flat_parameters, trainer.evaluate(x, y, weight))


def updated(g: Array) -> Array:
    params = [np.ones(g.shape, np.float32)]
    optim.Adam(params).step([g])
    return params[0]


N = 20
X = np.random.default_rng(0).uniform(0.1, 0.9, (N, 3)).astype(np.float32)
Y, WEIGHT = np.arange(N) % 2, np.linspace(0.5, 1.5, N)
LOGITS, CLASS_WEIGHT = np.random.default_rng(1).normal(size=(N, 2)), np.array([0.5, 2.0])
IDS = np.arange(2 * N).reshape(N, 2) % 5.0


def looked_up(ids: Array) -> Array:
    model = nn.Sequential(nn.Embedding(columns=[(0, 5, 3), (1, 5, 2)], in_features=2), nn.Dense(5, 2), rng=0)
    trainer = Trainer(model, seed=0)
    trainer.step(ids, Y)
    trainer.fit(ids, Y, epochs=1)
    return np.append(model(ids), model.freeze().predict(ids))


def passed(x: Array, dy: Array) -> Array:
    model = network([3, 4, 2], dtype=np.float32)
    y = model.forward(x, training=True)
    return np.concatenate([y.ravel(), model.backward(dy).ravel(), model(x).ravel()])


CALLS: dict[str, tuple[Callable[..., Any], tuple[Array, ...]]] = {
    "training": (trained, (X, Y, WEIGHT)),
    "training of float64": (trained, (X.astype(np.float64), Y.astype(np.int16), WEIGHT.astype(np.float32))),
    "training of bytes": (trained, ((X * 100).astype(np.uint8), Y.astype(np.uint64), WEIGHT)),
    "training in an order": (trained, (X, Y, WEIGHT, np.arange(N)[::-1].copy())),
    "passes": (passed, (X, LOGITS.astype(np.float32))),
    "embedding": (looked_up, (IDS,)),
    "embedding of float32": (looked_up, (IDS.astype(np.float32),)),
    "optimizer": (updated, (X,)),
    "cross_entropy": (
        lambda *a: F.cross_entropy(a[0], a[1], sample_weight=a[2], weight=a[3]),
        (LOGITS, Y, WEIGHT, CLASS_WEIGHT),
    ),
    "cross_entropy of uint16": (F.cross_entropy, (LOGITS.astype(np.float32), Y.astype(np.uint16))),
    "nll_loss": (F.nll_loss, (LOGITS, Y.astype(np.int32))),
    "focal_loss": (F.focal_loss, (LOGITS, Y)),
    "distillation_loss": (
        lambda x, t, y: F.distillation_loss(x, t, target=y, hard_weight=0.5),
        (LOGITS, LOGITS, Y),
    ),
    "large_margin_softmax": (F.large_margin_softmax, (X, np.ones((3, 2), np.float32), Y)),
    "mse_loss": (F.mse_loss, (X, X[::-1].copy())),
    "zero_one_loss": (F.zero_one_loss, (LOGITS, Y)),
    "tanh": (F.tanh, (X,)),
    "gelu_backward": (F.gelu_backward, (X.astype(np.float64), X.astype(np.float64))),
    "swish_backward": (F.swish_backward, (X, X, X)),
    "softmax": (F.softmax, (X,)),
    "softmax_backward": (F.softmax_backward, (X.astype(np.float16), X.astype(np.float16))),
    "maxout": (lambda x: F.maxout(x, 3), (X,)),
    "crelu": (F.crelu, (X,)),
    "schedule": (lambda steps: schedules.cosine(0.1, 100)(steps), (np.arange(N).astype(np.float64),)),
    "sum_to": (lambda x: _core.sum_to(x, [3]), (X,)),
    "rbm": (lambda x: pretrain.BernoulliRBM(3, 2, seed=0).fit(x, epochs=1).loss, (X,)),
}


@pytest.mark.parametrize("form", [unaligned, field, swapped], ids=lambda form: form.__name__)
@pytest.mark.parametrize("name", CALLS)
def test_arrays_may_have_any_address_and_byte_order(name: str, form: Callable[[Array], Array]) -> None:
    call, arrays = CALLS[name]
    np.testing.assert_array_equal(call(*map(form, arrays)), call(*arrays))


def test_out_and_parameters_may_be_anywhere_or_are_refused() -> None:
    model = network([3, 4, 2], dtype=np.float32)
    with pytest.raises(TypeError, match="out: expected a writeable, aligned, C-contiguous array of float32"):
        model.freeze().predict(X, unaligned(np.zeros((N, 2), np.float32)))
    for form in (unaligned, field):
        params = [form(np.ones((4, 3)))]
        optim.SGD(params, lr=1.0).step([np.full((4, 3), 0.25)])
        np.testing.assert_array_equal(params[0], np.full((4, 3), 0.75))
        grads = [form(np.full((4, 3), 10.0))]
        optim.clip_grad_norm_(grads, 1.0)
        assert abs(np.linalg.norm(grads[0]) - 1) < 1e-6
    out = unaligned(np.zeros((N, 3), np.float32))
    np.testing.assert_array_equal(F.softmax(X, out=out), F.softmax(X))
