"""Ufuncs wrapped so that their parameters have default values and names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import _core
from .._utils.domains import WORDS, base_of, check_of

if TYPE_CHECKING:
    from inspect import Signature


def with_defaults(
    name: str,
    arrays: tuple[str, ...],
    parameters: dict[str, Any],
    plain: Callable[..., Any],
    full: Callable[..., Any],
    doc: str,
) -> Any:
    """The function ``name(*arrays, **parameters, **ufunc_keywords)`` of `simdnn.functional`.

    `plain` takes the arrays alone and computes with the default parameters; `full` takes arrays and
    parameters, which are checked as `simdnn._utils.domains` says. `doc` is the docstring
    without its first line, the signature, which is added here.
    """

    def make_signature() -> Signature:
        """The signature for `inspect`, made on demand because importing `inspect` is slow."""
        from inspect import Parameter, Signature

        named = [Parameter(key, Parameter.POSITIONAL_ONLY) for key in arrays]
        named += [
            Parameter(key, Parameter.POSITIONAL_OR_KEYWORD, default=value)
            for key, value in parameters.items()
        ]
        return Signature([*named, Parameter("ufunc_keywords", Parameter.VAR_KEYWORD)])

    defaults = ", ".join(f"{key}={value!r}" for key, value in parameters.items())
    attributes = {
        "__name__": name,
        "__qualname__": name,
        "__module__": "simdnn.functional",
        "__doc__": f"{name}({', '.join(arrays)}, {defaults}, **ufunc_keywords)\n\n{with_domain(name, doc)}",
        "make_signature": make_signature,
    }
    check = check_of(name, len(arrays), tuple(parameters))
    return _core.function_with_defaults(plain, full, len(arrays), parameters, check, attributes)


def with_domain(name: str, doc: str) -> str:
    """A docstring whose section "Raises" tells of the domain of the parameters."""
    words = WORDS.get(base_of(name))
    wanted = "a parameter is beyond the dtype of `x`" + (f", or not {words}." if words else ".")
    return doc.replace("If shapes do not broadcast.", f"If shapes do not broadcast, {wanted}")


def documentation(function: Any) -> str:
    """The docstring of a ufunc without the signature that NumPy puts before it."""
    return (function.__doc__ or "").partition("\n\n")[2]
