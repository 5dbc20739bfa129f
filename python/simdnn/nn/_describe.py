"""Layers as plain dictionaries, and back: for files, configurations and copies."""

from __future__ import annotations

import inspect
from typing import Any

from .. import init as initializers
from .._utils.jsonable import jsonable, only_keys
from ._layer import Layer

#: The layers of `simdnn.nn` that can stand in a network, by name: that package fills it.
LAYERS: dict[str, type[Layer]] = {}

#: Layers inside layers; no one writes more.
DEEPEST = 50
#: No size that memory could hold is larger.
LARGEST = 2**40


def layer_to_dict(layer: Layer) -> dict[str, Any]:
    """A layer as a dictionary that JSON, YAML or TOML can hold.

    Parameters
    ----------
    layer : Layer

    Returns
    -------
    dict
        ``"layer"`` is the name of the class, the others are its settings, those of their defaults too;
        layers inside are such dictionaries again. An initializer is its name in `simdnn.init`; a function of
        one's own is left out (None), as it has done its work.

    Raises
    ------
    TypeError
        If it is no layer, its class is not one of `simdnn.nn`, or a setting is not plain.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.layer_to_dict(nn.Dropout(0.2))
    {'layer': 'Dropout', 'p': 0.2}
    """
    if not isinstance(layer, Layer):
        raise TypeError(f"layer: expected a layer such as nn.Dense, got {type(layer).__name__}")
    name = type(layer).__name__
    if LAYERS.get(name) is not type(layer):
        raise TypeError(f"layer: {name} is not a class of simdnn.nn, so no description could bring it back")
    settings = {key: getattr(layer, key) for key in inspect.signature(type(layer)).parameters}
    try:
        return {"layer": name} | {key: jsonable(value, _convert) for key, value in settings.items()}
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None


def _convert(value: Any) -> Any:
    """A layer inside, or an initializer."""
    if isinstance(value, Layer):
        return layer_to_dict(value)
    if callable(value):
        name = getattr(value, "__name__", "")
        return name if getattr(initializers, name, None) is value else None
    raise TypeError(f"cannot be described: {value!r}")


def layer_from_dict(description: dict[str, Any]) -> Layer:
    """The layer that a dictionary describes.

    Parameters
    ----------
    description : dict
        As `layer_to_dict` makes it; settings that are left out have their defaults.

    Returns
    -------
    Layer

    Raises
    ------
    TypeError, ValueError
        If the class or a setting is not known, or a setting is of another kind or range.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.layer_from_dict({"layer": "Dense", "in_features": 8, "out_features": 4, "activation": "relu"})
    Dense(8, 4, activation='relu')
    """
    return _layer(description, 0)


def _decoded(value: Any, depth: int) -> Any:
    """A setting, or the layer that it describes."""
    if depth > DEEPEST:
        raise ValueError(f"layer: expected at most {DEEPEST} layers inside each other")
    if isinstance(value, (list, tuple)):
        return tuple(_decoded(one, depth + 1) for one in value)
    if isinstance(value, int) and abs(value) > LARGEST:
        raise ValueError(f"layer: {value} is beyond any size")
    return _layer(value, depth) if isinstance(value, dict) else value


def _layer(description: Any, depth: int) -> Layer:
    """The layer of one dictionary."""
    if not isinstance(description, dict) or not isinstance(description.get("layer"), str):
        raise TypeError(f"layer: expected a dictionary with a 'layer', got {description!r:.60}")
    name = description["layer"]
    if name not in LAYERS:
        raise ValueError(f"layer: {name!r} is not known; known: {', '.join(LAYERS)}")
    signature = inspect.signature(LAYERS[name])
    given = only_keys(description, {"layer", *signature.parameters}, name)
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    for key in given:
        if key == "layer":
            continue
        value = _decoded(given[key], depth + 1)
        if signature.parameters[key].kind is inspect.Parameter.VAR_POSITIONAL:
            positional += value if isinstance(value, tuple) else [value]
        else:
            keywords[key] = value
    return LAYERS[name](*positional, **keywords)


def sequential_arguments(description: Any) -> dict[str, Any]:
    """The arguments of `Sequential` in a description of one, its layers made."""
    given = dict(only_keys(description, ("layers", "dtype", "in_features"), "model"))
    if not isinstance(given.get("layers"), (list, tuple)):
        raise TypeError("model: expected a list of 'layers'")
    given["layers"] = tuple(layer_from_dict(one) for one in given["layers"])
    return given
