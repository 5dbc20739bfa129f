"""Other libraries in the process: imports in either order, and arithmetic that stays as it was."""

import importlib.util
import itertools

import pytest

from tests.support.processes import run
from tests.support.sweep import LONG

#: Work in parallel by each library, which returns a number or an array to compare.
LIBRARIES = {
    "torch": "import torch\ndef torch_work():\n    torch.set_num_threads(2)\n"
    "    return (torch.arange(4e5).reshape(500, 800) @ torch.ones(800, 500)).sum().item()\n",
    "sklearn": "import sklearn.ensemble, sklearn.utils.parallel\ndef sklearn_work():\n"
    "    forest = sklearn.ensemble.HistGradientBoostingRegressor(max_iter=3)\n"
    "    return forest.fit(np.arange(4000.0).reshape(-1, 2), np.arange(2000)).predict([[3.0, 4.0]])[0]\n",
    "numexpr": "import numexpr\ndef numexpr_work():\n    z = np.arange(2e6)\n"
    "    return float(numexpr.evaluate('sum(sin(z))'))\n",
    "numpy": "def numpy_work():\n    z = np.arange(4e5).reshape(500, 800)\n    return (z @ z.T).sum()\n",
}

#: Libraries of the extra [peers]; the others come with [test].
PEERS = ("torch", "numexpr")

OURS = """
import simdnn, simdnn.functional as F
from tests.support.networks import network, samples
from tests.tools.golden import digest

def our_work():
    simdnn.set_num_threads(2)
    x, y = samples("cross_entropy", 300, 100, 10, np.float32)
    model = network([100, 256, 256, 10], dtype=np.float32)
    simdnn.Trainer(model, seed=0).fit(x, y, epochs=1, batch_size=100)
    return digest(F.sigmoid(np.arange(3e6) / 1e5), model.flat_parameters)

"""

#: Both work in turns and at once. Each gives its own bits, and no mode of the processor changes.
CHECK = """
import threading
from tests.support.processes import control_word

modes = control_word()
theirs, ours = THEIRS_work(), our_work()
for _ in range(3):
    assert (THEIRS_work(), our_work()) == (theirs, ours)
found = []
threads = [threading.Thread(target=lambda: found.append(our_work())) for _ in range(2)]
for thread in threads:
    thread.start()
assert THEIRS_work() == theirs
for thread in threads:
    thread.join()
assert found == [ours] * 2
assert control_word() == modes
print(ours)
"""


def need(library: str) -> None:
    """Skips the test without a library, which is not imported here."""
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"needs {library}")


#: Threading layers and the order of imports; both orders on both layers are a long form.
WAYS = list(itertools.product(["pool", "openmp"], ["first", "last"]))


@pytest.mark.parametrize(("threading_layer", "order"), WAYS if LONG else WAYS[1:3])
@pytest.mark.parametrize(
    "library", [pytest.param(one, marks=pytest.mark.peers if one in PEERS else ()) for one in LIBRARIES]
)
def test_a_library_and_this_one_share_a_process(library: str, threading_layer: str, order: str) -> None:
    need(library)
    both = [OURS, LIBRARIES[library]]
    script = "import warnings\nwarnings.simplefilter('error')\nimport numpy as np\n"
    script += "".join(both if order == "first" else both[::-1]) + CHECK.replace("THEIRS", library)
    alone = "import numpy as np\n" + OURS + "print(our_work())"
    layer = {"SIMDNN_THREADING": threading_layer}
    assert run(script, timeout=120, **layer) == run(alone, **layer)


ORDERS = list(itertools.permutations(("simdnn", "torch", "sklearn", "numexpr")))


@pytest.mark.peers
@pytest.mark.parametrize("order", ORDERS if LONG else ORDERS[::9], ids="-".join)
def test_any_order_of_imports_works(order: tuple[str, ...]) -> None:
    for library in order:
        need(library)
    script = "import numpy as np\n" + "".join(OURS if one == "simdnn" else LIBRARIES[one] for one in order)
    works = "".join(f"{one}_work()\n" for one in order if one != "simdnn")
    run(script + works + "our_work()\n" + works, timeout=120)
