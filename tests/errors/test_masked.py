"""Masked arrays: functions of single elements keep the mask, everything else refuses them by name."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import diagnostics, losses, nn, optim, pretrain, schedules, table

VALUES = np.random.default_rng(0).random((4, 6), np.float32)
MASK = np.arange(24).reshape(4, 6) % 5 == 0
X = np.ma.array(VALUES, mask=MASK)
LABELS = np.arange(4) % 3
Y = np.ma.array(LABELS, mask=[True, False, False, False])
WEIGHT = np.ma.array(np.ones(4), mask=[True, False, False, False])


def model() -> nn.Sequential:
    return nn.Sequential(nn.Dense(6, 3), rng=0)


def trainer() -> simdnn.Trainer:
    return simdnn.Trainer(model(), seed=0)


def after_forward() -> nn.Sequential:
    made = model()
    made.forward(VALUES, training=True)
    return made


REFUSED: dict[str, tuple[str, Callable[[], Any]]] = {
    "call": ("x", lambda: model()(X)),
    "call with a list": ("x", lambda: model()([X[0], X[1]])),
    "forward": ("x", lambda: model().forward(X, training=True)),
    "backward": ("dy", lambda: after_forward().backward(X[:, :3])),
    "predictor": ("x", lambda: model().freeze().predict(X)),
    "load_state_dict": (
        "0.weight",
        lambda: model().load_state_dict({"0.weight": X[:, :3], "0.bias": np.ones(3)}),
    ),
    "step, x": ("x", lambda: trainer().step(X, LABELS)),
    "step, y": ("y", lambda: trainer().step(VALUES, Y)),
    "step, weight": ("sample_weight", lambda: trainer().step(VALUES, LABELS, WEIGHT)),
    "fit, X": ("x", lambda: trainer().fit(X, LABELS, epochs=1)),
    "fit, y": ("y", lambda: trainer().fit(VALUES, Y, epochs=1)),
    "fit, weight": ("sample_weight", lambda: trainer().fit(VALUES, LABELS, epochs=1, sample_weight=WEIGHT)),
    "fit, validation": (
        "validation_data: x",
        lambda: trainer().fit(VALUES, LABELS, epochs=1, validation_data=(X, LABELS)),
    ),
    "fit, order": ("order", lambda: trainer().fit(VALUES, LABELS, epochs=1, order=lambda _: Y)),
    "evaluate": ("x", lambda: trainer().evaluate(X, LABELS)),
    "objective": ("y", lambda: trainer().objective(VALUES, Y)),
    "parameters": ("parameters", lambda: trainer().objective(VALUES, LABELS)(np.ma.ones(3))),
    "rows": ("rows", lambda: table.Columns.fit({"a": VALUES[:, 0]}, rows=Y)),
    "optimizer": (r"params[0]", lambda: optim.SGD([X])),
    "optimizer's step": (r"grads[0]", lambda: optim.SGD([VALUES.copy()]).step([X])),
    "clip_grad_norm_": (r"grads[0]", lambda: optim.clip_grad_norm_([X], 1.0)),
    "pad_sequences": ("sequences[1]", lambda: nn.pad_sequences([VALUES, X])),
    "schedule": ("step", lambda: schedules.exponential(1.0, gamma=0.5)(Y)),
    "report, X": ("X", lambda: diagnostics.report(model(), X, LABELS)),
    "report, y": ("y", lambda: diagnostics.report(model(), VALUES, Y)),
    "lsuv": ("X", lambda: pretrain.lsuv(model(), X)),
    "greedy": (
        "X",
        lambda: pretrain.greedy_layerwise(nn.Sequential(nn.Dense(6, 4), nn.Dense(4, 2)), X, epochs=1),
    ),
    "rbm": ("X", lambda: pretrain.BernoulliRBM(6, 2).fit(X, epochs=1)),
    "columns": ("column a", lambda: table.Columns.fit({"a": X[:, 0]})),
    "target": ("target a", lambda: table.Target.fit({"a": Y}, "a")),
    "softmax": ("x", lambda: F.softmax(X)),
    "softmax at a temperature": ("x", lambda: F.softmax(X, temperature=2.0, axis=0)),
    "log_softmax": ("x", lambda: F.log_softmax(X)),
    "logsumexp": ("x", lambda: F.logsumexp(X)),
    "softmax_backward": ("x", lambda: F.softmax_backward(VALUES, X)),
    "log_softmax_backward": ("dy", lambda: F.log_softmax_backward(X, VALUES)),
    "entropy": ("p", lambda: F.entropy(X)),
    "maxout": ("x", lambda: F.maxout(X, 2)),
    "maxout_derivative": ("x", lambda: F.maxout_derivative(X, 2)),
    "maxout_backward": ("dy", lambda: F.maxout_backward(X[:, :3], VALUES, 2)),
    "crelu": ("x", lambda: F.crelu(X)),
    "crelu_derivative": ("x", lambda: F.crelu_derivative(X)),
    "crelu_backward": ("dy", lambda: F.crelu_backward(X, VALUES[:, :3])),
    "prelu_backward": ("x", lambda: F.prelu_backward(VALUES, X, 0.25)),
    "swish_backward": ("dy", lambda: F.swish_backward(X, VALUES, np.array(1.0))),
}


@pytest.mark.parametrize("name", REFUSED)
def test_masked_arrays_are_refused_by_name(name: str) -> None:
    argument, call = REFUSED[name]
    with pytest.raises(
        TypeError, match=f"^{re.escape(argument)}: a masked array, whose mask would be ignored"
    ):
        call()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("softmax", 1), ("log_softmax", 1), ("logsumexp", 1), ("softmax_backward", 2), ("entropy", 1)],
)
def test_functions_over_rows_refuse_data_frames(name: str, arguments: int) -> None:
    pd = pytest.importorskip("pandas")
    function, frame = getattr(F, name), pd.DataFrame({"a": [1, 2], "b": [1.5, 2.5]})
    with pytest.raises(
        TypeError, match=r"^\w+: a DataFrame, of which pandas gives its columns alone: .*to_numpy"
    ):
        function(*[frame] * arguments)
    assert np.array_equal(F.tanh(frame).to_numpy(), F.tanh(frame.to_numpy()))
    assert np.array_equal(F.softmax(frame["b"]), F.softmax([1.5, 2.5]))


@pytest.mark.parametrize(
    "values", [np.ones(3) * 1j, np.zeros(3, "M8[s]"), ["1", "2", "3"], np.array([1, 2, 3], object)]
)
def test_parameters_are_real_numbers(values: Any) -> None:
    made = model()
    before = made.flat_parameters.copy()
    with pytest.raises(TypeError, match=r"0\.bias: expected real numbers, got dtype"):
        made.load_state_dict({"0.weight": np.zeros((6, 3)), "0.bias": values})
    assert np.array_equal(made.flat_parameters, before)


def test_an_output_cannot_be_masked() -> None:
    with pytest.raises(TypeError, match="out: expected a writeable"):
        model().freeze().predict(VALUES, out=np.ma.array(np.ones((4, 3), np.float32), mask=True))


@pytest.mark.parametrize("name", ["tanh", "relu", "leaky_relu", "gelu", "exp", "log1p", "celu"])
def test_functions_of_elements_keep_the_mask(name: str) -> None:
    function = getattr(F, name)
    found = function(X)
    assert isinstance(found, np.ma.MaskedArray)
    assert np.array_equal(np.ma.getmaskarray(found), MASK)
    assert np.array_equal(found.compressed(), function(VALUES)[~MASK])


@pytest.mark.parametrize("name", [name for name in losses.__all__ if name != "margin_annealing"])
def test_losses_refuse_masked_arrays(name: str) -> None:
    function, margin = getattr(F, name), name == "large_margin_softmax"
    arguments: list[Any] = (
        [VALUES, np.ones((6, 3), np.float32), LABELS] if margin else [VALUES, VALUES.copy()]
    )
    if name in ("cross_entropy", "focal_loss"):
        arguments[1] = LABELS
    for i, masked in enumerate([np.ma.array(one, mask=one > 0.5) for one in arguments]):
        with pytest.raises(TypeError, match=r"^\w+: a masked array, whose mask would be ignored"):
            function(*arguments[:i], masked, *arguments[i + 1 :])
