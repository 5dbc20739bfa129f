"""Export of models to C: one header without dependencies, for controllers and for programs without Python."""

from ._export import Sizes, export_c

__all__ = ["Sizes", "export_c"]
