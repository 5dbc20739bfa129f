"""Equal tiny networks that train at once, one in each virtual lane, have the bits of their own fits."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import Trainer, _core, nn, optim
from simdnn.training._fits import new_fit

from tests import oracles
from tests.support.networks import samples
from tests.support.processes import run
from tests.support.registry import ACTIVATIONS, FLOATS, KINDS, OPTIMIZERS, label, same_bits, spread

Array = np.ndarray[Any, Any]

EPOCHS = 3
MEMBERS = 16

every_float = pytest.mark.parametrize("dtype", FLOATS)


@pytest.fixture(autouse=True)
def needs_lanes() -> None:
    if simdnn.show_config("dicts")["isa"] == "v2":
        pytest.skip("networks train one by one at this level")


def trainer_of(
    widths: list[int],
    seed: int,
    dtype: Any,
    *,
    activation: Any = "tanh",
    last: Any = None,
    optimizer: Callable[[int], optim.Optimizer] = lambda seed: optim.Adam(lr=0.01),
    **options: Any,
) -> Trainer:
    names = [activation] * (len(widths) - 2) + [last]
    layers = [
        nn.Dense(*pair, activation=name) for *pair, name in zip(widths, widths[1:], names, strict=False)
    ]
    model = nn.Sequential(*layers, dtype=dtype, rng=seed)
    return Trainer(model, optimizer=optimizer(seed), seed=seed + 7, **options)


def batch_of(count: int, x: Array, y: Any, weight: Array | None) -> tuple[Any, ...]:
    """The first samples of a dataset."""
    return x[:count], y[:count], None if weight is None else weight[:count]


def train_in_lanes(
    trainers: list[Trainer],
    data: list[tuple[Any, ...]],
    held_out: list[tuple[Any, ...]],
    batch_size: int,
    shuffle: bool = True,
) -> list[_core.Fit]:
    """The fits of trainers as one group in lanes, be they faster there or not."""
    fits = []
    for i, trainer in enumerate(trainers):
        native = trainer._trainer
        dataset, check = native.dataset(*data[i], 1.0), native.dataset(*held_out[i], 1.0)
        fits.append(new_fit(trainer, dataset, None, check, None, EPOCHS, batch_size, shuffle, None))
    _core.run_fits(fits, 1, None, fewest=1)
    for fit in fits:
        fit.raise_error()
    assert all(fit.in_lanes for fit in fits)
    return fits


def assert_same_state(a: Trainer, b: Trainer) -> None:
    """All that later calls can see of two trainers is equal."""
    assert same_bits(a.model.flat_parameters, b.model.flat_parameters)
    assert same_bits(a.model.flat_gradients, b.model.flat_gradients)
    for one, other in zip(a._trainer.slots(), b._trainer.slots(), strict=True):
        assert same_bits(one, other)
    assert a._trainer.counts == b._trainer.counts
    assert same_bits(a._trainer.norm, b._trainer.norm)


def assert_law(
    make: Callable[[int], Trainer],
    x: Array,
    y: Any,
    *,
    counts: list[int] | None = None,
    batch_size: int = 7,
    weight: Array | None = None,
) -> None:
    """Lanes give every network, its optimizer and its metrics the bits of a fit of its own."""
    counts = [len(x)] * MEMBERS if counts is None else counts
    together, alone = ([make(seed) for seed in range(len(counts))] for _ in range(2))
    data = [batch_of(count, x, y, weight) for count in counts]
    held_out = [batch_of(count // 2 + 1, x, y, weight) for count in counts]
    fits = train_in_lanes(together, data, held_out, batch_size)
    for i, trainer in enumerate(alone):
        (X, Y, w), checked = data[i], held_out[i]
        history = trainer.fit(
            X,
            Y,
            sample_weight=w,
            epochs=EPOCHS,
            batch_size=batch_size,
            validation_data=checked if weight is not None else checked[:2],
        )
        assert_same_state(together[i], trainer)
        fit = fits[i]
        assert same_bits(fit.loss, history.loss)
        assert same_bits(fit.val_loss, history.val_loss)
        assert fit.steps == history.steps
        if history.penalty:
            assert same_bits(fit.penalty, history.penalty)
        if history.accuracy:
            assert same_bits(fit.accuracy, history.accuracy)
            assert same_bits(fit.val_accuracy, history.val_accuracy)


@every_float
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str, dtype: Any) -> None:
    x, y = samples("cross_entropy", 23, 3, 4, dtype)
    assert_law(lambda seed: trainer_of([3, 9, 5, 4], seed, dtype, activation=name, last=name), x, y)


def test_activations_with_parameters_and_as_layers() -> None:
    x, y = samples("mse", 23, 3, 2, np.float32)

    def make(seed: int) -> Trainer:
        layers = [nn.Dense(3, 8), nn.LeakyReLU(0.2), nn.Dense(8, 8, bias=False), nn.ELU(0.7), nn.Dense(8, 2)]
        return Trainer(nn.Sequential(*layers, rng=seed), loss="mse", seed=seed)

    assert_law(make, x, y)


@every_float
@pytest.mark.parametrize("loss", oracles.LOSSES)
@pytest.mark.parametrize("outputs", [1, 2, 5, 21])
def test_losses(loss: str, outputs: int, dtype: Any) -> None:
    x, y = samples(loss, 23, 3, outputs, dtype)
    last = oracles.LOSSES[loss].last
    assert_law(lambda seed: trainer_of([3, 6, outputs], seed, dtype, last=last, loss=loss), x, y)


@every_float
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "loss",
    [
        partial(F.cross_entropy, label_smoothing=0.1),
        partial(F.cross_entropy, weight=[0.5, 2.0, 1.0]),
        partial(F.cross_entropy, ignore_index=1),
        partial(F.cross_entropy, weight=[0.5, 2.0, 1.0], ignore_index=2, label_smoothing=0.2),
        partial(F.focal_loss, gamma=2.0),
        partial(F.focal_loss, gamma=0.0, alpha=[0.2, 0.3, 0.5]),
        partial(F.nll_loss, ignore_index=0),
    ],
    ids=lambda loss: f"{loss.func.__name__} {list(loss.keywords)}",
)
def test_settings_of_losses_of_classes(loss: Any, weighted: bool, dtype: Any) -> None:
    x, y = samples("cross_entropy", 23, 3, 3, dtype)
    last = "log_sigmoid" if loss.func is F.nll_loss else None
    weight = np.arange(23, dtype=dtype) % 5 if weighted else None
    assert_law(lambda seed: trainer_of([3, 6, 3], seed, dtype, last=last, loss=loss), x, y, weight=weight)


@every_float
@pytest.mark.parametrize("loss", KINDS)
def test_sample_weights_and_batches_without_any(loss: str, dtype: Any) -> None:
    x, y = samples(loss, 40, 3, 3, dtype)
    weight = (np.arange(40) % 3 == 1).astype(dtype) * 0.7
    assert_law(lambda seed: trainer_of([3, 6, 3], seed, dtype, loss=loss), x, y, weight=weight, batch_size=2)


@every_float
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "counts",
    [
        [23 + i % 3 for i in range(MEMBERS)],
        [14 * (i % 4) + 3 for i in range(MEMBERS)],
        [40 - i for i in range(5)],
        [9],
    ],
    ids=str,
)
def test_networks_with_different_numbers_of_samples(counts: list[int], weighted: bool, dtype: Any) -> None:
    x, y = samples("cross_entropy", max(counts), 3, 4, dtype)
    weight = spread(len(x), dtype, 1) ** 2 if weighted else None
    assert_law(lambda seed: trainer_of([3, 9, 4], seed, dtype), x, y, counts=counts, weight=weight)


@every_float
@pytest.mark.parametrize("batch_size", [1, 33, 70, 300])
@pytest.mark.parametrize("widths", [[1, 1], [2, 16, 2], [5, 7, 15, 23, 3], [8, 64, 8], [20, 16, 64]])
def test_shapes(widths: list[int], batch_size: int, dtype: Any) -> None:
    x, y = samples("mse", 75, widths[0], widths[-1], dtype)
    assert_law(
        lambda seed: trainer_of(widths, seed, dtype, activation="relu", loss="mse"),
        x,
        y,
        batch_size=min(batch_size, 75),
    )


@every_float
@pytest.mark.parametrize("rates", ["equal", "own"])
@pytest.mark.parametrize(
    "settings",
    [
        {"l1": 0.01},
        {"l2": 0.1, "penalize_bias": False},
        {"clip_value": 0.01},
        {"maximize": True},
        {"clip_norm": 0.3},
    ],
    ids=str,
)
def test_options_of_optimizers(settings: dict[str, Any], rates: str, dtype: Any) -> None:
    x, y = samples("cross_entropy", 23, 3, 4, dtype)

    def optimizer(seed: int) -> optim.Optimizer:
        lr = 0.01 * (1 if rates == "equal" else 1 + seed / 8)
        return optim.SGD(lr=lr, momentum=0.9, weight_decay=0.01, **settings)

    assert_law(lambda seed: trainer_of([3, 9, 4], seed, dtype, optimizer=optimizer), x, y)


@every_float
def test_steps(dtype: Any) -> None:
    x, y = samples("cross_entropy", 40, 3, 4, dtype)
    together, alone = ([trainer_of([3, 9, 4], seed, dtype) for seed in range(6)] for _ in range(2))
    data = [(x[: 40 - i // 2], y[: 40 - i // 2], None) for i in range(6)]
    fits = train_in_lanes(together, data, data, 40, shuffle=False)
    for i, trainer in enumerate(alone):
        losses = [trainer.step(*data[i]) for _ in range(EPOCHS)]
        assert_same_state(together[i], trainer)
        assert same_bits(fits[i].loss, losses)


@every_float
@pytest.mark.parametrize("weighted", [False, True])
def test_penalties_of_sums(weighted: bool, dtype: Any) -> None:
    """Some batches have no weight at all."""
    x, y = samples("cross_entropy", 40, 3, 4, dtype)
    weight = (np.arange(40) % 3 == 1).astype(dtype) * 0.7 if weighted else None
    assert_law(
        lambda seed: trainer_of([3, 9, 4], seed, dtype, l1=0.01, l2=0.1, penalty="sum"),
        x,
        y,
        counts=[40 - i % 2 for i in range(MEMBERS)],
        weight=weight,
        batch_size=2,
    )


def test_schedules() -> None:
    x, y = samples("cross_entropy", 23, 3, 4, np.float32)
    rate = simdnn.schedules.cosine(0.1, 10)
    assert_law(
        lambda seed: trainer_of([3, 9, 4], seed, np.float32, optimizer=lambda _: optim.Adam(lr=rate)),
        x,
        y,
        counts=[23 + i % 3 for i in range(MEMBERS)],
    )


@every_float
@pytest.mark.parametrize("loss", KINDS)
def test_networks_that_diverge_harm_no_others(loss: str, dtype: Any) -> None:
    """Logits become huge, infinite and NaN."""
    x, y = samples(loss, 23, 3, 4, dtype)

    def optimizer(seed: int) -> optim.Optimizer:
        return optim.SGD(lr=[0.1, 1e4, 1e8, 1e30][seed % 4])

    assert_law(
        lambda seed: trainer_of([3, 9, 4], seed, dtype, activation="relu", loss=loss, optimizer=optimizer),
        x,
        y,
    )


@every_float
def test_kinds_of_input(dtype: Any) -> None:
    _, y = samples("cross_entropy", 23, 5, 4, dtype)
    bytes_ = (np.arange(23 * 5) * 37 % 256).astype(np.uint8).reshape(23, 5)
    for x in (bytes_, bytes_.astype(np.float32) / 256, bytes_.astype(np.float64) / 256):
        assert_law(lambda seed: trainer_of([5, 9, 4], seed, dtype), x, y)


def test_sparse_input() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    _, y = samples("cross_entropy", 23, 5, 4, np.float32)
    x = sparse.csr_matrix(spread(23 * 5, np.float32).reshape(23, 5) * (np.arange(5) % 2))
    natives = [trainer_of([5, 9, 4], seed, np.float32) for seed in range(2)]
    alone = [trainer_of([5, 9, 4], seed, np.float32) for seed in range(2)]
    train_in_lanes(natives, [(x, y, None)] * 2, [(x, y, None)] * 2, 7)
    for one, other in zip(natives, alone, strict=True):
        other.fit(x, y, epochs=EPOCHS, batch_size=7)
        assert same_bits(one.model.flat_parameters, other.model.flat_parameters)


@pytest.mark.parametrize(
    "make",
    [
        lambda: trainer_of([3, 9, 4], 0, np.float32, optimizer=lambda _: optim.Adam(skip_nonfinite=True)),
        lambda: trainer_of([3, 9, 4], 0, np.float32, optimizer=lambda _: optim.Adam(max_norm=1.0)),
        lambda: trainer_of([3, 200, 100], 0, np.float32),
        lambda: Trainer(nn.Sequential(nn.Dense(3, 4), nn.Dropout(0.5), nn.Dense(4, 2), rng=0)),
        lambda: Trainer(nn.Sequential(nn.Dense(3, 4), nn.BatchNorm1d(4), nn.Dense(4, 2), rng=0)),
    ],
)
def test_networks_that_do_not_fit_train_alone(make: Callable[[], Trainer]) -> None:
    x, y = samples("cross_entropy", 23, 3, 2, np.float32)
    fits = [
        new_fit(trainer, trainer._trainer.dataset(x, y, None, 1.0), None, None, None, 1, 7, True, None)
        for trainer in (make(), make())
    ]
    _core.run_fits(fits, 1, None, fewest=1)
    assert [(fit.trained, fit.in_lanes) for fit in fits] == [(1, False), (1, False)]


LEVELS = """
import numpy as np
from tests.support.networks import samples
from tests.training import test_lanes as lanes

