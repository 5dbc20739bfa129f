"""The sessions of all tabs: begun, found by their keys, and ended."""

from __future__ import annotations

import threading

from ._frame import View
from ._session import LEASE, Session
from ._settings import Settings

#: Largest number of sessions; a new one ends the one that was left the longest time ago.
MOST = 16


class EndedError(Exception):
    """A session that is not there any more."""


class FullError(Exception):
    """Too many sessions."""


class Sessions:
    """Sessions by key."""

    def __init__(self, lease: float = LEASE) -> None:
        self._lease = lease
        self._views: dict[str, View] = {}
        self._lock = threading.Lock()

    def begin(self, settings: Settings, instead_of: str | None = None) -> View:
        """A new session, which replaces another one of the same tab, unless its settings are wrong.

        Raises
        ------
        FullError
            If too many tabs train.
        """
        view = View(Session(settings, self._lease))
        if instead_of is not None:
            self.end(instead_of)
        with self._lock:
            self._views = {key: one for key, one in self._views.items() if not one.session.closed}
            if full := len(self._views) >= MOST:
                oldest = max(self._views.values(), key=lambda one: one.session.idle).session
                if oldest.idle > self._lease:
                    oldest.close()
                    del self._views[oldest.key]
                    full = False
            if not full:
                self._views[view.session.key] = view
                return view
        view.session.close()
        raise FullError(f"{MOST} tabs train already: close one of them")

    def find(self, key: str) -> View:
        """The view of a session.

        Raises
        ------
        EndedError
            If it has.
        """
        with self._lock:
            view = self._views.get(key)
        if view is None or view.session.closed:
            raise EndedError("this training has ended")
        return view

    def end(self, key: str) -> None:
        """Ends a session, if it is there."""
        with self._lock:
            view = self._views.pop(key, None)
        if view is not None:
            view.session.close()

    def end_all(self, seconds: float = 1.0) -> None:
        """Ends all sessions, and waits up to some seconds for each."""
        with self._lock:
            views, self._views = list(self._views.values()), {}
        for view in views:
            view.session.close()
        for view in views:
            view.session.close(seconds)

    def __len__(self) -> int:
        """Number of sessions that have not ended."""
        with self._lock:
            return sum(not view.session.closed for view in self._views.values())
