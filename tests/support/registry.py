"""Operations to test, from the registry of the package, and measures of errors."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import simdnn
import simdnn.functional as F
from simdnn import _core, optim

from tests.oracles.rules import OPTIMIZERS as OPTIMIZERS
from tests.oracles.rules import Optimizers as Optimizers

Array = np.ndarray[Any, Any]

ACTIVATIONS = {row["name"]: row for row in _core.activations()}
ELEMENTARY = {row["name"]: row for row in _core.elementary()}
LOSSES = {row["name"]: row for row in _core.losses()}
RULES = {row["name"]: row for row in _core.rules()}
FLOATS = [np.float32, np.float64]
#: One loss of classes and one of values, for tests whose subject is something else.
KINDS = ["cross_entropy", "mse"]


def parameters_of(name: str) -> tuple[float, ...]:
    """The default parameters of an activation."""
    return tuple(ACTIVATIONS[name]["parameters"].values())


def named_alike(library: Any, name: str) -> Any:
    """The function of another library that has our name, with or without its underscores, or None."""
    return getattr(library, name.replace("_", ""), None) or getattr(library, name, None)


class Elementwise(NamedTuple):
    """An elementwise function of x or (dy, x), and of parameters."""

    name: str
    arrays: int
    defaults: tuple[float, ...]

    @property
    def function(self) -> Callable[..., Any]:
        """The public function, with default parameters."""
        return getattr(F, self.name)

    def plain(self, *arrays: Any, **keywords: Any) -> Any:
        """The public function without the gradient of a parameter that it may return as well."""
        found = self.function(*arrays, **keywords)
        return found[0] if isinstance(found, tuple) else found

    @property
    def ufunc(self) -> np.ufunc:
        """The ufunc of the C++ module, which takes all parameters."""
        return getattr(_core, self.name)

    def repeated(self, x: Any) -> list[Any]:
        """A tuple with x for every array argument."""
        return [x] * self.arrays


ELEMENTWISE = [
    Elementwise(name + suffix, arrays, parameters_of(name))
    for name in ACTIVATIONS
    for suffix, arrays in (("", 1), ("_derivative", 1), ("_backward", 2))
] + [Elementwise(name, 1, ()) for name in ELEMENTARY]


def label(rule: str, settings: dict[str, Any]) -> str:
    """The name of a row for test reports: its settings, and the values that are words."""
    words = [f"{name}={value}" if isinstance(value, str) else name for name, value in settings.items()]
    return " ".join([rule, *words])


def hypers_of(optimizer: optim.Optimizer, given: dict[str, Any]) -> dict[str, float]:
    """All hyper-parameters of an optimizer's rule; given numbers must be among them."""
    config = optimizer._config
    found = {name: config[name] for name in RULES[config.rule]["hypers"]}
    flat = dict(given)
    if "betas" in flat:
        flat["beta1"], flat["beta2"] = flat.pop("betas")
    for name in found.keys() & flat.keys():
        assert isinstance(flat[name], str) or found[name] == flat[name], name
    return found


def compute_type(dtype: Any) -> Any:
    """The dtype in which losses of an input dtype are returned."""
    return np.float64 if dtype == np.float64 else np.float32


def wide(x: Array) -> Array:
    """An array in float64, but class indices unchanged."""
    return x.astype(np.float64) if x.dtype.kind == "f" else x


def ulp_errors(got: Array, exact: Array) -> Array:
    """|got - exact| in units in the last place of got's dtype at exact, which is float64.

    Below the smallest normal number a unit is the smallest subnormal. A correctly rounded result counts as 0.
    """
    limits = np.finfo(got.dtype)
    _, exponent = np.frexp(exact)
    smallest = np.finfo(got.dtype).smallest_subnormal.astype(np.float64)
    with np.errstate(all="ignore"):
        unit = np.maximum(np.ldexp(1.0, exponent - 1 - limits.nmant), smallest)
        errors = np.abs(got.astype(np.float64) - exact) / unit
        same = (got == exact.astype(got.dtype)) | (np.isnan(got) & np.isnan(exact))
    return np.where(same, 0, np.where(np.isnan(errors), np.inf, errors))


def float_patterns(step: int = 20011) -> Array:
    """Every step-th float32 bit pattern without NaN, and the special values."""
    x = np.arange(0, 2**32, step, dtype=np.uint64).astype(np.uint32).view(np.float32)
    return np.concatenate([x[np.isfinite(x)], special_values(np.float32)])


def special_values(dtype: Any) -> Array:
    """Finite special values: zeros, ends of the range, and neighbors of numbers at which formulas branch."""
    limits = np.finfo(dtype)
    edges = [
        0,
        limits.smallest_subnormal,
        limits.smallest_normal,
        limits.eps,
        0.5,
        1,
        2,
        18,
        38,
        88.72,
        104.5,
        167,
    ]
    edges += [709.78, 745.1, 1300, limits.max]
    x = np.array(edges, dtype)
    with np.errstate(over="ignore"):
        near = np.concatenate([x, np.nextafter(x, dtype(0)), np.nextafter(x, dtype(np.inf))])
    near = near[np.isfinite(near)]
    return np.concatenate([near, -near])


#: Smaller gradients count as zero in losses, backward passes and updates.
LEAST_GRADIENT: dict[Any, float] = {np.float32: 2.0**-63, np.float64: 2.0**-511}


def without_tiny(gradient: Array, dtype: Any) -> Array:
    """A gradient in float64, with zeros for what is tiny in another dtype."""
    return np.where(np.abs(gradient) < LEAST_GRADIENT[np.dtype(dtype).type], 0, gradient)


def mixed_bits(n: int, word: Any) -> Array:
    """n integers spread over a word by multiplication, equal on every machine unlike random numbers."""
    odd = {np.uint32: 0x9E3779B1, np.uint64: 0x9E3779B97F4A7C15}[word]
    with np.errstate(over="ignore"):
        x = np.arange(1, n + 1, dtype=word) * word(odd)
        x ^= x >> word(np.iinfo(word).bits // 2)
        return x * word(odd)


def spread(n: int, dtype: Any, bound: float = 1.0) -> Array:
    """n numbers spread evenly over (-bound, bound) by integer arithmetic, equal on every machine."""
    return (((mixed_bits(n, np.uint32) >> np.uint32(8)).astype(np.float64) / 2**23 - 1) * bound).astype(dtype)


def same_bits(a: Any, b: Any) -> bool:
    """True if two arrays agree in dtype, shape and bits, the sign of zero included; NaN equals any NaN."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    zeros = np.signbit(a) == np.signbit(b)
    return bool(np.all(((a == b) & zeros) | (np.isnan(a) & np.isnan(b))))


def with_threads(count: int, work: Callable[[], Any]) -> Any:
    """The result of work() with a given number of threads."""
    simdnn.set_num_threads(count)
    try:
        return work()
    finally:
        simdnn.set_num_threads(None)
