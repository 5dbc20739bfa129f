"""Progress bars over epochs, where tqdm is installed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Literal

Progress = bool | Literal["auto"]


class _NoBar:
    """Stands in where no progress is shown."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exception: object) -> None:
        return None


def bar(progress: Progress, epochs: int, description: str) -> Any:
    """A tqdm bar over epochs as a context, or one of None."""
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
    return tqdm(total=epochs, desc=description, unit="epoch")


def advance(shown: Any, logs: Mapping[str, float], **words: str) -> None:
    """One epoch on, with its numbers; nothing where no bar is shown."""
    if shown is not None:
        numbers = {name: f"{value:.4f}" for name, value in logs.items()}
        shown.set_postfix({**words, **numbers}, refresh=False)
        shown.update()
