"""Groups of parameters with a learning rate and a weight decay of their own, as PyTorch's `param_groups`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from .._utils.check import check_finite

if TYPE_CHECKING:
    from ._optimizer import Optimizer

#: Numbers of a group, each with the factor of the optimizer's number that stands in its place.
FACTORS = {"lr": "lr_factor", "weight_decay": "weight_decay_factor"}
#: Keys of a group.
KEYS = ("params", *(key for pair in FACTORS.items() for key in pair))
#: Native settings of a group: lr, its factor, weight decay, its factor; a NaN is the optimizer's number.
Native: TypeAlias = tuple[float, float, float, float]
#: Native settings of a group that has those of the optimizer.
COMMON: Native = (math.nan, 1.0, math.nan, 1.0)


class Members(NamedTuple):
    """The parameters of a group: names in a model or arrays, and their places among all parameters."""

    params: list[Any]
    places: list[int]
    rest: bool = False  # parameters that no given group names


def is_grouped(params: Any) -> bool:
    """True if `params` is a list with a dictionary in it."""
    return (
        isinstance(params, Sequence)
        and not isinstance(params, str)
        and any(isinstance(one, Mapping) for one in params)
    )


def split_groups(params: Sequence[Any]) -> tuple[list[list[Any]], list[Native]]:
    """The parameters of each group, and its native settings."""
    members, settings = [], []
    for i, group in enumerate(params):
        where = f"params[{i}]"
        if not isinstance(group, Mapping):
            raise TypeError(f"{where}: expected a dictionary, as the others are, got {type(group).__name__}")
        if unknown := [key for key in group if key not in KEYS]:
            raise ValueError(
                f"{where}: {unknown[0]!r} cannot differ between groups; known: {', '.join(KEYS)}"
            )
        if "params" not in group:
            raise KeyError(f"{where}: expected the key 'params'")
        members.append(listed(where, group["params"]))
        settings.append(native_settings(where, group))
    return members, settings


def listed(where: str, params: Any) -> list[Any]:
    """The parameters of a group as a list: of names, or of arrays and models."""
    single = isinstance(params, str | np.ndarray) or hasattr(params, "gradients")
    if not single and (isinstance(params, Mapping) or not isinstance(params, Sequence)):
        wanted = "names, arrays or a model"
        raise TypeError(f"{where}['params']: expected {wanted}, got {type(params).__name__}")
    found = [params] if single else list(params)
    if not found:
        raise ValueError(f"{where}['params']: expected at least one parameter, got an empty list")
    return found


def native_settings(where: str, group: Mapping[str, Any]) -> Native:
    """The numbers of a group in native form."""
    native = list(COMMON)
    for at, (name, factor) in enumerate(FACTORS.items()):
        own, times = group.get(name), group.get(factor)
        if own is not None and times is not None:
            raise ValueError(f"{where}: expected {name} or {factor}, got both")
        if own is not None:
            native[2 * at] = check_finite(f"{where}[{name!r}]", own)
        if times is not None:
            native[2 * at + 1] = check_finite(f"{where}[{factor!r}]", times)
    return as_native(native)


def as_native(numbers: Sequence[float]) -> Native:
    """Native settings from their numbers."""
    lr, lr_factor, decay, decay_factor = numbers
    return lr, lr_factor, decay, decay_factor


def are_names(members: list[list[Any]]) -> bool:
    """True if the groups hold names, False if they hold arrays."""
    kinds = {isinstance(one, str) for group in members for one in group}
    if len(kinds) > 1:
        raise TypeError(
            "params: expected either names in all groups, for a Trainer, or arrays in all of them"
        )
    return kinds == {True}


def named_members(members: Sequence[Members], names: Sequence[str]) -> list[Members]:
    """The groups of a model's parameters; those that no group names are a group of their own, the last one.

    A name is that of a parameter, or of a layer, which stands for all of its parameters.
    """
    places: dict[str, int] = {}
    found: list[list[str]] = []
    for i, group in enumerate(members):
        found.append([])
        for wanted in group.params:
            chosen = [name for name in names if name == wanted or name.startswith(wanted + ".")]
            if not chosen:
                raise ValueError(f"params[{i}]: the model has no {wanted!r}; it has {', '.join(names):.200}")
            for name in chosen:
                if name in places:
                    raise ValueError(f"params[{i}]: {name!r} is in params[{places[name]}] already")
                places[name] = i
            found[-1] += chosen
    if rest := [name for name in names if name not in places]:
        found.append(rest)
    return [
        Members(group, [names.index(name) for name in group], i == len(members))
        for i, group in enumerate(found)
    ]


class ParamGroup(Mapping[str, Any]):
    """A group of parameters of an optimizer, an item of its `param_groups`, as a dictionary.

    Its keys are ``"params"`` (names or arrays), ``"lr"`` and ``"weight_decay"``, the numbers of the next
    step, and ``"lr_factor"`` and ``"weight_decay_factor"``, None if the group has a number of its own. All
    but ``"params"`` can be set; None gives the group the optimizer's number.

    Examples
    --------
    >>> import simdnn
    >>> from simdnn import nn, optim
    >>> model = nn.Sequential(nn.Dense(2, 4), nn.Dense(4, 2), rng=0)
    >>> adam = optim.Adam([{"params": ["0"], "lr_factor": 0.0}], lr=0.01)
    >>> trainer = simdnn.Trainer(model, optimizer=adam)
    >>> [(group["params"], group["lr"]) for group in adam.param_groups]
    [(['0.weight', '0.bias'], 0.0), (['1.weight', '1.bias'], 0.01)]
    >>> adam.param_groups[0]["lr_factor"] = 1.0  # no longer frozen
    """

    __slots__ = ("_optimizer", "_place")

    def __init__(self, optimizer: Optimizer, place: int) -> None:
        self._optimizer, self._place = optimizer, place

    def __iter__(self) -> Iterator[str]:
        return iter(KEYS)

    def __len__(self) -> int:
        return len(KEYS)

    def __getitem__(self, key: str) -> Any:
        optimizer = self._optimizer
        if key == "params":
            return list(optimizer._members[self._place].params if optimizer._members else optimizer._params)
        if key not in KEYS:
            raise KeyError(key)
        lr, lr_factor, decay, decay_factor = self._native
        if key == "lr":
            return optimizer.current_lr * lr_factor if math.isnan(lr) else lr
        if key == "weight_decay":
            return optimizer.current_weight_decay * decay_factor if math.isnan(decay) else decay
        own, factor = (lr, lr_factor) if key == "lr_factor" else (decay, decay_factor)
        return factor if math.isnan(own) else None

    def __setitem__(self, key: str, value: Any) -> None:
        if key not in KEYS[1:]:
            raise KeyError(f"{key!r} cannot be set; known: {', '.join(KEYS[1:])}")
        if not self._optimizer._members:
            if key not in FACTORS:
                raise ValueError(f"{key}: the optimizer has one group: set its {key.removesuffix('_factor')}")
            setattr(self._optimizer, key, value)
            return
        name = key.removesuffix("_factor")
        changed = native_settings(f"param_groups[{self._place}]", {key: value})
        at = 2 * list(FACTORS).index(name)
        native = list(self._native)
        native[at : at + 2] = changed[at : at + 2]
        groups = list(self._optimizer._config.groups)
        groups[self._place] = as_native(native)
        self._optimizer._config.groups = groups

    @property
    def _native(self) -> Native:
        """The native settings."""
        groups = self._optimizer._config.groups
        return groups[self._place] if groups else COMMON

    def __repr__(self) -> str:
        return repr(dict(self.items()))


def described_groups(optimizer: Optimizer) -> list[dict[str, Any]]:
    """The groups by name, as `params` of a constructor; none for groups of arrays."""
    described = []
    for members, group in zip(optimizer._members, param_groups(optimizer), strict=False):
        params = list(members.params)
        if not isinstance(params[0], str):
            return []
        native = dict(zip(KEYS[1:], group._native, strict=True))
        settings = {key: value for key, value in native.items() if not math.isnan(value)}
        for name, factor in FACTORS.items():
            if name in settings or settings[factor] == 1:
                del settings[factor]
        if settings or not members.rest:
            described.append({"params": params} | settings)
    return described


def param_groups(optimizer: Optimizer) -> list[ParamGroup]:
    """See `Optimizer.param_groups`."""
    return [ParamGroup(optimizer, i) for i in range(max(1, len(optimizer._members)))]


def states_of_groups(optimizer: Optimizer) -> list[dict[str, Any]]:
    """Keys of each group in a `state_dict`, besides the settings that all groups have in common."""
    common = {"lr": optimizer.current_lr, "weight_decay": optimizer.current_weight_decay}
    return [
        {key: group[key] for key in KEYS[1:]}
        | {f"base_{name}": value for name, value in common.items()}
        | {"params": list(members.places)}
        for group, members in zip(param_groups(optimizer), optimizer._members, strict=True)
    ]


def native_of_state(optimizer: Optimizer, groups: Sequence[Mapping[str, Any]]) -> list[Native]:
    """The native settings of the groups of a state; none if the optimizer has no groups."""
    if not optimizer._members:
        return []
    return [native_of_group(optimizer, i, group) for i, group in enumerate(groups)]


def native_of_group(optimizer: Optimizer, place: int, group: Mapping[str, Any]) -> Native:
    """The native settings of one group of a state.

    A group of PyTorch's has no factors: it gets numbers of its own, but stays frozen, or on a schedule.
    """
    native = list(param_groups(optimizer)[place]._native)
    scheduled = optimizer._schedule is not None, optimizer._decay is not None
    for at, (name, factor) in enumerate(FACTORS.items()):
        stays = math.isnan(native[2 * at]) and (scheduled[at] or native[2 * at + 1] == 0)
        if group.get(factor) is not None:
            given = {factor: group[factor]}
        elif name in group and (factor in group or not stays):
            given = {name: np.asarray(group[name])[()]}
        else:
            continue
        native[2 * at : 2 * at + 2] = native_settings(f"param_groups[{place}]", given)[2 * at : 2 * at + 2]
    return as_native(native)


def common_settings(optimizer: Optimizer, groups: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The settings that the groups of a state have in common; raises if others than their own differ."""
    if not optimizer._members:
        return groups[0]
    first, *others = ({key: value for key, value in group.items() if key not in KEYS} for group in groups)
    for i, other in enumerate(others, start=1):
        for key in first.keys() & other.keys():
            if not np.array_equal(first[key], other[key]):
                raise ValueError(
                    f"param_groups[{i}]: {key} is {other[key]}, not {first[key]} as in the first"
                )
    bases = {name: first[f"base_{name}"] for name in FACTORS if f"base_{name}" in first}
    return {key: value for key, value in first.items() if not key.startswith("base_")} | bases
