"""The demonstration: a network for hand-written digits, and the same one in plain NumPy."""

from ._digits import DESCRIPTION, add_arguments, run

__all__ = ["DESCRIPTION", "add_arguments", "run"]
