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
            ("simdnn.optim._descent", "simdnn.optim._moments", "simdnn.optim._scaled"),
            rules_of,
            'a class with "{name}" among its _rules',
        ),
        Place(
            ("bench.cases.optimizer",),
            lambda module: [*module.RULES, *module.WITHIN],
            'a row "{name}": Rule(...) to RULES',
        ),
    ),
}


class Listing(NamedTuple):
    """A registry in C++: structs with a description, and the list that names them."""

    #: Headers of which one gets the struct.
    headers: tuple[str, ...]
    #: The type of the descriptions.
    description: str
    #: The header with the list.
    path: str


#: The first two places of an operation.
LISTINGS = {
    "activation": Listing(
        ("cpp/ops/piecewise.hpp", "cpp/ops/exponential.hpp", "cpp/ops/gated.hpp"),
        "Description",
        "cpp/ops/activations.hpp",
    ),
    "pointwise loss": Listing(("cpp/ops/pointwise_losses.hpp",), "LossDescription", "cpp/loops/losses.hpp"),
    "optimizer": Listing(
        ("cpp/ops/rules/descent.hpp", "cpp/ops/rules/moments.hpp", "cpp/ops/rules/scaled.hpp"),
        "RuleDescription",
        "cpp/ops/optimizers.hpp",
    ),
}


def described(sources: Mapping[str, str], description: str) -> set[str]:
    """The structs of C++ sources that hold a description of this type."""
    found, struct = set(), ""
    for line in "\n".join(sources.values()).splitlines():
        if begin := re.match(r"struct (\w+)", line):
            struct = begin[1]
        elif re.match(rf"  static constexpr {description} info\b", line):
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
