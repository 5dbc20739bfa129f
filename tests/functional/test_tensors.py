"""Tensors of other libraries are accepted like arrays: without a copy, and on the CPU only."""

import tracemalloc
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import Trainer, nn, optim

from tests.support.networks import network
from tests.support.registry import same_bits, spread

Array = np.ndarray[Any, Any]


class Tensor:
    """A tensor of a library that supports DLPack only."""

    def __init__(self, array: Any, device: int = 1) -> None:
        self.array = np.asarray(array)
        self.device = device

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device, 0

    def __dlpack__(self, **options: Any) -> Any:
        assert self.device == 1, "read without asking where it is"
        return self.array.__dlpack__(**options)


class Recording(Tensor):
    """A tensor that requires gradients."""

    requires_grad = True


class Case(NamedTuple):
    """Arguments of a call."""

    x: Any
    y: Any
    values: Any
    shares: Any
    weight: Any


def case(wrap: Callable[[Array], Any], samples: int = 20) -> Case:
    x = spread(samples * 4, np.float32, 1.5).reshape(samples, 4)
    values = spread(samples * 3, np.float32, 0.9).reshape(samples, 3)
    weight = np.ones(samples, np.float32)
    return Case(wrap(x), wrap(np.arange(samples) % 3), wrap(values), wrap(np.abs(values)), wrap(weight))


def fitted(c: Case, **options: Any) -> Array:
    trainer = Trainer(network([4, 9, 3], dtype=np.float32), seed=0)
    trainer.fit(c.x, c.y, epochs=2, validation_data=(c.x, c.y), progress=False, **options)
    return trainer.model.flat_parameters


def stepped(c: Case) -> Array:
    trainer = Trainer(network([4, 9, 3], dtype=np.float32), seed=0)
    trainer.step(c.x, c.y, c.weight)
    return np.array([*trainer.evaluate(c.x, c.y), *trainer.model.flat_parameters])


def both_ways(c: Case) -> Array:
    model = network([4, 9, 3], dtype=np.float32)
    model.forward(c.x, training=True)
    return np.concatenate([model.backward(c.values).ravel(), model.flat_gradients])


def updated(c: Case) -> Array:
    p = np.ones((20, 3), np.float32)
    optim.Adam([p]).step([c.values])
    return p


def predicted_into(c: Case) -> Array:
    out = np.empty((20, 3), np.float32)
    network([4, 9, 3], dtype=np.float32).freeze().predict(c.x, out)
    return out


def stated(c: Case) -> Array:
    model = nn.Sequential(nn.Dense(20, 4), rng=0)
    model.load_state_dict({"0.weight": c.x, "0.bias": np.zeros(4)})
    return model.flat_parameters


CALLS: dict[str, Callable[[Case], Any]] = {
    "model": lambda c: network([4, 9, 3], dtype=np.float32)(c.x),
    "predict": lambda c: network([4, 9, 3], dtype=np.float32).freeze().predict(c.x),
    "predict with out": predicted_into,
    "forward and backward": both_ways,
    "load_state_dict": stated,
    "from_torch": lambda c: simdnn.from_torch({"0.weight": c.x, "0.bias": np.zeros(20)}).flat_parameters,
    "step": stepped,
    "fit": fitted,
    "an optimizer's step": updated,
    "cross_entropy": lambda c: F.cross_entropy(c.values, c.y, return_grad=True)[1],
    "probabilities": lambda c: F.cross_entropy(c.values, c.shares, return_grad=True)[1],
    "mse_loss": lambda c: F.mse_loss(c.values, c.values, return_grad=True)[1],
    "distillation_loss": lambda c: F.distillation_loss(c.values, c.values, 2.0, return_grad=True)[1],
    "large_margin_softmax": lambda c: F.large_margin_softmax(
        c.x, spread(12, np.float32, 1).reshape(4, 3), c.y
    ),
    "zero_one_loss": lambda c: F.zero_one_loss(c.values, c.y),
    "crelu": lambda c: F.crelu(c.x),
    "maxout": lambda c: F.maxout(c.x, 2),
}


@pytest.mark.parametrize("name", CALLS)
def test_tensors_are_taken_as_arrays(name: str) -> None:
    wanted = np.asarray(CALLS[name](case(np.asarray)))
    got = np.asarray(CALLS[name](case(Tensor)))
    assert got.dtype == wanted.dtype
    assert same_bits(got, wanted)


