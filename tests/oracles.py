"""What the papers say, in float64 NumPy or arbitrary precision: never computed by the code under test.

A registered name needs one row here: in `ACTIVATIONS`, `ELEMENTARY`, `LOSSES` or `RULES`.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .arithmetic import Double, Precise  # noqa: F401 (its users take both from here)

Array = np.ndarray[Any, Any]
INF = float("inf")


class Activation(NamedTuple):
    """f and f' as functions of (arithmetic, x, parameters...), and what no formula says.

    The arithmetic m is `Double`, `Precise`, or `Cpp`, which writes the formula down as C++. So the only
    numbers in a formula are integers and ``m.constant("...")``, and it divides no two integers.

    Attributes
    ----------
    limits : f(-inf), f(inf), f'(-inf), f'(inf) at the default parameters
    slope_at_zero : f'(+-0) from the parameters
    parameters : other parameters to test
    root : where f' crosses zero, from the parameters; near it a tenth of eps is allowed instead of the bound
    kinks : where formulas branch, but for zero, from the parameters
    equals : (name, own parameters) of an activation with the same bits, or None
    identities : (kind, expression of simdnn.functional and x that has the same bits)
    parameter_derivative : df/dparameter as a function of (arithmetic, x, parameter), or None
    """

    value: Callable[..., Any]
    derivative: Callable[..., Any]
    limits: tuple[float, float, float, float]
    slope_at_zero: Callable[..., float]
    parameters: tuple[tuple[float, ...], ...] = ()
    root: Callable[..., float] = lambda *parameters: float("nan")
    kinks: Callable[..., tuple[float, ...]] = lambda *parameters: ()
    equals: tuple[str, tuple[float, ...]] | None = None
    identities: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = ()
    parameter_derivative: Callable[..., Any] | None = None


SILU_ROOT = -1.2784645427610738  # 1 + x sigmoid(-x) = 0
PI = "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899"
#: Klambauer et al. 2017, equation 14: the fixed point of mean 0 and variance 1.
SELU_ALPHA = "1.67326324235437728481704299167165203846115534828121627091524"
SELU_LAMBDA = "1.05070098735548049341933498529460635195898120437640454697788"
SELU_SLOPE = 1.7580993408473768599402175208123  # their product, which float64 would round twice


def sigmoid(m: Any, x: Any) -> Any:
    """Logistic function."""
    return 1 / (1 + m.exp(-x))


def sigmoid_derivative(m: Any, x: Any) -> Any:
    """e / (1 + e)^2, e = exp(-|x|)."""
    return m.exp(-abs(x)) / (1 + m.exp(-abs(x))) ** 2


def softplus(m: Any, x: Any) -> Any:
    """log(1 + exp(x))."""
    return m.where(x > 0, x, 0 * abs(x)) + m.log1p(m.exp(-abs(x)))


def silu_derivative(m: Any, z: Any) -> Any:
    """Derivative of z sigmoid(z)."""
    return sigmoid(m, z) * (1 + z * sigmoid(m, -z))


def gelu_argument(m: Any, x: Any) -> Any:
    """2 sqrt(2 / pi) (x + 0.044715 x^3)."""
    return 2 * m.sqrt(2 / m.constant(PI)) * (x + 44715 * x**3 / 10**6)


def gelu_argument_derivative(m: Any, x: Any) -> Any:
    """2 sqrt(2 / pi) (1 + 0.134145 x^2)."""
    return 2 * m.sqrt(2 / m.constant(PI)) * (1 + 134145 * x**2 / 10**6)


def between(m: Any, x: Any, low: Any, high: Any, inside: Any) -> Any:
    """`inside` strictly between low and high, else 0."""
    return m.where(x > low, m.where(x < high, inside, 0 * abs(x)), 0 * abs(x))


def leaky(m: Any, x: Any, slope: Any) -> Any:
    """x, times the slope below zero."""
    return m.where(x > 0, x, slope * x)


def leaky_derivative(m: Any, x: Any, slope: Any) -> Any:
    """1, or the slope from zero downwards."""
    return m.where(x > 0, 1 + 0 * x, slope + 0 * x)


def elu(m: Any, x: Any, alpha: Any) -> Any:
    """x, or alpha (exp(x) - 1) below zero."""
    return m.where(x < 0, alpha * m.expm1(-abs(x)), x)


def elu_derivative(m: Any, x: Any, alpha: Any) -> Any:
    """1, or alpha exp(x) from zero downwards."""
    return m.where(x > 0, 1 + 0 * x, alpha * m.exp(-abs(x)))


ACTIVATIONS = {
    "identity": Activation(
        value=lambda m, x: x,
        derivative=lambda m, x: 1 + 0 * x,
        limits=(-INF, INF, 1, 1),
        slope_at_zero=lambda: 1,
    ),
    "relu": Activation(
        value=lambda m, x: m.where(x > 0, x, 0 * abs(x)),
        derivative=lambda m, x: m.where(x > 0, 1 + 0 * x, 0 * abs(x)),
        limits=(0, INF, 0, 1),
        slope_at_zero=lambda: 0,
    ),
    "leaky_relu": Activation(
        value=leaky,
        derivative=leaky_derivative,
        limits=(-INF, INF, 0.01, 1),
        slope_at_zero=lambda slope: slope,
        parameters=((0.3,), (-0.5,), (1.0,), (2.5,)),
        parameter_derivative=lambda m, x, slope: m.where(x > 0, 0 * x, x),
    ),
    "relu6": Activation(
        value=lambda m, x: m.where(x > 0, m.where(x < 6, x, 6 + 0 * x), 0 * abs(x)),
        derivative=lambda m, x: between(m, x, 0, 6, 1 + 0 * x),
        limits=(0, 6, 0, 0),
        slope_at_zero=lambda: 0,
        kinks=lambda: (6,),
    ),
    "hard_tanh": Activation(
        value=lambda m, x, low, high: m.where(x < low, low, m.where(x > high, high, x)),
        derivative=lambda m, x, low, high: between(m, x, low, high, 1 + 0 * x),
        limits=(-1, 1, 0, 0),
        slope_at_zero=lambda low, high: float(low < 0 < high),
        parameters=((-2.0, 3.5), (-0.3, 0.1), (0.0, 6.0), (0.5, 2.0)),
        kinks=lambda low, high: (low, high),
    ),
    "hard_sigmoid": Activation(
        value=lambda m, x: m.where(x > -3, m.where(x < 3, (x + 3) / 6, 1 + 0 * x), 0 * abs(x)),
        derivative=lambda m, x: between(m, x, -3, 3, (1 + 0 * x) / 6),
        limits=(0, 1, 0, 0),
        slope_at_zero=lambda: 1 / 6,
        kinks=lambda: (-3, 3),
    ),
    "hard_swish": Activation(
        value=lambda m, x: m.where(x > -3, m.where(x < 3, x * (x + 3) / 6, x), 0 * x),
        derivative=lambda m, x: m.where(x < 3, between(m, x, -3, 3, (2 * x + 3) / 6), 1 + 0 * x),
        limits=(-0.0, INF, 0, 1),
        slope_at_zero=lambda: 0.5,
        root=lambda: -1.5,
        kinks=lambda: (-3, 3),
    ),
    "softsign": Activation(
        value=lambda m, x: x / (1 + abs(x)),
        derivative=lambda m, x: 1 / (1 + abs(x)) ** 2,
        limits=(-1, 1, 0, 0),
        slope_at_zero=lambda: 1,
    ),
    "binary_step": Activation(
        value=lambda m, x: m.where(x >= 0, 1 + 0 * x, 0 * abs(x)),
        derivative=lambda m, x: 0 * abs(x),
        limits=(0, 1, 0, 0),
        slope_at_zero=lambda: 0,
    ),
    "sigmoid": Activation(
        value=sigmoid,
        derivative=sigmoid_derivative,
        limits=(0, 1, 0, 0),
        slope_at_zero=lambda: 0.25,
    ),
    "tanh": Activation(
        value=lambda m, x: m.tanh(x),
        derivative=lambda m, x: 1 / m.cosh(x) ** 2,
        limits=(-1, 1, 0, 0),
        slope_at_zero=lambda: 1,
    ),
    "elu": Activation(
        value=elu,
        derivative=elu_derivative,
        limits=(-1, INF, 0, 1),
        slope_at_zero=lambda alpha: alpha,
        parameters=((0.5,), (1.7,)),
    ),
    "selu": Activation(
        value=lambda m, x: m.constant(SELU_LAMBDA) * elu(m, x, m.constant(SELU_ALPHA)),
        derivative=lambda m, x: m.constant(SELU_LAMBDA) * elu_derivative(m, x, m.constant(SELU_ALPHA)),
        limits=(-SELU_SLOPE, INF, 0, float(SELU_LAMBDA)),
        slope_at_zero=lambda: SELU_SLOPE,
    ),
    "celu": Activation(
        value=lambda m, x, alpha: m.where(x < 0, alpha * m.expm1(-abs(x) / alpha), x),
        derivative=lambda m, x, alpha: elu_derivative(m, x / alpha, 1),
        limits=(-1, INF, 0, 1),
        slope_at_zero=lambda alpha: 1,
        parameters=((0.5,), (1.7,)),
        equals=("elu", (1.0,)),
    ),
    "softplus": Activation(
        value=softplus,
        derivative=sigmoid,
        limits=(0, INF, 0, 1),
        slope_at_zero=lambda: 0.5,
        identities=(("derivative", lambda F, x: F.sigmoid(x)),),
    ),
    "log_sigmoid": Activation(
        value=lambda m, x: -softplus(m, -x),
        derivative=lambda m, x: sigmoid(m, -x),
        limits=(-INF, -0.0, 1, 0),
        slope_at_zero=lambda: 0.5,
        identities=(("value", lambda F, x: -F.softplus(-x)), ("derivative", lambda F, x: F.sigmoid(-x))),
    ),
    "silu": Activation(
        value=lambda m, x: x * sigmoid(m, x),
        derivative=silu_derivative,
        limits=(-0.0, INF, 0, 1),
        slope_at_zero=lambda: 0.5,
        root=lambda: SILU_ROOT,
    ),
    "swish": Activation(
        value=lambda m, x, beta: x * sigmoid(m, beta * x),
        derivative=lambda m, x, beta: silu_derivative(m, beta * x),
        limits=(-0.0, INF, 0, 1),
        slope_at_zero=lambda beta: 0.5,
        parameters=((0.0,), (0.5,), (1.702,), (-2.0,)),
        root=lambda beta: SILU_ROOT / beta if beta else float("nan"),
        equals=("silu", (1.0,)),
        parameter_derivative=lambda m, x, beta: x**2 * sigmoid_derivative(m, beta * x),
    ),
    "mish": Activation(
        value=lambda m, x: x * m.tanh(softplus(m, x)),
        derivative=lambda m, x: m.tanh(softplus(m, x)) + x * sigmoid(m, x) / m.cosh(softplus(m, x)) ** 2,
        limits=(-0.0, INF, 0, 1),
        slope_at_zero=lambda: 0.6,
        root=lambda: -1.192431214515495,
    ),
    "gelu": Activation(
        value=lambda m, x: x * (m.erfc(-x / m.sqrt(2)) / 2),
        derivative=lambda m, x: (
            m.erfc(-x / m.sqrt(2)) / 2 + x * m.exp(-x * x / 2) / m.sqrt(2 * m.constant(PI))
        ),
        limits=(-0.0, INF, 0, 1),
        slope_at_zero=lambda: 0.5,
        root=lambda: -0.7517915246935645,
    ),
    "gelu_tanh": Activation(
        value=lambda m, x: x * sigmoid(m, gelu_argument(m, x)),
        derivative=lambda m, x: (
            sigmoid(m, gelu_argument(m, x))
            * (1 + x * gelu_argument_derivative(m, x) * sigmoid(m, -gelu_argument(m, x)))
        ),
        limits=(-0.0, INF, 0, 1),
        slope_at_zero=lambda: 0.5,
        root=lambda: -0.7524614220710163,
    ),
}


class Elementary(NamedTuple):
    """A function without derivative: its formula, f(-inf) and f(inf), points of interest but for zero."""

    value: Callable[..., Any]
    limits: tuple[float, float]
    kinks: Callable[..., tuple[float, ...]] = lambda: ()


ELEMENTARY = {
    "exp": Elementary(value=lambda m, x: m.exp(x), limits=(0, INF)),
    "expm1": Elementary(value=lambda m, x: m.expm1(x), limits=(-1, INF)),
    "log": Elementary(value=lambda m, x: m.log(x), limits=(float("nan"), INF), kinks=lambda: (1,)),
    "log1p": Elementary(value=lambda m, x: m.log1p(x), limits=(float("nan"), INF), kinks=lambda: (-1,)),
}


def log_softmax(x: Array) -> Array:
    """x - log sum exp(x) along the last axis; that of the largest keeps its digits however small it is."""
    largest = x.argmax(axis=-1)[..., np.newaxis]
    shifted = x - np.take_along_axis(x, largest, -1)
    others = np.exp(shifted)
    np.put_along_axis(others, largest, 0, -1)
    return shifted - np.log1p(others.sum(axis=-1, keepdims=True))


def softmax(x: Array) -> Array:
    """exp(x) / sum exp(x) along the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def logsumexp(x: Array) -> Array:
    """log sum exp(x) along the last axis."""
    largest = x.max(axis=-1)
    return largest + np.log(np.exp(x - largest[..., np.newaxis]).sum(axis=-1))


