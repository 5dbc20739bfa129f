"""Special values of every function, at every ISA level, alone and in every lane: see tools/special.py."""

import numpy as np
import pytest

from tests.support.processes import output_of
from tests.tools import special


def test_special_values_are_right_at_every_level(isa: str) -> None:
    printed = output_of(["-m", "tests.tools.special"], timeout=300, SIMDNN_ISA=isa)
    assert printed.strip() == f"every special value is right at level {isa}"


@pytest.mark.parametrize("dtype", special.STORAGES)
def test_the_table_is_long_enough(dtype: type) -> None:
    """The table has zeros, infinities, NaN of both signs and kinds, subnormals, and the ends of the range."""
    for function in special.functions():
        x = special.inputs(function, dtype)
        assert x.size >= 40
        assert np.isnan(x).sum() == 4
        assert {float("inf"), float("-inf")} <= set(x.tolist())
        assert (x == 0).sum() >= 2
        assert (np.abs(x) == np.finfo(dtype).smallest_subnormal).sum() >= 2
        assert (np.abs(x) == np.finfo(dtype).max).sum() >= 2


def test_a_wrong_value_is_found() -> None:
    (relu,) = [f for f in special.functions() if f.label == "relu"]
    x = special.inputs(relu, np.float32)
    right = np.array([relu(one) for one in x], np.float32)
    assert not list(special.wrong_values(relu, np.float32, x, right))
    for place in (0, x.size - 5, x.size - 1):
        spoiled = right.copy()
        spoiled[place] = -1
        assert len(list(special.wrong_values(relu, np.float32, x, spoiled))) == 1
    negative = np.where(right == 0, np.float32(-0.0), right)
    assert list(special.wrong_values(relu, np.float32, x, negative))


def test_the_documented_table_is_that_of_this_build() -> None:
    assert "\n".join(special.table()) in special.PAGE.read_text(), (
        "run `python -m tests.tools.special --write`"
    )
