"""``python -m bench [filter ...]``: check results, then time simdnn, NumPy and every installed peer."""

from __future__ import annotations

import argparse
import importlib
import json
import re
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import front_page, harness, levels, report, results

MODULES = (
    "elementwise",
    "elementwise_calls",
    "elementwise_rows",
    "loss",
    "losses",
    "margin",
    "monitor",
    "optimizer",
    "engine",
    "exported",
    "population",
    "pretrain",
    "recurrent",
    "reinforcement",
    "layers",
    "scaling",
    "bf16",
    "serve",
    "sklearn",
    "thinc",
)


def main() -> int:
    """Run the cases that the filter matches."""
    parser = make_parser()
    options = parser.parse_args()
    cpus = harness.available_cpus()
    if not 1 <= options.threads <= cpus:
        parser.error(f"argument --threads: expected 1 to {cpus}, the available CPUs, got {options.threads}")

    if options.write and options.quick:
        parser.error("argument --write: not allowed with argument --quick, whose numbers are rough")
    levels.limit_level(options.isa)
    harness.limit_threads(options.threads)
    cases = select_cases(options.filter)
    if not cases:
        wanted = " or ".join(repr(wanted.pattern) for wanted in options.filter)
        parser.error(f"no case matches {wanted}; modules are {', '.join(MODULES)}")
    machine = report.describe_machine(options.threads, options.isa)
    print(report.heading(machine), end="\n\n", flush=True)
    measured = []
    for case in cases:
        measured.append(harness.run(case, harness.QUICK if options.quick else harness.THOROUGH))
        print(report.progress_line(measured[-1]), file=sys.stderr)
    print(
        report.tables(measured, report.allowance(machine), markdown=options.markdown),
        report.summary(measured),
        sep="\n\n",
    )
    if options.json:
        document = {"machine": machine, "results": [result.as_dict() for result in measured]}
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    if options.write:
        write(measured, machine, shlex.join(["python", "-m", "bench", *sys.argv[1:]]))
    return 0


def write(measured: Sequence[harness.Result], machine: dict[str, Any], command: str) -> None:
    """Writes the completely measured tables to `RESULTS.md`, and updates the README's six rows from it."""
    whole = Counter(case.group for case in select_cases([]))
    found = Counter(result.case.group for result in measured)
    for group in found:
        if found[group] < whole[group]:
            print(f"not written: {group}, {found[group]} of {whole[group]} cases", file=sys.stderr)
    tables = {
        results.table_name(group, machine): f"{table}\n\n{results.provenance(machine, command)}"
        for group, table in report.stored_tables(measured).items()
        if found[group] == whole[group]
    }
    if not tables:
        return
    document = results.Document.parse(results.PATH.read_text())
    document.update(machine["cpu"], results.about(machine), tables)
    results.PATH.write_text(document.render())
    front_page.PATH.write_text(front_page.update(front_page.PATH.read_text(), document))


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    about_filter = (
        "regular expressions that select cases by name: engine, '(elu|silu) N=1e6', ... (default: all)"
    )
    add("filter", nargs="*", type=pattern, help=about_filter)
    add(
        "--threads",
        type=int,
        default=1,
        metavar="N",
        help="number of CPUs and threads for every library (default: %(default)s)",
    )
    add(
        "--isa",
        choices=levels.CHOICES,
        help="highest instruction set level of every library (default: no limit)",
    )
    add(
        "--json", type=Path, metavar="PATH", help="write the results and a description of the machine as JSON"
    )
    add("--quick", action="store_true", help="measure few rounds, for rough numbers")
    add("--markdown", action="store_true", help="print Markdown tables")
    add(
        "--write",
        action="store_true",
        help="update this processor's tables in bench/RESULTS.md and the README",
    )
    return parser


def pattern(text: str) -> re.Pattern[str]:
    """A filter: a regular expression that ignores case."""
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a regular expression: {error}") from None


def select_cases(filters: Sequence[re.Pattern[str]]) -> list[harness.Case]:
    """Cases for which a filter is found in "module group name"; all cases without a filter."""
    return [
        case
        for module in MODULES
        for case in importlib.import_module(f"bench.cases.{module}").cases()
        if not filters or any(wanted.search(f"{module} {case.group} {case.name}") for wanted in filters)
    ]


if __name__ == "__main__":
    sys.exit(main())
