"""Ensembles: the mean and the standard deviation over members are those of formulas in float64."""

import copy
import functools
import math
import operator
import pickle
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import Trainer, nn

from tests.oracles.layers import ROWS, Row
from tests.support.networks import network, samples
from tests.support.processes import run
from tests.support.registry import FLOATS, same_bits, spread

Array = np.ndarray[Any, Any]
AVERAGES = ("outputs", "probabilities")
every_dtype = pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)
every_average = pytest.mark.parametrize("average", AVERAGES)


def members(count: int, outputs: int = 3, dtype: Any = np.float64, hidden: int = 16) -> list[nn.Sequential]:
    models = [network([4, hidden, outputs], dtype=dtype) for _ in range(count)]
    for i, model in enumerate(models):
        model.flat_parameters[:] *= 0.3 * i - 0.7
    return models


def numbers(rows: int, dtype: Any = np.float64) -> Array:
    return spread(rows * 4, dtype, 1.5).reshape(rows, 4)


def shares(y: Array, average: str) -> Array:
    """The averaged quantity of a member's outputs, in float64."""
    y = y.astype(np.float64)
    if average == "outputs":
        return y
    if y.shape[-1] == 1:
        return 1 / (1 + np.exp(-y))
    terms = np.exp(y - y.max(axis=-1, keepdims=True))
    return terms / terms.sum(axis=-1, keepdims=True)


def formulas(values: Array, weights: list[float]) -> tuple[Array, Array]:
    """The mean and standard deviation over the first axis, with exact sums."""
    total = math.fsum(weights)

    def mean(parts: Array) -> Array:
        flat = parts.reshape(len(weights), -1).T
        sums = [math.fsum(w * v for w, v in zip(weights, column, strict=True)) for column in flat.tolist()]
        return np.array(sums).reshape(parts.shape[1:]) / total

    center = mean(values)
    return center, np.sqrt(mean((values - center) ** 2))


@every_dtype
@every_average
@pytest.mark.parametrize("outputs", [1, 3, 70])
@pytest.mark.parametrize("weights", [None, [2, 0.5, 0, 1e-3, 7.25], [1e300] * 5, [1e-310] * 5])
def test_mean_and_deviation_are_those_of_the_formulas(
    weights: Any, outputs: int, average: str, dtype: Any
) -> None:
    models, x = members(5, outputs, dtype), numbers(9, dtype)
    ensemble = nn.Ensemble(models, weights, average)
    mean, deviation = ensemble.predict(x, return_std=True)
    scaled = [1.0] * 5 if weights is None else [w / max(weights) for w in weights]
    center, spread_of = formulas(np.array([shares(model(x), average) for model in models]), scaled)
    rounding = 4 * np.finfo(dtype).eps
    assert mean.dtype == deviation.dtype == dtype
    assert np.all(np.abs(mean - center) <= rounding * (1 + np.abs(center)))
    assert np.all(np.abs(deviation - spread_of) <= rounding * (1 + np.abs(center)))
    assert same_bits(ensemble.predict(x), mean)
    assert same_bits(ensemble(x), mean)


@every_dtype
@every_average
def test_the_mean_adds_members_in_their_order_in_double(average: str, dtype: Any) -> None:
    models, x, weights = members(4, dtype=dtype), numbers(300, dtype), (3.0, 0.7, 0.0, 1.1)
    parts = [model(x) if average == "outputs" else F.softmax(model(x)) for model in models]
    ensemble = nn.Ensemble(models, weights, average)
    scaled = [w / 4 for w in weights]
    total = functools.reduce(operator.add, scaled)  # sum() of floats is compensated from Python 3.12 on
    mean = sum((w * y.astype(np.float64) for w, y in zip(scaled, parts, strict=True)), 0.0) / total
    squares = sum(w * (y.astype(np.float64) - mean) ** 2 for w, y in zip(scaled, parts, strict=True))
    found, deviation = ensemble.predict(x, return_std=True)
    assert same_bits(found, mean.astype(dtype))
    assert same_bits(deviation, np.sqrt(squares / total).astype(dtype))
    assert same_bits(ensemble.predict_members(x), np.array(parts))


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_every_layer_is_averaged(row: Row) -> None:
    models = [row.model(np.float32) for _ in range(3)]
    for i, model in enumerate(models):
        model.flat_parameters[:] *= 1 - 0.2 * i
    x = row.x(7, np.float32)
    values = np.array([copy.deepcopy(model)(x) for model in models])
    ensemble = nn.Ensemble(models)
    frozen, predictors = ensemble.freeze(), [model.freeze() for model in models]
    assert same_bits(ensemble.predict(x), values.mean(axis=0, dtype=np.float64).astype(np.float32))
    values_of_frozen = np.array([predictor.predict(x) for predictor in predictors], np.float64)
    assert same_bits(frozen.predict(x), values_of_frozen.mean(axis=0).astype(np.float32))
    ensemble.reset_states()
    assert same_bits(ensemble.predict_members(x), values)


