"""An optimizer as a plain dictionary, and back; its state as arrays and numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from .._utils.check import check_float, check_int, check_name
from .._utils.jsonable import jsonable, only_keys
from ..schedules import ReduceOnPlateau, Schedule, reduce_on_plateau
from ..schedules._describe import schedule_from_dict, schedule_to_dict
from ._groups import described_groups, is_grouped
from ._optimizer import Optimizer, _copied
from ._registry import BY_NAME
from ._settings import OPTIONS, RULES, split_pairs
from ._state import settings_of, views_of

PLATEAU = ("best", "bad_epochs", "cooling")


def optimizer_to_dict(optimizer: Optimizer) -> dict[str, Any]:
    """Its class and its settings; see `optimizer_from_dict`."""
    kind = type(optimizer)
    if BY_NAME.get(kind.__name__.lower()) is not kind:
        raise TypeError(
            f"optimizer: {kind.__name__} is not a class of simdnn.optim, so no file can bring it back"
        )
    known = arguments_of(kind)
    found = settings_of(optimizer) | optimizer._own
    settings = {key: jsonable(found[key]) for key in known if key in found and key != "lr"}
    settings["weight_decay"] = rate_to_plain(optimizer.weight_decay)
    described = {"optimizer": kind.__name__.lower(), "lr": rate_to_plain(optimizer.lr), "settings": settings}
    if groups := described_groups(optimizer):
        described["groups"] = groups
    usual = optimizer._choose_rule({name: getattr(optimizer, name) for name in optimizer._arguments})
    return described if usual == optimizer._config.rule else described | {"rule": optimizer._config.rule}


def arguments_of(kind: type[Optimizer]) -> list[str]:
    """The keywords of its constructor, without params."""
    return [*kind._arguments, *OPTIONS]


def optimizer_from_dict(description: Any, lr: Any = None) -> Optimizer:
    """The optimizer of a description; `lr` replaces a learning rate that a file cannot hold."""
    given = only_keys(description, ("optimizer", "lr", "settings", "rule", "groups"), "optimizer")
    kind = BY_NAME[check_name("optimizer", given.get("optimizer"), BY_NAME)]
    settings = dict(only_keys(given.get("settings"), tuple(arguments_of(kind)), kind.__name__))
    if isinstance(decay := settings.get("weight_decay"), dict):
        settings["weight_decay"] = schedule_from_dict(decay, "weight_decay")
    groups = given.get("groups")
    if groups is not None and not is_grouped(groups):
        raise TypeError("groups: expected a list of dictionaries")
    make: Callable[..., Optimizer] = kind
    made = make(groups, lr=rate_from_plain(given.get("lr")) if lr is None else lr, **settings)
    rule = given.get("rule")
    return made if rule is None else following(made, check_name("rule", rule, kind._rules))


def following(optimizer: Optimizer, rule: str) -> Optimizer:
    """An optimizer with these settings that follows another rule of its class.

    The settings alone do not tell the rule of one that took over a state: SGD that was made with momentum
    keeps its buffers when a state sets its momentum to 0.
    """
    values = split_pairs(settings_of(optimizer) | optimizer._own)
    parts = optimizer._schedule, optimizer._decay, described_groups(optimizer)
    names = {*RULES[rule]["hypers"], *OPTIONS}
    settings = {name: values[name] for name in names}
    own = {
        name: value for name, value in values.items() if name not in names and name in optimizer._arguments
    }
    return _copied(type(optimizer), rule, settings, own, *parts)


def rate_to_plain(rate: Any) -> Any:
    """A learning rate as a number, or the parts of a schedule."""
    if isinstance(rate, Schedule):
        return schedule_to_dict(rate)
    if isinstance(rate, ReduceOnPlateau):
        return {"plateau": {"lr": rate.lr, **rate._settings}} | {key: getattr(rate, key) for key in PLATEAU}
    return {"function": getattr(rate, "__name__", repr(rate))} if callable(rate) else rate


def rate_from_plain(found: Any) -> Any:
    """The learning rate of a description."""
    if not isinstance(found, dict):
        return check_float("lr", found)
    only_keys(found, ("function", "schedule", "text", "plateau", *PLATEAU), "lr")
    if "function" in found:
        raise ValueError(
            f"lr: the learning rate was a function, {found['function']!s:.60}, which no file can hold:"
            " load with lr=... to give it again"
        )
    if "plateau" in found:
        schedule = reduce_on_plateau(**only_keys(found["plateau"], PLATEAU_SETTINGS, "lr"))
        schedule.best = check_float("best", found["best"])
        schedule.bad_epochs, schedule.cooling = (check_int(key, found[key], 0) for key in PLATEAU[1:])
        return schedule
    return schedule_from_dict(found, "lr")


PLATEAU_SETTINGS = tuple(inspect.signature(reduce_on_plateau).parameters)


def numbers_of(optimizer: Optimizer) -> dict[str, Any]:
    """The numbers of its state; with the counts of all parameters if these are not one."""
    native = optimizer._native
    found = {"steps": native.steps, "skipped": native.skipped, "scalar_state": list(native.scalar_state)}
    common = native.steps, native.scalar_state
    if any(tuple(count) != common for count in native.counts):
        found["counts"] = [[steps, list(scalars)] for steps, scalars in native.counts]
    return found


def arrays_of(optimizer: Optimizer, names: list[str]) -> dict[str, NDArray[Any]]:
    """Views of its state buffers, by ``slot.parameter``."""
    return {
        f"{slot}.{name}": view
        for name, views in zip(names, views_of(optimizer), strict=True)
        for slot, view in views.items()
    }


def restore(optimizer: Optimizer, names: list[str], arrays: Mapping[str, NDArray[Any]], numbers: Any) -> None:
    """Sets the state, if all of it fits."""
    found = only_keys(numbers, ("steps", "skipped", "scalar_state", "counts"), "state")
    views = arrays_of(optimizer, names)
    if views.keys() != arrays.keys():
        raise KeyError(f"state: expected the arrays {', '.join(views)}, got {', '.join(arrays)}")
    for name, view in views.items():
        if arrays[name].shape != view.shape:
            raise ValueError(f"{name}: expected shape {view.shape}, got {arrays[name].shape}")
    skipped = check_int("skipped", found["skipped"], 0, 2**62)
    common = [[found["steps"], found["scalar_state"]]] * len(optimizer._shapes)
    counts = [checked_count(optimizer, *count) for count in found.get("counts", common)]
    if len(counts) != len(common):
        raise ValueError(f"counts: expected {len(common)} of them, got {len(counts)}")
    for name, view in views.items():
        view[...] = arrays[name]
    optimizer._native.set_counts(counts, check_int("steps", found["steps"], 0, 2**62))
    optimizer._native.skipped = skipped


def checked_count(optimizer: Optimizer, steps: Any, scalars: Any) -> tuple[int, list[float]]:
    """The number of steps of a parameter, and the scalars of its state."""
    wanted = len(RULES[optimizer._config.rule]["scalar_state"])
    if len(scalars) != wanted:
        raise ValueError(f"scalar_state: expected {wanted} numbers, got {len(scalars)}")
    return check_int("steps", steps, 0, 2**62), [check_float("scalar_state", one) for one in scalars]
