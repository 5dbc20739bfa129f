"""The count of epochs without improvement."""

from __future__ import annotations

import math
from typing import Literal

from .._utils.check import check_finite, check_int, check_name


class Patience:
    """Counts the epochs in which a metric did not improve: the rule of `EarlyStopping` by itself.

    Parameters
    ----------
    patience : int or None
        Epochs without improvement, >= 0, after which it is `over`; None is never.
    min_delta : float
        Smallest change that counts as an improvement, >= 0.
    mode : "min" or "max"
        Direction in which the metric is better.
    like : "keras" or "sklearn"
        Library whose rule counts. Keras: a value improves if it is better than `best` by more than
        `min_delta`, and only then becomes `best`; it is over after `patience` epochs in a row without (0 is
        1). scikit-learn: every better value becomes `best`, a value improves if it is better by at least
        `min_delta`, and it is over once there are more than `patience` epochs without.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind or out of its range.

    Attributes
    ----------
    best : float
        Best value so far; infinite, in the worse direction, before the first.
    waited : int
        Epochs since the last improvement.

    Examples
    --------
    >>> from simdnn import callbacks
    >>> patience = callbacks.Patience(2)
    >>> [patience.observe(loss) for loss in (3.0, 2.0, 2.5, 2.5)], patience.over
    ([True, True, False, False], True)

    Source: Prechelt 1998, "Early stopping, but when?"; `EarlyStopping` of Keras; `n_iter_no_change` and `tol`
    of scikit-learn's MLPClassifier.
    """

    def __init__(
        self,
        patience: int | None = 10,
        min_delta: float = 0.0,
        mode: Literal["min", "max"] = "min",
        like: Literal["keras", "sklearn"] = "keras",
    ) -> None:
        self.patience = None if patience is None else check_int("patience", patience, 0)
        self.min_delta = check_finite("min_delta", min_delta)
        self.mode = check_name("mode", mode, ("min", "max"))
        self.like = check_name("like", like, ("keras", "sklearn"))
        self.best = math.inf if self.mode == "min" else -math.inf
        self.waited = 0

    def observe(self, value: float) -> bool:
        """Count an epoch.

        Parameters
        ----------
        value : float
            The metric after the epoch. A NaN is never the best.

        Returns
        -------
        bool
            True if the value becomes `best`.
        """
        sign = -1.0 if self.mode == "min" else 1.0
        height, best = sign * value, sign * self.best
        if self.like == "sklearn":
            better, stalled = height > best, height < best + self.min_delta
        else:
            better = height > best + self.min_delta
            stalled = not better
        self.waited = self.waited + 1 if stalled else 0
        if better:
            self.best = float(value)
        return better

    @property
    def over(self) -> bool:
        """True if there were too many epochs without improvement."""
        if self.patience is None:
            return False
        return self.waited > self.patience if self.like == "sklearn" else self.waited >= max(1, self.patience)
