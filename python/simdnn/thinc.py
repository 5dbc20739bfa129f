"""`SimdnnOps`, a backend for thinc, and `Adam`, thinc's optimizer with our update.

A thinc model runs on our kernels once their backend is current::

    from thinc.api import use_ops
    import simdnn.thinc

    with use_ops("simdnn"):
        model = ...

Activations, softmax, maxout and matrix products are ours; everything else is that of thinc's `NumpyOps`. The
module needs thinc 8.3 or later: ``pip install 'simdnn[thinc]'``.
"""

from typing import Any, Optional

import numpy as np

from . import _core
from . import functional as F

try:
    from thinc import registry
    from thinc.backends import NumpyOps
    from thinc.backends.ops import FloatsT
    from thinc.optimizers import ADAM_DEFAULTS, Optimizer
    from thinc.types import Floats1d, Floats2d, Floats3d, FloatsXdT, Ints2d
except ImportError as error:
    raise ImportError("simdnn.thinc needs thinc: pip install 'simdnn[thinc]'") from error

__all__ = ["Adam", "SimdnnOps"]

_PRODUCTS = {np.dtype(np.float32): _core.product_f32, np.dtype(np.float64): _core.product_f64}
_MAXOUTS = {np.dtype(np.float32): _core.maxout_winners_f32, np.dtype(np.float64): _core.maxout_winners_f64}


def _check_shapes(dY: Any, X: Any) -> None:
    """Raises if a gradient would be broadcast."""
    if dY.shape != X.shape:
        raise ValueError(f"dY: expected shape {X.shape}, got {dY.shape}")


def _backward(function: Any, dY: Any, X: Any, inplace: bool, *parameters: float) -> Any:
    """The gradient w.r.t. X, in the memory of dY if `inplace`."""
    _check_shapes(dY, X)
    return function(dY, X, *parameters, out=dY if inplace else None)


