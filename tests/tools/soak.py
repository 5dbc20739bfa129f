"""A long run of random networks, trainings and operations against NumPy in float64, in flat memory.

``python -m tests.tools.soak --minutes 60`` repeats rounds that follow from `--seed` and their numbers;
``--begin`` repeats a round. The run ends with status 1 if a result was wrong or memory grew.
"""

import argparse
import collections
import copy
import functools
import gc
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import simdnn
import simdnn.functional as F
from simdnn import Trainer, nn, optim
from simdnn.losses._registry import NAMED

from tests import oracles
from tests.oracles import networks, rules
from tests.oracles.arithmetic import Double
from tests.support.draws import Draw
from tests.support.random_networks import Case, random_case
from tests.support.registry import (
    ACTIVATIONS,
    OPTIMIZERS,
    compute_type,
    hypers_of,
    ulp_errors,
    wide,
    without_tiny,
)
from tests.tools import proofs

Array = np.ndarray[Any, Any]
#: Bytes by which the memory of the process may grow after the first quarter of a run.
MAY_GROW = 24 * 2**20
#: The largest error, in units of what rounding at every layer does to the formula's output.
WORST = 20.0


class SkippedError(Exception):
    """The reason why a drawn case has no answer to compare with."""


def kinds_of(model: nn.Sequential) -> set[str]:
    return set().union(*map(networks.kinds, model.layers))


def masks_within(model: nn.Sequential) -> bool:
    """True if a layer skips time steps by numbers of another layer, and so by their rounding."""
    inner = [layer for layer in model.layers[1:] if "mask_value" in repr(layer)]
    return bool(inner) or ("mask_value" in repr(model) and "mask_value" not in model.layers[0].settings())


def forward(draw: Draw) -> float:
    """A network's outputs, by each way to ask for them; returns the error in units of rounding errors."""
    case = random_case(draw)
    model, kinds = case.model, kinds_of(case.model)
    if kinds & set(networks.STEEP) or masks_within(model):
        raise SkippedError("a step")
    wanted, noise = networks.network(model, case.x), 4 * float(np.finfo(model.dtype).eps)
    moved = [networks.network(model, case.x, networks.Pass(noise=noise, rng=draw.rng)) for _ in range(3)]
    least = 0.05 if kinds & {"RNN", "LSTM", "GRU"} else 1e-3  # a state is a sum, whose terms may cancel
    unit = max(float(np.abs(one - wanted).max()) for one in moved) + least * noise
    predictor, worst = model.freeze(), 0.0
    for ask in (model, predictor.predict, lambda x: predictor.predict(draw.laid_out(x))):
        if case.stateful:
            model.reset_states()
            predictor.reset_states()
        found = ask(case.x)
        assert found.shape == wanted.shape
        worst = max(worst, float(np.abs(found - wanted).max()) / unit)
    assert worst < WORST, f"{worst:.3g} times the rounding errors of {model!r}"
    return worst


def loss_of(case: Case) -> tuple[str, dict[str, Any]]:
    """The name of the loss of a case, and its settings."""
    loss = case.trainer.loss
    if isinstance(loss, str):
        return loss, {}
    if isinstance(loss, functools.partial):
        names = {function: name for name, function in NAMED.items()}
        return names[loss.func], dict(loss.keywords)
    raise SkippedError("a loss of a layer")


def mean_loss(case: Case, parameters: Array) -> float:
    """The loss of a batch at some parameters, in float64."""
    name, settings = loss_of(case)
    model, row = case.model, oracles.LOSSES[name]
    kept = model.flat_parameters.copy()
    model.flat_parameters[:] = parameters
    y = networks.network(model, case.x, networks.Pass(training=True))
    model.flat_parameters[:] = kept
    target = wide(case.y.reshape(-1, *case.y.shape[y.ndim - 1 :]))
    y = y.reshape(-1, y.shape[-1])
    if not row.classifies:
        target = target.reshape(y.shape)
    if name == "binary_cross_entropy" and np.minimum(y, 1 - y).min() < 1e-5:
        raise SkippedError("a saturated output, of which trainers know the logit")
    each = row.rows(y, target, **settings)
    if row.classifies and target.ndim == 1:
        kept_rows = target != settings.get("ignore_index", -100)
        weight = settings["weight"][target[kept_rows]] if "weight" in settings else np.ones(kept_rows.sum())
        return float(each.sum() / weight.sum())
    return float(each.mean())


def training_case(draw: Draw) -> Case:
    """A case in float64 whose training follows a formula."""
    case = random_case(draw)
    model, kinds = case.model, kinds_of(case.model)
    if model.dtype != np.float64:
        raise SkippedError("float32")
    if kinds & {*networks.STEEP, *networks.RANDOM, "LargeMarginSoftmax"} or case.stateful:
        raise SkippedError("random numbers or margins in training")
    if masks_within(model):
        raise SkippedError("a step")
    if loss_of(case)[0] not in oracles.LOSSES or "truncate=" in repr(model):
        raise SkippedError("another gradient than that of the formula")
    return case


