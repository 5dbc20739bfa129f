"""Optimizers compared with PyTorch's: defaults, state, clipping and schedules."""

import inspect
from typing import Any

import numpy as np
import pytest
from simdnn import optim, schedules

from tests.support.registry import FLOATS, OPTIMIZERS, Optimizers, label, spread

pytestmark = pytest.mark.peers
torch: Any = pytest.importorskip("torch", reason="needs the extra [peers]: torch")


def shared(rows: Optimizers) -> Optimizers:
    """The rows of optimizers that PyTorch has too."""
    return [
        row
        for row in rows
        if (peer := getattr(torch.optim, row[1].__name__, None)) is not None
        and set(row[2]) <= inspect.signature(peer).parameters.keys()
    ]


SHARED = shared(OPTIMIZERS)
every_optimizer = pytest.mark.parametrize(
    ("rule", "make", "settings"),
    SHARED,
    ids=[f"{make.__name__} {label(rule, settings)}" for rule, make, settings in SHARED],
)
every_float = pytest.mark.parametrize("dtype", FLOATS)
SHAPES = [(6, 50), (), (11,)]


def arrays(dtype: Any, offset: int = 0) -> list[np.ndarray]:
    return [spread(int(np.prod(shape)) + offset, dtype)[offset:].reshape(shape).copy() for shape in SHAPES]


class Peer:
    """PyTorch's optimizer of parameters with the same values."""

    def __init__(self, make: Any, settings: dict[str, Any], values: list[np.ndarray]) -> None:
        self.parameters = [torch.tensor(value, requires_grad=True) for value in values]
        self.optimizer = getattr(torch.optim, make.__name__)(self.parameters, **settings)

    def step(self, gradients: list[np.ndarray]) -> None:
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = torch.tensor(gradient)
        self.optimizer.step()

    def assert_near(self, values: list[np.ndarray], dtype: Any) -> None:
        """Asserts equality within 1e-6 of the largest value; PyTorch's NAdam keeps a product in float32."""
        rough = dtype == np.float32 or isinstance(self.optimizer, torch.optim.NAdam)
        tolerance = 1e-6 if rough else 1e-12
        for parameter, value in zip(self.parameters, values, strict=True):
            theirs = parameter.detach().numpy()
            assert np.abs(theirs - value).max() <= tolerance * max(1, np.abs(theirs).max())


def as_tensors(state: Any) -> Any:
    """A state dictionary with tensors instead of arrays."""
    if isinstance(state, dict):
        return {key: as_tensors(value) for key, value in state.items()}
    if isinstance(state, list):
        return [as_tensors(value) for value in state]
    return torch.as_tensor(state) if isinstance(state, np.ndarray) else state


def test_every_optimizer_that_pytorch_has_is_compared() -> None:
    ours = {name for name in optim.__all__ if hasattr(torch.optim, name)} - {"Optimizer"}
    assert ours == {make.__name__ for _, make, _ in SHARED}


@every_float
@every_optimizer
def test_optimizers_agree(rule: str, make: Any, settings: dict[str, Any], dtype: Any) -> None:
    values = arrays(dtype)
    ours, theirs = make(values, **settings), Peer(make, settings, values)
    for t in range(1, 31):
        ours.step(arrays(dtype, t))
        theirs.step(arrays(dtype, t))
        theirs.assert_near(values, dtype)


@every_float
@every_optimizer
def test_maximize_agrees(rule: str, make: Any, settings: dict[str, Any], dtype: Any) -> None:
    values = arrays(dtype)
    ours = make(values, maximize=True, **settings)
    theirs = Peer(make, settings | {"maximize": True}, values)
    for t in range(1, 6):
        ours.step(arrays(dtype, t))
        theirs.step(arrays(dtype, t))
        theirs.assert_near(values, dtype)


@every_float
@every_optimizer
def test_five_steps_there_and_five_here_are_ten_there(
    rule: str, make: Any, settings: dict[str, Any], dtype: Any
) -> None:
    theirs = Peer(make, settings, arrays(dtype))
    for t in range(1, 6):
        theirs.step(arrays(dtype, t))
    values = [parameter.detach().numpy().copy() for parameter in theirs.parameters]
    ours = make(values, **{k: v for k, v in settings.items() if k in ("momentum", "amsgrad", "centered")})
    ours.load_state_dict(theirs.optimizer.state_dict())
    for t in range(6, 11):
        ours.step(arrays(dtype, t))
        theirs.step(arrays(dtype, t))
    theirs.assert_near(values, dtype)


