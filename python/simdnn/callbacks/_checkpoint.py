"""Files of the best epoch, or of each."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from .._utils.files import Path
from ..io import save
from ._callback import Callback, Logs, Mode, direction, monitored
from ._patience import Patience

if TYPE_CHECKING:
    from ..training import Trainer


class ModelCheckpoint(Callback):
    """Writes the trainer, or its model alone, to a file after an epoch.

    Parameters
    ----------
    path : str or path
        A safetensors file, replaced as a whole. Fields are filled in: ``"model-{epoch}-{val_loss:.3f}"`` gets
        the number of epochs that the trainer has done and the numbers of the logs.
    monitor : str
        Name of a number in the logs that says which epoch is the best.
    mode : "auto", "min" or "max"
        As in `EarlyStopping`.
    save_best_only : bool
        Write only after an epoch that is better than all before it in this fit; False is after each.
    model_only : bool
        Write the model by `simdnn.save`: for inference, or where no file can hold the loss or the optimizer.
        False is `Trainer.save`, from which `Trainer.load` resumes bit for bit; `simdnn.load` reads the model
        from either.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind; in `fit`, if the logs lack the metric or a field of the path.
    ImportError
        In `fit`, if safetensors is missing: it comes with the extra ``[io]``.
    OSError
        In `fit`, if the file cannot be written.

    Attributes
    ----------
    last_path : str or None
        File that was written last.

    Notes
    -----
    `simdnn.load_metadata` of the file holds "epoch" and "logs". Each `fit` begins without a best value.

    Examples
    --------
    >>> import os, tempfile, numpy as np, simdnn
    >>> from simdnn import callbacks, nn
    >>> x, y = np.eye(4, dtype=np.float32), np.arange(4)
    >>> trainer = simdnn.Trainer(nn.Sequential(nn.Dense(4, 4), rng=0), seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saving = callbacks.ModelCheckpoint(os.path.join(folder, "best.safetensors"), monitor="loss")
    ...     history = trainer.fit(x, y, epochs=3, callbacks=[saving])
    ...     simdnn.load_metadata(saving.last_path)["epoch"]
    3

    Source: names as in Keras.
    """

    def __init__(
        self,
        path: Path,
        monitor: str = "val_loss",
        *,
        mode: Mode = "auto",
        save_best_only: bool = True,
        model_only: bool = False,
    ) -> None:
        self.path, self.monitor, self.mode = os.fspath(path), monitor, direction(monitor, mode)
        self.save_best_only, self.model_only = bool(save_best_only), bool(model_only)
        self.last_path: str | None = None
        self._patience = Patience(None, 0.0, self.mode)

    @property
    def best(self) -> float:
        """The best value of the metric; infinite, in the worse direction, before the first."""
        return self._patience.best

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Forget the training before."""
        self._patience = Patience(None, 0.0, self.mode)

    def __call__(self, trainer: Trainer, logs: Logs) -> None:
        """Write the file, if this epoch asks for it."""
        if self.save_best_only and not self._patience.observe(monitored(self.monitor, logs)):
            return
        try:
            path = self.path.format(epoch=trainer.epochs_done, **logs)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"path: {self.path!r}: {error}; there are epoch, {', '.join(logs)}") from None
        numbers = {name: value if math.isfinite(value) else None for name, value in logs.items()}
        metadata = {"epoch": trainer.epochs_done, "logs": numbers}
        if self.model_only:
            save(trainer.model, path, metadata)
        else:
            trainer.save(path, metadata)
        self.last_path = path
