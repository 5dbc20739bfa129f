"""The libraries simdnn is timed beside: imported when first asked for, absent where not installed."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import os
from typing import Any, NamedTuple


class Peer(NamedTuple):
    """A library: what tables call it, what Python imports and what pip installs."""

    label: str
    module: str
    distribution: str


PEERS = (
    Peer("NumPy", "numpy", "numpy"),
    Peer("PyTorch", "torch", "torch"),
    Peer("JAX", "jax", "jax"),
    Peer("numexpr", "numexpr", "numexpr"),
    Peer("scikit-learn", "sklearn", "scikit-learn"),
    Peer("onnxruntime", "onnxruntime", "onnxruntime"),
    Peer("onnx", "onnx", "onnx"),
)


def is_installed(module: str) -> bool:
    """Whether ``import module`` would find something."""
    return importlib.util.find_spec(module) is not None


def versions() -> dict[str, str]:
    """The version of every installed peer by its label."""
    return {
        peer.label: importlib.metadata.version(peer.distribution)
        for peer in PEERS
        if is_installed(peer.module)
    }


def missing() -> list[Peer]:
    """Peers that are not installed."""
    return [peer for peer in PEERS if not is_installed(peer.module)]


def threads() -> int:
    """How many threads each contestant may use, as `harness.limit_threads` left it."""
    return int(os.environ["OMP_NUM_THREADS"])


@functools.cache
def torch() -> Any:
    """PyTorch, or None."""
    if not is_installed("torch"):
        return None
    module = importlib.import_module("torch")
    module.set_num_threads(threads())
    module.set_num_interop_threads(1)
    return module


@functools.cache
def jax() -> Any:
    """JAX, or None. Its threads are limited by the environment."""
    if not is_installed("jax"):
        return None
    module = importlib.import_module("jax")
    # A call waits for its result here, so handing it to another thread would only cost.
    module.config.update("jax_cpu_enable_async_dispatch", False)
    return module


@functools.cache
def numexpr() -> Any:
    """numexpr, or None."""
    if not is_installed("numexpr"):
        return None
    module = importlib.import_module("numexpr")
    module.set_num_threads(threads())
    return module