@every_float
@every_optimizer
def test_five_steps_here_and_five_there_are_ten_here(
    rule: str, make: Any, settings: dict[str, Any], dtype: Any
) -> None:
    values = arrays(dtype)
    ours = make(values, **settings)
    for t in range(1, 6):
        ours.step(arrays(dtype, t))
    theirs = Peer(make, settings, values)
    state = theirs.optimizer.state_dict()
    theirs.optimizer.load_state_dict({**state, "state": as_tensors(ours.state_dict()["state"])})
    for t in range(6, 11):
        ours.step(arrays(dtype, t))
        theirs.step(arrays(dtype, t))
    theirs.assert_near(values, dtype)


@pytest.mark.parametrize("name", sorted({make.__name__ for _, make, _ in SHARED}))
def test_defaults_agree(name: str) -> None:
    """Defaults agree as attributes, and in order and value in the signature."""
    ours, theirs = getattr(optim, name)(), getattr(torch.optim, name)
    peer = theirs([torch.zeros(1)]).defaults
    for key in peer.keys() & set(dir(ours)):
        assert getattr(ours, key) == peer[key], key
    signature, other = inspect.signature(type(ours)).parameters, inspect.signature(theirs).parameters
    for key in signature.keys() & other.keys() - {"params"}:
        assert signature[key].default == other[key].default, key


@every_float
@pytest.mark.parametrize("max_norm", [0.1, 1e6])
def test_clip_grad_norm_agrees(max_norm: float, dtype: Any) -> None:
    ours = arrays(dtype)
    theirs = [torch.zeros(shape, requires_grad=True) for shape in SHAPES]
    for parameter, value in zip(theirs, ours, strict=True):
        parameter.data = torch.zeros(value.shape, dtype=torch.as_tensor(value).dtype)
        parameter.grad = torch.tensor(value)
    norm = torch.nn.utils.clip_grad_norm_(theirs, max_norm)
    assert optim.clip_grad_norm_(ours, max_norm) == pytest.approx(norm.item(), rel=1e-6)
    for parameter, value in zip(theirs, ours, strict=True):
        assert np.allclose(parameter.grad.numpy(), value, rtol=1e-6, atol=0)


