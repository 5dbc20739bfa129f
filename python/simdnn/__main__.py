"""The command line: ``python -m simdnn [demo | bench | info]``."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Sequence

import simdnn
from simdnn import demo

USAGE = """usage: python -m simdnn [demo | bench | info] [options]

  demo   train a network on hand-written digits, with NumPy beside it (the default; demo --help lists options)
  bench  time simdnn beside NumPy and the libraries that are installed; from a checkout
  info   print version, instruction set, threads and compiler"""


def run_bench(arguments: Sequence[str]) -> int:
    """Run the benchmarks in a fresh process, or say where they are."""
    if importlib.util.find_spec("bench") is None or importlib.util.find_spec("bench.cases_engine") is None:
        print(
            "the benchmarks are part of the source, not of the package: run `python -m bench` in a checkout",
            file=sys.stderr,
        )
        return 1
    # A fresh process: thread limits of NumPy and the peers only count before their import.
    return subprocess.call([sys.executable, "-m", "bench", *arguments])


def run_info(arguments: Sequence[str]) -> int:
    """Print the configuration."""
    if arguments:
        print(f"python -m simdnn info takes no arguments, got {' '.join(arguments)}", file=sys.stderr)
        return 2
    simdnn.show_config()
    return 0


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "demo": demo.main,
    "bench": run_bench,
    "info": run_info,
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
