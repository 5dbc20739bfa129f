"""The command line: ``python -m simdnn [demo | train | predict | export | info | bench]``."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Sequence

from simdnn import demo
from simdnn.shell import _models, _train

USAGE = """usage: python -m simdnn [demo | train | predict | export | info | bench] [options]

  demo     train a network on hand-written digits, with NumPy beside it (the default)
  train    train a network on a table: CSV, Parquet or npz
  predict  predict the rows of a table with such a network
  export   write a network as ONNX
  info     print version, instruction set, threads and compiler, or what is in a model's file
  bench    time simdnn beside NumPy and the libraries that are installed; from a checkout

Each but bench lists its options with --help."""


def run_bench(arguments: Sequence[str]) -> int:
    """Run the benchmarks in a fresh process, or say where they are."""
    if importlib.util.find_spec("bench") is None or importlib.util.find_spec("bench.cases") is None:
        print(
            "the benchmarks are part of the source, not of the package: run `python -m bench` in a checkout",
            file=sys.stderr,
        )
        return 1
    # A fresh process: thread limits of NumPy and the peers only count before their import.
    return subprocess.call([sys.executable, "-m", "bench", *arguments])


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "demo": demo.main,
    "train": _train.main,
    "predict": _models.predict,
    "export": _models.export,
    "info": _models.info,
    "bench": run_bench,
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


if __name__ == "__main__":
    sys.exit(main())
