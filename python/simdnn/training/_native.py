"""`Epochs`: a fit in one native call, ordered by a `RandomState` and ended by a `Patience`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from .. import _core
from ..callbacks import Patience
from ._epochs import Logs
from ._fits import new_fit
from ._population import in_place
from ._trainer import Trainer


class Epochs:
    """The epochs of a trainer in one native call, for front ends with rules of their own.

    Parameters
    ----------
    trainer : Trainer
    data, validation : (X, y, sample_weight), or None for no validation
        As in `Trainer.fit`.
    epochs, batch_size : int
    random : numpy.random.RandomState or None
        Generator that shuffles the order of each epoch, beginning with that of memory; it must be an MT19937.
        None leaves the order.
    patience : Patience
        Rule that ends the training, with its best value and epochs waited so far; it is not changed.
    metric : "loss" or "val_loss"
        The metric that it observes, as loss / `divisor` + `constant`. The penalty is added to the training
        loss of a trainer with ``penalty="sum"``. With "val_loss", the model ends with the parameters of the
        best epoch.

    Examples
    --------
    >>> import numpy as np, simdnn
    >>> from simdnn import callbacks, nn
    >>> from simdnn.training import Epochs
    >>> trainer = simdnn.Trainer(nn.Sequential(nn.Dense(4, 4), rng=0), seed=0)
    >>> data = np.eye(4, dtype=np.float32), np.arange(4), None
    >>> settings = {"random": np.random.RandomState(0), "patience": callbacks.Patience(None, like="sklearn")}
    >>> epochs = Epochs(trainer, data, epochs=3, batch_size=2, **settings)
    >>> epochs.run()
    >>> len(epochs.logs), epochs.stopped
    (3, False)
    """

    def __init__(
        self,
        trainer: Trainer,
        data: tuple[Any, ...],
        validation: tuple[Any, ...] | None = None,
        *,
        epochs: int,
        batch_size: int,
        random: np.random.RandomState | None,
        patience: Patience,
        metric: Literal["loss", "val_loss"] = "loss",
        divisor: float = 1.0,
        constant: float = 0.0,
    ) -> None:
        self.trainer, self.random = trainer, random
        limit = -1 if patience.patience is None else patience.patience
        like_sklearn = patience.like == "sklearn"
        stopping = _core.Stopping(
            metric, limit, patience.min_delta, like_sklearn, metric == "val_loss", patience.ties == "last"
        )
        stopping.divisor, stopping.constant = divisor, constant
        stopping.adds_penalty = trainer.penalty == "sum"
        stopping.best, stopping.waited = patience.best, patience.waited
        dataset, held_out = (None if one is None else self._dataset(*one) for one in (data, validation))
        self.fit = new_fit(trainer, dataset, None, held_out, None, epochs, batch_size, False, stopping)
        if random is not None:
            state = random.get_state(legacy=False)["state"]
            self.fit.random = _core.RandomState(state["key"], state["pos"])

    def _dataset(self, X: Any, y: Any, sample_weight: Any) -> Any:
        return self.trainer._trainer.dataset(in_place(X), y, sample_weight, 1.0)

    def run(self) -> None:
        """Trains on this thread, and on others where that pays; raises what has ended the training."""
        try:
            _core.run_fit(self.fit)
        finally:
            self._end()
        self.fit.raise_error()

    def _end(self) -> None:
        """Counts the epochs, and hands the state back to the generator."""
        self.trainer.epochs_done += len(self.fit.loss)
        if self.random is not None and (native := self.fit.random) is not None:
            state = self.random.get_state(legacy=False)
            state["state"] = {"key": native.key, "pos": native.position}
            self.random.set_state(state)

    @property
    def stopped(self) -> bool:
        """True if the rule has ended the training."""
        return self.fit.stopped

    @property
    def logs(self) -> list[Logs]:
        """The metrics of each complete epoch: "loss", "penalty" and, with validation data, "val_loss"."""
        columns = {"loss": self.fit.loss, "penalty": self.fit.penalty}
        if self.fit.validates:
            columns["val_loss"] = self.fit.val_loss
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def run_together(fits: Sequence[Epochs], n_threads: int) -> list[Exception | None]:
    """Run many fits at once, each on one thread at a time.

    Parameters
    ----------
    fits : sequence of Epochs
        Fits of trainers that share no model.
    n_threads : int

    Returns
    -------
    list
        The error that has ended each fit, or None.

    Examples
    --------
    >>> import numpy as np, simdnn
    >>> from simdnn import callbacks, nn
    >>> from simdnn.training import Epochs, run_together
    >>> trainers = [simdnn.Trainer(nn.Sequential(nn.Dense(4, 4), rng=i), seed=i) for i in range(2)]
    >>> data, patience = (np.eye(4, dtype=np.float32), np.arange(4), None), callbacks.Patience(None)
    >>> settings = {"epochs": 3, "batch_size": 2, "random": None, "patience": patience}
    >>> run_together([Epochs(trainer, data, **settings) for trainer in trainers], n_threads=2)
    [None, None]
    """
    try:
        _core.run_fits([one.fit for one in fits], n_threads, None)
    finally:
        for one in fits:
            one._end()
    errors: list[Exception | None] = []
    for one in fits:
        try:
            one.fit.raise_error()
            errors.append(None)
        except Exception as error:
            errors.append(error)
    return errors
