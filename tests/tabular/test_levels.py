"""A fit has the same bits at every instruction-set level."""

import pytest

from tests.support.processes import LEVELS, missing, run

SCRIPT = """
import hashlib
import numpy as np
from simdnn.tabular import TabularRegressor
from tests.tabular.tables import KINDS, QUICK, make_classes, make_numbers, make_table

X = make_table(400)
for kind in KINDS:
    numbers = kind is TabularRegressor
    y = make_numbers(X) if numbers else make_classes(X)
    model = kind(**QUICK, **({"quantiles": True} if numbers else {})).fit(X, y)
    found = [model.oof_prediction_, model.predict(X, [0.1, 0.5]) if numbers else model.predict_proba(X)]
    print(hashlib.sha256(b"".join(np.ascontiguousarray(one).tobytes() for one in found)).hexdigest())
"""


def test_bits_do_not_depend_on_the_level() -> None:
    levels = [level for level in LEVELS if not missing(level)]
    if len(levels) < 2:
        pytest.skip("this machine runs one level alone")
    assert len({run(SCRIPT, timeout=120, SIMDNN_ISA=level) for level in levels}) == 1
