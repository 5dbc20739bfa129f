"""Random calls of trainers, networks, predictors and optimizers, each with the answer that it must give."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import simdnn
from simdnn import Trainer, nn

from tests.support.draws import JUNK, Draw
from tests.support.random_networks import OPTIONS, RATES, Case, chain, optimizer_of
from tests.support.registry import same_bits

Array = np.ndarray[Any, Any]

#: The errors of bad arguments that are documented everywhere.
ERRORS = (TypeError, ValueError, IndexError, MemoryError)
#: The largest number that a network turns into finite outputs, whatever its layers.
MODERATE = 1e3


@dataclass
class Call:
    """A call that is prepared: all before it has been done.

    Attributes
    ----------
    run : the call
    good : True if the documentation accepts its arguments, so that it must not raise
    check : a function of the result that raises an AssertionError
    errors : the documented exceptions
    still : True if the trainer must be the same after the call, too
    written : arrays that the call may write to, unless it raises
    """

    name: str
    run: Callable[[], Any]
    good: bool = False
    check: Callable[[Any], None] = lambda result: None
    errors: tuple[type[Exception], ...] = ERRORS
    still: bool = False
    written: list[Array] = field(default_factory=list)


def state_of(trainer: Trainer) -> list[Any]:
    """All that calls of a trainer, its model or its optimizer may change, as bytes and text."""
    model, optimizer, native = trainer.model, trainer.optimizer, trainer.model._model
    arrays = [model.flat_gradients, model.flat_parameters, native.buffers, *native.states]
    arrays += optimizer._native.slots()
    counts = optimizer._native.counts, optimizer.steps, optimizer.skipped  # with the state of each parameter
    settings = optimizer.get_params(), trainer.epochs_done, trainer.penalty, trainer.seed, native.passes
    return [array.tobytes() for array in arrays] + [repr(counts), repr(settings)]


def moderate(*arrays: Array) -> bool:
    """True if all numbers are finite, and none is large."""
    return all(bool((np.abs(array) < MODERATE).all()) for array in arrays)


def alike(a: Trainer, b: Trainer) -> None:
    """Raises unless two trainers have one state; a copy has no gradients, and other functions."""
    assert state_of(a)[1:-1] == state_of(b)[1:-1]
    assert a.epochs_done == b.epochs_done


def forward(draw: Draw, case: Case, folder: Path) -> Call:
    model = case.model
    x, good = draw.perhaps_spoiled(case.x, 0.4)
    twin = pickle.loads(pickle.dumps(model)) if good and not case.stateful else None
    finite = moderate(model.flat_parameters, np.abs(model._model.buffers))

    def check(y: Array) -> None:
        assert isinstance(y, np.ndarray)
        assert y.dtype == model.dtype
        if good and twin is not None:
            assert (y.shape[0], y.shape[-1]) == (len(case.x), model.out_features)
            assert same_bits(y, twin(case.x))
            assert not finite or np.isfinite(y).all()

    return Call("forward", lambda: model(x), good and not case.stateful, check, still=not case.stateful)


def training_forward(draw: Draw, case: Case, folder: Path) -> Call:
    x, good = draw.perhaps_spoiled(case.x, 0.4)
    flag = draw.pick([True, True, True, 1, "yes", None])
    good = good and flag is True and not case.stateful
    return Call("forward(training)", lambda: case.model.forward(x, training=flag), good)


def backward(draw: Draw, case: Case, folder: Path) -> Call:
    model = case.model
    if case.stateful:
        model.reset_states()
    y = model.forward(case.x, training=True)
    dy, good = draw.perhaps_spoiled(draw.rng.normal(size=y.shape).astype(y.dtype), 0.4)
    wanted = draw.chance(0.7)

    def check(dx: Any) -> None:
        assert (dx is None) == (not wanted)
        assert dx is None or not good or (dx.shape == case.x.shape and dx.dtype == y.dtype)

    return Call("backward", lambda: model.backward(dy, wanted), good, check)


def overlapping(draw: Draw, x: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """A copy of x and an array of another shape in one memory, one of which begins somewhere in the other."""
    count, size = int(np.prod(shape)), x.size
    memory = np.zeros(2 * (size + count), x.dtype)
    begin, other = size + draw.size(-3, 3), draw.size(0, size + count)
    own = memory[max(begin, 0) : max(begin, 0) + size].reshape(x.shape)
    own[...] = x
    return own, memory[other : other + count].reshape(shape)


def predict(draw: Draw, case: Case, folder: Path) -> Call:
    model, predictor = case.model, case.model.freeze()
    twin, folded = pickle.loads(pickle.dumps(predictor)), "BatchNorm1d" in repr(model)
    x, good = draw.perhaps_spoiled(case.x, 0.3)
    if case.stateful:
        predictor.reset_states()
        twin.reset_states()
    right = twin.predict(case.x)
    way = draw.pick(["none", "own", "spoiled", "overlap"])
    out: Any = None if way == "none" else np.empty_like(right)
    if way == "spoiled":
        out, good = draw.spoiled(out), False
        draw.forget()
    if way == "overlap":
        x, out = overlapping(draw, case.x, right.shape)
        good = True

    def check(y: Array) -> None:
        assert out is None or y is out
        if good:
            assert same_bits(y, right)
        if good and not case.stateful:
            again = model(case.x)
            assert same_bits(y, again) or (folded and np.allclose(y, again, 1e-3, 1e-4))

    written = [out] if isinstance(out, np.ndarray) and out.dtype.kind != "O" else []
    return Call("predict", lambda: predictor.predict(x, out), good, check, still=True, written=written)


def checked_loss(loss: Any) -> None:
    """Raises unless a result is a number."""
    assert type(loss) is float


def samples(draw: Draw, case: Case, probability: float) -> tuple[tuple[Any, Any, Any], bool]:
    """X, y and weights, each perhaps spoiled; and True if none is."""
    x, first = draw.perhaps_spoiled(case.x, probability)
    y, second = draw.perhaps_spoiled(case.y, probability)
    weight, third = draw.perhaps_spoiled(draw.pick([None, case.weight]), probability / 2)
    return (x, y, weight), first and second and third and not case.stateful


def step(draw: Draw, case: Case, folder: Path) -> Call:
    (x, y, weight), good = samples(draw, case, 0.2)
    trainer, twin = case.trainer, copy.copy(case.trainer) if good else None
    given = None if weight is None else case.weight

    def check(loss: float) -> None:
        checked_loss(loss)
        if good and twin is not None:
            assert same_bits(loss, twin.step(case.x, case.y, given))
            assert same_bits(trainer.model.flat_parameters, twin.model.flat_parameters)

    return Call("step", lambda: trainer.step(x, y, weight), good, check)


def evaluate(draw: Draw, case: Case, folder: Path) -> Call:
    (x, y, weight), good = samples(draw, case, 0.2)
    usual = draw.chance(0.9)
    scale = 1.0 if usual else draw.pick(JUNK)

    def check(found: tuple[float, float]) -> None:
        assert all(type(one) is float for one in found)
        assert np.isnan(found[1]) or 0 <= found[1] <= 1

    run = lambda: case.trainer.evaluate(x, y, weight, scale=scale)  # noqa: E731
    return Call("evaluate", run, good and usual, check, still=not case.stateful)


def settings_of_fit(draw: Draw, case: Case) -> tuple[dict[str, Any], bool]:
    """Random keywords of `fit`; and True if none is spoiled."""
    n = len(case.x)
    found: dict[str, Any] = {
        "epochs": draw.size(1, 2),
        "batch_size": draw.pick([None, 1, 3, 64, n, 10**6]) if n < 20 else draw.pick([None, 64, 1000]),
        "shuffle": draw.chance(0.5),
        "progress": False,
        "scale": draw.pick([1.0, 1.0, 0.5]) if "Embedding" not in repr(case.model) else 1.0,
    }
    good = True
    if draw.chance(0.3):
        (x, y, weight), good = samples(draw, case, 0.1)
        found["validation_data"] = (x, y) if weight is None else (x, y, weight)
    if draw.chance(0.2):
        order, fine = draw.perhaps_spoiled(draw.rng.integers(0, n, n), 0.4)
        found["order"], found["epochs"], good = lambda epoch: order, 1, good and fine
    if draw.chance(0.15):
        name = draw.pick(
            ["epochs", "batch_size", "shuffle", "scale", "callbacks", "order", "validation_data"]
        )
        good, found["epochs"] = False, 1
        found[name] = draw.pick(JUNK)
    return found, good


def fit(draw: Draw, case: Case, folder: Path) -> Call:
    (x, y, weight), good = samples(draw, case, 0.1)
    settings, fine = settings_of_fit(draw, case)

    def check(history: simdnn.History) -> None:
        assert history.epochs == settings["epochs"] == len(history.loss)

    run = lambda: case.trainer.fit(x, y, sample_weight=weight, **settings)  # noqa: E731
    return Call("fit", run, good and fine, check)


def objective(draw: Draw, case: Case, folder: Path) -> Call:
    (x, y, weight), good = samples(draw, case, 0.15)
    size = case.model.flat_parameters.size
    point, fine = draw.perhaps_spoiled(draw.rng.normal(size=size) * 0.1, 0.3)

    def check(found: Any) -> None:
        checked_loss(found[0])
        assert found[1].shape == (size,)

    run = lambda: case.trainer.objective(x, y, weight)(point)  # noqa: E731
    return Call("objective", run, good and fine, check)


def load_state(draw: Draw, case: Case, folder: Path) -> Call:
    model = case.model
    state: dict[str, Any] = model.state_dict()
    if draw.chance(0.3):
        state = dict(model.parameters() | model.buffers())  # the memory that is written
    name = draw.pick([*state, "0.none"])
    change = draw.pick(["none", "layout", "spoil", "lose", "add"])
    if change == "layout" and name in state:
        state[name] = draw.pick([state[name].copy(), state[name].tolist(), state[name].astype(np.float64)])
    if change == "spoil" and name in state:
        state[name] = draw.spoiled(state[name].copy())
    if change == "lose":
        state.pop(name, None)
    if change == "add":
        state["0.more"] = np.ones(2)
    good = change in ("none", "layout")
    return Call("load_state_dict", lambda: model.load_state_dict(state), good, errors=(*ERRORS, KeyError))


def spoiled_state(draw: Draw, state: dict[str, Any]) -> dict[str, Any]:
    """The state of an optimizer with one part lost or replaced."""
    found = copy.deepcopy(state)
    places: list[dict[Any, Any]] = [found, found["state"], *found["state"].values(), *found["param_groups"]]
    place = draw.pick([one for one in places if one])
    key = draw.pick([*place])
    if draw.chance(0.3):
        del place[key]
    else:
        place[key] = draw.spoiled(place[key])
    return found


def load_optimizer(draw: Draw, case: Case, folder: Path) -> Call:
    optimizer, good = case.trainer.optimizer, draw.chance(0.5)
    if draw.chance(0.3):  # another rule, or another network
        source = Trainer(copy.copy(case.model), case.trainer.loss, optimizer_of(draw))
        state, good = source.optimizer.state_dict(), False
    else:
        state = optimizer.state_dict()
        buffers = [value for entry in state["state"].values() for value in entry.values()]
        good = good and all(np.isfinite(value).all() for value in buffers)  # squares may have overflowed
    state = state if good else spoiled_state(draw, state)
    return Call(
        "optimizer.load_state_dict",
        lambda: optimizer.load_state_dict(state),
        good,
        errors=(*ERRORS, KeyError),
    )


def set_optimizer(draw: Draw, case: Case, folder: Path) -> Call:
    optimizer = case.trainer.optimizer
    if draw.chance(0.4):
        rate = draw.pick(RATES)()
        return Call("lr", lambda: setattr(optimizer, "lr", rate), True)
    name = draw.pick([*optimizer.get_params(), "none"])
    value = OPTIONS.get(name, 0.5) if draw.chance(0.5) else draw.pick(JUNK)
    return Call("set_params", lambda: optimizer.set_params(**{name: value}))


def duplicate(draw: Draw, case: Case, folder: Path) -> Call:
    trainer = case.trainer
    way = draw.pick([copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
    local = "lambda" in repr(trainer.optimizer.lr) and way not in (copy.copy, copy.deepcopy)

    def check(made: Trainer) -> None:
        alike(trainer, made)
        if not case.stateful:
            assert same_bits(made.step(case.x, case.y), trainer.step(case.x, case.y))
            alike(trainer, made)

    errors = (*ERRORS, AttributeError, pickle.PicklingError) if local else ERRORS
    return Call("copy", lambda: way(trainer), not local, check, errors)


def save_and_load(draw: Draw, case: Case, folder: Path) -> Call:
    trainer, path = case.trainer, folder / "trainer.safetensors"
    trainer.save(path)
    damaged = draw.chance(0.5)
    if damaged:
        data = bytearray(path.read_bytes())
        way, place = draw.pick(["flip", "cut", "add"]), draw.size(0, len(data) - 1)
        if way == "flip":
            data[place] ^= 1 << draw.size(0, 7)
        path.write_bytes(data + b"x" if way == "add" else data[: place if way == "cut" else None])
    function = "lambda" in repr(trainer.optimizer.lr)

    def check(made: Trainer) -> None:
        assert not damaged
        assert not function
        alike(trainer, made)

    def check_model(made: nn.Sequential) -> None:
        assert not damaged
        assert same_bits(made.flat_parameters, trainer.model.flat_parameters)

    if draw.chance(0.3):
        return Call("load", lambda: simdnn.load(path), not damaged, check_model, (ValueError,), True)
    good = not damaged and not function
    return Call("Trainer.load", lambda: Trainer.load(path), good, check, (ValueError,), True)


def describe(draw: Draw, case: Case, folder: Path) -> Call:
    def run() -> nn.Sequential:
        return nn.Sequential.from_dict(case.model.to_dict(), rng=0)

    def check(made: nn.Sequential) -> None:
        assert repr(made) == repr(case.model)

    return Call("from_dict", run, True, check, still=True)


def build(draw: Draw, case: Case, folder: Path) -> Call:
    """A layer of the network with one setting replaced."""
    layer = draw.pick([*case.model.layers, *chain(draw, case.model._input)])
    settings = layer.settings()
    if not settings or not all(name.isidentifier() for name in settings):
        return Call("layer", lambda: nn.Dense(2, draw.pick(JUNK)))
    settings[draw.pick([*settings])] = draw.pick(JUNK)
    inner = [one for _, chain in layer._children() for one in chain]

    def run() -> None:
        made = type(layer)(*inner, **settings) if inner else type(layer)(**settings)
        model = nn.Sequential(made, in_features=3)
        model(np.ones((2, 2, 3) if model._input.sequence else (2, 3)))

    return Call("layer", run, still=True)


def train_wrongly(draw: Draw, case: Case, folder: Path) -> Call:
    """A trainer with one argument replaced."""
    arguments: dict[str, Any] = {"loss": None, "optimizer": None, "seed": 0, "penalty": "mean"} | dict(
        OPTIONS
    )
    del arguments["max_norm"], arguments["maximize"], arguments["skip_nonfinite"], arguments["penalize_bias"]
    arguments[draw.pick([*arguments])] = draw.pick(JUNK)
    return Call("Trainer", lambda: Trainer(case.model, **arguments), still=True)


def use_optimizer_alone(draw: Draw, case: Case, folder: Path) -> Call:
    dtype = draw.pick([np.float32, np.float64])
    shapes = [(3,), (2, 4), (1, 5, 2), (0, 3)]
    params = [draw.rng.normal(size=draw.pick(shapes)).astype(dtype) for _ in range(draw.size(1, 3))]
    params = [np.repeat(one, 2, axis=0)[::2] if draw.chance(0.3) else one for one in params]
    optimizer = type(case.trainer.optimizer)(params)
    grads = [draw.rng.normal(size=one.shape).astype(dtype) for one in params]
    good = not draw.chance(0.5)
    if not good:
        place = draw.size(0, len(grads) - 1)
        grads[place] = draw.spoiled(grads[place])
    given = grads if good or draw.chance(0.7) else draw.pick([grads[:-1], None, grads[0], 3])
    return Call("Optimizer.step", lambda: optimizer.step(given), good, still=True, written=params)


def reset(draw: Draw, case: Case, folder: Path) -> Call:
    return Call("reset_states", case.model.reset_states, True, still=not case.stateful)


#: The calls, those that pass through more code more than once.
OPERATIONS: list[Callable[[Draw, Case, Path], Call]] = [
    *(forward, training_forward, backward, predict, predict, step, step, step, evaluate, fit, fit, objective),
    *(load_state, load_optimizer, set_optimizer, duplicate, save_and_load, describe, build, train_wrongly),
    *(use_optimizer_alone, reset),
]
