"""``python -m bench.vectors PEER --isa v3``: prints the level whose instructions a library executes."""

from __future__ import annotations

import argparse
import ctypes
import functools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from bench import levels, native, peers

#: Interval between samples, and the time for which a call is sampled.
MICROSECONDS, SECONDS = 100, 0.04
#: A call uses a level if this share of its samples needs it. Copies of the C library use the widest vectors
#: that there are, whatever a peer is told.
SHARE = 0.05
FLAGS = ("-O2",)
#: The name of a piece of work, and a function that does it.
Work = tuple[str, Callable[[], object]]


class Use(NamedTuple):
    """The highest level that a library used, and the work in which it did."""

    level: str
    work: str


def level_of(call: Callable[[], object]) -> str | None:
    """The level whose instructions a call executes on this thread; None if no sample could be taken."""
    library = native.load("vectors.cpp", *FLAGS)
    if library is None:
        return None
    numbers = (ctypes.c_long * len(levels.LEVELS))()
    call()
    end = time.perf_counter() + SECONDS
    library.vectors_start(MICROSECONDS)
    try:
        while time.perf_counter() < end:
            call()
    finally:
        library.vectors_stop(numbers)
    total = sum(numbers)
    used = [level for level, number in zip(levels.LEVELS, numbers, strict=True) if number > SHARE * total]
    return used[-1] if used else None


def measure(peer: str, level: str) -> Use | None:
    """The vectors of a peer at a level, found by another process; None if they could not be sampled."""
    command = [sys.executable, "-m", "bench.vectors", peer, "--isa", level]
    done = subprocess.run(command, cwd=levels.ROOT, capture_output=True, text=True, check=False)
    fields = done.stdout.strip().split("\t")
    return Use(*fields) if done.returncode == 0 and len(fields) == len(Use._fields) else None


def check_peers(level: str | None) -> dict[str, Use | None]:
    """The vectors that every installed peer uses at a level, by label; empty without a limit for peers."""
    if level not in levels.LIMITS:
        return {}
    return {peer: measure(peer, level) for peer in WORKLOADS if peers.is_installed(peers.module_of(peer))}


def describe(level: str | None, uses: Mapping[str, Use | None]) -> str:
    """A sentence about which peers are held to a level."""
    if level not in levels.LIMITS:
        return "peers: no limit of instructions"
    groups: dict[str, list[str]] = {}
    for peer, use in uses.items():
        if use is None:
            groups.setdefault("not checked", []).append(peer)
        elif use.level > level:
            groups.setdefault("not held", []).append(f"{peer} ({levels.VECTORS[use.level]} in {use.work})")
        else:
            groups.setdefault("held", []).append(peer)
    held = f"peers held to {levels.VECTORS[level]}: {', '.join(groups.pop('held', ['none']))}"
    return "; ".join([held, *(f"{kind}: {', '.join(names)}" for kind, names in groups.items())])


def workloads(peer: str) -> Iterator[Work]:
    """Typical work of a peer by name: a training step or a prediction, and elementwise functions."""
    from bench.problems import Network, make_problem

    return WORKLOADS[peer](make_problem(Network((256, 256, 10), 256, 1)))


def _numpy(problem: Any) -> Iterator[Work]:
    import numpy as np
    from simdnn.demo import _numpy_mlp

    network = _numpy_mlp.NumpyMLP(problem.parameters)
    yield "products", functools.partial(network.forward, problem.x)
    for name in ("exp", "tanh", "log1p", "sum"):
        yield name, functools.partial(getattr(np, name), abs(problem.x))


def _torch(problem: Any) -> Iterator[Work]:
    from bench.peers import training

    torch = peers.torch()
    x, y = (torch.from_numpy(array) for array in problem.batches()[0])
    yield "training", functools.partial(training.torch_step(torch, problem.parameters, 1e-3), x, y)
    yield "LSTM", functools.partial(torch.nn.LSTM(x.shape[1], x.shape[1]), x)
    for name in ("exp", "sigmoid", "log1p", "sum"):
        yield name, functools.partial(getattr(torch, name), abs(x))


def _jax(problem: Any) -> Iterator[Work]:
    from bench.peers import training

    jax = peers.jax()
    x, y = map(jax.numpy.asarray, problem.batches()[0])
    yield "training", functools.partial(training.jax_step(jax, problem.parameters, 1e-3), x, y)
    for name in ("exp", "tanh", "log1p", "sum"):
        yield name, functools.partial(_wait, jax.jit(getattr(jax.numpy, name)), x)


def _wait(compiled: Any, x: Any) -> object:
    return compiled(x).block_until_ready()


def _numexpr(problem: Any) -> Iterator[Work]:
    numexpr, values = peers.numexpr(), {"x": problem.x}
    for text in ("x * x + x", "exp(x)", "tanh(x)"):
        yield text, functools.partial(numexpr.evaluate, text, local_dict=values)


def _sklearn(problem: Any) -> Iterator[Work]:
    from bench.peers import training

    batch = problem.batches()[0]
    model = training.sklearn_classifier(problem.parameters, 1e-3, batch, problem.activation)
    yield "training", functools.partial(model.partial_fit, *batch)


def _onnxruntime(problem: Any) -> Iterator[Work]:
    from bench.cases import serve

    yield "prediction", functools.partial(serve.onnx_session(problem).run, None, {"x": problem.x})


WORKLOADS: dict[str, Callable[[Any], Iterator[Work]]] = {
    "NumPy": _numpy,
    "PyTorch": _torch,
    "JAX": _jax,
    "numexpr": _numexpr,
    "scikit-learn": _sklearn,
    "onnxruntime": _onnxruntime,
}


def main() -> int:
    """Prints the highest level that a peer used, and in which work."""
    parser = argparse.ArgumentParser(prog="python -m bench.vectors", description=__doc__)
    parser.add_argument("peer", choices=WORKLOADS)
    parser.add_argument("--isa", choices=levels.LEVELS)
    options = parser.parse_args()
    levels.limit_level(options.isa)
    from bench import harness

    harness.limit_threads(1)
    found: list[Use] = []
    for name, call in workloads(options.peer):
        used = level_of(call)
        if used is None:
            return 1
        found.append(Use(used, name))
    print(*max(found, key=lambda use: use.level), sep="\t")
    sys.stdout.flush()
    os._exit(0)  # without waiting for the threads of a peer


if __name__ == "__main__":
    sys.exit(main())
