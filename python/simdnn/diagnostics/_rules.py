"""The rules of the verdict: each is one function with a name, words, and a remedy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._measure import LayerReport

#: Ratios over the layers of a network that count as a problem, and over the time steps of a layer, as the
#: state of a healthy LSTM halves within a step or two.
VANISHING, VANISHING_IN_TIME, EXPLODING = 1e-3, 1e-6, 1e3
#: A larger fraction than this of dead, saturated or symmetric units in a hidden layer is a problem.
MAX_FRACTION = 0.6
#: Number of layers that a description lists.
SHOWN = 4
#: Multiple of the targets up to which outputs are no larger than targets.
LARGER = 3.0
#: Multiple of a constant guess's loss that counts as far above it.
FAR = 100.0
#: Multiple of a constant guess's loss below which a network may saturate and take tiny steps, as confident
#: ones do.
LEARNED = 0.1
#: Steps over weights below which a learning rate is too low.
LEAST_UPDATE = 1e-5
#: Relative change of the loss per relative change of the weights above which larger steps would help.
SENSITIVE = 0.05
#: Ratio of the largest to the smallest feature that counts as very different.
SCALES = 300.0
#: Fraction of the samples that makes a class the majority of imbalanced ones.
MAJORITY = 0.8
#: Predictions of the other classes, relative to their samples, below which they are ignored.
FEW = 0.05


class Findings(NamedTuple):
    """The numbers that rules read.

    ``losses`` are those of consecutive steps or epochs; ``fixed_rate`` is True if the learning rate is a
    known number. ``labels`` and ``predicted`` are classes, or None; ``targets`` is the root mean square of
    the targets of a regression, or NaN.
    """

    layers: tuple[LayerReport, ...] = ()
    loss: float = math.nan
    guess: float = math.nan
    bad_inputs: str | None = None
    bad_targets: str | None = None
    ignored: str | None = None
    labels: NDArray[np.intp] | None = None
    predicted: NDArray[np.intp] | None = None
    targets: float = math.nan
    scales: NDArray[np.float64] | None = None
    losses: tuple[float, ...] = ()
    of: str = "steps"
    fixed_rate: bool = False

    @property
    def learning(self) -> list[LayerReport]:
        """The layers with parameters."""
        return [layer for layer in self.layers if layer.parameters]

    @property
    def hidden(self) -> tuple[LayerReport, ...]:
        """The layers before the last one with parameters."""
        return self.layers[: int(self.learning[-1].name)] if self.learning else ()


class Rule(NamedTuple):
    """A rule: its name in `Report.problems`, its words in the verdict, and advice.

    ``find`` returns a description if the findings show the problem. Problems in ``unless`` explain this one,
    which is not reported together with them.
    """

    name: str
    words: str
    remedy: str
    find: Callable[[Findings], str | None]
    unless: frozenset[str]


#: The rules by name, the most serious first.
RULES: dict[str, Rule] = {}


def rule(words: str, remedy: str, unless: str = "") -> Callable[[Callable[[Findings], str | None]], Rule]:
    """Decorator that registers a function as the rule of its name."""

    def register(find: Callable[[Findings], str | None]) -> Rule:
        made = Rule(find.__name__, words, remedy, find, frozenset(unless.split()))
        RULES[made.name] = made
        return made

    return register


def problems_of(found: Findings) -> dict[str, str]:
    """Descriptions of the problems by name, the most serious first."""
    problems: dict[str, str] = {}
    for name, one in RULES.items():
        if not one.unless & problems.keys() and (seen := one.find(found)) is not None:
            problems[name] = seen
    return problems


@rule(
    "inputs that are not finite",
    "Fill or leave out these samples; simdnn.table and scikit-learn's SimpleImputer fill missing values.",
)
def inputs(found: Findings) -> str | None:
    """NaN or infinity in X, after the cast to the dtype of the model."""
    return found.bad_inputs


@rule("targets that are not finite", "Leave out these samples, or correct the targets.")
def targets(found: Findings) -> str | None:
    """NaN or infinity in y."""
    return found.bad_targets


@rule("all labels ignored", "Check the labels and the ignore_index of the loss: no sample counts.")
def ignored(found: Findings) -> str | None:
    """Labels that all equal the loss's ignore_index."""
    return found.ignored