def times(a: Array, b: Array) -> Array:
    """a b, but 0 where a is 0: 0 log 0 = 0."""
    with np.errstate(all="ignore"):
        return np.where(a == 0, 0, a * b)


Spread = Callable[[int, float], Array]


class Loss(NamedTuple):
    """A loss of rows of outputs (n, columns), from its paper or from PyTorch's documentation.

    Attributes
    ----------
    each : (output, target, **settings) -> the loss of each row, or of each output where `over` is not None
    slope : the derivative of the sum of `each` by the output
    target : (n, columns, numbers) -> targets; numbers(count, bound) are spread evenly over +-bound
    over : "mean" or "sum" over its outputs makes the loss of a sample
    last : the activation after which outputs are in the domain
    settings : other keywords of the function to test
    per_column : from the number of columns, settings that hold one number for each
    """

    each: Callable[..., Array]
    slope: Callable[..., Array]
    target: Callable[[int, int, Spread], Array]
    over: str | None = "mean"
    last: str | None = None
    settings: tuple[dict[str, Any], ...] = ()
    per_column: Callable[[int], dict[str, Any]] | None = None

    @property
    def classifies(self) -> bool:
        """Whether a row has a class that is right."""
        return self.over is None

    def rows(self, output: Array, target: Array, **settings: Any) -> Array:
        """The loss of each sample."""
        each = self.each(output, target, **settings)
        return each if self.over is None else getattr(each, self.over)(axis=1)

    def gradient(self, output: Array, target: Array, **settings: Any) -> Array:
        """Its derivative by the output."""
        return self.slope(output, target, **settings) / (output.shape[1] if self.over == "mean" else 1)

    def variants(self, columns: int) -> list[dict[str, Any]]:
        """All settings to test with so many columns."""
        return [{}, *self.settings, *([self.per_column(columns)] if self.per_column else [])]


