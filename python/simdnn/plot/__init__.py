"""Plots in one style, drawn with matplotlib: the extra ``[plot]``."""

from ._activation import activation
from ._boundary import decision_boundary
from ._calibration import calibration
from ._confusion import confusion_matrix
from ._flow import activation_flow, gradient_flow
from ._gallery import gallery
from ._history import history
from ._network import network
from ._paths import optimizer_paths
from ._rate import learning_rate_finder
from ._residuals import residuals
from ._surface import loss_surface
from ._weights import weights

__all__ = [
    "activation",
    "activation_flow",
    "calibration",
    "confusion_matrix",
    "decision_boundary",
    "gallery",
    "gradient_flow",
    "history",
    "learning_rate_finder",
    "loss_surface",
    "network",
    "optimizer_paths",
    "residuals",
    "weights",
]
