"""Training steps of each peer: functions of a batch that return the loss before the update."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

#: Arrays "0.weight" [in, out], "0.bias" [out], ...
Parameters = Mapping[str, Any]
Step = Callable[[Any, Any], Any]


def torch_model(torch: Any, parameters: Parameters, activation: str = "relu") -> Any:
    """The network in PyTorch's modules."""
    hidden = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[activation]
    layers = []
    for weight, bias in _pairs(parameters):
        layer = torch.nn.Linear(*weight.shape, dtype=torch.from_numpy(weight).dtype)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weight.T.copy()))
            layer.bias.copy_(torch.from_numpy(bias))
        layers += [layer, hidden()]
    return torch.nn.Sequential(*layers[:-1])


def torch_step(torch: Any, parameters: Parameters, learning_rate: float, activation: str = "relu") -> Step:
    """A step of PyTorch in eager mode, with its fused Adam."""
    model = torch_model(torch, parameters, activation)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    cross_entropy = torch.nn.functional.cross_entropy

    def step(x: Any, y: Any) -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def jax_step(
    jax: Any,
    parameters: Parameters,
    learning_rate: float,
    activation: str = "relu",
    factors: str | None = None,
) -> Step:
    """A step of JAX, compiled as a whole, with donated state that is updated in place."""
    compiled = jax.jit(jax_update(jax, learning_rate, activation, factors), donate_argnums=0)
    state = jax_state(jax, parameters)

    def step(x: Any, y: Any) -> Any:
        nonlocal state
        state, loss = compiled(state, (x, y))
        return loss.block_until_ready()

    return step


def jax_predictor(jax: Any, parameters: Parameters, factors: str | None = None) -> Callable[[Any], Any]:
    """The compiled forward pass."""
    weights = jax_state(jax, parameters)[0]
    logits = jax.jit(functools.partial(jax_logits, jax, "relu", factors))
    return lambda x: logits(weights, x).block_until_ready()


def jax_scan(
    jax: Any,
    parameters: Parameters,
    learning_rate: float,
    batches: list[tuple[Any, Any]],
    activation: str = "relu",
) -> Callable[[], Any]:
    """An epoch of JAX, compiled as one scan over the batches; it returns their losses."""
    update = jax_update(jax, learning_rate, activation)
    compiled = jax.jit(lambda state, stacked: jax.lax.scan(update, state, stacked), donate_argnums=0)
    stacked = tuple(jax.numpy.stack(part) for part in zip(*batches, strict=True))
    state = jax_state(jax, parameters)

    def run() -> Any:
        nonlocal state
        state, losses = compiled(state, stacked)
        return losses.block_until_ready()

    return run


def sklearn_classifier(
    parameters: Parameters, learning_rate: float, batch: tuple[Any, Any], activation: str = "relu"
) -> Any:
    """scikit-learn's classifier with these weights; ``partial_fit(x, y)`` is one epoch without shuffling."""
    from sklearn.neural_network import MLPClassifier

    pairs = _pairs(parameters)
    model = MLPClassifier(
        hidden_layer_sizes=tuple(len(bias) for _, bias in pairs[:-1]),
        activation=activation,
        solver="adam",
        alpha=0.0,
        batch_size=len(batch[0]),
        learning_rate_init=learning_rate,
        shuffle=False,
    )
    model.partial_fit(*batch, classes=np.arange(len(pairs[-1][1])))  # creates the arrays
    for index, (weight, bias) in enumerate(pairs):
        one_output = model.coefs_[index].shape != weight.shape  # scikit-learn has one logit for two classes
        model.coefs_[index][...] = weight[:, 1:] - weight[:, :1] if one_output else weight
        model.intercepts_[index][...] = bias[1:] - bias[:1] if one_output else bias
    del model._optimizer  # the next call makes a new one
    return model


def _pairs(parameters: Parameters) -> list[tuple[Any, Any]]:
    """(weight, bias) of each layer."""
    values = list(parameters.values())
    return list(zip(values[::2], values[1::2], strict=True))


def jax_state(jax: Any, parameters: Parameters) -> Any:
    """(weights, first moments, second moments, number of steps)."""
    weights = [tuple(map(jax.numpy.array, pair)) for pair in _pairs(parameters)]
    zeros = jax.tree.map(jax.numpy.zeros_like, weights)
    return weights, zeros, jax.tree.map(jax.numpy.zeros_like, weights), jax.numpy.zeros((), "float32")


def jax_logits(jax: Any, activation: str, factors: str | None, weights: Any, x: Any) -> Any:
    """The network's output; products round their factors to the dtype `factors` and sum in float32."""

    def product(x: Any, weight: Any) -> Any:
        if factors is None:
            return x @ weight
        return jax.numpy.matmul(x.astype(factors), weight.astype(factors), preferred_element_type="float32")

    hidden = getattr(jax.nn, activation)
    for weight, bias in weights[:-1]:
        x = hidden(product(x, weight) + bias)
    weight, bias = weights[-1]
    return product(x, weight) + bias


def jax_update(
    jax: Any, learning_rate: float, activation: str, factors: str | None = None
) -> Callable[[Any, Any], Any]:
    """A step of Adam as a function from (state, batch) to (state, loss)."""
    numpy, tree_map = jax.numpy, jax.tree.map

    def mean_loss(weights: Any, x: Any, y: Any) -> Any:
        log_p = jax.nn.log_softmax(jax_logits(jax, activation, factors, weights, x))
        return -(log_p * jax.nn.one_hot(y, log_p.shape[1])).sum(axis=1).mean()

    def update(state: Any, batch: Any) -> Any:
        weights, first, second, steps = state
        loss, gradients = jax.value_and_grad(mean_loss)(weights, *batch)
        steps = steps + 1
        correction = numpy.sqrt(1 - 0.999**steps)
        step_size = learning_rate * correction / (1 - 0.9**steps)
        first = tree_map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
        second = tree_map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
        weights = tree_map(
            lambda w, m, v: w - step_size * m / (numpy.sqrt(v) + 1e-8 * correction), weights, first, second
        )
        return (weights, first, second, steps), loss

    return update
