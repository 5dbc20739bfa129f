"""Functions, losses and training compared with PyTorch's, to float32 tolerance."""

from typing import Any

import numpy as np
import pytest
import simdnn.functional as F
from simdnn import Trainer
from simdnn.losses._registry import NAMED

from tests.peers.test_torch_optimizers import SHARED
from tests.support.networks import network, samples
from tests.support.registry import ACTIVATIONS, FLOATS, KINDS, named_alike, parameters_of, spread

pytestmark = pytest.mark.peers
torch: Any = pytest.importorskip("torch", reason="needs the extra [peers]: torch")

#: Functions that PyTorch has by no name of ours, or that differ.
EXPRESSIONS: dict[str, Any] = {
    "identity": lambda x: x * 1,
    "hard_sigmoid": lambda x: torch.clamp(x + 3, 0, 6) / 6,  # its own rounds 1 / 6 to single precision
    "binary_step": lambda x: torch.heaviside(x.detach(), torch.ones_like(x)) + 0 * x,
    "softplus": lambda x: torch.nn.functional.softplus(x, threshold=40),
    "swish": lambda x, beta: x * torch.sigmoid(beta * x),
    "gelu_tanh": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
}
#: PyTorch's functions by our names.
PEERS = {name: EXPRESSIONS.get(name) or named_alike(torch.nn.functional, name) for name in ACTIVATIONS}
every_float = pytest.mark.parametrize("dtype", FLOATS)


def tolerance(dtype: Any) -> dict[str, float]:
    return {"rtol": 2e-5, "atol": 2e-6} if dtype == np.float32 else {"rtol": 1e-11, "atol": 1e-13}


@every_float
@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if PEERS[name]])
def test_activations_agree(name: str, dtype: Any) -> None:
    x, dy = spread(3000, dtype, 15), spread(3007, dtype)[7:]
    input_of = torch.tensor(x, requires_grad=True)
    output = PEERS[name](input_of, *parameters_of(name))
    output.backward(torch.tensor(dy))
    assert np.allclose(getattr(F, name)(x), output.detach().numpy(), **tolerance(dtype))
    assert np.allclose(getattr(F, name + "_backward")(dy, x), input_of.grad.numpy(), **tolerance(dtype))


@every_float
@pytest.mark.parametrize("count", [1, 6])
def test_prelu_agrees(count: int, dtype: Any) -> None:
    """The weight is one number, or one per channel on the second axis."""
    x, dy = spread(300, dtype, 4).reshape(10, 6, 5), spread(305, dtype)[5:].reshape(10, 6, 5)
    weight = spread(count, dtype, 0.5)
    inputs = [torch.tensor(x, requires_grad=True), torch.tensor(weight, requires_grad=True)]
    output = torch.nn.functional.prelu(*inputs)
    output.backward(torch.tensor(dy))
    ours = weight.reshape(-1, 1)
    assert np.allclose(F.prelu(x, ours), output.detach().numpy(), **tolerance(dtype))
    dx, dweight = F.prelu_backward(dy, x, ours)
    assert np.allclose(dx, inputs[0].grad.numpy(), **tolerance(dtype))
    assert np.allclose(dweight.ravel(), inputs[1].grad.numpy(), **tolerance(dtype))


@every_float
def test_rrelu_agrees(dtype: Any) -> None:
    x = spread(300, dtype, 4)
    for training in (False, True):
        theirs = torch.nn.functional.rrelu(torch.tensor(x), training=training).numpy()
        ours, slope = F.rrelu(x, training=training, rng=0, return_slope=True)
        if not training:
            assert np.allclose(ours, theirs, **tolerance(dtype))
        for y in (ours, theirs):
            slopes = y[x < 0] / x[x < 0]
            assert slopes.min() > 1 / 8 - 1e-6
            assert slopes.max() < 1 / 3 + 1e-6
        assert np.all((np.asarray(slope) >= 1 / 8) & (np.asarray(slope) <= 1 / 3))


@every_float
@pytest.mark.parametrize("loss", KINDS)
@pytest.mark.parametrize(("rule", "make", "settings"), SHARED)
def test_training_agrees(rule: str, make: Any, settings: dict[str, Any], loss: str, dtype: Any) -> None:
    model = network([8, 32, 16, 5], "tanh", dtype=dtype)
    x, y = samples(loss, 60, 8, 5, dtype)
    layers: list[Any] = []
    dense: Any
    for i, dense in enumerate(model.layers):
        linear = torch.nn.Linear(dense.in_features, dense.out_features)
        linear.weight.data = torch.tensor(model.parameters()[f"{i}.weight"].T.copy())
        linear.bias.data = torch.tensor(model.parameters()[f"{i}.bias"])
        layers += [linear, torch.nn.Tanh()]
    peer = torch.nn.Sequential(*layers[:-1])
    trainer = Trainer(model, loss=loss, optimizer=make(**settings))
    theirs = getattr(torch.optim, make.__name__)(peer.parameters(), **settings)
    for _ in range(25):
        theirs.zero_grad()
        value = getattr(torch.nn.functional, NAMED[loss].__name__)(peer(torch.tensor(x)), torch.tensor(y))
        value.backward()
        theirs.step()
        exact = dtype == np.float64 and rule != "nadam"  # PyTorch's NAdam keeps a product in float32
        allowed = 1e-9 if exact else 1e-3
        assert trainer.step(x, y) == pytest.approx(value.item(), rel=allowed)
    output = peer(torch.tensor(x)).detach().numpy()
    assert np.allclose(model(x), output, rtol=allowed, atol=allowed)
