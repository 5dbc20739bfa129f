"""The pages of the reference, the objects on each, and the place of a name in a docstring."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from simdnn import _core


class Group(NamedTuple):
    """A page: its file, its title, and the module and the names that it documents."""

    file: str
    title: str
    module: str
    names: tuple[str, ...]


#: Rows of the C++ registry of activations by their names, in its order.
ROWS = {row["name"]: row for row in _core.activations()}
#: Activations with an array of parameters or over groups of elements, which have no row.
OTHER_ACTIVATIONS = ("prelu", "rrelu", "crelu", "maxout")
#: Names of `simdnn` itself.
TRAINING = ("Trainer", "History", "fit_many", "step_many", "predict_many")
FILES = ("save", "load", "load_metadata", "from_torch", "to_torch_state_dict", "export_c")
SETTINGS = ("show_config", "get_num_threads", "set_num_threads", "set_threading_layer")
#: Packages with a page of all their public names.
PACKAGES = {
    "nn": "Layers and models",
    "optim": "Optimizers",
    "schedules": "Learning-rate schedules",
    "init": "Initialization",
    "callbacks": "Callbacks",
    "diagnostics": "Diagnostics",
    "plot": "Pictures",
    "sklearn": "Estimators for scikit-learn",
    "tabular": "Estimators for tables",
    "table": "Columns of tables",
    "data": "Data larger than memory",
    "onnx": "ONNX",
    "pretrain": "Pre-training",
    "distributed": "Many processes",
}
#: Classes with entries of their own, whose members are not repeated in others.
BASES = {"Layer", "Optimizer", "Callback", "Schedule", "Activation"}


@cache
def groups() -> list[Group]:
    """The pages in their order."""
    losses = tuple(exported("simdnn.losses"))
    activations = (*ROWS, *OTHER_ACTIVATIONS)
    listed = {*losses, *(name for one in activations for name in (one, *passes("simdnn.functional", one)))}
    rest = tuple(name for name in exported("simdnn.functional") if name not in listed)
    return [
        Group("trainer", "Training, files, settings", "simdnn", (*TRAINING, *FILES, *SETTINGS)),
        Group("activations", "Activations", "simdnn.functional", activations),
        Group("functions", "Softmax, policies, elementary functions", "simdnn.functional", rest),
        Group("losses", "Losses", "simdnn.functional", losses),
        *(
            Group(name, title, f"simdnn.{name}", exported(f"simdnn.{name}"))
            for name, title in PACKAGES.items()
        ),
    ]


def exported(module: str) -> tuple[str, ...]:
    return tuple(importlib.import_module(module).__all__)


def passes(module: str, name: str) -> list[str]:
    """Names of the derivative and the backward pass of a function, if it has them."""
    names = (f"{name}_derivative", f"{name}_backward")
    return [one for one in names if hasattr(importlib.import_module(module), one)]


@cache
def places() -> dict[str, str]:
    """Full names of the documented objects by what docstrings call them."""
    found = {}
    for group in reversed(groups()):
        for name in group.names:
            full = f"{group.module}.{name}"
            thing = getattr(importlib.import_module(group.module), name)
            found[full] = full
            others = [f"{group.module}.{one}" for one in passes(group.module, name)]
            found.update(zip(others, others, strict=True))
            if inspect.isclass(thing):
                found[name] = full
                for key, _ in members(thing):
                    found[f"{name}.{key}"] = found[f"{full}.{key}"] = f"{full}.{key}"
    return found


def place_of(name: str, module: str) -> str | None:
    """Full name of an object that a docstring of a module names; None for one without an entry."""
    plain = name.removesuffix("()")
    candidates = [f"{module}.{plain}", f"simdnn.functional.{plain}"]
    if "." in plain or plain[:1].isupper():  # another word may be an argument, or a method
        candidates += [f"simdnn.{plain}", plain]
    return next((places()[one] for one in candidates if one in places()), None)


def members(thing: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties of a class, and of its bases without an entry."""
    seen = set()
    for base in thing.__mro__:
        if not base.__module__.startswith("simdnn") or (base is not thing and base.__name__ in BASES):
            continue
        for key, value in vars(base).items():
            wanted = isinstance(value, property | classmethod | staticmethod) or inspect.isfunction(value)
            if wanted and key[0] != "_" and key not in seen and value.__doc__:
                seen.add(key)
                yield key, value
