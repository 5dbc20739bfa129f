"""Callbacks of `Trainer.fit`: early stopping, checkpoints, a CSV file of the epochs, learning rates.

A callback is called ``callback(trainer, logs)`` after each epoch, and a true answer ends the training. A
function is enough; a `Callback` is also told where a training begins and ends. Callbacks are called in their
order, and one may add numbers to ``logs`` that later ones read.
"""

from ._callback import Callback
from ._checkpoint import ModelCheckpoint
from ._early_stopping import EarlyStopping
from ._loggers import CSVLogger, LearningRateLogger
from ._patience import Patience

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "LearningRateLogger",
    "ModelCheckpoint",
    "Patience",
]
