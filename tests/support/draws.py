"""Random choices and arrays: numbers in every layout, and data that a call should refuse or survive."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

Array = np.ndarray[Any, Any]
T = TypeVar("T")

#: Settings that few arguments accept.
JUNK: tuple[Any, ...] = (
    None,
    -1,
    0,
    1,
    3,
    2.5,
    -0.5,
    "x",
    "",
    np.nan,
    np.inf,
    1e30,
    True,
    (),
    [],
    {},
    1j,
    np.ones(2),
)
#: Numbers that arithmetic may not survive.
EXTREME = (np.nan, np.inf, -np.inf, 1e300, -3e38, 1e-40, 2.0**24 + 1, -1.0, 200.0, 0.5)
DTYPES = ("f2", "f4", "f8", ">f4", "g", "i1", "i8", "u1", "?", "c8", "U5", "O", "M8[s]", "V8")


class Draw:
    """A source of random choices; the same seed gives the same ones.

    Attributes
    ----------
    kept : the arrays handed out since the last `forget`, each with a copy; no call may write to them
    """

    def __init__(self, *seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.kept: list[tuple[Array, bytes]] = []

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self.rng.integers(len(options)))]

    def size(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def numbers(self, count: int, bound: float = 1.0) -> Array:
        """Numbers over (-bound, bound), as the tables of losses ask for them."""
        return self.rng.uniform(-bound, bound, count)

    def keep(self, value: T) -> T:
        """The value, remembered if it is an array."""
        if isinstance(value, np.ndarray) and value.dtype.kind != "O":
            self.kept.append((value, value.tobytes()))
        return value

    def forget(self) -> None:
        self.kept.clear()

    def changed(self) -> bool:
        """True if an array was written to since it was handed out."""
        return any(array.tobytes() != before for array, before in self.kept)

    def laid_out(self, array: Array) -> Any:
        """The numbers of an array in another layout, which changes no result."""
        return self.keep(self.pick(LAYOUTS)(array))

    def spoiled(self, value: Any) -> Any:
        """Something else in the place of an array, or of a pair of arrays."""
        if isinstance(value, np.ndarray) and not self.chance(0.1):
            try:
                return self.keep(self.pick(SPOILERS)(self, value))
            except (TypeError, ValueError, IndexError):
                return self.pick(JUNK)  # NumPy or SciPy cannot make that array
        return self.pick(JUNK)

    def perhaps_spoiled(self, value: Any, probability: float) -> tuple[Any, bool]:
        """The value in some layout, or spoiled; and True if it is as good as before."""
        if self.chance(probability):
            return self.spoiled(value), False
        return (self.laid_out(value) if isinstance(value, np.ndarray) else value), True


def unaligned(array: Array) -> Array:
    """A copy that begins at an odd address."""
    memory = np.zeros(array.nbytes + 1, np.uint8)[1:]
    found = memory.view(array.dtype).reshape(array.shape)
    found[...] = array
    return found


def frozen(array: Array) -> Array:
    """A copy that cannot be written to."""
    found = array.copy()
    found.flags.writeable = False
    return found


def widened(array: Array) -> Array:
    """A copy in a dtype that holds more numbers."""
    return array.astype(np.float64 if array.dtype.kind == "f" else np.int64)


LAYOUTS: tuple[Callable[[Array], Any], ...] = (
    lambda a: a,
    lambda a: a[::-1].copy()[::-1] if a.ndim else a,
    lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
    lambda a: np.asfortranarray(a),
    lambda a: np.repeat(a, 3, axis=0)[1::3] if a.ndim else a,
    lambda a: a.astype(a.dtype.newbyteorder()),
    lambda a: a.tolist() if a.size < 1000 and a.size else a,
    unaligned,
    frozen,
    widened,
)


def with_extreme(draw: Draw, array: Array) -> Array:
    """A copy with one number that is not finite, or not in any domain."""
    found = array.astype(draw.pick(["f4", "f8"])) if draw.chance(0.7) else array.copy()
    with np.errstate(all="ignore"):
        found.flat[draw.size(0, found.size - 1)] = np.float64(draw.pick(EXTREME)).astype(found.dtype)
    return found


def cast(draw: Draw, array: Array) -> Array:
    with np.errstate(all="ignore"):
        return array.astype(draw.pick(DTYPES))


def sparse_of(draw: Draw, array: Array) -> Any:
    """A sparse matrix of SciPy; it is sometimes damaged."""
    sparse = __import__("scipy.sparse").sparse
    matrix = getattr(sparse, draw.pick(["csr_array", "csc_matrix", "coo_array", "csr_matrix"]))(array)
    if matrix.format == "csr" and draw.chance(0.5) and matrix.nnz:
        part = getattr(matrix, draw.pick(["indices", "indptr"]))
        part[draw.size(0, len(part) - 1)] = draw.pick([-1, 10**6, 2, -(2**31)])
    return matrix


SPOILERS: tuple[Callable[[Draw, Array], Any], ...] = (
    lambda d, a: a[:-1],
    lambda d, a: a[:0],
    lambda d, a: a[..., :-1],
    lambda d, a: a[np.newaxis],
    lambda d, a: a.ravel(),
    lambda d, a: np.concatenate([a, a], axis=-1),
    lambda d, a: a[0],
    lambda d, a: a[..., np.newaxis],
    lambda d, a: np.lib.stride_tricks.as_strided(a, (1000, *a.shape), (0, *a.strides)),
    lambda d, a: np.broadcast_to(a[:1], a.shape),
    lambda d, a: np.ma.masked_array(a, mask=d.rng.random(a.shape) < 0.2),
    lambda d, a: np.array(d.pick(JUNK[:9])),
    lambda d, a: a + d.pick([1, -100, 5]),
    lambda d, a: (a, a),
    lambda d, a: np.zeros(a.shape, [("a", "f4")]),
    with_extreme,
    with_extreme,
    cast,
    cast,
    sparse_of,
)
