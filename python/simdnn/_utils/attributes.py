"""Attributes that are checked when they are set, or cannot be set again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar


class Attributes:
    """Base of classes whose attributes tell what native code was given when the object was made."""

    #: Attributes that can be set once.
    _kept: ClassVar[frozenset[str]] = frozenset()
    #: Checks of attributes that can be set at any time; they return the value to keep.
    _checks: ClassVar[Mapping[str, Callable[[str, Any], Any]]] = {}
    #: Names that are no attributes, with the object that has such a setting; a user's subclass may have them.
    _elsewhere: ClassVar[Mapping[str, str]] = {}
    #: Attributes that the constructor sets; a copy takes over the others, such as a user's subclass has.
    _made: ClassVar[frozenset[str]] = frozenset()

    def _added(self) -> dict[str, Any] | None:
        """The attributes that the constructor has not set, as the state of a copy or pickle."""
        return {name: value for name, value in vars(self).items() if name not in self._made} or None

    if not TYPE_CHECKING:  # type checkers take any attribute where there is a __setattr__

        def __setattr__(self, name: str, value: object) -> None:
            kind = type(self).__name__
            if name in self._kept and name in vars(self):
                raise AttributeError(f"{name}: fixed when the {kind} is made; make another {kind}")
            if name in self._elsewhere and type(self).__module__.startswith("simdnn."):
                raise AttributeError(f"{name}: no attribute of a {kind}; set {self._elsewhere[name]}.{name}")
            check = self._checks.get(name)
            super().__setattr__(name, value if check is None else check(name, value))

    def __delattr__(self, name: str) -> None:
        if name in self._kept:
            raise AttributeError(f"{name}: fixed when the {type(self).__name__} is made")
        super().__delattr__(name)
