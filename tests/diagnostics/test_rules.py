"""Each rule of the verdict finds its illness in a network that has it, and none in a healthy one."""

import math
from typing import Any

import numpy as np
import pytest
import simdnn.functional as F
from simdnn import Trainer, diagnostics, nn, optim, schedules
from simdnn.diagnostics._rules import RULES

from tests.support.illnesses import ILLNESSES, Case, Illness, healthy, samples

Array = np.ndarray[Any, Any]

HEALTHY = 200


def examined(case: Case) -> diagnostics.Report:
    return diagnostics.report(case.trainer, case.x, case.y)


@pytest.mark.parametrize("illness", ILLNESSES, ids=lambda one: f"{one.rule}-{one.name}")
def test_an_illness_is_found_and_its_remedy_heals(illness: Illness) -> None:
    sick = examined(illness.make(True))
    assert illness.rule in sick.problems, str(sick)
    assert RULES[illness.rule].words in sick.verdict
    assert RULES[illness.rule].remedy in str(sick)
    well = examined(illness.make(False))
    assert well.verdict == "healthy", str(well)


def test_large_targets_are_no_explosion() -> None:
    """The gradients are long, since the errors are large; each layer passes them on as it should."""
    (prices,) = [one for one in ILLNESSES if one.name == "large targets"]
    assert list(examined(prices.make(True)).problems) == ["loss"]


def test_every_rule_has_an_illness() -> None:
    assert RULES.keys() == {illness.rule for illness in ILLNESSES}, "build a sick network for the rule"


@pytest.mark.parametrize("start", range(0, HEALTHY, 20))
def test_random_healthy_networks_raise_no_alarm(start: int) -> None:
    found = {seed: examined(healthy(seed)) for seed in range(start, start + 20)}
    assert not {seed: one.problems for seed, one in found.items() if one.problems}


def small(**settings: Any) -> nn.Sequential:
    return nn.Sequential(nn.Dense(6, 5, "tanh"), nn.Dense(5, 3), rng=0, dtype=np.float64, **settings)


def test_the_numbers_are_those_of_float64_formulas() -> None:
    x, y = samples()
    model = small()
    trainer = Trainer(model, optimizer=optim.SGD(lr=0.25), seed=0)
    found = diagnostics.report(trainer, x, y)
    p = {name: value.astype(np.float64) for name, value in model.parameters().items()}
    hidden = np.tanh(x @ p["0.weight"] + p["0.bias"])
    logits = hidden @ p["1.weight"] + p["1.bias"]
    exponentials = np.exp(logits)
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    dz = (probabilities - np.eye(3)[y]) / len(x)
    dh = dz @ p["1.weight"].T * (1 - hidden**2)
    for layer, output, into, delta in ((0, hidden, x, dh), (1, logits, hidden, dz)):
        gradient = math.sqrt(((into.T @ delta) ** 2).sum() + (delta.sum(axis=0) ** 2).sum())
        weights = math.hypot(*p[f"{layer}.weight"].ravel(), *p[f"{layer}.bias"])
        seen = found.layers[layer]
        assert seen.signal == pytest.approx(math.sqrt(output.var(axis=0).mean()), rel=1e-10)
        assert seen.update_ratio == pytest.approx(0.25 * gradient / weights, rel=1e-8)
        assert seen.symmetric == 0
    assert found.loss == pytest.approx(-np.log(probabilities[np.arange(len(x)), y]).mean(), rel=1e-10)
    assert found.guess == pytest.approx(math.log(3), rel=1e-10), "the classes are equally frequent"


def test_half_of_the_units_are_symmetric_if_four_of_six_are_equal() -> None:
    x, y = samples()
    model = nn.Sequential(nn.Dense(6, 6, "tanh"), nn.Dense(6, 3), rng=0)
    p = model.parameters()
    for other in (1, 2, 3):
        p["0.weight"][:, other], p["1.weight"][other] = p["0.weight"][:, 0], p["1.weight"][0]
    p["0.bias"][...] = 0
    assert diagnostics.report(model, x, y).layers[0].symmetric == 0.5
    p["1.weight"][1] *= 2
    assert diagnostics.report(model, x, y).layers[0].symmetric == pytest.approx(1 / 3), "gradients part them"


