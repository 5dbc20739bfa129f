"""The tree of commands, and the choice of one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import simdnn
from simdnn import demo

from . import _models, _train
from ._common import Command

DESCRIPTION = "Small neural networks on the CPU. Without a command, the demonstration runs."

COMMANDS: dict[str, Command] = {
    "demo": Command(
        "train a network on handwritten digits, and the same one in NumPy (the default)",
        demo.DESCRIPTION,
        demo.add_arguments,
        demo.run,
    ),
    "train": _train.TRAIN,
    "predict": _models.PREDICT,
    "export": _models.EXPORT,
    "info": _models.INFO,
}

#: Errors that a user can mend: they are one line, without a traceback.
MENDABLE = (ValueError, TypeError, IndexError, OSError, ImportError, MemoryError)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser("simdnn", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"simdnn {simdnn.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        own = commands.add_parser(name, help=command.summary, description=command.description)
        command.add_arguments(own)
        own.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        The command and its options; ``sys.argv[1:]`` when left out. Options alone belong to ``demo``.

    Returns
    -------
    int
        0, or 2 for what the user can mend, with a line on standard error.

    Examples
    --------
    >>> from simdnn.cli import main
    >>> main(["--version"])  # doctest: +ELLIPSIS
    simdnn ...
    0
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    first = arguments[0] if arguments else ""
    if not arguments or (first.startswith("-") and first not in ("-h", "--help", "--version")):
        arguments.insert(0, "demo")
    try:
        options = build_parser().parse_args(arguments)
    except SystemExit as end:  # argparse has printed the help or the error
        return int(end.code or 0)
    try:
        return int(options.run(options))
    except MENDABLE as error:
        print(f"error: {' '.join(str(error).split()) or type(error).__name__}", file=sys.stderr)
        return 2
