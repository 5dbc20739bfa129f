"""Networks that are built to have an illness, each with a healthy one that differs in that alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import simdnn.functional as F
from simdnn import Trainer, init, nn, optim, schedules

Array = np.ndarray[Any, Any]

FEATURES, WIDTH, SAMPLES, STEPS = 6, 24, 96, 12
#: Initializers that keep the signal, by activation.
INITIALIZERS = {"tanh": "xavier_uniform", "relu": "he_normal", "sigmoid": "xavier_uniform"}


class Case(NamedTuple):
    """A trainer and the samples that it is examined with."""

    trainer: Trainer
    x: Array
    y: Array


class Illness(NamedTuple):
    """The name of a rule, and cases by name: makers of a case that is sick or, for False, healthy."""

    rule: str
    name: str
    make: Callable[[bool], Case]


def samples(seed: int = 0, classes: int = 3) -> tuple[Array, Array]:
    """Points and the classes of a linear teacher, equally frequent."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((SAMPLES, FEATURES)).astype(np.float32)
    rank = np.argsort(np.argsort(x @ random.standard_normal(FEATURES)))
    return x, rank * classes // SAMPLES


def sequences(seed: int = 0) -> tuple[Array, Array]:
    """Sequences, and the sign of the first feature of their last step."""
    x = np.random.default_rng(seed).standard_normal((SAMPLES, STEPS, FEATURES)).astype(np.float32)
    return x, (x[:, -1, 0] > 0).astype(np.int64)


def deep(depth: int, activation: str, **settings: Any) -> nn.Sequential:
    """A network with this number of hidden layers."""
    given = {"init": INITIALIZERS[activation]} | settings
    layers = [nn.Dense(WIDTH if i else FEATURES, WIDTH, activation, **given) for i in range(depth)]
    return nn.Sequential(*layers, nn.Dense(WIDTH, 3), rng=0)


def residual(depth: int, activation: str) -> nn.Sequential:
    """Blocks with a shortcut, whose weights are small."""
    small = partial(init.normal, std=0.05 / WIDTH**0.5)
    blocks = [nn.Residual(nn.Dense(WIDTH, WIDTH, activation, init=small)) for _ in range(depth)]
    return nn.Sequential(nn.Dense(FEATURES, WIDTH, "tanh"), *blocks, nn.Dense(WIDTH, 3), rng=0)


def trained(model: nn.Sequential, optimizer: optim.Optimizer | None = None, loss: Any = None) -> Trainer:
    """A trainer of the model, Adam's by default, that has trained nothing."""
    return Trainer(model, loss, optim.Adam(lr=1e-3) if optimizer is None else optimizer, seed=0)


def of_classes(model: nn.Sequential, optimizer: optim.Optimizer | None = None) -> Case:
    return Case(trained(model, optimizer), *samples())


def recurrent(layer: type[nn.LSTM | nn.RNN], scale: float = 1.0, **settings: Any) -> Case:
    """A recurrent network whose weights from state to state are scaled."""
    model = nn.Sequential(layer(FEATURES, WIDTH, **settings), nn.Dense(WIDTH, 2), rng=0)
    model.parameters()["0.weight_hh_l0"][...] *= scale
    return Case(trained(model), *sequences())


def depths(rule: str, make: Callable[[bool, int, str], Case], *kinds: tuple[int, str]) -> list[Illness]:
    """A row for each pair of a depth and an activation."""
    return [
        Illness(rule, f"{depth} {activation}", partial(make, depth=depth, activation=activation))
        for depth, activation in kinds
    ]


def exploding(sick: bool, depth: int, activation: str) -> Case:
    """Weights of standard deviation 2, or a remedy for their depth."""
    if sick:
        return of_classes(deep(depth, activation, init=partial(init.normal, std=2.0 if depth > 3 else 20.0)))
    return of_classes(deep(depth, activation) if depth <= 20 else residual(depth, activation))


def vanishing(sick: bool, depth: int, activation: str) -> Case:
    """Weights that are too small, or sigmoids; or a remedy."""
    if not sick:
        return of_classes(residual(depth, activation) if depth > 3 else deep(depth, activation))
    if activation == "sigmoid" and depth > 3:
        return of_classes(deep(depth, activation))
    return of_classes(
        deep(depth, activation, init=partial(init.normal, std=0.1 / WIDTH / (4 - min(depth, 3))))
    )


