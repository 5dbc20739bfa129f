"""Every registered operation has an oracle and documentation; failures name the line to add."""

import importlib.util
import inspect
import pkgutil
import re
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import _core, nn, optim
from simdnn.losses._registry import NAMED

from tests import oracles
from tests.oracles import rules
from tests.support.places import PLACES, Place
from tests.support.processes import ROOT
from tests.support.registry import ACTIVATIONS, ELEMENTWISE, LOSSES, OPTIMIZERS, RULES, parameters_of

#: Names that simdnn.functional exports.
PUBLIC: list[str] = vars(F)["__all__"]


#: Kinds of layers that have a class of their own.
KINDS = {kind._kind: kind for kind in nn._describe.LAYERS.values() if hasattr(kind, "_kind")}
#: The names of the operations of each kind.
REGISTERED: dict[str, dict[str, Any]] = {
    "activation": ACTIVATIONS,
    "pointwise loss": {**LOSSES, **NAMED},
    "optimizer": RULES,
    "layer": KINDS,
}


@pytest.mark.parametrize(
    ("place", "name"),
    [
        pytest.param(place, name, id=f"{kind} {name} in {place.modules[0]}")
        for kind, places in PLACES.items()
        for place in places
        for name in REGISTERED[kind]
    ],
)
def test_every_operation_has_its_rows(place: Place, name: str) -> None:
    if place.paths[0].startswith("bench/") and not (ROOT / "bench").is_dir():
        pytest.skip("bench/ is not next to tests/")
    assert place.complaint(name) is None, place.complaint(name)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_a_function(name: str) -> None:
    assert name in NAMED, (
        f"give {name} a .function in cpp/ops/pointwise_losses.hpp, or decorate one with"
        f" @trainable({name!r}, ...) in python/simdnn/losses/_classification.py"
    )
    given = LOSSES[name]["function"]
    assert given is None or getattr(F, given) is NAMED[name]


@pytest.mark.parametrize("name", NAMED)
def test_every_loss_is_public_and_named_alike(name: str) -> None:
    function = NAMED[name]
    assert function.__name__ in PUBLIC, f"add {function.__name__} to __all__ of {function.__module__}"
    assert function.__name__.removesuffix("_loss") == name
    assert getattr(F, function.__name__) is function


@pytest.mark.parametrize("name", NAMED)
def test_every_loss_states_its_parameters(name: str) -> None:
    function, row = NAMED[name], LOSSES.get(name)
    text = inspect.getdoc(function) or ""
    for section in ("Parameters", "Returns", "Raises", "Examples", "Source: "):
        assert section in text, f"{function.__name__}: its docstring has no {section}"
    parameters = inspect.signature(function).parameters
    for parameter in parameters:
        assert re.search(
            rf"^[\w, ]*\b{parameter}\b[\w, ]* : |^[\w, ]*\b{parameter}\b[\w, ]*$", text, re.MULTILINE
        )
    assert row is None or row["function"] is None or row["formula"] in text


@pytest.mark.parametrize("name", RULES)
def test_oracles_of_rules_have_their_hyper_parameters(name: str) -> None:
    parameters = inspect.signature(rules.RULES[name].formula).parameters.values()
    own = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    assert sorted([*rules.COMMON, *own]) == sorted(RULES[name]["hypers"]), (
        f"tests/oracles/rules.py: {name} has other hyper-parameters"
    )


def test_no_oracle_is_left_over() -> None:
    for oracle, registry in (
        (oracles.ACTIVATIONS, ACTIVATIONS),
        (oracles.LOSSES, NAMED),
        (rules.RULES, RULES),
    ):
        assert not oracle.keys() - registry.keys(), (
            "remove these rows from elementwise.py, losses.py or rules.py in tests/oracles/"
        )


@pytest.mark.parametrize(
    "name",
    [case.name for case in ELEMENTWISE]
    + [name + suffix for name in ("softmax", "log_softmax", "logsumexp") for suffix in ("", "_backward")]
    + ["entropy"]
    + [function.__name__ for function in NAMED.values()],
)
def test_every_function_is_public(name: str) -> None:
    assert hasattr(F, name)
    assert name in PUBLIC


