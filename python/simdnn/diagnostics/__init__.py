"""Diagnostics of training: statistics of activations, weights and gradients by layer, with a verdict."""

from ._report import LayerReport, Report, report

__all__ = ["LayerReport", "Report", "report"]