class _Softened(NamedTuple):
    """a t (1 - p)^gamma, log p, p, 1 - p of cross-entropy and its variants."""

    share: Array
    log_p: Array
    p: Array
    q: Array


def _softened(
    x: Array,
    target: Array,
    weight: Any = 1.0,
    label_smoothing: float = 0.0,
    gamma: float = 0.0,
    alpha: Any = 1.0,
    ignore_index: int = -100,
) -> _Softened:
    classes = x.shape[-1]
    t = target if target.ndim == x.ndim else (np.arange(classes) == target[..., np.newaxis])
    t = (1 - label_smoothing) * t + label_smoothing / classes
    if target.ndim < x.ndim:
        t = t * (target != ignore_index)[..., np.newaxis]
    log_p = log_softmax(x)
    p, q = np.exp(log_p), -np.expm1(log_p)
    return _Softened(t * weight * alpha * q**gamma, log_p, p, q)


def cross_entropy(x: Array, target: Array, **settings: Any) -> Array:
    """sum_c a_c t_c (1 - p_c)^gamma (-log p_c) with t smoothed: Szegedy et al. 2016, Lin et al. 2017."""
    found = _softened(x, target, **settings)
    return times(found.share, -found.log_p).sum(axis=-1)


def cross_entropy_slope(x: Array, target: Array, **settings: Any) -> Array:
    """h_j - p_j sum_c h_c, h_c = a_c t_c (1 - p_c)^gamma (gamma p_c log p_c / (1 - p_c) - 1)."""
    found = _softened(x, target, **settings)
    gamma = settings.get("gamma", 0.0)
    ratio = np.where(found.q > 0, times(found.p, found.log_p) / np.where(found.q > 0, found.q, 1), -1)
    h = found.share * (gamma * ratio - 1)
    return h - found.p * h.sum(axis=-1, keepdims=True)


