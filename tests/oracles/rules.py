"""Update rules in float64, from the papers, and the settings that test them: a row for each rule."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from simdnn import optim, schedules

Array = np.ndarray[Any, Any]
State = dict[str, Array]

#: Hyper-parameters of every rule.
COMMON = ("lr", "weight_decay", "decoupled_weight_decay")
OUTSIDE, INSIDE, HAT = range(3)


def root(v: Array, correction: float, eps: float, eps_mode: float) -> Array:
    """The divisor for a second moment v with this bias correction."""
    if eps_mode == INSIDE:
        return np.sqrt(v / correction + eps)
    if eps_mode == HAT:
        return (np.sqrt(v) + eps) / np.sqrt(correction)
    return np.sqrt(v / correction) + eps


def sgd(g: Array, state: State, t: int, lr: float) -> Array:
    """Robbins & Monro 1951."""
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
    """Polyak 1964 and Sutskever et al. 2013, as in PyTorch, or with the rate in the velocity, as in Keras."""
    inner, outer = (lr, 1) if lr_in_velocity else (1, lr)
    weight = 1 if t == 1 else 1 - dampening
    b = state["b"] = momentum * state.get("b", 0 * g) + weight * inner * g
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
    """The rule with a velocity of its scaled gradients."""

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
    """Kingma & Ba 2015, algorithm 1: the two moments."""
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
    """Liu et al. 2020, algorithm 2; rectified above a length of 5, as in its authors' code."""
    m, v = first_and_second(g, state, beta1, beta2)
    most = 2 / (1 - beta2) - 1
    length = most - 2 * t * beta2**t / (1 - beta2**t)
    step = lr * m / (1 - beta1**t)
    if length <= 5:
        return step
    rectification = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
    return step * np.sqrt(rectification) / root(v, 1 - beta2**t, eps, eps_mode)


def adamax(g: Array, state: State, t: int, lr: float, *, beta1: float, beta2: float, eps: float) -> Array:
    """Kingma & Ba 2015, section 7.1, algorithm 2."""
    m = state["m"] = beta1 * state.get("m", 0 * g) + (1 - beta1) * g
    u = state["u"] = np.maximum(beta2 * state.get("u", 0 * g), np.abs(g) + eps)
    return lr / (1 - beta1**t) * m / u


Settings = dict[str, Any]
Optimizers = list[tuple[str, type[optim.Optimizer], Settings]]


class Rule(NamedTuple):
    """A rule of the registry: its formula, the optimizers to test it by, and their way down the valleys."""

    #: ``formula(g, state, t, lr, *, <hyper-parameters>)`` is subtracted from the parameters at step t.
    formula: Callable[..., Array]
    #: Classes with settings other than the defaults, one for each variant.
    optimizers: list[tuple[type[optim.Optimizer], Settings]]
    #: For each class, settings that reach the minimum of the functions in the tests of descent.
    descents: dict[type[optim.Optimizer], Settings]


SGD_DECAY = {"lr": 0.1, "weight_decay": 0.02}
MOMENTUM, NESTEROV = {"lr": 0.05, "momentum": 0.9}, {"lr": 0.05, "momentum": 0.9, "nesterov": True}
BETAS = {"lr": 0.02, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.02}

