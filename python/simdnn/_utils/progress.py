"""Progress bars over epochs, drawn by tqdm if it is installed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Literal

Progress = bool | Literal["auto"]


class _NoBar:
    """Context manager that stands for an absent progress bar; its value is None."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exception: object) -> None:
        return None


def bar(progress: Progress, total: int, description: str, unit: str = "epoch") -> Any:
    """Context manager of a tqdm bar over `total` units, or of None if no bar is to be shown.

    "auto" shows a bar if stderr is a terminal and tqdm is installed; True without tqdm is an ImportError.
    """
    if not isinstance(progress, bool) and progress != "auto":
        raise ValueError(f"progress: expected True, False or 'auto', got {progress!r}")
    if progress is False or (progress == "auto" and not sys.stderr.isatty()):
        return _NoBar()
    try:
        from tqdm.auto import tqdm
    except ImportError:
        if progress == "auto":
            return _NoBar()
        raise ImportError("progress=True needs tqdm: pip install 'simdnn[progress]'") from None
    return tqdm(total=total, desc=description, unit=unit)


def advance(shown: Any, logs: Mapping[str, float], **words: str) -> None:
    """Advances a bar by one epoch and shows its `logs`; does nothing if `shown` is None."""
    if shown is not None:
        numbers = {name: f"{value:.4f}" for name, value in logs.items()}
        shown.set_postfix({**words, **numbers}, refresh=False)
        shown.update()
