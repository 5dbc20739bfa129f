"""simdnn: small neural networks on the CPU, trained and served at the speed of the silicon.

NumPy arrays in, NumPy arrays out, the same bits on every machine. Start with
`simdnn.nn.Sequential`, `simdnn.Trainer` and `simdnn.functional`.
"""

import importlib
from typing import TYPE_CHECKING, Any

from ._core import __version__
from ._utils.hints import no_attribute
from .config import get_num_threads, set_num_threads, set_threading_layer, show_config

if TYPE_CHECKING:
    from . import c_code as c_code
    from . import callbacks, data, diagnostics, distributed, functional, init, nn, optim, plot, pretrain
    from . import io as io
    from . import losses as losses
    from . import onnx as onnx
    from . import schedules as schedules
    from . import sklearn as sklearn
    from . import table as table
    from . import tabular as tabular
    from . import training as training
    from .c_code import export_c
    from .io import from_torch, load, load_metadata, save, to_torch_state_dict
    from .nn import predict_many
    from .training import History, Trainer, fit_many, step_many

__all__ = [
    "History",
    "Trainer",
    "__version__",
    "callbacks",
    "data",
    "diagnostics",
    "distributed",
    "export_c",
    "fit_many",
    "from_torch",
    "functional",
    "get_num_threads",
    "init",
    "load",
    "load_metadata",
    "nn",
    "optim",
    "plot",
    "predict_many",
    "pretrain",
    "save",
    "schedules",
    "set_num_threads",
    "set_threading_layer",
    "show_config",
    "step_many",
    "to_torch_state_dict",
]


#: Subpackages and functions that are imported when they are first used, so that programs start fast.
_SUBPACKAGES = {
    "c_code",
    "callbacks",
    "data",
    "diagnostics",
    "distributed",
    "functional",
    "init",
    "io",
    "losses",
    "nn",
    "onnx",
    "optim",
    "plot",
    "pretrain",
    "schedules",
    "sklearn",
    "table",
    "tabular",
    "training",
}
_FUNCTIONS = {
    "History": "training",
    "Trainer": "training",
    "export_c": "c_code",
    "fit_many": "training",
    "from_torch": "io",
    "load": "io",
    "load_metadata": "io",
    "predict_many": "nn",
    "save": "io",
    "step_many": "training",
    "to_torch_state_dict": "io",
}


def __getattr__(name: str) -> Any:
    """Imports a subpackage, or the one that defines a function, at its first use."""
    if name in _SUBPACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _FUNCTIONS:
        value = getattr(importlib.import_module(f"{__name__}.{_FUNCTIONS[name]}"), name)
        globals()[name] = value
        return value
    raise no_attribute(__name__, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *_SUBPACKAGES, "config"})
