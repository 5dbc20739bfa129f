"""A training in a thread of its own, which publishes copies of itself and waits for nobody who looks."""

from __future__ import annotations

import copy
import math
import secrets
import threading
import time
from dataclasses import dataclass, replace
from typing import Any

from .._utils.check import check_name
from ..training import History, Trainer
from ._curve import Curve
from ._data import samples
from ._network import blocks_of, make_trainer, program
from ._settings import PACES, Settings

#: Seconds without a look at a training after which it pauses, and after which it ends.
LEASE, IDLE = 3.0, 600.0
#: Seconds that the epochs between two copies take, about.
CHUNK = 0.05
#: Number of steps at which a training ends.
MOST_STEPS = 20_000_000
ACTIONS = ("run", "pause", "epoch")


@dataclass(frozen=True)
class Scores:
    """Mean losses and accuracies of all samples to train on, and of those to test on."""

    loss: float
    accuracy: float
    test_loss: float
    test_accuracy: float


@dataclass(frozen=True)
class Snapshot:
    """The state of a training at one moment, in objects that nobody changes; `speed` is in steps a second."""

    version: int
    state: str
    trainer: Trainer
    steps: int
    speed: float
    curve: tuple[tuple[float, ...], ...]
    scores: Scores


class Session:
    """The training of one tab.

    Its state is "paused" at first, then "running"; "diverged" after a loss that is not finite, "limit" after
    `MOST_STEPS`, and "failed" after an error.

    Parameters
    ----------
    settings : Settings
    lease : float
        Seconds without a call of `snapshot` after which the training pauses.
    """

    def __init__(self, settings: Settings, lease: float = LEASE) -> None:
        self.settings, self.lease, self.key = settings, lease, secrets.token_urlsafe(12)
        self.samples = samples(settings.data, settings.noise, settings.seed)
        self.blocks = blocks_of(settings, self.samples)
        self.program = program(settings, self.blocks)
        self.closed = False
        self._trainer = make_trainer(settings, self.samples, self.blocks)
        self._curve, self._speed, self._pace, self._single = Curve(), 0.0, "1000", False
        self._condition, self._seen = threading.Condition(), time.monotonic()
        scores = self._scores()
        self._curve.add([0], [scores.loss], scores.test_loss)
        curve = self._curve.points()
        self._latest = Snapshot(1, "paused", copy.copy(self._trainer), 0, 0.0, curve, scores)
        self._thread = threading.Thread(target=self._work, name="simdnn playground", daemon=True)
        self._thread.start()

    @property
    def idle(self) -> float:
        """Seconds since somebody looked."""
        return time.monotonic() - self._seen

    @property
    def training(self) -> bool:
        """True while steps are taken."""
        return self._latest.state == "running" and self.idle <= self.lease and not self.closed

    def control(self, action: str | None = None, pace: str | None = None) -> None:
        """Runs, pauses or trains one epoch; sets the pace, which is one of `PACES`.

        Raises
        ------
        TypeError, ValueError
            If the action or the pace is not known.
        """
        if action is not None:
            check_name("action", action, ACTIONS)
        if pace is not None:
            check_name("pace", pace, PACES)
        with self._condition:
            self._pace = pace or self._pace
            if action and self._latest.state in ("paused", "running"):
                self._single = action == "epoch"
                self._announce(state="paused" if action == "pause" else "running")
            self._condition.notify_all()

    def snapshot(self, seen: int, seconds: float) -> Snapshot:
        """The latest state, as soon as its version is above `seen`, or after some seconds."""
        with self._condition:
            self._seen = time.monotonic()
            self._condition.notify_all()
            self._condition.wait_for(lambda: self.closed or self._latest.version > seen, seconds)
            self._seen = time.monotonic()
            return self._latest

    def close(self, seconds: float = 0.0) -> None:
        """Ends the training, and waits up to some seconds for its thread."""
        with self._condition:
            self.closed = True
            self._condition.notify_all()
        self._thread.join(seconds)

    def _announce(self, **changes: Any) -> None:
        """Publishes a snapshot that differs from the latest one; the condition is held."""
        self._latest = replace(self._latest, version=self._latest.version + 1, **changes)
        self._condition.notify_all()

    def _work(self) -> None:
        """The work of the thread: epochs while the training runs."""
        epochs = 1
        try:
            while self._wait():
                epochs = self._chunk(epochs)
        except Exception:  # the page shows the state, the terminal the error
            with self._condition:
                self._announce(state="failed")
            raise

    def _wait(self) -> bool:
        """Waits until there is something to train; False if the session has ended."""
        with self._condition:
            while not (self.closed or self.training):
                self.closed = self.idle > IDLE
                self._speed = 0.0
                self._condition.wait(1.0)
            return not self.closed

    def _chunk(self, epochs: int) -> int:
        """Trains some epochs, publishes them and keeps the pace; returns how many to train next."""
        begin, pace = time.monotonic(), self._pace
        history = self._train(1 if self._single else epochs)
        spent = time.monotonic() - begin
        limit = math.inf if pace == "full" else float(pace)
        with self._condition:  # until the pace allows more, or somebody changes it or the state
            self._condition.wait_for(
                lambda: self.closed or self._pace != pace or self._latest.state != "running",
                max(0.0, history.steps / limit - spent),
            )
        now = history.steps / (time.monotonic() - begin)
        self._speed = 0.7 * self._speed + 0.3 * now if self._speed else now
        most = min(CHUNK / spent, CHUNK * limit / history.steps, 4.0)
        return max(1, round(history.epochs * most))

    def _train(self, epochs: int) -> History:
        """Trains some epochs, and publishes a copy of the trainer with the numbers of this moment."""
        s, before = self.samples, self._latest.steps
        history = self._trainer.fit(s.x, s.y, epochs=epochs, batch_size=self.settings.batch, progress=False)
        scores, steps, each = self._scores(), before + history.steps, history.steps // epochs
        self._curve.add(range(before + each, steps + 1, each), history.loss, scores.test_loss)
        found = {"trainer": copy.copy(self._trainer), "steps": steps, "speed": self._speed}
        with self._condition:
            state = self._latest.state
            if state == "running" and self._single:
                state, self._single = "paused", False
            if not math.isfinite(history.loss[-1]):
                state = "diverged"
            elif steps >= MOST_STEPS:
                state = "limit"
            self._announce(**found, state=state, curve=self._curve.points(), scores=scores)
        return history

    def _scores(self) -> Scores:
        """The scores of this moment."""
        s = self.samples
        return Scores(*self._trainer.evaluate(s.x, s.y), *self._trainer.evaluate(s.x_test, s.y_test))
