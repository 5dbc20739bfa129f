"""What is printed and stored: the machine, and a table per group with the ratios peer / simdnn."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from bench import peers
from bench.harness import OURS, Result

#: The share of disturbed samples from which on a case is reported.
DISTURBED = 0.1


def describe_machine(threads: int) -> dict[str, Any]:
    """CPU, instruction set, threads, versions and date."""
    import simdnn

    config: Any = simdnn.show_config(mode="dicts")
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "isa": config["isa"],
        "threads": threads,
        "compiler": config["compiler"],
        "system": platform.platform(),
        "versions": {"simdnn": config["version"], "Python": platform.python_version(), **peers.versions()},
        "missing": [peer.label for peer in peers.missing()],
    }


def cpu_model() -> str:
    """The processor's name as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def heading(machine: dict[str, Any]) -> str:
    """The machine in a few lines, with a note about every peer that is missing."""
    threads = "1 pinned thread" if machine["threads"] == 1 else f"{machine['threads']} pinned threads"
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    lines = [
        f"{machine['cpu']}, {machine['isa']}, {threads}, float32, {machine['date'][:10]}",
        versions,
        "median microseconds; in brackets how many times as long as simdnn",
    ]
    for peer in peers.missing():
        lines.append(f"not installed, so not timed: {peer.label} (pip install {peer.distribution})")
    return "\n".join(lines)


def progress_line(result: Result) -> str:
    """One line for one finished case."""
    times = ", ".join(f"{name} {three_digits(value)}" for name, value in result.median.items())
    return f"{result.case.group} {result.case.name}: {times} ({result.rounds} rounds)"


def tables(results: Sequence[Result], *, markdown: bool) -> str:
    """A table per group, and a note about timings not to be trusted."""
    parts = []
    for group, rows in groupby(results, key=lambda result: result.case.group):
        table = _table(group, list(rows))
        parts.append(_as_markdown(table) if markdown else _as_text(table))
    disturbed = [result for result in results if result.disturbed > DISTURBED]
    if disturbed:
        cases = ", ".join(f"{r.case.group} {r.case.name} ({r.disturbed:.0%})" for r in disturbed)
        parts.append(f"other processes disturbed these cases (share of samples), time them again: {cases}")
    return "\n\n".join(parts)


def three_digits(value: float) -> str:
    """Three significant digits, whole from 100 on."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _table(group: str, results: list[Result]) -> list[list[str]]:
    names = list(dict.fromkeys(name for result in results for name in result.median))
    has_goals = any(result.case.goal for result in results)
    table = [[group, *names, *(["goal"] if has_goals else [])]]
    for result in results:
        cells = [result.case.name, *(_cell(result, name) for name in names)]
        table.append([*cells, _goal(result)] if has_goals else cells)
    return table


def _cell(result: Result, name: str) -> str:
    if name not in result.median:
        return ""
    text = three_digits(result.median[name])
    return text if name == OURS else f"{text} ({three_digits(result.ratio(name))}x)"


def _goal(result: Result) -> str:
    goal = result.case.goal
    if goal is None:
        return ""
    reached = result.goal_ratio()
    if reached is None:
        verdict = "not measured"
    else:
        verdict = "met" if reached >= goal.ratio else f"missed: {three_digits(reached)}x"
    rivals = goal.peers[0] if len(goal.peers) == 1 else f"best of {', '.join(goal.peers)}"
    return f"{three_digits(goal.ratio)}x {rivals}: {verdict}"


def _as_text(table: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for name, *cells in table:
        padded = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), *padded]))
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _as_markdown(table: list[list[str]]) -> str:
    rule = ["---", *("---:" for _ in table[0][1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in [table[0], rule, *table[1:]])
