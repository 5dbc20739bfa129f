"""Activations as layers: one class for each row of the registry."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, Literal

from .. import _core
from .._check import known_name, number
from ._layer import Layer, Shape

_REGISTRY = {row["name"]: row for row in _core.activations()}

#: Where a class's name is not that of the function in CamelCase.
_SPELLINGS = {
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "relu6": "ReLU6",
    "elu": "ELU",
    "selu": "SELU",
    "celu": "CELU",
    "silu": "SiLU",
}


class Activation(Layer):
    """A function of `simdnn.functional` applied to each number: the base of the activation layers.

    Behind a layer that has none of its own, it costs no pass over memory: that layer applies it.

    Examples
    --------
    >>> from simdnn import nn
    >>> isinstance(nn.ReLU(), nn.Activation), nn.ReLU().function
    (True, 'relu')
    """

    function: ClassVar[str]

    @property
    def rectifier(self) -> bool:
        """Whether a large positive x is passed on: weights before it then begin as He et al. 2015 have it."""
        return bool(_REGISTRY[self.function]["rectifier"])

    def _registered(self) -> dict[str, Any]:
        """The native registry's name and parameters."""
        values = [getattr(self, name) for name in _REGISTRY[self.function]["parameters"]]
        return {"activation": self.function, "parameters": values}

    def _native(self, given: Shape) -> dict[str, Any]:
        return {"kind": "activation", **self._registered()}


_DOCUMENTATION = """{summary}: `simdnn.functional.{function}` as a layer.

    f(x) = {formula}

{parameters}    Source: {source}.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.{name}()
    {name}()
    """


def _make(row: dict[str, Any]) -> type[Activation]:
    """The class of a row: its parameters are the row's."""
    name = _SPELLINGS.get(row["name"]) or row["name"].title().replace("_", "")
    signature = inspect.Signature(
        [
            inspect.Parameter(key, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=value)
            for key, value in row["parameters"].items()
        ]
    )

    def __init__(self: Activation, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        for key, value in bound.arguments.items():
            setattr(self, key, number(key, value))

    summary = row["summary"][0].upper() + row["summary"][1:]
    lines = "".join(f"    {key} : float, default {value}\n" for key, value in row["parameters"].items())
    parameters = f"    Parameters\n    ----------\n{lines}\n" if lines else ""
    documentation = _DOCUMENTATION.format(
        **row | {"name": name, "function": row["name"], "parameters": parameters, "summary": summary}
    )
    return type(
        name,
        (Activation,),
        {
            "__doc__": documentation,
            "__init__": __init__,
            "__signature__": signature,
            "__module__": "simdnn.nn",
            "function": row["name"],
        },
    )


class GELU(Activation):
    """Gaussian error linear unit: `simdnn.functional.gelu` as a layer.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        x Phi(x), or its approximation by tanh.

    Raises
    ------
    ValueError
        If `approximate` is another word.

    Source: Hendrycks & Gimpel 2016, arXiv:1606.08415.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.GELU(approximate="tanh")
    GELU(approximate='tanh')
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        self.approximate = known_name("approximate", approximate, ("none", "tanh"))

    @property
    def function(self) -> str:  # type: ignore[override]
        """The registry's name."""
        return "gelu" if self.approximate == "none" else "gelu_tanh"


#: Rows with a class of their own, above.
_BY_HAND = {"gelu": GELU, "gelu_tanh": GELU}

CLASSES: dict[str, type[Activation]] = {
    name: _BY_HAND.get(name) or _make(row) for name, row in _REGISTRY.items()
}
globals().update({made.__name__: made for made in CLASSES.values()})
__all__ = sorted({made.__name__ for made in CLASSES.values()})


def activation_of(value: str | Activation | None) -> Activation:
    """The activation that a name, or None for the identity, stands for."""
    if isinstance(value, Activation):
        return value
    name = "identity" if value is None else known_name("activation", value, _REGISTRY)
    return GELU("tanh") if name == "gelu_tanh" else CLASSES[name]()
