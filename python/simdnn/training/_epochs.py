"""The loop over epochs of a fit: history, validation, callbacks, progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from .._utils.progress import Progress, advance, bar
from ..config import limited_threads
from ._blocks import Blocks, blocks_of
from ._history import History
from ._samples import targets

if TYPE_CHECKING:
    from ._trainer import Trainer

Logs = dict[str, float]
Callback = Callable[["Trainer", Logs], Any]
#: Native report of an epoch: mean loss, accuracy, samples, steps, mean penalty.
Report = tuple[float, float, int, int, float]


def show_data(trainer: Trainer, watchers: Sequence[Callback], X: Any, y: Any, scale: float) -> None:
    """Shows the data of a fit to the callbacks that ask for it, unless they come in blocks."""
    for watcher in watchers:
        if y is not None and hasattr(watcher, "on_fit_data"):
            watcher.on_fit_data(trainer, X, y, scale)


def run_epochs(
    trainer: Trainer,
    epochs: int,
    train: Callable[[], Report],
    validation: Any,
    watchers: Sequence[Callback],
    progress: Progress,
) -> History:
    """Trains for a number of epochs: `train()` trains one, on whatever data it knows."""
    history = History()
    with bar(progress, epochs, "training") as shown, ExitStack() as ends, limited_threads():
        for watcher in watchers:
            if hasattr(watcher, "on_fit_end"):
                ends.callback(watcher.on_fit_end, trainer)
            if hasattr(watcher, "on_fit_begin"):
                watcher.on_fit_begin(trainer)
        for _ in range(epochs):
            start = time.perf_counter()
            report = train()
            history.seconds.append(time.perf_counter() - start)
            logs = record(trainer, history, report, validation)
            advance(shown, logs)
            found = dict(logs)  # callbacks may remove what they like
            history.stopped = any([watcher(trainer, logs) for watcher in watchers])
            found |= logs
            trainer.optimizer._observe(found.get("val_loss", found["loss"]))
            if history.stopped:
                break
    return history


def record(trainer: Trainer, history: History, report: Report, validation: Any) -> Logs:
    """Adds the metrics of an epoch, and those of the validation data, to the history and returns them."""
    loss, accuracy, _, steps, penalty = report
    history.steps += steps
    trainer.epochs_done += 1
    logs = {"loss": loss, "accuracy": accuracy}
    if getattr(trainer, "penalty", None) == "sum":  # an RBM has none
        logs["penalty"] = penalty
    if validation is not None:
        logs["val_loss"], logs["val_accuracy"], *_ = evaluated(trainer, validation)
    if not trainer._classifies:
        logs = {name: value for name, value in logs.items() if not name.endswith("accuracy")}
    for name, value in logs.items():
        getattr(history, name).append(value)
    return logs


def evaluated(trainer: Trainer, data: Any) -> Report:
    """The report of an evaluation of blocks, or of a native dataset."""
    return data.evaluate() if isinstance(data, Blocks) else trainer._trainer.evaluate(data)


#: The forms of the validation data of a fit.
VALIDATION = "a pair (X, y), or (X, y, sample_weight), or an object that gives blocks"


def evaluation_data(trainer: Trainer, given: Any, scale: float) -> Any:
    """The validation data of a fit as blocks, as a native dataset, or None."""
    if given is None:
        return None
    if isinstance(given, tuple | list):
        if len(given) in (2, 3):
            X, y, *weight = given
            try:
                weights = weight[0] if weight else None
                return trainer._trainer.dataset(X, targets(trainer, y), weights, scale)
            except (TypeError, ValueError, IndexError) as error:
                if all(isinstance(part, tuple) for part in given):
                    wanted = f"{VALIDATION}, got {len(given)} pairs"
                    raise TypeError(f"validation_data: expected {wanted}") from None
                raise type(error)(f"validation_data: {error}") from None
    elif isinstance(given, Iterable) and not isinstance(given, str) and not hasattr(given, "__array__"):
        return blocks_of(trainer, "validation_data", given, scale, epochs=2)
    raise TypeError(f"validation_data: expected {VALIDATION}, got {type(given).__name__}")


def data_of(trainer: Trainer, X: Any, y: Any, sample_weight: Any, scale: float) -> Any:
    """Samples to evaluate as a native dataset or, without y, as blocks."""
    if y is None:
        return blocks_of(trainer, "X", X, scale, sample_weight)
    return trainer._trainer.dataset(X, targets(trainer, y), sample_weight, scale)
