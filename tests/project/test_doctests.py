"""Every example in a public docstring runs with the shown output, and every public name has one."""

from __future__ import annotations

import doctest
import inspect
from typing import Any

import numpy as np
import pytest
import simdnn.onnx
import simdnn.sklearn
import simdnn.tabular
from simdnn import (
    c_code,
    callbacks,
    config,
    data,
    diagnostics,
    distributed,
    functional,
    init,
    io,
    nn,
    optim,
    plot,
    pretrain,
    schedules,
    table,
    training,
)

MODULES = (
    c_code,
    functional,
    nn,
    optim,
    schedules,
    init,
    training,
    callbacks,
    io,
    table,
    simdnn.onnx,
    simdnn.sklearn,
    simdnn.tabular,
    config,
    pretrain,
    diagnostics,
    distributed,
    data,
    plot,
)
PUBLIC: dict[str, Any] = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in MODULES
    for name in getattr(
        module, "__all__", ("get_num_threads", "set_num_threads", "set_threading_layer", "show_config")
    )
}


def texts() -> dict[str, str]:
    """Docstrings of the public names, and of the public members of the classes among them."""
    found = {name: thing.__doc__ or "" for name, thing in PUBLIC.items()}
    for name, thing in PUBLIC.items():
        if inspect.isclass(thing):
            found |= {
                f"{name}.{key}": value.__doc__ or "" for key, value in vars(thing).items() if key[0] != "_"
            }
    return found


@pytest.mark.parametrize(("name", "text"), [item for item in texts().items() if ">>>" in item[1]])
def test_example_prints_what_it_says(name: str, text: str) -> None:
    example = doctest.DocTestParser().get_doctest(text, {"np": np}, name, None, None)
    report: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=report.append)
    assert result.failed == 0, "".join(report)


@pytest.mark.parametrize("name", [name for name in PUBLIC if not name.endswith(("_derivative", "_backward"))])
def test_public_name_has_an_example(name: str) -> None:
    assert ">>>" in (PUBLIC[name].__doc__ or ""), f"{name}: add an example to its docstring"


@pytest.mark.parametrize("name", vars(functional)["__all__"])
def test_function_states_its_formula_and_source(name: str) -> None:
    text = getattr(functional, name).__doc__
    assert "=" in text
    assert "Source: " in text
