"""Losses from their papers or PyTorch's documentation, in NumPy: see `oracles`."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


def log_softmax(x: Array) -> Array:
    """The formula x - log sum exp(x) along the last axis, accurate for the largest element even if near 0."""
    largest = x.argmax(axis=-1)[..., np.newaxis]
    shifted = x - np.take_along_axis(x, largest, -1)
    others = np.exp(shifted)
    np.put_along_axis(others, largest, 0, -1)
    return shifted - np.log1p(others.sum(axis=-1, keepdims=True))


def softmax(x: Array) -> Array:
    """The formula exp(x) / sum exp(x) along the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def logsumexp(x: Array) -> Array:
    """The formula log sum exp(x) along the last axis."""
    largest = x.max(axis=-1)
    return largest + np.log(np.exp(x - largest[..., np.newaxis]).sum(axis=-1))


def sigmoid(x: Array) -> Array:
    """Logistic function."""
    return 1 / (1 + np.exp(-x))


def times(a: Array, b: Array) -> Array:
    """The product a b, and 0 if a is 0, so that 0 log 0 = 0."""
    with np.errstate(all="ignore"):
        return np.where(a == 0, 0, a * b)


Spread = Callable[[int, float], Array]


class Loss(NamedTuple):
    """A loss of rows of outputs (n, columns), from its paper or from PyTorch's documentation.

    Attributes
    ----------
    each : (output, target, **settings) -> the loss of each row, or of each output if `over` is not None
    slope : the derivative of the sum of `each` w.r.t. the output
    target : (n, columns, numbers) -> targets; numbers(count, bound) are spread evenly over +-bound
    over : "mean" or "sum", the reduction over outputs that gives the loss of a sample
    last : the activation after which outputs are in the domain
    settings : other keywords of the function to test
    per_column : a function of the number of columns that returns settings with one number for each
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
        """True if the targets are classes."""
        return self.over is None

    def rows(self, output: Array, target: Array, **settings: Any) -> Array:
        """The losses of all samples [n]."""
        each = self.each(output, target, **settings)
        return each if self.over is None else getattr(each, self.over)(axis=1)

    def gradient(self, output: Array, target: Array, **settings: Any) -> Array:
        """The gradient of the summed loss w.r.t. the output [n, columns]."""
        return self.slope(output, target, **settings) / (output.shape[1] if self.over == "mean" else 1)

    def variants(self, columns: int) -> list[dict[str, Any]]:
        """All settings to test with a number of columns."""
        return [{}, *self.settings, *([self.per_column(columns)] if self.per_column else [])]


class _Softened(NamedTuple):
    """Factors a t (1 - p)^gamma, log p, p and 1 - p of cross-entropy and its variants."""

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
    return pos_weight * y * np.logaddexp(0, -x) + (1 - y) * np.logaddexp(0, x)


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
    """Numbers in [0, 1], both ends included."""
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
        slope=lambda x, y, pos_weight=1.0: (1 - y) * sigmoid(x) - pos_weight * y * sigmoid(-x),
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
#: Losses of features and a weight, not of outputs: margin.py, tests/losses/test_margin_loss.py.
HEADS = {"large_margin_softmax"}
