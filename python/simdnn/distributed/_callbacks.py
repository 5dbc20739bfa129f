"""Callbacks of a fit on many ranks, which stop or fail together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

from ..training import Trainer
from ..training._epochs import Callback, Logs
from ._ranks import Ranks


class AgreedCallbacks:
    """One callback that calls those of its rank; training stops on all ranks if one says so on any."""

    def __init__(self, callbacks: Iterable[Callback], ranks: Ranks) -> None:
        self._callbacks, self._ranks = list(callbacks), ranks

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Begins the callbacks of this rank."""
        methods = [getattr(one, "on_fit_begin", None) for one in self._callbacks]
        self._agreed(lambda: [method(trainer) for method in methods if method is not None])

    def __call__(self, trainer: Trainer, logs: Logs) -> bool:
        """Calls the callbacks of this rank; True if one of them on any rank is true."""
        stops = self._agreed(lambda: any([callback(trainer, logs) for callback in self._callbacks]))
        return any(self._ranks.gather(bool(stops), "callbacks"))

    def on_fit_end(self, trainer: Trainer) -> None:
        """Ends the callbacks of this rank; ranks that have failed come here at other times."""
        with ExitStack() as ends:
            for one in self._callbacks:
                if hasattr(one, "on_fit_end"):
                    ends.callback(one.on_fit_end, trainer)

    def _agreed(self, call: Callable[[], Any]) -> Any:
        """The result of a call that has succeeded on every rank."""
        error, result = None, None
        try:
            result = call()
        except Exception as problem:
            error = problem
        self._ranks.agree(error, "callbacks")
        return result
