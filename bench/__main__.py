"""``python -m bench [filter]``: check answers, then time simdnn beside NumPy and every installed peer."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from bench import harness, report

MODULES = ("elementwise", "loss", "optimizer", "train", "serve")


def main() -> int:
    """Run the cases whose name contains the filter."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("filter", nargs="?", default="", help="part of a case's name: train, sigmoid, N=1e6, ...")
    add("--threads", type=int, default=1, metavar="N", help="CPUs for every contestant (default 1)")
    add("--json", type=Path, metavar="PATH", help="write the results and the machine they come from")
    add("--quick", action="store_true", help="few rounds: rough numbers")
    add("--markdown", action="store_true", help="print Markdown tables")
    options = parser.parse_args()
    cpus = harness.available_cpus()
    if not 1 <= options.threads <= cpus:
        parser.error(f"argument --threads: expected 1 to {cpus}, the CPUs at hand, got {options.threads}")

    harness.limit_threads(options.threads)
    cases = select_cases(options.filter)
    if not cases:
        parser.error(f"no case contains {options.filter!r}; groups are {', '.join(MODULES)}")
    machine = report.describe_machine(options.threads)
    print(report.heading(machine), end="\n\n", flush=True)
    results = []
    for case in cases:
        results.append(harness.run(case, harness.QUICK if options.quick else harness.THOROUGH))
        print(report.progress_line(results[-1]), file=sys.stderr)
    print(report.tables(results, markdown=options.markdown))
    if options.json:
        document = {"machine": machine, "results": [result.as_dict() for result in results]}
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 0


def select_cases(text: str) -> list[harness.Case]:
    """The cases whose module, group or name contains ``text``."""
    return [
        case
        for module in MODULES
        for case in importlib.import_module(f"bench.cases_{module}").cases()
        if text.lower() in f"{module} {case.group} {case.name}".lower()
    ]


if __name__ == "__main__":
    sys.exit(main())
