"""Prepared settings of the playground: networks with one illness each and its remedy, and healthy ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Preset:
    """Settings with a title and a lesson; the remedy is a label and the settings that heal, or None.

    ``problem`` is the name in `diagnostics.Report.problems` that the network has before or while it trains.
    """

    title: str
    lesson: str
    settings: dict[str, Any]
    problem: str | None = None
    remedy: tuple[str, dict[str, Any]] | None = None


def _deep(layers: int, units: int, activation: str, **others: Any) -> dict[str, Any]:
    return {"layers": layers, "widths": [units], "activation": activation, **others}


#: The prepared settings by name, in the order of the page.
PRESETS: dict[str, Preset] = {
    "circles": Preset(
        "A first network",
        "Two layers of eight units learn to tell a disk from the ring around it. Run it, then change one"
        " setting at a time: without hidden layers the border can only be a straight line.",
        {},
    ),
    "spirals": Preset(
        "Two spirals",
        "Two arms that wind around each other need more layers and more steps. Compare activations: the"
        " border of relu has corners, that of tanh is smooth.",
        {"data": "spirals", "noise": 0.05, **_deep(3, 24, "tanh"), "lr": 0.005},
    ),
    "digits": Preset(
        "Handwritten digits",
        "Images of 8 by 8 pixels that the network has never seen, each with the digit that it reads;"
        " wrong answers are marked. Most of them are right within a second.",
        {"data": "digits", **_deep(2, 32, "relu"), "lr": 0.003, "batch": 32},
    ),
    "vanishing": Preset(
        "Vanishing gradients",
        "Thirty layers of sigmoids. On the way back each layer multiplies gradients with a slope of at"
        " most 1/4, so that almost nothing arrives at the first layers: their steps are tiny and the loss"
        " stays that of a guess, however long you wait.",
        _deep(30, 12, "sigmoid"),
        "vanishing",
        (
            "ReLU, shortcuts, smaller weights",
            {"activation": "relu", "residual": True, "gain": 0.3, "lr": 0.003},
        ),
    ),
    "exploding": Preset(
        "Exploding gradients",
        "Weights that are four times too large: activations grow from layer to layer, and gradients on the"
        " way back. The loss begins in the thousands; with a rate of 0.01 it is infinite within an epoch,"
        " with this tiny one it takes forever.",
        _deep(8, 16, "relu", gain=4.0, optimizer="sgd", lr=1e-6),
        "exploding",
        ("Gain 1", {"gain": 1.0, "lr": 0.05}),
    ),
    "dead-relu": Preset(
        "Dead ReLU units",
        "Biases far below zero: most units give 0 for every sample. Their slope is 0 too, so no gradient"
        " reaches them, and the few that live have all the work.",
        _deep(2, 24, "relu", bias=-2.0, optimizer="sgd", lr=0.05),
        "dead",
        ("Bias 0", {"bias": 0.0}),
    ),
    "saturated": Preset(
        "Saturated units",
        "Weights thirty times too large push tanh into its flat ends, at -1 and 1. Gradients pass only"
        " where a unit happens to be near 0.",
        _deep(4, 16, "tanh", gain=30.0, optimizer="sgd", lr=0.05),
        "saturated",
        ("Gain 1", {"gain": 1.0, "lr": 0.1}),
    ),
    "symmetric": Preset(
        "A symmetric start",
        "All weights of a layer are equal, so all its units compute the same, get the same gradient and"
        " stay the same. However wide the layer, it is worth one unit.",
        _deep(2, 16, "tanh", init="ones", gain=0.1),
        "symmetric",
        ("Random weights", {"init": "xavier_uniform", "gain": 1.0}),
    ),
    "rate-too-high": Preset(
        "A learning rate that is too high",
        "Each step jumps over the valley to the other slope: the loss rises or swings instead of falling.",
        _deep(3, 16, "tanh", optimizer="sgd", lr=10.0),
        "rate_high",
        ("Rate 0.1", {"lr": 0.1}),
    ),
    "rate-too-low": Preset(
        "A learning rate that is too low",
        "Everything is fine but the size of the steps: a millionth of the weights. The loss would fall,"
        " in some days.",
        _deep(3, 16, "tanh", optimizer="sgd", lr=1e-6),
        "rate_low",
        ("Rate 0.1", {"lr": 0.1}),
    ),
    "imbalanced": Preset(
        "Imbalanced classes",
        "Few points belong to the rare class. The network calls everything common and is right in more"
        " than 90 of 100 cases, which is worth nothing: look at the surface, not at the accuracy.",
        {"data": "rare", "noise": 0.5, **_deep(1, 6, "tanh"), "lr": 0.003},
        "majority",
        ("Weigh the classes", {"weighted": True}),
    ),
    "overfitting": Preset(
        "Overfitting",
        "Noisy moons and a network with room to learn each point by heart: the loss of the training"
        " falls, that of the test rises. No rule of the verdict sees it; the gap between the two curves"
        " does.",
        {"data": "moons", "noise": 0.45, **_deep(3, 64, "elu"), "lr": 0.01},
        None,
        ("An L2 penalty", {"l2": 0.01, "lr": 0.003}),
    ),
}
