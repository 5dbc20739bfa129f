"""Ensembles: networks whose predictions are averaged."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.attributes import Attributes
from .._utils.check import check_finite, check_flag, check_items, check_name
from ._layer import Shape
from ._predict_many import checked_models, native_of
from ._predictor import Predictor
from ._sequential import Sequential

__all__ = ["Ensemble"]

#: The quantities that an ensemble may average.
AVERAGES = ("outputs", "probabilities")


class Ensemble(Attributes):
    """Networks whose predictions are averaged: a deep ensemble.

    The mean is sum(w y) / sum(w) of the members' outputs y. Members share the threads, and the mean adds them
    in their order, in double, so that its bits do not depend on threads or batch size.

    Parameters
    ----------
    models : sequence of Sequential or Predictor
        The members, with inputs and outputs of one shape and dtype. The ensemble reads them as they are at
        each prediction, so that they may be trained further; `freeze` copies them.
    weights : sequence of float or None
        The weight w >= 0 of each member; None weights all alike. A member of weight 0 takes no part in the
        mean.
    average : {"outputs", "probabilities"}
        The quantity that is averaged. ``"outputs"`` averages values of a regression, logits of a
        classification or the probabilities of members that end in softmax, as they are. ``"probabilities"``
        is soft voting, for members whose outputs are logits: the mean of their softmax, or for a single
        output of their sigmoid.

    Raises
    ------
    TypeError, ValueError
        If there is no member, one does not fit the first, or a weight is negative or not finite, or all of
        them are 0; the message names the place, such as ``models[2]``.

    Notes
    -----
    Where a member's output is NaN, so are the mean and the standard deviation; other outputs are not
    affected. A stateful layer that is in several members, or a member that is in the list twice, has one
    state.

    References
    ----------
    Lakshminarayanan, Pritzel & Blundell 2017, "Simple and scalable predictive uncertainty estimation using
    deep ensembles".

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn
    >>> models = [nn.Sequential(nn.Dense(3, 4, "tanh"), nn.Dense(4, 2), rng=seed) for seed in range(5)]
    >>> ensemble = nn.Ensemble(models, average="probabilities")
    >>> x = np.ones((6, 3), np.float32)
    >>> ensemble(x).sum(axis=1).round(6)
    array([1., 1., 1., 1., 1., 1.], dtype=float32)
    >>> mean, std = ensemble.predict(x, return_std=True)
    >>> std.shape, ensemble.predict_members(x).shape
    ((6, 2), (5, 6, 2))
    """

    _kept = frozenset({"models", "weights", "average", "dtype"})
    _made = _kept | {"_natives", "_input", "_output", "_scaled", "_mean", "_members"}

    def __init__(
        self,
        models: Iterable[Sequential | Predictor],
        weights: Iterable[float] | None = None,
        average: Literal["outputs", "probabilities"] = "outputs",
    ) -> None:
        self.models = checked_models(models)
        if not self.models:
            raise ValueError("models: expected at least one model, got none")
        self._natives = [native_of(model) for model in self.models]
        self.average = check_name("average", average, AVERAGES)
        first = self.models[0]
        self.dtype, self._input, self._output = wanted = _signature(first)
        for i, model in enumerate(self.models):
            if _signature(model) != wanted:
                raise ValueError(
                    f"models[{i}]: expected {_described(first)} as models[0] has, got {_described(model)}"
                )
        self.weights = _checked_weights(weights, len(self.models))
        exponent = math.frexp(max(self.weights))[1]
        self._scaled = [math.ldexp(weight, -exponent) for weight in self.weights]  # their sum is finite
        single = self.dtype == np.float32
        self._mean = _core.predict_mean_f32 if single else _core.predict_mean_f64
        self._members = _core.predict_members_f32 if single else _core.predict_members_f64

    @property
    def in_features(self) -> int:
        """The number of features of a sample, or of a time step."""
        return self._input.features

    @property
    def out_features(self) -> int:
        """The number of features of an output, or of its time steps."""
        return self._output.features

    def __len__(self) -> int:
        return len(self.models)

    def __iter__(self) -> Iterator[Sequential | Predictor]:
        return iter(self.models)

    @overload
    def __getitem__(self, index: int) -> Sequential | Predictor: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Sequential | Predictor, ...]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self.models[index]

    def __repr__(self) -> str:
        shown = [repr(model) for model in self.models]
        parts = [f"{len(shown)} x {shown[0]}" if len(set(shown)) == 1 else f"[{', '.join(shown)}]"]
        if len(set(self.weights)) > 1:
            parts.append(f"weights={list(self.weights)}")
        if self.average != AVERAGES[0]:
            parts.append(f"average={self.average!r}")
        return f"Ensemble({', '.join(parts)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.models, self.weights, self.average), self._added()

    def __call__(self, x: ArrayLike) -> NDArray[Any]:
        """The mean for `x`, see `predict`."""
        return self.predict(x)

    @overload
    def predict(
        self, x: ArrayLike, out: NDArray[Any] | None = None, *, return_std: Literal[False] = False
    ) -> NDArray[Any]: ...
    @overload
    def predict(
        self, x: ArrayLike, out: NDArray[Any] | None = None, *, return_std: Literal[True]
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    def predict(
        self, x: ArrayLike, out: NDArray[Any] | None = None, *, return_std: bool = False
    ) -> NDArray[Any] | tuple[NDArray[Any], NDArray[Any]]:
        """The mean over the members for a batch or one sample.

        Parameters
        ----------
        x : array, shape (n, in_features) or, of sequences, (n, time, in_features)
            Real numbers, which are cast to the members' dtype; one sample may be without the first axis.
        out : array of the output's shape, or None
            A C-contiguous, aligned, writeable array of the members' dtype for the mean, which may share
            memory with `x`. None makes a new array.
        return_std : bool
            True also returns the standard deviation over the members, sqrt(sum(w (y - mean)^2) / sum(w)).

        Returns
        -------
        array, shape (n, out_features) or, of sequences, (n, time, out_features)
            The mean; `out`, if it is given.
        array of the same shape
            The standard deviation, only with `return_std`.

        Raises
        ------
        TypeError, ValueError
            If an array has a different dtype or shape.
        """
        probabilities = self.average == "probabilities"
        spread = check_flag("return_std", return_std)
        return self._mean(self._natives, self._scaled, probabilities, x, out, spread)  # type: ignore[no-any-return]

    def predict_members(self, x: ArrayLike) -> NDArray[Any]:
        """The predictions of the members, of which `predict` gives the weighted mean.

        Parameters
        ----------
        x : array, shape (n, in_features) or, of sequences, (n, time, in_features)
            See `predict`.

        Returns
        -------
        array, shape (members, n, out_features) or, of sequences, (members, n, time, out_features)
            Outputs, or probabilities if the ensemble averages these. Members of weight 0 are among them.

        Raises
        ------
        TypeError, ValueError
            If `x` has a different shape or does not consist of real numbers.
        """
        return self._members(self._natives, self.average == "probabilities", x)

    def reset_states(self) -> None:
        """Resets the states of the members' stateful layers, so that the next batch may have any size."""
        for model in self.models:
            model.reset_states()

    def freeze(self) -> Ensemble:
        """An ensemble of predictors with copies of the current parameters.

        Returns
        -------
        Ensemble
            It predicts as this one does, and training the members of this one does not affect it.
        """
        frozen = [m.freeze() if isinstance(m, Sequential) else copy.copy(m) for m in self.models]
        return Ensemble(frozen, self.weights, self.average)  # type: ignore[arg-type]


def _restored(kind: type[Ensemble], *arguments: Any) -> Ensemble:
    """A copied or unpickled ensemble."""
    ensemble = kind.__new__(kind)
    Ensemble.__init__(ensemble, *arguments)
    return ensemble


def _signature(model: Sequential | Predictor) -> tuple[np.dtype[Any], Shape, Shape]:
    """The facts that all members of an ensemble share."""
    return model.dtype, model._input, model._output


def _described(model: Sequential | Predictor) -> str:
    """The facts of `_signature` for an error message."""
    return f"{model.dtype} from {model._input} to {model._output}"


def _checked_weights(weights: Iterable[float] | None, count: int) -> tuple[float, ...]:
    """The weights of so many members as floats."""
    if weights is None:
        return (1.0,) * count
    given = check_items("weights", weights, "a sequence of numbers")
    if len(given) != count:
        raise ValueError(f"weights: expected one number for each of the {count} models, got {len(given)}")
    checked = tuple(check_finite(f"weights[{i}]", weight) for i, weight in enumerate(given))
    if not any(checked):
        raise ValueError("weights: expected a number above 0 among them, got zeros")
    return checked
