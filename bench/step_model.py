"""``python -m bench.step_model``: the step time of data parallel training on P ranks, by a model, in tables.

The step of a rank is ``fixed + samples * sample + allreduce(P, bytes)``. The first two are measured: `sample`
is the time of a sample, which more ranks divide among them; `fixed` is what every rank does again, foremost
the optimizer's update. ``--measure`` measures them on this machine and prints the constants and the tables.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from bench import jobs
from bench.problems import Network

#: Numbers of ranks in the tables.
RANKS = (2, 4, 16, 64, 256, 1024)
#: Parts of a batch of which one is the small batch that is measured, and floats of two measured sums.
PARTS, SHORT, LONG = 64, 1_000, 1_000_000
#: Units of time, and their number in a second.
UNITS = ((1.0, "s"), (1e3, "ms"), (1e6, "us"))
#: Efficiency from which on a rank counts as well used.
USED = 0.5


class Link(NamedTuple):
    """A connection of up to `most` ranks: seconds of latency of a message (alpha) and per byte (beta)."""

    name: str
    latency: float
    per_byte: float
    most: int = RANKS[-1]


class Cost(NamedTuple):
    """A network with the samples of all ranks in a step, and measured times in s.

    `alone` is a step of `Trainer.fit` with all samples, `pair` one of two ranks on one machine; `fixed` and
    `sample` are the parts of a step of one rank.
    """

    network: Network
    alone: float
    fixed: float
    sample: float
    pair: float

    def name(self) -> str:
        """The widths and the batch."""
        return f"{self.network.shape()}, batch {self.network.batch_size:,}"

    def bytes(self) -> int:
        """Size of the gradient in float32."""
        return 4 * self.network.parameters()


class Machine(NamedTuple):
    """Measurements of one machine: seconds to add a byte (gamma), the link of two processes, and networks."""

    per_added_byte: float
    local: Link
    costs: tuple[Cost, ...]


NETWORKS = (
    Network((8, 64, 64, 4), 32, 32),
    Network((784, 512, 512, 10), 512, 8),
    Network((784, 2048, 2048, 10), 2048, 1),
)
LINKS = (Link("Ethernet", 25e-6, 8 / 10e9), Link("InfiniBand", 1.5e-6, 8 / 200e9))
#: Shortest times on one core each of an AMD EPYC (Zen 4), other processes running.
MEASURED = Machine(
    per_added_byte=2.31e-11,
    local=Link("one machine", 4.56e-06, 1.98e-10, 2),
    costs=(
        Cost(NETWORKS[0], alone=1.25e-05, fixed=2.13e-05, sample=2.85e-07, pair=5.25e-05),
        Cost(NETWORKS[1], alone=0.0155, fixed=0.000531, sample=3.18e-05, pair=0.0146),
        Cost(NETWORKS[2], alone=0.633, fixed=0.00788, sample=0.000303, pair=0.479),
    ),
)


def allreduce(ranks: int, size: int, link: Link, per_added_byte: float) -> float:
    """Seconds to sum `size` bytes over the ranks, by the faster of two algorithms of MPICH.

    Recursive doubling exchanges all bytes in each of log2(P) rounds. A reduce-scatter by recursive halving
    and an allgather by recursive doubling take twice as many rounds, but send fewer than 2 size bytes: the
    least that is possible, as a ring does, in 2 (P - 1) rounds.

    Source: Thakur, Rabenseifner and Gropp 2005, "Optimization of Collective Communication Operations in
    MPICH", section 4.5; the ring: Patarasuk and Yuan 2009.
    """
    rounds, share = math.ceil(math.log2(ranks)), (ranks - 1) / ranks
    doubling = rounds * (link.latency + size * (link.per_byte + per_added_byte))
    halving = 2 * rounds * link.latency + share * size * (2 * link.per_byte + per_added_byte)
    return min(doubling, halving)


def step(cost: Cost, ranks: int, link: Link, per_added_byte: float, samples: int | None = None) -> float:
    """Seconds of a step in which the ranks share all samples, by default those of the network's batch."""
    mine = math.ceil((cost.network.batch_size if samples is None else samples) / ranks)
    weighing = 2 * cost.bytes() * per_added_byte  # times the weight before the sum, divided after it
    return cost.fixed + mine * cost.sample + weighing + allreduce(ranks, cost.bytes(), link, per_added_byte)


def fastest(cost: Cost, link: Link, per_added_byte: float) -> tuple[int, float]:
    """The number of ranks, a power of 2, with the shortest step, and its speed-up; one rank has no link."""
    times = {1: cost.alone}
    times |= {ranks: step(cost, ranks, link, per_added_byte) for ranks in _powers(link.most)}
    best = min(times, key=times.__getitem__)
    return best, cost.alone / times[best]


def well_used(cost: Cost, link: Link, per_added_byte: float) -> int:
    """The largest number of ranks, a power of 2, of which each does half of the work of a process alone."""
    speed = {n: cost.alone / step(cost, n, link, per_added_byte) / n for n in _powers(link.most)}
    return max((ranks for ranks, efficiency in speed.items() if efficiency >= USED), default=1)


