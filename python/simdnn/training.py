"""Training: a native step, and epochs of them with progress, history and callbacks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _core, optim
from ._utils.check import check_float, check_int
from ._utils.files import Path
from ._utils.progress import Progress, advance, bar
from .io import _checkpoint
from .losses._registry import resolve
from .nn import Dense, LargeMarginSoftmax, Sequential, Softmax

__all__ = ["History", "Trainer"]

Logs = dict[str, float]
Callback = Callable[["Trainer", Logs], Any]


@dataclass
class History:
    """What `Trainer.fit` saw, a number for each epoch.

    ``loss`` and ``accuracy`` are means over the epoch's steps, each before its update; ``val_loss`` and
    ``val_accuracy`` follow the epoch. Lists that do not apply stay empty. ``seconds`` holds the training
    time alone, ``steps`` the number of updates in all.

    Examples
    --------
    >>> from simdnn import History
    >>> History(loss=[2.0, 1.0]).epochs
    2
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    steps: int = 0

    @property
    def epochs(self) -> int:
        """How many epochs were trained."""
        return len(self.loss)


class Trainer:
    """Trains a model: each step, and each epoch of steps, is one native call.

    It runs without the GIL, but for steps of a few microseconds, which would lose more than they give.

    Parameters
    ----------
    model : Sequential
    loss : str, function, functools.partial or None
        A name (``"cross_entropy"``, ``"focal"``, ``"huber"``, ...), a loss of `simdnn.functional`, or a
        ``functools.partial`` of one with its settings, as in ``partial(F.huber_loss, delta=2.0)``. None is
        that of the last layer, if it is a `nn.LargeMarginSoftmax`, and else ``"cross_entropy"``.
    optimizer : optim.Optimizer, str or None
        One without params of its own, or a name; None is ``optim.Adam(lr=1e-3)``. Its ``lr`` may be
        changed between steps, or be a schedule of `simdnn.schedules`, or any function of the step; a
        `schedules.reduce_on_plateau` sees the validation loss of each epoch, or the loss if there is none.
    clip_norm, clip_value, l1, l2 : float or None
        Settings of the optimizer (see `optim.Optimizer`) that may be given here as well.
    seed : int or None
        Seeds the order of the samples in `fit` and the layers that draw: the same seed gives the same bits.
        None draws one.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, or a name is not known.

    Examples
    --------
    >>> import numpy as np, simdnn
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dense(2, 8, activation="tanh"), nn.Dense(8, 2), rng=0)
    >>> trainer = simdnn.Trainer(model, optimizer="adam", seed=0)
    >>> x, y = np.float32([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> history = trainer.fit(x, y, epochs=500, batch_size=4)
    >>> history.loss[-1] < history.loss[0]
    True
    """

    def __init__(
        self,
        model: Sequential,
        loss: str | Callable[..., Any] | None = None,
        optimizer: optim.Optimizer | str | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        seed: int | None = None,
    ) -> None:
        if not isinstance(model, Sequential):
            raise TypeError(f"model: expected a Sequential, got {type(model).__name__}")
        last = model.layers[-1]
        if loss is None:
            loss = last._loss() if isinstance(last, LargeMarginSoftmax) else "cross_entropy"
        native = resolve(loss)
        outputs = model.out_features
        if native.classes not in (0, outputs):
            raise ValueError(
                f"loss: expected weights for the model's {outputs} outputs, got {native.classes} of them"
            )
        if native.takes_logits and isinstance(last, Softmax):
            raise ValueError(
                f"layers[{len(model.layers) - 1}]: {last!r} gives probabilities of shape {model._output}, but"
                f" the loss {native.name!r} takes logits of shape {model._output}: leave the layer out"
            )
        if native.has_margin and not (
            isinstance(last, Dense) and not last.bias and last.activation in (None, "identity")
        ):
            raise ValueError(
                "loss: a margin needs a last layer Dense(..., bias=False) without activation, whose input it"
                f" sees as features, got {last!r}"
            )
        optimizer = optim.unbound(optimizer)
        self.model = model
        self.loss = loss
        self._classifies = native.classifies
        self.optimizer = optimizer
        self.seed = (
            int.from_bytes(os.urandom(8), "little") if seed is None else check_int("seed", seed, 0, 2**64 - 1)
        )
        self.epochs_done = 0
        make = _core.TrainerF32 if model.dtype == np.float32 else _core.TrainerF64
        optimizer._adopt({"clip_norm": clip_norm, "clip_value": clip_value, "l1": l1, "l2": l2})
        self._trainer = make(model._model, native, optimizer._config, self.seed)
        optimizer._bind(self._trainer, [value.shape for value in model.parameters().values()])

    def step(self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """One update from a batch.

        Parameters
        ----------
        x : array, shape (n, in_features)
            Real numbers; cast to the model's dtype.
        y : array
            What the loss compares with: n integer classes, or shape (n, out_features) of probabilities or
            values; for distillation the teacher's logits, or a pair of them and n classes.
        sample_weight : array, shape (n,), or None
            Weights >= 0 of the samples; their mean divides by the sum of weights.

        Returns
        -------
        float
            The loss before the update.

        Raises
        ------
        TypeError, ValueError
            If an array is of another kind or shape, or the batch is empty; nothing is changed.
        IndexError
            If a class is out of range; nothing is changed.

        Notes
        -----
        The mean divides by the sum of sample weights, times the weights of their classes where the loss has
        such; ignored samples count nothing.
        """
        if self.optimizer._schedule is not None:
            self.optimizer._provide_rates(1)
        return self._trainer.step(x, y, sample_weight)

    def evaluate(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, *, scale: float = 1.0
    ) -> tuple[float, float]:
        """The mean loss, and the share of right classes (NaN for a regression), without training.

        Arguments as in `fit`; weights count in the loss, not in the share.
        """
        dataset = self._trainer.dataset(X, y, sample_weight, check_float("scale", scale))
        loss, accuracy, *_ = self._trainer.evaluate(dataset)
        return loss, accuracy if self._classifies else float("nan")

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int,
        batch_size: int | None = 32,
        sample_weight: ArrayLike | None = None,
        validation_data: tuple[ArrayLike, ...] | None = None,
        callbacks: Iterable[Callback] = (),
        progress: Progress = "auto",
        shuffle: bool = True,
        scale: float = 1.0,
    ) -> History:
        """Train for a number of epochs.

        Parameters
        ----------
        X : array, shape (n, in_features) or, of sequences, (n, time, in_features)
            float32, float64 and uint8 arrays are read where they lie and cast batch by batch, others copied.
        y : array
            As in `step`.
        epochs : int
        batch_size : int or None
            None is batch gradient descent (all samples a step), 1 stochastic gradient descent, another
            number mini-batches. The last batch of an epoch may be smaller.
        sample_weight : array, shape (n,), or None
            As in `step`: the mean of each batch divides by the sum of its weights, and a batch whose weights
            are all 0 has no gradient. The loss of the epoch is the mean over all weights.
        validation_data : (X, y), (X, y, sample_weight) or None
            Evaluated after each epoch.
        callbacks : callables
            Each is called ``callback(trainer, logs)`` after an epoch; a true answer ends the training.
        progress : bool or "auto"
            A tqdm bar over the epochs; "auto" shows it on a terminal if tqdm is installed.
        shuffle : bool
            A new order of the samples for each epoch, from `seed` and the count of epochs so far.
        scale : float
            A factor of `X`, of the validation's too, as each batch is read: 1/255 for images of bytes. What
            the model sees later must be scaled alike.

        Returns
        -------
        History

        Raises
        ------
        TypeError, ValueError, IndexError
            If an argument is of another kind, shape or range; nothing is changed.
        ImportError
            If ``progress=True`` and tqdm is missing.
        KeyboardInterrupt
            On Ctrl-C, within 100 ms; the model is as the last whole step left it.
        """
        epochs, scale = check_int("epochs", epochs), check_float("scale", scale)
        dataset = self._trainer.dataset(X, y, sample_weight, scale)
        validation = None
        if validation_data is not None:
            if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
                raise TypeError("validation_data: expected a pair (X, y), or (X, y, sample_weight)")
            X_validation, y_validation, *weight = validation_data
            validation_weight = weight[0] if weight else None
            validation = self._trainer.dataset(X_validation, y_validation, validation_weight, scale)
        samples = dataset.samples
        size = samples if batch_size is None else min(check_int("batch_size", batch_size), samples)
        watchers = list(callbacks)
        history = History()
        with bar(progress, epochs, "training") as shown:
            for _ in range(epochs):
                self.optimizer._provide_rates(-(-samples // size))
                logs = self._epoch(history, dataset, size, bool(shuffle), validation)
                self.optimizer._observe(logs.get("val_loss", logs["loss"]))
                advance(shown, logs)
                if any([watcher(self, logs) for watcher in watchers]):
                    break
        return history

    def save(self, path: Path, metadata: Mapping[str, Any] | None = None) -> None:
        """Write the model and the state of its training to a safetensors file: see `load`.

        Parameters
        ----------
        path : str or path
            Replaced if it exists, and then as a whole.
        metadata : dict, optional
            Anything of one's own that JSON can hold; `simdnn.load_metadata` reads it.

        Raises
        ------
        TypeError
            If the optimizer is of a class of one's own, or a setting of the loss is not plain.
        ImportError
            If safetensors is missing: it comes with the extra ``[io]``.

        Notes
        -----
        `simdnn.load` reads the model alone from such a file.
        """
        _checkpoint.save(self, path, metadata)

    @classmethod
    def load(cls, path: Path, *, lr: Any = None) -> Trainer:
        """The trainer in a file of `save`: it goes on bit for bit as the saved one would have.

        Parameters
        ----------
        path : str or path
        lr : float, schedule or function, optional
            Another learning rate; needed where it was a function of one's own, which no file can hold.

        Returns
        -------
        Trainer
            With its model, optimizer, loss, seed and counts of steps and epochs.

        Raises
        ------
        ValueError
            If the content is damaged, of another kind, or does not agree with itself, or `lr` is needed.
        OSError
            If it cannot be read.
        ImportError
            If safetensors is missing: it comes with the extra ``[io]``.

        Examples
        --------
        >>> import os, tempfile, numpy as np, simdnn
        >>> from simdnn import nn
        >>> x, y = np.eye(4, dtype=np.float32), np.arange(4)
        >>> trainer = simdnn.Trainer(nn.Sequential(nn.Dense(4, 4), rng=0), seed=0)
        >>> history = trainer.fit(x, y, epochs=2, batch_size=2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "trainer.safetensors")
        ...     trainer.save(path)
        ...     other = simdnn.Trainer.load(path)
        >>> other.fit(x, y, epochs=1).loss == trainer.fit(x, y, epochs=1).loss
        True
        """
        return _checkpoint.load(cls, path, lr)

    def _epoch(self, history: History, dataset: Any, size: int, shuffle: bool, validation: Any) -> Logs:
        """One epoch; adds its numbers to the history and returns them."""
        start = time.perf_counter()
        loss, accuracy, _, steps, _ = self._trainer.epoch(dataset, size, shuffle, self.epochs_done)
        history.seconds.append(time.perf_counter() - start)
        history.steps += steps
        self.epochs_done += 1
        logs = {"loss": loss, "accuracy": accuracy}
        if validation is not None:
            logs["val_loss"], logs["val_accuracy"], *_ = self._trainer.evaluate(validation)
        if not self._classifies:
            logs = {name: value for name, value in logs.items() if not name.endswith("accuracy")}
        for name, value in logs.items():
            getattr(history, name).append(value)
        return logs
