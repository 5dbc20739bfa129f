"""Layers to test, each with its paper's formula in float64."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from simdnn import nn

from tests import oracles
from tests.oracles.arithmetic import Double
from tests.oracles.recurrent import recurrent
from tests.support.registry import ACTIVATIONS, parameters_of, spread

Array = np.ndarray[Any, Any]
#: A function (x, parameters and buffers by name) -> y of the layer in evaluation.
Oracle = Callable[[Array, dict[str, Array]], Array]


@dataclass(frozen=True)
class Row:
    """A layer with `features` input features, for sequences if `steps` is given."""

    layer: nn.Layer
    oracle: Oracle
    features: int = 6
    steps: int | None = None
    #: True if training and evaluation compute the same function.
    same_in_training: bool = True
    #: True if a row of a batch depends on the other rows in training.
    batch_statistics: bool = False
    #: True if the gradient w.r.t. x is tested; False if the layer has kinks nearly everywhere.
    differentiable: bool = True
    #: True if the layer can be exported to ONNX.
    in_onnx: bool = True
    #: True if the layer can be exported to C.
    in_c: bool = True
    #: The value that marks skipped time steps of some samples.
    padding: float | None = None
    #: The mean of the samples.
    shift: float = 0.0
    #: Columns of integers, and their upper limit. A layer with such columns reads the network's input.
    codes: dict[int, int] = field(default_factory=dict)

    def model(self, dtype: Any = np.float64, rng: int = 0, precision: Any = None) -> nn.Sequential:
        """A network of this layer only, with parameters from integer arithmetic."""
        features = self.features
        model = nn.Sequential(self.layer, dtype=dtype, rng=rng, in_features=features, precision=precision)
        model.flat_parameters[:] = spread(model.flat_parameters.size, np.float64, 0.9).astype(dtype)
        for value in model.buffers().values():
            value[...] = np.abs(spread(value.size, np.float64, 2)).reshape(value.shape) + 0.1
        return model

    def x(self, samples: int, dtype: Any = np.float64) -> Array:
        """Samples away from kinks at zero."""
        shape = (samples, self.features) if self.steps is None else (samples, self.steps, self.features)
        x = spread(int(np.prod(shape)), np.float64, 1.7).reshape(shape)
        x = x + 0.02 * np.sign(x)
        if self.padding is not None:
            x[::3, 2:] = x[1::3, :1] = x[2::6, 1] = self.padding
        x += 0.02 * np.sign(x)
        x += self.shift
        for column, count in self.codes.items():
            x[..., column] = np.abs(x[..., column] * 1000 // 1) % count
        return x.astype(dtype)


def activate(name: str, x: Array, *parameters: float) -> Array:
    """The value f(x), with the registry's parameters unless others are given."""
    return oracles.ACTIVATIONS[name].value(Double, x, *(parameters or parameters_of(name)))


def dense(x: Array, weight: Array, bias: Array | float, activation: str = "identity") -> Array:
    """The output f(x W + b)."""
    return activate(activation, x @ weight + bias)


def activation_row(name: str, layer: nn.Layer, parameters: tuple[float, ...]) -> Row:
    return Row(
        layer,
        lambda x, _: activate(name, x, *parameters),
        differentiable=name != "binary_step",
    )


def affine(x: Array, p: dict[str, Array], prefix: str = "") -> Array:
    return x * p.get(prefix + "weight", 1) + p.get(prefix + "bias", 0)


def batch_norm(x: Array, p: dict[str, Array], prefix: str = "", eps: float = 1e-5) -> Array:
    """Batch normalization with the running statistics."""
    mean, variance = p[prefix + "running_mean"], p[prefix + "running_var"]
    return affine((x - mean) / np.sqrt(variance + eps), p, prefix)


def layer_norm(x: Array, p: dict[str, Array], eps: float = 1e-5) -> Array:
    centered = x - x.mean(axis=-1, keepdims=True)
    return affine(centered / np.sqrt(np.square(centered).mean(axis=-1, keepdims=True) + eps), p)


