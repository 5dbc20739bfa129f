# Written by `python -m tests.tools.stubs --write` from the registries.
from ._elementwise import GELU as GELU
from ._elementwise import Activation as Activation
from ._elementwise import BinaryStep as BinaryStep
from ._elementwise import Swish as Swish

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "SELU",
    "BinaryStep",
    "HardSigmoid",
    "HardSwish",
    "HardTanh",
    "Identity",
    "LeakyReLU",
    "LogSigmoid",
    "Mish",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Swish",
    "Tanh",
]

CLASSES: dict[str, type[Activation]]
ACTIVATIONS: tuple[str, ...]

def activation_of(value: str | Activation | None) -> Activation: ...

class CELU(Activation):
    alpha: float
    def __init__(self, alpha: float = 1.0) -> None: ...

class ELU(Activation):
    alpha: float
    def __init__(self, alpha: float = 1.0) -> None: ...

class HardSigmoid(Activation): ...
class HardSwish(Activation): ...

class HardTanh(Activation):
    min_val: float
    max_val: float
    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None: ...

class Identity(Activation): ...

class LeakyReLU(Activation):
    negative_slope: float
    def __init__(self, negative_slope: float = 0.01) -> None: ...

class LogSigmoid(Activation): ...
class Mish(Activation): ...
class ReLU(Activation): ...
class ReLU6(Activation): ...
class SELU(Activation): ...
class SiLU(Activation): ...
class Sigmoid(Activation): ...
class Softplus(Activation): ...
class Softsign(Activation): ...
class Tanh(Activation): ...
