"""The parameters of an optimizer: arrays, models, or the names of those that a trainer binds, in groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ._arrays import checked_params, unpacked
from ._groups import COMMON, Members, are_names, named_members, split_groups


class WithParams:
    """Base of `Optimizer` with its parameters."""

    _config: _core.OptimizerConfig
    _alone: _core.OptimizerF32 | _core.OptimizerF64 | None  # for params of its own
    _native: Any  # the holder of the state: _alone or a native trainer
    _shapes: list[tuple[int, ...]]
    _bound: bool
    _gradients: list[NDArray[Any]] | None  # the models', if params are models
    _params: list[Any]  # names or arrays
    _members: list[Members]  # each group's; empty if there are no groups

    def _unbind(self) -> None:
        """Has no parameters."""
        self._alone, self._native, self._bound = None, None, False
        self._shapes, self._params, self._members = [], [], []
        self._gradients = None

    def _take_groups(self, params: Any) -> list[Any] | None:
        """Takes over groups; returns their arrays and models, or None for names, which a trainer binds."""
        members, settings = split_groups(params)
        self._config.groups = settings
        named = are_names(members)
        self._members = [Members(group if named else [], []) for group in members]
        if named:
            return None
        places = 0
        for group, own in zip(members, self._members, strict=True):
            arrays, _ = unpacked(group)
            own.params.extend(arrays)
            own.places.extend(range(places, places + len(arrays)))
            places += len(arrays)
        return [one for group in members for one in group]

    def _take(self, params: Any) -> None:
        """Binds the optimizer to arrays or to models, which it updates by itself."""
        arrays, self._gradients = unpacked(params)
        arrays = checked_params(arrays)
        make = _core.OptimizerF32 if arrays[0].dtype == np.float32 else _core.OptimizerF64
        self._alone = make(self._config, arrays)
        self._bind(self._alone, [array.shape for array in arrays], arrays)

    def _grouped(self, names: Sequence[str]) -> list[Members]:
        """The groups of parameters with these names; raises for names of others."""
        if self._members and self._members[0].places:
            raise ValueError("optimizer: expected groups of names, got groups of arrays")
        return named_members(self._members, names) if self._members else []

    def _bind(self, native: Any, shapes: list[tuple[int, ...]], params: list[Any]) -> None:
        """Binds the state to the native object that updates parameters of these shapes: names or arrays."""
        if self._members and native is not self._alone:
            self._members = self._grouped(params)
        if self._members:
            own = self._config.groups
            self._config.groups = own + [COMMON] * (len(self._members) - len(own))
            group_of = {place: i for i, group in enumerate(self._members) for place in group.places}
            native.set_groups([group_of[place] for place in range(len(shapes))])
        self._native, self._shapes, self._params = native, shapes, params
        self._bound = True
