"""What goes on inside a network: gradients, activations and weights of each layer, and a verdict in words."""

from ._report import LayerReport, Report, report

__all__ = ["LayerReport", "Report", "report"]
