"""`Trainer`: steps and epochs in native code, with a progress bar, history and callbacks."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core, optim
from .._utils.check import (
    check_callables,
    check_count,
    check_flag,
    check_int,
    check_name,
    check_real,
    check_size,
)
from .._utils.files import Path
from .._utils.hints import points_out_keywords, points_out_names
from .._utils.progress import Progress
from ..io import _checkpoint
from ..nn import Layer, Sequential
from ._best import best_epoch
from ._blocks import blocks_of, size_for_blocks
from ._copies import copied, set_state, state_of
from ._epochs import Callback, Report, evaluation_data, run_epochs, show_data
from ._history import History
from ._loss import checked_loss, default_loss
from ._measures import Measures
from ._rates import warn_if_frozen
from ._samples import checked_order, targets
from ._show import trainer_html, trainer_text

PENALTIES = ("mean", "sum")


@points_out_names
class Trainer(Measures):
    """Trains a model; each step, and each epoch of steps, is one native call.

    Native code runs without the GIL, except in steps of a few microseconds, where releasing it costs more
    than it gains. A network is not slower once it has learned: gradients below 2^-63 in float32, 2^-511 in
    float64, count as zero in the backward pass, and so do factors of them, as subnormal numbers are slow.
    Threads that share a trainer or its model take turns, a step or an epoch at a time.

    Parameters
    ----------
    model : Sequential
        Model to train, in place.
    loss : str, function, functools.partial or None
        A name (``"cross_entropy"``, ``"focal"``, ``"huber"``, ...), a loss of `simdnn.functional`, or a
        ``functools.partial`` of one with its settings, as in ``partial(F.huber_loss, delta=2.0)``, which are
        copied. None is the loss of the last layer if that is an `nn.LargeMarginSoftmax`, and
        ``"cross_entropy"`` otherwise.
    optimizer : optim.Optimizer, str or None
        An optimizer made without params or with groups of names (see `optim.Optimizer`), or the name of one;
        None is ``optim.Adam(lr=1e-3)``. Its ``lr`` may be changed between steps, and may be a schedule of
        `simdnn.schedules` or any function of the step. A `schedules.reduce_on_plateau` observes the
        validation loss of each epoch, or the training loss if there is no validation data.
    clip_norm, clip_value, l1, l2 : float or None
        Settings of the optimizer (see `optim.Optimizer`) that can be given here instead.
    seed : int or None
        Seed of the order of the samples in `fit` and of random layers such as dropout; the same seed gives
        the same bits. None draws a seed.
    penalty : "mean" or "sum"
        Reduction of a batch's loss to which the l1 and l2 penalties are added: the mean over its samples, or
        their sum. With "sum", loss and penalties are divided by the batch's sum of weights, as in
        scikit-learn with ``alpha``, the logs and the history of `fit` include the penalty, and in the loss
        of an epoch each batch counts by its number of samples, those without any weight left out.
    grad_hook : function or None
        Function that each step of `step` and `fit` calls as ``grad_hook(flat_gradient)``, with the model's
        `flat_gradients`, when the gradient of the mean loss of its batch is complete: it may write to the
        array, as an engine that averages gradients over processes does. Clipping, penalties and the update
        come after it. If it raises an exception, the step updates nothing and the exception is passed on.

    Attributes
    ----------
    model, optimizer, loss, seed, penalty, grad_hook
        The arguments, with their defaults filled in; `penalty` and `grad_hook` alone can be set.
    epochs_done : int
        Number of epochs trained by all calls of `fit`.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or value, or the loss does not fit the last layer.

    Notes
    -----
    A copy or pickle has a model of its own and the complete state of the training, as a file of `save` has:
    it goes on bit for bit as the original would have. In a deep copy or pickle of an object that holds the
    model or the optimizer, too, the trainer has that object's copies of them. None of them has the
    `grad_hook`, which may belong to one process: set it again.

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

    _kept = frozenset({"model", "loss", "optimizer", "seed"})
    _made = _kept | {"epochs_done", "_classifies", "_trainer"}
    _checks: ClassVar = {"epochs_done": check_count}
    _elsewhere: ClassVar = dict.fromkeys(("lr", "clip_norm", "clip_value", "l1", "l2"), "trainer.optimizer")

    @points_out_keywords
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
        *,
        grad_hook: Callable[[NDArray[Any]], object] | None = None,
    ) -> None:
        if not isinstance(model, Sequential):
            hint = ", which nn.Sequential makes a model of" if isinstance(model, Layer) else ""
            raise TypeError(f"model: expected a Sequential, got {type(model).__name__}{hint}")
        loss = default_loss(model) if loss is None else loss
        native = checked_loss(loss, model)
        optimizer, parameters = optim.unbound(optimizer), model.parameters()
        optimizer._grouped(list(parameters))  # refuses names that the model has not
        self.model = model
        self.loss = copy.deepcopy(loss) if isinstance(loss, partial) else loss
        self._classifies = native.classifies
        self.optimizer = optimizer
        self.seed = (
            int.from_bytes(os.urandom(8), "little") if seed is None else check_int("seed", seed, 0, 2**64 - 1)
        )
        check_name("penalty", penalty, PENALTIES)
        self.epochs_done = 0
        make = _core.TrainerF32 if model.dtype == np.float32 else _core.TrainerF64
        optimizer._adopt({"clip_norm": clip_norm, "clip_value": clip_value, "l1": l1, "l2": l2})
        self._trainer = make(model._model, native, optimizer._config, self.seed)
        self.penalty = penalty
        self.grad_hook = grad_hook
        optimizer._bind(self._trainer, [value.shape for value in parameters.values()], list(parameters))

    def __getstate__(self) -> dict[str, Any]:
        return state_of(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        set_state(self, Trainer, state)

    def __copy__(self) -> Trainer:
        return copied(self)

    __repr__, _repr_html_ = trainer_text, trainer_html

    @property
    def penalty(self) -> Literal["mean", "sum"]:
        """Reduction of a batch's loss to which the penalties are added; it may be set between steps."""
        return "sum" if self._trainer.sums_penalty else "mean"

    @penalty.setter
    def penalty(self, value: Literal["mean", "sum"]) -> None:
        self._trainer.sums_penalty = check_name("penalty", value, PENALTIES) == "sum"

    @property
    def grad_hook(self) -> Callable[[NDArray[Any]], object] | None:
        """Function that is called with the gradient of each step; it may be set between steps."""
        return self._trainer.gradient_hook  # type: ignore[no-any-return]

    @grad_hook.setter
    def grad_hook(self, hook: Callable[[NDArray[Any]], object] | None) -> None:
        if hook is not None and not callable(hook):
            raise TypeError(f"grad_hook: expected a function or None, got {type(hook).__name__}")
        self._trainer.set_gradient_hook(hook, self.model.flat_gradients)

    def step(self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Update the parameters once, from one batch.

        Parameters
        ----------
        x : array, shape (n, in_features) or, of sequences, (n, time, in_features)
            Real numbers; they are cast to the model's dtype, and a finite one beyond it is a ValueError, in y
            and `sample_weight`, too. A sparse matrix of SciPy is read as CSR.
        y : array
            Targets of the loss: classes as integers or booleans, shape (n,); probabilities or values, shape
            (n, out_features); for distillation the teacher's logits, or a pair of them and n classes.
        sample_weight : array, shape (n,), or None
            Weights >= 0 of the samples; None gives each the weight 1.

        Returns
        -------
        float
            The mean loss of the batch before the update.

        Raises
        ------
        TypeError, ValueError
            If an array has a wrong dtype or shape, or the batch is empty; nothing is changed.
        IndexError
            If a class is out of range; nothing is changed.

        Notes
        -----
        The mean is sum(weight * loss) / sum(weight). The weight of a sample is its sample weight, times the
        weight of its class if the loss has class weights; that of an ignored class is 0.
        """
        if self.optimizer._schedule is not None:
            self.optimizer._provide_rates(1)
        try:
            return self._trainer.step(x, y, sample_weight)
        except (TypeError, IndexError):
            if (classes := targets(self, y)) is y:
                raise
        return self._trainer.step(x, classes, sample_weight)

    @points_out_keywords
    def fit(
        self,
        X: ArrayLike | Iterable[Any],
        y: ArrayLike | None = None,
        *,
        epochs: int,
        batch_size: int | None = 32,
        sample_weight: ArrayLike | None = None,
        validation_data: tuple[ArrayLike, ...] | Iterable[Any] | None = None,
        callbacks: Iterable[Callback] = (),
        progress: Progress = "auto",
        shuffle: bool = True,
        order: Callable[[int], ArrayLike] | None = None,
        scale: float = 1.0,
        restore_best: bool | Literal["first", "last"] = False,
        monitor: Literal["val_loss", "val_accuracy", "loss"] = "val_loss",
    ) -> History:
        """Train for a number of epochs.

        Parameters
        ----------
        X : array, shape (n, in_features) or, of sequences, (n, time, in_features)
            Samples. Arrays of float32, float64 and uint8 are read in place and cast batch by batch: changes
            by callbacks show, and the ids of an `nn.Embedding` are checked in each batch. Others, and SciPy's
            sparse matrices, are copied first. So are `y`, weights and orders of any dtype: `fit` trains on
            them as they are when it is called. Or, without `y`, blocks of samples: a list or other iterable
            of ``(X, y)`` or ``(X, y, sample_weight)``, as `simdnn.data` makes of data larger than memory.
        y : array
            Targets, as in `step`.
        epochs : int
            Number of epochs, >= 1.
        batch_size : int or None
            Samples per step. None is batch gradient descent (all samples), 1 is stochastic gradient descent.
            The last batch of an epoch may be smaller.
        sample_weight : array, shape (n,), or None
            As in `step`, for each batch. A batch whose weights are all 0 has the gradient 0. The loss of the
            epoch is the weighted mean over all samples.
        validation_data : (X, y), (X, y, sample_weight), iterable of blocks or None
            Data to evaluate after each epoch. Blocks come in an object that is neither a tuple nor a list.
        callbacks : iterable of callables
            Functions that are called in order as ``callback(trainer, logs)`` after each epoch, where ``logs``
            holds the metrics of the epoch by name. Training ends if one returns a true value. A callback may
            add metrics for the callbacks after it. If it has methods ``on_fit_data(trainer, X, y, scale)``,
            ``on_fit_begin(trainer)`` and ``on_fit_end(trainer)``, they are called before the first epoch,
            and after training or an exception. See `simdnn.callbacks`.
        progress : bool or "auto"
            Show a tqdm bar over the epochs; "auto" shows it on a terminal if tqdm is installed.
        shuffle : bool
            Draw a new order of the samples for each epoch, from `seed` and `epochs_done`. Blocks keep the
            order in which they come: see `simdnn.data.shuffled`.
        order : function or None
            Function that is called with `epochs_done` and returns the order of the samples in the next epoch,
            n indices in [0, n), which may repeat as in a bootstrap sample. It replaces `shuffle`.
        scale : float
            Factor that `X`, and that of the validation data, is multiplied by when a batch is read, such as
            1/255 for uint8 images. Inputs of later predictions must be scaled by the caller.
        restore_best : bool, "first" or "last"
            Give the model the parameters and buffers of the best epoch when the training ends, however it
            ends: of the first or the last one, if several are equally good, as accuracies often are; True is
            "first". The optimizer keeps its state. A metric that is NaN ends the training. It is an
            `EarlyStopping` without patience, which is called after all other callbacks.
        monitor : "val_loss", "val_accuracy" or "loss"
            The metric by which `restore_best` tells the best epoch.

        Returns
        -------
        History

        Raises
        ------
        TypeError, ValueError, IndexError
            If an argument has a wrong type, shape or value; nothing is changed, unless only a callback or
            `order` finds it, such as an `EarlyStopping` that lacks `validation_data` after the first epoch.
        ImportError
            If ``progress=True`` and tqdm is missing.
        Exception
            An exception of an iterable of blocks comes with the block's number.
        KeyboardInterrupt
            On Ctrl-C, within 100 ms; the model has the parameters of the last complete step.

        Warns
        -----
        UserWarning
            If the rate of a schedule is 0 from a step in the first half of the fit on: schedules count steps.

        Notes
        -----
        Blocks may differ in length. Mini-batches go over their borders: the result has the bits of a fit to
        the joined arrays with ``shuffle=False``. While a block trains, a background thread loads the next
        one, so two of them are in memory, which nobody may write to. At the beginning of an epoch
        ``X.set_epoch(epochs_done)`` is called, if there is such a method.

        Examples
        --------
        >>> import numpy as np, simdnn
        >>> from simdnn import nn
        >>> x, y = np.eye(4, dtype=np.float32), np.arange(4)
        >>> trainer = simdnn.Trainer(nn.Sequential(nn.Dense(4, 4), rng=0), seed=0)
        >>> history = trainer.fit(x, y, epochs=3, batch_size=2, validation_data=(x, y))
        >>> history.epochs, history.steps, len(history.val_loss)
        (3, 6, 3)
        """
        epochs, scale = check_int("epochs", epochs), check_real("scale", scale)
        shuffle = check_flag("shuffle", shuffle)
        if order is not None and not callable(order):
            raise TypeError(f"order: expected a function or None, got {type(order).__name__}")
        if y is None:
            size = size_for_blocks(batch_size, order)
            train = partial(blocks_of(self, "X", X, scale, sample_weight, epochs).train, size)
        else:
            dataset = self._trainer.dataset(X, targets(self, y), sample_weight, scale)
            samples = dataset.samples
            size = samples if batch_size is None else check_size("batch_size", batch_size, samples)
            warn_if_frozen(self, epochs, -(-samples // size), stacklevel=3)
            train = partial(self._epoch, dataset, size, shuffle if order is None else order)
        validation = self._validation(validation_data, scale)
        watchers = check_callables("callbacks", callbacks)
        watchers += best_epoch(self, restore_best, monitor, validation is not None)
        show_data(self, watchers, X, y, scale)
        return run_epochs(self, epochs, train, validation, watchers, progress)

    def save(self, path: Path, metadata: Mapping[str, Any] | None = None) -> None:
        """Write the model and its training state to a safetensors file, which `load` reads.

        Parameters
        ----------
        path : str or path
            File to write; an existing one is replaced atomically. Its mode, group and symbolic links stay.
        metadata : dict, optional
            User data that JSON can hold; `simdnn.load_metadata` reads it.

        Raises
        ------
        TypeError
            If the optimizer is of a user-defined class, or a setting of the loss is not a value that JSON can
            hold.
        OSError
            If the file cannot be written, or is no regular file.
        ImportError
            If safetensors is missing: it comes with the extra ``[io]``.

        Notes
        -----
        `simdnn.load` reads only the model from such a file.
        """
        _checkpoint.save(self, path, metadata)

    @classmethod
    def load(cls, path: Path, *, lr: Any = None) -> Trainer:
        """Read a trainer that `save` has written; it continues bit for bit as the saved one would have.

        Parameters
        ----------
        path : str or path
        lr : float, schedule or function, optional
            Learning rate instead of the saved one; required if that was a user-defined function, which a file
            cannot hold.

        Returns
        -------
        Trainer
            A trainer with the saved model, optimizer, loss, seed, and counts of steps and epochs.

        Raises
        ------
        ValueError
            If the file is damaged, inconsistent or not of a trainer, or `lr` is required.
        OSError
            If the file cannot be read.
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

    def _validation(self, given: Any, scale: float) -> Any:
        """The validation data of `fit` as blocks, as a native dataset, or None."""
        return evaluation_data(self, given, scale)

    def _epoch(self, dataset: Any, size: int, order: bool | Callable[[int], ArrayLike]) -> Report:
        """Trains one epoch and returns its native report."""
        self.optimizer._provide_rates(-(-dataset.samples // size))
        if callable(order):
            indices = checked_order(order(self.epochs_done))
            return self._trainer.epoch_in_order(dataset, size, indices)
        return self._trainer.epoch(dataset, size, order, self.epochs_done)
