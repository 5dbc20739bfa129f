"""The table of commands, and the choice of one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from simdnn import demo

from . import _models, _train

USAGE = """usage: python -m simdnn [demo | train | predict | export | info] [options]

  demo     train a network on hand-written digits, with NumPy beside it (the default)
  train    train a network on a table: CSV, Parquet or npz
  predict  predict the rows of a table with such a network
  export   write a network as ONNX
  info     print version, instruction set, threads and compiler, or what is in a model's file

Each lists its options with --help."""


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "demo": demo.main,
    "train": _train.main,
    "predict": _models.predict,
    "export": _models.export,
    "info": _models.info,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        The command and its options; ``sys.argv[1:]`` when left out. Options alone belong to ``demo``.

    Examples
    --------
    >>> main(["fly"])
    2
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    command = "demo" if not arguments or arguments[0].startswith("-") else arguments.pop(0)
    if command not in COMMANDS:
        print(f"unknown command {command!r}; known: {', '.join(COMMANDS)}\n\n{USAGE}", file=sys.stderr)
        return 2
    return COMMANDS[command](arguments)
