"""State of an optimizer to and from dictionaries in PyTorch's structure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._utils.arrays import refuse_masked
from .._utils.check import check_float, check_int
from ._settings import OPTIONS, RULES, from_native, join_pairs, split_pairs, to_native

if TYPE_CHECKING:
    from ._optimizer import Optimizer

#: Number of steps up to which float32, in which PyTorch counts, is exact.
MOST_STEPS = 2**24
#: Number of steps up to which a state is taken over.
LIMIT = 2**62


def state_of(optimizer: Optimizer) -> dict[str, Any]:
    """See `Optimizer.state_dict`."""
    source = bound(optimizer, "state_dict")
    row, steps = RULES[optimizer._config.rule], source.steps
    numbers = (
        {"step": np.array(steps, np.float32 if steps < MOST_STEPS else np.float64)} if row["counts"] else {}
    )
    scalars = zip(row["scalar_state"], source.scalar_state, strict=True)
    numbers |= {name: np.array(value) for name, value in scalars}
    state = {
        i: {name: value.copy() for name, value in {**numbers, **views}.items()}
        for i, views in enumerate(views_of(optimizer))
        if steps > 0 and (numbers or views)
    }
    group = settings_of(optimizer) | {"params": list(range(len(optimizer._shapes))), "steps": steps}
    return {"state": state, "param_groups": [group]}


def bound(optimizer: Optimizer, caller: str) -> Any:
    """The native holder of the state."""
    if optimizer._native is None:
        raise ValueError(f"{caller}: no params yet; give params=[...], or bind the optimizer by a Trainer")
    return optimizer._native


def views_of(optimizer: Optimizer) -> list[dict[str, NDArray[Any]]]:
    """For each parameter, its state buffers by name."""
    sizes = [int(np.prod(shape)) for shape in optimizer._shapes]
    begins = [0, *itertools.accumulate(sizes)]
    slots = dict(zip(RULES[optimizer._config.rule]["slots"], optimizer._native.slots(), strict=True))
    return [
        {name: flat[begin : begin + size].reshape(shape) for name, flat in slots.items()}
        for begin, size, shape in zip(begins, sizes, optimizer._shapes, strict=False)
    ]


def settings_of(optimizer: Optimizer) -> dict[str, Any]:
    """All settings by PyTorch's names, in the form that users write."""
    config = optimizer._config
    names = (*RULES[config.rule]["hypers"], *OPTIONS)
    found = join_pairs({name: from_native(name, config[name]) for name in names})
    structure = {name: getattr(optimizer, name) for name in optimizer._structure}
    return found | structure | {"lr": optimizer.current_lr}


def load_state(optimizer: Optimizer, state: Mapping[str, Any]) -> None:
    """See `Optimizer.load_state_dict`: everything is checked before anything is written."""
    target = bound(optimizer, "load_state_dict")
    try:
        entries, groups = state["state"], list(state["param_groups"])
    except (KeyError, TypeError):
        raise KeyError("state: expected the keys 'state' and 'param_groups'") from None
    check_mapping("state", entries)
    if len(groups) != 1:
        raise ValueError(f"param_groups: expected one group, got {len(groups)}")
    check_mapping("param_groups[0]", groups[0])
    keys = list(groups[0]["params"])
    if len(keys) != len(optimizer._shapes):
        raise ValueError(f"params: expected {len(optimizer._shapes)} of them, got {len(keys)}")
    settings = checked_settings(optimizer, groups[0])
    found_entries = [check_mapping(f"state[{key!r}]", entries.get(key, {})) for key in keys]
    given = [{name: value for name, value in entry.items() if value is not None} for entry in found_entries]
    arrays = [checked_arrays(optimizer, i, entry) for i, entry in enumerate(given)] if any(given) else []
    steps = checked_steps(optimizer, given, groups[0])
    scalar_state = checked_scalars(optimizer, given)

    for name, value in settings.items():
        optimizer._config[name] = value
    optimizer._reset()
    for views, found in zip(views_of(optimizer), arrays, strict=False):
        for name, view in views.items():
            view[...] = found[name]
    target.steps = steps
    if scalar_state:
        target.scalar_state = scalar_state


def checked_settings(optimizer: Optimizer, group: Mapping[str, Any]) -> dict[str, float]:
    """Settings of a param group in native form; unknown ones are ignored."""
    given = split_pairs(dict(group))
    for name in optimizer._structure:
        if name in given and bool(given[name]) != bool(getattr(optimizer, name)):
            raise ValueError(
                f"{name}: the state has {given[name]}, this optimizer {getattr(optimizer, name)}"
            )
    if optimizer._schedule is not None:
        given.pop("lr", None)
    known = (*RULES[optimizer._config.rule]["hypers"], *OPTIONS)
    settings = {name: to_native(name, given[name]) for name in known if name in given}
    _core.OptimizerConfig(optimizer._config.rule, settings)  # refuses values out of range
    return settings


def checked_arrays(optimizer: Optimizer, i: int, entry: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The state buffers of one parameter."""
    slots, found = RULES[optimizer._config.rule]["slots"], {}
    for name in slots:
        if name not in entry:
            raise KeyError(f"state[{i}]: expected {', '.join(slots)}, got {', '.join(entry)}")
        refuse_masked(f"state[{i}][{name!r}]", entry[name])
        found[name] = np.asarray(entry[name])
        if found[name].dtype.kind not in "fiu":
            raise TypeError(f"state[{i}][{name!r}]: expected real numbers, got dtype {found[name].dtype}")
        if found[name].shape != tuple(optimizer._shapes[i]):
            raise ValueError(
                f"state[{i}][{name!r}]: expected shape {optimizer._shapes[i]}, got {found[name].shape}"
            )
    return found


def checked_steps(optimizer: Optimizer, given: list[dict[str, Any]], group: Mapping[str, Any]) -> int:
    """The one number of steps that all parameters have seen."""
    if RULES[optimizer._config.rule]["counts"]:
        counts = {checked_count("step", entry.get("step", 0)) for entry in given}
    else:  # PyTorch counts none here; a velocity shows that there was a step
        counts = {checked_count("steps", group.get("steps", 0)) or int(any(given))}
    if len(counts) != 1:
        raise ValueError(f"step: expected one number for all parameters, got {sorted(counts)}")
    return counts.pop()


def checked_count(name: str, value: Any) -> int:
    """A number of steps, which PyTorch holds as a float or a tensor."""
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return check_int(name, array, 0, LIMIT)
    number = check_float(name, array)
    if not number.is_integer():
        raise ValueError(f"{name}: expected an integer from 0 to {LIMIT}, got {number}")
    return check_int(name, int(number), 0, LIMIT)


def check_mapping(name: str, value: Any) -> Mapping[Any, Any]:
    """`value` if it is a dictionary."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name}: expected a dictionary, got {type(value).__name__}")
    return value


def checked_scalars(optimizer: Optimizer, given: list[dict[str, Any]]) -> list[float]:
    """The scalars of the state, equal for all parameters; empty before the first step."""
    found: list[float] = []
    for name in RULES[optimizer._config.rule]["scalar_state"]:
        values = {check_float(name, np.asarray(entry[name])) for entry in given if name in entry}
        if len(values) > 1:
            raise ValueError(f"{name}: expected one number for all parameters, got {sorted(values)}")
        found += values
    return found
