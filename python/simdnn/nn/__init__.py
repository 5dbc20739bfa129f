"""Networks: layers in sequence, compiled into one native plan."""

from . import _activation, _describe
from ._activation import *  # noqa: F403
from ._activation import ACTIVATIONS as ACTIVATIONS
from ._activation import Activation
from ._activation import activation_of as activation_of
from ._concatenate import Concatenate
from ._dense import Dense
from ._describe import layer_from_dict, layer_to_dict
from ._dropout import AlphaDropout, Dropout, RReLU
from ._elementwise import PReLU
from ._embedding import Embedding
from ._groups import CReLU, Maxout, Softmax
from ._layer import Layer
from ._margin import LargeMarginSoftmax
from ._norm import BatchNorm1d, LayerNorm
from ._predictor import Predictor
from ._profile import LayerCost, ModelProfile
from ._recurrent import GRU, LSTM, RNN, pad_sequences
from ._residual import Residual
from ._sequential import Sequential

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "AlphaDropout",
    "BatchNorm1d",
    "CReLU",
    "Concatenate",
    "Dense",
    "Dropout",
    "Embedding",
    "LargeMarginSoftmax",
    "Layer",
    "LayerCost",
    "LayerNorm",
    "Maxout",
    "ModelProfile",
    "PReLU",
    "Predictor",
    "RReLU",
    "Residual",
    "Sequential",
    "Softmax",
    "layer_from_dict",
    "layer_to_dict",
    "pad_sequences",
]
__all__ += _activation.__all__

_describe.LAYERS |= {
    name: kind
    for name in sorted({*__all__} - {"Activation", "Layer"})
    if isinstance(kind := globals()[name], type) and issubclass(kind, Layer)
}
