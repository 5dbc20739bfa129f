"""simdnn: small neural networks on the CPU, trained and served at the speed of the silicon.

NumPy arrays in, NumPy arrays out, the same bits on every machine. Start with
`simdnn.nn.Sequential`, `simdnn.Trainer` and `simdnn.functional`.
"""

import importlib
from typing import TYPE_CHECKING, Any

from . import callbacks, functional, init, nn, optim, schedules
from ._core import __version__
from .config import get_num_threads, set_num_threads, set_threading_layer, show_config
from .io import from_torch, load, load_metadata, save, to_torch_state_dict
from .training import History, Trainer

if TYPE_CHECKING:
    from . import diagnostics, plot, pretrain

__all__ = [
    "History",
    "Trainer",
    "__version__",
    "callbacks",
    "diagnostics",
    "from_torch",
    "functional",
    "get_num_threads",
    "init",
    "load",
    "load_metadata",
    "nn",
    "optim",
    "plot",
    "pretrain",
    "save",
    "schedules",
    "set_num_threads",
    "set_threading_layer",
    "show_config",
    "to_torch_state_dict",
]


def __getattr__(name: str) -> Any:
    """Imports optional submodules lazily."""
    if name in ("diagnostics", "plot", "pretrain"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
