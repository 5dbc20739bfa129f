"""The demonstration: a network for handwritten digits in simdnn, and the same network in NumPy."""

from ._digits import DESCRIPTION, add_arguments, run

__all__ = ["DESCRIPTION", "add_arguments", "run"]
