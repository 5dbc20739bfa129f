"""Layers compared with PyTorch's: outputs, gradients and buffers over several steps."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from simdnn import Trainer, nn, optim

from tests.support.registry import FLOATS, spread

pytestmark = pytest.mark.peers
torch: Any = pytest.importorskip("torch", reason="needs the extra [peers]: torch")

Array = np.ndarray[Any, Any]


class Pair(NamedTuple):
    """A layer and PyTorch's, whose parameters and buffers have the same names and shapes."""

    ours: Callable[[], nn.Layer]
    theirs: Callable[[], Any]
    features: int = 12


PAIRS = {
    "batchnorm": Pair(lambda: nn.BatchNorm1d(12), lambda: torch.nn.BatchNorm1d(12)),
    "batchnorm plain": Pair(
        lambda: nn.BatchNorm1d(12, 0.1, 0.3, False), lambda: torch.nn.BatchNorm1d(12, 0.1, 0.3, False)
    ),
    "batchnorm mean": Pair(
        lambda: nn.BatchNorm1d(12, momentum=None), lambda: torch.nn.BatchNorm1d(12, momentum=None)
    ),
    "layernorm": Pair(lambda: nn.LayerNorm(12), lambda: torch.nn.LayerNorm(12)),
    "layernorm plain": Pair(
        lambda: nn.LayerNorm(12, 0.01, False), lambda: torch.nn.LayerNorm(12, 0.01, elementwise_affine=False)
    ),
    "prelu": Pair(nn.PReLU, torch.nn.PReLU),
    "prelu of each": Pair(lambda: nn.PReLU(12, 0.1), lambda: torch.nn.PReLU(12, 0.1)),
    "celu": Pair(lambda: nn.CELU(0.7), lambda: torch.nn.CELU(0.7)),
    "elu": Pair(lambda: nn.ELU(0.7), lambda: torch.nn.ELU(0.7)),
    "selu": Pair(nn.SELU, torch.nn.SELU),
    "silu": Pair(nn.SiLU, torch.nn.SiLU),
    "gelu": Pair(lambda: nn.GELU("tanh"), lambda: torch.nn.GELU("tanh")),
    "mish": Pair(nn.Mish, torch.nn.Mish),
    "relu6": Pair(nn.ReLU6, torch.nn.ReLU6),
    "hardswish": Pair(nn.HardSwish, torch.nn.Hardswish),
    "leaky relu": Pair(lambda: nn.LeakyReLU(0.3), lambda: torch.nn.LeakyReLU(0.3)),
    "softmax": Pair(nn.Softmax, lambda: torch.nn.Softmax(dim=-1)),
    "dropout of none": Pair(lambda: nn.Dropout(0.0), lambda: torch.nn.Dropout(0.0)),
}
every_float = pytest.mark.parametrize("dtype", FLOATS)


def close(ours: Array, theirs: Any) -> bool:
    return np.allclose(
        ours, theirs.detach().numpy(), rtol=1e-5, atol=1e-5 if ours.dtype == np.float32 else 1e-9
    )


@every_float
@pytest.mark.parametrize("pair", PAIRS.values(), ids=list(PAIRS))
def test_layers_agree(pair: Pair, dtype: Any) -> None:
    model = nn.Sequential(pair.ours(), dtype=dtype, in_features=pair.features)
    peer = pair.theirs().to(torch.float32 if dtype == np.float32 else torch.float64)
    for name, value in model.parameters().items():
        value[...] = spread(value.size, dtype, 0.8).reshape(value.shape)
        peer.get_parameter(name.removeprefix("0.")).data = torch.tensor(value)
    for step in range(1, 5):
        x = spread(40 * pair.features, dtype, 2 * step).reshape(40, pair.features) + dtype(step)
        dy = spread(41 * pair.features, dtype)[pair.features :].reshape(x.shape)
        given = torch.tensor(x, requires_grad=True)
        output = peer.train()(given)
        peer.zero_grad()
        output.backward(torch.tensor(dy))
        assert close(model.forward(x, training=True), output)
        assert close(model.backward(dy), given.grad)
        for name, value in model.gradients().items():
            assert close(value, peer.get_parameter(name.removeprefix("0.")).grad)
        for name, value in model.buffers().items():
            assert close(value, peer.get_buffer(name.removeprefix("0.")))
        assert close(model(x), peer.eval()(given))


@every_float
def test_embedding_agrees(dtype: Any) -> None:
    model = nn.Sequential(nn.Embedding(9, 4), dtype=dtype, in_features=3, rng=0)
    peer = torch.nn.Embedding(9, 4)
    peer.weight.data = torch.tensor(model.parameters()["0.weight"])
    codes = (np.arange(60) * 7 % 9).reshape(20, 3)
    dy = spread(20 * 12, dtype).reshape(20, 12)
    output = peer(torch.tensor(codes)).reshape(20, 12)
    output.backward(torch.tensor(dy))
    assert close(model.forward(codes, training=True), output)
    model.backward(dy)
    assert close(model.gradients()["0.weight"], peer.weight.grad)


@every_float
def test_a_residual_network_trains_as_theirs(dtype: Any) -> None:
    """Networks with batch normalization, prelu and a shortcut agree over 20 steps of Adam."""
    # The gradient of a bias before a normalization is rounding noise, which Adam would amplify.
    layers: list[nn.Layer] = [nn.Dense(8, 16, bias=False), nn.BatchNorm1d(16), nn.PReLU(16)]
    layers += [nn.Residual(nn.Dense(16, 16), nn.LayerNorm(16), nn.ReLU(), nn.Dense(16, 16)), nn.Dense(16, 3)]
    model = nn.Sequential(*layers, dtype=dtype, rng=0)
    t = torch.nn
    inner = t.Sequential(t.Linear(16, 16), t.LayerNorm(16), t.ReLU(), t.Linear(16, 16))
    parts = [t.Linear(8, 16, bias=False), t.BatchNorm1d(16), t.PReLU(16), inner, t.Linear(16, 3)]
    peer = t.ModuleList(parts).to(torch.float32 if dtype == np.float32 else torch.float64)
    for name, value in model.parameters().items():
        weight = torch.tensor(value.T.copy() if value.ndim == 2 else value)
        peer.get_parameter(name).data = weight

    def forward(x: Any) -> Any:
        x = parts[2](parts[1](parts[0](x)))
        return parts[4](x + inner(x))

    x, y = spread(400, dtype, 2).reshape(50, 8), np.arange(50) % 3
    trainer = Trainer(model, optimizer=optim.Adam(lr=1e-3))
    theirs = torch.optim.Adam(peer.parameters(), lr=1e-3)
    for _ in range(20):
        theirs.zero_grad()
        loss = t.functional.cross_entropy(forward(torch.tensor(x)), torch.tensor(y))
        loss.backward()
        theirs.step()
        assert trainer.step(x, y) == pytest.approx(loss.item(), rel=1e-9 if dtype == np.float64 else 1e-4)
    peer.eval()
    tolerance = 1e-8 if dtype == np.float64 else 1e-3
    assert np.allclose(model(x), forward(torch.tensor(x)).detach().numpy(), rtol=tolerance, atol=tolerance)
