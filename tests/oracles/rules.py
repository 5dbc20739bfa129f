"""Update rules of the papers in float64; a new rule needs a function and a row."""

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
State = dict[str, Array]

#: Arguments of every rule in addition to its own hyper-parameters.
COMMON = ("lr", "weight_decay", "decoupled_weight_decay")
OUTSIDE, INSIDE, HAT = range(3)


def root(v: Array, correction: float, eps: float, eps_mode: float) -> Array:
    """The divisor sqrt(v / correction) with eps, for a second moment v."""
    if eps_mode == INSIDE:
        return np.sqrt(v / correction + eps)
    if eps_mode == HAT:
        return (np.sqrt(v) + eps) / np.sqrt(correction)
    return np.sqrt(v / correction) + eps


def sgd(g: Array, state: State, t: int, lr: float) -> Array:
    """Stochastic gradient descent, Robbins & Monro 1951."""
    return lr * g


def momentum(
    g: Array,
    state: State,
    t: int,
    lr: float,
    *,
    momentum: float,
    dampening: float,
    nesterov: float,
    lr_in_velocity: float,
) -> Array:
    """Polyak 1964 and Sutskever et al. 2013, as PyTorch's SGD, or with the rate in the velocity (Keras)."""
    inner, outer = (lr, 1) if lr_in_velocity else (1, lr)
    share = 1 if t == 1 else 1 - dampening
    b = state["b"] = momentum * state.get("b", 0 * g) + share * inner * g
    return outer * (inner * g + momentum * b if nesterov else b)


def lion(g: Array, state: State, t: int, lr: float, *, beta1: float, beta2: float) -> Array:
    """Chen et al. 2023, algorithm 2."""
    m = state.get("m", 0 * g)
    state["m"] = beta2 * m + (1 - beta2) * g
    return lr * np.sign(beta1 * m + (1 - beta1) * g)


def adagrad(
    g: Array, state: State, t: int, lr: float, *, lr_decay: float, eps: float, eps_mode: float
) -> Array:
    """Duchi, Hazan & Singer 2011."""
    s = state["s"] = state.get("s", 0 * g) + g**2
    return lr / (1 + (t - 1) * lr_decay) * g / root(s, 1, eps, eps_mode)


def rmsprop(g: Array, state: State, t: int, lr: float, *, alpha: float, eps: float, eps_mode: float) -> Array:
    """Hinton 2012, lecture 6e."""
    s = state["s"] = alpha * state.get("s", 0 * g) + (1 - alpha) * g**2
    return lr * g / root(s, 1, eps, eps_mode)


def rmsprop_centered(
    g: Array, state: State, t: int, lr: float, *, alpha: float, eps: float, eps_mode: float
) -> Array:
    """Graves 2013, eq. 38-41."""
    s = state["s"] = alpha * state.get("s", 0 * g) + (1 - alpha) * g**2
    a = state["a"] = alpha * state.get("a", 0 * g) + (1 - alpha) * g
    return lr * g / root(np.maximum(s - a**2, 0), 1, eps, eps_mode)


def with_velocity(plain: Callable[..., Array]) -> Callable[..., Array]:
    """A momentum step on the scaled gradients."""

    def rule(
        g: Array,
        state: State,
        t: int,
        lr: float,
        *,
        alpha: float,
        eps: float,
        eps_mode: float,
        momentum: float,
        lr_in_velocity: float,
    ) -> Array:
        inner, outer = (lr, 1) if lr_in_velocity else (1, lr)
        step = plain(g, state, t, inner, alpha=alpha, eps=eps, eps_mode=eps_mode)
        b = state["b"] = momentum * state.get("b", 0 * g) + step
        return outer * b

    return rule


def adadelta(g: Array, state: State, t: int, lr: float, *, rho: float, eps: float) -> Array:
    """Zeiler 2012, algorithm 1."""
    s = state["s"] = rho * state.get("s", 0 * g) + (1 - rho) * g**2
    a = state.get("a", 0 * g)
    u = np.sqrt(a + eps) / np.sqrt(s + eps) * g
    state["a"] = rho * a + (1 - rho) * u**2
    return lr * u


