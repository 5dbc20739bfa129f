"""Layers to test, each beside what its paper computes in float64."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from simdnn import nn

from . import oracles
from .arithmetic import Double
from .recurrent_oracle import recurrent
from .registry import ACTIVATIONS, parameters_of, spread

Array = np.ndarray[Any, Any]
#: (x, parameters and buffers by name) -> y, in evaluation.
Oracle = Callable[[Array, dict[str, Array]], Array]


@dataclass(frozen=True)
class Row:
    """A layer that takes `features` numbers; of a sequence if `steps` says so."""

    layer: nn.Layer
    oracle: Oracle
    features: int = 6
    steps: int | None = None
    #: Whether training computes what evaluation does.
    same_in_training: bool = True
    #: Whether a row of a batch depends on the others while it trains.
    batch_statistics: bool = False
    #: Whether x is moved for its gradient: not where it has kinks nearly everywhere.
    differentiable: bool = True
    #: Whether ONNX can say the same.
    in_onnx: bool = True
    #: What some steps of some samples are filled with.
    padding: float | None = None

    def model(self, dtype: Any = np.float64, rng: int = 0) -> nn.Sequential:
        """The layer alone, its parameters spread by integer arithmetic."""
        model = nn.Sequential(self.layer, dtype=dtype, rng=rng, in_features=self.features)
        model.flat_parameters[:] = spread(model.flat_parameters.size, np.float64, 0.9).astype(dtype)
        return model

    def x(self, samples: int, dtype: Any = np.float64) -> Array:
        """Samples away from kinks at zero."""
        shape = (samples, self.features) if self.steps is None else (samples, self.steps, self.features)
        x = spread(int(np.prod(shape)), np.float64, 1.7).reshape(shape)
        x = x + 0.02 * np.sign(x)
        if self.padding is not None:
            x[::3, 2:] = x[1::3, :1] = x[2::6, 1] = self.padding
        return x.astype(dtype)


def activate(name: str, x: Array, *parameters: float) -> Array:
    """f(x), with the registry's parameters unless others are given."""
    return oracles.ACTIVATIONS[name].value(Double, x, *(parameters or parameters_of(name)))


def dense(x: Array, weight: Array, bias: Array | float, activation: str = "identity") -> Array:
    """f(x W + b)."""
    return activate(activation, x @ weight + bias)


def activation_row(name: str, layer: nn.Layer, parameters: tuple[float, ...]) -> Row:
    return Row(
        layer,
        lambda x, _: activate(name, x, *parameters),
        differentiable=name != "binary_step",
    )


def residual(x: Array, p: dict[str, Array]) -> Array:
    inner = dense(dense(x, p["0.weight"], p["0.bias"], "tanh"), p["1.weight"], p["1.bias"])
    return inner + x


def projected(x: Array, p: dict[str, Array]) -> Array:
    return dense(x, p["0.weight"], p["0.bias"], "tanh") + x @ p["shortcut.weight"] + p["shortcut.bias"]


def nested(x: Array, p: dict[str, Array]) -> Array:
    inner = residual(
        x, {name.removeprefix("0."): value for name, value in p.items() if name.startswith("0.")}
    )
    return activate("tanh", inner) + x


def around(name: str, x: Array, p: dict[str, Array]) -> Array:
    """A recurrence beside a shortcut."""
    own = {key.removeprefix("1."): value for key, value in p.items() if key.startswith("1.")}
    return x + recurrent(name, dense(x, p["0.weight"], p["0.bias"], "tanh"), own, sequences=True)


def recurrent_rows() -> dict[str, Row]:
    """Each cell, and one after the other all that a recurrent layer may be."""

    def row(name: str, levels: int = 1, sequences: bool = False, **settings: Any) -> Row:
        layer = getattr(nn, name)(6, 5, levels, sequences, **settings)
        mask = settings.get("mask_value")
        return Row(
            layer,
            lambda x, p: recurrent(name, x, p, levels, sequences, mask),
            steps=4,
            differentiable=mask is None,  # a step that is moved is skipped no more
            in_onnx=mask is None,
            padding=mask,
        )

    rows = {}
    for name in ("RNN", "LSTM", "GRU"):
        rows[name] = row(name)
        rows[f"{name} sequences"] = row(name, sequences=True)
        rows[f"{name} two levels"] = row(name, 2, True, bias=False)
        rows[f"{name} learned states"] = row(name, 2, initial_state="learned")
        rows[f"residual {name}"] = Row(
            nn.Residual(nn.Dense(6, 4, "tanh"), getattr(nn, name)(4, 6, return_sequences=True)),
            partial(around, name),
            steps=4,
        )
        rows[f"{name} masked"] = row(name, 2, True, mask_value=-1.0, initial_state="learned")
    return rows


ROWS: dict[str, Row] = {
    **{
        f"activation {name}": activation_row(name, nn._activation.CLASSES[name](), parameters_of(name))
        for name in ACTIVATIONS
        if name != "gelu_tanh"
    },
    "activation gelu_tanh": activation_row("gelu_tanh", nn.GELU("tanh"), ()),
    "activation leaky_relu(0.3)": activation_row("leaky_relu", nn.LeakyReLU(0.3), (0.3,)),
    "dense": Row(nn.Dense(6, 5), lambda x, p: dense(x, p["weight"], p["bias"])),
    "dense tanh": Row(nn.Dense(6, 5, nn.Tanh()), lambda x, p: dense(x, p["weight"], p["bias"], "tanh")),
    "large margin": Row(nn.LargeMarginSoftmax(6, 5, margin=2), lambda x, p: x @ p["weight"]),
    "dropout": Row(nn.Dropout(0.4), lambda x, _: x, same_in_training=False),
    "residual": Row(nn.Residual(nn.Dense(6, 9, "tanh"), nn.Dense(9, 6)), residual),
    "residual projected": Row(nn.Residual(nn.Dense(6, 5, "tanh"), shortcut=nn.Dense(6, 5)), projected),
    "residual nested": Row(
        nn.Residual(nn.Residual(nn.Dense(6, 9, "tanh"), nn.Dense(9, 6)), nn.Tanh()), nested
    ),
    **recurrent_rows(),
}


def class_names(layer: nn.Layer) -> set[str]:
    """The classes of a layer and of those inside."""
    inner = [one for _, chain in layer._children() for one in chain]
    return {type(layer).__name__}.union(*map(class_names, inner))
