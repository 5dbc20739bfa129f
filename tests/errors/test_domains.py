"""Values outside of the documented domains: every setting of every public class and function refuses them."""

import functools
import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import callbacks, diagnostics, init, nn, optim, pretrain, schedules
from simdnn import functional as F

from tests.support.registry import FLOATS

X = np.zeros((4, 3), np.float32)
Y = np.array([0, 1, 1, 0])

#: Values that are of no use, by the type of a setting's default.
OF_FLAG = ("x", "True", None, 2, math.nan, [True], 0.5)
OF_NUMBER = ("x", "0.5", True, np.bool_(True), 1j, [0.5], math.nan, b"1")
OF_COUNT = ("x", True, 1.5, math.nan, -1, 2j, [1])

#: Arguments that classes and functions need.
NEEDED: dict[str, tuple[Any, ...]] = {
    "Dense": (3, 2),
    "Maxout": (3, 2),
    "PiecewiseLinear": (3, 2),
    "LSTM": (3, 2),
    "GRU": (3, 2),
    "RNN": (3, 2),
    "LargeMarginSoftmax": (3, 4),
    "Embedding": (3, 2),
    "ModelCheckpoint": ("x",),
    "CSVLogger": ("x",),
    "BernoulliRBM": (3, 2),
    "constant": (1.0,),
    "step": (1.0, 5),
    "exponential": (1.0, 0.5),
    "inverse_power": (1.0, 0.5),
    "inverse_scaling": (1.0,),
    "linear": (1.0, 0.5, 5),
    "cosine": (1.0, 5),
    "coslog4": (1.0, 5),
    "flat_cos": (1.0, 5),
    "one_cycle": (1.0, 5),
    "reduce_on_plateau": (1.0,),
    "warm_up": (5, schedules.constant(1.0)),
    "sequence": ([schedules.constant(1.0)], []),
}
#: Settings that take such a value all the same.
TAKEN: set[tuple[str, str]] = {
    ("LargeMarginSoftmax", "class_weight"),
    ("Embedding", "columns"),
    ("BatchNorm1d", "momentum"),  # None is the mean of all batches
    ("EarlyStopping", "patience"),
    ("BernoulliRBM", "seed"),
}


def public(module: Any) -> Iterator[tuple[str, Any]]:
    """The classes and functions of a module that can be called."""
    for name in module.__all__:
        yield name, getattr(module, name)


def settings_of(name: str, make: Any) -> Iterator[tuple[str, Any]]:
    """The settings with a number or a flag as default, and the needed ones, with a value that is right."""
    parameters = list(inspect.signature(make).parameters.values())
    needed = dict(zip([one.name for one in parameters], NEEDED.get(name, ()), strict=False))
    for one in parameters:
        value = needed.get(one.name, one.default)
        if isinstance(value, bool | int | float):
            yield one.name, value


def cases() -> Iterator[Any]:
    """Each setting and each value that is of no use for it."""
    for module in (nn, optim, schedules, callbacks, pretrain):
        for name, make in public(module):
            if not callable(make) or name in SKIPPED:
                continue
            for setting, value in settings_of(name, make):
                yield from rows(f"{module.__name__}.{name}", make, NEEDED.get(name, ()), setting, value)
    for name in init.NAMES:
        made = functools.partial(getattr(init, name), (3, 2))
        for setting, value in settings_of(name, made):
            yield from rows(f"init.{name}", made, (), setting, value)


#: Names without settings of their own, or with tests below.
SKIPPED = {
    "pad_sequences",
    "Optimizer",
    "Sequential",
    "Layer",
    "Activation",
    "Schedule",
    "lsuv",
    "greedy_layerwise",
}


def rows(what: str, make: Any, needed: tuple[Any, ...], setting: str, value: Any) -> Iterator[Any]:
    """The test cases of a setting."""
    wrong = OF_FLAG if isinstance(value, bool) else OF_COUNT if isinstance(value, int) else OF_NUMBER
    for one in wrong:
        if (what.rpartition(".")[2], setting) not in TAKEN:
            yield pytest.param(make, needed, setting, one, id=f"{what}({setting}={one!r})")


@pytest.mark.parametrize(("make", "needed", "setting", "value"), list(cases()))
def test_a_value_that_is_no_number_or_flag_is_refused(
    make: Any, needed: tuple[Any, ...], setting: str, value: Any
) -> None:
    names = [name for name in inspect.signature(make).parameters if name != "self"]
    given = dict(zip(names, needed, strict=False)) | {setting: value}
    with pytest.raises((TypeError, ValueError), match=setting):
        make(**given)


