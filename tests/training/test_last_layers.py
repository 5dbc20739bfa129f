"""The last layer fits the loss: probabilities for the loss of probabilities, logits for that of logits."""

import re
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import nn

PROBABILITIES, LOGITS = "binary_cross_entropy", "binary_cross_entropy_with_logits"
BOUNDED = [nn.Sigmoid(), nn.HardSigmoid(), nn.BinaryStep()]
UNBOUNDED = [nn.ReLU(), nn.Tanh(), nn.SiLU(), nn.LogSigmoid(), nn.Softplus(), nn.GELU(), nn.ReLU6()]


def models(activation: nn.Activation) -> list[nn.Sequential]:
    """A network whose activation is a part of its last layer, and one in which it is the last layer."""
    return [
        nn.Sequential(nn.Dense(3, 1, activation=activation), rng=0),
        nn.Sequential(nn.Dense(3, 1), activation, rng=0),
    ]


@pytest.mark.parametrize(
    ("activation", "right", "wrong", "gives", "takes"),
    [
        *(
            (one, PROBABILITIES, LOGITS, "probabilities", f"logits.*give loss='{PROBABILITIES}'$")
            for one in BOUNDED
        ),
        *((one, LOGITS, PROBABILITIES, "numbers beyond [0, 1]", "probabilities") for one in UNBOUNDED),
    ],
    ids=lambda one: repr(one) if isinstance(one, nn.Activation) else "",
)
def test_an_activation_goes_to_its_loss(
    activation: nn.Activation, right: str, wrong: str, gives: str, takes: str
) -> None:
    for model in models(activation):
        simdnn.Trainer(model, right)
        place = len(model.layers) - 1
        wanted = f"layers[{place}]: {model.layers[place]!r} gives {gives}, but the loss '{wrong}' takes "
        with pytest.raises(ValueError, match=f"^{re.escape(wanted)}{takes}"):
            simdnn.Trainer(model, getattr(F, wrong))


def test_a_layer_without_activation_gives_logits() -> None:
    model = nn.Sequential(nn.Dense(3, 8, "sigmoid"), nn.Dense(8, 1), rng=0)
    simdnn.Trainer(model, LOGITS)
    with pytest.raises(ValueError, match=r"^layers\[1\]: Dense\(8, 1\) gives numbers beyond \[0, 1\]"):
        simdnn.Trainer(model, PROBABILITIES)


@pytest.mark.parametrize("last", [nn.Identity(), nn.Dropout(0.0), nn.Softmax()], ids=repr)
def test_layers_whose_outputs_are_not_known_are_trusted(last: Any) -> None:
    model = nn.Sequential(nn.Dense(3, 1, "sigmoid"), last, rng=0)
    simdnn.Trainer(model, PROBABILITIES).step(np.zeros((2, 3)), [[0.0], [1.0]])
