"""The parser of all commands, and the entry point `main`."""

from __future__ import annotations

import argparse
import itertools
import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import simdnn
from simdnn import demo, playground
from simdnn._utils.hints import meant
from simdnn._utils.rows import rows_from_one

from . import _compare, _export, _models, _train, _verify
from ._common import Command

DESCRIPTION = "Small neural networks on the CPU. Without a command, the demonstration runs."

#: Commands by name, in the order of the help.
COMMANDS: dict[str, Command] = {
    "demo": Command(
        "train a network on handwritten digits and compare its speed with NumPy (default command)",
        demo.DESCRIPTION,
        demo.add_arguments,
        demo.run,
    ),
    "playground": Command(
        "watch networks while they train, on a page of the browser",
        playground.DESCRIPTION,
        playground.add_arguments,
        playground.run,
    ),
    "train": _train.TRAIN,
    "predict": _models.PREDICT,
    "compare": _compare.COMPARE,
    "export": _export.EXPORT,
    "info": _models.INFO,
    "verify": _verify.VERIFY,
}

#: Status of programs that write to a pipe which nobody reads: that of the signal SIGPIPE in a shell.
BROKEN_PIPE = 141
#: Errors that a user can correct; they are printed as one line, without a traceback.
USER_ERRORS = (ValueError, TypeError, IndexError, OSError, ImportError, MemoryError)


class Parser(argparse.ArgumentParser):
    """A parser that refuses an unknown option before it asks for those that are missing."""

    def error(self, message: str) -> NoReturn:
        """Prints the error as one line, and the way to the help, and exits with status 2."""
        self.exit(2, f"error: {message}\nThe options are listed by: {self.prog} --help\n")

    @property
    def names(self) -> set[str]:
        """The options, as they are typed."""
        return set(re.findall(r"--[\w-]+", self.format_help()))

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The options and the words that are left over, as `argparse` returns them."""
        words = list(itertools.takewhile(lambda word: word != "--", args or ()))
        given = [word.partition("=")[0] for word in words if re.match(r"--\S+(=|$)", word)]
        known = self.names
        if self.get_default("run") and (unknown := [name for name in given if name not in known]):
            self.error(f"unrecognized arguments: {' '.join(unknown)}{meant(unknown[0], known)}")
        return super().parse_known_args(args, namespace)


def build_parser() -> Parser:
    """The parser of all commands."""
    parser = Parser("simdnn", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"simdnn {simdnn.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(
            name, help=command.summary, description=command.description, allow_abbrev=False
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run, parser=subparser)
    return parser


def as_typed(error: BaseException, options: Any) -> str:
    """The message of an error on one line, in which an argument that is an option has its dashes."""
    named = isinstance(error, OSError) and error.strerror and error.filename
    message = f"{error.filename}: {error.strerror}" if named else str(error)  # type: ignore[attr-defined]
    text = rows_from_one(" ".join(message.split())) or type(error).__name__
    name, colon, rest = text.partition(": ")
    option = f"--{name.replace('_', '-')}"
    return f"{option}: {rest}" if colon and option in options.parser.names else text


class Warned(list[str]):
    """The texts of warnings, each of which is printed once, as one line on standard error."""

    def __call__(self, message: Warning | str, *_: Any) -> None:
        """Prints a warning; see `warnings.showwarning`."""
        text = rows_from_one(" ".join(str(message).split()))
        if text not in self:
            self.append(text)
            print(f"warning: {text}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        The command and its options; default ``sys.argv[1:]``. Without a command, the options are those of
        ``demo``.

    Returns
    -------
    int
        0; 2 after an error that the user can correct, whose message is on standard error; 130 after Ctrl-C;
        141 if standard output is a pipe that was closed.

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
        status = run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
        return BROKEN_PIPE
    return status


def run(arguments: Sequence[str]) -> int:
    """Runs a command with its options, prints its errors, and returns the exit status."""
    try:
        options = build_parser().parse_args(arguments)
    except SystemExit as end:  # argparse has printed the help or the error
        return int(end.code or 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.showwarning = options.warned = Warned()  # type: ignore[assignment]
            return int(options.run(options))
    except BrokenPipeError:
        raise
    except USER_ERRORS as error:
        print(f"error: {as_typed(error, options)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
