"""`History`: the metrics of a fit."""

from __future__ import annotations

from dataclasses import dataclass, field

from ._show import history_html, history_text


@dataclass(repr=False)
class History:
    """Metrics of a `Trainer.fit`, one number per epoch in each list.

    Attributes
    ----------
    loss, accuracy : list of float
        Means over the samples of the epoch, each computed before the update of its step; accuracy is in
        [0, 1].
    val_loss, val_accuracy : list of float
        Metrics of the validation data after the epoch; empty without validation data.
    penalty : list of float
        Mean l1 and l2 penalty; empty unless the trainer has ``penalty="sum"``.
    seconds : list of float
        Training time of the epoch, without validation and callbacks.
    steps : int
        Number of updates in all epochs together.
    stopped : bool
        True if a callback ended the training.

    Notes
    -----
    The lists of accuracies are empty for losses that are not of classes: those of regressions, and losses of
    one output for yes or no, such as ``"binary_cross_entropy_with_logits"``.

    Examples
    --------
    >>> from simdnn import History
    >>> history = History(loss=[2.0, 1.0], steps=20)
    >>> history
    <History epochs=2, steps=20, loss: 2 -> 1>
    >>> history.epochs
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

    def __repr__(self) -> str:
        return history_text(self)

    def _repr_html_(self) -> str:
        return history_html(self)
