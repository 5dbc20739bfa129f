"""The precision of a network: the format of the numbers that the products of its dense layers read."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

Precision = Literal["float32", "float64", "bf16"]

#: The precisions of each dtype; the first is its own.
PRECISIONS: dict[str, tuple[Precision, ...]] = {"float32": ("float32", "bf16"), "float64": ("float64",)}


def check_precision(value: Any, dtype: np.dtype[Any]) -> Precision:
    """`value`, if it is a precision of the dtype; None is the dtype's own."""
    known = PRECISIONS[dtype.name]
    if value is None:
        return known[0]
    if not isinstance(value, str):
        raise TypeError(f"precision: expected a name, got {type(value).__name__}; {_choices()}")
    for name in known:
        if value == name:
            return name
    raise ValueError(f"precision: {value!r} is no precision of dtype {dtype}; {_choices()}")


def _choices() -> str:
    """All precisions, for error messages."""
    each = [f"dtype {dtype} has {' and '.join(map(repr, names))}" for dtype, names in PRECISIONS.items()]
    return ", ".join(each)


def shown_precision(precision: Precision) -> str:
    """The argument of a repr, if it is not the dtype's own."""
    return ", precision='bf16'" if precision == "bf16" else ""


def described_precision(precision: Precision) -> dict[str, str]:
    """The entry of a description, if it is not the dtype's own."""
    return {"precision": precision} if precision == "bf16" else {}


def need_full_precision(model: Any, target: str) -> None:
    """Raises a ValueError if a network, or a member of an ensemble, has products that `target` lacks."""
    for i, member in enumerate(getattr(model, "models", (model,))):
        if member.precision == "bf16":
            place = f"models[{i}]" if hasattr(model, "models") else "model"
            raise ValueError(
                f"{place}: expected precision float32, because {target} has no products of bf16, got bf16;"
                " model.copy(precision='float32') has the same parameters"
            )
