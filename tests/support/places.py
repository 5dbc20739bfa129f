"""Places of an operation: its description in C++, the list that names it, and tables with a row for it."""

import importlib
import re
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, NamedTuple


class Place(NamedTuple):
    """A table with a row for each operation of a kind, in one of several modules."""

    modules: tuple[str, ...]
    #: The names of the operations that a module knows.
    names: Callable[[Any], Iterable[str]]
    #: The row in words; {name} stands for the operation.
    row: str

    @property
    def paths(self) -> list[str]:
        """The files of the modules."""
        return [path_of(module) for module in self.modules]

    def complaint(self, name: str, modules: Mapping[str, ModuleType] = {}) -> str | None:
        """The row that is missing and its file; `modules` replaces modules as they are imported."""
        found = [modules.get(module) or importlib.import_module(module) for module in self.modules]
        if name in set().union(*map(self.names, found)):
            return None
        return f"add {self.row.format(name=name)} in {' or '.join(self.paths)}"


def path_of(module: str) -> str:
    """The file of a module in the source tree."""
    folder = "python/" if module.startswith("simdnn.") else ""
    return f"{folder}{module.replace('.', '/')}.py"


def rules_of(module: ModuleType) -> list[str]:
    """The rules of the optimizers that a module defines."""
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type)]
    return [rule for kind in kinds for rule in getattr(kind, "_rules", ())]


#: Tables besides the descriptions, by the kind of operation.
PLACES = {
    "activation": (
        Place(
            ("tests.oracles.elementwise",),
            lambda module: module.ACTIVATIONS,
            'a row "{name}": Activation(value=..., derivative=..., limits=..., slope_at_zero=...)'
            " to ACTIVATIONS",
        ),
        Place(
            ("simdnn.onnx._activations",),
            lambda module: module.ACTIVATIONS,
            'a row "{name}" with the operators of ONNX to ACTIVATIONS',
        ),
    ),
    "pointwise loss": (
        Place(
            ("tests.oracles.losses",),
            lambda module: [*module.LOSSES, *module.METRICS, *module.HEADS],
            'a row "{name}": Loss(each=..., slope=..., target=...) to LOSSES',
        ),
    ),
    "optimizer": (
        Place(
            ("tests.oracles.rules",),
            lambda module: module.RULES,
            "a function {name}(g, state, t, lr, *, ...) and its row to RULES",
        ),
        Place(
            ("simdnn.optim._descent", "simdnn.optim._adam_family", "simdnn.optim._scaled"),
            rules_of,
            'a class with "{name}" among its _rules',
        ),
        Place(
            ("bench.cases.optimizer",),
            lambda module: [*module.RULES, *module.WITHIN],
            'a row "{name}": Rule(...) to RULES',
        ),
    ),
    "layer": (
        Place(
            ("simdnn.nn._groups", "simdnn.nn._dropout", "simdnn.nn._norm"),
            lambda module: [getattr(kind, "_kind", "") for kind in vars(module).values()],
            'a class with _kind = "{name}"',
        ),
        Place(
            ("tests.oracles.layers",),
            lambda module: [getattr(row.layer, "_kind", "") for row in module.ROWS.values()],
            "a row with the formula of {name} to ROWS",
        ),
    ),
}


class Listing(NamedTuple):
    """A registry in C++: structs with a description, and the list that names them."""

    #: Headers of which one gets the struct.
    headers: tuple[str, ...]
    #: The line of a struct that shows its description, as a pattern.
    description: str
    #: The header with the list.
    path: str
    #: Further files, which the compiler asks for.
    compiled: tuple[str, ...] = ()


#: The places of an operation in C++.
LISTINGS = {
    "activation": Listing(
        ("cpp/ops/piecewise.hpp", "cpp/ops/exponential.hpp", "cpp/ops/gated.hpp"),
        r"  static constexpr Description info\b",
        "cpp/ops/activations.hpp",
    ),
    "pointwise loss": Listing(
        ("cpp/ops/pointwise_losses.hpp",),
        r"  static constexpr LossDescription info\b",
        "cpp/loops/losses.hpp",
    ),
    "optimizer": Listing(
        ("cpp/ops/rules/descent.hpp", "cpp/ops/rules/adam_family.hpp", "cpp/ops/rules/scaled.hpp"),
        r"  static constexpr RuleDescription info\b",
        "cpp/ops/optimizers.hpp",
    ),
    "layer": Listing(
        ("cpp/net/layers/x.hpp",),
        r"struct (?!Sequential)\w+ final : SpecFor<",  # the network itself is in no list
        "cpp/net/layers.hpp",
        ("cpp/loops/x.hpp", "cpp/kernels.hpp", "cpp/kernels/layers.cpp"),
    ),
}


def described(sources: Mapping[str, str], description: str) -> set[str]:
    """The structs of C++ sources that have a description."""
    found, struct = set(), ""
    for line in "\n".join(sources.values()).splitlines():
        if begin := re.match(r"struct (\w+)", line):
            struct = begin[1]
        if re.match(description, line):
            found.add(struct)
    return found


def listed(text: str) -> set[str]:
    """The structs in the lists of a header."""
    lists = re.findall(r"^using \w+ =\s+List<([^;]*)>;", text, re.MULTILINE)
    return {name for names in lists for name in re.findall(r"[A-Z]\w*", names)}


def unlisted(sources: Mapping[str, str], listing: Listing) -> set[str]:
    """Structs with a description that no list names."""
    known = set().union(*map(listed, sources.values()))
    return described(sources, listing.description) - known


def undescribed(sources: Mapping[str, str], listing: Listing) -> set[str]:
    """Structs in the list that have no description."""
    return listed(sources[listing.path]) - described(sources, listing.description)
