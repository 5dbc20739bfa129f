"""Versions and commands that stand in more than one file of the project's tooling agree."""

import importlib
import json
import re
from importlib import metadata
from pathlib import Path

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


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
every_workflow = pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)


@every_workflow
def test_workflows_name_sessions_of_nox(workflow: Path) -> None:
    sessions = re.findall(
        r'^@nox\.session(?:\(name="([\w-]+)"\))?\ndef (\w+)', text("noxfile.py"), re.MULTILINE
    )
    known = {name or function for name, function in sessions}
    lines = workflow.read_text()
    named = {name for words in re.findall(r"nox -s ([\w -]+)", lines) for name in words.split()}
    for words in re.findall(r"session: \[(.*)\]", lines):
        named |= set(words.split(", "))
    assert named
    assert named <= known


def test_actions_are_pinned_by_hash() -> None:
    pins: dict[str, set[str]] = {}
    for workflow in WORKFLOWS:
        for line in re.findall(r"uses: (.*)", workflow.read_text()):
            found = re.fullmatch(r"([\w/-]+)@([0-9a-f]{40}  # v\d+\.\d+\.\d+)", line)
            assert found, (
                f"{workflow.name}: {line}: expected the hash of a commit, and its version as a comment"
            )
            pins.setdefault(found[1], set()).add(found[2])
    assert pins
    assert all(len(versions) == 1 for versions in pins.values()), pins


def test_the_distribution_has_its_bill_of_materials() -> None:
    try:
        files = metadata.files("simdnn") or []
    except metadata.PackageNotFoundError:
        pytest.skip("simdnn is imported from a folder, not installed")
    (bill,) = (json.loads(file.read_text()) for file in files if file.name == "simdnn.cdx.json")
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["version"] == metadata.version("simdnn")
    components = {one["bom-ref"]: one["version"] for one in bill["components"]}
    assert set(components) == {"pybind11", "numpy"}
    assert all(re.match(r"\d+\.\d+", version) for version in components.values())
    assert {one["ref"] for one in bill["dependencies"]} == {"simdnn", *components}


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
