"""Networks: layers in sequence, compiled into one native plan."""

from . import _activation
from ._activation import *  # noqa: F403
from ._activation import Activation
from ._dense import Dense
from ._describe import layer_from_dict, layer_to_dict
from ._dropout import Dropout
from ._explain import Explanation, LayerCost
from ._layer import Layer
from ._margin import LargeMarginSoftmax
from ._predictor import Predictor
from ._recurrent import GRU, LSTM, RNN, pad_sequences
from ._residual import Residual
from ._sequential import Sequential

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "Dense",
    "Dropout",
    "Explanation",
    "LargeMarginSoftmax",
    "Layer",
    "LayerCost",
    "Predictor",
    "Residual",
    "Sequential",
    "layer_from_dict",
    "layer_to_dict",
    "pad_sequences",
    *_activation.__all__,
]
