"""Training of models: `Trainer`, many of them at once, and the `History` of their metrics."""

from ._fit_many import fit_many, step_many
from ._history import History
from ._native import Epochs, run_together
from ._trainer import Trainer

__all__ = ["Epochs", "History", "Trainer", "fit_many", "run_together", "step_many"]