def gradient(draw: Draw) -> float:
    """The loss and the gradient of a step, along a random direction; returns the error of the latter."""
    case = training_case(draw)
    case.model.flat_parameters[:] += 0.01 * draw.rng.normal(size=case.model.flat_parameters.size)
    start = case.model.flat_parameters.copy()
    value = Trainer(case.model, case.trainer.loss, optim.SGD(lr=0.0)).step(case.x, case.y)
    assert np.isclose(value, mean_loss(case, start), rtol=1e-9, atol=1e-11)
    found = case.model.flat_gradients.copy()
    direction = draw.rng.normal(size=start.size)
    slopes = [
        (mean_loss(case, start + h * direction) - mean_loss(case, start - h * direction)) / (2 * h)
        for h in (1e-5, 1e-6, 1e-7)
    ]
    size = float(np.abs(found) @ np.abs(direction)) + abs(value) * 1e-3 + 1e-6
    if max(slopes) - min(slopes) > 1e-5 * size:
        raise SkippedError("a kink")
    error = abs(float(found @ direction) - slopes[1]) / size
    assert error < 3e-5, f"the gradient of {case.model!r} is wrong by {error:.3g}"
    return error


def training(draw: Draw) -> float:
    """Steps of a random optimizer on a random network; returns the largest error of a parameter."""
    case = training_case(draw)
    rule, make, settings = draw.pick(OPTIMIZERS)
    trainer = Trainer(case.model, case.trainer.loss, make(**settings), seed=0)
    p = case.model.flat_parameters.astype(np.float64)
    state: rules.State = {}
    hypers, worst = hypers_of(trainer.optimizer, settings), 0.0
    for t in range(1, 6):
        trainer.step(case.x, case.y)
        moved = without_tiny(case.model.flat_gradients, np.float64)
        if not np.isfinite(moved).all() or np.abs(moved).max() > 1e6:
            raise SkippedError("a training that diverges")
        p = rules.apply(rule, p, moved, state, t, **hypers)
        found = case.model.flat_parameters
        errors = np.sort(np.abs(found - p) / (1 + np.abs(p)))
        if rule == "lion":  # the sign of a sum near zero is one of rounding
            errors = errors[: -max(1, errors.size // 50)]
        worst = max(worst, float(errors.max(initial=0.0)))
        p = found.copy()
    assert worst < 1e-9, f"a parameter after a step of {trainer.optimizer!r} is wrong by {worst:.3g}"
    return worst


def losses(draw: Draw) -> float:
    """The value and the gradient of a loss function."""
    name = draw.pick(sorted(oracles.LOSSES))
    row, columns, count = oracles.LOSSES[name], draw.size(1, 40), draw.size(1, 300)
    dtype = draw.pick([np.float32, np.float64])
    x = draw.rng.normal(size=(count, columns)) * draw.pick([1.0, 5.0])
    x = x if row.last is None else getattr(F, row.last)(x)
    x, y = x.astype(dtype), row.target(count, columns, draw.numbers)
    y = y.astype(dtype) if y.dtype.kind == "f" else y
    settings = draw.pick(row.variants(columns))
    near = {"rtol": 3e-6, "atol": 3e-6} if dtype == np.float32 else {"rtol": 1e-11, "atol": 1e-13}
    given = draw.laid_out(x) if draw.chance(0.5) else x
    each, slope = NAMED[name](given, y, **settings, reduction="none", return_grad=True)
    assert np.allclose(each, row.each(wide(x), wide(y), **settings), **near)
    assert slope.dtype == compute_type(np.asarray(given).dtype.newbyteorder("="))
    assert np.allclose(slope, row.slope(wide(x), wide(y), **settings), **near)
    return 0.0


def functions(draw: Draw) -> float:
    """An activation or its derivative of float32 numbers in any layout; returns the error in ULP."""
    name = draw.pick(sorted(oracles.ACTIVATIONS))
    kind = draw.pick(["value", "derivative"])
    row, description = oracles.ACTIVATIONS[name], ACTIVATIONS[name]
    shape = draw.pick([(), (draw.size(0, 5000),), (draw.size(1, 60), draw.size(1, 60)), (3, 1, 5, 7)])
    x = (draw.rng.normal(size=shape) * 10.0 ** draw.size(-3, 2)).astype(np.float32)
    x = np.where(np.abs(x) < 1e-30, np.float32(0.5), x)
    given = x
    if draw.chance(0.5) and x.ndim:
        memory = np.zeros((*x.shape[:-1], 3 * x.shape[-1] + 1), np.float32)
        given = memory[..., 1 : 3 * x.shape[-1] + 1 : 3]
        given[...] = x
    function = getattr(F, name if kind == "value" else f"{name}_derivative")
    parameters = [float(np.float32(value)) for value in description["parameters"].values()]
    with np.errstate(all="ignore"):
        exact = np.asarray(getattr(row, kind)(Double, x.astype(np.float64), *parameters))
        found = np.asarray(function(given))
        errors = ulp_errors(found, exact)
        near = np.abs(found - exact) < 1e-7  # a root, or a result below the normal numbers
    worst = float(np.where(near, 0, errors).max(initial=0.0))
    bound = description["value_ulp" if kind == "value" else "derivative_ulp"]
    assert worst <= max(bound, 0.51), f"{name} {kind}: {worst:.3f} ULP, allowed {bound}"
    return worst


def fits(draw: Draw) -> float:
    """Epochs of a random training, twice: the same bits under another number of threads."""
    case = random_case(draw)
    if case.stateful:
        raise SkippedError("states that a copy does not have")
    twin = copy.deepcopy(case.trainer)
    settings: dict[str, Any] = {"epochs": 2, "batch_size": draw.pick([3, 64, None]), "progress": False}
    found = case.trainer.fit(case.x, case.y, sample_weight=case.weight, **settings)
    simdnn.set_num_threads(draw.pick([1, 2, 3]))
    again = twin.fit(case.x, case.y, sample_weight=case.weight, **settings)
    assert np.array_equal(found.loss, again.loss, equal_nan=True)
    assert np.array_equal(twin.model.flat_parameters, case.model.flat_parameters, equal_nan=True)
    return 0.0


CHECKS: tuple[Callable[[Draw], float], ...] = (forward, gradient, training, losses, functions, fits)


def resident() -> int:
    """Bytes of this process in memory."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Report:
    """Counts of checks, the faults, the worst errors and the memory over time."""

    def __init__(self) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.worst: collections.defaultdict[str, float] = collections.defaultdict(float)
        self.faults: list[str] = []
        self.memory: list[int] = []

    def round(self, seed: int, number: int) -> None:
        """All checks of a round."""
        simdnn.set_num_threads(1 + number % 3)
        for i, check in enumerate(CHECKS):
            try:
                error = check(Draw(seed, number, i))
            except SkippedError:
                continue
            except Exception:
                self.faults.append(f"round {number}, {check.__name__}:\n{traceback.format_exc()}")
                print(self.faults[-1], file=sys.stderr, flush=True)
                continue
            self.counts[check.__name__] += 1
            self.worst[check.__name__] = max(self.worst[check.__name__], error)

    def growth(self) -> int:
        """Bytes by which the memory grew from the second quarter of the run to the last."""
        quarter = len(self.memory) // 4
        if quarter == 0:
            return 0
        return int(np.median(self.memory[-quarter:]) - np.median(self.memory[quarter : 2 * quarter]))

    def text(self) -> str:
        counted = ", ".join(
            f"{count} {name} (worst {self.worst[name]:.2g})" for name, count in self.counts.items()
        )
        memory = f"{self.memory[-1] / 2**20:.0f} MiB, grown by {self.growth() / 2**20:.1f}"
        return f"{counted}; {len(self.faults)} faults; memory {memory}"


def soak(seed: int, seconds: float, begin: int = 0, rounds: float = float("inf"), most: int = 10) -> Report:
    """Rounds until the time, the number of rounds or the faults reach a limit."""
    report, number, end = Report(), begin, time.monotonic() + seconds
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        while time.monotonic() < end and number < begin + rounds and len(report.faults) < most:
            report.round(seed, number)
            number += 1
            if number % 20 == 0:
                gc.collect()
                report.memory.append(resident())
            if number % 1000 == 0:
                print(f"round {number}: {report.text()}", file=sys.stderr, flush=True)
    report.memory.append(resident())
    simdnn.set_num_threads(None)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--begin", type=int, default=0, help="number of the first round")
    parser.add_argument("--rounds", type=float, default=float("inf"))
    parser.add_argument("--record", action="store_true", help="write the result to the record of proofs")
    given = parser.parse_args()
    report = soak(given.seed, 60 * given.minutes, given.begin, given.rounds)
    print(report.text())
    if given.record:
        proofs.record(
            "soak",
            f"nox -s soak -- --minutes {given.minutes:g} --seed {given.seed}",
            "Random networks, gradients, trainings, losses and functions agree with float64 for long, "
            "and memory stays flat.",
            report.text(),
        )
    return 1 if report.faults or report.growth() > MAY_GROW else 0


if __name__ == "__main__":
    sys.exit(main())