def first_and_second(g: Array, state: State, beta1: float, beta2: float) -> tuple[Array, Array]:
    """The first and second moments of Kingma & Ba 2015, algorithm 1."""
    state["m"] = beta1 * state.get("m", 0 * g) + (1 - beta1) * g
    state["v"] = beta2 * state.get("v", 0 * g) + (1 - beta2) * g**2
    return state["m"], state["v"]


def adam(
    g: Array,
    state: State,
    t: int,
    lr: float,
    *,
    beta1: float,
    beta2: float,
    eps: float,
    eps_mode: float,
) -> Array:
    """Kingma & Ba 2015, algorithm 1."""
    m, v = first_and_second(g, state, beta1, beta2)
    return lr * (m / (1 - beta1**t)) / root(v, 1 - beta2**t, eps, eps_mode)


def amsgrad(
    g: Array,
    state: State,
    t: int,
    lr: float,
    *,
    beta1: float,
    beta2: float,
    eps: float,
    eps_mode: float,
) -> Array:
    """Reddi, Kale & Kumar 2018, algorithm 2, with bias correction."""
    m, v = first_and_second(g, state, beta1, beta2)
    largest = state["w"] = np.maximum(state.get("w", v), v)
    return lr * (m / (1 - beta1**t)) / root(largest, 1 - beta2**t, eps, eps_mode)


def nadam(
    g: Array,
    state: State,
    t: int,
    lr: float,
    *,
    beta1: float,
    beta2: float,
    eps: float,
    eps_mode: float,
    momentum_decay: float,
) -> Array:
    """Dozat 2016, algorithm 2."""
    m, v = first_and_second(g, state, beta1, beta2)
    mu = beta1 * (1 - 0.5 * 0.96 ** (momentum_decay * np.arange(1, t + 2)))
    now, ahead = 1 - np.prod(mu[:-1]), 1 - np.prod(mu)
    return lr * (mu[-1] * m / ahead + (1 - mu[-2]) * g / now) / root(v, 1 - beta2**t, eps, eps_mode)


def radam(
    g: Array,
    state: State,
    t: int,
    lr: float,
    *,
    beta1: float,
    beta2: float,
    eps: float,
    eps_mode: float,
) -> Array:
    """Liu et al. 2020, algorithm 2; rectified for lengths of at least 5, as in the authors' code."""
    m, v = first_and_second(g, state, beta1, beta2)
    most = 2 / (1 - beta2) - 1
    length = most - 2 * t * beta2**t / (1 - beta2**t)
    step = lr * m / (1 - beta1**t)
    if length <= 5:
        return step
    share = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
    return step * np.sqrt(share) / root(v, 1 - beta2**t, eps, eps_mode)


def adamax(g: Array, state: State, t: int, lr: float, *, beta1: float, beta2: float, eps: float) -> Array:
    """Kingma & Ba 2015, section 7.1, algorithm 2."""
    m = state["m"] = beta1 * state.get("m", 0 * g) + (1 - beta1) * g
    u = state["u"] = np.maximum(beta2 * state.get("u", 0 * g), np.abs(g) + eps)
    return lr / (1 - beta1**t) * m / u


#: Functions that return the update, which is subtracted from the parameters.
RULES: dict[str, Callable[..., Array]] = {
    "sgd": sgd,
    "momentum": momentum,
    "lion": lion,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "rmsprop_momentum": with_velocity(rmsprop),
    "rmsprop_centered": rmsprop_centered,
    "rmsprop_centered_momentum": with_velocity(rmsprop_centered),
    "adadelta": adadelta,
    "adam": adam,
    "amsgrad": amsgrad,
    "nadam": nadam,
    "radam": radam,
    "adamax": adamax,
}


def apply(
    rule: str,
    p: Array,
    g: Array,
    state: State,
    t: int,
    *,
    lr: float,
    weight_decay: float,
    decoupled_weight_decay: float,
    **hypers: float,
) -> Array:
    """The parameters after step t."""
    if decoupled_weight_decay:
        return p * (1 - lr * weight_decay) - RULES[rule](g, state, t, lr, **hypers)
    return p - RULES[rule](g + weight_decay * p, state, t, lr, **hypers)