@rule(
    "inputs of very different scales",
    "Scale each feature to standard deviation 1, as scikit-learn's StandardScaler and simdnn.table do, or"
    " begin with nn.BatchNorm1d.",
)
def scales(found: Findings) -> str | None:
    """Features that vary far more than others."""
    if found.scales is None or not (found.scales > 0).any():
        return None
    used = np.where(found.scales > 0, found.scales, np.nan)
    low, high = int(np.nanargmin(used)), int(np.nanargmax(used))
    if not used[high] > SCALES * used[low]:
        return None
    return f"feature {high} varies by {used[high]:.2g} around its mean, feature {low} by {used[low]:.2g}"


@rule(
    "exploding gradients",
    "Try Trainer(clip_norm=1.0), a smaller lr, init='xavier_uniform' or 'orthogonal', l2=1e-4,"
    " nn.BatchNorm1d or nn.Residual.",
    unless="inputs targets",
)
def exploding(found: Findings) -> str | None:
    """A loss or gradients that are not finite, or that grow over the layers or the time steps."""
    broken = [layer.name for layer in found.learning if not math.isfinite(layer.gradient_norm)]
    if broken or (found.layers and not (math.isfinite(found.loss) or found.ignored)):
        return f"loss {found.loss:g}; gradients that are not finite in {len(broken)} layers"
    return _joined([str(flow) for flow in flows(found) if flow.ratio > EXPLODING])


@rule(
    "vanishing gradients",
    "Try activation='relu' or 'elu' with init='he_normal', nn.BatchNorm1d before activations,"
    " nn.Residual blocks, nn.LSTM with forget_bias=5.0, or pretrain.greedy_layerwise before fine-tuning.",
)
def vanishing(found: Findings) -> str | None:
    """Gradients or outputs that fade over the layers or the time steps."""
    return _joined([str(flow) for flow in flows(found) if flow.ratio < flow.least])


@rule(
    "loss far above that of a constant guess",
    "Scale inputs and targets to mean 0 and standard deviation 1, and check the init of the last layer.",
    unless="exploding",
)
def loss(found: Findings) -> str | None:
    """A loss that many times exceeds the one of the best constant outputs."""
    if not 0 < found.guess < found.loss / FAR:
        return None
    return f"loss {found.loss:.3g}, where equal outputs for all samples reach {found.guess:.3g}"


@rule(
    "symmetric units",
    "Initialize weights at random: init=None, 'xavier_uniform' or 'he_normal'. Equal units stay equal.",
)
def symmetric(found: Findings) -> str | None:
    """Hidden units with equal columns of weights and equal gradients."""
    return _many(found.hidden, "symmetric", "units, which equal others")


@rule("dead units", "Try nn.LeakyReLU, activation='elu', a smaller lr, init='he_normal', or nn.BatchNorm1d.")
def dead(found: Findings) -> str | None:
    """Hidden units whose activation has no slope at any sample; bounded ones count as saturated."""
    unbounded = [layer for layer in found.hidden if math.isnan(layer.saturated)]
    return _many(unbounded, "dead", "units")


@rule(
    "saturated units",
    "Try init='xavier_uniform', inputs of mean 0 and standard deviation 1, nn.BatchNorm1d before"
    " the activations, or activation='relu'.",
)
def saturated(found: Findings) -> str | None:
    """Outputs of hidden units in the flat parts of a bounded activation, unless the network has learned."""
    if found.loss < LEARNED * found.guess:
        return None
    return _many(found.hidden, "saturated", "outputs")


