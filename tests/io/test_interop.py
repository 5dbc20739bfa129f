"""PyTorch's state dictionaries: weights are converted in both directions, and the outputs agree."""

import importlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import nn

from tests.support.registry import FLOATS, same_bits, spread

Array = np.ndarray[Any, Any]


def state(**entries: tuple[int, ...]) -> dict[str, Array]:
    """Random arrays of the given shapes; underscores in the keywords stand for dots in the names."""
    return {
        name.replace("_", ".", 1).lstrip("p"): spread(int(np.prod(shape)), np.float64, 0.9).reshape(shape)
        for name, shape in entries.items()
    }


MLP = state(p0_weight=(8, 5), p0_bias=(8,), p2_weight=(3, 8), p2_bias=(3,))


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_perceptron_is_made_of_its_names(dtype: Any) -> None:
    model = simdnn.from_torch(MLP, activation=nn.LeakyReLU(0.3), dtype=dtype)
    assert repr(model.layers) == repr((nn.Dense(5, 8), nn.LeakyReLU(0.3), nn.Dense(8, 3)))
    x = spread(20, np.float64, 2.0).reshape(4, 5)
    hidden = x @ MLP["0.weight"].T + MLP["0.bias"]
    wanted = np.where(hidden > 0, hidden, 0.3 * hidden) @ MLP["2.weight"].T + MLP["2.bias"]
    assert model.dtype == dtype
    assert np.allclose(model(x), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("prefix", ["", "net.", "module.actor.layers_"])
def test_a_common_prefix_does_not_matter(prefix: str) -> None:
    named = {prefix + name: value for name, value in MLP.items()}
    x = np.ones(5)
    assert same_bits(
        simdnn.from_torch(named, activation="tanh")(x), simdnn.from_torch(MLP, activation="tanh")(x)
    )


def test_the_order_is_that_of_the_places() -> None:
    eleven = {f"{i}.weight": np.full((2, 2), i + 1.0) for i in reversed(range(11))} | {"0.bias": np.ones(2)}
    model = simdnn.from_torch(eleven)
    assert [model.parameters()[f"{i}.weight"][0, 0] for i in range(11)] == list(range(1, 12))


def test_a_model_takes_weights_by_any_names() -> None:
    block = nn.Residual(nn.Dense(5, 5, "relu", bias=False), shortcut=nn.Dense(5, 5))
    model = nn.Sequential(block, nn.Tanh(), nn.Dense(5, 2), rng=0)
    given = state(a_weight=(5, 5), b_weight=(5, 5), b_bias=(5,), c_weight=(2, 5), c_bias=(2,))
    assert simdnn.from_torch(given, model) is model
    for ours, theirs in (("0.0", "a"), ("0.shortcut", "b"), ("2", "c")):
        assert np.array_equal(model.parameters()[f"{ours}.weight"], given[f"{theirs}.weight"].T.astype("f4"))


def test_weights_go_there_and_come_back() -> None:
    model = nn.Sequential(
        nn.Dense(5, 8, "relu"), nn.Dropout(0.1), nn.Dense(8, 8, bias=False), nn.Tanh(), nn.Dense(8, 3), rng=0
    )
    found = simdnn.to_torch_state_dict(model)
    assert list(found) == ["0.weight", "0.bias", "3.weight", "5.weight", "5.bias"]
    assert all(value.flags.c_contiguous for value in found.values())
    other = nn.Sequential(*model.layers, rng=1)
    simdnn.from_torch(found, other)
    assert same_bits(other.flat_parameters, model.flat_parameters)


def fill(*layers: nn.Layer) -> nn.Sequential:
    return simdnn.from_torch(MLP, nn.Sequential(*layers))


BAD: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "no dictionary": (lambda: simdnn.from_torch([1]), TypeError, "state_dict: .*list"),
    "no weights": (lambda: simdnn.from_torch({}), ValueError, "state_dict: "),
    "no numbers": (lambda: simdnn.from_torch({"0.weight": "x"}), TypeError, "0.weight: .*"),
    "objects": (lambda: simdnn.from_torch({"0.weight": np.array([None])}), TypeError, "0.weight: .*object"),
    "keys that are no names": (lambda: simdnn.from_torch({1: np.ones(2)}), TypeError, "expected names.*1"),
    "a first place without entries": (
        lambda: simdnn.from_torch(state(p1_weight=(2, 3), p1_bias=(2,)), activation="relu"),
        ValueError,
        "the first layer is named '1', not by place 0",
    ),
    "a gap": (lambda: simdnn.from_torch(MLP), ValueError, "place 1 has no entries.*activation="),
    "names": (
        lambda: simdnn.from_torch(state(a_weight=(2, 2), b_weight=(2, 2))),
        ValueError,
        "a, b are no places.*model=",
    ),
    "a layer alone": (
        lambda: simdnn.from_torch({"weight": np.ones((2, 3)), "bias": np.ones(2)}),
        ValueError,
        "the names '' are no places.*model=",
    ),
    "a convolution": (
        lambda: simdnn.from_torch(state(p0_weight=(2, 2, 3, 3))),
        ValueError,
        r"0: no layer .*\(2, 2, 3, 3\)",
    ),
    "widths that do not fit": (
        lambda: simdnn.from_torch(state(p0_weight=(4, 3), p0_bias=(4,), p1_weight=(2, 5))),
        ValueError,
        r"layers\[1\]: .*4.*5",
    ),
    "no model": (lambda: simdnn.from_torch(MLP, nn.Dense(5, 8)), TypeError, "model: .*Dense"),
    "too few layers": (lambda: fill(nn.Dense(5, 8)), ValueError, "1 layers.*2 modules: 0, 2"),
    "another shape": (
        lambda: fill(nn.Dense(5, 8), nn.Dense(8, 4)),
        ValueError,
        r"2.weight: .*Dense\(8, 4\).*\(8, 4\).*\(8, 3\)",
    ),
    "a missing bias": (
        lambda: fill(nn.Dense(5, 8, bias=False), nn.Dense(8, 3)),
        ValueError,
        "0: has weight, bias, but .* wants weight",
    ),
    "a residual": (
        lambda: simdnn.to_torch_state_dict(nn.Sequential(nn.Residual(nn.Dense(2, 2)))),
        ValueError,
        r"layers\[0\]: .*Residual",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_a_clear_error(name: str) -> None:
    call, kind, message = BAD[name]
    with pytest.raises(kind, match=message):
        call()


def test_a_model_that_does_not_fit_is_unchanged() -> None:
    model = nn.Sequential(nn.Dense(5, 8), nn.Dense(8, 4), rng=0)
    before = model.flat_parameters.copy()
    with pytest.raises(ValueError, match=r"2\.weight"):
        simdnn.from_torch(MLP, model)
    assert same_bits(model.flat_parameters, before)


@pytest.mark.peers
def test_pytorch_computes_the_same() -> None:
    """Networks of PyTorch are converted to simdnn, and their weights back to PyTorch."""
    torch = pytest.importorskip("torch", reason="needs the extra [peers]: torch")
    t = torch.nn
    torch.manual_seed(0)
    module = t.Sequential(t.Linear(5, 8), t.Tanh(), t.Linear(8, 8, bias=False), t.Tanh(), t.Linear(8, 3))
    model = simdnn.from_torch(module.state_dict(), activation="tanh")
    x = torch.randn(7, 5)
    with torch.no_grad():
        assert np.allclose(model(x), module(x).numpy(), rtol=1e-5, atol=1e-6)
    model.flat_parameters[:] = spread(model.flat_parameters.size, np.float32, 0.5)
    found = simdnn.to_torch_state_dict(model)
    module.load_state_dict({name: torch.from_numpy(value) for name, value in found.items()})
    with torch.no_grad():
        assert np.allclose(model(x), module(x).numpy(), rtol=1e-5, atol=1e-6)


def modules(torch: Any) -> dict[str, tuple[Any, tuple[int, ...]]]:
    """Networks of PyTorch whose layers follow from their names, each with the shape of a batch."""
    t = torch.nn
    norms = t.Sequential(
        t.Linear(5, 8),
        t.BatchNorm1d(8),
        t.PReLU(),
        t.Linear(8, 8, bias=False),
        t.PReLU(),
        t.Linear(8, 3),
    )
    norms.train()
    norms(torch.randn(20, 5) + 1)  # makes nontrivial running statistics
    return {
        "normalizations": (norms, (7, 5)),
        "no affine": (t.Sequential(t.Linear(5, 4), t.BatchNorm1d(4, affine=False)), (7, 5)),
        "LSTM": (t.Sequential(t.LSTM(5, 6, num_layers=2, batch_first=True)), (7, 4, 5)),
        "GRU": (t.Sequential(t.GRU(5, 6, batch_first=True, bias=False)), (7, 4, 5)),
    }


def output(torch: Any, module: Any, x: Any) -> Array:
    """Output of a PyTorch module; for a recurrent layer, its last state."""
    with torch.no_grad():
        y = module.eval()(x)
    return y[0][:, -1].numpy() if isinstance(y, tuple) else y.numpy()


@pytest.mark.peers
@pytest.mark.parametrize("name", ["normalizations", "no affine", "LSTM", "GRU"])
def test_layers_of_pytorch_compute_the_same(name: str) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra [peers]: torch")
    torch.manual_seed(0)
    module, shape = modules(torch)[name]
    model, x = simdnn.from_torch(module.state_dict()), torch.randn(*shape)
    assert np.allclose(model(x), output(torch, module, x), rtol=1e-5, atol=1e-5)
    model.flat_parameters[:] = spread(model.flat_parameters.size, np.float32, 0.5)
    found = simdnn.to_torch_state_dict(model)
    module.load_state_dict({key: torch.from_numpy(value) for key, value in found.items()}, strict=True)
    assert np.allclose(model(x), output(torch, module, x), rtol=1e-5, atol=1e-5)


AMBIGUOUS: dict[str, tuple[dict[str, Array], nn.Sequential]] = {
    "a norm with a bias": (
        MLP | state(p1_weight=(8,), p1_bias=(8,)),
        nn.Sequential(nn.Dense(5, 8), nn.LayerNorm(8), nn.Dense(8, 3)),
    ),
    "a lone vector": (
        MLP | state(p1_weight=(8,)),
        nn.Sequential(nn.Dense(5, 8), nn.PReLU(8), nn.Dense(8, 3)),
    ),
    "a lone number for one feature": (
        state(p0_weight=(1, 5), p0_bias=(1,), p1_weight=(1,)),
        nn.Sequential(nn.Dense(5, 1), nn.PReLU()),
    ),
    "a matrix at the input": (state(p0_weight=(4, 4)), nn.Sequential(nn.Dense(4, 4, bias=False))),
    "a nonlinearity": (
        state(p0_weight_ih_l0=(6, 5), p0_weight_hh_l0=(6, 6)),
        nn.Sequential(nn.RNN(5, 6, bias=False)),
    ),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_entries_of_several_modules_need_a_model(name: str) -> None:
    """A name that could stand for different functions is refused; the model then says which it is."""
    given, model = AMBIGUOUS[name]
    ordered = dict(sorted(given.items()))
    with pytest.raises(ValueError, match=r"can be of .* or of .*give model="):
        simdnn.from_torch(ordered)
    assert simdnn.from_torch(ordered, model) is model


@pytest.mark.peers
def test_embeddings_fill_a_model() -> None:
    torch = pytest.importorskip("torch", reason="needs the extra [peers]: torch")
    module = torch.nn.Sequential(torch.nn.Embedding(9, 4), torch.nn.Flatten(), torch.nn.Linear(8, 2))
    model = simdnn.from_torch(
        module.state_dict(), nn.Sequential(nn.Embedding(9, 4, in_features=2), nn.Dense(8, 2))
    )
    x = torch.arange(8).reshape(4, 2)
    assert np.allclose(model(x), output(torch, module, x), rtol=1e-5, atol=1e-5)


def test_two_directions_are_a_clear_error() -> None:
    given = state(p0_weight_ih_l0=(24, 5), p0_weight_hh_l0=(24, 6), p0_weight_ih_l0_reverse=(24, 5))
    with pytest.raises(ValueError, match=r"weight_ih_l0_reverse: .*(one direction|two directions)"):
        simdnn.from_torch(given)


def test_without_thinc_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "simdnn.thinc", raising=False)
    monkeypatch.setitem(sys.modules, "thinc", None)
    with pytest.raises(ImportError, match=r"pip install 'simdnn\[thinc\]'"):
        importlib.import_module("simdnn.thinc")
