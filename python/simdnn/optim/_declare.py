"""Signature, attributes and documentation of an optimizer class from the rows of its rules."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from typing import Any

from ._options import Setting
from ._settings import OPTIONS, Argument, argument_of, arguments_of_rule

_PARAMS = """params : list of arrays or models, Sequential, list of dict, or None
    float32 or float64 arrays, or models, to update in place; left out when a `Trainer` binds it. Or groups
    of parameters with settings of their own, as in PyTorch: see `Optimizer`.
"""
_RAISES = """Raises
------
TypeError, ValueError
    If a value is out of its range (a NaN is in none), or an array cannot be updated in place.

"""
_TYPES = {"lr": "float or schedule", "weight_decay": "float or Schedule"}
_MARK = "    Examples\n    --------\n"


def declare(kind: Any) -> None:
    """Gives a class its constructor, attributes and documentation."""
    arguments = arguments_of(kind)
    kind._arguments = arguments
    kind.__init__ = constructor(kind, arguments)
    for name, argument in arguments.items():
        if name not in ("lr", "weight_decay"):
            setattr(kind, name, Setting(argument, name in kind._fixed))
    if kind.__doc__:
        kind.__doc__ = kind.__doc__.replace(_MARK, textwrap.indent(documentation(kind), "    ") + _MARK)


def arguments_of(kind: Any) -> dict[str, Argument]:
    """The keywords of a class in the order of its signature: lr, the positional ones, then the others."""
    known = arguments_of_rule(kind._rules[0]) | {argument.name: argument for argument in kind._own_arguments}
    order = ["lr", *kind._positional]
    others = [name for name in known if name not in order]
    order += sorted(others, key=lambda name: name == "decoupled_weight_decay")
    return {
        name: known[name]._replace(default=kind._defaults.get(name, known[name].default)) for name in order
    }


def signature_of(kind: Any, arguments: Mapping[str, Argument]) -> Signature:
    """``(self, params=None, lr=..., <positional>, *, <others>, **options)``."""
    either = Parameter.POSITIONAL_OR_KEYWORD
    named = [Parameter("self", either), Parameter("params", either, default=None)]
    for name, argument in arguments.items():
        position = either if name in ("lr", *kind._positional) else Parameter.KEYWORD_ONLY
        named.append(Parameter(name, position, default=argument.default))
    return Signature([*named, Parameter("options", Parameter.VAR_KEYWORD)])


def constructor(kind: Any, arguments: Mapping[str, Argument]) -> Callable[..., None]:
    """The ``__init__`` of a class."""
    signature = signature_of(kind, arguments)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        try:
            given = signature.bind(self, *args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}: {error}") from None
        del given["self"]
        self._initialize(given.pop("params", None), given, given.pop("options", {}))

    __init__.__qualname__ = f"{kind.__qualname__}.__init__"
    __init__.__module__ = kind.__module__
    __init__.__doc__ = f"Initialize self; see help(simdnn.optim.{kind.__name__})."
    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__


def documentation(kind: Any) -> str:
    """The sections "Parameters" and "Raises" of a class."""
    text = "Parameters\n----------\n" + _PARAMS
    for argument in kind._arguments.values():
        text += entry(argument, _TYPES.get(argument.name, argument.type_name))
    presets = [f'``like="{like}"``: {listed(preset)}' for like, preset in kind._presets.items()]
    described = "; ".join(presets) + "." if presets else ""
    return text + "**options\n" + wrapped(f"See `Optimizer`. {described}") + "\n" + _RAISES


def listed(preset: Mapping[str, Any]) -> str:
    """The settings of a preset in words."""
    return ", ".join(f"{name} {value}" for name, value in preset.items())


def entry(argument: Argument, type_name: str) -> str:
    """An argument in the section "Parameters"."""
    default = f'"{argument.default}"' if isinstance(argument.default, str) else repr(argument.default)
    return f"{argument.name} : {type_name}, default {default}\n" + wrapped(argument.doc)


def wrapped(text: str) -> str:
    """A paragraph below the name of an argument."""
    return textwrap.fill(text, 102, initial_indent="    ", subsequent_indent="    ") + "\n"


def options_documentation() -> str:
    """The options of every optimizer, for the documentation of their base."""
    return "".join(entry(argument := argument_of(*row), argument.type_name) for row in OPTIONS.items())