def distillation(x: Array, y: Array, temperature: float = 1.0) -> Array:
    """T^2 KL(softmax(y / T) | softmax(x / T)): Hinton, Vinyals & Dean 2015."""
    log_t, log_s = log_softmax(y / temperature), log_softmax(x / temperature)
    return temperature**2 * times(np.exp(log_t), log_t - log_s).sum(axis=-1)


def distillation_slope(x: Array, y: Array, temperature: float = 1.0) -> Array:
    """T (s - t)."""
    return temperature * (softmax(x / temperature) - softmax(y / temperature))


def huber(x: Array, y: Array, delta: float = 1.0) -> Array:
    """Huber 1964."""
    d = abs(x - y)
    return np.where(d <= delta, d**2 / 2, delta * (d - delta / 2))


def smooth_l1(x: Array, y: Array, beta: float = 1.0) -> Array:
    """Girshick 2015; beta = 0 is |x - y|."""
    d = abs(x - y)
    return np.where(d < beta, d**2 / (2 * beta or 1), d - beta / 2)


def poisson_nll(x: Array, y: Array, log_input: bool = True, full: bool = False, eps: float = 1e-8) -> Array:
    """PyTorch's PoissonNLLLoss."""
    value = np.exp(x) - y * x if log_input else x - y * np.log(x + eps)
    many = np.where(y > 1, y, 1)
    stirling = many * np.log(many) - many + np.log(2 * np.pi * many) / 2
    return value + (full and np.where(y > 1, stirling, 0))