@rule(
    "a learning rate that is too high",
    "Divide lr by 10, try Trainer(clip_norm=1.0), or begin with schedules.warm_up.",
    unless="exploding inputs targets",
)
def rate_high(found: Findings) -> str | None:
    """Losses that rise or oscillate over the steps or epochs."""
    losses, count = np.asarray(found.losses), len(found.losses) - 1
    if count < 2 or not math.isfinite(losses[0]):
        return None
    if not np.isfinite(losses).all():
        return f"the loss is {losses[0]:.3g} at first and not finite after at most {count} {found.of}"
    guess = found.guess if found.guess > 0 else 0.0
    level, end = max(losses[0], guess), losses[-max(count // 4, 1) :].mean()
    if end > 1.2 * level or (losses.max() > 3 * level and end > 0.8 * level):
        return f"the loss rises from {losses[0]:.3g} to up to {losses.max():.3g} within {count} {found.of}"
    changes = np.diff(losses)
    turns = np.count_nonzero(changes[1:] * changes[:-1] < 0)
    swing = np.abs(changes).mean()
    if end > 0.7 * losses[0] and turns > count / 4 and swing > 0.15 * max(float(np.median(losses)), guess):
        return f"the loss oscillates: it changes by {swing:.2g} in each of {count} {found.of}, up and down"
    return None


@rule(
    "a learning rate that is too low",
    "Multiply lr by 10 or 100, until the steps are about 1e-3 of the weights; or train with optim.Adam.",
    unless="exploding vanishing ignored dead saturated rate_high",
)
def rate_low(found: Findings) -> str | None:
    """Updates far below the weights, where the loss would still react to larger ones.

    Near a loss of 0 the steps of any rate shrink.
    """
    if found.loss < LEARNED * found.guess:
        return None
    ratios = [layer.update_ratio for layer in found.learning if not math.isnan(layer.update_ratio)]
    if not found.fixed_rate or not ratios or not max(ratios) < LEAST_UPDATE:
        return None
    weights, gradients = (
        math.hypot(*(getattr(layer, name) for layer in found.learning))
        for name in ("weight_norm", "gradient_norm")
    )
    if not weights * gradients > SENSITIVE * abs(found.loss):
        return None
    return f"a step changes the weights of each layer by at most {max(ratios):.1g} of their norm"


@rule(
    "nearly every sample predicted as the majority",
    "Weight the classes, as functools.partial(F.cross_entropy, weight=...) does, try F.focal_loss, or draw"
    " the classes equally often; judge by the recall of each class.",
    unless="ignored exploding",
)
def majority(found: Findings) -> str | None:
    """Imbalanced classes of which the network predicts hardly any but the largest, at a guess's loss."""
    if found.labels is None or found.predicted is None or found.labels.size == 0:
        return None
    counts = np.bincount(found.labels)
    largest, share = int(counts.argmax()), counts.max() / counts.sum()
    learned = found.loss < 1.5 * found.guess
    rare, other = (np.count_nonzero(one != largest) for one in (found.labels, found.predicted))
    if not MAJORITY <= share < 1 or not learned or other > FEW * rare:
        return None
    predicted = f"all but {other} of them" if other else "all of them"
    return f"class {largest} has {share:.0%} of the samples, and is predicted for {predicted}"


class Flow(NamedTuple):
    """A ratio of gradients or outputs over layers or time steps, the least healthy one, and its words."""

    ratio: float
    least: float
    words: str

    def __str__(self) -> str:
        return self.words.format(f"{self.ratio:.2g}")


def flows(found: Findings) -> Iterator[Flow]:
    """The ratios of a network."""
    learning = found.learning
    hidden = learning[:-1]
    if learning and learning[-1].gradient_rms:
        words = "the first layer's gradients are {} times the last one's, as root mean squares"
        yield Flow(learning[0].gradient_rms / learning[-1].gradient_rms, VANISHING, words)
    for layer in found.layers:
        name = f"layer {layer.name}'s gradient w.r.t. the first time step"
        yield Flow(layer.time_ratio, VANISHING_IN_TIME, f"{name} is {{}} times that w.r.t. the last one")
    if len(hidden) > 1 and hidden[0].signal:
        words = "the outputs of the last hidden layer have {} times the standard deviation of the first one's"
        yield Flow(hidden[-1].signal / hidden[0].signal, VANISHING, words)
    lengths = {layer.name: layer.gradient_norm / max(layer.weight_norm, 1.0) for layer in learning}
    longest = max(lengths, key=lambda name: lengths[name], default="")
    if lengths and lengths[longest] > EXPLODING * _pull(found):  # a shorter one is none of the problems
        yield Flow(lengths[longest], 0.0, f"layer {longest}'s gradient is {{}} times as long as its weights")


def _pull(found: Findings) -> float:
    """The length of the gradient w.r.t. the outputs if large targets explain it, and 1 otherwise.

    Equal targets for all samples are left to this rule: a constant guess of them has no loss to compare with.
    """
    last = found.layers[-1]
    explained = found.guess != 0 and math.hypot(last.mean, last.std) <= LARGER * found.targets
    return max(1.0, last.output_gradient_norm) if explained else 1.0


def _joined(texts: list[str]) -> str | None:
    """The texts as one, or None if there are none."""
    return "; ".join(texts) or None


def _many(layers: Iterable[LayerReport], name: str, of: str) -> str | None:
    """The layers in which more than `MAX_FRACTION` of the units have a statistic."""
    fractions = {layer.name: getattr(layer, name) for layer in layers}
    many = [f"layer {key} {value:.0%}" for key, value in fractions.items() if value > MAX_FRACTION]
    return f"{_shortened(many)} of its {of}" if many else None


def _shortened(names: list[str]) -> str:
    """The first of many names, and the number of the others."""
    more = len(names) - SHOWN
    return ", ".join(names if more <= 0 else [*names[:SHOWN], f"and {more} more, each"])
