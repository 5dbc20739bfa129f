"""Calls that must raise: (name, call, exception, pattern of the message)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import simdnn.functional as F
from simdnn import Trainer, init, nn, optim

from tests.support.networks import network, samples
from tests.support.registry import ACTIVATIONS
from tests.tools.golden import digest

NAN, INF = float("nan"), float("inf")


class Setting(NamedTuple):
    """Objects that a bad call must not change: a network, its trainer, optimizers, and samples."""

    model: nn.Sequential
    trainer: Trainer
    regression: Trainer
    predictor: nn.Predictor
    params: list[np.ndarray]
    alone: optim.Optimizer
    x: np.ndarray
    y: np.ndarray
    out: np.ndarray

    def fingerprint(self) -> str:
        """The bytes of everything that a call could write."""
        parts = [self.model.flat_parameters, self.model.flat_gradients, *self.params, self.x, self.out]
        return digest(*parts, self.y.astype(float), self.predictor.predict(np.ones((3, 4), np.float32)))


def make_setting() -> Setting:
    """A new setting after one step."""
    model = network([4, 9, 3], dtype=np.float32)
    x, y = samples("cross_entropy", 20, 4, 3, np.float32)
    trainer = Trainer(model, seed=0)
    regression = Trainer(model, loss="mse", seed=0)
    trainer.step(x, y)
    params = [np.ones((2, 3), np.float32), np.ones(4, np.float32)]
    alone = optim.Adam(params, lr=0.1)
    return Setting(
        model, trainer, regression, model.freeze(), params, alone, x, y, np.full((20, 3), 7, np.float32)
    )


def frozen(array: np.ndarray) -> np.ndarray:
    """A read-only copy of an array."""
    array = array.copy()
    array.flags.writeable = False
    return array


def with_label(y: np.ndarray, place: int, label: int) -> np.ndarray:
    """Labels, one of which is out of range."""
    y = y.copy()
    y[place] = label
    return y


Bad = tuple[str, Callable[[Setting], Any], type[Exception], str]

TRAINING: list[Bad] = [
    (
        "x has other features",
        lambda s: s.trainer.step(s.x[:, :3], s.y),
        ValueError,
        r"x: .*\(n, 4\).*\(20, 3\)",
    ),
    ("x is flat", lambda s: s.trainer.step(s.x[0], s.y[:1]), ValueError, r"x: .*\(n, 4\).*\(4,\)"),
    ("x is three-dimensional", lambda s: s.trainer.step(s.x[None], s.y), ValueError, r"x: .*\(1, 20, 4\)"),
    ("x is complex", lambda s: s.trainer.step(s.x * 1j, s.y), TypeError, "x: .*complex64"),
    ("x is text", lambda s: s.trainer.step("text", s.y), TypeError, "x: "),
    ("x is of objects", lambda s: s.trainer.step(s.x.astype(object), s.y), TypeError, "x: .*object"),
    ("x is ragged", lambda s: s.trainer.step([[1.0] * 4, [1.0]], s.y[:2]), TypeError, "x: "),
    ("x is None", lambda s: s.trainer.step(None, s.y), TypeError, "x: "),
    (
        "the batch is empty",
        lambda s: s.trainer.step(s.x[:0], s.y[:0]),
        ValueError,
        r"x: .*one sample.*\(0, 4\)",
    ),
    (
        "a class is too large",
        lambda s: s.trainer.step(s.x, with_label(s.y, 5, 3)),
        IndexError,
        r"y\[5\]: class 3.*3 classes",
    ),
    (
        "a class is negative",
        lambda s: s.trainer.step(s.x, with_label(s.y, 19, -1)),
        IndexError,
        r"y\[19\]: class -1",
    ),
    (
        "classes are floats",
        lambda s: s.trainer.step(s.x, s.y.astype(float)),
        TypeError,
        'y: .*integer class indices .loss="mse" is for a regression.*float64',
    ),
    (
        "classes are one-hot",
        lambda s: s.trainer.step(s.x, np.eye(3, dtype=int)[s.y]),
        ValueError,
        r"y: .*\(20,\).*\(20, 3\)",
    ),
    ("too few classes", lambda s: s.trainer.step(s.x, s.y[:19]), ValueError, r"y: .*\(20,\).*\(19,\)"),
    (
        "values of another width",
        lambda s: s.regression.step(s.x, s.x),
        ValueError,
        r"y: .*\(20, 3\).*\(20, 4\)",
    ),
    ("too few values", lambda s: s.regression.step(s.x, s.out[:7]), ValueError, r"y: .*\(20, 3\).*\(7, 3\)"),
    ("values are complex", lambda s: s.regression.step(s.x, s.out * 1j), TypeError, "y: .*complex"),
    (
        "a weight is negative",
        lambda s: s.trainer.step(s.x, s.y, -np.ones(20)),
        ValueError,
        r"sample_weight\[0\]: .*-1",
    ),
    (
        "a weight is NaN",
        lambda s: s.trainer.step(s.x, s.y, np.full(20, NAN)),
        ValueError,
        r"sample_weight\[0\]: .*nan",
    ),
    (
        "weights are infinite",
        lambda s: s.trainer.step(s.x, s.y, np.full(20, INF)),
        ValueError,
        "sample_weight",
    ),
    ("weights are all zero", lambda s: s.trainer.step(s.x, s.y, np.zeros(20)), ValueError, "sample_weight"),
    (
        "weights of another shape",
        lambda s: s.trainer.step(s.x, s.y, np.ones(3)),
        ValueError,
        r"sample_weight: .*\(20,\).*\(3,\)",
    ),
    ("epochs is zero", lambda s: s.trainer.fit(s.x, s.y, epochs=0), ValueError, "epochs: .*>= 1, got 0"),
    ("epochs is a float", lambda s: s.trainer.fit(s.x, s.y, epochs=1.5), TypeError, "epochs: .*float"),
    (
        "batch_size is zero",
        lambda s: s.trainer.fit(s.x, s.y, epochs=1, batch_size=0),
        ValueError,
        "batch_size: ",
    ),
    (
        "batch_size is text",
        lambda s: s.trainer.fit(s.x, s.y, epochs=1, batch_size="all"),
        TypeError,
        "batch_size: ",
    ),
    ("fit has other features", lambda s: s.trainer.fit(s.x[:, 1:], s.y, epochs=1), ValueError, "x: "),
    ("fit has no samples", lambda s: s.trainer.fit(s.x[:0], s.y[:0], epochs=1), ValueError, "x: "),
    (
        "fit has a bad class",
        lambda s: s.trainer.fit(s.x, with_label(s.y, 1, 9), epochs=1),
        IndexError,
        r"y\[1\]",
    ),
    (
        "validation is no pair",
        lambda s: s.trainer.fit(s.x, s.y, epochs=1, validation_data=s.x),
        TypeError,
        "validation_data: ",
    ),
    (
        "validation has other features",
        lambda s: s.trainer.fit(s.x, s.y, epochs=1, validation_data=(s.x[:, 1:], s.y)),
        ValueError,
        r"\(n, 4\)",
    ),
    (
        "callbacks are a word",
        lambda s: s.trainer.fit(s.x, s.y, epochs=1, callbacks="stop"),
        TypeError,
        r"callbacks\[0\]: .*str",
    ),
    (
        "callbacks are a function",
        lambda s: s.trainer.fit(s.x, s.y, epochs=1, callbacks=lambda trainer, logs: None),
        TypeError,
        "callbacks: .*function",
    ),
    (
        "progress is another word",
        lambda s: s.trainer.fit(s.x, s.y, epochs=1, progress="maybe"),
        ValueError,
        "progress: ",
    ),
    ("evaluate has other features", lambda s: s.trainer.evaluate(s.x[:, 1:], s.y), ValueError, "x: "),
    ("evaluate has no samples", lambda s: s.trainer.evaluate(s.x[:0], s.y[:0]), ValueError, "x: "),
]

MODELS: list[Bad] = [
    ("predict other features", lambda s: s.model(s.x[:, 1:]), ValueError, r"x: .*\(n, 4\).*\(20, 3\)"),
    ("predict one row too long", lambda s: s.model(np.ones(5)), ValueError, "x: "),
    ("predict complex", lambda s: s.model(s.x * 1j), TypeError, "x: "),
    ("forward other features", lambda s: s.model.forward(s.x[:, 1:], training=True), ValueError, "x: "),
    ("backward without forward", lambda s: s.model.backward(s.out), ValueError, "forward"),
    ("predictor complex", lambda s: s.predictor.predict(s.x * 1j), TypeError, "x: "),
    ("predictor strings", lambda s: s.predictor.predict(s.x.astype(str)), TypeError, "x: "),
    ("predictor other features", lambda s: s.predictor.predict(s.x[:, 1:], s.out), ValueError, "x: "),
    (
        "out is too small",
        lambda s: s.predictor.predict(s.x, s.out[:5]),
        ValueError,
        r"out: .*\(20, 3\).*\(5, 3\)",
    ),
    (
        "out is of another dtype",
        lambda s: s.predictor.predict(s.x, s.out.astype(float)),
        TypeError,
        "out: .*float32",
    ),
    (
        "out is read-only",
        lambda s: s.predictor.predict(s.x, frozen(s.out)),
        TypeError,
        "out: .*writeable",
    ),
    (
        "out is strided",
        lambda s: s.predictor.predict(s.x[:10], s.out[::2]),
        TypeError,
        "out: .*contiguous",
    ),
    ("out is a list", lambda s: s.predictor.predict(s.x, [[0.0] * 3] * 20), TypeError, "out: "),
    (
        "state lacks a name",
        lambda s: s.model.load_state_dict({"0.weight": np.ones((4, 9))}),
        KeyError,
        "0.bias",
    ),
    (
        "state has another shape",
        lambda s: s.model.load_state_dict({**s.model.state_dict(), "1.bias": np.ones(4)}),
        ValueError,
        r"1.bias: .*\(3,\).*\(4,\)",
    ),
    ("no layers", lambda s: nn.Sequential(), ValueError, "layers: "),
    ("no layer", lambda s: nn.Sequential(nn.Dense(3, 4), "relu"), TypeError, r"layers\[1\]: .*str"),
    (
        "layers do not fit",
        lambda s: nn.Sequential(nn.Dense(3, 4), nn.Dense(5, 2)),
        ValueError,
        r"layers\[1\]: .*4.*5",
    ),
    (
        "half precision",
        lambda s: nn.Sequential(nn.Dense(3, 4), dtype=np.float16),
        TypeError,
        "dtype: .*float16",
    ),
    ("integer model", lambda s: nn.Sequential(nn.Dense(3, 4), dtype=int), TypeError, "dtype: .*int64"),
    ("no inputs", lambda s: nn.Dense(0, 4), ValueError, "in_features: .*0"),
    ("negative outputs", lambda s: nn.Dense(4, -1), ValueError, "out_features: .*-1"),
    ("fractional inputs", lambda s: nn.Dense(2.5, 4), TypeError, "in_features: .*float"),
    (
        "activation is unknown",
        lambda s: nn.Dense(3, 4, activation="relux"),
        ValueError,
        "|".join(ACTIVATIONS),
    ),
    ("activation is no name", lambda s: nn.Dense(3, 4, activation=F.relu), TypeError, "activation: "),
    ("init is unknown", lambda s: nn.Dense(3, 4, init="he"), ValueError, "init: .*he_normal"),
    ("init is no function", lambda s: nn.Dense(3, 4, init=3), TypeError, "init: .*int"),
    ("no hidden features", lambda s: nn.LSTM(3, 0), ValueError, "hidden_features: .*0"),
    ("no levels", lambda s: nn.GRU(3, 4, num_layers=0), ValueError, "num_layers: .*0"),
    ("truncated to nothing", lambda s: nn.LSTM(3, 4, truncate=0), ValueError, "truncate: .*0"),
    ("truncated to a float", lambda s: nn.RNN(3, 4, truncate=2.5), TypeError, "truncate: .*float"),
    ("state is unknown", lambda s: nn.LSTM(3, 4, initial_state="ones"), ValueError, "learned"),
    ("mask is text", lambda s: nn.LSTM(3, 4, mask_value="none"), TypeError, "mask_value: .*str"),
    ("forget_bias is text", lambda s: nn.LSTM(3, 4, forget_bias="one"), TypeError, "forget_bias: .*str"),
    ("forget_bias alone", lambda s: nn.LSTM(3, 4, bias=False, forget_bias=1), ValueError, "forget_bias: .*1"),
    ("recurrent_init is a number", lambda s: nn.LSTM(3, 4, recurrent_init=3), TypeError, "recurrent_init: "),
    ("nothing to pad", lambda s: nn.pad_sequences([]), ValueError, "sequences: "),
    (
        "padding other features",
        lambda s: nn.pad_sequences([np.ones((2, 3)), np.ones((2, 4))]),
        ValueError,
        r"sequences\[1\]: .*\(time, 3\).*\(2, 4\)",
    ),
    ("padding flat", lambda s: nn.pad_sequences([np.ones(3)]), ValueError, r"sequences\[0\]: .*\(3,\)"),
    ("padding text", lambda s: nn.pad_sequences([[["a"]]]), TypeError, r"sequences\[0\]: "),
    ("init of one number", lambda s: init.he_normal((3,)), ValueError, r"shape: .*\(3,\)"),
]
