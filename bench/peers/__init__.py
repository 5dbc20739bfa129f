"""The libraries that simdnn is compared with; they are imported on first use, if installed."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import os
from typing import Any, NamedTuple


class Peer(NamedTuple):
    """A library: its label in tables, its module, and its distribution on PyPI."""

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
    Peer("thinc", "thinc", "thinc"),
)


def module_of(label: str) -> str:
    """The module of the peer with this label."""
    return next(peer.module for peer in PEERS if peer.label == label)


def is_installed(module: str) -> bool:
    """True if the module can be imported."""
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
    """Number of threads that each library may use, which `harness.limit_threads` has set."""
    return int(os.environ["OMP_NUM_THREADS"])


@functools.cache
def torch() -> Any:
    """PyTorch with its threads limited, or None."""
    if not is_installed("torch"):
        return None
    module = importlib.import_module("torch")
    module.set_num_threads(threads())
    module.set_num_interop_threads(1)
    return module


@functools.cache
def jax() -> Any:
    """JAX, or None; its threads are limited by the environment."""
    if not is_installed("jax"):
        return None
    module = importlib.import_module("jax")
    # Every timed call waits for its result, so asynchronous dispatch would only add time.
    module.config.update("jax_cpu_enable_async_dispatch", False)
    return module


@functools.cache
def numexpr() -> Any:
    """numexpr with its threads limited, or None."""
    if not is_installed("numexpr"):
        return None
    module = importlib.import_module("numexpr")
    module.set_num_threads(threads())
    return module
