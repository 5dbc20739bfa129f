"""The floor plan of the package: its rooms, no import cycles, and rooms that use only public names."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support.processes import ROOT

PACKAGE = ROOT / "python" / "simdnn"

pytestmark = pytest.mark.skipif(
    not PACKAGE.is_dir(), reason="the source tree is not next to tests/: nothing to look at"
)

#: Entries at top level: rooms that users import, or whose names explain them.
ROOMS = {
    "_utils",
    "c_code",
    "callbacks",
    "cli",
    "config",
    "data",
    "demo",
    "diagnostics",
    "distributed",
    "functional",
    "init",
    "io",
    "losses",
    "nn",
    "onnx",
    "optim",
    "playground",
    "plot",
    "pretrain",
    "schedules",
    "sklearn",
    "table",
    "tabular",
    "thinc",
    "training",
}
MOST_ROOMS = 25
NO_ROOMS = {"__init__", "__main__", "_core", "py"}

MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def test_rooms_are_those_of_the_floor_plan() -> None:
    paths = [path for path in PACKAGE.iterdir() if path.suffix not in (".so", ".pyd")]
    files = [path for path in paths if path.is_file() or (path / "__init__.py").is_file()]
    entries = {path.name.split(".")[0] for path in files} - NO_ROOMS
    assert entries == ROOMS, "list the room in ROOMS, or put the file into the room that it serves"
    assert len(entries) <= MOST_ROOMS


def statements(tree: ast.AST) -> Iterator[ast.ImportFrom | ast.Import]:
    """Import statements at the top and in functions, except those for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            yield node
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for other in node.orelse:
                yield from statements(other)
        else:
            yield from statements(node)


def imported(module: str) -> Iterator[tuple[str, str | None]]:
    """(module, name) of each import from this package; the name is None if a module is imported."""
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in statements(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from ((name.name, None) for name in node.names if name.name in MODULES)
            continue
        base = node.module or ""
        if node.level:
            parent = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*parent, *base.split(".")] if base else parent)
        for name in node.names:
            inner = f"{base}.{name.name}"
            if inner in MODULES:
                yield inner, None
            elif base in MODULES:
                yield base, name.name


def needed(module: str) -> set[str]:
    """Modules that are loaded first: the imported ones, and the packages that contain them."""
    found = set()
    for name, _ in imported(module):
        parts = name.split(".")
        around = {".".join(parts[:end]) for end in range(2, len(parts) + 1)}
        found |= {one for one in around if not f"{module}.".startswith(f"{one}.")}
        found |= {name} - {module, "simdnn"}
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a cycle; empty if there is none."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for other in sorted(graph[module]):
            if found := visit(other, [*path, module]):
                return found
        done.add(module)
        return []

    return next((found for module in graph if (found := visit(module, []))), [])


def test_modules_do_not_import_each_other_in_circles() -> None:
    found = circle({module: needed(module) for module in MODULES})
    assert not found, " -> ".join(found)


@pytest.mark.parametrize("graph", [{"a": {"b"}, "b": {"a"}}, {"a": {"b"}, "b": {"c"}, "c": {"b"}}])
def test_a_circle_is_found(graph: dict[str, set[str]]) -> None:
    assert circle({"c": set(), **graph})


@pytest.mark.parametrize("room", ["cli", "playground", "sklearn"])
def test_rooms_above_import_public_names(room: str) -> None:
    """Helpers of `_utils` may be used by all rooms."""
    inside = f"simdnn.{room}"
    found = {
        (module, f"{other}.{name}" if name else other)
        for module in MODULES
        if f"{module}.".startswith(f"{inside}.")
        for other, name in imported(module)
        if not other.startswith((inside, "simdnn._utils"))
    }
    private = {one for one in found if any(part.startswith("_") for part in one[1].split("."))}
    assert not private


#: Names of variables that hold objects of the room's classes.
OWN_OBJECTS = {"self", "cls", "super()", "estimator", "member"}


def classes_of(text: str) -> set[str]:
    """Names of the classes that a module defines."""
    return {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)}


def foreign_private_attributes(text: str, own: set[str]) -> list[str]:
    """Attributes with a leading underscore, except those of a room's own objects and classes."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
            owner = ast.unparse(node.value)
            if owner.rpartition(".")[2] not in own:
                found.append(f"{owner}.{node.attr}")
    return found


@pytest.mark.parametrize("room", ["cli", "playground", "sklearn"])
def test_rooms_above_use_public_attributes(room: str) -> None:
    texts = {path.name: path.read_text() for path in sorted((PACKAGE / room).glob("*.py"))}
    own = OWN_OBJECTS.union(*map(classes_of, texts.values()))
    found = {name: foreign_private_attributes(text, own) for name, text in texts.items()}
    assert not {name: ones for name, ones in found.items() if ones}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("self._model, cls._likes, self.estimator._best, super()._fit, x.__dict__, _name", []),
        ("class Own: pass\nOwn._table", []),
        ("estimator._trainer._trainer", ["estimator._trainer._trainer"]),
        ("self.optimizer._adopt({})", ["self.optimizer._adopt"]),
        ("optimizer._rule = 1", ["optimizer._rule"]),
        ("make(x)._private", ["make(x)._private"]),
    ],
)
def test_a_private_attribute_is_found(text: str, found: list[str]) -> None:
    assert foreign_private_attributes(text, OWN_OBJECTS | classes_of(text)) == found
