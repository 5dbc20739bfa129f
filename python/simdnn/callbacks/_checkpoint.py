"""`ModelCheckpoint`: files of the best epoch, or of each epoch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from .._utils.check import check_flag
from .._utils.files import Path, check_ending, check_writable, path_name
from ..io import save
from ._callback import Callback, Logs, Mode, direction, model_of, monitored
from ._patience import Patience

if TYPE_CHECKING:
    from ..training import Trainer


class ModelCheckpoint(Callback):
    """Writes the trainer, or only its model, to a file after the best epochs or after each epoch.

    Parameters
    ----------
    path : str, bytes or path
        File to write, in the safetensors format; an existing one is replaced atomically. Fields are filled
        in, as in ``"model-{epoch}-{val_loss:.3f}.safetensors"``, with the trainer's `epochs_done` and the
        metrics of the logs.
    monitor : str
        Name of the metric in the logs that decides which epoch is the best.
    mode : "auto", "min" or "max"
        As in `EarlyStopping`.
    save_best_only : bool
        Write only after an epoch that is better than all before it in this fit; False writes after each
        epoch.
    model_only : bool
        Write only the model, by `simdnn.save`: for inference, in an estimator of `simdnn.sklearn`, whose loss
        a file cannot hold, or with a user-defined optimizer, likewise. False writes by `Trainer.save`, from
        which `Trainer.load` resumes bit for bit. `simdnn.load` reads the model from either file.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or value; in `fit`, if the logs lack the metric or a field of the
        path, or the trainer has parts that a file cannot hold.
    ImportError
        In `fit`, if safetensors is missing: it comes with the extra ``[io]``.
    OSError
        In `fit`, if the file cannot be written, or is no regular file; before the first epoch unless the
        path has fields.

    Attributes
    ----------
    last_path : str or None
        Path of the file that was written last.

    Notes
    -----
    The metadata of the file (`simdnn.load_metadata`) has "epoch" and "logs". Each `fit` starts without a best
    value.

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

    Source: names and defaults as in Keras, `ModelCheckpoint`.
    """

    _kept = frozenset({"monitor", "mode"})
    _checks: ClassVar = {"save_best_only": check_flag, "model_only": check_flag}

    def __init__(
        self,
        path: Path,
        monitor: str = "val_loss",
        *,
        mode: Mode = "auto",
        save_best_only: bool = True,
        model_only: bool = False,
    ) -> None:
        self.path, self.monitor, self.mode = path_name(path), monitor, direction(monitor, mode)
        self.save_best_only = save_best_only
        self.model_only = model_only
        self.last_path: str | None = None
        self._patience = Patience(None, 0.0, self.mode)

    @property
    def best(self) -> float:
        """Best value of the metric; before the first epoch inf for "min", -inf for "max"."""
        return self._patience.best

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Reset the best value, and check that the file can be written if its name is known."""
        check_ending("path", self.path, ".safetensors")
        if not set("{}") & set(self.path):
            check_writable(self.path)
        self._patience = Patience(None, 0.0, self.mode)

    def __call__(self, trainer: Trainer, logs: Logs) -> None:
        """Write the file if this epoch is the best so far, or always without `save_best_only`."""
        if self.save_best_only and not self._patience.observe(monitored(self.monitor, logs)):
            return
        try:
            path = self.path.format(epoch=trainer.epochs_done, **logs)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
            raise ValueError(f"path: {self.path!r}: {error}; there are epoch, {', '.join(logs)}") from None
        numbers = {name: value if math.isfinite(value) else None for name, value in logs.items()}
        metadata = {"epoch": trainer.epochs_done, "logs": numbers}
        if self.model_only:
            save(model_of(trainer), path, metadata)
        else:
            trainer.save(path, metadata)
        self.last_path = path
