"""Sub-interpreters are refused by an ImportError, and leave the main interpreter as it was."""

import sysconfig

import pytest

from tests.support.processes import run

#: A script that tries to import the package in a new interpreter of the process.
IMPORT = """
try:
    import _interpreters as interpreters
except ImportError:
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        raise SystemExit(print("SKIP this Python cannot make interpreters"))

INNER = '''
try:
    import simdnn
    print("imported")
except ImportError as error:
    print(error)
'''
WAY
inner = interpreters.create()
interpreters.run_string(inner, INNER)
interpreters.destroy(inner)
import simdnn
from tests.support.networks import network, samples
x, y = samples("cross_entropy", 30, 4, 3)
print(simdnn.Trainer(network([4, 5, 3]), seed=0).step(x, y) > 0)
"""


@pytest.mark.parametrize("way", ["", "import simdnn"], ids=["first", "after the main interpreter"])
def test_a_sub_interpreter_is_refused(way: str) -> None:
    refused, works = run(IMPORT.replace("WAY", way)).splitlines()
    assert refused == "simdnn: sub-interpreters are not supported, as NumPy does not support them"
    assert works == "True"


def test_a_free_threaded_interpreter_takes_its_lock_back() -> None:
    """The module does not declare that it needs no lock: see CONTRIBUTING.md, "Threads and interpreters"."""
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("this Python always has a lock")
    script = (
        "import sys, warnings; warnings.simplefilter('ignore'); import simdnn; print(sys._is_gil_enabled())"
    )
    assert run(script).strip() == "True"