def dead(sick: bool, depth: int) -> Case:
    """Biases far below zero in the second layer."""
    model = deep(depth, "relu")
    if sick:
        model.parameters()["1.bias"][: WIDTH * 3 // 4] = -100
    return of_classes(model)


def saturated(sick: bool, depth: int, activation: str) -> Case:
    """Weights of the first layer that are too large."""
    model = deep(depth, activation)
    if sick:
        model.parameters()["0.weight"][...] *= 40
    return of_classes(model)


def symmetric(sick: bool, depth: int, activation: str) -> Case:
    """Weights that are all equal."""
    return of_classes(
        deep(depth, activation, **({"init": partial(init.constant, value=0.1)} if sick else {}))
    )


def symmetric_lstm(sick: bool) -> Case:
    """Gates whose units are all equal."""
    case = recurrent(nn.LSTM)
    if sick:
        for value in case.trainer.model.parameters().values():
            value[...] = 0.1
    return case


def rate(sick: bool, depth: int, activation: str, wrong: float, right: float) -> Case:
    """Gradient descent with a wrong learning rate."""
    return of_classes(deep(depth, activation), optim.SGD(lr=wrong if sick else right))


def spoiled(sick: bool, place: tuple[int, int], value: float) -> Case:
    """A number of X that is not finite."""
    case = of_classes(deep(3, "relu"))
    if sick:
        case.x[place] = value
    return case


def regression(sick: bool, spoil: Callable[[Array], None]) -> Case:
    """A regression whose targets may be spoiled."""
    x, _ = samples()
    y = x[:, :3] - x[:, 3:]
    if sick:
        spoil(y)
    return Case(trained(deep(3, "tanh"), loss="mse"), x, y)


def _nan(y: Array) -> None:
    y[5, 1] = np.nan


def _huge(y: Array) -> None:
    y *= 1e-3


def prices(sick: bool) -> Case:
    """Targets of some hundred thousands, or of mean 0 and standard deviation 1."""
    x, _ = samples()
    y = 300_000 + 20_000 * (x[:, :3] - x[:, 3:])
    return Case(trained(deep(3, "relu"), loss="mse"), x, y if sick else (y - y.mean()) / y.std())


def large_weights(sick: bool) -> Case:
    """Weights that are too large, in front of targets of some hundreds."""
    x, _ = samples()
    model = deep(3, "relu")
    model.flat_parameters[:] *= 50 if sick else 2
    return Case(trained(model, loss="mse"), x, 100 * (x[:, :3] - x[:, 3:]))


def ignored(sick: bool) -> Case:
    """Labels that are all ignored."""
    case = of_classes(deep(3, "relu"))
    return case._replace(y=np.full(SAMPLES, -100)) if sick else case


def scaled(sick: bool) -> Case:
    """A feature in another unit."""
    x, y = samples()
    x[:, 2] *= 1e4 if sick else 10
    return Case(trained(deep(3, "tanh")), x, y)


def imbalanced(sick: bool) -> Case:
    """Five samples in a hundred of the other class, which a network without inputs cannot find."""
    x, y = samples(classes=20)
    y = (y == 0).astype(np.int64)
    trainer = trained(
        nn.Sequential(nn.Dense(FEATURES, WIDTH, "tanh"), nn.Dense(WIDTH, 2), rng=0), optim.Adam(lr=1e-2)
    )
    trainer.fit(0 * x if sick else x, y, epochs=100)
    return Case(trainer, 0 * x if sick else x, y)


def overlapping(sick: bool) -> Case:
    """Five samples in a hundred of the other class, which overlaps; or weights of the classes."""
    random = np.random.default_rng(0)
    y = (random.uniform(size=2000) < 0.05).astype(np.int64)
    x = (random.standard_normal((2000, 2)) + 0.9 * y[:, np.newaxis]).astype(np.float32)
    model = nn.Sequential(nn.Dense(2, 8, "tanh"), nn.Dense(8, 2), rng=0)
    weighted = partial(F.cross_entropy, weight=len(y) / (2 * np.bincount(y)))
    trainer = trained(model, loss=None if sick else weighted)
    trainer.fit(x, y, epochs=20)
    return Case(trainer, x, y)


ILLNESSES: list[Illness] = [
    *depths("exploding", exploding, (3, "relu"), (10, "relu"), (60, "relu"), (20, "tanh"), (60, "tanh")),
    Illness("exploding", "large weights and targets", large_weights),
    Illness("exploding", "LSTM", lambda sick: recurrent(nn.LSTM, 60.0 if sick else 1.0)),
    Illness("exploding", "RNN", lambda sick: recurrent(nn.RNN, 12.0 if sick else 1.0)),
    *depths("vanishing", vanishing, (3, "relu"), (10, "tanh"), (30, "relu"), (60, "tanh")),
    *depths("vanishing", vanishing, (10, "sigmoid"), (60, "sigmoid")),
    Illness("vanishing", "LSTM", lambda sick: recurrent(nn.LSTM, forget_bias=-6.0 if sick else 1.0)),
    Illness("vanishing", "RNN", lambda sick: recurrent(nn.RNN, 0.1 if sick else 1.0)),
    *[Illness("dead", f"{depth} relu", partial(dead, depth=depth)) for depth in (3, 10)],
    *depths("saturated", saturated, (3, "tanh"), (10, "tanh"), (3, "sigmoid")),
    *depths("symmetric", symmetric, (3, "tanh"), (3, "relu"), (10, "tanh"), (3, "sigmoid")),
    Illness("symmetric", "LSTM", symmetric_lstm),
    *[
        Illness(
            "rate_high",
            f"{depth} {name}",
            partial(rate, depth=depth, activation=name, wrong=wrong, right=0.02),
        )
        for depth, name, wrong in ((3, "relu", 3.0), (3, "tanh", 10.0), (10, "tanh", 10.0), (10, "relu", 1.0))
    ],
    *[
        Illness(
            "rate_low", f"{depth} {name}", partial(rate, depth=depth, activation=name, wrong=1e-6, right=0.02)
        )
        for depth, name in ((3, "relu"), (3, "sigmoid"), (10, "tanh"))
    ],
    Illness("inputs", "NaN", partial(spoiled, place=(7, 3), value=np.nan)),
    Illness("inputs", "infinity", partial(spoiled, place=(0, 0), value=-np.inf)),
    Illness("targets", "NaN", partial(regression, spoil=_nan)),
    Illness("loss", "small targets", partial(regression, spoil=_huge)),
    Illness("loss", "large targets", prices),
    Illness("ignored", "labels", ignored),
    Illness("scales", "units", scaled),
    Illness("majority", "imbalanced", imbalanced),
    Illness("majority", "overlapping", overlapping),
]

#: Optimizers, among them a schedule, with learning rates that suit small networks.
OPTIMIZERS: tuple[Callable[[], optim.Optimizer], ...] = (
    lambda: optim.Adam(lr=1e-3),
    lambda: optim.SGD(lr=0.01),
    lambda: optim.SGD(lr=0.01, momentum=0.9),
    lambda: optim.RMSprop(lr=1e-3),
    lambda: optim.AdamW(lr=schedules.warm_up(10, schedules.constant(1e-3))),
)


def healthy(seed: int) -> Case:
    """A random healthy network: its kind, depth, width, activation, loss and optimizer are drawn."""
    random = np.random.default_rng(seed)
    kind = ("dense", "norm", "residual", "recurrent")[seed % 4]
    width, features, depth = (int(random.integers(*span)) for span in ((16, 33), (2, 20), (1, 11)))
    activation = str(random.choice(["tanh", "relu", "elu", "selu", "silu", "sigmoid"]))
    weights = {"relu": "he_normal", "elu": "he_normal", "selu": "lecun_normal"}.get(activation)
    steps = (int(random.integers(3, 16)),) if kind == "recurrent" else ()
    x = random.standard_normal((64, *steps, features))
    if kind == "recurrent":
        layer = (nn.LSTM, nn.GRU)[int(random.integers(2))]
        layers: list[nn.Layer] = [layer(features, width, num_layers=1 + depth % 2)]
    else:
        layers = [nn.Dense(features, width, activation, init=weights)]
    small = partial(init.normal, std=0.1 / width**0.5)
    if kind == "residual":
        layers += [nn.Residual(nn.Dense(width, width, "tanh", init=small)) for _ in range(depth)]
    if kind == "norm":
        layers += [
            one for _ in range(depth) for one in (nn.Dense(width, width), nn.BatchNorm1d(width), nn.ReLU())
        ]
    if kind == "dense":
        most = 2 if activation in ("sigmoid", "silu") else depth
        layers += [nn.Dense(width, width, activation, init=weights) for _ in range(most)]
    loss = str(random.choice(["cross_entropy", "mse", "huber", "binary_cross_entropy_with_logits"]))
    outputs = 1 if loss.startswith("binary") else int(random.integers(2, 6))
    model = nn.Sequential(*layers, nn.Dense(width, outputs), rng=seed)
    teacher = (x if x.ndim == 2 else x.mean(axis=1)) @ random.standard_normal((features, outputs))
    y: Array = teacher / teacher.std(axis=0)
    if loss == "cross_entropy":
        y = y.argmax(axis=1)
    elif outputs == 1:
        y = (y > 0).astype(np.float32)
    optimizer = OPTIMIZERS[int(random.integers(len(OPTIMIZERS)))]()
    return Case(Trainer(model, loss, optimizer, seed=seed), x.astype(np.float32), y)