@pytest.mark.parametrize(
    ("loss", "guess"),
    [
        ("mse", lambda y: ((y - y.mean(axis=0)) ** 2).mean()),
        ("l1", lambda y: np.abs(y - np.median(y, axis=0)).mean()),
        (
            "binary_cross_entropy_with_logits",
            lambda y: (
                -(
                    y.mean(axis=0) * np.log(y.mean(axis=0))
                    + (1 - y.mean(axis=0)) * np.log(1 - y.mean(axis=0))
                ).mean()
            ),
        ),
        ("poisson_nll", lambda y: (y.mean(axis=0) - y * np.log(y.mean(axis=0))).mean()),
    ],
)
def test_the_best_constant_guess(loss: str, guess: Any) -> None:
    x, _ = samples()
    y = np.random.default_rng(1).random((len(x), 3))
    assert diagnostics.report(small(), x, y, loss).guess == pytest.approx(guess(y), rel=1e-10)


@pytest.mark.parametrize("loss", ["mse", "binary_cross_entropy_with_logits"])
@pytest.mark.parametrize("time", [None, 5])
def test_one_output_takes_targets_with_or_without_its_axis(loss: str, time: int | None) -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(30, 6) if time is None else (30, time, 6))
    y = x[..., 0] > 0
    layer = nn.Dense(6, 4) if time is None else nn.GRU(6, 4, return_sequences=True)
    trainer = Trainer(nn.Sequential(layer, nn.Dense(4, 1), rng=0), loss, seed=0)
    found = [diagnostics.report(trainer, x, one) for one in (y, y[..., np.newaxis], y.astype(float))]
    assert len({str(one) for one in found}) == 1
    assert math.isfinite(found[0].guess)


def test_booleans_are_the_classes_0_and_1() -> None:
    x, y = samples()
    found = [diagnostics.report(small(), x, one) for one in (y > 0, (y > 0).astype(int))]
    assert str(found[0]) == str(found[1])
    with pytest.raises(IndexError, match=r"^y\[\d+\]: class 1, but the model has 1 output"):
        diagnostics.report(nn.Sequential(nn.Dense(6, 1)), x, y > 0)


def test_samples_of_one_class_have_no_guess() -> None:
    x, y = samples()
    found = diagnostics.report(small(), x[y == 1], y[y == 1])
    assert math.isnan(found.guess)
    assert found.verdict == "healthy"


def test_nothing_is_changed() -> None:
    x, y = samples()
    trainers = [
        Trainer(nn.Sequential(nn.Dense(6, 4), nn.Dropout(0.5), nn.Dense(4, 3), rng=0), seed=0) for _ in "ab"
    ]
    for trainer in trainers:
        trainer.fit(x, y, epochs=2)
    diagnostics.report(trainers[0], x, y)
    assert trainers[0].optimizer.steps == trainers[1].optimizer.steps
    assert trainers[0].fit(x, y, epochs=2).loss == trainers[1].fit(x, y, epochs=2).loss


def test_a_stateful_network_keeps_its_state() -> None:
    x = np.random.default_rng(0).standard_normal((8, 5, 3)).astype(np.float32)
    trainer = Trainer(nn.Sequential(nn.LSTM(3, 4, stateful=True), nn.Dense(4, 2), rng=0), seed=0)
    for _ in range(2):
        diagnostics.report(trainer, x[:3], np.arange(3) % 2)
        trainer.step(x, np.arange(8) % 2)


def test_samples_that_are_not_finite_are_left_out_of_the_statistics() -> None:
    x, y = samples()
    whole = diagnostics.report(small(), x[1:], y[1:])
    x[0, 4] = np.nan
    found = diagnostics.report(small(), x, y)
    assert (found.loss, found.layers) == (whole.loss, whole.layers)
    assert found.problems["inputs"].startswith("X[0, 4] is nan")
    x[:] = np.inf
    nothing = diagnostics.report(small(), x, y)
    assert nothing.verdict == "inputs that are not finite"
    assert "X[0, 0] is inf" in str(nothing)


