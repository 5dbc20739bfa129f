"""Unsupervised pre-training, layer by layer, before a `Trainer` fine-tunes the whole network."""

from ._boltzmann import BernoulliRBM
from ._greedy import greedy_layerwise
from ._lsuv import lsuv

__all__ = ["BernoulliRBM", "greedy_layerwise", "lsuv"]
