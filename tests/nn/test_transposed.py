"""Weights of another layout: an error with the way to read them, where shapes tell."""

from __future__ import annotations

import numpy as np
import pytest
import simdnn
from simdnn import nn


@pytest.mark.parametrize("widths", [(8, 64, 3), (5, 2), (3, 3, 7)])
def test_the_error_about_transposed_weights_names_the_reader(widths: tuple[int, ...]) -> None:
    """`from_torch` reads the state of which `load_state_dict` refuses the first oblong matrix."""
    model = nn.Sequential(*map(nn.Dense, widths, widths[1:]), rng=0)
    state = simdnn.to_torch_state_dict(model)
    with pytest.raises(
        ValueError, match=r"weight: expected shape .*simdnn\.from_torch\(state, model=model\)"
    ):
        model.load_state_dict(state)
    other = simdnn.from_torch(state, model=nn.Sequential(*map(nn.Dense, widths, widths[1:]), rng=1))
    assert (other.flat_parameters == model.flat_parameters).all()


@pytest.mark.parametrize("shape", [(8, 3), (3, 8, 1), (8,), (64,)])
def test_another_shape_gets_no_hint(shape: tuple[int, ...]) -> None:
    model = nn.Sequential(nn.Dense(8, 64), rng=0)
    with pytest.raises(ValueError, match=r"expected shape \(8, 64\), got \([0-9, ]+\)$"):
        model.load_state_dict({"0.weight": np.zeros(shape), "0.bias": np.zeros(64)})
