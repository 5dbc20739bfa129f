"""Bad input raises the right exception, names the argument, and changes nothing."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import Trainer, nn, optim
from simdnn.losses._registry import NAMED, UNTRAINABLE

from tests.errors.bad_calls import INF, MODELS, NAN, TRAINING, Bad, Setting, frozen, make_setting, with_label
from tests.support.networks import network
from tests.support.processes import LEVELS, start
from tests.support.registry import ACTIVATIONS
from tests.tools.golden import digest

#: The losses by whose name a network can be trained.
TRAINABLE = [name for name in NAMED if name not in UNTRAINABLE]
OPTIMIZERS: list[Bad] = [
    ("lr is NaN", lambda s: optim.SGD(lr=NAN), ValueError, "lr: .*nan"),
    ("lr is negative", lambda s: optim.Adam(lr=-1), ValueError, "lr: .*-1"),
    ("lr is infinite", lambda s: optim.Adam(lr=INF), ValueError, "lr: .*inf"),
    ("lr is text", lambda s: optim.SGD(lr="fast"), TypeError, "lr: .*str"),
    ("lr becomes NaN", lambda s: setattr(s.alone, "lr", NAN), ValueError, "lr: .*nan"),
    ("lr becomes None", lambda s: setattr(s.alone, "lr", None), TypeError, "lr: .*None"),
    ("momentum is NaN", lambda s: optim.SGD(momentum=NAN), ValueError, "momentum: .*nan"),
    ("momentum is negative", lambda s: optim.SGD(momentum=-0.5), ValueError, "momentum: .*-0.5"),
    ("weight_decay is negative", lambda s: optim.SGD(weight_decay=-1), ValueError, "weight_decay: "),
    ("nesterov without momentum", lambda s: optim.SGD(nesterov=True), ValueError, "nesterov: "),
    ("a beta is 1", lambda s: optim.Adam(betas=(0.9, 1.0)), ValueError, "beta"),
    ("one beta", lambda s: optim.Adam(betas=0.9), TypeError, "betas: "),
    ("eps is negative", lambda s: optim.Adam(eps=-1), ValueError, "eps: "),
    ("params is one array", lambda s: optim.SGD(s.params[0]), TypeError, "params: .*list.*ndarray"),
    ("params is empty", lambda s: optim.SGD([]), ValueError, "params: "),
    ("params holds a list", lambda s: optim.SGD([[1.0, 2.0]]), TypeError, r"params\[0\]: .*list"),
    ("params is of integers", lambda s: optim.SGD([np.ones(3, int)]), TypeError, r"params\[0\]: .*int64"),
    (
        "params mixes dtypes",
        lambda s: optim.SGD([s.params[0], np.ones(3)]),
        TypeError,
        r"params\[1\]: .*float64",
    ),
    (
        "params is read-only",
        lambda s: optim.SGD([frozen(s.params[0])]),
        ValueError,
        r"params\[0\]: .*writeable",
    ),
    (
        "params overlaps itself",
        lambda s: optim.SGD([np.lib.stride_tricks.as_strided(s.params[1], (4, 2), (4, 0))]),
        ValueError,
        r"params\[0\]: .*share memory with each other",
    ),
    (
        "params share a column",
        lambda s: optim.SGD([s.params[0][:, :2], s.params[0][:, 1:]]),
        ValueError,
        r"params\[1\]: .*shares",
    ),
    (
        "params repeats an array",
        lambda s: optim.SGD([s.params[1], s.params[1]]),
        ValueError,
        r"params\[1\]: .*shares",
    ),
    ("too few grads", lambda s: s.alone.step([np.ones((2, 3))]), ValueError, "grads: .*2.*1"),
    (
        "grads of another shape",
        lambda s: s.alone.step([np.ones((2, 3)), np.ones(5)]),
        ValueError,
        r"grads\[1\]: .*\(4,\).*\(5,\)",
    ),
    (
        "grads are complex",
        lambda s: s.alone.step([np.ones((2, 3)), np.ones(4) * 1j]),
        TypeError,
        r"grads\[1\]: .*complex",
    ),
    ("step without params", lambda s: optim.SGD(lr=1).step([np.ones(3)]), ValueError, "params"),
    (
        "optimizer is bound twice",
        lambda s: Trainer(s.model, optimizer=s.trainer.optimizer),
        ValueError,
        "optimizer: ",
    ),
    (
        "optimizer has params",
        lambda s: Trainer(s.model, optimizer=s.alone),
        ValueError,
        "optimizer: .*params",
    ),
    (
        "optimizer is unknown",
        lambda s: Trainer(s.model, optimizer="sdg"),
        ValueError,
        "optimizer: 'sdg'.*sgd.*adam",
    ),
    ("optimizer is a class", lambda s: Trainer(s.model, optimizer=optim.SGD), TypeError, "optimizer: "),
    (
        "loss is unknown",
        lambda s: Trainer(s.model, loss="hinges"),
        ValueError,
        f"loss: 'hinges'.*{'.*'.join(TRAINABLE)}",
    ),
    ("loss is a ufunc", lambda s: Trainer(s.model, loss=F.relu), TypeError, "loss: .*relu"),
    ("loss is no name", lambda s: Trainer(s.model, loss=3), TypeError, "loss: .*3"),
    (
        "loss has bound arrays",
        lambda s: Trainer(s.model, loss=partial(F.mse_loss, s.out)),
        TypeError,
        "loss: .*keywords",
    ),
    (
        "loss has a setting out of range",
        lambda s: Trainer(s.model, loss=partial(F.huber_loss, delta=0)),
        ValueError,
        "delta: .*0",
    ),
    (
        "loss has a setting it does not know",
        lambda s: Trainer(s.model, loss=partial(F.mse_loss, delta=1)),
        TypeError,
        "delta",
    ),
    (
        "loss has weights for other outputs",
        lambda s: Trainer(s.model, loss=partial(F.cross_entropy, weight=np.ones(4))),
        ValueError,
        "loss: .*3 outputs.*4",
    ),
    ("model is no model", lambda s: Trainer(nn.Dense(3, 4)), TypeError, "model: .*Dense"),
    ("seed is a float", lambda s: Trainer(s.model, seed=0.5), TypeError, "seed: .*float"),
    ("seed is negative", lambda s: Trainer(s.model, seed=-1), ValueError, "seed: .*-1"),
]

FUNCTIONS: list[Bad] = [
    (
        "target is out of range",
        lambda s: F.cross_entropy(s.out, with_label(s.y, 4, 3)),
        IndexError,
        r"target\[4\]: class 3",
    ),
    (
        "the first of two",
        lambda s: F.cross_entropy(s.out, with_label(with_label(s.y, 9, -5), 3, 8)),
        IndexError,
        r"target\[3\]: class 8",
    ),
    (
        "a huge unsigned target",
        lambda s: F.cross_entropy(s.out[0], np.uint64(2**64 - 100)),
        IndexError,
        "target",
    ),
    ("target is of floats", lambda s: F.cross_entropy(s.out, s.y * 1.0), TypeError, "target: .*integer"),
    ("target is of bools", lambda s: F.cross_entropy(s.out, s.y > 0), TypeError, "target: .*integer"),
    (
        "target is too short",
        lambda s: F.cross_entropy(s.out, s.y[:5]),
        ValueError,
        r"target: .*\(20,\).*\(5,\)",
    ),
    ("target of a row", lambda s: F.cross_entropy(s.out[0], s.y), ValueError, r"target: .*\(\)"),
    ("logits are complex", lambda s: F.cross_entropy(s.out * 1j, s.y), TypeError, "logits: "),
    ("logits have no classes", lambda s: F.cross_entropy(s.out[:, :0], s.y), ValueError, "logits: "),
    ("logits have three axes", lambda s: F.cross_entropy(s.out[None], s.y), ValueError, "target: "),
    ("logits are a number", lambda s: F.cross_entropy(1.0, 0), ValueError, "logits: "),
    (
        "reduction is unknown",
        lambda s: F.cross_entropy(s.out, s.y, reduction="avg"),
        ValueError,
        "reduction: .*mean.*avg",
    ),
    (
        "a class weight is negative",
        lambda s: F.cross_entropy(s.out, s.y, weight=[1, -2, 3]),
        ValueError,
        r"weight\[1\]: .*-2",
    ),
    (
        "class weights of another count",
        lambda s: F.cross_entropy(s.out, s.y, weight=np.ones(4)),
        ValueError,
        "weight: .*3 classes.*4",
    ),
    (
        "class weights are a table",
        lambda s: F.nll_loss(s.out, s.y, weight=np.ones((3, 1))),
        ValueError,
        r"weight: .*\(3, 1\)",
    ),
    ("a focal alpha is negative", lambda s: F.focal_loss(s.out, s.y, alpha=-1), ValueError, "alpha: .*-1"),
    ("gamma is negative", lambda s: F.focal_loss(s.out, s.y, gamma=-1), ValueError, "gamma: .*-1"),
    (
        "smoothing is more than all",
        lambda s: F.cross_entropy(s.out, s.y, label_smoothing=1.5),
        ValueError,
        "label_smoothing: .*1.5",
    ),
    (
        "probabilities of another width",
        lambda s: F.cross_entropy(s.out, s.x),
        ValueError,
        r"target: .*\(20, 3\).*\(20, 4\)",
    ),
    (
        "a weight of a sample is negative",
        lambda s: F.cross_entropy(s.out, s.y, sample_weight=-np.ones(20)),
        ValueError,
        r"sample_weight\[0\]: .*-1",
    ),
    (
        "the hard part has no weight",
        lambda s: F.distillation_loss(s.out, s.out, target=s.y),
        ValueError,
        "hard_weight: ",
    ),
    (
        "a bad class of the hard part",
        lambda s: F.distillation_loss(s.out, s.out, target=with_label(s.y, 4, 3), hard_weight=0.5),
        IndexError,
        r"target\[4\]: class 3",
    ),
    ("temperature is zero", lambda s: F.distillation_loss(s.out, s.out, 0), ValueError, "temperature: "),
    ("loss of an unknown setting", lambda s: F.mse_loss(s.out, s.out, delta=1), TypeError, "delta"),
    ("mse shapes differ", lambda s: F.mse_loss(s.out, s.x), ValueError, r"target: .*\(20, 3\).*\(20, 4\)"),
    ("mse of text", lambda s: F.mse_loss(s.out, "text"), TypeError, "target: "),
    ("softmax of a number", lambda s: F.softmax(1.0), ValueError, "core dimension|dimension"),
    ("softmax of a missing axis", lambda s: F.softmax(s.out, axis=2), ValueError, "axis 2"),
    ("softmax of complex", lambda s: F.softmax(s.out * 1j), TypeError, "softmax"),
    ("an unknown keyword", lambda s: F.leaky_relu(s.out, slope=0.1), TypeError, "slope"),
    ("no threads", lambda s: simdnn.set_num_threads(0), ValueError, "n: .*0"),
    ("half a thread", lambda s: simdnn.set_num_threads(0.5), TypeError, "n: .*float"),
    ("too many threads", lambda s: simdnn.set_num_threads(10**9), ValueError, "n: .*1000000000"),
    ("another kind of report", lambda s: simdnn.show_config("json"), ValueError, "mode: .*json"),
]


@pytest.fixture
def setting() -> Setting:
    """Objects that a bad call must not change."""
    return make_setting()


@pytest.mark.parametrize(
    ("call", "exception", "message"),
    [pytest.param(*rest, id=name) for name, *rest in [*TRAINING, *MODELS, *OPTIMIZERS, *FUNCTIONS]],
)
def test_bad_input_is_refused_before_anything_is_written(
    setting: Setting, call: Callable[[Setting], Any], exception: type[Exception], message: str
) -> None:
    before, lr = setting.fingerprint(), setting.alone.lr
    with pytest.raises(exception, match=message):
        call(setting)
    assert setting.fingerprint() == before
    assert setting.alone.lr == lr


@pytest.mark.parametrize(
    ("call", "exception"), [pytest.param(call, exception, id=name) for name, call, exception, _ in TRAINING]
)
def test_a_refused_step_leaves_no_trace(
    setting: Setting, call: Callable[[Setting], Any], exception: type[Exception]
) -> None:
    """The next step has the bits of one without the refused step before it."""
    model = network([4, 9, 3], dtype=np.float32)
    trainer = Trainer(model, seed=0)
    trainer.step(setting.x, setting.y)
    with pytest.raises(exception):
        call(setting)
    assert (
        setting.trainer.fit(setting.x, setting.y, epochs=1).loss
        == trainer.fit(setting.x, setting.y, epochs=1).loss
    )
    assert digest(setting.model.flat_parameters) == digest(model.flat_parameters)


def test_names_that_are_not_known_are_answered_with_those_that_are() -> None:
    for call, known in (
        (lambda: nn.Dense(2, 2, activation="?"), ACTIVATIONS),
        (lambda: Trainer(nn.Sequential(nn.Dense(2, 2)), loss="?"), TRAINABLE),
        (lambda: Trainer(nn.Sequential(nn.Dense(2, 2)), optimizer="?"), ["sgd", "adam"]),
    ):
        with pytest.raises(ValueError, match="known") as caught:
            call()
        assert all(name in str(caught.value) for name in known)


@pytest.mark.parametrize("level", ["avx2", "V3", "v5", "3"])
def test_an_unknown_level_is_an_import_error(level: str) -> None:
    done = start(["-c", "import simdnn"], 60, {"SIMDNN_ISA": level})
    assert done.returncode != 0
    message = done.stderr.strip().splitlines()[-1]
    assert message.startswith("ImportError")
    assert level in message
    assert all(name in message for name in simdnn.show_config("dicts")["isa_available"])


def test_a_level_that_the_cpu_lacks_is_an_import_error() -> None:
    lacking = [level for level in LEVELS if level not in simdnn.show_config("dicts")["isa_available"]]
    if not lacking:
        pytest.skip(f"this CPU has every level: {', '.join(LEVELS)}")
    done = start(["-c", "import simdnn"], 60, {"SIMDNN_ISA": lacking[-1]})
    assert done.returncode != 0
    assert "ImportError" in done.stderr
    assert "lacks" in done.stderr


def test_an_empty_level_is_none() -> None:
    assert start(["-c", "import simdnn"], 60, {"SIMDNN_ISA": ""}).returncode == 0
    assert os.environ.get("SIMDNN_ISA", "") in ("", simdnn.show_config("dicts")["isa"])