@registry.ops("SimdnnOps")
class SimdnnOps(NumpyOps):  # type: ignore[misc]
    """thinc's `NumpyOps` with our kernels, whose results have the same bits on every machine.

    Parameters
    ----------
    device_type, device_id, use_blis
        Those of `thinc.backends.NumpyOps`.

    Examples
    --------
    >>> from thinc.api import get_ops
    >>> import simdnn.thinc
    >>> ops = get_ops("simdnn")
    >>> ops.relu(ops.asarray1f([-1.0, 2.0]))
    array([0., 2.], dtype=float32)
    """

    name = "simdnn"

    def gemm(
        self,
        x: Floats2d,
        y: Floats2d,
        out: Optional[Floats2d] = None,  # noqa: UP045
        trans1: bool = False,
        trans2: bool = False,
    ) -> Floats2d:
        """The product of x and y, either of which may be given transposed."""
        product = _PRODUCTS.get(x.dtype)
        if product is None or x.dtype != y.dtype or x.ndim != 2 or y.ndim != 2:
            return super().gemm(x, y, out=out, trans1=trans1, trans2=trans2)
        if out is None:
            out = np.empty((x.shape[1 if trans1 else 0], y.shape[0 if trans2 else 1]), x.dtype)
        product(x, y, out, trans1, trans2)
        return out

    def sigmoid(self, X: FloatsXdT, *, inplace: bool = False) -> FloatsXdT:
        """`functional.sigmoid`."""
        return F.sigmoid(X, out=X if inplace else None)

    def backprop_sigmoid(self, dY: FloatsXdT, Y: FloatsXdT, *, inplace: bool = False) -> FloatsXdT:
        """The gradient w.r.t. X, by the output Y; in the memory of Y if `inplace`, as thinc has it."""
        _check_shapes(dY, Y)
        slope = np.subtract(1, Y)
        slope *= Y
        return np.multiply(slope, dY, out=Y if inplace else slope)

    def softmax(
        self, x: FloatsT, *, inplace: bool = False, axis: int = -1, temperature: float = 1.0
    ) -> FloatsT:
        """`functional.softmax` along an axis."""
        return F.softmax(x, temperature, axis=axis, out=x if inplace else None)

    def maxout(self, X: Floats3d) -> tuple[Floats2d, Ints2d]:
        """The largest of the pieces on the last axis, and the index of the first one as large."""
        function = _MAXOUTS.get(X.dtype)
        return super().maxout(X) if function is None or X.size == 0 else function(X)

    def relu(self, X: Floats2d, inplace: bool = False) -> Floats2d:
        """`functional.relu`."""
        return F.relu(X, out=X if inplace else None)

    def backprop_relu(self, dY: Floats2d, Y: Floats2d, inplace: bool = False) -> Floats2d:
        """The gradient w.r.t. X, by the output Y."""
        return _backward(F.relu_backward, dY, Y, inplace)

    def clipped_linear(
        self,
        X: FloatsXdT,
        slope: float = 1.0,
        offset: float = 0.0,
        min_val: float = 0.0,
        max_val: float = 1.0,
        inplace: bool = False,
    ) -> FloatsXdT:
        """slope X + offset, clipped; without slope and offset `functional.hard_tanh`."""
        if slope != 1 or offset != 0 or not min_val < max_val:
            return super().clipped_linear(X, slope, offset, min_val, max_val, inplace)
        return F.hard_tanh(X, min_val, max_val, out=X if inplace else None)

    def backprop_clipped_linear(
        self,
        dY: FloatsXdT,
        X: FloatsXdT,
        slope: float = 1.0,
        offset: float = 0.0,
        min_val: float = 0.0,
        max_val: float = 1.0,
        inplace: bool = False,
    ) -> FloatsXdT:
        """The gradient w.r.t. X."""
        if slope != 1 or offset != 0 or not min_val < max_val:
            return super().backprop_clipped_linear(dY, X, slope, offset, min_val, max_val, inplace)
        return _backward(F.hard_tanh_backward, dY, X, inplace, min_val, max_val)

    def swish(self, X: FloatsXdT, inplace: bool = False) -> FloatsXdT:
        """`functional.silu`."""
        return F.silu(X, out=X if inplace else None)

    def backprop_swish(self, dY: FloatsXdT, X: FloatsXdT, Y: FloatsXdT, inplace: bool = False) -> FloatsXdT:
        """The gradient w.r.t. X."""
        _check_shapes(dY, Y)
        return _backward(F.silu_backward, dY, X, inplace)

    def hard_swish_mobilenet(self, X: FloatsXdT, inplace: bool = False) -> FloatsXdT:
        """`functional.hard_swish`."""
        return F.hard_swish(X, out=X if inplace else None)

    def backprop_hard_swish_mobilenet(self, dY: FloatsXdT, X: FloatsXdT, inplace: bool = False) -> FloatsXdT:
        """The gradient w.r.t. X."""
        return _backward(F.hard_swish_backward, dY, X, inplace)

    def gelu(self, X: FloatsXdT, inplace: bool = False) -> FloatsXdT:
        """`functional.gelu`, by the error function."""
        return F.gelu(X, out=X if inplace else None)

    def backprop_gelu(self, dY: FloatsXdT, X: FloatsXdT, inplace: bool = False) -> FloatsXdT:
        """The gradient w.r.t. X."""
        return _backward(F.gelu_backward, dY, X, inplace)

    def gelu_approx(self, X: FloatsXdT, inplace: bool = False) -> FloatsXdT:
        """`functional.gelu` with ``approximate="tanh"``."""
        return F.gelu_tanh(X, out=X if inplace else None)

    def backprop_gelu_approx(self, dY: FloatsXdT, X: FloatsXdT, inplace: bool = False) -> FloatsXdT:
        """The gradient w.r.t. X."""
        return _backward(F.gelu_tanh_backward, dY, X, inplace)

    def mish(self, X: FloatsXdT, threshold: float = 20.0, inplace: bool = False) -> FloatsXdT:
        """`functional.mish`, or X from the threshold on."""
        if threshold < 20:  # from 20 on, mish(x) is x
            return super().mish(X, threshold, inplace)
        return F.mish(X, out=X if inplace else None)

    def backprop_mish(
        self, dY: FloatsXdT, X: Floats2d, threshold: float = 20.0, inplace: bool = False
    ) -> FloatsXdT:
        """The gradient w.r.t. X."""
        if threshold < 20:
            return super().backprop_mish(dY, X, threshold, inplace)
        return _backward(F.mish_backward, dY, X, inplace)

    def adam(
        self,
        weights: Floats1d,
        gradient: Floats1d,
        mom1: Floats1d,
        mom2: Floats1d,
        beta1: float,
        beta2: float,
        eps: float,
        learn_rate: float,
        mod_rate: float = 1.0,
    ) -> tuple[Floats1d, Floats1d, Floats1d, Floats1d]:
        """One step in place, with the bias correction in the learning rate; the gradient becomes 0."""
        _core.adam_step([weights, gradient, mom1, mom2], learn_rate, beta1, beta2, eps)
        return weights, gradient, mom1, mom2


class _Optimizer(Optimizer):  # type: ignore[misc]
    """thinc's optimizer with the update of `SimdnnOps`, where thinc's own asks `NumpyOps`."""

    __slots__ = ()
    _ops = SimdnnOps()

    def _adam(self, ops: Any, *arguments: Any) -> Any:
        return super()._adam(self._ops, *arguments)


@registry.optimizers("simdnn.Adam.v1")  # type: ignore[untyped-decorator]
def Adam(  # noqa: N802
    learn_rate: Any = ADAM_DEFAULTS["learn_rate"],
    *,
    L2: Any = ADAM_DEFAULTS["L2"],
    beta1: Any = ADAM_DEFAULTS["beta1"],
    beta2: Any = ADAM_DEFAULTS["beta2"],
    eps: Any = ADAM_DEFAULTS["eps"],
    L2_is_weight_decay: bool = True,
    grad_clip: Any = ADAM_DEFAULTS["grad_clip"],
    use_averages: bool = True,
) -> Any:
    """thinc's ``Adam`` with our update, a tenth of its time; configurations name it ``simdnn.Adam.v1``.

    Parameters
    ----------
    learn_rate, L2, beta1, beta2, eps, L2_is_weight_decay, grad_clip, use_averages
        Those of `thinc.optimizers.Adam`: numbers, or schedules.

    Returns
    -------
    thinc.optimizers.Optimizer

    Examples
    --------
    >>> import simdnn.thinc
    >>> optimizer = simdnn.thinc.Adam(0.001)
    """
    return _Optimizer(
        learn_rate,
        L2=L2,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        grad_clip=grad_clip,
        L2_is_weight_decay=L2_is_weight_decay,
        use_averages=use_averages,
    )
