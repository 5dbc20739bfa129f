"""Options of every optimizer as attributes, made from the native registry; `_options.pyi` has their types."""

from __future__ import annotations

from typing import Any

from ._settings import OPTIONS, PAIRS, Argument, argument_of, from_native, split_pairs, to_native

__all__ = ["Setting", "WithOptions"]


class Setting:
    """An attribute for a setting of the native configuration."""

    def __init__(self, argument: Argument, fixed: bool = False) -> None:
        self.argument = argument
        self.fixed = fixed
        self.__doc__ = argument.doc

    def __get__(self, optimizer: Any, owner: type) -> Any:
        if optimizer is None:
            return self
        name = self.argument.name
        if name in optimizer._own:
            return optimizer._own[name]
        config, parts = optimizer._config, PAIRS.get(name, (name,))
        found = tuple(from_native(part, config[part]) for part in parts)
        return found if name in PAIRS else found[0]

    def __set__(self, optimizer: Any, value: Any) -> None:
        name = self.argument.name
        if self.fixed:
            raise AttributeError(f"{name}: fixed when the optimizer is made; make another one")
        if name in optimizer._own:
            optimizer._own[name] = self.argument.checked(value)
            return
        for part, number in split_pairs({name: value}).items():
            optimizer._config[part] = to_native(part, number)


class WithOptions:
    """Base of `Optimizer` with an attribute for each option."""


for _name, _row in OPTIONS.items():
    setattr(WithOptions, _name, Setting(argument_of(_name, _row)))
