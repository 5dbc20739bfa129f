# Written by `python -m tests.tools.stubs --write` from the registries.
from typing import Literal, TypedDict

from ._settings import Argument

class Options(TypedDict, total=False):
    like: Literal["torch", "keras", "sklearn", "textbook"]
    maximize: bool
    l1: float
    l2: float
    penalize_bias: bool
    clip_norm: float | None
    clip_value: float | None
    max_norm: float | None
    skip_nonfinite: bool

class Setting:
    argument: Argument
    def __init__(self, argument: Argument, fixed: bool = False) -> None: ...

class WithOptions:
    maximize: bool
    l1: float
    l2: float
    penalize_bias: bool
    clip_norm: float | None
    clip_value: float | None
    max_norm: float | None
    skip_nonfinite: bool
