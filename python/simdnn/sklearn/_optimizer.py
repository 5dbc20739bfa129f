"""The optimizer and the trainer of an estimator, and their settings that change between partial fits."""

from __future__ import annotations

import copy
from typing import Any

from .. import Trainer, nn, optim
from .._utils.check import check_name, check_positive_single
from ..schedules import ReduceOnPlateau
from ._heads import Head

#: Parameters that decide the optimizer; the settings of an object come besides.
PARAMETERS = (
    *("solver", "learning_rate_init", "momentum", "nesterovs_momentum", "beta_1", "beta_2", "epsilon"),
    *("clip_norm", "l1", "alpha"),
)


def make_optimizer(estimator: Any) -> optim.Optimizer:
    """The optimizer of the solver, in scikit-learn's variant, or a copy of the estimator's `optimizer`."""
    chosen, rate = estimator.optimizer, estimator.learning_rate_init
    made: optim.Optimizer
    if isinstance(chosen, optim.Optimizer):
        made = copy.deepcopy(chosen)
    elif chosen is not None:
        kind: Any = optim.BY_NAME[check_name("optimizer", chosen, optim.BY_NAME)]
        made = kind(lr=rate)
    elif estimator.solver == "sgd":
        momentum = estimator.momentum
        nesterov = bool(estimator.nesterovs_momentum and momentum > 0)
        made = optim.SGD(lr=rate, momentum=momentum, nesterov=nesterov, lr_in_velocity=True)
    else:
        betas, eps = (estimator.beta_1, estimator.beta_2), check_positive_single("epsilon", estimator.epsilon)
        made = optim.Adam(lr=rate, betas=betas, eps=eps, eps_mode="hat")
    made.penalize_bias = False
    return made


def make_trainer(model: nn.Sequential, head: Head, optimizer: optim.Optimizer, seed: int) -> Trainer:
    """A trainer that adds penalties to the sum of a batch's losses, as scikit-learn does with alpha."""
    loss: Any = head.loss
    return Trainer(model, loss, optimizer, seed=seed, penalty="sum")


def parameters_of(estimator: Any) -> dict[str, Any]:
    """The parameters that decide the optimizer, by name."""
    chosen = estimator.optimizer
    found = {name: getattr(estimator, name) for name in PARAMETERS}
    if not isinstance(chosen, optim.Optimizer):
        return found | {"optimizer": chosen}
    own = {f"optimizer__{name}": value for name, value in chosen.get_params().items()}
    if isinstance(chosen.lr, ReduceOnPlateau):  # it may be changed in place
        own["optimizer__lr"] = repr(chosen.lr)
    return found | own | {"optimizer": type(chosen)}


def settings_of(estimator: Any, made: optim.Optimizer) -> dict[str, Any]:
    """All settings of the optimizer that was made for an estimator, with those of the estimator itself."""
    options = {"clip_norm": estimator.clip_norm, "l1": estimator.l1, "l2": estimator.alpha}
    found = made.get_params()
    for name, value in options.items():
        if value is None or value == 0:
            continue
        if found[name] not in (None, 0, value):
            raise ValueError(f"{name}: the optimizer has {found[name]:g}, the estimator {value:g}")
        found[name] = value
    return found


def prepare(estimator: Any, head: Head, fresh: bool) -> None:
    """Makes a new optimizer and trainer, or goes on with those of an earlier (perhaps pickled) fit.

    Settings that were changed since then are taken over, and the optimizer keeps its state; so does the
    learning rate, which training may have lowered, unless it is among the settings that were changed.
    """
    now = parameters_of(estimator)
    old: Any = None if fresh else estimator._optimizer
    same = old is not None and now == estimator._optimizer_parameters
    if same and estimator._trainer is not None:
        return
    if same:
        optimizer = old
    else:
        made = make_optimizer(estimator)
        settings = settings_of(estimator, made)
        optimizer = (
            made.set_params(**settings) if old is None else changed(estimator, old, made, settings, now)
        )
        estimator._optimizer_settings = settings
    trainer = make_trainer(estimator._model, head, optimizer, estimator._seed)
    if old is not None:
        state = old.state_dict() if estimator._trainer is not None else estimator._optimizer_state
        optimizer.load_state_dict(state, keep_settings=True)
        trainer.epochs_done = getattr(estimator._trainer, "epochs_done", 0)
    estimator._optimizer, estimator._trainer, estimator._optimizer_state = optimizer, trainer, None
    estimator._optimizer_parameters = now


def changed(
    estimator: Any, old: optim.Optimizer, made: optim.Optimizer, settings: dict[str, Any], now: dict[str, Any]
) -> optim.Optimizer:
    """A copy of an optimizer, with the settings that have changed since it was made."""
    if type(made) is not type(old):
        raise ValueError(
            f"optimizer, solver: the fitted network goes on with {old!r}, got {made!r}: fit a new one with"
            " warm_start=False"
        )
    before = estimator._optimizer_settings
    news = {name: value for name, value in settings.items() if name != "lr" and value != before[name]}
    rates = ("learning_rate_init", "optimizer", "optimizer__lr")
    if any(now.get(name) != estimator._optimizer_parameters.get(name) for name in rates):
        news["lr"] = decayed_rate(estimator) if follows(estimator, "invscaling") else settings["lr"]
    return copy.deepcopy(old).set_params(**news)


def decayed_rate(estimator: Any) -> float:
    """The learning rate after the samples seen so far."""
    try:
        return float(estimator.learning_rate_init / (estimator.t_ + 1) ** float(estimator.power_t))
    except OverflowError:
        return 0.0


def follows(estimator: Any, schedule: str) -> bool:
    """True for the solver "sgd" with this learning rate schedule."""
    return (
        estimator.optimizer is None
        and estimator.solver == "sgd"
        and bool(estimator.learning_rate == schedule)
    )
