"""Pre-training: greedy layer-wise methods without labels, RBMs, and LSUV initialization."""

from ._boltzmann import BernoulliRBM
from ._greedy import greedy_layerwise
from ._lsuv import lsuv

__all__ = ["BernoulliRBM", "greedy_layerwise", "lsuv"]