@every_average
def test_no_thread_batch_or_memory_changes_a_bit(layer: str, threads: int, average: str) -> None:
    models, x = members(5, 700, np.float32, hidden=64), numbers(1500, np.float32)
    ensemble = nn.Ensemble(models, [1, 2, 3, 4, 5], average)
    whole = ensemble.predict(x, return_std=True)
    if threads == 1:
        parts = [ensemble.predict(part, return_std=True) for part in np.split(x, [1, 257, 300])]
        assert all(map(same_bits, whole, map(np.concatenate, zip(*parts, strict=True))))
    simdnn.set_num_threads(None)
    assert all(map(same_bits, whole, ensemble.predict(np.asfortranarray(x), return_std=True)))
    few = nn.Ensemble(models[:1], average=average)  # threads share the work inside its only member
    assert same_bits(few(x), ensemble.predict_members(x)[0])


@every_dtype
def test_out_receives_the_mean(dtype: Any) -> None:
    models, x = members(3, 4, dtype), numbers(900, dtype)
    ensemble = nn.Ensemble(models).freeze()
    wanted, out = ensemble.predict(x), np.empty((900, 4), dtype)
    assert ensemble.predict(x, out) is out
    assert same_bits(out, wanted)
    mean, deviation = ensemble.predict(x, out, return_std=True)
    assert mean is out
    assert not np.shares_memory(deviation, out)
    assert ensemble.predict(x, x) is x
    assert same_bits(x, wanted)
    memory = np.zeros(8000, dtype)
    x, out = memory[:3600].reshape(900, 4), memory[100:3700].reshape(900, 4)
    x[:] = numbers(900, dtype)
    assert same_bits(ensemble.predict(x, out), wanted)


def test_one_sample_may_be_without_its_axis() -> None:
    ensemble, x = nn.Ensemble(members(3)), numbers(5)
    assert same_bits(ensemble(x[2]), ensemble(x)[2])
    assert ensemble.predict_members(x[2]).shape == (3, 3)
    assert ensemble(x[:0]).shape == (0, 3)


def test_nan_stays_in_its_output_and_weight_0_takes_no_part() -> None:
    models, x = members(3), numbers(6)
    wanted = nn.Ensemble(models[1:])(x)
    models[0].parameters()["1.bias"][1] = np.nan
    mean, deviation = nn.Ensemble(models).predict(x, return_std=True)
    for found in (mean, deviation):
        assert np.isnan(found[:, 1]).all()
        assert np.isfinite(found[:, [0, 2]]).all()
    assert same_bits(nn.Ensemble(models, [0, 1, 1])(x), wanted)
    assert np.isnan(nn.Ensemble(models, [0, 1, 1]).predict_members(x)[0, :, 1]).all()


def test_an_ensemble_reads_its_members_and_a_frozen_one_copies_them() -> None:
    models, (x, y) = members(3), samples("cross_entropy", 60, 4, 3)
    ensemble, other = nn.Ensemble(models), copy.deepcopy(nn.Ensemble(models))
    frozen, before = ensemble.freeze(), ensemble(x)
    for model in models:
        Trainer(model, seed=0).fit(x, y, epochs=2)
    after = ensemble(x)
    assert not np.array_equal(after, before)
    assert same_bits(after, np.mean([model(x) for model in models], axis=0))
    assert same_bits(frozen(x), before)
    assert same_bits(frozen.freeze()(x), before)
    assert same_bits(other(x), before)
    assert all(isinstance(one, nn.Predictor) for one in frozen)


@every_average
def test_copies_and_pickles_have_the_same_bits(average: str) -> None:
    ensemble, x = nn.Ensemble(members(3), [1 / 3, 0.1, 1e-7], average), numbers(20)
    for one in (ensemble, ensemble.freeze()):
        for twin in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
            assert repr(twin) == repr(one)
            assert twin.weights == one.weights
            assert same_bits(twin(x), ensemble(x))


def test_it_is_a_sequence_of_its_members() -> None:
    models = members(3)
    ensemble = nn.Ensemble(iter(models), average="probabilities")
    assert (len(ensemble), list(ensemble), ensemble[1], ensemble[-2:]) == (
        3,
        models,
        models[1],
        tuple(models[1:]),
    )
    assert ensemble.models == tuple(models)
    assert (ensemble.in_features, ensemble.out_features) == (4, 3)
    assert ensemble.dtype == np.float64
    assert (ensemble.weights, ensemble.average) == ((1.0, 1.0, 1.0), "probabilities")
    assert repr(ensemble) == f"Ensemble(3 x {models[0]!r}, average='probabilities')"
    for name in ("models", "weights", "average", "dtype"):
        with pytest.raises(AttributeError, match=f"{name}: fixed when the Ensemble is made"):
            setattr(ensemble, name, getattr(ensemble, name))
    frozen = models[0].freeze()
    assert repr(nn.Ensemble([models[0], frozen], [1, 2])) == (
        f"Ensemble([{models[0]!r}, {frozen!r}], weights=[1.0, 2.0])"
    )


