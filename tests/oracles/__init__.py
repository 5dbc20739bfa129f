"""Formulas of the papers in float64 NumPy or arbitrary precision, without the code under test.

A registered name needs one row: in elementwise.py, losses.py or rules.py.
"""

from tests.oracles.arithmetic import Double, Precise
from tests.oracles.elementwise import ACTIVATIONS, ELEMENTARY
from tests.oracles.losses import HEADS, LOSSES, METRICS
from tests.oracles.perceptron import Layer, backward, forward

__all__ = [
    "ACTIVATIONS",
    "ELEMENTARY",
    "HEADS",
    "LOSSES",
    "METRICS",
    "Double",
    "Layer",
    "Precise",
    "backward",
    "forward",
]
