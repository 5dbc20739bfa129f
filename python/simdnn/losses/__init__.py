"""Losses: functions that `simdnn.functional` exports, and that a `Trainer` takes by name or as objects."""

from . import _classification, _margin, _pointwise
from ._classification import *  # noqa: F403
from ._margin import *  # noqa: F403
from ._pointwise import *  # noqa: F403
from ._registry import NAMED as NAMED
from ._registry import TARGETS as TARGETS
from ._registry import Loss as Loss
from ._registry import make as make
from ._registry import resolve as resolve

__all__: list[str] = []
__all__ += _classification.__all__
__all__ += _margin.__all__
__all__ += _pointwise.__all__
