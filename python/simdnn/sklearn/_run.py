"""Fits that are ready to run, alone or many at once."""

from __future__ import annotations

from collections.abc import Sequence


class Fit:
    """A fit of an estimator whose data are checked and whose networks are prepared."""

    def parts(self) -> Sequence[Fit]:
        """The fits of single networks that it consists of."""
        return [self]

    def run(self) -> None:
        """Trains; Ctrl-C ends the training, and what was learned so far is kept."""
        self.train()

    def train(self) -> None:
        """Trains until the end, an error or Ctrl-C."""
        raise NotImplementedError

    def finish(self) -> None:
        """Sets the attributes that sum up the parts."""


def run_all(fits: Sequence[Fit]) -> list[Exception | None]:
    """Runs all fits; returns the error of each, or None. An error of one does not end the others."""
    errors: list[Exception | None] = []
    for fit in fits:
        error = None
        for part in fit.parts():
            try:
                part.train()
            except Exception as raised:
                error = error or raised
        if error is None:
            fit.finish()
        errors.append(error)
    return errors
