"""Model files, and conversion of weights from and to PyTorch; `simdnn` exports these functions."""

from ._safetensors import need_safetensors as need_safetensors
from ._saving import load, load_metadata, save
from ._torch import from_torch, to_torch_state_dict

__all__ = ["from_torch", "load", "load_metadata", "save", "to_torch_state_dict"]