@pytest.mark.parametrize("name", CALLS)
def test_tensors_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match=r": a Tensor in the memory of CUDA.*processor.*cpu\(\)"):
        CALLS[name](case(lambda array: Tensor(array, device=2)))


@pytest.mark.parametrize("name", [name for name in CALLS if name != "from_torch"])
def test_tensors_that_record_gradients_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match=r": a Recording that records gradients.*\.detach\(\)"):
        CALLS[name](case(Recording))


def test_an_unknown_device_has_a_number() -> None:
    with pytest.raises(TypeError, match="x: a Tensor in the memory of device type 99"):
        network([4, 3])(Tensor(np.ones((2, 4)), 99))


def test_out_may_be_a_tensor() -> None:
    model, x = network([4, 9, 3], dtype=np.float32), case(np.asarray).x
    out = Tensor(np.zeros((20, 3), np.float32))
    model.freeze().predict(x, out)
    assert same_bits(out.array, model(x))
    with pytest.raises(TypeError, match="out: "):
        model.freeze().predict(x, Tensor(np.zeros((20, 3))))
    with pytest.raises(TypeError, match="CUDA"):
        model.freeze().predict(x, Tensor(np.zeros((20, 3), np.float32), 2))


def peak_of(call: Callable[[], Any]) -> int:
    """Peak of the memory in bytes that NumPy allocates during a call."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def torch_tensor(array: Array) -> Any:
    return pytest.importorskip("torch", reason="needs the extra [peers]: torch").from_numpy(np.array(array))


def jax_array(array: Array) -> Any:
    pytest.importorskip("jax", reason="needs the extra [peers]: jax")
    import jax.numpy as jnp

    return jnp.asarray(array)


@pytest.mark.parametrize(
    "wrap", [Tensor, *(pytest.param(f, marks=pytest.mark.peers) for f in (torch_tensor, jax_array))]
)
def test_nothing_is_copied(wrap: Callable[[Array], Any]) -> None:
    c = case(wrap, 20_000)
    predictor, out = network([4, 9, 3], dtype=np.float32).freeze(), np.empty((20_000, 3), np.float32)
    trainer = Trainer(network([4, 9, 3], dtype=np.float32), seed=0)
    y = np.arange(20_000) % 3
    F.mse_loss(c.values, c.values)
    for call in (
        lambda: predictor.predict(c.x, out),
        lambda: F.mse_loss(c.values, c.values),
        lambda: trainer.fit(c.x, y, epochs=1, progress=False),
    ):
        assert peak_of(call) < y.nbytes + 60_000, "the smallest of the arrays has 80,000 bytes; fit copies y"


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("wrap", [torch_tensor, jax_array])
def test_tensors_of_peers(name: str, wrap: Callable[[Array], Any]) -> None:
    wanted, got = np.asarray(CALLS[name](case(np.asarray))), np.asarray(CALLS[name](case(wrap)))
    assert got.dtype == wanted.dtype
    assert same_bits(got, wanted)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")
def test_functions_take_tensors_as_numpy_does() -> None:
    """A ufunc returns a tensor for a PyTorch tensor, as NumPy's ufuncs do, and an array for a JAX array."""
    torch = pytest.importorskip("torch", reason="needs the extra [peers]: torch")
    x = spread(12, np.float32, 2.0)
    for function in (F.relu, F.silu, F.leaky_relu, F.softmax):
        assert same_bits(function(torch_tensor(x)).numpy(), function(x))
        assert same_bits(function(jax_array(x)), function(x))
    with pytest.raises(RuntimeError, match="requires grad"):
        F.relu(torch.ones(3, requires_grad=True))
    with pytest.raises(TypeError, match=r"x: a Tensor that records gradients.*x\.detach\(\)"):
        network([4, 3])(torch.ones(2, 4, requires_grad=True))
    with pytest.raises(TypeError, match=r"x: .*Tensor.*BFloat16"):
        network([4, 3])(torch.ones(2, 4, dtype=torch.bfloat16))
    with pytest.raises(TypeError, match=r"x: .*Tensor.*meta"):
        network([4, 3])(torch.ones(2, 4, device="meta"))
