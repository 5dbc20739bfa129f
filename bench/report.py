"""Reports for the terminal and for files: the machine, and a table per group with ratios peer / simdnn."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from bench import peers, processor, vectors
from bench.harness import OURS, Goal, Result

#: A case with a larger fraction than this of disturbed samples is reported.
DISTURBED = 0.1
#: Number of rows in the summary.
WORST = 10
#: A goal missed by less than this fraction may be within the noise.
NOISE = 0.03


def describe_machine(threads: int, level: str | None = None) -> dict[str, Any]:
    """CPU, instruction set, threads, versions and date; ``level`` is the limit for all libraries, or None."""
    import simdnn

    config: Any = simdnn.show_config(mode="dicts")
    cpu = processor.read_processor()
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "cpu": cpu.name,
        "caches": cpu.caches,
        "cpus": os.cpu_count(),
        "isa": config["isa"],
        "isa_of_peers": level,
        "vectors_of_peers": vectors.check_peers(level),
        "threads": threads,
        "compiler": config["compiler"],
        "system": platform.platform(),
        "versions": {"simdnn": config["version"], "Python": platform.python_version(), **peers.versions()},
        "missing": [peer.label for peer in peers.missing()],
    }


def heading(machine: dict[str, Any]) -> str:
    """Lines about the machine, and one about every peer that is not installed."""
    threads = "1 pinned thread" if machine["threads"] == 1 else f"{machine['threads']} pinned threads"
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    lines = [
        f"{machine['cpu']}, level {machine['isa']}, {threads}, float32, {machine['date'][:10]}",
        allowance(machine),
        versions,
        "median microseconds; (2.0x) = takes twice as long as simdnn",
    ]
    for peer in peers.missing():
        lines.append(f"not installed, so not timed: {peer.label} (pip install {peer.distribution})")
    return "\n".join(lines)


def allowance(machine: dict[str, Any]) -> str:
    """A sentence about the instructions that the peers were allowed."""
    return vectors.describe(machine["isa_of_peers"], machine["vectors_of_peers"])


def progress_line(result: Result) -> str:
    """One line for one finished case."""
    times = ", ".join(f"{name} {three_digits(value)}" for name, value in result.median.items())
    return f"{result.case.group} {result.case.name}: {times} ({result.rounds} rounds)"


def tables(results: Sequence[Result], allowed: str, *, markdown: bool) -> str:
    """A table per group with what the peers were allowed, and a note about disturbed timings."""
    parts = []
    for group, members in groupby(results, key=lambda result: result.case.group):
        rows = list(members)
        table = _table(group, rows)
        parts.append(_as_markdown(table) if markdown else _as_text(table))
        parts += [*_notes(rows), allowed]
    return "\n\n".join([*parts, *_disturbances(results)])


def stored_tables(results: Sequence[Result]) -> dict[str, str]:
    """Markdown tables and notes by group for `RESULTS.md`, without goals."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.case.group, []).append(result)
    return {
        group: "\n\n".join(
            [_as_markdown(_table(group, rows, goals=False)), *_notes(rows), *_disturbances(rows)]
        )
        for group, rows in groups.items()
    }


def summary(results: Sequence[Result]) -> str:
    """The numbers of goals met and missed, and the rows that are furthest from their goals."""
    rows = [(result, goal, result.reached(goal)) for result in results for goal in result.case.goals]
    measured = [(result, goal, reached) for result, goal, reached in rows if reached is not None]
    if not rows:
        return ""
    missed = [reached / goal.ratio for _, goal, reached in measured if reached < goal.ratio]
    nearly = sum(share > 1 - NOISE for share in missed)
    lines = [
        f"goals: {len(measured) - len(missed)} met, {len(missed)} missed ({nearly} by less than {NOISE:.0%}),"
        f" {len(rows) - len(measured)} not measured; furthest from their goals:"
    ]
    for result, goal, reached in sorted(measured, key=lambda row: row[2] / row[1].ratio)[:WORST]:
        verdict = "met" if reached >= goal.ratio else "missed"
        lines.append(
            f"  {result.case.group} {result.case.name}: {reached:.3g}x {result.best_peer(goal)},"
            f" {verdict} {three_digits(goal.ratio)}x"
        )
    return "\n".join(lines)


def three_digits(value: float) -> str:
    """The value with three significant digits, and as an integer from 100 on."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _notes(rows: Sequence[Result]) -> list[str]:
    """The distinct notes of the cases of a table."""
    notes = dict.fromkeys(row.case.note for row in rows if row.case.note)
    return [note if isinstance(note, str) else note() for note in notes]


def _disturbances(results: Sequence[Result]) -> list[str]:
    """A note about cases that other processes disturbed, if there are any."""
    disturbed = [result for result in results if result.disturbed > DISTURBED]
    if not disturbed:
        return []
    cases = ", ".join(f"{r.case.group} {r.case.name} ({r.disturbed:.0%})" for r in disturbed)
    return [f"other processes disturbed these cases (fraction of samples); time them again: {cases}"]


def _table(group: str, results: list[Result], *, goals: bool = True) -> list[list[str]]:
    """The cells of a group's table, header first."""
    names = list(dict.fromkeys(name for result in results for name in result.median))
    has_goals = goals and any(result.case.goals for result in results)
    table = [[group, *names, *(["goal"] if has_goals else [])]]
    for result in results:
        cells = [result.case.name, *(_cell(result, name) for name in names)]
        verdicts = "; ".join(_verdict(result, goal) for goal in result.case.goals)
        table.append([*cells, verdicts] if has_goals else cells)
    return table


def _cell(result: Result, name: str) -> str:
    """The time of a contestant, with its ratio to simdnn."""
    if name not in result.median:
        return ""
    text = three_digits(result.median[name])
    return text if name == OURS else f"{text} ({three_digits(result.ratio(name))}x)"


def _verdict(result: Result, goal: Goal) -> str:
    """A goal, and whether it is met."""
    reached = result.reached(goal)
    if reached is None:
        verdict = "not measured"
    else:
        verdict = "met" if reached >= goal.ratio else f"missed: {reached:.3g}x"
    rivals = f"best of {', '.join(goal.peers)}" if len(goal.peers) > 1 else "".join(goal.peers) or "best"
    return f"{three_digits(goal.ratio)}x {rivals}: {verdict}"


def _as_text(table: list[list[str]]) -> str:
    """A table for the terminal."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for name, *cells in table:
        padded = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), *padded]))
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _as_markdown(table: list[list[str]]) -> str:
    """A table in Markdown."""
    rule = ["---", *("---:" for _ in table[0][1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in [table[0], rule, *table[1:]])
