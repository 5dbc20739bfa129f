"""Training: a native step, and epochs of them with progress, history and callbacks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core, optim
from ._utils.check import check_float, check_int, check_name
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
    """Numbers of a `Trainer.fit`, one for each epoch.

    ``loss`` and ``accuracy`` are means over the epoch's steps, each before its update, and so is ``penalty``,
    of a ``Trainer(penalty="sum")``; ``val_loss`` and ``val_accuracy`` follow the epoch. Lists that do not
    apply stay empty. ``seconds`` holds the training time alone, ``steps`` the number of updates in all;
    ``stopped`` is True if a callback ended the training.

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
    penalty: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    steps: int = 0
    stopped: bool = False

    @property
    def epochs(self) -> int:
        """Number of epochs that were trained."""
        return len(self.loss)


def as_input(X: Any) -> Any:
    """Samples as native code reads them: an array, or the parts of a sparse matrix of SciPy."""
    if not hasattr(X, "tocsr"):
        return X
    X = X.tocsr()
    return X.data, X.indices, X.indptr, X.shape


def checked_places(places: ArrayLike) -> NDArray[np.intp]:
    """An order of samples, shape (n,), as native code reads it."""
    found = np.asarray(places)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise TypeError(f"order: expected integers of shape (n,), got {found.dtype} of shape {found.shape}")
    return found.astype(np.intp, copy=False)


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
        An optimizer without params, or a name; None is ``optim.Adam(lr=1e-3)``. Its ``lr`` may be
        changed between steps, or be a schedule of `simdnn.schedules`, or any function of the step; a
        `schedules.reduce_on_plateau` sees the validation loss of each epoch, or the loss if there is none.
    clip_norm, clip_value, l1, l2 : float or None
        Settings of the optimizer (see `optim.Optimizer`) that may be given here as well.
    seed : int or None
        Seeds the order of the samples in `fit` and the layers that draw: the same seed gives the same bits.
        None draws one.
    penalty : "mean" or "sum"
        Loss of a batch that l1 and l2 are added to: the mean over its samples, or their sum. With "sum" all
        of it is divided by the batch's sum of weights, as with scikit-learn's ``alpha``, and the logs and the
        history of `fit` have the penalty too.

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
        penalty: Literal["mean", "sum"] = "mean",
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
        self.penalty = check_name("penalty", penalty, ("mean", "sum"))
        self.epochs_done = 0
        make = _core.TrainerF32 if model.dtype == np.float32 else _core.TrainerF64
        optimizer._adopt({"clip_norm": clip_norm, "clip_value": clip_value, "l1": l1, "l2": l2})
        self._trainer = make(model._model, native, optimizer._config, self.seed)
        self._trainer.sums_penalty = penalty == "sum"
        optimizer._bind(self._trainer, [value.shape for value in model.parameters().values()])

    def step(self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """One update from a batch.

        Parameters
        ----------
        x : array, shape (n, in_features)
            Real numbers; cast to the model's dtype.
        y : array
            Targets: n integer classes, or shape (n, out_features) of probabilities or
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
        dataset = self._trainer.dataset(as_input(X), y, sample_weight, check_float("scale", scale))
        loss, accuracy, *_ = self._trainer.evaluate(dataset)
        return loss, accuracy if self._classifies else float("nan")

    def objective(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, *, scale: float = 1.0
    ) -> Callable[[NDArray[Any]], tuple[float, NDArray[Any]]]:
        """The mean loss over all samples and its gradient, as a function of the model's parameters.

        It is made for optimizers of whole batches: ``scipy.optimize.minimize(f, start, jac=True)``.

        Parameters
        ----------
        X, y, sample_weight, scale
            As in `fit`. They are checked once, here.

        Returns
        -------
        function
            Takes parameters as `Sequential.flat_parameters` lays them out, writes them into the model, and
            returns the loss and its gradient w.r.t. them, shape (parameters,), without the penalties.

        Examples
        --------
        >>> import numpy as np, simdnn
        >>> from simdnn import nn
        >>> model = nn.Sequential(nn.Dense(2, 2), rng=0)
        >>> f = simdnn.Trainer(model).objective(np.eye(2, dtype=np.float32), [0, 1])
        >>> loss, gradient = f(np.zeros(6))
        >>> round(loss, 4), gradient.shape
        (0.6931, (6,))
        """
        dataset = self._trainer.dataset(as_input(X), y, sample_weight, check_float("scale", scale))

        def value_and_gradient(parameters: NDArray[Any]) -> tuple[float, NDArray[Any]]:
            self.model.flat_parameters[:] = parameters
            loss = self._trainer.gradient(dataset)[0]
            return loss, self.model.flat_gradients.copy()

        return value_and_gradient

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
        order: Callable[[int], ArrayLike] | None = None,
        scale: float = 1.0,
    ) -> History:
        """Train for a number of epochs.

        Parameters
        ----------
        X : array, shape (n, in_features) or, of sequences, (n, time, in_features)
            float32, float64 and uint8 arrays are read in place and cast batch by batch, others copied. Sparse
            matrices of SciPy are read as CSR.
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
            Each is called ``callback(trainer, logs)`` after an epoch, in their order, with the numbers of the
            epoch by name; a true answer ends the training. A callback may add numbers for those after it. Its
            methods ``on_fit_begin(trainer)`` and ``on_fit_end(trainer)``, if it has them, are called before
            the first epoch and when the training ends, in whatever way. See `simdnn.callbacks`.
        progress : bool or "auto"
            A tqdm bar over the epochs; "auto" shows it on a terminal if tqdm is installed.
        shuffle : bool
            A new order of the samples for each epoch, from `seed` and the count of epochs so far.
        order : function or None
            Called with the count of epochs so far, it returns the order of the samples in the next epoch: n
            places, integers in [0, n). It replaces `shuffle`. Places may repeat, as in a bootstrap sample.
        scale : float
            A factor of `X`, of the validation's too, as each batch is read: 1/255 for images of bytes. Scale
            the inputs of later predictions alike.

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
        dataset = self._trainer.dataset(as_input(X), y, sample_weight, scale)
        validation = self._validation(validation_data, scale)
        samples = dataset.samples
        size = samples if batch_size is None else min(check_int("batch_size", batch_size), samples)
        watchers = list(callbacks)
        history = History()
        with bar(progress, epochs, "training") as shown, ExitStack() as ends:
            for watcher in watchers:
                if hasattr(watcher, "on_fit_end"):
                    ends.callback(watcher.on_fit_end, self)
                if hasattr(watcher, "on_fit_begin"):
                    watcher.on_fit_begin(self)
            for _ in range(epochs):
                self.optimizer._provide_rates(-(-samples // size))
                logs = self._epoch(history, dataset, size, shuffle if order is None else order, validation)
                advance(shown, logs)
                history.stopped = any([watcher(self, logs) for watcher in watchers])
                self.optimizer._observe(logs.get("val_loss", logs["loss"]))
                if history.stopped:
                    break
        return history

    def save(self, path: Path, metadata: Mapping[str, Any] | None = None) -> None:
        """Write the model and the state of its training to a safetensors file: see `load`.

        Parameters
        ----------
        path : str or path
            Replaced if it exists, and then as a whole.
        metadata : dict, optional
            Any data that JSON can hold; `simdnn.load_metadata` reads it.

        Raises
        ------
        TypeError
            If the optimizer's class is not one of simdnn's, or JSON cannot hold a setting of the loss.
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
            Another learning rate; needed where it was a function of yours, which no file can hold.

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

    def _validation(self, given: tuple[ArrayLike, ...] | None, scale: float) -> Any:
        """The validation data of `fit` as a native dataset, or None."""
        if given is None:
            return None
        if not isinstance(given, tuple | list) or len(given) not in (2, 3):
            raise TypeError("validation_data: expected a pair (X, y), or (X, y, sample_weight)")
        X, y, *weight = given
        return self._trainer.dataset(as_input(X), y, weight[0] if weight else None, scale)

    def _epoch(
        self,
        history: History,
        dataset: Any,
        size: int,
        order: bool | Callable[[int], ArrayLike],
        validation: Any,
    ) -> Logs:
        """One epoch; adds its numbers to the history and returns them."""
        start = time.perf_counter()
        if callable(order):
            places = checked_places(order(self.epochs_done))
            report = self._trainer.epoch_in_order(dataset, size, places)
        else:
            report = self._trainer.epoch(dataset, size, bool(order), self.epochs_done)
        loss, accuracy, _, steps, penalty = report
        history.seconds.append(time.perf_counter() - start)
        history.steps += steps
        self.epochs_done += 1
        logs = {"loss": loss, "accuracy": accuracy}
        if self.penalty == "sum":
            logs["penalty"] = penalty
        if validation is not None:
            logs["val_loss"], logs["val_accuracy"], *_ = self._trainer.evaluate(validation)
        if not self._classifies:
            logs = {name: value for name, value in logs.items() if not name.endswith("accuracy")}
        for name, value in logs.items():
            getattr(history, name).append(value)
        return logs