def normalized_residual(x: Array, p: dict[str, Array]) -> Array:
    inner = activate("relu", batch_norm(dense(x, p["0.weight"], p["0.bias"]), p, "1."))
    return batch_norm(dense(inner, p["3.weight"], p["3.bias"]), p, "4.") + x


def leak(x: Array, slope: Array | float) -> Array:
    return np.where(x > 0, x, x * slope)


def gated(x: Array, p: dict[str, Array]) -> Array:
    return x / (1 + np.exp(-p["beta"] * x))


def crelu(x: Array, p: dict[str, Array]) -> Array:
    return np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)], axis=-1)


def softmax(x: Array, p: dict[str, Array]) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def maxout(x: Array, p: dict[str, Array], pieces: int) -> Array:
    y = dense(x, p["weight"], p.get("bias", 0.0))
    return y.reshape(*y.shape[:-1], -1, pieces).max(axis=-1)


def codes(t: Array, bins: int) -> Array:
    """The codes of positions, those of a position next to each other (Gorishniy et al. 2022)."""
    each = np.clip(t[..., np.newaxis] - np.arange(bins), 0, 1)
    return each.reshape(*t.shape[:-1], -1)


def piecewise(x: Array, p: dict[str, Array], encoded: int, bins: int, activation: str = "identity") -> Array:
    inputs = np.concatenate([codes(x[..., :encoded], bins), x[..., encoded:]], axis=-1)
    return dense(inputs, p["weight"], p.get("bias", 0.0), activation)


def embedding(x: Array, p: dict[str, Array]) -> Array:
    vectors = p["weight"][x.astype(int)]
    return vectors.reshape(*x.shape[:-1], -1)


def column_embedding(x: Array, p: dict[str, Array]) -> Array:
    tables = {int(name.removesuffix(".weight")): table for name, table in p.items()}
    parts = [np.delete(x, list(tables), axis=-1)]
    return np.concatenate(
        parts + [table[x[..., column].astype(int)] for column, table in tables.items()], axis=-1
    )


def concatenated(x: Array, p: dict[str, Array]) -> Array:
    hidden = dense(x, p["1.0.weight"], p["1.0.bias"], "tanh")
    deep = dense(hidden, p["1.1.weight"], p["1.1.bias"])
    return np.concatenate([x, deep, leak(x, p["2.0.weight"])], axis=-1)


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
    """A recurrent layer with a shortcut around it."""
    own = {key.removeprefix("1."): value for key, value in p.items() if key.startswith("1.")}
    return x + recurrent(name, dense(x, p["0.weight"], p["0.bias"], "tanh"), own, sequences=True)