def kl_div(x: Array, y: Array, log_target: bool = False) -> Array:
    """y (log y - x)."""
    with np.errstate(divide="ignore"):
        return np.exp(y) * (y - x) if log_target else times(y, np.log(y) - x)


def with_logits(x: Array, y: Array, pos_weight: Any = 1.0) -> Array:
    """-(w y log sigmoid(x) + (1 - y) log sigmoid(-x))."""
    return pos_weight * y * softplus(Double, -x) + (1 - y) * softplus(Double, x)


def binary_cross_entropy(x: Array, y: Array) -> Array:
    """-(y log x + (1 - y) log(1 - x)), logarithms at least -100 as PyTorch has it."""
    with np.errstate(divide="ignore"):
        yes, no = np.maximum(np.log(x), -100), np.maximum(np.log1p(-x), -100)
    return -(y * yes + (1 - y) * no)


def class_indices(n: int, columns: int, numbers: Spread) -> Array:
    """Class indices."""
    return np.arange(n) * 7 % 11 % columns


def any_values(n: int, columns: int, numbers: Spread) -> Array:
    """Real numbers."""
    return numbers(n * columns + 5, 1.2)[5:].reshape(n, columns)


def signs(n: int, columns: int, numbers: Spread) -> Array:
    """-1 and 1."""
    return np.copysign(numbers(1, 1)[0] * 0 + 1, any_values(n, columns, numbers))


def probabilities(n: int, columns: int, numbers: Spread) -> Array:
    """In [0, 1], both ends included."""
    return np.clip(any_values(n, columns, numbers) + 0.5, 0, 1)


def counts(n: int, columns: int, numbers: Spread) -> Array:
    """0, 1, 2, ..."""
    return np.floor(abs(4 * any_values(n, columns, numbers)))


def distributions(n: int, columns: int, numbers: Spread) -> Array:
    """Rows of numbers >= 0 that sum to 1; some are 0."""
    some = probabilities(n, columns, numbers)
    some[:, :1] += 1
    return some / some.cumsum(axis=1)[:, -1:]  # in order, the same everywhere