def test_numbers_beyond_the_dtype_of_the_model_are_not_finite() -> None:
    x, y = samples()
    wide = x.astype(np.float64)
    wide[2, 1] = 1e300
    assert diagnostics.report(small(), wide, y).problems.get("inputs") is None
    single = nn.Sequential(nn.Dense(6, 3), rng=0)
    assert "X[2, 1] is 1e+300" in diagnostics.report(single, wide, y).problems["inputs"]


def test_masked_steps_may_be_nan() -> None:
    x = np.random.default_rng(0).standard_normal((8, 5, 3)).astype(np.float32)
    x[2:, 3:] = np.nan
    model = nn.Sequential(nn.LSTM(3, 16, mask_value=math.nan), nn.Dense(16, 2), rng=0)
    assert diagnostics.report(model, x, np.arange(8) % 2).verdict == "healthy"
    x[0, 0, 1] = np.nan
    assert (
        "X[0, 0, 1] is nan (not finite: 1 of 120"
        in diagnostics.report(model, x, np.arange(8) % 2).problems["inputs"]
    )


def test_ids_of_an_embedding_have_no_scale() -> None:
    x = np.stack([np.arange(40) % 2, np.arange(40) * 1000], axis=1)
    model = nn.Sequential(nn.Embedding(in_features=2, columns={1: (40000, 4)}), nn.Dense(5, 2), rng=0)
    assert "scales" not in diagnostics.report(model, x, np.arange(40) % 2).problems
    wide = nn.Sequential(nn.Dense(2, 2), rng=0)
    assert "scales" in diagnostics.report(wide, x, np.arange(40) % 2).problems


def test_a_schedule_that_begins_at_zero_is_not_too_low() -> None:
    x, y = samples()
    rates = schedules.warm_up(100, schedules.constant(1e-3))
    trainer = Trainer(small(), optimizer=optim.SGD(lr=rates), seed=0)
    assert diagnostics.report(trainer, x, y).verdict == "healthy"


def test_a_converged_network_is_healthy() -> None:
    x, y = samples()
    trainer = Trainer(small(), optimizer=optim.SGD(lr=0.5, momentum=0.9), seed=0)
    trainer.fit(x, y, epochs=300)
    found = diagnostics.report(trainer, x, y)
    assert found.loss < 0.1
    assert found.verdict == "healthy"


@pytest.mark.parametrize("optimizer", [optim.SGD(lr=0.1), optim.Adam(lr=1e-2)], ids=repr)
def test_a_network_that_has_learned_needs_no_larger_steps(optimizer: optim.Optimizer) -> None:
    """Near a loss of 0 the steps of any rate shrink."""
    x, y = samples()
    trainer = Trainer(
        nn.Sequential(nn.Dense(6, 24, "tanh"), nn.Dense(24, 3), rng=0), optimizer=optimizer, seed=0
    )
    for epochs in (100, 900, 4000):
        trainer.fit(x, y, epochs=epochs, batch_size=16)
        found = diagnostics.report(trainer, x, y)
        assert found.verdict == "healthy", str(found)
    assert found.loss < 0.01


def test_a_teacher_is_a_target() -> None:
    x, y = samples()
    teacher = np.random.default_rng(0).standard_normal((len(x), 3))
    found = diagnostics.report(small(), x, (teacher, y), "distillation")
    assert (found.verdict, math.isnan(found.guess)) == ("healthy", True)
    teacher[3, 2] = np.nan
    assert "y[3, 2]" in diagnostics.report(small(), x, (teacher, y), "distillation").problems["targets"]


def test_the_loss_of_a_trainer_is_its_own() -> None:
    x, _ = samples()
    y = x[:, :3]
    found = diagnostics.report(Trainer(small(), "huber", seed=0), x, y)
    assert found.loss == pytest.approx(F.huber_loss(small()(x), y.astype(np.float64)), rel=1e-12)


def test_a_report_shows_its_verdict() -> None:
    x, y = samples()
    found = diagnostics.report(Trainer(small(), seed=0), x, y)
    assert repr(found) == f"Report('healthy', loss={found.loss:.6g}, layers=2)"
    assert "|step|/|w|" in str(found)
    assert "|step|/|w|" not in str(diagnostics.report(small(), x, y))
    with pytest.raises(ValueError, match="steps"):
        diagnostics.report(Trainer(small()), x, y, steps=0)
