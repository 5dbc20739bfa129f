"""``python -m bench [filter]``: check answers, then time simdnn beside NumPy and every installed peer."""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
from pathlib import Path

from bench import harness, levels, report

MODULES = (
    "elementwise",
    "elementwise_calls",
    "elementwise_rows",
    "loss",
    "losses",
    "margin",
    "optimizer",
    "engine",
    "pretrain",
    "recurrent",
    "layers",
    "serve",
    "sklearn",
)


def main() -> int:
    """Run the cases that the filter matches."""
    parser = make_parser()
    options = parser.parse_args()
    cpus = harness.available_cpus()
    if not 1 <= options.threads <= cpus:
        parser.error(f"argument --threads: expected 1 to {cpus}, the CPUs at hand, got {options.threads}")

    levels.limit_level(options.isa)
    harness.limit_threads(options.threads)
    cases = select_cases(options.filter)
    if not cases:
        parser.error(f"no case matches {options.filter.pattern!r}; modules are {', '.join(MODULES)}")
    machine = report.describe_machine(options.threads, options.isa)
    print(report.heading(machine), end="\n\n", flush=True)
    results = []
    for case in cases:
        results.append(harness.run(case, harness.QUICK if options.quick else harness.THOROUGH))
        print(report.progress_line(results[-1]), file=sys.stderr)
    print(report.tables(results, markdown=options.markdown), report.summary(results), sep="\n\n")
    if options.json:
        document = {"machine": machine, "results": [result.as_dict() for result in results]}
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 0


def make_parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    about_filter = "part of a case's name, or a pattern: engine, '(elu|silu) N=1e6', ..."
    add("filter", nargs="?", default="", type=pattern, help=about_filter)
    add("--threads", type=int, default=1, metavar="N", help="CPUs for every contestant (default 1)")
    add("--isa", choices=levels.LEVELS, help="hold every contestant to this level (default: as each chooses)")
    add("--json", type=Path, metavar="PATH", help="write the results and the machine they come from")
    add("--quick", action="store_true", help="few rounds: rough numbers")
    add("--markdown", action="store_true", help="print Markdown tables")
    return parser


def pattern(text: str) -> re.Pattern[str]:
    """The filter, whatever the case of its letters."""
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no pattern: {error}") from None


def select_cases(wanted: re.Pattern[str]) -> list[harness.Case]:
    """The cases whose "module group name" the filter matches somewhere."""
    return [
        case
        for module in MODULES
        for case in importlib.import_module(f"bench.cases.{module}").cases()
        if wanted.search(f"{module} {case.group} {case.name}")
    ]


if __name__ == "__main__":
    sys.exit(main())
