"""The configuration of this process: version, instruction set, threads, compiler."""

import importlib
import os
import platform
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from . import _core
from ._utils.check import check_int

#: The largest number of threads that a call may ask for.
MOST_THREADS = 2**15 - 1


def get_num_threads() -> int:
    """Number of threads for large calls at this moment.

    It is the number given to `set_num_threads`, or else the minimum of the OpenMP limit, the CPUs that this
    process may run on, and the CPU quota of its control group. Small calls use one thread in any case, and so
    does every call in a forked child.

    The OpenMP limit comes from the OpenMP runtimes that other libraries (PyTorch, scikit-learn) have loaded.
    ``OMP_NUM_THREADS``, ``threadpoolctl.threadpool_limits`` and ``torch.set_num_threads`` set it for the
    calling thread. It is read at each call, and it holds if it is lowered after `set_num_threads`. In a
    process without an OpenMP runtime, as a plain ``import simdnn`` leaves it, the limit is
    ``OMP_NUM_THREADS``; threadpoolctl finds nothing to limit there, so use `set_num_threads`.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> import simdnn
    >>> simdnn.get_num_threads() >= 1
    True
    """
    return _core.thread_count()


def set_num_threads(n: int | None) -> None:
    """Use at most `n` threads in this process. Results do not depend on the number.

    A `Trainer` times its steps with all threads and with one, and continues with the faster.

    Parameters
    ----------
    n : int or None
        From 1 to 32767. ``None`` restores the default: see `get_num_threads`.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If `n` is less than 1 or greater than 32767.

    Examples
    --------
    >>> import simdnn
    >>> simdnn.set_num_threads(1)
    >>> simdnn.get_num_threads()
    1
    >>> simdnn.set_num_threads(None)
    """
    _core.set_thread_count(0 if n is None else check_int("n", n, 1, MOST_THREADS))


def checked_threads(n_threads: int | None) -> int:
    """The number of threads of a call: `n_threads`, or the default of the calling thread if that is None."""
    if n_threads is not None:
        return check_int("n_threads", n_threads, 1, MOST_THREADS)
    with limited_threads():
        return _core.thread_count()


@contextmanager
def limited_threads(n: int | None = None) -> Iterator[None]:
    """Context manager that limits the calls of this thread to `n` threads.

    None is no limit, except in the worker threads of joblib's threading backend: they share the processors,
    so each has one.
    """
    before = getattr(_limits, "here", 0)
    asked = int(_in_worker_thread()) if n is None else check_int("n_threads", n, 1, MOST_THREADS)
    _limit_here(min(asked, before) if asked and before else asked or before)
    try:
        yield
    finally:
        _limit_here(before)


#: The limits of threads; the attribute `here` is that of the calling one, 0 for none.
_limits = threading.local()


def _limit_here(n: int) -> None:
    """Limits the calls of this thread; 0 is no limit."""
    _core.set_thread_count_here(n)
    _limits.here = n


def _in_worker_thread() -> bool:
    """True in a worker thread of joblib's threading backend."""
    if threading.current_thread() is threading.main_thread() or "joblib" not in sys.modules:
        return False
    backend, _ = sys.modules["joblib"].parallel.get_active_backend()
    return (getattr(backend, "nesting_level", 0) or 0) > 0


def set_threading_layer(layer: Literal["pool", "openmp"]) -> None:
    """Choose the threading layer: the threads that compute large calls. Results do not depend on it.

    ``"pool"``, the default, is simdnn's own thread pool: a call never waits for a thread that has not
    started, so other busy processes cost little. ``"openmp"`` is the thread team of an OpenMP runtime: simdnn
    then shares one team with the other libraries of the process, and OpenMP's variables (``OMP_PROC_BIND``,
    ``OMP_WAIT_POLICY``) apply, but a call waits until the system has run every thread of the team.

    The OpenMP layer uses the runtime that the process loaded first, such as PyTorch's or scikit-learn's; if
    there is none, it loads the runtime that simdnn was built with. The environment variable
    ``SIMDNN_THREADING`` makes the same choice at import; import PyTorch before simdnn in that case, so that
    both share a runtime. A forked child process computes on one thread with either layer.

    Parameters
    ----------
    layer : {"pool", "openmp"}
        `show_config` shows the current one.

    Raises
    ------
    ImportError
        If no OpenMP runtime is loaded and simdnn was built without OpenMP, or the loaded one has no
        ``GOMP_parallel``.
    ValueError
        If `layer` is neither ``"pool"`` nor ``"openmp"``.

    Examples
    --------
    >>> import simdnn
    >>> simdnn.set_threading_layer("pool")
    >>> simdnn.show_config(mode="dicts")["threading_layer"]
    'pool'
    """
    if layer not in THREADING_LAYERS:
        raise ValueError(f"layer: expected 'pool' or 'openmp', got {layer!r}")
    if layer == "pool":
        _core.use_pool()
    elif not _core.use_openmp():
        _load_openmp()


