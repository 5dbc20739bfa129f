"""Beside PyTorch: recurrent layers with its weights transposed give its outputs and gradients."""

from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, nn, optim

from tests.support.registry import FLOATS, spread

pytestmark = pytest.mark.peers
torch: Any = pytest.importorskip("torch", reason="needs the extra [peers]: torch")

every_float = pytest.mark.parametrize("dtype", FLOATS)
every_cell = pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])


def tolerance(dtype: Any) -> dict[str, float]:
    return {"rtol": 1e-5, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-11, "atol": 1e-12}


def pair(name: str, dtype: Any, **settings: Any) -> tuple[nn.Sequential, Any]:
    """A recurrent network, and PyTorch's with the same weights."""
    model = nn.Sequential(getattr(nn, name)(5, 7, **settings), dtype=dtype, rng=3)
    peer = getattr(torch.nn, name)(
        5, 7, settings.get("num_layers", 1), bias=settings.get("bias", True), batch_first=True
    ).to(getattr(torch, np.dtype(dtype).name))
    for key, value in peer.named_parameters():
        value.data = torch.tensor(np.ascontiguousarray(model.parameters()[f"0.{key}"].T))
    return model, peer


@every_float
@pytest.mark.parametrize("settings", [{}, {"num_layers": 2}, {"bias": False}])
@pytest.mark.parametrize("sequences", [False, True])
@every_cell
def test_outputs_and_gradients_agree(
    name: str, sequences: bool, settings: dict[str, Any], dtype: Any
) -> None:
    model, peer = pair(name, dtype, return_sequences=sequences, **settings)
    x = spread(9 * 6 * 5, dtype, 1.5).reshape(9, 6, 5)
    theirs = torch.tensor(x, requires_grad=True)
    output = peer(theirs)[0]
    output = output if sequences else output[:, -1]
    y = model.forward(x, training=True)
    assert np.allclose(y, output.detach().numpy(), **tolerance(dtype))
    assert np.allclose(model(x), output.detach().numpy(), **tolerance(dtype))
    dy = spread(y.size, dtype).reshape(y.shape)
    output.backward(torch.tensor(dy))
    assert np.allclose(model.backward(dy), theirs.grad.numpy(), **tolerance(dtype))
    for key, value in peer.named_parameters():
        assert np.allclose(model.gradients()[f"0.{key}"].T, value.grad.numpy(), **tolerance(dtype))


@every_cell
def test_packed_sequences_agree(name: str) -> None:
    """PyTorch packs sequences of several lengths, here a mask skips what pads them."""
    model, peer = pair(name, np.float64, mask_value=-1.0)
    lengths = [6, 2, 4, 1]
    sequences = [spread(n * 5, np.float64, 1.5).reshape(n, 5) for n in lengths]
    packed = torch.nn.utils.rnn.pack_sequence([torch.tensor(s) for s in sequences], enforce_sorted=False)
    last = peer(packed)[1]
    last = last[0] if name == "LSTM" else last
    assert np.allclose(model(nn.pad_sequences(sequences, -1.0)), last[0].detach().numpy(), rtol=1e-11)


@every_cell
def test_training_agrees(name: str) -> None:
    recurrent, peer = pair(name, np.float64, num_layers=2)
    model = nn.Sequential(*recurrent.layers, nn.Dense(7, 3), dtype=np.float64, rng=4)
    model.load_state_dict({**model.state_dict(), **recurrent.state_dict()})
    head = torch.nn.Linear(7, 3, dtype=torch.float64)
    head.weight.data = torch.tensor(model.parameters()["1.weight"].T.copy())
    head.bias.data = torch.tensor(model.parameters()["1.bias"])
    x = spread(40 * 6 * 5, np.float64, 1.5).reshape(40, 6, 5)
    y = np.arange(40) % 3
    trainer = Trainer(model, optimizer=optim.Adam(lr=0.01))
    adam = torch.optim.Adam([*peer.parameters(), *head.parameters()], lr=0.01)
    for _ in range(20):
        adam.zero_grad()
        loss = torch.nn.functional.cross_entropy(head(peer(torch.tensor(x))[0][:, -1]), torch.tensor(y))
        loss.backward()
        adam.step()
        assert trainer.step(x, y) == pytest.approx(loss.item(), rel=1e-9)


@every_cell
def test_initial_values_are_drawn_alike(name: str) -> None:
    """Uniform within 1 / sqrt(hidden), weights and biases."""
    model = nn.Sequential(getattr(nn, name)(64, 64), rng=0)
    torch.manual_seed(0)
    peer = getattr(torch.nn, name)(64, 64)
    for key, value in peer.named_parameters():
        ours = model.parameters()[f"0.{key}"]
        assert np.abs(ours).max() <= 1 / 8
        assert ours.std() == pytest.approx(value.detach().numpy().std(), rel=0.2)
