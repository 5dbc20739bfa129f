from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Reduction = Literal["none", "mean", "sum"]

identity: np.ufunc
identity_derivative: np.ufunc
identity_backward: np.ufunc
relu: np.ufunc
relu_derivative: np.ufunc
relu_backward: np.ufunc
sigmoid: np.ufunc
sigmoid_derivative: np.ufunc
sigmoid_backward: np.ufunc
tanh: np.ufunc
tanh_derivative: np.ufunc
tanh_backward: np.ufunc
silu: np.ufunc
silu_derivative: np.ufunc
silu_backward: np.ufunc
softmax: np.ufunc
log_softmax: np.ufunc

def leaky_relu(x: ArrayLike, /, negative_slope: ArrayLike = 0.01, **ufunc_keywords: Any) -> Any: ...
def leaky_relu_derivative(
    x: ArrayLike, /, negative_slope: ArrayLike = 0.01, **ufunc_keywords: Any
) -> Any: ...
def leaky_relu_backward(
    dy: ArrayLike, x: ArrayLike, /, negative_slope: ArrayLike = 0.01, **ufunc_keywords: Any
) -> Any: ...
def elu(x: ArrayLike, /, alpha: ArrayLike = 1.0, **ufunc_keywords: Any) -> Any: ...
def elu_derivative(x: ArrayLike, /, alpha: ArrayLike = 1.0, **ufunc_keywords: Any) -> Any: ...
def elu_backward(dy: ArrayLike, x: ArrayLike, /, alpha: ArrayLike = 1.0, **ufunc_keywords: Any) -> Any: ...
def swish(x: ArrayLike, /, beta: ArrayLike = 1.0, **ufunc_keywords: Any) -> Any: ...
def swish_derivative(x: ArrayLike, /, beta: ArrayLike = 1.0, **ufunc_keywords: Any) -> Any: ...
def swish_backward(dy: ArrayLike, x: ArrayLike, /, beta: ArrayLike = 1.0, **ufunc_keywords: Any) -> Any: ...
@overload
def cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    ignore_index: int = -100,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
) -> Any: ...
@overload
def cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    ignore_index: int = -100,
    reduction: _Reduction = "mean",
    return_grad: Literal[True],
) -> tuple[Any, NDArray[Any]]: ...
@overload
def mse_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
) -> Any: ...
@overload
def mse_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: _Reduction = "mean",
    return_grad: Literal[True],
) -> tuple[Any, NDArray[Any]]: ...
