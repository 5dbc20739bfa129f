"""Formulas of activations and elementary functions from their papers; each name needs one row here."""

from collections.abc import Callable
from typing import Any, NamedTuple

INF = float("inf")


class Activation(NamedTuple):
    """Formulas f and f', functions of (arithmetic, x, parameters...), and their properties.

    The arithmetic m is `Double`, `Precise`, or `Cpp`, which writes the formula as C++. So the only
    numbers in a formula are integers and ``m.constant("...")``, and it divides no two integers.

    Attributes
    ----------
    limits : f(-inf), f(inf), f'(-inf), f'(inf) at the default parameters
    slope_at_zero : f'(+-0) from the parameters
    parameters : other parameters to test
    root : where f' crosses zero, from the parameters; the error bound near it is eps / 10
    kinks : the points other than zero at which formulas branch, from the parameters
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
    """The value `inside` for x strictly between low and high, else 0."""
    return m.where(x > low, m.where(x < high, inside, 0 * abs(x)), 0 * abs(x))


def leaky(m: Any, x: Any, slope: Any) -> Any:
    """The leaky rectifier: x, times the slope if negative."""
    return m.where(x > 0, x, slope * x)


def leaky_derivative(m: Any, x: Any, slope: Any) -> Any:
    """The derivative of `leaky`: 1, or the slope for x <= 0."""
    return m.where(x > 0, 1 + 0 * x, slope + 0 * x)


def elu(m: Any, x: Any, alpha: Any) -> Any:
    """The formula of ELU: x, or alpha (exp(x) - 1) for negative x."""
    return m.where(x < 0, alpha * m.expm1(-abs(x)), x)


def elu_derivative(m: Any, x: Any, alpha: Any) -> Any:
    """The derivative of `elu`: 1, or alpha exp(x) for x <= 0."""
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
    """A function without a derivative: its formula, f(-inf), f(inf), and points of interest besides zero."""

    value: Callable[..., Any]
    limits: tuple[float, float]
    kinks: Callable[..., tuple[float, ...]] = lambda: ()


ELEMENTARY = {
    "exp": Elementary(value=lambda m, x: m.exp(x), limits=(0, INF)),
    "expm1": Elementary(value=lambda m, x: m.expm1(x), limits=(-1, INF)),
    "log": Elementary(value=lambda m, x: m.log(x), limits=(float("nan"), INF), kinks=lambda: (1,)),
    "log1p": Elementary(value=lambda m, x: m.log1p(x), limits=(float("nan"), INF), kinks=lambda: (-1,)),
}
