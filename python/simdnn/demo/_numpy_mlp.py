"""A multi-layer perceptron in NumPy, against which `simdnn` is timed, and in float64 a reference for it.

It is as fast as NumPy allows without manual blocking: parameters, gradients and optimizer state are flat
arrays, every operation writes to an ``out=`` array, and all arrays are kept between steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class NumpyActivation(NamedTuple):
    """An activation in NumPy, whose functions write to ``out``.

    Attributes
    ----------
    forward : callable
        ``forward(x, out)`` writes f(x).
    backward : callable
        ``backward(dy, x, y, out)`` writes dy * f'(x), given y = f(x). ``out`` must not overlap the other
        arrays.
    reads_output : bool, default False
        True if ``backward`` reads ``y``; if False, ``y`` may hold any values.
    """

    forward: Callable[[Array, Array], Any]
    backward: Callable[[Array, Array, Array, Array], Any]
    reads_output: bool = False


# Forward and backward functions of activations: see `NumpyActivation`.


def _sigmoid(x: Array, out: Array) -> None:
    np.negative(x, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    np.reciprocal(out, out=out)


def _sigmoid_backward(dy: Array, x: Array, y: Array, out: Array) -> None:
    np.subtract(1, y, out=out)
    np.multiply(out, y, out=out)
    np.multiply(out, dy, out=out)


def _tanh_backward(dy: Array, x: Array, y: Array, out: Array) -> None:
    np.multiply(y, y, out=out)
    np.subtract(1, out, out=out)
    np.multiply(out, dy, out=out)


def _leaky_relu(x: Array, out: Array) -> None:
    np.multiply(x, 0.01, out=out)
    np.maximum(x, out, out=out)


def _leaky_relu_backward(dy: Array, x: Array, y: Array, out: Array) -> None:
    np.multiply(x > 0, 1 - 0.01, out=out, dtype=out.dtype)
    np.add(out, 0.01, out=out)
    np.multiply(out, dy, out=out)


def _elu(x: Array, out: Array) -> None:
    np.minimum(x, 0, out=out)
    np.expm1(out, out=out)
    np.maximum(x, out, out=out)  # e^x - 1 >= x, so that the maximum is e^x - 1 for negative x


def _elu_backward(dy: Array, x: Array, y: Array, out: Array) -> None:
    np.minimum(x, 0, out=out)
    np.exp(out, out=out)
    np.multiply(out, dy, out=out)


def _silu(x: Array, out: Array) -> None:
    np.negative(x, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    np.divide(x, out, out=out)


def _silu_backward(dy: Array, x: Array, y: Array, out: Array) -> None:
    _sigmoid(x, out)
    rest = np.subtract(1, out)
    np.multiply(rest, x, out=rest)
    np.add(rest, 1, out=rest)
    np.multiply(rest, out, out=out)  # s (1 + x (1 - s))
    np.multiply(out, dy, out=out)


#: Activations with their default parameters, by their names in simdnn's registry.
ACTIVATIONS: dict[str, NumpyActivation] = {
    "identity": NumpyActivation(
        lambda x, out: np.copyto(out, x),
        lambda dy, x, y, out: np.copyto(out, dy),
    ),
    "relu": NumpyActivation(
        lambda x, out: np.maximum(x, 0, out=out),
        lambda dy, x, y, out: np.multiply(dy, x > 0, out=out),
    ),
    "leaky_relu": NumpyActivation(_leaky_relu, _leaky_relu_backward),
    "sigmoid": NumpyActivation(_sigmoid, _sigmoid_backward, reads_output=True),
    "tanh": NumpyActivation(lambda x, out: np.tanh(x, out=out), _tanh_backward, reads_output=True),
    "elu": NumpyActivation(_elu, _elu_backward),
    "silu": NumpyActivation(_silu, _silu_backward),
    "swish": NumpyActivation(_silu, _silu_backward),
}


def softmax(x: Array) -> Array:
    """Softmax of each row of ``x`` [rows, classes]."""
    result = x - np.maximum.reduce(x, axis=1, keepdims=True)
    np.exp(result, out=result)
    result /= np.add.reduce(result, axis=1, keepdims=True)
    return result


def cross_entropy(logits: Array, target: NDArray[np.integer[Any]]) -> tuple[float, Array]:
    """Mean softmax cross-entropy and its gradient w.r.t. the logits.

    Parameters
    ----------
    logits : ndarray, shape (rows, classes)
    target : ndarray of integers, shape (rows,)
        Class indices.

    Returns
    -------
    loss : float
    gradient : ndarray, shape (rows, classes)

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn.demo._numpy_mlp import cross_entropy
    >>> loss, gradient = cross_entropy(np.zeros((1, 2)), np.array([0]))
    >>> round(loss, 4), gradient
    (0.6931, array([[-0.5,  0.5]]))
    """
    rows = np.arange(len(target))
    result = logits - np.maximum.reduce(logits, axis=1, keepdims=True)
    chosen = result[rows, target]
    np.exp(result, out=result)
    sums = np.add.reduce(result, axis=1, keepdims=True)
    loss = float(np.mean(np.log(sums[:, 0]) - chosen))
    result /= sums * len(target)
    result[rows, target] -= 1 / len(target)
    return loss, result


class NumpySGD:
    """Stochastic gradient descent with heavy-ball momentum (Polyak 1964) on flat arrays."""

    def __init__(self, lr: float = 1e-3, momentum: float = 0.0) -> None:
        self.lr = lr
        self.momentum = momentum
        self._buffers: tuple[Array, Array] | None = None

    def step(self, parameters: Array, gradients: Array) -> None:
        """Update ``parameters`` in place."""
        if self._buffers is None:
            self._buffers = np.zeros_like(parameters), np.empty_like(parameters)
        velocity, scratch = self._buffers
        if self.momentum:
            velocity *= self.momentum
            velocity += gradients
            gradients = velocity
        np.multiply(gradients, self.lr, out=scratch)
        parameters -= scratch


class NumpyAdam:
    """Adam (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1) on flat arrays."""

    def __init__(
        self, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
    ) -> None:
        self.lr = lr
        self.betas = betas
        self.eps = eps
        self._steps = 0
        self._moments: tuple[Array, Array, Array] | None = None

    def step(self, parameters: Array, gradients: Array) -> None:
        """Update ``parameters`` in place."""
        if self._moments is None:
            self._moments = np.zeros_like(parameters), np.zeros_like(parameters), np.empty_like(parameters)
        first, second, scratch = self._moments
        beta1, beta2 = self.betas
        self._steps += 1
        correction = (1 - beta2**self._steps) ** 0.5
        step_size = self.lr * correction / (1 - beta1**self._steps)
        np.multiply(gradients, 1 - beta1, out=scratch)
        first *= beta1
        first += scratch
        np.multiply(gradients, gradients, out=scratch)
        scratch *= 1 - beta2
        second *= beta2
        second += scratch
        np.sqrt(second, out=scratch)
        scratch += self.eps * correction
        np.divide(first, scratch, out=scratch)
        scratch *= step_size
        parameters -= scratch


#: Optimizers by their names in `simdnn.optim.BY_NAME`.
OPTIMIZERS: dict[str, type[NumpySGD] | type[NumpyAdam]] = {"sgd": NumpySGD, "adam": NumpyAdam}


class Epoch(NamedTuple):
    """Totals of an epoch of `NumpyMLP.fit`; ``loss`` is the mean over its samples, each before its update."""

    steps: int
    samples: int
    loss: float
    seconds: float


class _Layer(NamedTuple):
    """Views of the parameters and gradients of a dense layer."""

    weight: Array  # [in, out]
    bias: Array  # [out]
    weight_gradient: Array
    bias_gradient: Array


class _Buffers(NamedTuple):
    """Arrays that a step over a given number of rows writes; each list has an array [rows, out] per layer."""

    pre_activation: list[Array]
    output: list[Array]
    output_gradient: list[Array]  # w.r.t. the output of the activation
    pre_activation_gradient: list[Array]  # w.r.t. the input of the activation


class NumpyMLP:
    """A multi-layer perceptron for classification, trained with NumPy.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        Initial parameters ``"0.weight"`` [in, out], ``"0.bias"`` [out], ``"1.weight"``, ... in this order;
        they are copied.
    activation : str, default "relu"
        A key of `ACTIVATIONS`, the activation after every layer except the last.
    optimizer : NumpySGD or NumpyAdam, optional
        `NumpyAdam` with its defaults if None.
    dtype : dtype, default float32
        float32, or float64 for a reference.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn
    >>> from simdnn.demo._numpy_mlp import NumpyMLP
    >>> model = nn.Sequential(nn.Dense(2, 3, activation="tanh"), nn.Dense(3, 2), rng=0)
    >>> peer = NumpyMLP(model.parameters(), "tanh")
    >>> x = np.ones((4, 2), np.float32)
    >>> bool(np.allclose(peer.forward(x), model(x), rtol=1e-5))
    True
    """

    def __init__(
        self,
        parameters: Mapping[str, Array],
        activation: str = "relu",
        optimizer: NumpySGD | NumpyAdam | None = None,
        dtype: type[np.floating[Any]] = np.float32,
    ) -> None:
        self.activation = ACTIVATIONS[activation]
        self.optimizer = NumpyAdam() if optimizer is None else optimizer
        self.flat_parameters = np.concatenate(list(map(np.ravel, parameters.values()))).astype(dtype)
        self.flat_gradients = np.zeros_like(self.flat_parameters)
        shapes = {name: value.shape for name, value in parameters.items()}
        self.parameters = _views(self.flat_parameters, shapes)
        self.gradients = _views(self.flat_gradients, shapes)
        values, gradients = list(self.parameters.values()), list(self.gradients.values())
        self._layers = [_Layer(*values[i : i + 2], *gradients[i : i + 2]) for i in range(0, len(values), 2)]
        self._buffers: dict[int, _Buffers] = {}

    def forward(self, x: Array) -> Array:
        """Logits of ``x`` [rows, features], in an array that the next call with as many rows overwrites."""
        buffers = self._buffers_for(len(x))
        for layer, z, y in zip(self._layers, buffers.pre_activation, buffers.output, strict=True):
            np.matmul(x, layer.weight, out=z)
            np.add(z, layer.bias, out=z)
            if y is not z:
                self.activation.forward(z, y)
            x = y
        return x

    def loss_and_gradients(self, x: Array, y: NDArray[np.integer[Any]]) -> float:
        """Mean cross-entropy of a mini-batch, whose gradients are written to ``gradients``."""
        loss, dz = cross_entropy(self.forward(x), y)
        buffers = self._buffers_for(len(x))
        for index in reversed(range(len(self._layers))):
            layer = self._layers[index]
            inputs = buffers.output[index - 1] if index else x
            np.matmul(inputs.T, dz, out=layer.weight_gradient)
            np.add.reduce(dz, axis=0, out=layer.bias_gradient)
            if index:
                dy, z = buffers.output_gradient[index - 1], buffers.pre_activation[index - 1]
                np.matmul(dz, layer.weight.T, out=dy)
                dz = buffers.pre_activation_gradient[index - 1]
                self.activation.backward(dy, z, inputs, dz)
        return loss

    def step(self, x: Array, y: NDArray[np.integer[Any]]) -> float:
        """Makes an optimizer step on a mini-batch, and returns the loss before the step."""
        loss = self.loss_and_gradients(x, y)
        self.optimizer.step(self.flat_parameters, self.flat_gradients)
        return loss

    def fit(
        self,
        x: Array,
        y: NDArray[np.integer[Any]],
        *,
        epochs: int,
        batch_size: int | None = 32,
        rng: np.random.Generator,
        seconds: float = np.inf,
    ) -> Iterator[Epoch]:
        """Train, shuffling the samples in each epoch, and yield an `Epoch` after each.

        Parameters
        ----------
        x : ndarray, shape (rows, features)
        y : ndarray of integers, shape (rows,)
            Class indices.
        epochs : int
        batch_size : int or None, default 32
            None is the full batch.
        rng : numpy.random.Generator
            Shuffles the samples.
        seconds : float, default infinity
            Limit of the training time in seconds, after which the training stops, even within an epoch.
        """
        rows = len(x)
        batch_size = batch_size or rows
        spent = 0.0
        for _ in range(epochs):
            start = time.perf_counter()
            order = rng.permutation(rows)
            steps, samples, total = 0, 0, 0.0
            for begin in range(0, rows, batch_size):
                chosen = order[begin : begin + batch_size]
                total += self.step(x[chosen], y[chosen]) * len(chosen)
                steps += 1
                samples += len(chosen)
                if spent + time.perf_counter() - start > seconds:
                    break
            elapsed = time.perf_counter() - start
            spent += elapsed
            yield Epoch(steps, samples, total / samples, elapsed)
            if spent > seconds:
                return

    def evaluate(self, x: Array, y: NDArray[np.integer[Any]]) -> tuple[float, float]:
        """Mean cross-entropy and accuracy of a data set."""
        logits = self.forward(x)
        return cross_entropy(logits, y)[0], float(np.mean(np.argmax(logits, axis=1) == y))

    def _buffers_for(self, rows: int) -> _Buffers:
        """The arrays for mini-batches of `rows` rows, allocated on first use."""
        if rows not in self._buffers:
            z, y, dy, dz = (
                [np.empty((rows, len(layer.bias)), self.flat_parameters.dtype) for layer in self._layers]
                for _ in range(4)
            )
            y[-1] = z[-1]  # no activation after the last layer
            self._buffers[rows] = _Buffers(z, y, dy, dz)
        return self._buffers[rows]


def _views(flat: Array, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """Consecutive views of ``flat`` with the given shapes."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
    parts = np.split(flat, ends[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
