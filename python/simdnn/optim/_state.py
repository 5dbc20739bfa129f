"""State of an optimizer to and from dictionaries in PyTorch's structure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._utils.arrays import refuse_unread
from .._utils.check import check_finite, check_float, check_int
from ._groups import common_settings, native_of_state, states_of_groups
from ._settings import OPTIONS, RULES, from_native, join_pairs, split_pairs, to_native

if TYPE_CHECKING:
    from ._optimizer import Optimizer

#: Number of steps up to which float32, in which PyTorch counts, is exact.
MOST_STEPS = 2**24
#: Hyper-parameters of all rules.
ALL_HYPERS = {name for row in RULES.values() for name in row["hypers"]}
#: Number of steps up to which a state is taken over.
LIMIT = 2**62
#: Keys of a state.
KEYS = ("state", "param_groups")
#: State buffers that hold sums or means of squares, or sizes of gradients.
SQUARES = {"exp_avg_sq", "max_exp_avg_sq", "exp_inf", "sum", "square_avg", "acc_delta"}


def state_of(optimizer: Optimizer) -> dict[str, Any]:
    """See `Optimizer.state_dict`."""
    source = bound(optimizer, "state_dict")
    state = {}
    with source.locked():
        done = source.steps
        for i, ((steps, scalars), views) in enumerate(zip(source.counts, views_of(optimizer), strict=True)):
            entry = numbers_of(optimizer, steps, scalars)
            entry |= {name: view.copy() for name, view in views.items()}
            if steps > 0 and entry:
                state[i] = entry
    common = optimizer._own | settings_of(optimizer)
    if not optimizer._members:
        groups = [common | {"params": list(range(len(optimizer._shapes))), "steps": done}]
    else:
        groups = [common | own | {"steps": done} for own in states_of_groups(optimizer)]
    return {"state": state, "param_groups": groups}


def numbers_of(optimizer: Optimizer, steps: int, scalars: list[float]) -> dict[str, NDArray[Any]]:
    """The numbers in the state of one parameter."""
    row = RULES[optimizer._config.rule]
    found = {name: np.array(value) for name, value in zip(row["scalar_state"], scalars, strict=True)}
    dtype = np.float32 if steps < MOST_STEPS else np.float64
    return {"step": np.array(steps, dtype)} | found if row["counts"] else found


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
    current = {"lr": optimizer.current_lr, "weight_decay": optimizer.current_weight_decay}
    return found | structure | current


def load_state(optimizer: Optimizer, state: Mapping[str, Any], diverged: bool = False) -> None:
    """See `Optimizer.load_state_dict`: everything is checked before anything is written.

    The state of a training that `diverged` may hold numbers that are not finite.
    """
    target = bound(optimizer, "load_state_dict")
    entries, groups = checked_parts(state, max(1, len(optimizer._members)))
    keys = checked_keys(optimizer, groups, entries)
    own_groups = native_of_state(optimizer, groups)
    group = common_settings(optimizer, groups)
    settings, own = checked_settings(optimizer, group)
    found_entries = [check_mapping(f"state[{key!r}]", entries.get(key, {})) for key in keys]
    given = [{name: value for name, value in entry.items() if value is not None} for entry in found_entries]
    needless = {"momentum_buffer"} if settings.get("momentum") == 0 else set()
    arrays = [checked_arrays(optimizer, i, entry, needless) for i, entry in enumerate(given)]
    counts = checked_counts(optimizer, given, group, needless)
    steps = checked_count("steps", group.get("steps", 0))
    if not diverged:
        arrays = [checked_numbers(optimizer, i, found) for i, found in enumerate(arrays)]

    with target.locked():
        for name, value in settings.items():
            optimizer._config[name] = value
        optimizer._config.groups = own_groups
        optimizer._own |= own
        optimizer._reset()
        for views, found in zip(views_of(optimizer), arrays, strict=True):
            for name in found:
                views[name][...] = found[name]
        target.set_counts(counts, steps)


def resume_state(optimizer: Optimizer, state: Mapping[str, Any]) -> None:
    """See `Optimizer.load_state_dict`: the state fits after buffers were added or left out."""
    bound(optimizer, "load_state_dict")
    parts, (old, *_) = checked_parts(state)
    check_family(optimizer, old)
    row, entries = RULES[optimizer._config.rule], {}
    for i, views in enumerate(views_of(optimizer)):
        found = check_mapping(f"state[{i}]", parts.get(i, {}))
        if found or not row["counts"]:
            blank = numbers_of(optimizer, 0, list(row["scalar_state"].values())) | views
            entries[i] = {name: found.get(name, value) for name, value in blank.items()}
    steps = {"steps": old.get("steps", 0)}
    groups = [group | steps for group in state_of(optimizer)["param_groups"]]
    load_state(optimizer, {"state": entries, "param_groups": groups}, diverged=True)


def checked_parts(
    state: Mapping[str, Any], count: int | None = None
) -> tuple[Mapping[Any, Any], list[Mapping[Any, Any]]]:
    """The states of the parameters, and the param groups: `count` of them, or at least one."""
    if not isinstance(state, Mapping):
        raise TypeError(f"state: expected a dictionary from state_dict(), got {type(state).__name__}")
    if missing := [key for key in KEYS if key not in state]:
        raise KeyError(f"state: expected the keys 'state' and 'param_groups', got no {missing[0]!r}")
    entries, groups = state["state"], state["param_groups"]
    if not isinstance(groups, list | tuple):
        raise TypeError(f"param_groups: expected a list, got {type(groups).__name__}")
    if unknown := [key for key in state if key not in KEYS]:
        raise ValueError(f"state: {unknown[0]!r} is not known; known: {', '.join(KEYS)}")
    check_mapping("state", entries)
    if len(groups) != count if count else not groups:
        wanted = "one group" if count == 1 else f"{count or 'at least one'} groups"
        raise ValueError(f"param_groups: expected {wanted}, got {len(groups)}")
    return entries, [check_mapping(f"param_groups[{i}]", group) for i, group in enumerate(groups)]


def check_family(optimizer: Optimizer, given: Mapping[str, Any]) -> None:
    """Raises if the settings of a param group are those of another optimizer."""
    family = RULES[optimizer._rules[0]]["hypers"]
    own = {argument.name for argument in optimizer._own_arguments}
    for name in split_pairs(dict(given)):
        if name in ALL_HYPERS and name not in family and name not in own:
            raise ValueError(f"{name}: the state is of another optimizer than {type(optimizer).__name__}")


def checked_keys(
    optimizer: Optimizer, groups: Sequence[Mapping[str, Any]], entries: Mapping[Any, Any]
) -> list[Any]:
    """The keys of the parameters' states, in the order of the parameters."""
    count = len(optimizer._shapes)
    keys: list[Any] = [None] * count
    members = [members.places for members in optimizer._members] or [list(range(count))]
    for i, (group, places) in enumerate(zip(groups, members, strict=True)):
        if "params" not in group:
            raise KeyError(f"param_groups[{i}]: expected the key 'params'")
        own = list(group["params"])
        if len(own) != len(places) or len(set(own)) != len(places):
            raise ValueError(f"params: expected {len(places)} different keys, got {own!r:.80}")
        for place, key in zip(places, own, strict=True):
            keys[place] = key
    if len(set(keys)) != count:
        raise ValueError(f"params: expected {count} different keys, got {keys!r:.80}")
    if unknown := [key for key in entries if key not in keys]:
        raise ValueError(f"state: {unknown[0]!r} is in no param group, whose keys are {keys!r:.80}")
    return keys


