"""The registry of losses: their settings, evaluation, descriptions in files, and names for a `Trainer`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Hashable
from typing import Any, Literal, TypeVar

import numpy as np

from .. import _core
from .._utils.arrays import as_cpu_array
from .._utils.check import check_flag, check_float, check_int, check_name
from .._utils.hints import among
from .._utils.jsonable import jsonable, only_keys, reject
from ..schedules import Schedule
from ..schedules._describe import schedule_from_dict, schedule_to_dict

Reduction = Literal["none", "mean", "sum"]
Function = TypeVar("Function", bound=Callable[..., Any])

#: The C++ class of a loss with its settings.
Loss = _core.Loss
#: The kind of target that each loss of the registry takes.
TARGETS = {row["name"]: row["target"] for row in _core.losses()}
#: The parameters of each loss of the registry, in their order.
_PARAMETERS = {row["name"]: tuple(row["parameters"]) for row in _core.losses()}

#: The parameters that are True or False.
FLAGS = ("log_input", "full", "log_target")

#: The softest temperature of a distillation.
MOST_TEMPERATURE = 1e6
#: The least number above 0 of a setting, as for `huber_loss`.
LEAST = 1e-300

#: Arguments of losses that are no settings, and what a `Trainer` does about them.
BY_TRAINER = {
    "target": "a Trainer takes it from y",
    "teacher_logits": "a Trainer takes them from y",
    "sample_weight": "give it to fit or step",
    "reduction": "a Trainer takes the mean",
    "return_grad": "a Trainer computes the gradient",
}

#: The loss functions by the names that `Trainer` takes.
NAMED: dict[str, Callable[..., Any]] = {}
#: Names on which a network cannot be trained, which errors about unknown names therefore do not list.
UNTRAINABLE = ("zero_one",)
#: The function that builds a `Loss` from settings, by loss function.
_BUILDERS: dict[Callable[..., Any], Callable[..., _core.Loss]] = {}
#: The functions that make settings other than JSON values (schedules), by the key of their description.
_SETTINGS: dict[str, Callable[..., Any]] = {}


def trainable(name: str, build: Callable[..., _core.Loss]) -> Callable[[Function], Function]:
    """Decorator that registers a loss function for `Trainer`; `build` makes the loss from its settings."""

    def register(function: Function) -> Function:
        NAMED[name] = function
        _BUILDERS[function] = build
        return function

    return register


def describable(key: str) -> Callable[[Function], Function]:
    """Decorator for functions whose results can be saved: ``result._to_dict()`` is ``{key: arguments}``."""

    def register(function: Function) -> Function:
        _SETTINGS[key] = function
        return function

    return register


def make(
    name: str,
    values: tuple[Any, ...] = (),
    weight: Any = None,
    scale: Any = None,
    factor: float = 1.0,
    ignore_index: int = -100,
) -> _core.Loss:
    """Builds the loss called `name` with the given values of its parameters, in the order of the registry.

    `scale` [classes] and the number `factor` multiply the loss; `weight` [classes] counts in the divisor of
    the mean. `scale` None is `weight`.
    """
    settings = {
        key: float(check_flag(key, value)) if key in FLAGS else check_float(key, value)
        for key, value in zip(_PARAMETERS[name], values, strict=True)
    }
    _check_settings(name, settings)
    ignore_index = check_int("ignore_index", ignore_index, -(2**63), 2**63 - 1)
    return _core.Loss(name, settings, weight, weight if scale is None else scale, factor, ignore_index)


def check_weights(name: str, values: Any) -> Any:
    """`values` as an array of one finite number >= 0 for each class."""
    found = as_cpu_array(name, values)
    if found.dtype.kind not in "biuf":
        raise TypeError(f"{name}: expected real numbers, got dtype {found.dtype}")
    if found.ndim != 1 or found.size == 0:
        raise ValueError(f"{name}: expected one number for each class, got shape {found.shape}")
    wrong = np.flatnonzero(~((found >= 0) & np.isfinite(found)))
    if wrong.size:
        raise ValueError(f"{name}[{wrong[0]}]: expected a finite number >= 0, got {found[wrong[0]]}")
    return found


def _check_settings(name: str, settings: dict[str, float]) -> None:
    """Raises for numbers whose square or reciprocal is beyond double."""
    if name == "distillation" and settings["temperature"] > MOST_TEMPERATURE:
        found = settings["temperature"]
        raise ValueError(f"temperature: expected a number of at most {MOST_TEMPERATURE:g}, got {found:g}")
    if name == "smooth_l1" and 0 < settings["beta"] < LEAST:
        raise ValueError(f"beta: expected 0 or a number of at least {LEAST:g}, got {settings['beta']:g}")


@functools.lru_cache(maxsize=256, typed=True)  # True is no 1.0
def _cached_make(name: str, *values: Any) -> _core.Loss:
    """The loss that `make` builds: the same object for the same values of the same types."""
    return make(name, values)


def simple(name: str, *values: Any) -> _core.Loss:
    """Builds a loss without class weights, cached by its values."""
    try:
        return _cached_make(name, *values)
    except TypeError:  # a value that cannot be hashed: `make` names it in its error
        return make(name, values)


def evaluate(
    loss: _core.Loss,
    input: Any,
    target: Any,
    reduction: str,
    return_grad: bool,
) -> Any:
    """The reduced loss, or with `return_grad` the pair (loss, gradient w.r.t. `input`)."""
    return_grad = return_grad if isinstance(return_grad, bool) else check_flag("return_grad", return_grad)
    value, gradient = loss.evaluate(input, target, None, "input", reduction, return_grad)
    return (value, gradient) if return_grad else value


def evaluate_classes(
    loss: _core.Loss,
    input: Any,
    target: Any,
    reduction: str,
    return_grad: bool,
    name: str,
    sample_weight: Any = None,
) -> Any:
    """Like `evaluate`, with classes on axis 1 as in PyTorch, [n, classes, ...]; `name` is that of `input`."""
    if not isinstance(input, np.ndarray):
        input = as_cpu_array(name, input)
    moves = input.ndim > 2
    if moves:
        paired = loss.name == "distillation" and isinstance(target, tuple) and len(target) == 2
        if paired and np.ndim(target[0]) == input.ndim:
            target = (np.moveaxis(as_cpu_array("target", target[0]), 1, -1), target[1])
        elif np.ndim(target) == input.ndim:
            target = np.moveaxis(as_cpu_array("target", target), 1, -1)
        input = np.moveaxis(input, 1, -1)
    return_grad = return_grad if isinstance(return_grad, bool) else check_flag("return_grad", return_grad)
    value, gradient = loss.evaluate(input, target, sample_weight, name, reduction, return_grad)
    if gradient is None:
        return value
    return value, np.moveaxis(gradient, -1, 1) if moves else gradient


def resolve(loss: Any) -> _core.Loss:
    """The `Loss` of a name, of a loss function of `simdnn.functional`, or of a `functools.partial` of one.

    Raises
    ------
    TypeError, ValueError
        If `loss` is not a loss that a network can be trained on, or a setting has a wrong type or range.
    """
    if isinstance(loss, _core.Loss):
        return loss
    settings: dict[str, Any] = {}
    function = loss
    if isinstance(loss, str):
        name = _registered_name(loss)
        known = [one for one in NAMED if one == name or one not in UNTRAINABLE]
        function = NAMED[check_name("loss", name, known)]
    elif isinstance(loss, functools.partial):
        if loss.args:
            raise TypeError("loss: expected a functools.partial with keywords alone")
        function, settings = loss.func, loss.keywords
    if not isinstance(function, Hashable) or function not in _BUILDERS:
        raise TypeError(
            f"loss: expected a name, a loss of simdnn.functional or a functools.partial of one, got {loss!r}"
        )
    if settings:
        _check_names(function, settings)
    return _BUILDERS[function](**settings)


def _check_names(function: Callable[..., Any], settings: dict[str, Any]) -> None:
    """Raises TypeError for names that are no settings of a loss function."""
    arguments = inspect.signature(function).parameters
    optional = (name for name, one in arguments.items() if one.default is not one.empty)
    known = [name for name in optional if name not in BY_TRAINER]
    unknown = next((name for name in settings if name not in known), None)
    if unknown is None:
        return
    hint = among(unknown, known)
    if unknown in arguments:
        hint = f": {BY_TRAINER.get(unknown, 'a Trainer takes it from its model')}{among('', known)}"
        if "teacher_logits" in arguments:
            hint = hint.replace("from y", "from y, a pair (teacher's logits, classes)")
    raise TypeError(f"loss: {function.__name__}: {unknown!r} is no setting{hint}")


def _registered_name(name: str) -> str:
    """The registry's name of a loss, given that name or the function's: "huber" for "huber_loss"."""
    return name if name in NAMED else name.removesuffix("_loss")


def to_dict(loss: Any) -> dict[str, Any]:
    """Returns the description of a loss that `resolve` accepts: {"loss": name, "settings": dictionary}."""
    settings: dict[str, Any] = {}
    function = loss
    if isinstance(loss, _core.Loss):
        raise TypeError(
            "loss: the loss of an estimator cannot be saved; save the model alone, by simdnn.save or"
            " ModelCheckpoint(..., model_only=True)"
        )
    if isinstance(loss, str):
        return {"loss": _registered_name(loss), "settings": {}}
    if isinstance(loss, functools.partial):
        function, settings = loss.func, loss.keywords
    name = next((name for name, one in NAMED.items() if one is function), None)
    if name is None:
        raise TypeError(f"loss: expected a name or a loss of simdnn.functional, got {type(loss).__name__}")
    try:
        return {"loss": name, "settings": {key: jsonable(value, _convert) for key, value in settings.items()}}
    except TypeError as error:
        raise TypeError(f"loss: {error}") from None


def _convert(value: Any) -> dict[str, Any]:
    """Description of a setting that has a method `_to_dict`, or is a schedule."""
    if isinstance(value, Schedule) and not hasattr(value, "_to_dict"):
        return schedule_to_dict(value)
    found: dict[str, Any] = value._to_dict() if hasattr(value, "_to_dict") else reject(value)
    return found


def from_dict(description: Any) -> str | Callable[..., Any]:
    """The loss of a description of `to_dict`: its name, or a `functools.partial` with its settings."""
    given = only_keys(description, ("loss", "settings"), "loss")
    name = check_name("loss", given.get("loss"), NAMED)
    settings = dict(only_keys(given.get("settings"), tuple(given.get("settings") or ()), "loss"))
    for key, value in settings.items():
        if isinstance(value, dict):
            settings[key] = _setting_from_dict(key, value)
    return functools.partial(NAMED[name], **settings) if settings else name


def _setting_from_dict(name: str, description: dict[str, Any]) -> Any:
    """The setting called `name`: a schedule, or the result of a function that `describable` registered."""
    if "schedule" in description:
        return schedule_from_dict(description, name)
    for key, arguments in only_keys(description, _SETTINGS, name).items():
        function = _SETTINGS[key]
        return function(**only_keys(arguments, dict(inspect.signature(function).parameters), name))
    raise ValueError(f"{name}: expected one of {', '.join(_SETTINGS)}")
