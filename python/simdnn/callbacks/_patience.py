"""`Patience`: a count of epochs without improvement."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from .._utils.attributes import Attributes
from .._utils.check import check_finite, check_flag, check_int, check_name


def check_patience(name: str, value: Any) -> int | None:
    """`value` as a number of epochs, or None for no limit."""
    return None if value is None else check_int(name, value, 0)


def check_restore(name: str, value: Any) -> bool | Literal["first", "last"]:
    """`value` as a choice of an epoch to restore: a bool, where True is "first", or one of the words."""
    if isinstance(value, str):
        if value not in ("first", "last"):
            raise ValueError(f"{name}: expected a bool, 'first' or 'last', got {value!r}")
        return value  # type: ignore[return-value]
    return check_flag(name, value)


#: Checks of settings, which may change between epochs.
CHECKS: dict[str, Callable[[str, Any], Any]] = {"patience": check_patience, "min_delta": check_finite}


class Patience(Attributes):
    """Counts epochs without improvement of a metric: the rule inside `EarlyStopping`.

    Parameters
    ----------
    patience : int or None
        Number of epochs without improvement, >= 0, after which `over` is True; None is no limit.
    min_delta : float
        Smallest change that counts as an improvement, >= 0.
    mode : "min" or "max"
        Whether smaller or larger values of the metric are better.
    like : "keras" or "sklearn"
        Library whose rule to follow. Keras: a value is an improvement if it is better than `best` by more
        than `min_delta`, and only then becomes `best`; `over` is True after `patience` epochs in a row
        without improvement (0 acts like 1). scikit-learn: every better value becomes `best`; a value is an
        improvement if it is better by at least `min_delta`; `over` is True after more than `patience` epochs
        in a row without improvement.
    ties : "first" or "last"
        Which of several epochs with the best value is the best one. With "last" a value equal to `best` takes
        its place, without being an improvement.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or value.

    Attributes
    ----------
    best : float
        Best value so far; before the first inf for "min", -inf for "max".
    waited : int
        Number of epochs since the last improvement.

    Examples
    --------
    >>> from simdnn import callbacks
    >>> patience = callbacks.Patience(2)
    >>> [patience.observe(loss) for loss in (3.0, 2.0, 2.5, 2.5)], patience.over
    ([True, True, False, False], True)

    Source: Prechelt 1998, "Early stopping, but when?"; `EarlyStopping` of Keras; `n_iter_no_change` and `tol`
    of scikit-learn's MLPClassifier.
    """

    _kept = frozenset({"mode", "like", "ties"})
    _checks: ClassVar = CHECKS

    def __init__(
        self,
        patience: int | None = 10,
        min_delta: float = 0.0,
        mode: Literal["min", "max"] = "min",
        like: Literal["keras", "sklearn"] = "keras",
        ties: Literal["first", "last"] = "first",
    ) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.mode = check_name("mode", mode, ("min", "max"))
        self.like = check_name("like", like, ("keras", "sklearn"))
        self.ties = check_name("ties", ties, ("first", "last"))
        self.best = math.inf if self.mode == "min" else -math.inf
        self.waited = 0

    def observe(self, value: float) -> bool:
        """Observe the metric of an epoch.

        Parameters
        ----------
        value : float
            Value of the metric after the epoch; NaN is never an improvement.

        Returns
        -------
        bool
            True if the value becomes `best`, or takes its place: the epoch is the best one so far.
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
        return better or (self.ties == "last" and math.isfinite(value) and value == self.best)

    @property
    def over(self) -> bool:
        """True after too many epochs without improvement."""
        if self.patience is None:
            return False
        return self.waited > self.patience if self.like == "sklearn" else self.waited >= max(1, self.patience)
