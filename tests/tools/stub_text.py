"""Text of type stubs: definitions with line breaks as ruff formats them, imports, signatures of functions."""

import inspect
import re
import typing
from collections.abc import Callable, Iterable
from typing import Any

WIDTH = 110
#: Modules of the names that stubs may use.
IMPORTS = {
    "collections.abc": ("Callable", "Sequence"),
    "typing": ("Any", "Literal", "TypedDict", "overload"),
    "numpy.typing": ("ArrayLike", "NDArray"),
    "typing_extensions": ("Unpack",),
    "..schedules": ("Schedule",),
}


def definition(name: str, parameters: list[str], returns: str, indent: str = "") -> str:
    """``def name(parameters) -> returns: ...`` in one line, in three, or with a line for each parameter."""
    head, tail = f"{indent}def {name}(", f") -> {returns}: ..."
    inner = ", ".join(parameters)
    if len(head + inner + tail) <= WIDTH:
        return head + inner + tail
    if len(indent) + 4 + len(inner) <= WIDTH:
        return f"{head}\n{indent}    {inner}\n{indent}{tail}"
    lines = "".join(f"{indent}    {parameter},\n" for parameter in parameters)
    return f"{head}\n{lines}{indent}{tail}"


def literal(values: Iterable[str]) -> str:
    """The type of one of these words."""
    return "Literal[" + ", ".join(f'"{value}"' for value in values) + "]"


def value_text(value: Any) -> str:
    """A default value in double quotes."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def parameter_text(name: str, annotation: str, parameter: inspect.Parameter) -> str:
    """``name: annotation = default``."""
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    default = "" if parameter.default is parameter.empty else f" = {value_text(parameter.default)}"
    return f"{stars}{name}: {annotation}{default}"


def parameter_list(signature: inspect.Signature, annotate: Callable[[inspect.Parameter], str]) -> list[str]:
    """The parameters of a signature with the markers ``/`` and ``*``."""
    found: list[str] = []
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    for i, parameter in enumerate(signature.parameters.values()):
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.KEYWORD_ONLY not in kinds[:i]:
            found.append("*")
        found.append(parameter_text(parameter.name, annotate(parameter), parameter))
        last = i + 1 == len(kinds) or kinds[i + 1] is not parameter.POSITIONAL_ONLY
        if parameter.kind is parameter.POSITIONAL_ONLY and last:
            found.append("/")
    return found


def literal_aliases(function: Any) -> dict[str, str]:
    """The literal types that the module of a function names, by their names."""
    found = getattr(function, "__globals__", {})
    return {
        name: literal(typing.get_args(value))
        for name, value in found.items()
        if typing.get_origin(value) is typing.Literal
    }


def with_imports(body: str, numpy: bool = False) -> str:
    """The body of a stub below the imports of the names that it uses."""
    lines = []
    for module, names in IMPORTS.items():
        used = [name for name in names if re.search(rf"\b{name}\b", body)]
        if used:
            lines.append(f"from {module} import {', '.join(used)}")
    standard = [line for line in lines if line.startswith(("from collections", "from typing import"))]
    local = [line for line in lines if line.startswith("from .")]
    others = [line for line in lines if line not in standard + local]
    if numpy:
        others.insert(0, "import numpy as np")
    return "\n\n".join("\n".join(group) for group in (standard, others, local) if group) + "\n" + body