def checked_settings(
    optimizer: Optimizer, group: Mapping[str, Any]
) -> tuple[dict[str, float], dict[str, Any]]:
    """Settings of a param group in native form, and those that the rule does not use.

    Settings of no rule, such as PyTorch's ``foreach``, are ignored; those of another optimizer are refused.
    """
    given = split_pairs(dict(group))
    rule, family = optimizer._config.rule, RULES[optimizer._rules[0]]["hypers"]
    own = {argument.name: argument for argument in optimizer._own_arguments}
    check_family(optimizer, given)
    for name in optimizer._structure:
        if name in given and own[name].checked(given[name]) != getattr(optimizer, name):
            raise ValueError(
                f"{name}: the state has {given[name]}, this optimizer {getattr(optimizer, name)}"
            )
    if optimizer._schedule is not None:
        given.pop("lr", None)
    if optimizer._decay is not None:
        given.pop("weight_decay", None)
    known = (*RULES[rule]["hypers"], *OPTIONS)
    settings = {name: to_native(name, given[name]) for name in known if name in given}
    _core.OptimizerConfig(rule, settings)  # refuses values out of range
    unused = {name: to_native(name, given[name]) for name in family if name in given and name not in known}
    _core.OptimizerConfig(optimizer._rules[0], unused)
    values = {name: from_native(name, value) for name, value in settings.items()}
    optimizer._choose_rule({name: getattr(optimizer, name) for name in optimizer._arguments} | values)
    check_momentum({name: optimizer._config[name] for name in RULES[rule]["hypers"]} | settings, unused)
    return settings, {name: from_native(name, value) for name, value in unused.items()}


