"""Dropout whose probability is a schedule of the training steps."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import Trainer, fit_many, nn, schedules

from tests.support.networks import samples
from tests.support.registry import same_bits

LAYERS = [nn.Dropout, nn.AlphaDropout]
FADING = schedules.linear(0.75, 0.0, 6)


@pytest.mark.parametrize("layer", LAYERS)
def test_each_pass_has_the_probability_of_its_step(layer: Any) -> None:
    x = np.ones((50, 40), np.float32)
    fading = nn.Sequential(layer(FADING), in_features=40, rng=3)
    for step in range(8):
        constant = nn.Sequential(layer(FADING(step)), in_features=40, rng=3)
        for _ in range(step + 1):
            wanted = constant.forward(x, training=True)
        assert same_bits(fading.forward(x, training=True), wanted)
    assert same_bits(fading(x), x)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_trainer_counts_its_steps(layer: Any, tmp_path: Path) -> None:
    x, y = samples("cross_entropy", 40, 6, 3, np.float32)

    def trainer(p: Any) -> Trainer:
        return Trainer(nn.Sequential(nn.Dense(6, 8, "tanh"), layer(p), nn.Dense(8, 3), rng=0), seed=1)

    whole, constant, many = trainer(FADING), trainer(schedules.constant(0.25)), trainer(FADING)
    number = trainer(0.25)
    for one in (constant, number):
        one.fit(x, y, epochs=2, batch_size=16)
    assert same_bits(constant.model.flat_parameters, number.model.flat_parameters)
    whole.fit(x, y, epochs=4, batch_size=16)
    fit_many([many], x, y, epochs=4, batch_size=16)
    halves = trainer(FADING)
    halves.fit(x, y, epochs=2, batch_size=16)
    halves.save(tmp_path / "half.safetensors")
    halves = copy.copy(Trainer.load(tmp_path / "half.safetensors"))
    halves.fit(x, y, epochs=2, batch_size=16)
    for other in (many, halves):
        assert same_bits(whole.model.flat_parameters, other.model.flat_parameters)


@pytest.mark.parametrize("layer", LAYERS)
def test_descriptions_and_predictors_know_schedules(layer: Any) -> None:
    model = nn.Sequential(nn.Dense(3, 4), layer(FADING), nn.Dense(4, 2), rng=0)
    again = nn.Sequential.from_dict(model.to_dict())
    assert again.layers[1].settings() == {"p": FADING}
    x = np.ones((2, 3), np.float32)
    assert same_bits(model.freeze().predict(x), model(x))
    assert "linear(0.75, 0.0, 6)" in repr(model)


@pytest.mark.parametrize("layer", LAYERS)
def test_only_probabilities_are_taken(layer: Any) -> None:
    for p, error in (
        (schedules.constant(1.0), ValueError),
        (lambda step: 0.5, TypeError),
        ("0.5", TypeError),
    ):
        with pytest.raises(error, match="p: expected a "):
            layer(p)
    rising = nn.Sequential(layer(schedules.linear(0.5, 2.0, 3)), nn.Dense(2, 2), rng=0)
    trainer = simdnn.Trainer(rising, seed=0)
    x, y = np.ones((2, 2), np.float32), [0, 1]
    trainer.step(x, y)
    before = rising.flat_parameters.copy()
    with pytest.raises(ValueError, match=r"p: expected a probability in \[0, 1\) at each step, .* at step 1"):
        trainer.step(x, y)
    assert same_bits(rising.flat_parameters, before)
    assert trainer.optimizer.steps == 1
