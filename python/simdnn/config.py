"""What simdnn runs on: version, instruction set, threads, compiler."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from . import _core
from ._utils.check import check_int


def get_num_threads() -> int:
    """Number of threads for large calls.

    What `set_num_threads` asked for, or else the least of ``OMP_NUM_THREADS`` or threadpoolctl's limit, the
    CPUs that this process may run on, and the control group's quota; a limit that threadpoolctl sets later
    holds in both cases. Small calls use one thread whatever it says; a forked child always does.

    Returns
    -------
    int

    Examples
    --------
    >>> import simdnn
    >>> simdnn.get_num_threads() >= 1
    True
    """
    return _core.thread_count()


def set_num_threads(n: int | None) -> None:
    """Use at most `n` threads in this process. Results do not depend on it.

    A `Trainer` measures its steps with all of them and on one, and keeps to what is faster.

    Parameters
    ----------
    n : int or None
        At least 1. ``None`` returns to the default.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If `n` is less than 1.

    Examples
    --------
    >>> import simdnn
    >>> simdnn.set_num_threads(1)
    >>> simdnn.get_num_threads()
    1
    >>> simdnn.set_num_threads(None)
    """
    global _asked
    asked = 0 if n is None else check_int("n", n, 1, 2**15 - 1)
    _core.set_thread_count(asked)
    _asked = asked


#: What `set_num_threads` was last asked for; 0 is the default.
_asked = 0


@contextmanager
def limited_threads(n: int | None) -> Iterator[None]:
    """At most `n` threads in this process for a while; None changes nothing."""
    before = _asked
    if n is not None:
        set_num_threads(n)
    try:
        yield
    finally:
        if n is not None:
            set_num_threads(before or None)


def show_config(mode: Literal["stdout", "dicts"] = "stdout") -> dict[str, Any] | None:
    """Print, or return, what this installation runs on.

    Parameters
    ----------
    mode : {"stdout", "dicts"}
        Whether to print, or to return a dict, as `numpy.show_config` does.

    Returns
    -------
    dict or None
        ``version``, ``isa`` (the level in use), ``isa_available``, ``threads``, ``openmp``,
        ``compiler``, ``python``, ``numpy``.

    Raises
    ------
    ValueError
        If `mode` is another word.

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
        "threads": get_num_threads(),
        "openmp": _core.has_openmp(),
        "compiler": _core.compiler(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    if mode == "dicts":
        return config
    print(f"simdnn   {config['version']}")
    print(f"isa      {config['isa']} (available: {', '.join(config['isa_available'])}; SIMDNN_ISA chooses)")
    limits = "OpenMP and threadpoolctl" if config["openmp"] else "OMP_NUM_THREADS; built without OpenMP"
    print(f"threads  {config['threads']} (limits of {limits})")
    print(f"compiler {config['compiler']}")
    print(f"python   {config['python']}, numpy {config['numpy']}")
    return None
