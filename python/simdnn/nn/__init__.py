"""Networks: layers in sequence, compiled into one native plan."""

from typing import TYPE_CHECKING

from .._utils.hints import no_attribute
from . import (
    _activation,
    _concatenate,
    _dense,
    _describe,
    _dropout,
    _elementwise,
    _embedding,
    _ensemble,
    _groups,
    _layer,
    _margin,
    _norm,
    _piecewise,
    _predict_many,
    _predictor,
    _profile,
    _recurrent,
    _residual,
    _sequential,
)
from ._activation import *
from ._activation import ACTIVATIONS as ACTIVATIONS
from ._activation import activation_of as activation_of
from ._concatenate import *
from ._dense import *
from ._describe import *
from ._dropout import *
from ._elementwise import *
from ._embedding import *
from ._ensemble import *
from ._groups import *
from ._layer import *
from ._margin import *
from ._norm import *
from ._piecewise import *
from ._precision import need_full_precision as need_full_precision
from ._predict_many import *
from ._predictor import *
from ._profile import *
from ._recurrent import *
from ._residual import *
from ._sequential import *

__all__: list[str] = []
__all__ += _activation.__all__
__all__ += _concatenate.__all__
__all__ += _dense.__all__
__all__ += _describe.__all__
__all__ += _dropout.__all__
__all__ += _elementwise.__all__
__all__ += _embedding.__all__
__all__ += _ensemble.__all__
__all__ += _groups.__all__
__all__ += _layer.__all__
__all__ += _margin.__all__
__all__ += _norm.__all__
__all__ += _piecewise.__all__
__all__ += _predict_many.__all__
__all__ += _predictor.__all__
__all__ += _profile.__all__
__all__ += _recurrent.__all__
__all__ += _residual.__all__
__all__ += _sequential.__all__

_describe.LAYERS |= {
    name: kind
    for name in sorted({*__all__} - {"Activation", "Layer"})
    if isinstance(kind := globals()[name], type) and issubclass(kind, _layer.Layer)
}

if not TYPE_CHECKING:

    def __getattr__(name):
        """Raises AttributeError, with a hint for names that other libraries have."""
        raise no_attribute(__name__, name)