def check_momentum(settings: Mapping[str, float], unused: Mapping[str, float]) -> None:
    """Raises if the rule cannot follow the momentum of a state."""
    if unused.get("momentum", 0) != 0:
        raise ValueError(
            f"momentum: the state has {unused['momentum']:g}, which an optimizer made without momentum cannot"
            " take over: make it with that momentum"
        )
    if settings.get("momentum") == 0 and settings.get("dampening", 0) != 0:
        raise ValueError(
            f"momentum: the state has 0 with a dampening of {settings['dampening']:g}, which an optimizer"
            " made with momentum cannot take over: make it without momentum"
        )


def checked_arrays(
    optimizer: Optimizer, i: int, entry: Mapping[str, Any], needless: set[str]
) -> dict[str, NDArray[Any]]:
    """The state buffers of one parameter; none for a parameter without state."""
    row = RULES[optimizer._config.rule]
    slots, found = row["slots"], {}
    known = (*slots, *row["scalar_state"], "step")
    if unknown := [name for name in entry if name not in known]:
        kept = ", ".join(slots) or "none"
        raise ValueError(f"state[{i}]: {unknown[0]!r} has no place here; kept state: {kept}")
    if not entry:
        return {}
    for name in slots:
        if name not in entry and name in needless:
            continue
        if name not in entry:
            raise KeyError(f"state[{i}]: expected {', '.join(slots)}, got {', '.join(entry)}")
        refuse_unread(f"state[{i}][{name!r}]", entry[name])
        found[name] = np.asarray(entry[name])
        if found[name].dtype.kind not in "fiu":
            raise TypeError(f"state[{i}][{name!r}]: expected real numbers, got dtype {found[name].dtype}")
        if found[name].shape != tuple(optimizer._shapes[i]):
            raise ValueError(
                f"state[{i}][{name!r}]: expected shape {optimizer._shapes[i]}, got {found[name].shape}"
            )
    return found


def checked_numbers(
    optimizer: Optimizer, i: int, found: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """The state buffers of one parameter in its dtype; raises unless they are finite, and squares >= 0."""
    dtype = next((slot.dtype for slot in optimizer._native.slots()), np.dtype(np.float64))
    cast: dict[str, NDArray[Any]] = {}
    for name, values in found.items():
        with np.errstate(over="ignore"):
            cast[name] = values.astype(dtype)
        wrong = ~np.isfinite(cast[name])
        wanted = f"finite numbers that {dtype} can hold"
        if name in SQUARES and not wrong.any():
            wrong, wanted = cast[name] < 0, "numbers >= 0"
        if wrong.any():
            raise ValueError(f"state[{i}][{name!r}]: expected {wanted}, got {values[wrong].flat[0]:g}")
    return cast


def checked_counts(
    optimizer: Optimizer, given: list[dict[str, Any]], group: Mapping[str, Any], needless: set[str]
) -> list[tuple[int, list[float]]]:
    """The steps that each parameter has seen, none if it has no state, and the scalars of its state."""
    row = RULES[optimizer._config.rule]
    if row["counts"]:
        steps = [checked_count("step", entry.get("step", 0)) for entry in given]
    else:  # PyTorch counts none here; a velocity shows that there was a step
        common = checked_count("steps", group.get("steps", 0)) or int(any(given))
        steps = [common if entry or needless.issuperset(row["slots"]) else 0 for entry in given]
    return [
        (count, checked_scalars(row["scalar_state"], i, entry))
        for i, (count, entry) in enumerate(zip(steps, given, strict=True))
    ]


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


def checked_scalars(wanted: Mapping[str, float], i: int, entry: Mapping[str, Any]) -> list[float]:
    """The scalars in the state of one parameter, in [0, 1]; those before the first step if there is none."""
    if missing := [name for name in wanted if entry and name not in entry]:
        raise KeyError(f"state[{i}]: expected {', '.join(wanted)}, got no {missing[0]}")
    return [
        check_finite(name, np.asarray(entry[name]), 0.0, 1.0) if entry else first
        for name, first in wanted.items()
    ]
