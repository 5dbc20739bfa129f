"""Long forms of tests, which `nox -s sweep` runs: more repetitions, or more memory."""

import os

import pytest

LONG = os.environ.get("SIMDNN_SWEEP") == "1"

#: A test that has a long form alone.
long_form = pytest.mark.skipif(not LONG, reason="takes minutes or gigabytes: set SIMDNN_SWEEP=1")


def times(short: int, long: int) -> int:
    """The number of repetitions: `short` in the suite, `long` in a sweep."""
    return long if LONG else short
