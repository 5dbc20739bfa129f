"""Errors of commands: one line each, before any work, without the numbers of the system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.processes import PATIENCE, ROOT

TRAIN = ("train", "t.csv", "--target", "y", "--out", "m.safetensors")


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (("fly",), "simdnn"),
        (("train", "t.csv"), "simdnn train"),
        ((*TRAIN, "--preset", "medium"), "simdnn train"),
        ((*TRAIN, "--epochs", "many"), "simdnn train"),
        (("predict", "--wings"), "simdnn predict"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_slip_is_one_line_and_the_way_to_the_help(
    arguments: tuple[str, ...], command: str, run: Run
) -> None:
    status, shown, errors = run(*arguments)
    first, second = errors.splitlines()
    assert (status, shown, first[:7]) == (2, [], "error: ")
    assert second == f"The options are listed by: {command} --help"


@pytest.mark.parametrize(
    "options",
    [
        ("--hidden", "32,x"),
        ("--lr", "-1"),
        ("--max-one-hot", "-1"),
        ("--dropout", "2"),
        ("--optimizer", "sgd", "--lr", "nan"),
    ],
    ids=" ".join,
)
def test_options_are_checked_before_the_table_is_read(options: tuple[str, ...], run: Run) -> None:
    Path("t.csv").write_text("not,a\ntable\n")
    status, _, errors = run(*TRAIN, *options)
    assert (status, errors.count("\n")) == (2, 1)
    assert errors.startswith(f"error: {options[-2]}: ")


@pytest.mark.parametrize(
    "arguments", [("train", "no.csv", *TRAIN[2:]), ("info", "no.csv"), ("predict", "no.csv", "t.csv")]
)
def test_a_file_that_is_not_there_is_named(arguments: tuple[str, ...], run: Run) -> None:
    assert run(*arguments)[2] == "error: no.csv: No such file or directory\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGPIPE")
@pytest.mark.parametrize(("command", "statuses"), [("info", {141}), ("verify --help", {0, 141})])
def test_a_reader_that_has_gone_is_no_error(command: str, statuses: set[int]) -> None:
    """A command whose output nobody reads ends silently, with the status that a shell gives other tools.

    Python's `argparse` hides that its help was not read, if Python does not buffer its output.
    """
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "simdnn", *command.split()],
            cwd=ROOT,
            stdout=write,
            stderr=subprocess.PIPE,
            timeout=60 * PATIENCE,
            check=False,
        )
    finally:
        os.close(write)
    assert done.stderr == b""
    assert done.returncode in statuses
