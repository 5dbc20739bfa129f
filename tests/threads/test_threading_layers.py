"""The choice of a threading layer: the runtimes that it loads, its reports and its errors."""

import os

import pytest
import simdnn

from tests.support.processes import output_of, run, start

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="reads /proc: Linux alone")

#: A script that prints the paths of the OpenMP runtimes in the process.
MAPS = """
import os, re

def mapped():
    paths = {line.split()[-1] for line in open("/proc/self/maps") if "/" in line}
    return sorted(path for path in paths if re.match(r"lib(gomp|omp|iomp)", os.path.basename(path)))
"""

#: A script in which importing simdnn._openmp fails, as in a build without OpenMP.
WITHOUT_MODULE = "import sys; sys.modules['simdnn._openmp'] = None\n"


def has_module() -> bool:
    return start(["-c", "import simdnn._openmp"], 60, {}).returncode == 0


needs_module = pytest.mark.skipif(not has_module(), reason="this build has no simdnn._openmp")


def printed_by(script: str, **environment: str) -> list[str]:
    """The lines that a script prints in a process that starts with the thread pool."""
    return run(MAPS + script, **{"SIMDNN_THREADING": "", **environment}).splitlines()


def test_an_import_brings_no_openmp_runtime() -> None:
    assert printed_by(
        "import simdnn, simdnn.functional as F, numpy as np\n"
        "simdnn.set_num_threads(2); F.tanh(np.ones(10**6))\n"
        "print(mapped(), simdnn.show_config('dicts')['openmp'])"
    ) == ["[] []"]


@needs_module
@pytest.mark.parametrize("choice", ["import", "call"])
def test_the_openmp_layer_loads_one_runtime(choice: str) -> None:
    environment = {"SIMDNN_THREADING": "openmp" if choice == "import" else ""}
    script = "import simdnn\n"
    script += "simdnn.set_threading_layer('openmp')\n" if choice == "call" else ""
    layer, same, count = printed_by(
        script + "config = simdnn.show_config('dicts')\n"
        "same = [os.path.realpath(path) for path in config['openmp']] == mapped()\n"
        "print(config['threading_layer'], same, len(mapped()), sep='\\n')",
        **environment,
    )
    assert (layer, same, count) == ("openmp", "True", "1")


def test_the_openmp_layer_uses_the_runtime_that_is_loaded() -> None:
    """The layer uses scikit-learn's runtime, and simdnn then does not load its module."""
    pytest.importorskip("sklearn", reason="needs the extra [test]: scikit-learn, which brings OpenMP")
    layer, unchanged, answer = printed_by(
        WITHOUT_MODULE
        + "import sklearn.utils.parallel, simdnn, simdnn.functional as F, numpy as np\n"
        + "before = mapped(); simdnn.set_num_threads(2); x = np.arange(1e6) / 1e5; right = F.tanh(x)\n"
        + "simdnn.set_threading_layer('openmp'); print(simdnn.show_config('dicts')['threading_layer'])\n"
        + "print(len(before) == 1 and mapped() == before, (F.tanh(x) == right).all(), sep='\\n')"
    )
    assert (layer, unchanged, answer) == ("openmp", "True", "True")


def test_without_a_runtime_the_error_names_the_module() -> None:
    script = WITHOUT_MODULE + "import simdnn; simdnn.set_threading_layer('openmp')"
    done = start(["-c", script], 60, {"SIMDNN_THREADING": ""})
    message = done.stderr.strip().splitlines()[-1]
    assert message.startswith("ImportError: threading layer 'openmp'")
    assert "simdnn._openmp" in message


@pytest.mark.parametrize("layer", ["omp", "OpenMP", "tbb"])
def test_an_unknown_layer_is_an_import_error(layer: str) -> None:
    done = start(["-c", "import simdnn"], 60, {"SIMDNN_THREADING": layer})
    assert done.returncode != 0
    message = done.stderr.strip().splitlines()[-1]
    assert message.startswith(f"ImportError: simdnn: SIMDNN_THREADING={layer!r}")
    assert "pool, openmp" in message


def test_an_empty_layer_is_the_pool() -> None:
    assert printed_by("import simdnn; print(simdnn.show_config('dicts')['threading_layer'])") == ["pool"]


@pytest.mark.parametrize("layer", ["omp", "", None, 2])
def test_set_threading_layer_refuses_other_words(layer: object) -> None:
    with pytest.raises(ValueError, match=r"layer: expected 'pool' or 'openmp', got") as caught:
        simdnn.set_threading_layer(layer)
    assert repr(layer) in str(caught.value)


def test_without_a_runtime_omp_num_threads_is_read_at_each_call() -> None:
    assert printed_by(
        "import simdnn; os.environ['OMP_NUM_THREADS'] = '1'; print(simdnn.get_num_threads())",
        OMP_NUM_THREADS="2",
    ) == ["1"]


def test_a_runtime_that_comes_later_does_not_lower_a_request() -> None:
    pytest.importorskip("sklearn", reason="needs the extra [test]: scikit-learn, which brings OpenMP")
    assert printed_by(
        "os.environ.pop('OMP_NUM_THREADS', None); import simdnn; simdnn.set_num_threads(50)\n"
        "import sklearn.utils.parallel; print(len(mapped()), simdnn.get_num_threads())"
    ) == ["1 50"]


def test_info_shows_the_layer() -> None:
    shown = output_of(["-m", "simdnn", "info"], SIMDNN_THREADING="")
    assert "layer pool" in shown
