"""Networks from the parameters of an estimator, and their weights and biases as scikit-learn lists them."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from .. import init as initializers
from .. import nn
from .._utils.arrays import as_cpu_array
from .._utils.check import check_float, check_int, check_items
from ..pretrain import greedy_layerwise
from ._heads import Head

Array = NDArray[Any]


def hidden_sizes(value: Any) -> list[int]:
    """``hidden_layer_sizes`` as a list."""
    if isinstance(value, Set | Mapping):
        raise TypeError(f"hidden_layer_sizes: expected integers in their order, got {value!r:.80}")
    ordered = hasattr(value, "__iter__")
    sizes = check_items("hidden_layer_sizes", value, "integers in their order") if ordered else [value]
    if any(np.asarray(size) <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return [check_int("hidden_layer_sizes", size) for size in sizes]


def activations(value: Any, layers: int) -> list[Any]:
    """One activation layer per hidden layer; "logistic" is scikit-learn's name for the sigmoid."""
    each = list(value) if isinstance(value, list | tuple) else [value] * layers
    if len(each) != layers:
        raise ValueError(
            f"activation: expected one name or one for each of {layers} hidden layers, got {each}"
        )
    return [nn.activation_of("sigmoid" if name == "logistic" else name) for name in each]


def make_network(estimator: Any, features: int, head: Head, dtype: Any) -> nn.Sequential:
    """The network that an estimator describes, with all weights zero."""
    sizes = [features, *hidden_sizes(estimator.hidden_layer_sizes)]
    functions = activations(estimator.activation, len(sizes) - 1)
    layers: list[nn.Layer] = []
    for (inputs, outputs), function in zip(itertools.pairwise(sizes), functions, strict=True):
        block = hidden_layer(estimator, inputs, outputs, function)
        skips = estimator.residual and layers and inputs == outputs
        layers += [nn.Residual(*block)] if skips else block
    bias = not head.loss.has_margin
    layers.append(nn.Dense(sizes[-1], head.outputs, bias=bias, init="zeros"))
    return nn.Sequential(*layers, dtype=dtype, rng=0)


def hidden_layer(estimator: Any, inputs: int, outputs: int, function: nn.Activation) -> list[nn.Layer]:
    """The layers of one hidden layer: dense, batch normalization, activation and dropout."""
    layers: list[nn.Layer] = [nn.Dense(inputs, outputs, init="zeros")]
    if estimator.batch_norm:
        layers.append(nn.BatchNorm1d(outputs))
    layers.append(function)
    if check_float("dropout", estimator.dropout) > 0:
        layers.append(nn.Dropout(estimator.dropout))
    return layers


def are_views(views: Sequence[Array], coefs: Any, intercepts: Any) -> bool:
    """True if the weights and biases are the network's own views, which need no check."""
    return (
        isinstance(coefs, list)
        and isinstance(intercepts, list)
        and 2 * len(coefs) == 2 * len(intercepts) == len(views)
        and all(map(operator.is_, views, itertools.chain(coefs, intercepts)))
    )


def checked_arrays(estimator: Any) -> tuple[list[Array], list[Array]]:
    """The weights and biases that a user has assigned; raises unless they are those of a network."""
    names, found = ("coefs_", "intercepts_"), []
    for name in names:
        value = getattr(estimator, name)
        if isinstance(value, Set | Mapping):
            raise TypeError(f"{name}: expected a list of arrays, got {type(value).__name__}")
        items = check_items(name, value, "a list of arrays")
        found.append([as_cpu_array(f"{name}[{i}]", one) for i, one in enumerate(items)])
    coefs, intercepts = found
    if not coefs or len(coefs) != len(intercepts):
        raise ValueError(
            "coefs_, intercepts_: expected one array for each layer in both, got"
            f" {len(coefs)} and {len(intercepts)}"
        )
    width = vars(estimator).get("n_features_in_")
    for i, (coef, intercept) in enumerate(zip(coefs, intercepts, strict=True)):
        for name, array in zip(names, (coef, intercept), strict=True):
            if array.dtype.kind not in "biuf":
                raise TypeError(f"{name}[{i}]: expected real numbers, got dtype {array.dtype}")
        if coef.ndim != 2 or 0 in coef.shape or width not in (None, coef.shape[0]):
            wanted = f"({'in' if width is None else width}, out)"
            raise ValueError(f"coefs_[{i}]: expected shape {wanted}, got {coef.shape}")
        width = coef.shape[1]
        if intercept.shape != (width,):
            raise ValueError(f"intercepts_[{i}]: expected shape {(width,)}, got {intercept.shape}")
    return coefs, intercepts


def network_dtype(arrays: Sequence[Array]) -> np.dtype[Any]:
    """The dtype of a network of these arrays: float32 for those that it holds, or float64."""
    found = np.result_type(np.float32, *arrays)
    return found if found == np.float32 else np.dtype(np.float64)


def dense_network(coefs: Sequence[Any], activation: Any, dtype: Any) -> nn.Sequential:
    """A network of dense layers with the shapes of these weights."""
    shapes = [np.asarray(coef).shape for coef in coefs]
    functions = [*activations(activation, len(shapes) - 1), None]
    layers = [
        nn.Dense(inputs, outputs, activation=function, init="zeros")
        for (inputs, outputs), function in zip(shapes, functions, strict=True)
    ]
    return nn.Sequential(*layers, dtype=dtype, rng=0)


def arrays_of(model: nn.Sequential) -> tuple[list[Array], list[Array]]:
    """Views of the weights and biases of the dense layers, in order."""
    views = model.parameters()
    names = [name.removesuffix("weight") for name, view in views.items() if view.ndim == 2]
    coefs = [views[f"{name}weight"] for name in names]
    missing = [
        np.zeros(coef.shape[1], coef.dtype) for coef in coefs
    ]  # the last layer below a margin loss has no bias
    return coefs, [views.get(f"{name}bias", zeros) for name, zeros in zip(names, missing, strict=True)]


def pretrain(model: nn.Sequential, X: Any, method: Any, seed: int) -> None:
    """Pre-trains the hidden layers without labels by `simdnn.pretrain.greedy_layerwise`."""
    settings = {"method": method} if isinstance(method, str) else dict(method)
    dense = X.toarray() if issparse(X) else X
    try:
        greedy_layerwise(model, dense, **{"seed": seed, "progress": False, **settings})
    except (TypeError, ValueError) as error:
        raise type(error)(f"pretrain: {error}") from error


def initialize(
    estimator: Any, coefs: list[Array], intercepts: list[Array], random: np.random.RandomState
) -> None:
    """Draws initial weights by the estimator's initializer, or weights and biases as scikit-learn does."""
    if estimator.init is not None:
        init = estimator.init
        function = initializers.from_name(init) if isinstance(init, str) else init
        generator = np.random.default_rng(random.randint(2**31))
        for coef in coefs:
            coef[...] = function(coef.shape, rng=generator, dtype=coef.dtype)
        return
    names = estimator.activation if isinstance(estimator.activation, list | tuple) else [estimator.activation]
    for i, (coef, intercept) in enumerate(zip(coefs, intercepts, strict=True)):
        name = names[min(i, len(names) - 1)]
        # Glorot & Bengio 2010, eq. 16, with scikit-learn's smaller factor for the sigmoid.
        bound = np.sqrt((2.0 if name in ("logistic", "sigmoid") else 6.0) / sum(coef.shape))
        coef[...] = random.uniform(-bound, bound, coef.shape)
        intercept[...] = random.uniform(-bound, bound, len(intercept))
