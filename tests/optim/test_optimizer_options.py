"""Clipping, penalties, max-norm and skipped steps, fused into the update, equal separate passes."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import optim, schedules

from tests.oracles import rules
from tests.support.registry import FLOATS, OPTIMIZERS, hypers_of, label, same_bits, spread

Array = np.ndarray[Any, Any]

every_optimizer = pytest.mark.parametrize(
    ("rule", "make", "settings"),
    OPTIMIZERS,
    ids=[f"{make.__name__} {label(rule, settings)}" for rule, make, settings in OPTIMIZERS],
)
every_float = pytest.mark.parametrize("dtype", FLOATS)

#: Options, and their effect on the gradients of all parameters in float64.
ADJUSTMENTS: list[tuple[dict[str, Any], Any]] = [
    ({"maximize": True}, lambda p, g: -g),
    ({"l1": 0.3}, lambda p, g: g + 0.3 * np.sign(p)),
    ({"l2": 0.2}, lambda p, g: g + 0.2 * p),
    ({"clip_value": 0.4}, lambda p, g: np.clip(g, -0.4, 0.4)),
    ({"clip_norm": 2.0}, lambda p, g: g * min(1, 2.0 / (np.linalg.norm(g) + 1e-6))),
    ({"clip_norm": 1e9}, lambda p, g: g),
    (
        {"clip_norm": 3.0, "clip_value": 0.2, "l1": 0.1, "l2": 0.2, "maximize": True},
        lambda p, g: np.clip(-g * 3.0 / (np.linalg.norm(g) + 1e-6), -0.2, 0.2) + 0.1 * np.sign(p) + 0.2 * p,
    ),
]


@every_float
@pytest.mark.parametrize(("options", "adjust"), ADJUSTMENTS, ids=[" ".join(row[0]) for row in ADJUSTMENTS])
@pytest.mark.parametrize("chosen", ["SGD", "Adam", "RMSprop"])
def test_options_match_oracle(chosen: str, options: dict[str, Any], adjust: Any, dtype: Any) -> None:
    shapes = [(3, 5), (1,), (), (70, 90), (0,), (17,)]
    sizes = np.cumsum([int(np.prod(shape)) for shape in shapes])
    whole = spread(int(sizes[-1]), dtype)
    params = [part.reshape(shape) for part, shape in zip(np.split(whole, sizes[:-1]), shapes, strict=True)]
    wanted, state = whole.astype(np.float64), rules.State()
    optimizer = getattr(optim, chosen)(params, lr=0.01, **options)
    for t in range(1, 21):
        g = spread(whole.size + t, dtype, 2.0)[t:]
        optimizer.step(
            [part.reshape(p.shape) for part, p in zip(np.split(g, sizes[:-1]), params, strict=True)]
        )
        adjusted = adjust(wanted, g.astype(np.float64))
        if "clip_norm" in options:
            assert optimizer.grad_norm == pytest.approx(np.linalg.norm(g.astype(np.float64)), rel=1e-12)
        wanted = rules.apply(optimizer._config.rule, wanted, adjusted, state, t, **hypers_of(optimizer, {}))
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    assert np.allclose(np.concatenate([p.ravel() for p in params]), wanted, rtol=0, atol=tolerance)


@every_float
@every_optimizer
def test_options_that_do_nothing_change_no_bit(
    rule: str, make: Any, settings: dict[str, Any], dtype: Any
) -> None:
    """Neutral options select another loop, which must have the same bits."""
    plain, adjusted = spread(333, dtype), spread(333, dtype)
    optimizers = [make([plain], **settings), make([adjusted], clip_value=1e30, clip_norm=1e30, **settings)]
    for t in range(1, 6):
        for optimizer in optimizers:
            optimizer.step([spread(333 + t, dtype)[t:]])
    assert same_bits(plain, adjusted)


@every_float
def test_clipping_inside_the_step_is_clipping_before_it(dtype: Any) -> None:
    fused, apart = spread(5000, dtype), spread(5000, dtype)
    inside, after = optim.SGD([fused], lr=0.1, clip_norm=0.7), optim.SGD([apart], lr=0.1)
    for t in range(1, 5):
        g = spread(5000 + t, dtype)[t:]
        inside.step([g])
        clipped = g.copy()
        norm = optim.clip_grad_norm_([clipped], 0.7)
        after.step([clipped])
        assert inside.grad_norm == norm
        assert np.linalg.norm(clipped.astype(np.float64)) <= 0.7 * (1 + np.finfo(dtype).eps)
    assert same_bits(fused, apart)


@every_float
def test_the_norm_does_not_depend_on_threads_or_arrays(dtype: Any) -> None:
    whole = spread(300_007, dtype)
    cuts = [1, 50, 4096, 4097, 9000, 100_000]
    strided = np.empty((whole.size, 2), dtype)[:, 0]
    strided[...] = whole
    lists = [[whole], np.split(whole, cuts), [strided], [np.append(whole, whole[:3])[:-3]]]
    norms = set()
    for threads in (1, 2, 3):
        simdnn.set_num_threads(threads)
        for arrays in lists:
            norms.add(optim.clip_grad_norm_([a.copy() for a in arrays], np.inf))
    simdnn.set_num_threads(None)
    assert len(norms) == 1
    assert norms.pop() == pytest.approx(np.linalg.norm(whole.astype(np.float64)), rel=1e-13)


@every_float
def test_a_clipped_step_does_not_depend_on_the_split(dtype: Any) -> None:
    whole, g = spread(10_001, dtype), spread(10_004, dtype)[3:]
    parts = np.split(whole.copy(), [1, 50, 4096, 9000])
    for params, grads in (([whole], [g]), (parts, np.split(g, [1, 50, 4096, 9000]))):
        optimizer = optim.Adam(list(params), clip_norm=1.0, l1=0.01)
        for _ in range(3):
            optimizer.step(grads)
    assert same_bits(np.concatenate(parts), whole)


def test_clip_value_bounds_each_gradient() -> None:
    g = np.array([[-3.0, 0.5], [np.nan, np.inf]])
    strided = np.zeros((2, 4))[:, ::2]
    strided[...] = g
    for array in (g, strided):
        optim.clip_grad_value_([array], 2.0)
        assert same_bits(np.asarray(array), [[-2.0, 0.5], [np.nan, 2.0]])


@every_float
@pytest.mark.parametrize("threads", [1, 2], indirect=True)
@pytest.mark.parametrize("shape", [(40, 7), (3000, 1), (9, 5000), (600, 300), (5, 4, 3), (50,), (0, 3), ()])
def test_max_norm_holds_the_weights_of_each_unit(shape: tuple[int, ...], threads: int, dtype: Any) -> None:
    p, g = spread(int(np.prod(shape)), dtype, 2.0).reshape(shape), np.ones(shape, dtype)
    mirror = p.copy()
    optim.SGD([p], lr=0.1, max_norm=1.5).step([g])
    optim.SGD([mirror], lr=0.1).step([g])
    plain = mirror.astype(np.float64)
    norms = np.sqrt((plain**2).sum(axis=0)) if shape else np.abs(plain)
    wanted = plain * np.minimum(1, 1.5 / np.maximum(norms, 1e-300))
    assert np.allclose(p, wanted, rtol=64 * np.finfo(dtype).eps, atol=0)
    kept = np.broadcast_to(norms <= 1.5, shape)
    assert same_bits(p[kept], mirror[kept])


def test_max_norm_does_not_depend_on_threads() -> None:
    results = []
    for threads in (1, 2, 3):
        simdnn.set_num_threads(threads)
        p = spread(700 * 300, np.float32).reshape(700, 300)
        optimizer = optim.Adam([p], lr=0.1, max_norm=3.0)
        for t in range(3):
            optimizer.step([spread(p.size + t, np.float32)[t:].reshape(p.shape)])
        results.append(p)
    simdnn.set_num_threads(None)
    assert same_bits(results[0], results[1])
    assert same_bits(results[0], results[2])


@every_float
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@every_optimizer
def test_not_finite_gradients_are_never_hidden(
    rule: str, make: Any, settings: dict[str, Any], bad: float, dtype: Any
) -> None:
    """A NaN gradient affects only its parameter; skip_nonfinite skips the whole step."""
    g = spread(40, dtype)
    g[17] = bad
    p, safe = spread(40, dtype), spread(40, dtype)
    optimizer, careful = make([p], **settings), make([safe], skip_nonfinite=True, **settings)
    before = safe.copy()
    optimizer.step([g])
    careful.step([g])
    assert np.all(np.isfinite(np.delete(p, 17)))
    if np.isnan(bad):
        assert np.isnan(p[17])
    assert same_bits(safe, before)
    assert (careful.skipped, careful.steps, optimizer.skipped, optimizer.steps) == (1, 0, 0, 1)
    g[17] = 0.5
    careful.step([g])
    fresh = before.copy()
    make([fresh], **settings).step([g])
    assert same_bits(safe, fresh), "a refused step leaves no trace"


@every_float
def test_a_norm_that_overflows_is_no_reason_to_refuse(dtype: Any) -> None:
    largest = np.finfo(dtype).max
    p = np.zeros(8, dtype)
    optimizer = optim.SGD([p], lr=1.0, clip_norm=1.0, skip_nonfinite=True)
    optimizer.step([np.full(8, largest)])
    assert optimizer.skipped == 0
    assert np.all(np.isfinite(p))


def test_not_finite_norms_spread() -> None:
    p = np.ones(3)
    optim.SGD([p], lr=1.0, clip_norm=1.0).step([[1.0, np.nan, 2.0]])
    assert np.all(np.isnan(p))


@every_float
@every_optimizer
def test_arrays_of_any_layout_are_updated(rule: str, make: Any, settings: dict[str, Any], dtype: Any) -> None:
    values, g = spread(60, dtype).reshape(6, 10), spread(63, dtype)[3:].reshape(6, 10)
    memory = np.full((12, 20), 7, dtype)
    raw = np.zeros(60 * values.itemsize + 1, np.uint8)[1:]
    views = [
        memory[::2, ::2],
        np.empty((10, 6), dtype).T,
        np.empty((6, 10), dtype)[::-1, ::-1],
        raw.view(dtype).reshape(6, 10),
    ]
    wanted = values.copy()
    for view in views:
        view[...] = values
    optimizers = [make([p], **settings) for p in (wanted, *views)]
    for optimizer in optimizers:
        for t in range(3):
            optimizer.step([g * (t + 1)])
    for view in views:
        assert same_bits(np.ascontiguousarray(view), wanted)
    assert np.all(memory[1::2] == 7)
    assert np.all(memory[:, 1::2] == 7)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clip_norm": -1}, "clip_norm: .*-1"),
        ({"clip_norm": float("nan")}, "clip_norm: .*nan"),
        ({"clip_value": -1}, "clip_value: "),
        ({"max_norm": -0.5}, "max_norm: "),
        ({"l1": float("inf")}, "l1: .*inf"),
        ({"l2": -1}, "l2: "),
        ({"like": "caffe"}, "like: 'caffe'.*torch, keras, sklearn, textbook"),
        ({"eps_mode": "between"}, "eps_mode: 'between'.*outside, inside, hat"),
    ],
)
def test_an_option_out_of_range_is_a_clear_error(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optim.Adam(**settings)


def test_options_may_change_between_steps() -> None:
    p = np.zeros(3)
    optimizer = optim.SGD([p], lr=1.0)
    optimizer.step([[4.0, 0.0, 0.0]])
    optimizer.clip_value = 0.5
    optimizer.step([[4.0, 0.0, 0.0]])
    optimizer.clip_value = None
    optimizer.maximize = True
    optimizer.step([[1.0, 0.0, 0.0]])
    assert p[0] == -3.5
    assert (optimizer.clip_value, optimizer.clip_norm, optimizer.maximize) == (None, None, True)


@pytest.mark.parametrize("kind", sorted(optim.BY_NAME))
def test_an_unknown_attribute_is_refused(kind: str) -> None:
    """A misspelled setting would have no effect."""
    optimizer = optim.from_name(kind)
    for name in ("learning_rate", "foo", "Lr", "clipnorm"):
        wanted = rf"{name}: {type(optimizer).__name__} has no such setting.*[;?] [kK]nown: lr, "
        with pytest.raises(AttributeError, match=wanted):
            setattr(optimizer, name, 0.5)
    for name in ("steps", "skipped", "grad_norm", "current_lr"):
        with pytest.raises(AttributeError):
            setattr(optimizer, name, 1)
    for name, value in optimizer.get_params().items():
        if name not in optimizer._fixed:
            setattr(optimizer, name, value)


class Counted(optim.Adam):
    """A user's optimizer, with attributes of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.calls = 0


def test_a_subclass_may_have_attributes_of_its_own() -> None:
    optimizer = Counted(lr=0.5)
    optimizer.calls += 1
    optimizer.lr = 0.25
    assert (optimizer.calls, copy.copy(optimizer).calls, optimizer.lr) == (1, 1, 0.25)


@pytest.mark.parametrize(
    "schedule",
    [
        schedules.cosine(1.0, 5),
        schedules.reduce_on_plateau(0.1),
        schedules.sequence([schedules.constant(1.0)], []),
    ],
    ids=["cosine", "plateau", "sequence"],
)
def test_a_schedule_has_no_other_attributes(schedule: Any) -> None:
    for name in ("patience", "steps", "gamma"):
        with pytest.raises(AttributeError, match=name):
            setattr(schedule, name, 3)
    for made in (copy.copy(schedule), copy.deepcopy(schedule), pickle.loads(pickle.dumps(schedule))):
        assert repr(made) == repr(schedule)
        assert made(2) == schedule(2)
