# Written by `python -m tests.tools.stubs --write` from the registries.
from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..schedules import Schedule

_Reduction = Literal["none", "mean", "sum"]
_SumReduction = Literal["none", "mean", "batchmean", "sum"]
_Variant = Literal["l_softmax", "a_softmax", "am_softmax", "arcface"]

binary_step: np.ufunc
binary_step_backward: np.ufunc
binary_step_derivative: np.ufunc
exp: np.ufunc
expm1: np.ufunc
gelu_tanh: np.ufunc
gelu_tanh_backward: np.ufunc
gelu_tanh_derivative: np.ufunc
hard_sigmoid: np.ufunc
hard_sigmoid_backward: np.ufunc
hard_sigmoid_derivative: np.ufunc
hard_swish: np.ufunc
hard_swish_backward: np.ufunc
hard_swish_derivative: np.ufunc
identity: np.ufunc
identity_backward: np.ufunc
identity_derivative: np.ufunc
log: np.ufunc
log1p: np.ufunc
log_sigmoid: np.ufunc
log_sigmoid_backward: np.ufunc
log_sigmoid_derivative: np.ufunc
mish: np.ufunc
mish_backward: np.ufunc
mish_derivative: np.ufunc
relu: np.ufunc
relu6: np.ufunc
relu6_backward: np.ufunc
relu6_derivative: np.ufunc
relu_backward: np.ufunc
relu_derivative: np.ufunc
selu: np.ufunc
selu_backward: np.ufunc
selu_derivative: np.ufunc
sigmoid: np.ufunc
sigmoid_backward: np.ufunc
sigmoid_derivative: np.ufunc
silu: np.ufunc
silu_backward: np.ufunc
silu_derivative: np.ufunc
softplus: np.ufunc
softplus_backward: np.ufunc
softplus_derivative: np.ufunc
softsign: np.ufunc
softsign_backward: np.ufunc
softsign_derivative: np.ufunc
tanh: np.ufunc
tanh_backward: np.ufunc
tanh_derivative: np.ufunc

