"""The loss over the steps, in few points however long the training is."""

from __future__ import annotations

from collections.abc import Sequence

#: Number of points from which on every second one is left out.
MOST_POINTS = 400


class Curve:
    """Losses of training and test at some of the steps, evenly spaced."""

    def __init__(self) -> None:
        self._points: list[tuple[int, float, float]] = []
        self._stride, self._next = 1, 0

    def add(self, steps: Sequence[int], losses: Sequence[float], test_loss: float) -> None:
        """Adds the losses of some epochs that end at these steps; the test loss is that at their end."""
        for step, loss in zip(steps, losses, strict=True):
            if step >= self._next:
                self._points.append((step, loss, test_loss))
                self._next = step + self._stride
            if len(self._points) > MOST_POINTS:
                self._points = self._points[::2]
                self._stride = max(1, 2 * (self._points[-1][0] - self._points[0][0]) // MOST_POINTS)

    def points(self) -> tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...]]:
        """Steps, losses of the training, and losses of the test, of at least one point."""
        steps, losses, tests = zip(*self._points, strict=True)
        return steps, losses, tests
