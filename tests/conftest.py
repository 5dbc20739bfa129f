"""Fixtures for instruction-set levels, threading layers and numbers of threads, and the marker `peers`."""

import os
from collections.abc import Iterator

import pytest
import simdnn

from tests.support import processes


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--peers", action="store_true", help="run the tests against other libraries (or SIMDNN_PEERS=1)"
    )


def pytest_report_header() -> list[str]:
    found = simdnn.show_config("dicts")
    levels = [level for level in processes.LEVELS if level in found["isa_available"]]
    lacking = [level for level in processes.LEVELS if level not in levels]
    return [
        f"simdnn {found['version']} on {found['isa']}, {found['threads']} threads, {found['compiler']}",
        f"simdnn levels tested: {', '.join(levels)}; this CPU lacks: {', '.join(lacking) or 'none'}",
    ]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--peers") or os.environ.get("SIMDNN_PEERS") == "1":
        return
    reason = "compares with another library: install the extra [peers] and set SIMDNN_PEERS=1 or give --peers"
    for item in items:
        if item.get_closest_marker("peers"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(params=processes.LEVELS)
def isa(request: pytest.FixtureRequest) -> str:
    """Each level of this kind of machine; those that the CPU lacks are skipped with the reason it gives."""
    if reason := processes.missing(request.param):
        pytest.skip(f"level {request.param}: {reason}")
    return request.param


@pytest.fixture(params=["pool", "openmp"])
def layer(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each threading layer, for the length of a test."""
    try:
        simdnn.set_threading_layer(request.param)
    except ImportError as error:
        pytest.skip(f"layer {request.param}: {error}")
    yield request.param
    simdnn.set_threading_layer("pool")


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """A number of threads, for the length of a test."""
    simdnn.set_num_threads(request.param)
    yield request.param
    simdnn.set_num_threads(None)
