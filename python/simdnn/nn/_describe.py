"""Conversion of layers to plain dictionaries and back, for files, configurations and copies."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from .. import init as initializers
from .._utils.hints import among
from .._utils.jsonable import jsonable, only_keys, reject
from ..schedules import Schedule
from ..schedules._describe import schedule_from_dict, schedule_to_dict
from ._layer import Layer

__all__ = ["layer_from_dict", "layer_to_dict"]

#: The layer classes of `simdnn.nn` by name; the package fills it.
LAYERS: dict[str, type[Layer]] = {}

#: The settings that are initializers.
INITIALIZERS = ("init", "recurrent_init")
#: The deepest nesting of layers that a description may have.
DEEPEST = 50
#: The largest size that a description may have; memory could not hold a larger one.
LARGEST = 2**40


def layer_to_dict(layer: Layer) -> dict[str, Any]:
    """A layer as a dictionary that JSON, YAML or TOML can hold.

    Parameters
    ----------
    layer : Layer

    Returns
    -------
    dict
        The name of the class under ``"layer"``, and all settings, defaults included. Nested layers are such
        dictionaries again, and a schedule is a dictionary of its pieces. An initializer is its name in
        `simdnn.init`; another function as an initializer becomes None, because the weights are initialized
        already.

    Raises
    ------
    TypeError
        If `layer` is not a layer, its class is not one of `simdnn.nn`, or a setting cannot be converted.

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
        return {"layer": name} | {key: _encoded(key, value) for key, value in settings.items()}
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None


def _encoded(key: str, value: Any) -> Any:
    """The value of the setting `key` in plain form."""
    return jsonable(value, functools.partial(_convert, initializes=key in INITIALIZERS))


def _convert(value: Any, initializes: bool) -> Any:
    """The description of a nested layer, of a schedule, or of the value of a setting that `initializes`."""
    if isinstance(value, Layer):
        return layer_to_dict(value)
    if isinstance(value, Schedule):
        return schedule_to_dict(value)
    if initializes and callable(value):
        name = getattr(value, "__name__", "")
        return name if getattr(initializers, name, None) is value else None
    return reject(value)


def layer_from_dict(description: dict[str, Any]) -> Layer:
    """The layer that a dictionary describes.

    Parameters
    ----------
    description : dict
        A result of `layer_to_dict`; missing settings have their defaults.

    Returns
    -------
    Layer

    Raises
    ------
    TypeError, ValueError
        If the class or a setting is not known, or a setting has a wrong type or value.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.layer_from_dict({"layer": "Dense", "in_features": 8, "out_features": 4, "activation": "relu"})
    Dense(8, 4, activation='relu')
    """
    return _layer(description, 0)


def _decoded(value: Any, depth: int) -> Any:
    """The value of a setting, with descriptions converted to layers and schedules."""
    if depth > DEEPEST:
        raise ValueError(f"layer: expected at most {DEEPEST} layers inside each other")
    if isinstance(value, (list, tuple)):
        return tuple(_decoded(one, depth + 1) for one in value)
    if isinstance(value, int) and abs(value) > LARGEST:
        raise ValueError(f"layer: {value} is beyond any size")
    if isinstance(value, dict) and "schedule" in value:
        return schedule_from_dict(value, "layer")
    return _layer(value, depth) if isinstance(value, dict) else value


def _layer(description: Any, depth: int) -> Layer:
    """The layer that one dictionary describes."""
    if not isinstance(description, dict) or not isinstance(description.get("layer"), str):
        raise TypeError(f"layer: expected a dictionary with a 'layer', got {description!r:.60}")
    name = description["layer"]
    if name not in LAYERS:
        raise ValueError(f"layer: {name!r} is not known{among(name, LAYERS)}")
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
    """The arguments of `Sequential` from its description, with the layers made."""
    given = dict(only_keys(description, ("layers", "dtype", "in_features", "precision"), "model"))
    if not isinstance(given.get("layers"), (list, tuple)):
        raise TypeError("model: expected a list of 'layers'")
    given["layers"] = tuple(layer_from_dict(one) for one in given["layers"])
    return given