@overload
def binary_cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
) -> Any: ...
@overload
def binary_cross_entropy(
    input: ArrayLike, target: ArrayLike, *, reduction: _Reduction = "mean", return_grad: Literal[True]
) -> tuple[Any, NDArray[Any]]: ...
@overload
def binary_cross_entropy_with_logits(
    input: ArrayLike,
    target: ArrayLike,
    *,
    pos_weight: ArrayLike | None = None,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
) -> Any: ...
@overload
def binary_cross_entropy_with_logits(
    input: ArrayLike,
    target: ArrayLike,
    *,
    pos_weight: ArrayLike | None = None,
    reduction: _Reduction = "mean",
    return_grad: Literal[True],
) -> tuple[Any, NDArray[Any]]: ...
@overload
def categorical_entropy(logits: ArrayLike, *, return_grad: Literal[False] = False) -> Any: ...
@overload
def categorical_entropy(logits: ArrayLike, *, return_grad: Literal[True]) -> tuple[Any, NDArray[Any]]: ...
@overload
def categorical_log_prob(
    logits: ArrayLike, action: ArrayLike, *, return_grad: Literal[False] = False
) -> Any: ...
@overload
def categorical_log_prob(
    logits: ArrayLike, action: ArrayLike, *, return_grad: Literal[True]
) -> tuple[Any, NDArray[Any]]: ...
def celu(x: ArrayLike, /, alpha: ArrayLike = 1.0, **ufunc_keywords: Any) -> Any: ...
def celu_backward(dy: ArrayLike, x: ArrayLike, /, alpha: ArrayLike = 1.0, **ufunc_keywords: Any) -> Any: ...
def celu_derivative(x: ArrayLike, /, alpha: ArrayLike = 1.0, **ufunc_keywords: Any) -> Any: ...
@overload
def clipped_policy_loss(
    log_prob: ArrayLike,
    old_log_prob: ArrayLike,
    advantage: ArrayLike,
    *,
    clip: float = 0.2,
    reduction: Literal["none", "mean", "sum"] = "mean",
    return_grad: Literal[False] = False,
) -> Any: ...
@overload
def clipped_policy_loss(
    log_prob: ArrayLike,
    old_log_prob: ArrayLike,
    advantage: ArrayLike,
    *,
    clip: float = 0.2,
    reduction: Literal["none", "mean", "sum"] = "mean",
    return_grad: Literal[True],
) -> tuple[Any, NDArray[Any]]: ...
@overload
def clipped_value_loss(
    value: ArrayLike,
    target: ArrayLike,
    old_value: ArrayLike | None = None,
    *,
    clip: float | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    return_grad: Literal[False] = False,
) -> Any: ...
@overload
def clipped_value_loss(
    value: ArrayLike,
    target: ArrayLike,
    old_value: ArrayLike | None = None,
    *,
    clip: float | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    return_grad: Literal[True],
) -> tuple[Any, NDArray[Any]]: ...
def crelu(x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> Any: ...
def crelu_backward(dy: ArrayLike, x: ArrayLike, axis: int = -1) -> Any: ...
def crelu_derivative(x: ArrayLike, axis: int = -1) -> Any: ...
@overload
def cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
    sample_weight: ArrayLike | None = None,
) -> Any: ...
@overload
def cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    reduction: _Reduction = "mean",
    return_grad: Literal[True],
    sample_weight: ArrayLike | None = None,
) -> tuple[Any, NDArray[Any]]: ...
@overload
def distillation_loss(
    student_logits: ArrayLike,
    teacher_logits: ArrayLike,
    temperature: float = 1.0,
    *,
    target: ArrayLike | None = None,
    hard_weight: float = 0.0,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
    sample_weight: ArrayLike | None = None,
) -> Any: ...
@overload
def distillation_loss(
    student_logits: ArrayLike,
    teacher_logits: ArrayLike,
    temperature: float = 1.0,
    *,
    target: ArrayLike | None = None,
    hard_weight: float = 0.0,
    reduction: _Reduction = "mean",
    return_grad: Literal[True],
    sample_weight: ArrayLike | None = None,
) -> tuple[Any, NDArray[Any]]: ...
def elu(x: ArrayLike, /, alpha: ArrayLike = 1.0, **ufunc_keywords: Any) -> Any: ...
def elu_backward(dy: ArrayLike, x: ArrayLike, /, alpha: ArrayLike = 1.0, **ufunc_keywords: Any) -> Any: ...
def elu_derivative(x: ArrayLike, /, alpha: ArrayLike = 1.0, **ufunc_keywords: Any) -> Any: ...
@overload
def entropy(p: Any, *, axis: int = -1, return_grad: Literal[False] = False) -> Any: ...
@overload
def entropy(p: Any, *, axis: int = -1, return_grad: Literal[True]) -> tuple[Any, NDArray[Any]]: ...
@overload
def focal_loss(
    logits: ArrayLike,
    target: ArrayLike,
    gamma: float = 2.0,
    alpha: ArrayLike | None = None,
    *,
    weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
    sample_weight: ArrayLike | None = None,
) -> Any: ...
@overload
def focal_loss(
    logits: ArrayLike,
    target: ArrayLike,
    gamma: float = 2.0,
    alpha: ArrayLike | None = None,
    *,
    weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    reduction: _Reduction = "mean",
    return_grad: Literal[True],
    sample_weight: ArrayLike | None = None,
) -> tuple[Any, NDArray[Any]]: ...
def gelu(x: ArrayLike, /, approximate: Literal["none", "tanh"] = "none", **ufunc_keywords: Any) -> Any: ...
def gelu_backward(
    dy: ArrayLike, x: ArrayLike, /, approximate: Literal["none", "tanh"] = "none", **ufunc_keywords: Any
) -> Any: ...
def gelu_derivative(
    x: ArrayLike, /, approximate: Literal["none", "tanh"] = "none", **ufunc_keywords: Any
) -> Any: ...
def generalized_advantage(
    reward: ArrayLike,
    value: ArrayLike,
    done: ArrayLike,
    last_value: ArrayLike,
    *,
    gamma: float = 0.99,
    lam: float = 0.95,
) -> Any: ...
def hard_tanh(
    x: ArrayLike, /, min_val: ArrayLike = -1.0, max_val: ArrayLike = 1.0, **ufunc_keywords: Any
) -> Any: ...
def hard_tanh_backward(
    dy: ArrayLike, x: ArrayLike, /, min_val: ArrayLike = -1.0, max_val: ArrayLike = 1.0, **ufunc_keywords: Any
) -> Any: ...
def hard_tanh_derivative(
    x: ArrayLike, /, min_val: ArrayLike = -1.0, max_val: ArrayLike = 1.0, **ufunc_keywords: Any
) -> Any: ...
@overload
def hinge_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
) -> Any: ...
@overload
def hinge_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    reduction: _Reduction = "mean",
    return_grad: Literal[True],
) -> tuple[Any, NDArray[Any]]: ...
@overload
def huber_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    delta: float = 1.0,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
) -> Any: ...
@overload
def huber_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    delta: float = 1.0,
    reduction: _Reduction = "mean",
    return_grad: Literal[True],
) -> tuple[Any, NDArray[Any]]: ...
@overload
def kl_div(
    input: ArrayLike,
    target: ArrayLike,
    *,
    log_target: float = 0.0,
    reduction: _SumReduction = "mean",
    return_grad: Literal[False] = False,
) -> Any: ...
@overload
def kl_div(
    input: ArrayLike,
    target: ArrayLike,
    *,
    log_target: float = 0.0,
    reduction: _SumReduction = "mean",
    return_grad: Literal[True],
) -> tuple[Any, NDArray[Any]]: ...
@overload
def l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
) -> Any: ...
@overload
def l1_loss(
    input: ArrayLike, target: ArrayLike, *, reduction: _Reduction = "mean", return_grad: Literal[True]
) -> tuple[Any, NDArray[Any]]: ...
@overload
def large_margin_softmax(
    features: ArrayLike,
    weight: ArrayLike,
    target: ArrayLike,
    margin: float = 4,
    lam: float | Schedule = 0.0,
    *,
    variant: _Variant = "l_softmax",
    scale: float | None = None,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
    sample_weight: ArrayLike | None = None,
) -> Any: ...
@overload
def large_margin_softmax(
    features: ArrayLike,
    weight: ArrayLike,
    target: ArrayLike,
    margin: float = 4,
    lam: float | Schedule = 0.0,
    *,
    variant: _Variant = "l_softmax",
    scale: float | None = None,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: _Reduction = "mean",
    return_grad: Literal[True],
    sample_weight: ArrayLike | None = None,
) -> tuple[Any, tuple[NDArray[Any], NDArray[Any]]]: ...
def leaky_relu(x: ArrayLike, /, negative_slope: ArrayLike = 0.01, **ufunc_keywords: Any) -> Any: ...
def leaky_relu_backward(
    dy: ArrayLike, x: ArrayLike, /, negative_slope: ArrayLike = 0.01, **ufunc_keywords: Any
) -> Any: ...
def leaky_relu_derivative(
    x: ArrayLike, /, negative_slope: ArrayLike = 0.01, **ufunc_keywords: Any
) -> Any: ...
@overload
def log_cosh_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
) -> Any: ...
@overload
def log_cosh_loss(
    input: ArrayLike, target: ArrayLike, *, reduction: _Reduction = "mean", return_grad: Literal[True]
) -> tuple[Any, NDArray[Any]]: ...
def log_softmax(
    x: ArrayLike,
    /,
    temperature: ArrayLike = 1.0,
    *,
    axis: int = -1,
    out: NDArray[Any] | None = None,
    **ufunc_keywords: Any,
) -> Any: ...
def log_softmax_backward(
    dy: ArrayLike,
    x: ArrayLike,
    /,
    temperature: ArrayLike = 1.0,
    *,
    axis: int = -1,
    out: NDArray[Any] | None = None,
    **ufunc_keywords: Any,
) -> Any: ...
def logsumexp(
    x: ArrayLike,
    /,
    temperature: ArrayLike = 1.0,
    *,
    axis: int = -1,
    out: NDArray[Any] | None = None,
    **ufunc_keywords: Any,
) -> Any: ...
def logsumexp_backward(
    dy: ArrayLike,
    x: ArrayLike,
    /,
    temperature: ArrayLike = 1.0,
    *,
    axis: int = -1,
    out: NDArray[Any] | None = None,
    **ufunc_keywords: Any,
) -> Any: ...
def margin_annealing(
    base: float = 1000.0, gamma: float = 0.12, power: int = 1, minimum: float = 5.0
) -> Schedule: ...
def maxout(x: ArrayLike, pieces: int, axis: int = -1) -> Any: ...
def maxout_backward(dy: ArrayLike, x: ArrayLike, pieces: int, axis: int = -1) -> Any: ...
def maxout_derivative(x: ArrayLike, pieces: int, axis: int = -1) -> Any: ...
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
    input: ArrayLike, target: ArrayLike, *, reduction: _Reduction = "mean", return_grad: Literal[True]
) -> tuple[Any, NDArray[Any]]: ...
@overload
def nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
    sample_weight: ArrayLike | None = None,
) -> Any: ...
@overload
def nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: _Reduction = "mean",
    return_grad: Literal[True],
    sample_weight: ArrayLike | None = None,
) -> tuple[Any, NDArray[Any]]: ...
def normal_entropy(log_std: ArrayLike) -> Any: ...
@overload
def normal_log_prob(
    action: ArrayLike, mean: ArrayLike, log_std: ArrayLike, *, return_grad: Literal[False] = False
) -> Any: ...
@overload
def normal_log_prob(
    action: ArrayLike, mean: ArrayLike, log_std: ArrayLike, *, return_grad: Literal[True]
) -> tuple[Any, NDArray[Any]]: ...
@overload
def poisson_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    log_input: float = 1.0,
    full: float = 0.0,
    eps: float = 1e-08,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
) -> Any: ...
@overload
def poisson_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    log_input: float = 1.0,
    full: float = 0.0,
    eps: float = 1e-08,
    reduction: _Reduction = "mean",
    return_grad: Literal[True],
) -> tuple[Any, NDArray[Any]]: ...
def prelu(x: ArrayLike, weight: ArrayLike, **ufunc_keywords: Any) -> Any: ...
def prelu_backward(dy: ArrayLike, x: ArrayLike, weight: ArrayLike) -> tuple[Any, Any]: ...
def prelu_derivative(x: ArrayLike, weight: ArrayLike, **ufunc_keywords: Any) -> Any: ...
@overload
def quantile_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    q: float = 0.5,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
) -> Any: ...
@overload
def quantile_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    q: float = 0.5,
    reduction: _Reduction = "mean",
    return_grad: Literal[True],
) -> tuple[Any, NDArray[Any]]: ...
@overload
def rrelu(
    x: ArrayLike,
    lower: float = 0.125,
    upper: float = 0.3333333333333333,
    training: bool = False,
    rng: np.random.Generator | int | None = None,
    distribution: Literal["uniform", "normal"] = "uniform",
    *,
    return_slope: Literal[False] = False,
) -> Any: ...
@overload
def rrelu(
    x: ArrayLike,
    lower: float = 0.125,
    upper: float = 0.3333333333333333,
    training: bool = False,
    rng: np.random.Generator | int | None = None,
    distribution: Literal["uniform", "normal"] = "uniform",
    *,
    return_slope: Literal[True],
) -> tuple[Any, Any]: ...
def rrelu_backward(
    dy: ArrayLike,
    x: ArrayLike,
    slope: ArrayLike | None = None,
    lower: float = 0.125,
    upper: float = 0.3333333333333333,
) -> Any: ...
def rrelu_derivative(
    x: ArrayLike, slope: ArrayLike | None = None, lower: float = 0.125, upper: float = 0.3333333333333333
) -> Any: ...
@overload
def smooth_l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    beta: float = 1.0,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
) -> Any: ...
@overload
def smooth_l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    beta: float = 1.0,
    reduction: _Reduction = "mean",
    return_grad: Literal[True],
) -> tuple[Any, NDArray[Any]]: ...
def softmax(
    x: ArrayLike,
    /,
    temperature: ArrayLike = 1.0,
    *,
    axis: int = -1,
    out: NDArray[Any] | None = None,
    **ufunc_keywords: Any,
) -> Any: ...
def softmax_backward(
    dy: ArrayLike,
    x: ArrayLike,
    /,
    temperature: ArrayLike = 1.0,
    *,
    axis: int = -1,
    out: NDArray[Any] | None = None,
    **ufunc_keywords: Any,
) -> Any: ...
@overload
def squared_hinge_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    reduction: _Reduction = "mean",
    return_grad: Literal[False] = False,
) -> Any: ...
@overload
def squared_hinge_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    reduction: _Reduction = "mean",
    return_grad: Literal[True],
) -> tuple[Any, NDArray[Any]]: ...
def swish(x: ArrayLike, /, beta: ArrayLike = 1.0, **ufunc_keywords: Any) -> Any: ...
@overload
def swish_backward(dy: ArrayLike, x: ArrayLike, /, beta: float = 1.0, **ufunc_keywords: Any) -> Any: ...
@overload
def swish_backward(
    dy: ArrayLike, x: ArrayLike, /, beta: NDArray[Any] | Sequence[Any], **ufunc_keywords: Any
) -> tuple[Any, Any]: ...
def swish_derivative(x: ArrayLike, /, beta: ArrayLike = 1.0, **ufunc_keywords: Any) -> Any: ...
def zero_one_loss(
    input: ArrayLike, target: ArrayLike, *, reduction: _Reduction = "mean", return_grad: bool = False
) -> Any: ...
