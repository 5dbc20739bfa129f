"""A good call of every public function of arrays, and of the methods of networks, trainers and optimizers."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import simdnn
import simdnn.functional as F
from simdnn import nn, optim, pretrain, schedules
from simdnn.losses._registry import NAMED

from tests import oracles
from tests.support.networks import network, outputs, targets
from tests.support.registry import ELEMENTWISE, spread

Array = np.ndarray[Any, Any]


class Call(NamedTuple):
    """A function of named arrays.

    Attributes
    ----------
    by_numpy : True if NumPy checks the arguments, and words the errors
    """

    function: Callable[..., Any]
    arrays: dict[str, Array]
    by_numpy: bool = False


N, COLUMNS = 12, 6
X = spread(N * COLUMNS, np.float32, 0.9).reshape(N, COLUMNS)
DY = spread(N * COLUMNS, np.float32, 0.5)[::-1].reshape(N, COLUMNS).copy()
LABELS = np.arange(N) * 5 % COLUMNS
WEIGHT = np.linspace(0.5, 1.5, N).astype(np.float32)
ROW = spread(N, np.float32, 0.8)

#: Functions whose arguments no registry describes.
OTHERS: dict[str, dict[str, Any]] = {
    "softmax": {"x": X},
    "log_softmax": {"x": X},
    "logsumexp": {"x": X},
    "softmax_backward": {"dy": DY, "x": X},
    "log_softmax_backward": {"dy": DY, "x": X},
    "logsumexp_backward": {"dy": ROW, "x": X},
    "crelu": {"x": X},
    "crelu_derivative": {"x": X},
    "crelu_backward": {"dy": np.concatenate([DY, X], axis=1), "x": X},
    "maxout": {"x": X, "pieces": 3},
    "maxout_derivative": {"x": X, "pieces": 3},
    "maxout_backward": {"dy": DY[:, :2].copy(), "x": X, "pieces": 3},
    "prelu": {"x": X, "weight": X[0].copy()},
    "prelu_derivative": {"x": X, "weight": X[0].copy()},
    "prelu_backward": {"dy": DY, "x": X, "weight": X[0].copy()},
    "rrelu": {"x": X},
    "rrelu_derivative": {"x": X},
    "rrelu_backward": {"dy": DY, "x": X},
    "entropy": {"p": np.abs(X)},
    "categorical_entropy": {"logits": X},
    "categorical_log_prob": {"logits": X, "action": LABELS},
    "normal_entropy": {"log_std": X},
    "normal_log_prob": {"action": X, "mean": DY, "log_std": X * 0.5},
    "clipped_policy_loss": {"log_prob": ROW, "old_log_prob": ROW[::-1].copy(), "advantage": ROW * 2},
    "clipped_value_loss": {"value": ROW, "target": ROW[::-1].copy()},
    "generalized_advantage": {"reward": X, "value": DY, "done": X > 0.8, "last_value": X[0].copy()},
    "large_margin_softmax": {"features": X, "weight": DY[:COLUMNS].copy(), "target": LABELS},
}
#: Functions of which ufuncs check the arguments.
BY_NUMPY = ("softmax", "log_softmax", "logsumexp", "crelu", "maxout", "prelu", "rrelu", "entropy")
#: Public functions of no arrays.
WITHOUT = {"margin_annealing"}


def loss_calls() -> dict[str, Call]:
    """Each loss of rows or values with its gradient."""
    found = {}
    for name in oracles.LOSSES:
        function = NAMED[name]
        first, second = list(inspect.signature(function).parameters)[:2]
        values = {
            first: outputs(name, N, COLUMNS, np.float32),
            second: targets(name, N, COLUMNS, np.float32),
        }
        if oracles.LOSSES[name].classifies:
            values["sample_weight"] = WEIGHT
        found[function.__name__] = Call(
            lambda f=function, **arrays: f(**arrays, return_grad=True, reduction="sum"), values
        )
    found["zero_one_loss"] = Call(F.zero_one_loss, {"input": X, "target": LABELS})
    return found


def function_calls() -> dict[str, Call]:
    """A call of every function of `simdnn.functional`."""
    found = loss_calls()
    for case in ELEMENTWISE:
        names = ("dy", "x")[2 - case.arrays :]
        values = {name: np.abs(value) for name, value in zip(names[::-1], (X, DY), strict=False)}
        found[case.name] = Call(lambda f=case.function, **arrays: f(*arrays.values()), values, True)
    for name, arguments in OTHERS.items():
        values = {key: value for key, value in arguments.items() if isinstance(value, np.ndarray)}
        rest = [value for value in arguments.values() if not isinstance(value, np.ndarray)]
        found[name] = Call(
            lambda name=name, rest=tuple(rest), **arrays: getattr(F, name)(*arrays.values(), *rest),
            values,
            any(name.startswith(word) for word in BY_NUMPY),
        )
    return found


def model() -> nn.Sequential:
    return network([COLUMNS, 7, COLUMNS], dtype=np.float32)


def trained(x: Any, y: Any, sample_weight: Any) -> list[Any]:
    trainer = simdnn.Trainer(model(), seed=0)
    loss = trainer.step(x, y, sample_weight)
    history = trainer.fit(x, y, epochs=1, batch_size=5, sample_weight=sample_weight, progress=False)
    return [loss, *history.loss, *trainer.evaluate(x, y, sample_weight), trainer.model.flat_parameters.copy()]


def passed(x: Any, dy: Any) -> list[Any]:
    own = model()
    return [own.forward(x, training=True), own.backward(dy)]


def updated(rule: Any, grads: Any) -> Any:
    params = [np.ones((N, COLUMNS), np.float32)]
    rule(params).step([grads])
    return params[0]


def method_calls() -> dict[str, Call]:
    """A call of the methods that read arrays."""
    found = {
        "Sequential.__call__": Call(lambda x: model()(x), {"x": X}),
        "Sequential passes": Call(passed, {"x": X, "dy": DY}),
        "Predictor.predict": Call(lambda x: model().freeze().predict(x), {"x": X}),
        "Ensemble": Call(lambda x: nn.Ensemble([model(), model()])(x), {"x": X}),
        "predict_many": Call(lambda xs: simdnn.predict_many([model(), model()], xs), {"xs": X}),
        "Trainer": Call(trained, {"x": X, "y": LABELS, "sample_weight": WEIGHT}),
        "BernoulliRBM.fit": Call(
            lambda X: pretrain.BernoulliRBM(COLUMNS, 3, seed=0).fit(X, epochs=1).loss, {"X": np.abs(X)}
        ),
        "schedule": Call(lambda step: schedules.cosine(0.1, 9)(step), {"step": np.arange(9.0)}),
    }
    for kind in [getattr(optim, name) for name in optim.__all__]:
        if isinstance(kind, type) and issubclass(kind, optim.Optimizer) and kind is not optim.Optimizer:
            found[kind.__name__] = Call(lambda grads, kind=kind: updated(kind, grads), {"grads": DY})
    return found


CALLS = function_calls() | method_calls()
