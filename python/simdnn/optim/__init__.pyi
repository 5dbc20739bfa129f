# Written by `python -m tests.tools.stubs --write` from the registries.
from typing import Literal

from typing_extensions import Unpack

from ._arrays import clip_grad_norm_ as clip_grad_norm_
from ._arrays import clip_grad_value_ as clip_grad_value_
from ._optimizer import Optimizer as Optimizer
from ._optimizer import Params
from ._options import Options
from ._rates import Decay, Rate
from ._registry import BY_NAME as BY_NAME
from ._registry import from_name as from_name
from ._registry import unbound as unbound

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "clip_grad_norm_",
    "clip_grad_value_",
]

class Adadelta(Optimizer):
    decoupled_weight_decay: bool
    eps: float
    rho: float
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 1.0,
        rho: float = 0.9,
        eps: float = 1e-06,
        weight_decay: Decay = 0.0,
        *,
        decoupled_weight_decay: bool = False,
        **options: Unpack[Options],
    ) -> None: ...

class Adagrad(Optimizer):
    decoupled_weight_decay: bool
    eps_mode: Literal["outside", "inside", "hat"]
    eps: float
    initial_accumulator_value: float
    lr_decay: float
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 0.01,
        lr_decay: float = 0.0,
        weight_decay: Decay = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        eps_mode: Literal["outside", "inside", "hat"] = "outside",
        decoupled_weight_decay: bool = False,
        **options: Unpack[Options],
    ) -> None: ...

class Adam(Optimizer):
    decoupled_weight_decay: bool
    eps_mode: Literal["outside", "inside", "hat"]
    eps: float
    betas: tuple[float, float]
    @property
    def amsgrad(self) -> bool: ...
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-08,
        weight_decay: Decay = 0.0,
        amsgrad: bool = False,
        *,
        eps_mode: Literal["outside", "inside", "hat"] = "outside",
        decoupled_weight_decay: bool = False,
        **options: Unpack[Options],
    ) -> None: ...

class AdamW(Optimizer):
    decoupled_weight_decay: bool
    eps_mode: Literal["outside", "inside", "hat"]
    eps: float
    betas: tuple[float, float]
    @property
    def amsgrad(self) -> bool: ...
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-08,
        weight_decay: Decay = 0.01,
        amsgrad: bool = False,
        *,
        eps_mode: Literal["outside", "inside", "hat"] = "outside",
        decoupled_weight_decay: bool = True,
        **options: Unpack[Options],
    ) -> None: ...

class Adamax(Optimizer):
    decoupled_weight_decay: bool
    eps: float
    betas: tuple[float, float]
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 0.002,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-08,
        weight_decay: Decay = 0.0,
        *,
        decoupled_weight_decay: bool = False,
        **options: Unpack[Options],
    ) -> None: ...

class Lion(Optimizer):
    decoupled_weight_decay: bool
    betas: tuple[float, float]
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 0.0001,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: Decay = 0.0,
        *,
        decoupled_weight_decay: bool = True,
        **options: Unpack[Options],
    ) -> None: ...

class NAdam(Optimizer):
    eps_mode: Literal["outside", "inside", "hat"]
    decoupled_weight_decay: bool
    momentum_decay: float
    eps: float
    betas: tuple[float, float]
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 0.002,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-08,
        weight_decay: Decay = 0.0,
        momentum_decay: float = 0.004,
        decoupled_weight_decay: bool = False,
        *,
        eps_mode: Literal["outside", "inside", "hat"] = "outside",
        **options: Unpack[Options],
    ) -> None: ...

class RAdam(Optimizer):
    eps_mode: Literal["outside", "inside", "hat"]
    decoupled_weight_decay: bool
    eps: float
    betas: tuple[float, float]
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-08,
        weight_decay: Decay = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        eps_mode: Literal["outside", "inside", "hat"] = "hat",
        **options: Unpack[Options],
    ) -> None: ...

class RMSprop(Optimizer):
    decoupled_weight_decay: bool
    eps_mode: Literal["outside", "inside", "hat"]
    eps: float
    alpha: float
    @property
    def momentum(self) -> float: ...
    @property
    def centered(self) -> bool: ...
    @property
    def lr_in_velocity(self) -> bool: ...
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-08,
        weight_decay: Decay = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        eps_mode: Literal["outside", "inside", "hat"] = "outside",
        lr_in_velocity: bool = False,
        decoupled_weight_decay: bool = False,
        **options: Unpack[Options],
    ) -> None: ...

class SGD(Optimizer):
    decoupled_weight_decay: bool
    @property
    def momentum(self) -> float: ...
    @property
    def dampening(self) -> float: ...
    @property
    def nesterov(self) -> bool: ...
    @property
    def lr_in_velocity(self) -> bool: ...
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 0.001,
        momentum: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
        weight_decay: Decay = 0.0,
        *,
        lr_in_velocity: bool = False,
        decoupled_weight_decay: bool = False,
        **options: Unpack[Options],
    ) -> None: ...
