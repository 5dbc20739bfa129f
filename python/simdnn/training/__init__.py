"""Training of models: `Trainer`, and the `History` of its metrics."""

from ._history import History
from ._trainer import Trainer

__all__ = ["History", "Trainer"]