for dtype in (np.float32, np.float64):
    for loss in ("cross_entropy", "mse", "binary_cross_entropy_with_logits"):
        x, y = samples(loss, 40, 3, 4, dtype)
        make = lambda seed: lanes.trainer_of([3, 17, 4], seed, dtype, activation="silu", loss=loss)
        lanes.assert_law(make, x, y, counts=[40 - seed % 3 for seed in range(11)])
print("equal")
"""


@pytest.mark.parametrize("level", ["v3", "v4", "neon"])
def test_every_level(level: str) -> None:
    if level not in simdnn.show_config("dicts")["isa_available"]:
        pytest.skip(f"no {level} here")
    assert run(LEVELS, SIMDNN_ISA=level).strip() == "equal"


@every_float
@pytest.mark.parametrize(
    ("rule", "make", "settings"),
    OPTIMIZERS,
    ids=[f"{make.__name__} {label(rule, settings)}" for rule, make, settings in OPTIMIZERS],
)
@pytest.mark.parametrize("rates", ["equal", "own"])
def test_optimizers(rule: str, make: Any, settings: dict[str, Any], rates: str, dtype: Any) -> None:
    x, y = samples("cross_entropy", 23, 3, 4, dtype)

    def optimizer(seed: int) -> optim.Optimizer:
        return make(**settings | {"lr": 0.01 * (1 if rates == "equal" else 1 + seed / 8)})

    assert_law(lambda seed: trainer_of([3, 9, 4], seed, dtype, optimizer=optimizer), x, y)
