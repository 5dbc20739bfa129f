"""One Adam step over one array of parameters."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from simdnn import _numpy_peer, optim

from bench import peers
from bench.harness import OURS, Case, Contestant

SIZES = {"4096": 4096, "1e6": 1_000_000, "16e6": 16_000_000}
CHECKED_STEPS = 3
CHECKED_ELEMENTS = 4096


def cases() -> Iterator[Case]:
    """A row per size."""
    for label, size in SIZES.items():
        yield Case("Adam", f"N={label}", functools.partial(_contestants, size))


def _contestants(size: int) -> list[Contestant]:
    rng = np.random.default_rng(size)
    start = rng.normal(size=size).astype(np.float32)
    gradient = rng.normal(size=size).astype(np.float32)
    expected = start[:CHECKED_ELEMENTS].astype(np.float64)
    reference = _numpy_peer.NumpyAdam()
    for _ in range(CHECKED_STEPS):
        reference.step(expected, gradient[:CHECKED_ELEMENTS].astype(np.float64))

    def checked(name: str, parameters: Any, run: Callable[[], object]) -> Contestant:
        def check() -> None:
            for _ in range(CHECKED_STEPS):
                run()
            first = np.asarray(parameters[:CHECKED_ELEMENTS])
            np.testing.assert_allclose(first, expected, rtol=1e-5, atol=1e-6)

        return Contestant(name, run, check)

    ours, theirs = start.copy(), start.copy()
    optimizer, numpy_optimizer = optim.Adam([ours], lr=1e-3), _numpy_peer.NumpyAdam()
    contestants = [
        checked(OURS, ours, lambda: optimizer.step([gradient])),
        checked("NumPy", theirs, lambda: numpy_optimizer.step(theirs, gradient)),
    ]
    if torch := peers.torch():
        contestants.append(_torch(torch, start, gradient, checked))
    return contestants


def _torch(
    torch: Any,
    start: NDArray[np.float32],
    gradient: NDArray[np.float32],
    checked: Callable[[str, Any, Callable[[], object]], Contestant],
) -> Contestant:
    parameter = torch.nn.Parameter(torch.from_numpy(start.copy()))
    parameter.grad = torch.from_numpy(gradient)
    optimizer = torch.optim.Adam([parameter], lr=1e-3, fused=True)
    return checked("PyTorch fused", parameter.detach(), optimizer.step)
