"""The commands of ``simdnn``: train on tables, handle models, show a demonstration."""

from ._main import COMMANDS, main

__all__ = ["COMMANDS", "main"]