def rates_of(make: Any, steps: int, **settings: Any) -> list[float]:
    """The learning rates of PyTorch's scheduler, starting at 0.3."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = make(optimizer, **settings)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_schedules_agree() -> None:
    there = torch.optim.lr_scheduler
    for ours, make, settings in (
        (schedules.step(0.3, 7, 0.5), there.StepLR, {"step_size": 7, "gamma": 0.5}),
        (schedules.exponential(0.3, 0.9), there.ExponentialLR, {"gamma": 0.9}),
        (
            schedules.linear(0.03, 0.3, 11),
            there.LinearLR,
            {"start_factor": 0.1, "end_factor": 1.0, "total_iters": 11},
        ),
        (schedules.cosine(0.3, 40, 0.01), there.CosineAnnealingLR, {"T_max": 40, "eta_min": 0.01}),
        (schedules.one_cycle(0.3, 40), there.OneCycleLR, {"max_lr": 0.3, "total_steps": 40}),
        (
            schedules.one_cycle(0.3, 40, 0.2, 10, 100, "linear"),
            there.OneCycleLR,
            {
                "max_lr": 0.3,
                "total_steps": 40,
                "pct_start": 0.2,
                "div_factor": 10,
                "final_div_factor": 100,
                "anneal_strategy": "linear",
            },
        ),
    ):
        wanted = rates_of(make, 39, **settings)
        assert np.allclose(ours(np.arange(39)), wanted, rtol=1e-9, atol=1e-15), make.__name__


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_reduce_on_plateau_agrees(mode: Any, threshold_mode: Any) -> None:
    settings = {"mode": mode, "threshold_mode": threshold_mode, "factor": 0.5, "patience": 2, "cooldown": 1}
    settings |= {"threshold": 0.05, "min_lr": 0.01}
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings)
    ours = schedules.reduce_on_plateau(0.3, **settings)
    for metric in np.exp(-np.arange(60) / 20) + 0.1 * np.sin(np.arange(60)):
        ours.observe(float(metric))
        theirs.step(float(metric))
        assert ours.lr == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)


@every_optimizer
def test_parameters_without_state_go_on_as_pytorch_s(rule: str, make: Any, settings: dict[str, Any]) -> None:
    """A frozen parameter has no gradient and no state at first; then it is trained too."""
    values, loaded = arrays(np.float64), arrays(np.float64)
    peer = Peer(make, settings, values)
    for t in range(1, 4):
        for i, (parameter, gradient) in enumerate(zip(peer.parameters, arrays(np.float64, t), strict=True)):
            parameter.grad = None if i == 1 else torch.tensor(gradient)
        peer.optimizer.step()
    ours = make(loaded, **settings)
    ours.load_state_dict(peer.optimizer.state_dict())
    for parameter, value in zip(peer.parameters, loaded, strict=True):
        value[...] = parameter.detach().numpy()
    for t in range(4, 7):
        peer.step(arrays(np.float64, t))
        ours.step(arrays(np.float64, t))
        peer.assert_near(loaded, np.float64)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("own", [0.0, 0.9])
@pytest.mark.parametrize("name", ["SGD", "RMSprop"])
def test_a_state_of_another_momentum_is_pytorch_s_or_refused(name: str, momentum: float, own: float) -> None:
    make, values = getattr(optim, name), arrays(np.float64)
    peer, ours = Peer(make, {"lr": 0.1, "momentum": momentum}, values), make(values, lr=0.2, momentum=own)
    peer.step(arrays(np.float64, 1))
    if momentum and not own:
        with pytest.raises(ValueError, match="momentum: "):
            ours.load_state_dict(peer.optimizer.state_dict())
        return
    ours.load_state_dict(peer.optimizer.state_dict())
    for parameter, value in zip(peer.parameters, values, strict=True):
        value[...] = parameter.detach().numpy()
    for t in (2, 3):
        peer.step(arrays(np.float64, t))
        ours.step(arrays(np.float64, t))
        peer.assert_near(values, np.float64)


def grouped_pair(make: Any, settings: dict[str, Any], values: list[np.ndarray]) -> tuple[Any, Any]:
    """Our optimizer and PyTorch's with equal groups."""
    own = [{"lr": 0.01}, {}, {"weight_decay": 0.25}]
    ours = make([{"params": [value]} | one for value, one in zip(values, own, strict=True)], **settings)
    theirs = Peer(make, settings, values)
    groups = [{"params": [value]} | one for value, one in zip(theirs.parameters, own, strict=True)]
    theirs.optimizer = type(theirs.optimizer)(groups, **settings)
    return ours, theirs


@every_float
@every_optimizer
def test_groups_agree_and_states_change_sides(
    rule: str, make: Any, settings: dict[str, Any], dtype: Any
) -> None:
    values = arrays(dtype)
    ours, theirs = grouped_pair(make, settings, values)
    for t in range(1, 6):
        ours.step(arrays(dtype, t))
        theirs.step(arrays(dtype, t))
    theirs.assert_near(values, dtype)
    for group in (*ours.param_groups, *theirs.optimizer.param_groups):
        group["lr"] = 0.5 * group["lr"]
    mine, other = ours.state_dict(), theirs.optimizer.state_dict()
    assert [g["params"] for g in mine["param_groups"]] == [g["params"] for g in other["param_groups"]]
    for key in ("lr", "weight_decay"):
        assert [g[key] for g in mine["param_groups"]] == [g[key] for g in other["param_groups"]]
    ours.load_state_dict(other)
    theirs.optimizer.load_state_dict(as_tensors(mine))
    for t in range(6, 11):
        ours.step(arrays(dtype, t))
        theirs.step(arrays(dtype, t))
    theirs.assert_near(values, dtype)


@every_float
@every_optimizer
def test_frozen_parameters_agree(rule: str, make: Any, settings: dict[str, Any], dtype: Any) -> None:
    values = arrays(dtype)
    ours = make([{"params": [value]} for value in values], **settings)
    theirs = Peer(make, settings, values)
    for t in range(1, 13):
        given: list[Any] = arrays(dtype, t)
        for i, group in enumerate(ours.param_groups):
            frozen = t % 4 == i or (i == 0 and t < 6)
            group["lr_factor"] = 0.0 if frozen else 1.0
            theirs.parameters[i].grad = None if frozen else torch.tensor(given[i])
        ours.step(given)
        theirs.optimizer.step()
    theirs.assert_near(values, dtype)