#: By the name in the registry. A new rule gets a row here.
RULES: dict[str, Rule] = {
    "sgd": Rule(
        sgd,
        [
            (optim.SGD, {"lr": 0.1}),
            (optim.SGD, SGD_DECAY),
            (optim.SGD, {**SGD_DECAY, "decoupled_weight_decay": True}),
        ],
        {optim.SGD: {"lr": 1e-3}},
    ),
    "momentum": Rule(
        momentum,
        [
            (optim.SGD, MOMENTUM),
            (optim.SGD, {"lr": 0.05, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01}),
            (optim.SGD, {**NESTEROV, "weight_decay": 0.01}),
            (optim.SGD, {**MOMENTUM, "lr_in_velocity": True}),
            (optim.SGD, {**NESTEROV, "lr_in_velocity": True}),
        ],
        {},
    ),
    "lion": Rule(
        lion,
        [
            (optim.Lion, {"lr": 1e-3}),
            (optim.Lion, {"lr": 1e-3, "betas": (0.8, 0.95), "weight_decay": 0.1}),
        ],
        {optim.Lion: {"lr": schedules.linear(0.01, 0.0, 4000)}},
    ),
    "adagrad": Rule(
        adagrad,
        [
            (optim.Adagrad, {"lr": 0.05}),
            (optim.Adagrad, {"lr": 0.05, "lr_decay": 0.05, "weight_decay": 0.01, "eps": 1e-3}),
            (optim.Adagrad, {"lr": 0.05, "eps": 1e-3, "eps_mode": "inside"}),
        ],
        {optim.Adagrad: {"lr": 0.5}},
    ),
    "rmsprop": Rule(
        rmsprop,
        [
            (optim.RMSprop, {"lr": 0.01}),
            (optim.RMSprop, {"lr": 0.002, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.02}),
            (optim.RMSprop, {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "eps_mode": "inside"}),
        ],
        {optim.RMSprop: {"lr": schedules.inverse_scaling(0.05)}},
    ),
    "rmsprop_momentum": Rule(
        with_velocity(rmsprop),
        [
            (optim.RMSprop, {"lr": 0.005, "momentum": 0.8}),
            (optim.RMSprop, {"lr": 0.005, "momentum": 0.8, "lr_in_velocity": True}),
        ],
        {},
    ),
    "rmsprop_centered": Rule(
        rmsprop_centered, [(optim.RMSprop, {"lr": 0.005, "centered": True, "eps": 1e-3})], {}
    ),
    "rmsprop_centered_momentum": Rule(
        with_velocity(rmsprop_centered),
        [(optim.RMSprop, {"lr": 0.002, "centered": True, "momentum": 0.5, "eps": 1e-3})],
        {},
    ),
    "adadelta": Rule(
        adadelta,
        [
            (optim.Adadelta, {"lr": 1.0}),
            (optim.Adadelta, {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.01}),
        ],
        {optim.Adadelta: {"lr": schedules.cosine(1.0, 4000, 0.02)}},
    ),
    "adam": Rule(
        adam,
        [
            (optim.Adam, {"lr": 0.02}),
            (optim.Adam, BETAS),
            (optim.Adam, {"lr": 0.02, "eps": 1e-3, "eps_mode": "inside"}),
            (optim.Adam, {"lr": 0.02, "eps": 1e-3, "eps_mode": "hat"}),
            (optim.AdamW, {"lr": 0.02}),
        ],
        {optim.Adam: {"lr": 0.05}, optim.AdamW: {"lr": 0.05, "weight_decay": 0.0}},
    ),
    "amsgrad": Rule(
        amsgrad,
        [
            (optim.Adam, {"lr": 0.02, "amsgrad": True}),
            (optim.AdamW, {"lr": 0.02, "amsgrad": True, "weight_decay": 0.1}),
        ],
        {},
    ),
    "nadam": Rule(
        nadam,
        [
            (optim.NAdam, {"lr": 0.02}),
            (
                optim.NAdam,
                {"lr": 0.02, "momentum_decay": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
            ),
        ],
        {optim.NAdam: {"lr": 0.05}},
    ),
    "radam": Rule(
        radam,
        [
            (optim.RAdam, {"lr": 0.02}),
            (optim.RAdam, {"lr": 0.02, "betas": (0.8, 0.99), "eps": 1e-3, "weight_decay": 0.02}),
        ],
        {optim.RAdam: {"lr": 5e-3}},
    ),
    "adamax": Rule(
        adamax, [(optim.Adamax, {"lr": 0.02}), (optim.Adamax, BETAS)], {optim.Adamax: {"lr": 0.05}}
    ),
}

#: All constructors to test, by the rule that they follow, with their settings.
OPTIMIZERS: Optimizers = [
    (name, make, settings) for name, rule in RULES.items() for make, settings in rule.optimizers
]


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
        return p * (1 - lr * weight_decay) - RULES[rule].formula(g, state, t, lr, **hypers)
    return p - RULES[rule].formula(g + weight_decay * p, state, t, lr, **hypers)
