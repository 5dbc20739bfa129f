"""Export of models to C: one header without dependencies, for controllers and for programs without Python."""

from ._export import export_c

__all__ = ["export_c"]