def pinball(x: Array, y: Array, q: float = 0.5) -> Array:
    """Koenker & Bassett 1978."""
    return np.maximum(q * (y - x), (q - 1) * (y - x))


_WEIGHTS = lambda columns: {"weight": 0.25 + np.arange(columns) % 5}  # noqa: E731

#: Every loss that a `Trainer` takes.
LOSSES = {
    "cross_entropy": Loss(
        each=cross_entropy,
        slope=cross_entropy_slope,
        target=class_indices,
        over=None,
        settings=({"label_smoothing": 0.1}, {"label_smoothing": 1.0}, {"ignore_index": 2}),
        per_column=_WEIGHTS,
    ),
    "focal": Loss(
        each=lambda x, y, gamma=2.0, **others: cross_entropy(x, y, gamma=gamma, **others),
        slope=lambda x, y, gamma=2.0, **others: cross_entropy_slope(x, y, gamma=gamma, **others),
        target=class_indices,
        over=None,
        settings=({"gamma": 0.5}, {"gamma": 5.0, "alpha": 0.25}, {"gamma": 1.0, "label_smoothing": 0.2}),
        per_column=lambda columns: {"alpha": 0.5 + np.arange(columns) % 3},
    ),
    "nll": Loss(
        each=lambda x, y, weight=1.0, ignore_index=-100: (
            -(np.where(np.arange(x.shape[1]) == y[:, np.newaxis], x, 0) * weight).sum(axis=1)
            * (y != ignore_index)
        ),
        slope=lambda x, y, weight=1.0, ignore_index=-100: (
            -(
                (np.arange(x.shape[1]) == y[:, np.newaxis]) * weight * (y != ignore_index)[:, np.newaxis]
                + 0 * x
            )
        ),
        target=class_indices,
        over=None,
        last="log_sigmoid",
        settings=({"ignore_index": 2},),
        per_column=_WEIGHTS,
    ),
    "distillation": Loss(
        each=distillation,
        slope=distillation_slope,
        target=any_values,
        over=None,
        settings=({"temperature": 4.0}, {"temperature": 0.5}),
    ),
    "binary_cross_entropy": Loss(
        each=binary_cross_entropy,
        slope=lambda x, y: (x - y) / np.maximum(x * (1 - x), 1e-12),
        target=probabilities,
        last="sigmoid",
    ),
    "binary_cross_entropy_with_logits": Loss(
        each=with_logits,
        slope=lambda x, y, pos_weight=1.0: (
            (1 - y) * sigmoid(Double, x) - pos_weight * y * sigmoid(Double, -x)
        ),
        target=probabilities,
        per_column=lambda columns: {"pos_weight": 0.5 + np.arange(columns) % 3},
    ),
    "hinge": Loss(
        each=lambda x, y, margin=1.0: np.maximum(0, margin - y * x),
        slope=lambda x, y, margin=1.0: np.where(margin - y * x > 0, -y, 0),
        target=signs,
        settings=({"margin": 0.3},),
    ),
    "squared_hinge": Loss(
        each=lambda x, y, margin=1.0: np.maximum(0, margin - y * x) ** 2,
        slope=lambda x, y, margin=1.0: -2 * y * np.maximum(0, margin - y * x),
        target=signs,
        settings=({"margin": 0.3},),
    ),
    "mse": Loss(
        each=lambda x, y: (x - y) ** 2,
        slope=lambda x, y: 2 * (x - y),
        target=any_values,
    ),
    "l1": Loss(
        each=lambda x, y: abs(x - y),
        slope=lambda x, y: np.sign(x - y),
        target=any_values,
    ),
    "huber": Loss(
        each=huber,
        slope=lambda x, y, delta=1.0: np.clip(x - y, -delta, delta),
        target=any_values,
        settings=({"delta": 0.25}, {"delta": 3.0}),
    ),
    "smooth_l1": Loss(
        each=smooth_l1,
        slope=lambda x, y, beta=1.0: np.where(abs(x - y) < beta, (x - y) / (beta or 1), np.sign(x - y)),
        target=any_values,
        settings=({"beta": 0.25}, {"beta": 3.0}, {"beta": 0.0}),
    ),
    "log_cosh": Loss(
        each=lambda x, y: np.logaddexp(x - y, y - x) - np.log(x.dtype.type(2)),
        slope=lambda x, y: np.tanh(x - y),
        target=any_values,
    ),
    "quantile": Loss(
        each=pinball,
        slope=lambda x, y, q=0.5: np.where(y > x, -q, np.where(y < x, 1 - q, 0)),
        target=any_values,
        settings=({"q": 0.1}, {"q": 0.9}, {"q": 1.0}),
    ),
    "poisson_nll": Loss(
        each=poisson_nll,
        slope=lambda x, y, log_input=True, full=False, eps=1e-8: (
            np.exp(x) - y if log_input else 1 - y / (x + eps)
        ),
        target=counts,
        settings=({"full": True},),
    ),
    "kl_div": Loss(
        each=kl_div,
        slope=lambda x, y, log_target=False: -(np.exp(y) if log_target else y) + 0 * x,
        target=distributions,
        over="sum",
        last="log_sigmoid",
        settings=({"log_target": True},),
    ),
}