def _powers(most: int) -> list[int]:
    """Powers of 2 from 2 on."""
    return [2**k for k in range(1, int(math.log2(most)) + 1)]


def tables(machine: Machine) -> str:
    """The tables of the model in Markdown."""
    return "\n\n".join([_measured_table(machine), _strong_table(machine), _weak_table(machine)])


def _measured_table(machine: Machine) -> str:
    """The step of one and of two processes on one machine, measured and by the model."""
    rows = [["one machine", "gradient", "`Trainer.fit`", "2 ranks, measured", "2 ranks, model"]]
    for cost in machine.costs:
        model = step(cost, 2, machine.local, machine.per_added_byte)
        size = f"{cost.bytes() / 1e6:.3g} MB"
        rows.append([cost.name(), size, *map(seconds, (cost.alone, cost.pair, model))])
    return _table(rows)


def _strong_table(machine: Machine) -> str:
    """Step time and speed-up if the ranks share the batch."""
    head = ["the ranks share a batch", "link", *(f"{n:,} ranks" for n in RANKS), "fastest", "half used"]
    rows = [head]
    for cost in machine.costs:
        for link in LINKS:
            times = [step(cost, ranks, link, machine.per_added_byte) for ranks in RANKS]
            cells = [f"{seconds(time)} ({cost.alone / time:.2g}x)" for time in times]
            best, speed_up = fastest(cost, link, machine.per_added_byte)
            used = well_used(cost, link, machine.per_added_byte)
            rows.append([cost.name(), link.name, *cells, f"{best:,} ({speed_up:.2g}x)", f"{used:,}"])
    return _table(rows)


def _weak_table(machine: Machine) -> str:
    """Efficiency if every rank has a batch of its own."""
    rows = [["a batch for each rank", "link", *(f"{n:,} ranks" for n in RANKS)]]
    for cost in machine.costs:
        for link in LINKS:
            times = [step(cost, n, link, machine.per_added_byte, n * cost.network.batch_size) for n in RANKS]
            rows.append([cost.name(), link.name, *(f"{cost.alone / time:.0%}" for time in times)])
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *("---:" for _ in rows[0][1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], rule, *rows[1:]])


def seconds(value: float) -> str:
    """A time with its unit and two or three digits."""
    scale, unit = next(one for one in UNITS if value * one[0] >= 1)
    scaled = value * scale
    return f"{scaled:.0f} {unit}" if scaled >= 10 else f"{scaled:.1f} {unit}"


def measure(tries: int) -> Machine:
    """The measurements of this machine: the shortest of as many jobs of each kind, which take turns."""
    wanted: dict[str, tuple[int, str, dict[str, Any]]] = {
        "short sum": (2, "allreduce", {"size": SHORT, "kind": "mpi4py"}),
        "long sum": (2, "allreduce", {"size": LONG, "kind": "mpi4py"}),
        "add": (1, "add", {"size": LONG}),
    }
    for network in NETWORKS:
        name, few = network.shape(), _few(network)
        wanted[f"{name} alone"] = 1, "steps", {"network": network, "alone": True}
        wanted[f"{name} few"] = 1, "steps", {"network": few}
        wanted[f"{name} all"] = 1, "steps", {"network": network}
        wanted[f"{name} pair"] = 2, "steps", {"network": network}
    best = dict.fromkeys(wanted, math.inf)
    for _ in range(tries):
        for kind, (ranks, program, arguments) in wanted.items():
            best[kind] = min(best[kind], jobs.run_ranks(ranks, program, **arguments)["seconds"])
    return _machine(best)


def _machine(best: dict[str, float]) -> Machine:
    """The constants of the model from the times of jobs."""
    added = best["add"]
    per_byte = (best["long sum"] - best["short sum"]) / (4 * (LONG - SHORT))  # both ranks send and add it
    local = Link("one machine", best["short sum"] - 4 * SHORT * per_byte, per_byte - added, 2)
    costs = []
    for network in NETWORKS:
        alone, few, whole, pair = (
            best[f"{network.shape()} {kind}"] for kind in ("alone", "few", "all", "pair")
        )
        samples = _few(network).batch_size
        sample = (whole - few) / (network.batch_size - samples)
        costs.append(Cost(network, alone, few - samples * sample, sample, pair))
    return Machine(added, local, tuple(costs))


def _few(network: Network) -> Network:
    """The network with small batches, whose time is mostly that of the work that every rank does."""
    size = max(1, network.batch_size // PARTS)
    return network._replace(batch_size=size, batches=network.batches * (network.batch_size // size))


def main() -> int:
    """Prints the tables, of stored measurements or of new ones."""
    parser = argparse.ArgumentParser(prog="python -m bench.step_model", description=__doc__)
    parser.add_argument("--measure", action="store_true", help="measure on two CPUs of this machine")
    parser.add_argument("--tries", type=int, default=3, help="jobs of each kind (default: %(default)s)")
    options = parser.parse_args()
    machine = measure(options.tries) if options.measure else MEASURED
    if options.measure:
        print(machine, end="\n\n")
    print(tables(machine))
    return 0


if __name__ == "__main__":
    sys.exit(main())
