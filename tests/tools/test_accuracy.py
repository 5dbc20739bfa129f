"""The sweep of accuracy.py finds mpmath's errors and wrong results; every function has been swept."""

import json
import os
import shutil
from typing import Any

import mpmath
import numpy as np
import pytest
from simdnn import _core

from tests import oracles
from tests.oracles.arithmetic import Comparison
from tests.support.processes import output_of
from tests.support.registry import ulp_errors
from tests.tools import accuracy, documents

Array = np.ndarray[Any, Any]

NAMES = ["sigmoid", "elu", "tanh_derivative"]
CASES = [pytest.param(case, id=case.label) for case in accuracy.cases(NAMES)]
FEW = accuracy.Plan(step=500_009, samples=5000)
VICTIM = 0.75

every_case = pytest.mark.parametrize("case", CASES)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        pytest.skip(f"needs a C++ compiler: there is no {compiler}")
    return Comparison([case.values[0] for case in CASES])


@every_case
def test_largest_error_in_float32_is_that_of_mpmath(case: accuracy.Case, comparison: Comparison) -> None:
    row, _, wrong = accuracy.measure(case, "float32", FEW, comparison)
    x = FEW.chunk(case, "float32", 0)
    x = x[np.isfinite(x)]
    with mpmath.workprec(250):
        exact = np.array(
            [
                float(case.formula(oracles.Precise, mpmath.mpf(float(one)), *case.parameters("float32")))
                for one in x
            ]
        )
    errors = ulp_errors(case.compute(x), exact)
    assert not wrong
    assert max(row["normal"], row["subnormal"]) == pytest.approx(errors.max(), abs=1e-6)


@every_case
def test_largest_error_in_float64_is_that_of_mpmath(case: accuracy.Case, comparison: Comparison) -> None:
    row, _, wrong = accuracy.measure(case, "float64", FEW, comparison)
    x = FEW.chunk(case, "float64", 0)
    errors = [accuracy.precise_errors(case, "float64", float(one))[0] for one in x if np.isfinite(one)]
    assert not wrong
    assert max(row["normal"], row["subnormal"]) == pytest.approx(max(errors), abs=1e-6)


def spoiled(case: accuracy.Case, spoil: Any) -> accuracy.Case:
    """A case with a wrong result at one argument."""

    def function(x: Array, out: Array) -> Array:
        y = case.function(x, out=out)
        y[x == VICTIM] = spoil(y[x == VICTIM])
        return y

    return case._replace(function=function)


def four_up(y: Array) -> Array:
    for _ in range(4):
        y = np.nextafter(y, y.dtype.type(np.inf))
    return y


@every_dtype
@every_case
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (four_up, f"normal at x = {VICTIM}: "),
        (lambda y: np.full_like(y, np.nan), "NaN 1 times in one of result and oracle"),
        (lambda y: np.full_like(y, np.inf), f"normal at x = {VICTIM}: "),
    ],
    ids=["four ULP", "NaN", "infinity"],
)
def test_a_wrong_result_is_found(
    case: accuracy.Case, dtype: str, spoil: Any, message: str, comparison: Comparison
) -> None:
    class Around(accuracy.Plan):
        def chunk(self, case: accuracy.Case, dtype: str, start: int) -> Array:
            x = super().chunk(case, dtype, start)
            x[x.size // 2] = VICTIM
            return x

    _, _, wrong = accuracy.measure(spoiled(case, spoil), dtype, Around(*FEW), comparison)
    assert any(message in line for line in wrong), wrong


def test_other_bits_at_another_level_are_found(
    comparison: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = accuracy.cases(["sigmoid"])[0]
    monkeypatch.setattr(_core, "isa_available", lambda: [_core.isa(), "v9"])
    monkeypatch.setattr(accuracy, "hashes_of_level", lambda *_: {"sigmoid float32": [1]})
    _, wrong = accuracy.sweep([case], FEW._replace(dtypes=["float32"]), comparison)
    assert any("v9 differ in chunks [0]" in line for line in wrong)


def test_one_of_so_many_chunks_is_compared_at_the_slowest_level(
    comparison: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = accuracy.cases(["sigmoid"])[0]
    plan = accuracy.Plan(step=1009, samples=5000, dtypes=["float32"], level_step=2)
    there = accuracy.all_hashes([case], plan, 2)["sigmoid float32"]
    monkeypatch.setattr(_core, "isa_available", lambda: ["v0", _core.isa()])
    monkeypatch.setattr(accuracy, "hashes_of_level", lambda *_: {"sigmoid float32": [*there[:-1], 1]})
    rows, wrong = accuracy.sweep([case], plan, comparison)
    assert len(there) == 3
    assert any("v0 differ in chunks [4]" in line for line in wrong)
    assert documents.swept(rows["sigmoid float32"]).endswith("; v0 one chunk in 2)")


def test_the_command_sweeps_every_level(comparison: Comparison) -> None:
    few = ["--step", str(FEW.step), "--samples", str(FEW.samples), "--dtype", "float32", "float64"]
    printed = output_of(["-m", "tests.tools.accuracy", *NAMES, *few])
    assert printed.endswith("all within their bounds, at every level alike\n")


@pytest.mark.parametrize("case", accuracy.cases(), ids=lambda case: case.label)
def test_every_function_has_been_swept(case: accuracy.Case) -> None:
    rows = json.loads(accuracy.PATH.read_text())
    for dtype in accuracy.DTYPES:
        row = rows.get(f"{case.label} {dtype}")
        assert row, f"no {dtype} of {case.label}: run `python -m tests.tools.accuracy {case.name} --write`"
        assert row["normal"] <= case.bound(dtype), f"{case.label} {dtype} was swept with another bound"


def test_the_page_shows_what_was_swept() -> None:
    rows = json.loads(accuracy.PATH.read_text())
    known = {f"{case.label} {dtype}" for case in accuracy.cases() for dtype in accuracy.DTYPES}
    assert not rows.keys() - known, "tests/tools/accuracy.json has functions that are gone: write it again"
    shown = documents.PAGE.read_text()
    tables = documents.accuracy_tables(rows)
    assert shown == documents.with_section(shown, "accuracy", tables), (
        "run `python -m tests.tools.accuracy --write`"
    )