#: Named, but measures alone: a `Trainer` refuses them.
METRICS = {"zero_one"}

State = dict[str, Array]


def sgd(p: Array, g: Array, state: State, t: int, *, lr: float, weight_decay: float) -> Array:
    """Robbins & Monro 1951."""
    return p - lr * (g + weight_decay * p)


def momentum(
    p: Array,
    g: Array,
    state: State,
    t: int,
    *,
    lr: float,
    weight_decay: float,
    momentum: float,
    dampening: float,
    nesterov: float,
) -> Array:
    """Polyak 1964 and Sutskever et al. 2013, as PyTorch defines SGD."""
    g = g + weight_decay * p
    b = state["b"] = g if t == 1 else momentum * state["b"] + (1 - dampening) * g
    return p - lr * (g + momentum * b if nesterov else b)


def adam(
    p: Array,
    g: Array,
    state: State,
    t: int,
    *,
    lr: float,
    weight_decay: float,
    beta1: float,
    beta2: float,
    eps: float,
) -> Array:
    """Kingma & Ba 2015, algorithm 1, with the L2 penalty of PyTorch's Adam."""
    g = g + weight_decay * p
    m = state["m"] = beta1 * state.get("m", 0 * p) + (1 - beta1) * g
    v = state["v"] = beta2 * state.get("v", 0 * p) + (1 - beta2) * g**2
    return p - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)


RULES = {"sgd": sgd, "momentum": momentum, "adam": adam}


class Layer(NamedTuple):
    """A dense layer in float64: weight (in, out), bias (out,) or None, activation and its parameters."""

    weight: Array
    bias: Array | None
    activation: str
    parameters: tuple[float, ...] = ()

    def linear(self, x: Array) -> Array:
        """x W + b."""
        return x @ self.weight + (0 if self.bias is None else self.bias)

    def value(self, z: Array) -> Array:
        """f(z)."""
        return ACTIVATIONS[self.activation].value(Double, z, *self.parameters)

    def slope(self, z: Array) -> Array:
        """f'(z)."""
        return ACTIVATIONS[self.activation].derivative(Double, z, *self.parameters)


def forward(layers: Sequence[Layer], x: Array) -> Array:
    """The output of the network."""
    for layer in layers:
        x = layer.value(layer.linear(x))
    return x


def backward(
    layers: Sequence[Layer], x: Array, gradient_of: Callable[[Array], Array]
) -> tuple[Array, list[Array]]:
    """The gradient with respect to x, and those of each weight and bias in order, from that of the output."""
    inputs, before = [x], []
    for layer in layers:
        before.append(layer.linear(inputs[-1]))
        inputs.append(layer.value(before[-1]))
    gradient = gradient_of(inputs.pop())
    found: list[Array] = []
    for layer, z, given in zip(layers[::-1], before[::-1], inputs[::-1], strict=True):
        dz = gradient * layer.slope(z)
        found[:0] = [given.T @ dz] if layer.bias is None else [given.T @ dz, dz.sum(axis=0)]
        gradient = dz @ layer.weight.T
    return gradient, found
