"""Schedules of random settings compared with PyTorch's."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from simdnn import schedules

pytestmark = pytest.mark.peers
torch: Any = pytest.importorskip("torch", reason="needs the extra [peers]: torch")


def theirs(lr: float, make: Callable[[Any], Any], steps: int) -> list[float]:
    """The rates of PyTorch's scheduler in so many steps."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler, rates = make(optimizer), []
    for t in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if t + 1 < steps:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scheduler.step()
    return rates


def check(ours: schedules.Schedule, lr: float, make: Callable[[Any], Any], steps: int) -> None:
    """PyTorch multiplies its rate step by step, so that rounding adds up."""
    np.testing.assert_allclose(ours(np.arange(steps)), theirs(lr, make, steps), rtol=1e-11, atol=1e-13 * lr)


every_seed = pytest.mark.parametrize("seed", range(25))


@every_seed
def test_decays_are_pytorch_s(seed: int) -> None:
    random, kinds = np.random.default_rng(seed), torch.optim.lr_scheduler
    lr, gamma, size = random.uniform(0.01, 2), random.uniform(0.5, 1.1), int(random.integers(1, 15))
    check(schedules.step(lr, size, gamma), lr, lambda o: kinds.StepLR(o, size, gamma), 40)
    check(schedules.exponential(lr, gamma), lr, lambda o: kinds.ExponentialLR(o, gamma), 40)
    end = random.uniform(0, lr)
    check(
        schedules.linear(lr, end, size),
        lr,
        lambda o: kinds.LinearLR(o, 1.0, end / lr, total_iters=size),
        size + 1,
    )
    check(schedules.cosine(lr, size, end), lr, lambda o: kinds.CosineAnnealingLR(o, size, end), size + 1)


@every_seed
def test_restarts_are_pytorch_s(seed: int) -> None:
    random = np.random.default_rng(seed)
    lr, first, factor = random.uniform(0.01, 2), int(random.integers(1, 6)), int(random.integers(1, 4))
    end = random.uniform(0, lr)
    lengths = [first * factor**i for i in range(4)]
    parts = [schedules.cosine(lr, length, end) for length in lengths]
    ours = schedules.sequence(parts, np.cumsum(lengths)[:-1].tolist())

    def make(optimizer: Any) -> Any:
        return torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, first, factor, end)

    check(ours, lr, make, sum(lengths))


@every_seed
@pytest.mark.parametrize("anneal", ["cos", "linear"])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 1.0, None])
def test_one_cycle_is_pytorch_s(share: float | None, anneal: Any, seed: int) -> None:
    random = np.random.default_rng(seed)
    lr, steps = random.uniform(0.01, 2), int(random.integers(2, 40))
    pct = random.uniform(0, 1) if share is None else share
    div, final = random.uniform(1, 50), random.uniform(1, 1e4)

    def make(optimizer: Any) -> Any:
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            lr,
            total_steps=steps,
            pct_start=pct,
            anneal_strategy=anneal,
            cycle_momentum=False,
            div_factor=div,
            final_div_factor=final,
        )

    check(schedules.one_cycle(lr, steps, pct, div, final, anneal), lr, make, steps)


@every_seed
def test_warm_up_then_cosine_is_pytorch_s(seed: int) -> None:
    random, kinds = np.random.default_rng(seed), torch.optim.lr_scheduler
    lr, warm, length = random.uniform(0.01, 2), int(random.integers(1, 8)), int(random.integers(1, 20))
    start = random.uniform(0.01, 1)

    def make(optimizer: Any) -> Any:
        rise = kinds.LinearLR(optimizer, start, 1.0, total_iters=warm)
        return kinds.SequentialLR(optimizer, [rise, kinds.CosineAnnealingLR(optimizer, length)], [warm])

    ours = schedules.warm_up(warm, schedules.cosine(lr, length), start * lr)
    check(ours, lr, make, warm + length + 1)


@pytest.mark.parametrize("seed", range(60))
def test_plateaus_are_pytorch_s(seed: int) -> None:
    """Metrics are >= 0: for others PyTorch's relative threshold has the wrong sign."""
    random = np.random.default_rng(seed)
    chosen: dict[str, Any] = {
        "mode": random.choice(["min", "max"]).item(),
        "factor": random.choice([0.0, 0.1, 0.5]).item(),
        "patience": int(random.integers(0, 5)),
        "threshold": random.choice([0.0, 1e-4, 0.1, 0.5]).item(),
        "threshold_mode": random.choice(["rel", "abs"]).item(),
        "cooldown": int(random.integers(0, 4)),
        "min_lr": random.choice([0.0, 0.01, 0.3]).item(),
        "eps": random.choice([0.0, 1e-8, 0.05]).item(),
    }
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **chosen)
    ours = schedules.reduce_on_plateau(1.0, **chosen)
    metrics = random.integers(0, 12, 80) / 4
    metrics[random.integers(0, 80, 3)] = np.nan
    for metric in metrics.tolist():
        scheduler.step(metric)
        ours.observe(metric)
        assert ours(0) == optimizer.param_groups[0]["lr"]
        assert (ours.best, ours.bad_epochs) == (scheduler.best, scheduler.num_bad_epochs)
