"""Diagnostics of training: statistics of activations, weights and gradients by layer, with a verdict."""

from ._measure import LayerReport
from ._monitor import Monitor, TrainingWarning
from ._report import Report, report

__all__ = ["LayerReport", "Monitor", "Report", "TrainingWarning", "report"]