@pytest.mark.parametrize(
    "row", [*ACTIVATIONS.values(), *LOSSES.values(), *RULES.values()], ids=lambda row: row["name"]
)
def test_every_row_describes_itself(row: dict[str, Any]) -> None:
    for field in ("name", "formula", "source"):
        assert row[field].strip(), f"fill in .{field} of {row['name']} in cpp/ops/"
    assert re.search(r"\d{4}|definition", row["source"]), f"{row['name']}: the source names no year"


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_documented(name: str) -> None:
    row = ACTIVATIONS[name]
    for field in ("summary", "derivative_formula", "kink", "example", "example_value"):
        assert row[field].strip(), f"fill in .{field} of {name} in cpp/ops/"
    assert row["reads"] in ("input", "output")
    assert 0 <= row["value_ulp"] <= 4
    assert 0 <= row["derivative_ulp"] <= 4
    value, derivative, backward = (getattr(F, name + suffix) for suffix in ("", "_derivative", "_backward"))
    assert row["formula"] in value.__doc__
    assert row["source"] in value.__doc__
    for function in (derivative, backward):
        assert row["derivative_formula"] in function.__doc__
        assert row["kink"] in function.__doc__


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_example_prints_what_it_says(name: str) -> None:
    row = ACTIVATIONS[name]
    with np.printoptions():
        assert repr(eval(row["example"], {"F": F, "np": np})) == row["example_value"]


@pytest.mark.parametrize("case", ELEMENTWISE, ids=lambda case: case.name)
def test_signatures_show_parameters_and_defaults(case: Any) -> None:
    if not case.defaults:
        assert case.function is case.ufunc or case.name.startswith("gelu")  # gelu chooses between two ufuncs
        return
    shown = inspect.signature(case.function).parameters.values()
    assert tuple(p.default for p in shown if p.default is not p.empty) == case.defaults
    assert case.defaults == parameters_of(case.name.removesuffix("_backward").removesuffix("_derivative"))


def public_objects() -> list[Any]:
    """Every public function, class and method of the package and its public modules."""
    found = []
    names = [info.name for info in pkgutil.iter_modules(simdnn.__path__) if not info.name.startswith("_")]
    if importlib.util.find_spec("thinc") is None:
        names.remove("thinc")
    for module in (simdnn, *(importlib.import_module(f"simdnn.{name}") for name in names)):
        for name in vars(module).get("__all__", []):
            thing = getattr(module, name)
            if inspect.isclass(thing):
                members = [
                    m for key, m in vars(thing).items() if not key.startswith("_") and inspect.isfunction(m)
                ]
                found += [(f"{module.__name__}.{name}.{m.__name__}", m) for m in members]
            if not isinstance(thing, str):
                found.append((f"{module.__name__}.{name}", thing))
    return [pytest.param(thing, id=name) for name, thing in dict(found).items()]


@pytest.mark.parametrize("thing", public_objects())
def test_everything_public_has_a_docstring(thing: Any) -> None:
    assert (inspect.getdoc(thing) or "").strip()


def test_every_rule_is_reached_by_an_optimizer() -> None:
    reached = {make(**settings)._config.rule for _, make, settings in OPTIMIZERS}
    assert RULES.keys() <= reached, (
        "add a class to python/simdnn/optim/ and its settings to a row of RULES in tests/oracles/rules.py"
    )


@pytest.mark.parametrize("name", [name for name in optim.__all__ if isinstance(getattr(optim, name), type)])
def test_every_optimizer_has_a_name_and_a_row(name: str) -> None:
    if name == "Optimizer":
        return
    assert optim.BY_NAME.get(name.lower()) is getattr(optim, name)
    assert getattr(optim, name) in [make for _, make, _ in OPTIMIZERS], (
        f"add optim.{name} to .optimizers of a row of RULES in tests/oracles/rules.py"
    )


def test_names_are_unique_and_lower_case() -> None:
    for rows in (_core.activations(), _core.losses(), _core.rules(), _core.schedules()):
        names = [row["name"] for row in rows]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)
