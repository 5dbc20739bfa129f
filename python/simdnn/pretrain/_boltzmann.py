"""`BernoulliRBM`: restricted Boltzmann machines."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .. import _core, optim
from .._utils.arrays import as_cpu_array
from .._utils.attributes import Attributes
from .._utils.check import check_callables, check_count, check_dtype, check_flag, check_int, check_size
from .._utils.files import Path
from .._utils.progress import Progress
from ..io import _rbm
from ..training import History
from ..training._epochs import Report, run_epochs

#: Largest number of Gibbs sampling steps per update.
MAX_GIBBS_STEPS = 1000


def binary_inputs(X: ArrayLike, features: int, dtype: DTypeLike, least: int = 1) -> NDArray[Any]:
    """X as a contiguous array [n, features], n >= `least`; raises unless its numbers are in [0, 1]."""
    x = as_cpu_array("X", X)
    if x.dtype.kind not in "biuf":
        raise TypeError(f"X: expected real numbers, got dtype {x.dtype}")
    if x.ndim != 2 or x.shape[1] != features or len(x) < least:
        raise ValueError(f"X: expected shape (n, {features}) with n >= {least}, got {x.shape}")
    if x.size and not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(f"X: expected numbers from 0 to 1, got {x.min()} to {x.max()}")
    return np.require(x, dtype, ("C", "A"))


class BernoulliRBM(Attributes):
    """A restricted Boltzmann machine of binary units, trained by contrastive divergence.

    P(h = 1 | v) = sigmoid(v @ weight + hidden_bias) and P(v = 1 | h) = sigmoid(h @ weight.T + visible_bias).
    The gradient of the weights is <v h> of the data minus <v h> after k steps of Gibbs sampling that start at
    the data, averaged over the batch. An epoch is one native call, and the same seed gives the same bits with
    any number of threads.

    Parameters
    ----------
    in_features, out_features : int
        Number of visible units and of hidden units.
    k : int
        Number of Gibbs sampling steps, from 1 to 1000.
    optimizer : optim.Optimizer, str or None
        An optimizer made without params, or the name of one; None is ``optim.SGD(lr=0.1, momentum=0.5)``.
        Its ``weight_decay`` and ``l1`` make sparser weights.
    dtype : dtype
        float32 or float64, for parameters and arithmetic.
    seed : int or None
        Seed of the initial weights, the order of the samples and the states of the units; None draws a seed.
    sample_visible : bool
        Sample binary states of the visible units instead of using their probabilities: noisier, but for long
        chains the exact gradient of the likelihood.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or value.

    Notes
    -----
    Hidden states that drive a reconstruction are sampled; reconstructions, and the hidden units in <v h>, are
    probabilities, which reduces noise (Hinton 2010, sections 3.1 to 3.3). Weights are initialized from
    N(0, 0.01^2), biases with 0 (section 8). `sklearn.neural_network.BernoulliRBM` uses persistent chains
    instead.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import pretrain
    >>> x = np.repeat(np.float32([[1, 1, 0, 0], [0, 0, 1, 1]]), 50, axis=0)
    >>> rbm = pretrain.BernoulliRBM(4, 2, seed=0)
    >>> history = rbm.fit(x, epochs=60)
    >>> history.loss[-1] < 0.1 < history.loss[0]
    True
    >>> rbm.transform(x).shape
    (100, 2)

    Source: Hinton 2002, "Training products of experts by minimizing contrastive divergence"; Hinton 2010,
    "A practical guide to training restricted Boltzmann machines", UTML TR 2010-003.
    """

    _kept = frozenset({"in_features", "out_features", "optimizer", "dtype", "seed"})
    _made = _kept | {"k", "sample_visible", "epochs_done", "_machine"}
    _checks: ClassVar = {
        "k": lambda name, value: check_int(name, value, 1, MAX_GIBBS_STEPS),
        "sample_visible": check_flag,
        "epochs_done": check_count,
    }
    _classifies = False

    def __init__(
        self,
        in_features: int,
        out_features: int,
        k: int = 1,
        optimizer: optim.Optimizer | str | None = None,
        dtype: DTypeLike = np.float32,
        seed: int | None = None,
        sample_visible: bool = False,
    ) -> None:
        self.in_features = check_int("in_features", in_features)
        self.out_features = check_int("out_features", out_features)
        self.k = k
        self.sample_visible = sample_visible
        self.dtype = check_dtype("dtype", dtype)
        if self.dtype not in (np.float32, np.float64):
            raise TypeError(f"dtype: expected float32 or float64, got {self.dtype}")
        self.optimizer = optim.unbound(optimizer, lambda: optim.SGD(lr=0.1, momentum=0.5))
        self.seed = (
            int.from_bytes(os.urandom(8), "little") if seed is None else check_int("seed", seed, 0, 2**64 - 1)
        )
        self.epochs_done = 0
        make = _core.BoltzmannF32 if self.dtype == np.float32 else _core.BoltzmannF64
        self._machine = make(self.in_features, self.out_features, self.optimizer._config, self.seed)
        parameters = self.parameters()
        self.optimizer._bind(self._machine, [value.shape for value in parameters.values()], list(parameters))
        weight = parameters["weight"]
        weight[...] = np.random.default_rng(self.seed).normal(0, 0.01, weight.shape)

    def parameters(self) -> dict[str, NDArray[Any]]:
        """Writable views of the parameters by name.

        Returns
        -------
        dict
            ``"weight"`` of shape (in_features, out_features), ``"hidden_bias"`` of shape (out_features,) and
            ``"visible_bias"`` of shape (in_features,).
        """
        visible, hidden = self.in_features, self.out_features
        weight, hidden_bias, visible_bias = np.split(
            self._machine.values, [visible * hidden, (visible + 1) * hidden]
        )
        return {
            "weight": weight.reshape(visible, hidden),
            "hidden_bias": hidden_bias,
            "visible_bias": visible_bias,
        }

    def fit(
        self,
        X: ArrayLike,
        *,
        epochs: int = 10,
        batch_size: int | None = 10,
        callbacks: Iterable[Callable[[BernoulliRBM, dict[str, float]], Any]] = (),
        progress: Progress = "auto",
    ) -> History:
        """Train for a number of epochs, starting from the current parameters.

        Parameters
        ----------
        X : array, shape (n, in_features)
            Numbers from 0 to 1: binary states, or their probabilities.
        epochs : int
            Number of epochs, >= 1.
        batch_size : int or None
            Samples per step; None takes all. Hinton 2010, section 5, advises 10 to 100.
        callbacks : iterable of callables
            Functions that are called as ``callback(rbm, logs)`` after each epoch, as in `Trainer.fit`;
            training ends if one returns a true value.
        progress : bool or "auto"
            Show a progress bar, as in `Trainer.fit`.

        Returns
        -------
        History
            Its ``loss`` is the mean squared error of the reconstructions of each epoch, before the updates.

        Raises
        ------
        TypeError, ValueError
            If an argument has a wrong type, shape or value; nothing is changed.
        ImportError
            If ``progress=True`` and tqdm is missing.
        KeyboardInterrupt
            On Ctrl-C; the parameters are those of the last complete step.
        """
        epochs = check_int("epochs", epochs)
        x = np.array(binary_inputs(X, self.in_features, self.dtype))  # callbacks may write to X
        size = len(x) if batch_size is None else check_size("batch_size", batch_size, len(x))
        watchers = check_callables("callbacks", callbacks)
        learner: Any = self  # like a trainer, to the loop over epochs and to callbacks
        return run_epochs(learner, epochs, lambda: self._epoch(x, size), None, watchers, progress)

    def _epoch(self, x: NDArray[Any], size: int) -> Report:
        """Trains one epoch and returns its report, in which the accuracy and the penalty stand for none."""
        self.optimizer._provide_rates(-(-len(x) // size))
        before = self.optimizer.steps
        loss = self._machine.epoch(x, size, self.k, self.sample_visible, self.epochs_done)
        return loss, 0.0, len(x), self.optimizer.steps - before, 0.0

    def _snapshot(self) -> tuple[NDArray[Any]]:
        """A copy of all parameters, for `_restore`."""
        return (self._machine.values.copy(),)

    def _restore(self, parameters: NDArray[Any]) -> None:
        """Sets all parameters to those of a snapshot."""
        self._machine.values[:] = parameters

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """P(h = 1 | v = X), shape (n, out_features), for X in [0, 1] of shape (n, in_features)."""
        return self._machine.transform(binary_inputs(X, self.in_features, self.dtype, least=0))

    def reconstruct(self, X: ArrayLike) -> NDArray[Any]:
        """P(v = 1 | h) for h = transform(X), shape (n, in_features), for X of that shape."""
        return self._machine.reconstruct(binary_inputs(X, self.in_features, self.dtype, least=0))

    def save(self, path: Path, metadata: Mapping[str, Any] | None = None) -> None:
        """Write the parameters and the training state to a safetensors file, which `load` reads.

        Parameters
        ----------
        path, metadata
            As in `simdnn.Trainer.save`.

        Raises
        ------
        TypeError, OSError, ImportError
            As in `simdnn.Trainer.save`.
        """
        _rbm.save(self, path, metadata)

    @classmethod
    def load(cls, path: Path, *, lr: Any = None) -> BernoulliRBM:
        """Read an RBM that `save` has written; it continues bit for bit as the saved one would have.

        Parameters
        ----------
        path, lr
            As in `simdnn.Trainer.load`.

        Returns
        -------
        BernoulliRBM

        Raises
        ------
        ValueError, OSError, ImportError
            As in `simdnn.Trainer.load`.

        Examples
        --------
        >>> import os, tempfile, numpy as np
        >>> from simdnn import pretrain
        >>> x = np.eye(4)
        >>> rbm = pretrain.BernoulliRBM(4, 2, seed=0)
        >>> history = rbm.fit(x, epochs=3)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "rbm.safetensors")
        ...     rbm.save(path)
        ...     other = pretrain.BernoulliRBM.load(path)
        >>> other.fit(x, epochs=1).loss == rbm.fit(x, epochs=1).loss
        True
        """
        return _rbm.load(cls, path, lr)

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = {name: getattr(self, name) for name in _rbm.SETTINGS} | {
            "in_features": self.in_features,
            "out_features": self.out_features,
            "optimizer": self.optimizer,
        }
        state = self._machine.values.copy(), self.optimizer.state_dict(), self.epochs_done
        return _restored, (type(self), arguments, *state), self._added()

    def __copy__(self) -> BernoulliRBM:
        make, (kind, arguments, *state), added = self.__reduce__()
        made: BernoulliRBM = make(kind, arguments | {"optimizer": copy.copy(self.optimizer)}, *state)
        vars(made).update(added or {})
        return made

    def __repr__(self) -> str:
        return (
            f"BernoulliRBM({self.in_features}, {self.out_features}, k={self.k}, optimizer={self.optimizer!r})"
        )


def _restored(
    kind: type[BernoulliRBM],
    arguments: dict[str, Any],
    values: NDArray[Any],
    state: dict[str, Any],
    epochs_done: int,
) -> BernoulliRBM:
    """An unpickled RBM, which continues as the original would."""
    rbm = kind.__new__(kind)
    BernoulliRBM.__init__(rbm, **arguments)
    rbm._machine.values[...] = values
    rbm.optimizer._restore(state)
    rbm.epochs_done = epochs_done
    return rbm