def recurrent_rows() -> dict[str, Row]:
    """The rows of each recurrent cell, and of each option of a recurrent layer."""

    def row(name: str, levels: int = 1, sequences: bool = False, **settings: Any) -> Row:
        layer = getattr(nn, name)(6, 5, levels, sequences, **settings)
        mask = settings.get("mask_value")
        return Row(
            layer,
            lambda x, p: recurrent(name, x, p, levels, sequences, mask),
            steps=4,
            differentiable=mask is None,  # a time step that is changed is no longer skipped
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


NORM: dict[str, Any] = {"same_in_training": False, "batch_statistics": True}

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
    "batchnorm": Row(nn.BatchNorm1d(6), batch_norm, **NORM),
    "batchnorm inferred": Row(
        nn.BatchNorm1d(eps=0.3, momentum=None, affine=False), partial(batch_norm, eps=0.3), **NORM
    ),
    "batchnorm wide": Row(nn.BatchNorm1d(), batch_norm, features=77, **NORM),
    "batchnorm residual": Row(
        nn.Residual(nn.Dense(6, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Dense(9, 6), nn.BatchNorm1d(6)),
        normalized_residual,
        **NORM,
    ),
    "layernorm": Row(nn.LayerNorm(6), layer_norm),
    "layernorm plain": Row(nn.LayerNorm(eps=0.1, affine=False), partial(layer_norm, eps=0.1), features=35),
    "dropout": Row(nn.Dropout(0.4), lambda x, _: x, same_in_training=False),
    "alpha dropout": Row(nn.AlphaDropout(0.3), lambda x, _: x, same_in_training=False),
    "rrelu": Row(nn.RReLU(), lambda x, _: leak(x, 11 / 48), same_in_training=False),
    "rrelu normal": Row(
        nn.RReLU(0.1, 0.5, "normal"), lambda x, _: leak(x, 0.3), features=70, same_in_training=False
    ),
    "rrelu behind dense": Row(
        nn.Residual(nn.Dense(6, 6), nn.RReLU(0.25, 0.75)),
        lambda x, p: leak(dense(x, p["0.weight"], p["0.bias"]), 0.5) + x,
        same_in_training=False,
    ),
    "prelu": Row(nn.PReLU(), lambda x, p: leak(x, p["weight"])),
    "prelu of each": Row(nn.PReLU(37), lambda x, p: leak(x, p["weight"]), features=37),
    "swish learned": Row(nn.Swish(trainable=True), gated),
    "swish of each": Row(nn.Swish(2.0, True, 6), gated),
    "binary step straight": Row(
        nn.BinaryStep(True), lambda x, _: np.where(x >= 0, 1.0, 0.0), differentiable=False
    ),
    "binary step clipped": Row(
        nn.BinaryStep("clipped"), lambda x, _: np.where(x >= 0, 1.0, 0.0), differentiable=False
    ),
    "crelu": Row(nn.CReLU(), crelu, features=19),
    "softmax": Row(nn.Softmax(), softmax),
    "softmax wide": Row(nn.Softmax(), softmax, features=50),
    "maxout": Row(nn.Maxout(6, 5), partial(maxout, pieces=2)),
    "maxout of 5": Row(nn.Maxout(6, 7, 5, bias=False), partial(maxout, pieces=5)),
    "piecewise linear": Row(
        nn.PiecewiseLinear(6, 5, bins=4),
        partial(piecewise, encoded=6, bins=4),
        shift=2.03,
    ),
    "piecewise linear among others": Row(
        nn.PiecewiseLinear(6, 37, encoded=2, bins=3, activation="tanh", bias=False),
        partial(piecewise, encoded=2, bins=3, activation="tanh"),
        shift=1.02,
    ),
    "piecewise linear of one bin": Row(
        nn.PiecewiseLinear(3, 4, encoded=2, bins=1), partial(piecewise, encoded=2, bins=1), features=3
    ),
    "piecewise linear wide": Row(
        nn.PiecewiseLinear(6, 150, encoded=5, bins=2), partial(piecewise, encoded=5, bins=2), shift=1.02
    ),
    "embedding": Row(nn.Embedding(9, 3), embedding, 2, differentiable=False, codes={0: 9, 1: 9}),
    "embedding columns": Row(
        nn.Embedding(in_features=6, columns={4: (5, 3), 0: (11, 2)}),
        column_embedding,
        differentiable=False,
        codes={0: 11, 4: 5},
    ),
    "embedding beside dense": Row(
        nn.Concatenate(nn.Embedding(in_features=3, columns={1: (5, 3)}), nn.Dense(3, 2)),
        lambda x, p: np.concatenate(
            [x[..., ::2], p["0.0.1.weight"][x[..., 1].astype(int)], dense(x, p["1.0.weight"], p["1.0.bias"])],
            axis=-1,
        ),
        features=3,
        differentiable=False,
        codes={1: 5},
    ),
    "concatenate": Row(
        nn.Concatenate((), (nn.Dense(6, 9, "tanh"), nn.Dense(9, 4)), nn.PReLU()), concatenated
    ),
    "residual": Row(nn.Residual(nn.Dense(6, 9, "tanh"), nn.Dense(9, 6)), residual),
    "residual projected": Row(nn.Residual(nn.Dense(6, 5, "tanh"), shortcut=nn.Dense(6, 5)), projected),
    "residual nested": Row(
        nn.Residual(nn.Residual(nn.Dense(6, 9, "tanh"), nn.Dense(9, 6)), nn.Tanh()), nested
    ),
    **recurrent_rows(),
}


def class_names(layer: nn.Layer) -> set[str]:
    """The classes of a layer and of its inner layers."""
    inner = [one for _, chain in layer._children() for one in chain]
    return {type(layer).__name__}.union(*map(class_names, inner))