def network(*layers: nn.Layer) -> nn.Sequential:
    return nn.Sequential(*(layers or (nn.Dense(3, 2),)), rng=0)


def trained(loss: Any, y: Any, **settings: Any) -> Any:
    """A step with these targets, for two outputs."""
    return simdnn.Trainer(network(), loss, seed=0, **settings).fit(X, y, epochs=1, progress=False)


#: Calls with a value outside of its documented domain, and the name that the error has.
OUTSIDE: dict[str, tuple[Callable[[], Any], str]] = {
    "CELU(0)": (lambda: nn.CELU(0), "alpha"),
    "CELU(-1)": (lambda: nn.CELU(-1), "alpha"),
    "CELU(inf)": (lambda: nn.CELU(math.inf), "alpha"),
    "ELU(nan)": (lambda: nn.ELU(math.nan), "alpha"),
    "LeakyReLU(inf)": (lambda: nn.LeakyReLU(-math.inf), "negative_slope"),
    "HardTanh(1, -1)": (lambda: nn.HardTanh(1, -1), "min_val, max_val"),
    "HardTanh(nan)": (lambda: nn.HardTanh(math.nan, 1), "min_val"),
    "Swish(inf)": (lambda: nn.Swish(math.inf), "beta"),
    "PReLU(init=inf)": (lambda: nn.PReLU(init=math.inf), "init"),
    "Dropout(1)": (lambda: nn.Dropout(1), "p"),
    "Dropout(-0.1)": (lambda: nn.Dropout(-0.1), "p"),
    "AlphaDropout(1)": (lambda: nn.AlphaDropout(1.0), "p"),
    "RReLU(1, 0)": (lambda: nn.RReLU(1.0, 0.0), "lower, upper"),
    "RReLU(inf)": (lambda: nn.RReLU(0.0, math.inf), "upper"),
    "BatchNorm1d(eps=0)": (lambda: nn.BatchNorm1d(3, eps=0), "eps"),
    "BatchNorm1d(momentum=1.5)": (lambda: nn.BatchNorm1d(3, momentum=1.5), "momentum"),
    "LayerNorm(eps=-1)": (lambda: nn.LayerNorm(3, eps=-1), "eps"),
    "LSTM(forget_bias=inf)": (lambda: nn.LSTM(3, 2, forget_bias=math.inf), "forget_bias"),
    "LSTM(num_layers=0)": (lambda: nn.LSTM(3, 2, num_layers=0), "num_layers"),
    "LSTM(truncate=0)": (lambda: nn.LSTM(3, 2, truncate=0), "truncate"),
    "Maxout(pieces=0)": (lambda: nn.Maxout(3, 2, pieces=0), "pieces"),
    "LargeMarginSoftmax(margin=9)": (lambda: nn.LargeMarginSoftmax(3, 4, margin=9), "margin"),
    "BinaryStep('x')": (lambda: nn.BinaryStep("x"), "straight_through"),
    "forward(training='x')": (lambda: network().forward(X, training="x"), "training"),
    "celu alpha 0": (lambda: F.celu([-1.0], 0.0), "alpha"),
    "celu alpha array": (lambda: F.celu([-1.0, 1.0], alpha=np.array([1.0, -1.0])), "alpha"),
    "celu alpha nan": (lambda: F.celu([-1.0], math.nan), "alpha"),
    "celu alpha string": (lambda: F.celu([-1.0], "1"), "alpha"),
    "celu_derivative": (lambda: F.celu_derivative([-1.0], -1.0), "alpha"),
    "celu_backward": (lambda: F.celu_backward([1.0], [-1.0], -1.0), "alpha"),
    "hard_tanh": (lambda: F.hard_tanh([0.0], 1.0, -1.0), "min_val, max_val"),
    "hard_tanh max alone": (lambda: F.hard_tanh([0.0], max_val=-2.0), "min_val, max_val"),
    "hard_tanh_derivative": (lambda: F.hard_tanh_derivative([0.0], 1.0, -1.0), "min_val, max_val"),
    "hard_tanh_backward": (lambda: F.hard_tanh_backward([1.0], [0.0], 1.0, -1.0), "min_val, max_val"),
    "rrelu": (lambda: F.rrelu([0.0], 1.0, 0.0), "lower, upper"),
    "rrelu training": (lambda: F.rrelu([0.0], training="x"), "training"),
    "rrelu_derivative": (lambda: F.rrelu_derivative([0.0], 0.5, 1.0, 0.0), "lower, upper"),
    "rrelu_backward": (lambda: F.rrelu_backward([0.0], [0.0], 0.5, math.nan, 1.0), "lower"),
    "maxout": (lambda: F.maxout([1.0, 2.0], True), "pieces"),
    "entropy return_grad": (lambda: F.entropy([1.0], return_grad="x"), "return_grad"),
    "label_smoothing": (lambda: F.cross_entropy(X, Y, label_smoothing=1.5), "label_smoothing"),
    "label_smoothing nan": (lambda: F.cross_entropy(X, Y, label_smoothing=math.nan), "label_smoothing"),
    "label_smoothing bool": (
        lambda: (F.cross_entropy(X, Y, label_smoothing=1.0), F.cross_entropy(X, Y, label_smoothing=True)),
        "label_smoothing",
    ),
    "ignore_index": (lambda: F.cross_entropy(X, Y, ignore_index=1.5), "ignore_index"),
    "ignore_index bool": (lambda: F.nll_loss(X, Y, ignore_index=True), "ignore_index"),
    "gamma": (lambda: F.focal_loss(X, Y, gamma=-1.0), "gamma"),
    "alpha": (lambda: F.focal_loss(X, Y, alpha=-1.0), "alpha"),
    "temperature": (lambda: F.distillation_loss(X, X, 0.0), "temperature"),
    "hard_weight": (lambda: F.distillation_loss(X, X, 1.0, hard_weight=1.5), "hard_weight"),
    "delta": (lambda: F.huber_loss(X, X, delta=0.0), "delta"),
    "beta": (lambda: F.smooth_l1_loss(X, X, beta=-1.0), "beta"),
    "q": (lambda: F.quantile_loss(X, X, q=1.5), "q"),
    "hinge margin": (lambda: F.hinge_loss(X, X + 1, margin=-1.0), "margin"),
    "poisson eps": (lambda: F.poisson_nll_loss(X, X, eps=-1.0), "eps"),
    "poisson log_input": (lambda: F.poisson_nll_loss(X, X, log_input="x"), "log_input"),
    "poisson full": (lambda: F.poisson_nll_loss(X, X, full=0.5), "full"),
    "kl_div log_target": (lambda: F.kl_div(X, X, log_target=None), "log_target"),
    "mse return_grad": (lambda: F.mse_loss(X, X, return_grad="x"), "return_grad"),
    "cross_entropy return_grad": (
        lambda: F.cross_entropy(X, Y, return_grad="x"),
        "return_grad",
    ),
    "hinge of 0": (lambda: F.hinge_loss([1.0], [0.0]), "target"),
    "hinge of 0.5": (lambda: F.hinge_loss([1.0], [0.5]), "target"),
    "squared hinge of 0": (lambda: F.squared_hinge_loss([1.0], [0.0]), "target"),
    "bce of 1.5": (lambda: F.binary_cross_entropy([0.5], [1.5]), "target"),
    "bce of -0.5": (lambda: F.binary_cross_entropy_with_logits([0.5], [-0.5]), "target"),
    "bce input 1.5": (lambda: F.binary_cross_entropy([1.5], [1.0]), "input"),
    "bce input -0.5": (lambda: F.binary_cross_entropy([-0.5], [1.0]), "input"),
    "poisson of -1": (lambda: F.poisson_nll_loss([1.0], [-1.0]), "target"),
    "kl_div of -1": (lambda: F.kl_div([[0.0]], [[-1.0]]), "target"),
    "cross_entropy of -0.5": (lambda: F.cross_entropy([[0.0, 0.0]], [[1.5, -0.5]]), "target"),
    "fit hinge of 0": (lambda: trained("hinge", np.zeros((4, 2))), "y"),
    "fit poisson of -1": (lambda: trained("poisson_nll", -np.ones((4, 2))), "y"),
    "fit bce of 2": (lambda: trained("binary_cross_entropy_with_logits", 2 * np.ones((4, 2))), "y"),
    "fit probabilities": (lambda: trained("cross_entropy", 2 * np.ones((4, 2))), "y"),
    "fit validation": (
        lambda: simdnn.Trainer(network(), "hinge").fit(
            X, np.ones((4, 2)), epochs=1, validation_data=(X, np.zeros((4, 2))), progress=False
        ),
        "y",
    ),
    "evaluate hinge of 0": (lambda: simdnn.Trainer(network(), "hinge").evaluate(X, np.zeros((4, 2))), "y"),
    "step hinge of 0": (lambda: simdnn.Trainer(network(), "hinge").step(X, np.zeros((4, 2))), "y"),
    "report hinge of 0": (
        lambda: diagnostics.report(network(), X, np.zeros((4, 2)), loss="hinge"),
        "-1 or 1",
    ),
    "scale": (lambda: simdnn.Trainer(network()).fit(X, Y, epochs=1, scale=math.nan), "scale"),
    "scale string": (lambda: simdnn.Trainer(network()).evaluate(X, Y, scale="1"), "scale"),
    "epochs": (lambda: simdnn.Trainer(network()).fit(X, Y, epochs=True), "epochs"),
    "batch_size": (lambda: simdnn.Trainer(network()).fit(X, Y, epochs=1, batch_size=True), "batch_size"),
    "shuffle": (lambda: simdnn.Trainer(network()).fit(X, Y, epochs=1, shuffle="no"), "shuffle"),
    "seed": (lambda: simdnn.Trainer(network(), seed=True), "seed"),
    "clip_norm": (lambda: simdnn.Trainer(network(), clip_norm=-1.0), "clip_norm"),
    "l1": (lambda: simdnn.Trainer(network(), l1=math.nan), "l1"),
    "l2": (lambda: simdnn.Trainer(network(), l2="1"), "l2"),
    "objective of a number": (lambda: simdnn.Trainer(network()).objective(X, Y)(0.0), "parameters"),
    "objective of complex numbers": (
        lambda: simdnn.Trainer(network()).objective(X, Y)(np.zeros(8, complex)),
        "parameters",
    ),
    "objective of too few": (lambda: simdnn.Trainer(network()).objective(X, Y)(np.zeros(7)), "parameters"),
    "betas": (lambda: optim.Adam(betas=(0.9, 1.0)), "beta2"),
    "betas nan": (lambda: optim.Adam(betas=(math.nan, 0.9)), "beta1"),
    "momentum": (lambda: optim.SGD(momentum=-0.1), "momentum"),
    "rho": (lambda: optim.Adadelta(rho=1.0), "rho"),
    "lr": (lambda: optim.SGD(lr=-1.0), "lr"),
    "lr bool": (lambda: optim.SGD(lr=True), "lr"),
    "eps_mode": (lambda: optim.Adam(eps_mode="in"), "eps_mode"),
    "lr_in_velocity": (lambda: optim.RMSprop(lr_in_velocity="x"), "lr_in_velocity"),
    "lr_in_velocity later": (lambda: optim.SGD().set_params(lr_in_velocity="x"), "lr_in_velocity"),
    "amsgrad": (lambda: optim.Adam(amsgrad="no"), "amsgrad"),
    "centered": (lambda: optim.RMSprop(centered="no"), "centered"),
    "decoupled_weight_decay": (lambda: optim.Adam(decoupled_weight_decay="no"), "decoupled_weight_decay"),
    "maximize": (lambda: optim.Adam(maximize="no"), "maximize"),
    "skip_nonfinite": (lambda: optim.Adam(skip_nonfinite="no"), "skip_nonfinite"),
    "max_norm": (lambda: optim.Adam(max_norm=-1), "max_norm"),
    "clip_grad_norm_": (lambda: optim.clip_grad_norm_([np.ones(1)], math.nan), "max_norm"),
    "clip_grad_value_": (lambda: optim.clip_grad_value_([np.ones(1)], "1"), "clip_value"),
    "uniform": (lambda: init.uniform((3, 2), low=1.0, high=0.0), "low, high"),
    "normal": (lambda: init.normal((3, 2), std=-1.0), "std"),
    "normal mean": (lambda: init.normal((3, 2), mean=math.nan), "mean"),
    "truncated": (lambda: init.truncated_normal((3, 2), low=1.0, high=0.0), "low, high"),
    "sparsity": (lambda: init.sparse((3, 2), sparsity=1.5), "sparsity"),
    "gain": (lambda: init.xavier_uniform((3, 2), gain=math.nan), "gain"),
    "orthogonal gain": (lambda: init.orthogonal((3, 2), gain="1"), "gain"),
    "calculate_gain": (lambda: init.calculate_gain("leaky_relu", "x"), "param"),
    "Patience": (lambda: callbacks.Patience(min_delta=-1.0), "min_delta"),
    "EarlyStopping": (lambda: callbacks.EarlyStopping(patience=-1), "patience"),
    "restore_best": (lambda: callbacks.EarlyStopping(restore_best="x"), "restore_best"),
    "lsuv tolerance": (lambda: pretrain.lsuv(network(), X, tolerance=-1.0), "tolerance"),
    "lsuv iterations": (lambda: pretrain.lsuv(network(), X, iterations=-1), "iterations"),
    "k": (lambda: pretrain.BernoulliRBM(3, 2, k=0), "k"),
    "set_num_threads": (lambda: simdnn.set_num_threads(True), "n"),
    "profile": (lambda: network().profile(True), "batch_size"),
}
for _name in ("softmax", "log_softmax", "logsumexp"):
    for _wrong in (0.0, -1.0, math.nan, [[1.0], [0.0]]):
        OUTSIDE[f"{_name} {_wrong}"] = (functools.partial(getattr(F, _name), X, _wrong), "temperature")
        _back = functools.partial(getattr(F, f"{_name}_backward"), X, X, temperature=_wrong)
        OUTSIDE[f"{_name}_backward {_wrong}"] = (_back, "temperature")


