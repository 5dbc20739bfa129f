"""The demonstration: a network for hand-written digits, with plain NumPy beside it."""

from ._digits import main

__all__ = ["main"]
