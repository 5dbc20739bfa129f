"""Activations as layers: one class for each row of the registry."""

from __future__ import annotations

import inspect
from typing import Any

from .._utils.check import check_name, check_positive_single, check_single
from .._utils.domains import POSITIVE, WORDS, domain_of
from ._elementwise import GELU, REGISTRY, Activation, BinaryStep, Swish

#: Names of classes that are not the function's name in CamelCase.
_SPELLINGS = {
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "relu6": "ReLU6",
    "elu": "ELU",
    "selu": "SELU",
    "celu": "CELU",
    "silu": "SiLU",
}


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
    """The class of a registry row, with the parameters of that row."""
    domain = domain_of(row["name"])
    check = check_positive_single if row["name"] in POSITIVE else check_single
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
            setattr(self, key, check(key, value))
        if domain is not None:
            domain(*bound.arguments.values())

    summary = row["summary"][0].upper() + row["summary"][1:].removesuffix(".")
    lines = "".join(f"    {key} : float, default {value}\n" for key, value in row["parameters"].items())
    raises = "    Raises\n    ------\n    TypeError, ValueError\n"
    raises += "        If a parameter is not a finite number that float32 can hold"
    raises += f", or not {WORDS[row['name']]}.\n" if domain is not None else ".\n"
    parameters = f"    Parameters\n    ----------\n{lines}\n{raises}\n" if lines else ""
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


#: The classes that are written by hand.
_BY_HAND: dict[str, type[Activation]] = {
    "gelu": GELU,
    "gelu_tanh": GELU,
    "swish": Swish,
    "binary_step": BinaryStep,
}

CLASSES: dict[str, type[Activation]] = {
    name: _BY_HAND.get(name) or _make(row) for name, row in REGISTRY.items()
}
globals().update({made.__name__: made for made in CLASSES.values()})
__all__ = sorted({made.__name__ for made in CLASSES.values()})


#: The names that `activation_of` takes.
ACTIVATIONS = tuple(REGISTRY)


def activation_of(value: str | Activation | None) -> Activation:
    """The activation of a name.

    Parameters
    ----------
    value : str, Activation or None
        A name of `ACTIVATIONS`, with its default parameters; None is the identity. An activation is returned
        unchanged.

    Returns
    -------
    Activation

    Raises
    ------
    TypeError, ValueError
        If the name is not known, or the activation has parameters to train: it must be a separate layer.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.activation_of("relu"), nn.activation_of(None)
    (ReLU(), Identity())
    """
    if isinstance(value, Activation):
        if not value.fixed:
            raise ValueError(f"activation: {value!r} is a layer of its own: place it behind this one")
        return value
    name = "identity" if value is None else check_name("activation", value, REGISTRY)
    return GELU("tanh") if name == "gelu_tanh" else CLASSES[name]()
