"""The command line ``simdnn``: train on tables, predict, export and inspect models, run a demonstration."""

from ._main import COMMANDS, main

__all__ = ["COMMANDS", "main"]