@pytest.mark.parametrize("what", OUTSIDE)
def test_a_value_outside_of_its_domain_is_refused(what: str) -> None:
    call, name = OUTSIDE[what]
    with pytest.raises((TypeError, ValueError), match=name):
        call()


def test_estimators_refuse_counts_below_zero() -> None:
    from simdnn.sklearn import MLPRegressor

    for solver in ("adam", "sgd", "lbfgs"):
        for loss in ("poisson", "poisson_nll"):
            with pytest.raises(ValueError, match="y: expected numbers >= 0"):
                MLPRegressor(loss=loss, solver=solver, max_iter=2).fit(X, [0, 1, -1, 2])
    with pytest.raises(ValueError, match="y: expected numbers >= 0"):
        MLPRegressor(loss="poisson", max_iter=2).fit(X, Y, eval_set=(X, -1 - Y))


def test_limits_of_the_domains_are_inside() -> None:
    for call in (
        lambda: nn.HardTanh(1.0, 1.0),
        lambda: nn.RReLU(0.5, 0.5),
        lambda: nn.BatchNorm1d(3, momentum=0.0),
        lambda: nn.BatchNorm1d(3, momentum=1.0),
        lambda: nn.Dropout(0.0),
        lambda: optim.Adam(betas=(0.0, 0.0), eps=0.0, amsgrad=1),
        lambda: F.celu([-1.0], 1e-30),
        lambda: F.softmax(X, np.full(4, 0.5)),
        lambda: F.softmax(X, 2),
        lambda: F.quantile_loss(X, X, q=1.0),
        lambda: F.cross_entropy(X, Y, label_smoothing=1.0),
        lambda: F.binary_cross_entropy([0.0, 1.0], [0.0, 1.0]),
        lambda: F.binary_cross_entropy(np.float32([0.5]), np.float32([1 + 1e-6])),
        lambda: F.poisson_nll_loss([0.0], [0.0], log_input=False, full=True),
        lambda: F.kl_div([[0.0]], [[-1.0]], log_target=True),
        lambda: init.normal((3, 2), std=0.0),
        lambda: init.uniform((3, 2), low=0.5, high=0.5),
        lambda: network().forward(X, training=np.True_),
    ):
        call()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("place", [0, 15, 16, 999, 1000])
def test_one_wrong_number_among_many_is_found(place: int, dtype: Any) -> None:
    """Whole arrays are checked in vectors, and their ends too; a NaN is no wrong number."""
    x = np.full(1001, 0.25, dtype)
    x[3] = np.nan
    above = x.copy()
    above[place] = np.nextafter(dtype(1), dtype(2))
    with pytest.raises(ValueError, match=r"probabilities in \[0, 1\] .*got 1\.0"):
        F.binary_cross_entropy(above, x)
    for loss, wrong, wanted in (
        (F.binary_cross_entropy, 1.1, "probabilities in"),
        (F.binary_cross_entropy_with_logits, -1e-6, "probabilities in"),
        (F.poisson_nll_loss, -1.0, "numbers >= 0"),
        (F.kl_div, -1e-6, "numbers >= 0"),
    ):
        y = x.copy()
        y[place] = wrong
        with pytest.raises(ValueError, match=f"target: expected {wanted}"):
            loss(x, y)
        assert np.isnan(loss(x, x))
    signs = np.where(np.arange(1001) % 2, 1, -1).astype(dtype)
    signs[place] = 0
    with pytest.raises(ValueError, match=r"target: expected -1 or 1 .*got 0"):
        F.hinge_loss(x, signs)
