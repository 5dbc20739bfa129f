"""The exchange of gradients: weighted sums over micro-batches and ranks, with flags for what went wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..training import Trainer
from ._micro_batches import MicroBatch
from ._ranks import Ranks, fold

#: Numbers in the spare elements after the gradients, by place.
WEIGHT, LOSS, CORRECT, SAMPLES, FAILED, NOT_FINITE, WEIGHS = range(7)


class GradientExchange:
    """Averages the gradient of a trainer's step over all samples of all ranks, as the `grad_hook` of that
    step.

    The message is the gradient buffer itself: each gradient times its weight, and in the padding after the
    gradients the sums of the batch and two flags. So one sum over the ranks carries everything.

    Parameters
    ----------
    parts : int
        Micro-batches of a rank's batch.
    ordered : bool
        True adds micro-batches one after another, in the order of ranks.
    """

    def __init__(self, trainer: Trainer, ranks: Ranks, parts: int, ordered: bool) -> None:
        self._trainer, self._ranks, self._ordered = trainer, ranks, ordered
        self._viewed: Any = None  # the model whose gradients are viewed
        self._renew()
        self._rows = np.zeros((parts, self._message.size), self._message.dtype)
        self._alone = parts == ranks.size == 1
        self._part, self._bad = 0, False
        self._needs_weight = False
        self.micro_batch: MicroBatch  #: the one whose gradient comes next
        self.done = True  #: True if the other ranks have this rank's part of the step

    @property
    def gradient(self) -> NDArray[Any]:
        """The gradients of the trainer's model."""
        self._renew()
        return self._gradient

    def _renew(self) -> None:
        """Views of the gradients, of the gradients with their padding, and of the padding, once a model."""
        model = self._trainer.model
        if self._viewed is not model:
            self._viewed, self._gradient = model, model.flat_gradients
            self._message: NDArray[Any] = model._model.gradient_message
            self._tail = self._message[self._gradient.size :]

    def __getstate__(self) -> dict[str, Any]:
        """The attributes of a copy, which has views of the gradients of its own model."""
        views = ("_gradient", "_message", "_tail")
        return {name: one for name, one in vars(self).items() if name not in views} | {"_viewed": None}

    def begin(self, needs_weight: bool) -> None:
        """Begins a step, which is refused if it needs samples of some weight and no rank has any."""
        self._renew()
        self._part, self._bad, self.done, self._needs_weight = 0, False, False, needs_weight

    @np.errstate(all="ignore")
    def add(self) -> None:
        """Keeps the gradient of a micro-batch that is not the rank's last one."""
        self._weigh()
        self._rows[self._part] = self._message
        self._part += 1

    @np.errstate(all="ignore")
    def __call__(self, gradient: NDArray[Any]) -> None:
        """Replaces the gradient of the last micro-batch with that of the global batch."""
        self._weigh()
        self._sum()
        self._check()
        weight = float(self._tail[WEIGHT])
        if weight == 0:  # NaN stay NaN, for `skip_nonfinite`
            gradient *= 0
        if self._alone:
            return
        if weight > 0:
            gradient /= self._tail[WEIGHT]
        tail = self._tail
        self._trainer._trainer.batch = (
            float(tail[LOSS]),
            weight,
            int(tail[CORRECT]),
            int(tail[SAMPLES]),
            0.0,
        )

    def fail(self, error: BaseException) -> None:
        """Tells the other ranks, in place of a gradient, that this one has failed."""
        self._message[:] = 0
        self._tail[FAILED] = 1
        self._rows[:] = 0
        self._sum()
        self._ranks.gather(f"rank {self._ranks.rank}: {type(error).__name__}: {error}", "step")

    def _weigh(self) -> None:
        """Makes a weighted sum of the mean gradient, and writes the numbers after it."""
        loss, weight, correct, samples, _ = self._trainer._trainer.batch
        self._tail[:] = 0
        if self.micro_batch.empty:
            self._gradient[:] = 0
            weight = 0.0
        else:
            self._tail[: SAMPLES + 1] = weight, loss, correct, samples
        self._tail[WEIGHS] = self.micro_batch.weighs
        self._tail[NOT_FINITE] = not_finite(self._gradient)
        self._bad = self._bad or bool(self._tail[NOT_FINITE])
        if not self._alone and weight > 0:  # without weight it is that of the sum already
            self._gradient *= self._tail[WEIGHT]

    def _sum(self) -> None:
        self.done = True
        if self._ordered or len(self._rows) > 1:
            self._rows[-1] = self._message
        if self._ordered:
            self._message[:] = self._ranks.ordered_sum(self._rows, "step")
            return
        if len(self._rows) > 1:
            self._message[:] = fold(self._rows)
        self._ranks.add(self._message, "step")

    def _check(self) -> None:
        """Raises on every rank if a rank has failed, or has a gradient that is not finite."""
        if self._tail[FAILED] > 0:
            found = self._ranks.gather(None, "step")
            raise RuntimeError(f"step: {'; '.join(text for text in found if text)}; nothing was updated")
        if self._tail[NOT_FINITE] > 0 and not self._trainer.optimizer.skip_nonfinite:
            problem = "the gradient is not finite; nothing was updated"
            raise_not_finite(self._ranks, self._bad, "step", problem)
        if self._needs_weight:
            check_weighs(bool(self._tail[WEIGHS] > 0))


def check_weighs(weighs: bool) -> None:
    """Raises unless a sample of the batch has a weight."""
    if not weighs:
        raise ValueError(
            "step: expected at least one sample of a weight above 0, got none; nothing was updated"
        )


def not_finite(array: NDArray[Any]) -> bool:
    """True if an array has NaN or an infinity; a finite sum proves that it has none, in one pass."""
    with np.errstate(over="ignore", invalid="ignore"):
        return not np.isfinite(array.sum()) and not np.isfinite(array).all()


def raise_not_finite(ranks: Ranks, mine: bool, doing: str, problem: str) -> None:
    """Raises on every rank, and names those whose numbers are not finite."""
    found = [str(rank) for rank, bad in enumerate(ranks.gather(mine, doing)) if bad]
    raise FloatingPointError(f"{doing}: rank {', '.join(found)}: {problem}")
