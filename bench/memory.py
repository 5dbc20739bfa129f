"""Memory of a population: growth of a process's resident set while it trains many networks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench import levels

NETWORKS, WIDTHS, BATCH_SIZE, ROWS = 1000, (8, 64, 64, 4), 32, 1024
#: Largest growth with 1,000 networks, in MB.
LIMIT = 150
STATUS = Path("/proc/self/status")


def measure() -> float | None:
    """Growth of a new process in MB while it makes and trains the networks; None on systems without /proc."""
    if not STATUS.exists():
        return None
    command = [sys.executable, "-m", "bench.memory"]
    done = subprocess.run(command, cwd=levels.ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


def describe() -> str:
    """A sentence with the growth and its limit."""
    growth = measure()
    shape = "-".join(map(str, WIDTHS))
    shown = "not measured" if growth is None else f"{growth:.0f} MB beyond the data (goal: {LIMIT})"
    return f"memory of {NETWORKS} x {shape} with Adam: {shown}"


def main() -> int:
    """Prints the growth, from after the data are made to the peak."""
    import simdnn

    from bench.cases.population import Row, make_population, make_trainers
    from bench.problems import Network

    population = make_population(Row(Network(WIDTHS, BATCH_SIZE, ROWS // BATCH_SIZE), 1, 1, {}))
    problem = population.problem
    before = _resident("VmRSS")
    trainers = make_trainers(population._replace(parameters=population.parameters * NETWORKS))
    simdnn.fit_many(trainers, problem.x, problem.y, epochs=1, batch_size=BATCH_SIZE, progress=False)
    print(_resident("VmHWM") - before)
    return 0


def _resident(field: str) -> float:
    """A field of the process's status in MB: the resident set or its peak."""
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines[field].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    sys.exit(main())
