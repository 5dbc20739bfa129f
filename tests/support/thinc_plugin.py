"""A plugin of pytest under which thinc's own tests take `SimdnnOps` for its `NumpyOps`."""

import thinc.api
import thinc.backends
from simdnn.thinc import SimdnnOps
from thinc import registry


@registry.ops("NumpyOps")
class NumpyOps(SimdnnOps):
    """`SimdnnOps` under the name of thinc's default."""

    name = "numpy"


thinc.api.NumpyOps = thinc.backends.NumpyOps = NumpyOps
thinc.api.set_current_ops(NumpyOps())
