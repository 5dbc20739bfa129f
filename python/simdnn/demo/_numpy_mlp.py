"""A multilayer perceptron in plain NumPy: the peer of the demonstration, and a float64 reference.

Written as fast as NumPy allows without blocking by hand: flat parameter, gradient and state buffers,
``out=`` everywhere, buffers kept between steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class NumpyActivation(NamedTuple):
    """An activation as NumPy calls that write into ``out``.

    Attributes
    ----------
    forward : callable
        ``forward(x, out)`` writes f(x).
    backward : callable
        ``backward(dy, x, y, out)`` writes dy * f'(x), given y = f(x). ``out`` must not overlap the others.
    reads_output : bool
        Whether ``backward`` looks at ``y``; otherwise it may hold anything.
    """

    forward: Callable[[Array, Array], Any]
    backward: Callable[[Array, Array, Array, Array], Any]
    reads_output: bool = False


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
    np.maximum(x, out, out=out)  # e^x - 1 >= x everywhere, so below zero this keeps e^x - 1


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


#: Activations at their default parameters, by the name the registry gives them.
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
    """Softmax of each row of ``x`` (rows, classes)."""
    result = x - np.maximum.reduce(x, axis=1, keepdims=True)
    np.exp(result, out=result)
    result /= np.add.reduce(result, axis=1, keepdims=True)
    return result


def cross_entropy(logits: Array, target: NDArray[np.integer[Any]]) -> tuple[float, Array]:
    """Mean cross-entropy and its gradient.

    Parameters
    ----------
    logits : ndarray, shape (rows, classes)
    target : ndarray, shape (rows,)
        Labels.

    Returns
    -------
    loss : float
    gradient : ndarray, shape (rows, classes)
        Of the mean with respect to ``logits``.

    Examples
    --------
    >>> import numpy as np
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
    """Stochastic gradient descent with heavy-ball momentum over one flat buffer."""

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
    """Adam (Kingma and Ba, 2015, algorithm 1) over one flat buffer."""

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


#: Optimizers by the lower-case name of simdnn's class.
OPTIMIZERS: dict[str, type[NumpySGD] | type[NumpyAdam]] = {"sgd": NumpySGD, "adam": NumpyAdam}


class Epoch(NamedTuple):
    """The result of one pass of `NumpyMLP.fit`: ``loss`` is the mean over ``samples`` while training."""

    steps: int
    samples: int
    loss: float
    seconds: float


class _Layer(NamedTuple):
    weight: Array  # (in, out)
    bias: Array  # (out,)
    weight_gradient: Array
    bias_gradient: Array


class _Buffers(NamedTuple):
    """Workspace of a step over a given number of rows; each list has an entry per layer, (rows, out)."""

    before: list[Array]
    after: list[Array]
    above: list[Array]  # the gradient with respect to the activation's output
    below: list[Array]  # the gradient with respect to its input


class NumpyMLP:
    """A multi-layer perceptron for classification, trained with NumPy.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        Initial ``"0.weight"`` (in, out), ``"0.bias"`` (out,), ``"1.weight"``, ... in order; copied.
    activation : str
        The activation after every layer but the last: a key of `ACTIVATIONS`.
    optimizer : NumpySGD or NumpyAdam, optional
        Adam with its defaults when left out.
    dtype : dtype
        float32, or float64 for a reference.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn
    >>> from simdnn._numpy_peer import NumpyMLP
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
        """Logits of ``x`` (rows, features) as a buffer that the next call of as many rows overwrites."""
        buffers = self._buffers_for(len(x))
        for layer, before, after in zip(self._layers, buffers.before, buffers.after, strict=True):
            np.matmul(x, layer.weight, out=before)
            np.add(before, layer.bias, out=before)
            if after is not before:
                self.activation.forward(before, after)
            x = after
        return x

    def loss_and_gradients(self, x: Array, y: NDArray[np.integer[Any]]) -> float:
        """Mean cross-entropy of one batch; its gradients are left in ``gradients``."""
        loss, below = cross_entropy(self.forward(x), y)
        buffers = self._buffers_for(len(x))
        for index in reversed(range(len(self._layers))):
            layer = self._layers[index]
            inputs = buffers.after[index - 1] if index else x
            np.matmul(inputs.T, below, out=layer.weight_gradient)
            np.add.reduce(below, axis=0, out=layer.bias_gradient)
            if index:
                above, before = buffers.above[index - 1], buffers.before[index - 1]
                np.matmul(below, layer.weight.T, out=above)
                below = buffers.below[index - 1]
                self.activation.backward(above, before, inputs, below)
        return loss

    def step(self, x: Array, y: NDArray[np.integer[Any]]) -> float:
        """One step of the optimizer on one batch; the loss before it."""
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
        """Train, shuffling each epoch, and yield what it took after each.

        Parameters
        ----------
        x : ndarray, shape (rows, features)
        y : ndarray, shape (rows,)
            Labels.
        epochs : int
        batch_size : int or None
            None is the full batch.
        rng : numpy.random.Generator
            Draws the order of the samples.
        seconds : float
            Stop, in the middle of an epoch if need be, once this much time has gone into training.
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
        """Mean cross-entropy and accuracy."""
        logits = self.forward(x)
        return cross_entropy(logits, y)[0], float(np.mean(np.argmax(logits, axis=1) == y))

    def _buffers_for(self, rows: int) -> _Buffers:
        if rows not in self._buffers:
            before, after, above, below = (
                [np.empty((rows, len(layer.bias)), self.flat_parameters.dtype) for layer in self._layers]
                for _ in range(4)
            )
            after[-1] = before[-1]  # no activation after the last layer
            self._buffers[rows] = _Buffers(before, after, above, below)
        return self._buffers[rows]


def _views(flat: Array, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """Views of ``flat`` with the given shapes, one after another."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
    parts = np.split(flat, ends[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