#: Names of the threading layers.
THREADING_LAYERS = ("pool", "openmp")


def _load_openmp() -> None:
    """Loads the OpenMP runtime that this build is linked with, and switches to it."""
    try:
        importlib.import_module("._openmp", __package__)
    except ImportError as error:
        raise ImportError(
            "threading layer 'openmp': this process has loaded no OpenMP runtime, and simdnn._openmp, which"
            f" loads one, cannot be imported (was simdnn built without OpenMP?): {error}"
        ) from error
    if not _core.use_openmp():
        raise ImportError(
            "threading layer 'openmp': GOMP_parallel is in none of the loaded OpenMP runtimes,"
            f" {_core.openmp_runtimes()}"
        )


def _choose_layer() -> None:
    """Applies the environment variable ``SIMDNN_THREADING`` at import."""
    layer: Any = os.environ.get("SIMDNN_THREADING", "")
    if layer == "":
        return
    try:
        set_threading_layer(layer)
    except ValueError as error:
        raise ImportError(
            f"simdnn: SIMDNN_THREADING={layer!r} is not a threading layer;"
            f" allowed: {', '.join(THREADING_LAYERS)}"
        ) from error


def show_config(mode: Literal["stdout", "dicts"] = "stdout") -> dict[str, Any] | None:
    """Print, or return, the configuration of this process.

    Parameters
    ----------
    mode : {"stdout", "dicts"}
        ``"stdout"`` prints, ``"dicts"`` returns a dict, as in `numpy.show_config`.

    Returns
    -------
    dict or None
        ``version``, ``isa`` (the instruction-set level in use), ``isa_available``, ``bf16`` (the path of
        networks with ``precision="bf16"``: ``"amx"``, or ``"emulated"``, which is slower than float32),
        ``threads``, ``threading_layer``, ``openmp`` (the loaded OpenMP runtimes), ``compiler``, ``python``,
        ``numpy``; None if printed.

    Raises
    ------
    ValueError
        If `mode` is neither ``"stdout"`` nor ``"dicts"``.

    Examples
    --------
    >>> import simdnn
    >>> config = simdnn.show_config(mode="dicts")
    >>> config["isa"] in config["isa_available"]
    True
    """
    if mode not in ("stdout", "dicts"):
        raise ValueError(f"mode: expected 'stdout' or 'dicts', got {mode!r}")
    config: dict[str, Any] = {
        "version": _core.__version__,
        "isa": _core.isa(),
        "isa_available": _core.isa_available(),
        "bf16": "amx" if _core.isa() == "amx" else "emulated",
        "threads": get_num_threads(),
        "threading_layer": _core.threading_layer(),
        "openmp": _core.openmp_runtimes(),
        "compiler": _core.compiler(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    if mode == "dicts":
        return config
    print(f"simdnn   {config['version']}")
    print(f"isa      {config['isa']} (available: {', '.join(config['isa_available'])}; SIMDNN_ISA chooses)")
    slower = "" if config["bf16"] == "amx" else ", slower than float32: AMX is the unit for it"
    print(f"bf16     {config['bf16']}{slower}")
    print(f"threads  {config['threads']} on layer {config['threading_layer']} (SIMDNN_THREADING chooses)")
    print(f"openmp   {', '.join(config['openmp']) or 'no runtime is loaded'}")
    print(f"compiler {config['compiler']}")
    print(f"python   {config['python']}, numpy {config['numpy']}")
    return None


_choose_layer()
