"""Layers that are exported to ONNX, and what the tests of export and import share."""

from typing import Any

import numpy as np

from tests.oracles.layers import ROWS

Array = np.ndarray[Any, Any]

EXPORTED = {name: row for name, row in ROWS.items() if row.in_onnx}


def close(got: Array, wanted: Array) -> bool:
    return bool(np.allclose(got, wanted, rtol=1e-5, atol=1e-5))
