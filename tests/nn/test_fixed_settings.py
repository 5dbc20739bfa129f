"""Settings of layers, networks and predictors, which are compiled into native code, cannot change."""

import copy
import inspect
import pickle
from typing import Any

import numpy as np
import pytest
from simdnn import nn

from tests.support.registry import same_bits

#: Layers whose constructors need arguments, by the name of the class.
MADE: dict[str, nn.Layer] = {
    "Concatenate": nn.Concatenate(nn.ReLU(), ()),
    "Dense": nn.Dense(3, 4, activation="tanh"),
    "Embedding": nn.Embedding(3, 2),
    "GRU": nn.GRU(3, 2),
    "LSTM": nn.LSTM(3, 2),
    "RNN": nn.RNN(3, 2),
    "LargeMarginSoftmax": nn.LargeMarginSoftmax(3, 4),
    "Maxout": nn.Maxout(3, 4, 2),
    "PiecewiseLinear": nn.PiecewiseLinear(3, 4, encoded=2, bins=5),
    "Residual": nn.Residual(nn.ReLU()),
}
LAYERS = sorted(
    name
    for name, kind in vars(nn).items()
    if isinstance(kind, type) and issubclass(kind, nn.Layer) and kind not in (nn.Layer, nn.Activation)
)


def layer_of(name: str) -> nn.Layer:
    return MADE.get(name) or getattr(nn, name)()


@pytest.mark.parametrize("name", LAYERS)
def test_no_setting_of_a_layer_can_be_set_or_deleted(name: str) -> None:
    layer = layer_of(name)
    before = repr(layer)
    for setting in (*inspect.signature(type(layer)).parameters, *vars(layer)):
        if setting.startswith("_"):
            continue
        with pytest.raises(AttributeError, match=f"{setting}: fixed when the {name} is made"):
            setattr(layer, setting, getattr(layer, setting))
        with pytest.raises(AttributeError, match=f"{setting}: fixed"):
            delattr(layer, setting)
    for other in ("rate", "function", "in_features"):
        if other not in vars(layer):
            with pytest.raises(AttributeError, match=f"{other}: {name} has no such setting.*[;?] [kK]nown: "):
                setattr(layer, other, 3)
    assert repr(layer) == before


@pytest.mark.parametrize("name", LAYERS)
def test_copies_and_pickles_of_layers_are_equal(name: str) -> None:
    layer = layer_of(name)
    for made in (copy.copy(layer), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert repr(made) == repr(layer)


class Noted(nn.Dense):
    """A user's layer, with attributes of its own."""

    def __init__(self, width: int) -> None:
        super().__init__(width, width)
        self.width, self.calls = width, 0


def test_a_subclass_may_have_attributes_of_its_own() -> None:
    layer = Noted(3)
    layer.calls += 1
    layer.note = "x"  # type: ignore[attr-defined]
    assert (layer.calls, layer.out_features) == (1, 3)
    for name in ("width", "out_features", "activation"):
        with pytest.raises(AttributeError, match=f"{name}: fixed when the Noted is made"):
            setattr(layer, name, 7)
    made = nn.Sequential(layer, rng=0)
    assert made(np.ones((2, 3))).shape == (2, 3)


def test_networks_and_predictors_keep_what_they_were_made_of() -> None:
    model = nn.Sequential(nn.Dense(3, 4), rng=0)
    predictor = model.freeze()
    x = np.ones((2, 3), np.float32)
    before = model(x)
    settings: list[tuple[Any, str, Any]] = [
        (model, "layers", (nn.ReLU(),)),
        (model, "dtype", np.float64),
        (predictor, "dtype", np.float64),
    ]
    for made, name, value in settings:
        with pytest.raises(AttributeError, match=f"{name}: fixed when the {type(made).__name__} is made"):
            setattr(made, name, value)
    model.note = "a user's own"  # type: ignore[attr-defined]
    assert same_bits(model(x), before)
    assert same_bits(predictor.predict(x), before)
    assert same_bits(copy.deepcopy(model)(x), before)
