"""A last layer that is trained with an angular margin."""

from __future__ import annotations

import functools
from typing import Any, Literal

from .._utils.check import check_int
from ..losses._margin import MarginAnnealing, large_margin_softmax, margin_annealing
from ..losses._registry import resolve
from ..schedules import Schedule
from ._dense import Dense, Initializer

__all__ = ["LargeMarginSoftmax"]


class LargeMarginSoftmax(Dense):
    """A last layer of logits x @ weight with a loss: softmax cross-entropy with an angular margin.

    ``Trainer(model)`` then trains with `simdnn.functional.large_margin_softmax` of these settings. Only
    training steps have the margin: predictions, evaluation and the accuracy of an epoch use x @ weight.

    Parameters
    ----------
    in_features, classes : int
        The weight has shape (in_features, classes); there is no bias.
    margin : float
        1, 2, 3 or 4 for ``"l_softmax"`` and ``"a_softmax"``; see `large_margin_softmax` for the others.
    variant : {"l_softmax", "a_softmax", "am_softmax", "arcface"}
    lam : float or Schedule, or four numbers
        The weight of the logit without margin: a number, a schedule of `simdnn.schedules` or
        `simdnn.functional.margin_annealing`, or the four arguments of the latter. The default begins with
        nearly no margin and reaches lam = 5 after 1,700 steps.
    scale : float or None
        The scale of logits for ``"am_softmax"`` and ``"arcface"``.
    init : str, callable or None
        The initializer of the weight, see `Dense`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind or range.

    Notes
    -----
    With another loss, or before other layers, it is a ``Dense(in_features, classes, bias=False)``.

    Source: Liu, Wen, Yu & Yang 2016, "Large-margin softmax loss for convolutional neural networks",
    arXiv:1612.02295, sections 3 and 4.

    Examples
    --------
    >>> import numpy as np, simdnn
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dense(2, 8), nn.LargeMarginSoftmax(8, 3, margin=2), rng=0)
    >>> trainer = simdnn.Trainer(model)
    >>> lowered = trainer.step(np.eye(3, 2), [0, 1, 2])
    """

    def __init__(
        self,
        in_features: int,
        classes: int,
        margin: float = 4,
        variant: Literal["l_softmax", "a_softmax", "am_softmax", "arcface"] = "l_softmax",
        lam: float | tuple[float, float, int, float] | Schedule = (1000.0, 0.12, 1, 5.0),
        scale: float | None = None,
        init: Initializer | str | None = None,
    ) -> None:
        super().__init__(in_features, check_int("classes", classes), bias=False, init=init)
        self.classes = self.out_features
        self.margin = margin
        self.variant = variant
        self.lam = lam.arguments if isinstance(lam, MarginAnnealing) else lam
        self.scale = scale
        resolve(self._loss())

    def _loss(self) -> functools.partial[Any]:
        """The loss of a `Trainer` that is given none."""
        lam = margin_annealing(*self.lam) if isinstance(self.lam, tuple) else self.lam
        return functools.partial(
            large_margin_softmax, margin=self.margin, variant=self.variant, lam=lam, scale=self.scale
        )
