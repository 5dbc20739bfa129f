"""Models to and from ONNX, the format of runtimes on phones, in browsers and on servers."""

from . import _recurrent as _recurrent  # adds its exporters
from ._export import export
from ._load import load

__all__ = ["export", "load"]
