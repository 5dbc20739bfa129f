"""Arrays of more than 2^31 elements, whose places no 32-bit integer holds."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F

from tests.support.networks import network
from tests.support.registry import same_bits
from tests.support.sweep import long_form

pytestmark = long_form

Array = np.ndarray[Any, Any]
BEYOND = 2**31 + 17
#: Elements of which the results are compared, at the beginning, around 2^31 and at the end.
PLACES = [slice(0, 99), slice(2**31 - 50, 2**31 + 9), slice(-33, None)]


def need_memory(gigabytes: float) -> None:
    """Skips the test, and says so, unless the system has so much memory to give."""
    found = re.search(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())
    available = int(found[1]) / 2**20 if found else 0
    if available < gigabytes:
        pytest.skip(f"needs {gigabytes} GiB of memory, and {available:.1f} are available")


def test_a_function_of_elements() -> None:
    """One array in half precision, in place: 4 GiB."""
    need_memory(6)
    x = np.full(BEYOND, -1.0, np.float16)
    for place in PLACES:
        x[place] = np.linspace(-3, 3, x[place].size)
    wanted = [F.relu(x[place].copy()) for place in PLACES]
    F.relu(x, out=x)
    for place, right in zip(PLACES, wanted, strict=True):
        assert same_bits(x[place], right)
    assert not x[99 : 99 + 10**6].any()


def test_samples() -> None:
    """Bytes of 2 GiB that are read in place, by a prediction and an evaluation."""
    need_memory(6)
    x = np.zeros((BEYOND // 16 + 2, 16), np.uint8)
    x[-7:] = np.arange(7 * 16).reshape(7, 16)
    x[2**27 - 3 : 2**27 + 1] = np.arange(4 * 16).reshape(4, 16)
    model = network([16, 1], dtype=np.float32)
    y = model.freeze().predict(x)
    for rows in (slice(-9, None), slice(2**27 - 5, 2**27 + 2), slice(0, 5)):
        assert same_bits(y[rows], model(x[rows].astype(np.float32)))
    assert simdnn.Trainer(model, loss="mse", seed=0).evaluate(x, y)[0] == 0
