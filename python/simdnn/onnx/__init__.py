"""Export of models to ONNX and import from it; ONNX runtimes run on servers, phones and in browsers."""

from . import _recurrent as _recurrent  # registers its exporters
from ._export import export
from ._load import load

__all__ = ["export", "load"]