def test_stateful_members_carry_their_states() -> None:
    models = [nn.Sequential(nn.GRU(3, 5, stateful=True), nn.Dense(5, 2), rng=seed) for seed in range(3)]
    alone, ensemble = copy.deepcopy(models), nn.Ensemble(models)
    for i in range(3):
        x = spread(600 * 4 * 3, np.float32).reshape(600, 4, 3) + np.float32(i)
        wanted = np.mean([model(x) for model in alone], axis=0, dtype=np.float64).astype(np.float32)
        assert same_bits(ensemble(x), wanted)
    with pytest.raises(ValueError, match="x: expected 600 samples, whose states"):
        ensemble(x[:5])
    ensemble.reset_states()
    assert ensemble(x[:5]).shape == (5, 2)


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"models": []}, ValueError, "models: expected at least one model, got none"),
    ({"models": network([4, 3])}, TypeError, "models: expected a sequence of models, got Sequential"),
    ({"models": [network([4, 3]), nn.Dense(4, 3)]}, TypeError, r"models\[1\]: expected a Sequential or"),
    ({"models": [nn.Ensemble([network([4, 3])])]}, TypeError, r"models\[0\]: .* got Ensemble"),
    (
        {"models": [network([4, 3]), network([4, 2])]},
        ValueError,
        r"models\[1\]: expected float64 from \(n, 4\) to \(n, 3\) as models\[0\] has, got .* to \(n, 2\)",
    ),
    ({"models": [network([4, 3]), network([5, 3])]}, ValueError, r"models\[1\]: .*got .*\(n, 5\)"),
    (
        {"models": [network([4, 3]), network([4, 3], dtype=np.float32)]},
        ValueError,
        r"models\[1\]: expected float64.*got float32",
    ),
    ({"models": 5}, TypeError, "models: expected a sequence of models, got int"),
    ({"weights": 5}, TypeError, "weights: expected a sequence of numbers, got int"),
    ({"weights": [1, 2]}, ValueError, "weights: expected one number for each of the 3 models, got 2"),
    ({"weights": [1, -1, 1]}, ValueError, r"weights\[1\]: expected a finite number >= 0, got -1"),
    ({"weights": [1, np.nan, 1]}, ValueError, r"weights\[1\]: expected a finite number >= 0, got nan"),
    ({"weights": [1, np.inf, 1]}, ValueError, r"weights\[1\]: expected a finite number >= 0, got inf"),
    ({"weights": [0, 0, 0]}, ValueError, "weights: expected a number above 0 among them, got zeros"),
    ({"weights": ["1", 1, 1]}, TypeError, r"weights\[0\]: expected a number, got str"),
    ({"average": "votes"}, ValueError, "average: 'votes' is not known; known: outputs, probabilities"),
    ({"average": None}, TypeError, "average: expected a name, got NoneType"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), WRONG)
def test_a_wrong_argument_is_named(arguments: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        nn.Ensemble(**({"models": members(3)} | arguments))


@pytest.mark.parametrize("call", ["predict", "predict_members"])
def test_a_wrong_input_is_named(call: str) -> None:
    predict = getattr(nn.Ensemble(members(3)), call)
    with pytest.raises(ValueError, match=r"x: expected shape \(n, 4\), got \(2, 5\)"):
        predict(np.ones((2, 5)))
    with pytest.raises(TypeError, match="x: expected real numbers"):
        predict([["a"] * 4])


def test_a_wrong_output_is_named() -> None:
    ensemble, x = nn.Ensemble(members(3)), numbers(5)
    with pytest.raises(ValueError, match=r"out: expected shape \(5, 3\), got \(4, 3\)"):
        ensemble.predict(x, np.empty((4, 3)))
    with pytest.raises(TypeError, match="out: expected a writeable, aligned, C-contiguous array of float64"):
        ensemble.predict(x, np.empty((5, 3), np.float32))
    with pytest.raises(TypeError, match="return_std: expected True or False"):
        ensemble.predict(x, return_std="yes")


def test_every_instruction_set_has_the_same_bits(isa: str) -> None:
    script = """
import numpy as np
from simdnn import nn
from tests.nn.test_ensemble import members, numbers
from tests.tools.golden import digest
for dtype in (np.float32, np.float64):
    for outputs in (1, 5):
        for average in ("outputs", "probabilities"):
            ensemble = nn.Ensemble(members(5, outputs, dtype), [1, 2, 0.3, 4, 5], average)
            print(digest(*ensemble.predict(numbers(40, dtype), return_std=True)))
"""
    assert run(script, SIMDNN_ISA=isa) == run(script)
