"""Fits that are ready to run, alone or many at once."""

from __future__ import annotations

from collections.abc import Sequence

from ..config import get_num_threads
from ..training import Epochs, run_together


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

    def epochs(self) -> Epochs | None:
        """The epochs as one native call, which `learn_from` ends; None if they need Python in between."""
        return None

    def learn_from(self, epochs: Epochs) -> None:
        """Sets the attributes of the estimator after a native call has trained its network."""

    def finish(self) -> None:
        """Sets the attributes that sum up the parts."""


def run_all(fits: Sequence[Fit]) -> list[Exception | None]:
    """Runs all fits, those of native epochs at once; returns the error of each, or None.

    An error of one does not end the others, but Ctrl-C does.
    """
    parts = [part for fit in fits for part in fit.parts()]
    errors = dict.fromkeys(map(id, parts), None) | errors_of(parts)
    found = []
    for fit in fits:
        found.append(next((error for part in fit.parts() if (error := errors[id(part)])), None))
        if found[-1] is None:
            fit.finish()
    return found


def errors_of(parts: Sequence[Fit]) -> dict[int, Exception]:
    """Runs fits of single networks; returns the errors by the identities of their fits."""
    errors: dict[int, Exception] = {}
    together, in_turn = [], []
    for part in parts:
        try:
            epochs = part.epochs()
            if epochs is None:
                in_turn.append(part)
            else:
                together.append((part, epochs))
        except Exception as error:
            errors[id(part)] = error
    try:
        raised = run_together([epochs for _, epochs in together], get_num_threads())
        errors |= {id(part): error for (part, _), error in zip(together, raised, strict=True) if error}
    finally:
        for part, epochs in together:
            part.learn_from(epochs)
    for part in in_turn:
        try:
            part.train()
        except Exception as error:
            errors[id(part)] = error
    return errors
