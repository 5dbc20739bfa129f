"""Operations to test, from the registry of the package, and measures of errors."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import simdnn
import simdnn.functional as F
from simdnn import _core, optim

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

Optimizers = list[tuple[str, Callable[..., optim.Optimizer], dict[str, Any]]]

#: Constructors of optimizers by rule, with hyper-parameters other than the defaults.
OPTIMIZERS: Optimizers = [
    ("sgd", optim.SGD, {"lr": 0.1}),
    ("sgd", optim.SGD, {"lr": 0.1, "weight_decay": 0.02}),
    ("sgd", optim.SGD, {"lr": 0.1, "weight_decay": 0.02, "decoupled_weight_decay": True}),
    ("momentum", optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    ("momentum", optim.SGD, {"lr": 0.05, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01}),
    ("momentum", optim.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("momentum", optim.SGD, {"lr": 0.05, "momentum": 0.9, "lr_in_velocity": True}),
    ("momentum", optim.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True, "lr_in_velocity": True}),
    ("lion", optim.Lion, {"lr": 1e-3}),
    ("lion", optim.Lion, {"lr": 1e-3, "betas": (0.8, 0.95), "weight_decay": 0.1}),
    ("adagrad", optim.Adagrad, {"lr": 0.05}),
    ("adagrad", optim.Adagrad, {"lr": 0.05, "lr_decay": 0.05, "weight_decay": 0.01, "eps": 1e-3}),
    ("adagrad", optim.Adagrad, {"lr": 0.05, "eps": 1e-3, "eps_mode": "inside"}),
    ("rmsprop", optim.RMSprop, {"lr": 0.01}),
    ("rmsprop", optim.RMSprop, {"lr": 0.002, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.02}),
    ("rmsprop", optim.RMSprop, {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "eps_mode": "inside"}),
    ("rmsprop_momentum", optim.RMSprop, {"lr": 0.005, "momentum": 0.8}),
    ("rmsprop_momentum", optim.RMSprop, {"lr": 0.005, "momentum": 0.8, "lr_in_velocity": True}),
    ("rmsprop_centered", optim.RMSprop, {"lr": 0.005, "centered": True, "eps": 1e-3}),
    (
        "rmsprop_centered_momentum",
        optim.RMSprop,
        {"lr": 0.002, "centered": True, "momentum": 0.5, "eps": 1e-3},
    ),
    ("adadelta", optim.Adadelta, {"lr": 1.0}),
    ("adadelta", optim.Adadelta, {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.01}),
    ("adam", optim.Adam, {"lr": 0.02}),
    ("adam", optim.Adam, {"lr": 0.02, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.02}),
    ("adam", optim.Adam, {"lr": 0.02, "eps": 1e-3, "eps_mode": "inside"}),
    ("adam", optim.Adam, {"lr": 0.02, "eps": 1e-3, "eps_mode": "hat"}),
    ("adam", optim.AdamW, {"lr": 0.02}),
    ("amsgrad", optim.Adam, {"lr": 0.02, "amsgrad": True}),
    ("amsgrad", optim.AdamW, {"lr": 0.02, "amsgrad": True, "weight_decay": 0.1}),
    ("nadam", optim.NAdam, {"lr": 0.02}),
    (
        "nadam",
        optim.NAdam,
        {"lr": 0.02, "momentum_decay": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
    ),
    ("radam", optim.RAdam, {"lr": 0.02}),
    ("radam", optim.RAdam, {"lr": 0.02, "betas": (0.8, 0.99), "eps": 1e-3, "weight_decay": 0.02}),
    ("adamax", optim.Adamax, {"lr": 0.02}),
    ("adamax", optim.Adamax, {"lr": 0.02, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.02}),
]


def label(rule: str, settings: dict[str, Any]) -> str:
    """The name of a row for test reports: its settings, and the values that are words."""
    words = [f"{name}={value}" if isinstance(value, str) else name for name, value in settings.items()]
    return " ".join([rule, *words])


def hypers_of(optimizer: optim.Optimizer, given: dict[str, Any]) -> dict[str, float]:
    """All hyper-parameters of an optimizer's rule; asserts that numbers are equal to the given settings."""
    rule = optimizer._rule
    found = {name: rule[name] for name in RULES[rule.name]["hypers"]}
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
