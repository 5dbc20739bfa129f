"""The benchmark times every registered operation; failures name the missing row."""

import importlib
from types import ModuleType

import pytest
import simdnn
from simdnn.losses._registry import NAMED
from threadpoolctl import threadpool_limits

from tests.oracles import HEADS, METRICS
from tests.support.c_programs import COMPILERS
from tests.support.processes import ROOT
from tests.support.registry import ACTIVATIONS, ELEMENTARY, RULES

pytestmark = pytest.mark.skipif(not (ROOT / "bench").is_dir(), reason="bench/ is not next to tests/")


@pytest.fixture
def elementwise(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of cases, which must not load PyTorch here and limit its threads."""
    module = importlib.import_module("bench.cases.elementwise")
    monkeypatch.setattr(module.peers, "torch", lambda: None)
    return module


def test_every_activation_is_timed_at_every_size(elementwise: ModuleType) -> None:
    cases = list(elementwise.cases())
    wanted = {
        f"{name}{direction} N={size}"
        for name in ACTIVATIONS
        for direction in ("", " backward")
        for size in elementwise.SIZES
    }
    assert not wanted - {case.name for case in cases if case.group == "elementwise"}
    assert all(case.goals for case in cases), "every row has a goal"


def test_every_stricter_goal_has_its_row(elementwise: ModuleType) -> None:
    assert elementwise.STRICTER.keys() <= {case.name for case in elementwise.cases()}


@pytest.mark.parametrize("name", [*ACTIVATIONS, *ELEMENTARY])
def test_a_function_without_an_expression_is_timed_by_its_oracle(
    elementwise: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(elementwise.elementwise_numpy, "FUNCTIONS", {})
    monkeypatch.setattr(elementwise.elementwise_numpy, "WITHOUT", set())
    subject = elementwise.Subject(name)
    contestant = elementwise._numpy(subject, elementwise.make_inputs(subject, 64))
    with contestant.context():
        contestant.check()


@pytest.mark.peers
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_function_without_a_kernel_is_that_of_pytorch(elementwise: ModuleType, name: str) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra [peers]: torch")
    functions = elementwise.elementwise_torch._by_name(torch, name)
    if functions is None:
        return
    for backward in (False, True):
        subject = elementwise.Subject(name, backward)
        inputs = elementwise.make_inputs(subject, 64)
        tensors = elementwise.Inputs(*map(torch.from_numpy, inputs[:3]), inputs.expected)
        contestant = elementwise._call("PyTorch", functions, subject, tensors, torch.inference_mode)
        with contestant.context():
            contestant.check()


@pytest.mark.parametrize("direction", ["", " backward"])
@pytest.mark.parametrize("name", [*ACTIVATIONS, "prelu"])
def test_every_contestant_is_right(elementwise: ModuleType, name: str, direction: str) -> None:
    subject = elementwise.Subject(name, bool(direction))
    inputs = elementwise.make_inputs(subject, 64)
    for make in (elementwise._simdnn, elementwise._numpy):
        contestant = make(subject, inputs)
        if contestant is not None:
            with contestant.context():
                contestant.check()


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of cases, without PyTorch."""
    module = importlib.import_module("bench.cases.losses")
    monkeypatch.setattr(module.peers, "torch", lambda: None)
    monkeypatch.setattr(module, "LOSSES", dict(module.LOSSES))
    return module


def test_every_loss_is_timed(losses: ModuleType) -> None:
    timed = {case.name.split()[0] for case in losses.cases()}
    assert timed == NAMED.keys() - METRICS - HEADS
    assert not losses.LOSSES.keys() - timed, "remove these from LOSSES in bench/cases/losses.py"


@pytest.mark.parametrize("name", sorted(NAMED.keys() - METRICS - HEADS))
def test_every_contestant_of_a_loss_is_right(losses: ModuleType, name: str) -> None:
    for contestant in losses.contestants(name, (20, 7)):
        contestant.check()
    losses.LOSSES.pop(name, None)
    for contestant in losses.contestants(name, (20, 7)):
        contestant.check()


@pytest.mark.parametrize("variant", ["l_softmax", "arcface"])
def test_every_contestant_of_a_margin_is_right(monkeypatch: pytest.MonkeyPatch, variant: str) -> None:
    module = importlib.import_module("bench.cases.margin")
    monkeypatch.setattr(module.peers, "torch", lambda: None)
    for contestant in module.contestants(variant, (20, 6, 7)):
        contestant.check()


@pytest.fixture
def optimizer(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of cases, without PyTorch."""
    module = importlib.import_module("bench.cases.optimizer")
    monkeypatch.setattr(module.peers, "torch", lambda: None)
    monkeypatch.setattr(module, "slower_floor", lambda *_: None)
    return module


def test_every_update_has_a_goal(optimizer: ModuleType) -> None:
    assert all(case.goals for case in optimizer.cases()), "every row has a goal"


@pytest.mark.parametrize("rule", RULES)
def test_every_update_is_right(optimizer: ModuleType, rule: str) -> None:
    for contestant in optimizer._contestants(optimizer.RULES[optimizer.WITHIN.get(rule, rule)], 64):
        contestant.check()


def test_special_updates_are_right(optimizer: ModuleType) -> None:
    for build in (optimizer._many_small, optimizer._half_dead):
        for contestant in build():
            contestant.check()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of cases, with two threads, without peers and lower bound."""
    module = importlib.import_module("bench.cases.engine")
    for name in ("torch", "jax"):
        monkeypatch.setattr(module.peers, name, lambda: None)
    monkeypatch.setattr(module.peers, "is_installed", lambda _: False)
    monkeypatch.setattr(module.peers, "threads", lambda: 2)
    monkeypatch.setattr(module.floor, "step_floor", lambda *_: None)
    return module


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_every_training_step_is_right(engine: ModuleType, activation: str, dtype: str) -> None:
    network = engine.Network((3, 5, 2), 4, 4, activation, dtype)
    for contestant in engine._contestants(network):
        with contestant.context():
            contestant.check()
    simdnn.set_num_threads(None)


@pytest.mark.parametrize("kind", ["_confident", "_dead"])
def test_a_converged_network_keeps_its_loss(engine: ModuleType, kind: str) -> None:
    for contestant in engine._converged(engine.Network((3, 6, 2), 4, 4), getattr(engine, kind)):
        contestant.check()


def test_every_training_row_has_a_goal(engine: ModuleType) -> None:
    assert all(case.goals for case in engine.cases())


def test_the_operations_of_a_step_are_counted(engine: ModuleType) -> None:
    network = engine.Network((8, 64, 4), 32, 2)
    products = [(32, 8, 64), (32, 64, 4), (8, 32, 64), (64, 32, 4), (32, 4, 64)]
    assert network.flops() == sum(2 * m * k * n for m, k, n in products)


def test_every_machine_is_right() -> None:
    module = importlib.import_module("bench.cases.pretrain")
    with threadpool_limits(1):  # threads of peers wait for each other on a busy machine
        for contestant in module.contestants(module.Shape(48, 30, 20)):
            contestant.check()


@pytest.mark.skipif(not COMPILERS, reason="needs a C compiler")
def test_exported_code_is_right() -> None:
    module = importlib.import_module("bench.cases.exported")
    for case in module.cases():
        assert case.goals
        for contestant in case.build():
            contestant.check()
            contestant.run()


@pytest.mark.peers
def test_every_contestant_of_deep_q_learning_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra [peers]: torch")
    module = importlib.import_module("bench.cases.reinforcement")
    monkeypatch.setattr(module.peers, "torch", lambda: torch)
    found = list(module.contestants())
    assert [contestant.name for contestant in found] == ["simdnn", "PyTorch"]
    for contestant in found:
        contestant.check()


@pytest.mark.peers
def test_every_row_of_thinc_is_right() -> None:
    pytest.importorskip("thinc", reason="needs the extra [peers] or [thinc]: thinc")
    cases = list(importlib.import_module("bench.cases.thinc").cases())
    assert {case.group for case in cases} == {"thinc operation", "thinc step"}
    for case in cases:
        assert case.goals
        for contestant in case.build():
            contestant.check()
