"""The settings of the playground: names, words for the page, ranges, and checks of values from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from .. import init, optim
from .._utils.check import check_finite, check_int, check_name
from ..nn import ACTIVATIONS
from ._data import NAMES as DATA
from ._data import SHAPES

#: Initializers of weights that a page may choose; "suited" is the one that suits the activation.
INITIALIZERS = ("suited", *(name for name in init.NAMES if name not in ("constant", "identity")))
#: Largest number of hidden layers, and of units in one.
MOST_LAYERS, MOST_UNITS = 60, 256
#: Optimizers that have a momentum of their own to set.
WITH_MOMENTUM = ("sgd", "rmsprop")
#: Paces of a training, in steps a second; "full" is as fast as the engine can.
PACES = ("100", "1000", "10000", "full")


def _row(kind: str, default: Any, group: str, label: str, hint: str = "", **others: Any) -> Any:
    """A field of `Settings` with its description for the page.

    ``needs`` is the name of another setting, and its values for which this one has an effect.
    """
    return field(
        default=default, metadata={"kind": kind, "group": group, "label": label, "hint": hint, **others}
    )


def _choice(default: str, group: str, label: str, choices: tuple[str, ...], hint: str = "") -> Any:
    return _row("choice", default, group, label, hint, choices=choices)


def _number(
    default: float, group: str, label: str, low: float, high: float, hint: str = "", **others: Any
) -> Any:
    return _row("number", default, group, label, hint, low=low, high=high, **others)


def _integer(default: int, group: str, label: str, low: int, high: int, hint: str = "") -> Any:
    return _row("integer", default, group, label, hint, low=low, high=high)


def _flag(group: str, label: str, hint: str = "") -> Any:
    return _row("flag", False, group, label, hint)


@dataclass(frozen=True)
class Settings:
    """Settings of one training; the metadata of each field describes it to the page."""

    data: str = _choice("circles", "Data", "Data set", DATA)
    noise: float = _number(
        0.1, "Data", "Noise", 0, 1, "0 to 1; digits have none", needs=("data", tuple(SHAPES))
    )
    layers: int = _integer(2, "Network", "Hidden layers", 0, MOST_LAYERS, f"0 to {MOST_LAYERS}")
    widths: tuple[int, ...] = _row(
        "widths", (8,), "Network", "Units", "a number for all layers, or one for each: 32, 16, 8"
    )
    activation: str = _choice("tanh", "Network", "Activation", ACTIVATIONS)
    norm: Literal["none", "batch", "layer"] = _choice(
        "none", "Network", "Normalization", ("none", "batch", "layer"), "before each activation"
    )
    residual: bool = _flag("Network", "Residual", "a shortcut around layers of equal width")
    init: str = _choice("suited", "Start", "Initializer", INITIALIZERS, "of the weights")
    gain: float = _number(1.0, "Start", "Gain", 0, 1000, "factor of the weights of hidden layers")
    bias: float = _number(0.0, "Start", "Bias", -100, 100, "of hidden layers")
    seed: int = _integer(0, "Start", "Seed", 0, 2**31 - 1, "of weights, samples and batches")
    optimizer: str = _choice("adam", "Training", "Optimizer", tuple(optim.BY_NAME))
    lr: float = _number(0.01, "Training", "Learning rate", 0, 1000)
    momentum: float = _number(
        0.0, "Training", "Momentum", 0, 0.999, "of sgd and rmsprop", needs=("optimizer", WITH_MOMENTUM)
    )
    batch: int = _integer(16, "Training", "Batch size", 1, 1024)
    weighted: bool = _flag("Training", "Weigh the classes", "each counts alike, however rare")
    dropout: float = _number(0.0, "Regularization", "Dropout", 0, 0.9)
    l1: float = _number(0.0, "Regularization", "L1 penalty", 0, 10)
    l2: float = _number(0.0, "Regularization", "L2 penalty", 0, 10)
    clip: float = _number(0.0, "Regularization", "Clip gradients", 0, 1000, "at this norm; 0 does not")

    @property
    def hidden(self) -> tuple[int, ...]:
        """Width of each hidden layer."""
        return self.widths * self.layers if len(self.widths) == 1 else self.widths


def checked(given: Any) -> Settings:
    """The settings of a JSON object; those that are not given have their defaults.

    Raises
    ------
    TypeError, ValueError
        If it is no object, or a setting is not known, of a wrong type or out of its range; the message
        begins with the name of the setting.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"settings: expected an object, got {type(given).__name__}")
    rows = {one.name: one.metadata for one in fields(Settings)}
    for name in given:
        check_name("settings", name, rows)
    values = {name: _value(name, value, rows[name]) for name, value in given.items()}
    settings = Settings(**values)
    if len(settings.widths) > 1 and len(settings.widths) != settings.layers:
        raise ValueError(
            f"widths: expected one number, or one for each of {settings.layers} layers,"
            f" got {len(settings.widths)}"
        )
    return settings


def _value(name: str, value: Any, row: Mapping[str, Any]) -> Any:
    """A value of JSON as that of a setting."""
    kind = row["kind"]
    if kind == "choice":
        return check_name(name, value, row["choices"])
    if kind == "integer":
        return check_int(name, value, row["low"], row["high"])
    if kind == "number":
        return check_finite(name, value, row["low"], row["high"])
    if kind == "flag":
        if not isinstance(value, bool):
            raise TypeError(f"{name}: expected true or false, got {value!r:.40}")
        return value
    if not isinstance(value, list):
        raise TypeError(f"{name}: expected a list of integers, got {type(value).__name__}")
    if not 1 <= len(value) <= MOST_LAYERS:
        raise ValueError(f"{name}: expected 1 to {MOST_LAYERS} integers, got {len(value)}")
    return tuple(check_int(name, one, 1, MOST_UNITS) for one in value)


def described() -> list[dict[str, Any]]:
    """The settings as the page shows them, each with its name, default and metadata."""
    return [{"name": one.name, "default": one.default, **one.metadata} for one in fields(Settings)]
