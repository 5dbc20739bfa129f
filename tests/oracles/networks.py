"""Whole networks of any layers in float64: the formulas of `layers.py`, found by the layers' settings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from simdnn import nn

from tests.oracles import layers
from tests.oracles.recurrent import STEPS, level
from tests.support.registry import ACTIVATIONS, parameters_of

Array = np.ndarray[Any, Any]
Parameters = dict[str, Array]

#: Layers that change nothing in evaluation.
SILENT = ("Dropout", "AlphaDropout")
#: Layers with steps, at which rounding may decide.
STEEP = ("BinaryStep",)
#: Layers whose training draws random numbers.
RANDOM = (*SILENT, "RReLU")
NAMES = {type(make()).__name__: name for name, make in nn._activation.CLASSES.items()}


@dataclass
class Pass:
    """A forward pass: with the statistics of batches, and with relative noise on the output of each layer."""

    training: bool = False
    noise: float = 0.0
    rng: Any = None

    def rounded(self, y: Array) -> Array:
        """The output of a layer, with the noise of an arithmetic that rounds."""
        if not self.noise:
            return y
        return y * (1 + self.noise * self.rng.uniform(-1, 1, y.shape))


def below(p: Parameters, prefix: str) -> Parameters:
    """The parameters of an inner layer by their names in it."""
    return {name.removeprefix(prefix): value for name, value in p.items() if name.startswith(prefix)}


def chain(inner: Any, x: Array, p: Parameters, how: Pass) -> Array:
    """The output of layers in sequence."""
    for i, layer in enumerate(inner):
        x = how.rounded(output(layer, x, below(p, f"{i}."), how))
    return x


def network(model: nn.Sequential, x: Array, how: Pass | None = None) -> Array:
    """The output of a model, with its parameters and x in float64."""
    p = {name: value.astype(np.float64) for name, value in model.state_dict().items()}
    how = how or Pass()
    return chain(model.layers, how.rounded(x.astype(np.float64)), p, how)


def batch_norm(x: Array, p: Parameters, settings: dict[str, Any], how: Pass) -> Array:
    """Batch normalization: training takes the statistics of all rows, and of all time steps of a sequence."""
    if not how.training:
        return layers.batch_norm(x, p, eps=settings["eps"])
    axes = tuple(range(x.ndim - 1))
    return layers.affine((x - x.mean(axis=axes)) / np.sqrt(x.var(axis=axes) + settings["eps"]), p)


def recurrent(layer: nn.Layer, x: Array, p: Parameters, how: Pass) -> Array:
    """The output of a recurrent layer that begins with its initial states."""
    settings = layer.settings()
    mask = settings["mask_value"]
    skipped = None if mask is None else (x == mask).all(axis=-1)
    for number in range(settings["num_layers"]):
        x, _ = level(STEPS[type(layer).__name__], x, p, number, skipped)
        x = how.rounded(x)
    return x if settings["return_sequences"] else x[:, -1]


def embedding(x: Array, p: Parameters, settings: dict[str, Any]) -> Array:
    return layers.embedding(x, p) if settings["columns"] is None else layers.column_embedding(x, p)


def activation(layer: nn.Layer, x: Array, p: Parameters, settings: dict[str, Any]) -> Array:
    """An activation with its settings, or with a trained parameter."""
    name = NAMES[type(layer).__name__]
    if name.startswith("gelu"):
        name = "gelu_tanh" if settings["approximate"] == "tanh" else "gelu"
    if "beta" in p:
        return layers.gated(x, p)
    given = [settings.get(key, value) for key, value in ACTIVATIONS[name]["parameters"].items()]
    return layers.activate(name, x, *given)


def named(name: str | None, x: Array) -> Array:
    """The activation of a dense layer."""
    return x if name is None else layers.activate(name, x, *parameters_of(name))


FORMULAS: dict[str, Callable[[Array, Parameters, dict[str, Any], Pass], Array]] = {
    "Dense": lambda x, p, s, _: named(s["activation"], layers.dense(x, p["weight"], p.get("bias", 0.0))),
    "LargeMarginSoftmax": lambda x, p, s, _: x @ p["weight"],
    "PiecewiseLinear": lambda x, p, s, _: named(
        s["activation"], layers.piecewise(x, p, s["encoded"] or x.shape[-1], s["bins"])
    ),
    "BatchNorm1d": batch_norm,
    "LayerNorm": lambda x, p, s, _: layers.layer_norm(x, p, s["eps"]),
    "RReLU": lambda x, p, s, _: layers.leak(x, (s["lower"] + s["upper"]) / 2),
    "PReLU": lambda x, p, s, _: layers.leak(x, p["weight"]),
    "CReLU": lambda x, p, s, _: layers.crelu(x, p),
    "Softmax": lambda x, p, s, _: layers.softmax(x, p),
    "Maxout": lambda x, p, s, _: layers.maxout(x, p, s["pieces"]),
    "Embedding": lambda x, p, s, _: embedding(x, p, s),
}


def output(layer: nn.Layer, x: Array, p: Parameters, how: Pass) -> Array:
    """The output of a layer for x [..., features], from its parameters and buffers by name."""
    kind, settings = type(layer).__name__, layer.settings()
    if kind in SILENT:
        return x
    if kind in STEPS:
        return recurrent(layer, x, p, how)
    if kind == "Concatenate":
        parts = [chain(inner, x, below(p, prefix), how) for prefix, inner in layer._children()]
        return np.concatenate(parts, axis=-1)
    if kind == "Residual":
        branches = dict(layer._children())
        shown = chain(branches[""], x, p, how)
        if settings["shortcut"] is None:
            return shown + x
        return shown + output(settings["shortcut"], x, below(p, "shortcut."), how)
    if kind in FORMULAS:
        return FORMULAS[kind](x, p, settings, how)
    return activation(layer, x, p, settings)


def kinds(layer: nn.Layer) -> set[str]:
    """The classes of a layer, of its inner layers and of the activations that their settings name."""
    inner = [one for _, chain in layer._children() for one in chain]
    named = {kind for kind, name in NAMES.items() if name == getattr(layer, "activation", None)}
    return {type(layer).__name__, *named}.union(*map(kinds, inner))
