"""Versions and commands that stand in more than one file of the project's tooling agree."""

import importlib
import re

import pytest

from tests.support.processes import ROOT

pytestmark = pytest.mark.skipif(
    not (ROOT / ".github").is_dir(), reason="the source tree is not next to tests/"
)


def text(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("tool", ["ruff", "clang-format", "mypy"])
def test_pre_commit_has_the_versions_of_the_extra_lint(tool: str) -> None:
    (pinned,) = re.findall(rf'"{tool}==([\d.]+)"', text("pyproject.toml"))
    (hook,) = re.findall(rf"repo: .*{tool}.*\n\s*rev: v([\d.]+)\n", text(".pre-commit-config.yaml"))
    assert hook == pinned, f"set rev of {tool} in .pre-commit-config.yaml to v{pinned}"


def test_workflows_name_sessions_of_nox() -> None:
    sessions = re.findall(
        r'^@nox\.session(?:\(name="([\w-]+)"\))?\ndef (\w+)', text("noxfile.py"), re.MULTILINE
    )
    known = {name or function for name, function in sessions}
    workflow = text(".github/workflows/tests.yml")
    named = set(re.findall(r"nox -s ([\w-]+)", workflow))
    for words in re.findall(r"session: \[(.*)\]", workflow):
        named |= set(words.split(", "))
    assert named
    assert named <= known


def test_paths_of_tests_exist() -> None:
    files = ("noxfile.py", ".ci/run", "pyproject.toml", "CONTRIBUTING.md", "README.md")
    paths = {path for name in files for path in re.findall(r"\btests/[\w/]+(?:\.\w+)?", text(name))}
    missing = sorted(path for path in paths if not (ROOT / path).exists())
    assert not missing, f"{missing} of {files} are gone"


def test_the_console_script_is_the_command_line() -> None:
    (entry,) = re.findall(r'^simdnn = "([\w.:]+)"$', text("pyproject.toml"), re.MULTILINE)
    module, function = entry.split(":")
    main = getattr(importlib.import_module(module), function)
    assert main(["--help"]) == 0
