"""Statistics of the layers of a network in one forward and one backward pass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ..nn import Sequential
from ._probes import SATURATED_SLOPE, LayerProbe, probes_of

__all__ = ["LayerReport"]

#: A slope below this fraction of the activation's largest slope counts as zero.
DEAD_SLOPE = 1e-6
#: Digits of weights, relative to the largest one of their layer, in which symmetric units agree.
SYMMETRIC_DIGITS = 6
#: Number of rows by which columns are compared first.
FIRST_ROWS = 8


@dataclass(frozen=True)
class LayerReport:
    """Statistics of one layer in a `Report`; NaN where a number does not apply.

    Parameters
    ----------
    name : str
        Index of the layer in the model.
    layer : str
        ``repr`` of the layer.
    parameters : int
        Number of parameters.
    mean, std : float
        Mean and standard deviation of the outputs.
    saturated : float
        Fraction of the outputs at which the slope of a bounded activation is below 5 % of its largest slope.
    dead : float
        Fraction of the units whose activation has slope zero for every sample.
    weight_norm, gradient_norm : float
        L2 norms of all parameters of the layer, and of the gradients w.r.t. them.
    output_gradient_norm : float
        L2 norm of the gradient of the loss w.r.t. the outputs.
    time_ratio : float
        For a layer that reads sequences, the norm of the gradient w.r.t. its first time step over that w.r.t.
        its last time step.
    signal : float
        Root mean square over the units of the standard deviation over the samples: the part of `std` that
        depends on the input.
    symmetric : float
        Fraction of the units that equal another one in their weights and in the gradients w.r.t. them, which
        no update can tell apart.
    update_ratio : float
        L2 norm of the next update of the parameters over that of the parameters, if a trainer is known.

    Examples
    --------
    >>> from simdnn import diagnostics
    >>> diagnostics.LayerReport("0", "Dense(2, 2)", 6, 0.0, 1.0, 0.0, 0.0, 2.0, 3.0, 1.0).gradient_rms
    1.2247448713915892
    """

    name: str
    layer: str
    parameters: int
    mean: float
    std: float
    saturated: float
    dead: float
    weight_norm: float
    gradient_norm: float
    output_gradient_norm: float
    time_ratio: float = math.nan
    signal: float = math.nan
    symmetric: float = math.nan
    update_ratio: float = math.nan

    @property
    def gradient_rms(self) -> float:
        """Root mean square of the gradients w.r.t. the parameters."""
        return self.gradient_norm / math.sqrt(self.parameters) if self.parameters else math.nan


def measure(
    model: Sequential, x: NDArray[Any], y: Any, loss: _core.Loss
) -> tuple[float, NDArray[Any], tuple[LayerReport, ...]]:
    """The mean loss, the outputs, and the statistics of each layer."""
    probes, outputs = list(probes_of(model)), []
    for of_layer in probes:
        for probe in of_layer:
            x = probe.forward(x)
        outputs.append(x)
    value, output_gradient = loss.evaluate(x, y, None, "model(X)", "mean", True)
    gradient = np.asarray(output_gradient)
    layers = []
    for i in reversed(range(len(probes))):
        norm = norm_of(gradient)
        for probe in reversed(probes[i]):
            gradient = probe.backward(gradient)
        layers.append(_layer_report(model, i, probes[i], outputs[i], norm, gradient))
    return float(value), x, tuple(reversed(layers))


def norm_of(*arrays: NDArray[Any]) -> float:
    """sqrt(sum a^2) over all arrays, in float64."""
    return math.sqrt(sum(float(np.square(a, dtype=np.float64).sum()) for a in arrays))


def _layer_report(
    model: Sequential,
    place: int,
    probes: list[LayerProbe],
    output: NDArray[Any],
    output_gradient_norm: float,
    input_gradient: NDArray[Any],
) -> LayerReport:
    """The statistics of one layer after both passes."""
    network = probes[0].network
    gradient_norm = norm_of(network.flat_gradients)
    symmetric = _symmetric(network)
    saturated = dead = math.nan
    if (found := probes[-1].slopes()) is not None:
        slope, largest, bounded = found
        saturated = float(np.mean(slope < SATURATED_SLOPE * largest)) if bounded else math.nan
        dead = float(np.mean(np.all(slope <= DEAD_SLOPE * largest, axis=0)))
    first, last = (
        (norm_of(input_gradient[:, step]) for step in (0, -1)) if network._input.sequence else (0, 0)
    )
    count = network.flat_parameters.size
    return LayerReport(
        name=str(place),
        layer=repr(model.layers[place]),
        parameters=count,
        mean=float(output.mean(dtype=np.float64)),
        std=float(output.std(dtype=np.float64)),
        saturated=saturated,
        dead=dead,
        weight_norm=norm_of(network.flat_parameters) if count else math.nan,
        gradient_norm=gradient_norm if count else math.nan,
        output_gradient_norm=output_gradient_norm,
        time_ratio=first / last if last else math.nan,
        signal=float(np.sqrt(output.var(axis=0, dtype=np.float64).mean())),
        symmetric=symmetric,
    )


def _symmetric(network: Sequential) -> float:
    """Fraction of the columns of the matrices of weights that equal another one, gradients included."""
    values, gradients = network.parameters(), network.gradients()
    if not (np.isfinite(network.flat_parameters).all() and np.isfinite(network.flat_gradients).all()):
        return math.nan
    repeated = columns = 0
    for name, value in values.items():
        if value.ndim == 2 and "weight" in name:
            columns += value.shape[1]
            if _repeated(value[:FIRST_ROWS]):  # most columns differ in their first rows
                repeated += _repeated(value, gradients[name])
    return repeated / columns if columns else math.nan


def _repeated(*matrices: NDArray[Any]) -> int:
    """Number of columns that equal an earlier one in all matrices, up to rounding."""
    rows = []
    for matrix in matrices:
        largest = np.abs(matrix).max(initial=0) or 1.0
        rows.append(np.round(matrix.astype(np.float64) / largest, SYMMETRIC_DIGITS) + 0.0)
    return int(matrices[0].shape[1]) - len({column.tobytes() for column in np.concatenate(rows).T})
