"""Callbacks of `Trainer.fit`: early stopping, checkpoints, CSV logs, learning rates.

A callback is called as ``callback(trainer, logs)`` after each epoch, and a true return value ends the
training. A plain function is enough; a `Callback` also has methods that run before and after a fit. Callbacks
are called in order, and one may add metrics to ``logs`` that later ones read.
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
