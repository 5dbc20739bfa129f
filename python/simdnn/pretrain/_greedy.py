"""`greedy_layerwise`: unsupervised pre-training of hidden layers, one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import optim
from .._utils.arrays import as_cpu_array, cast_to
from .._utils.check import check_int, check_name, check_probability
from .._utils.progress import Progress, advance, bar
from ..nn import Activation, AlphaDropout, Dense, Dropout, Layer, Sequential
from ..training import History, Trainer
from ._boltzmann import MAX_GIBBS_STEPS, BernoulliRBM, binary_inputs

Method = Literal["autoencoder", "denoising", "rbm"]
MakeOptimizer = Callable[[], optim.Optimizer]


class Stage(NamedTuple):
    """A Dense layer and the layers up to the next one, with their indices in the model; without dropout."""

    indices: tuple[int, ...]
    layers: tuple[Layer, ...]

    @property
    def dense(self) -> Dense:
        """The Dense layer, which is the first one."""
        assert isinstance(self.layers[0], Dense)
        return self.layers[0]

    def network(
        self, model: Sequential, before: Sequence[Layer] = (), after: Sequence[Layer] = (), rng: Any = 0
    ) -> Sequential:
        """A network of these layers, with copies of the model's parameters, between other new layers."""
        layers = (*before, *self.layers, *after)
        network = Sequential(*layers, dtype=model.dtype, rng=rng, precision=model.precision)
        for copied, original in self._pairs(model, network, len(before)):
            copied[...] = original
        return network

    def copy_back(self, model: Sequential, network: Sequential, before: int) -> None:
        """Copies the parameters that `network` has learned into the model."""
        for copied, original in self._pairs(model, network, before):
            original[...] = copied

    def _pairs(
        self, model: Sequential, network: Sequential, before: int
    ) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """Pairs of each parameter and buffer of these layers: in the network, and in the model."""
        copies, originals = (each.parameters() | each.buffers() for each in (network, model))
        for i, index in enumerate(self.indices):
            for name, value in originals.items():
                if name.split(".")[0] == str(index):
                    yield copies[f"{before + i}.{name.split('.', 1)[1]}"], value


def stages_of(model: Sequential) -> list[Stage]:
    """The stages of a model, one per Dense layer; raises if there is no hidden one to pre-train."""
    if not isinstance(model, Sequential):
        raise TypeError(f"model: expected a Sequential, got {type(model).__name__}")
    stages: list[list[tuple[int, Layer]]] = []
    for i, layer in enumerate(model.layers):
        if isinstance(layer, Dense):
            stages.append([(i, layer)])
        elif isinstance(layer, AlphaDropout | Dropout):
            continue
        elif not stages or layer._takes_sequence():
            raise ValueError(
                f"layers[{i}]: pre-training needs a Dense first and no layer of sequences, got {layer!r}"
            )
        else:
            stages[-1].append((i, layer))
    if model._input.sequence or len(stages) < 2:
        raise ValueError(f"model: expected hidden Dense layers before a last Dense, got {model!r}")
    return [Stage(*zip(*stage, strict=True)) for stage in stages]


def check_rbm(stage: Stage) -> None:
    """Raises unless the stage computes sigmoid(x @ weight + bias), as the hidden units of an RBM do."""
    activations = [stage.dense._activation, *stage.layers[1:]]
    named = [a.function if isinstance(a, Activation) else None for a in activations]
    if [name for name in named if name != "identity"] != ["sigmoid"] or not stage.dense.bias:
        shown = ", ".join(map(repr, stage.layers))
        raise ValueError(
            f"layers[{stage.indices[0]}]: method 'rbm' needs a biased Dense and a sigmoid, got {shown}"
        )


class _Settings(NamedTuple):
    """Settings of the training of every layer."""

    epochs: int
    batch_size: int | None
    optimizer: MakeOptimizer
    corruption: float
    k: int
    loss: str | None


#: Callback of a fit, which advances the progress bar.
Watch = Callable[[Any, dict[str, float]], None]


def train_rbm(
    model: Sequential, stage: Stage, x: NDArray[Any], settings: _Settings, seed: int, watch: Watch
) -> History:
    """Trains a stage as the hidden units of an RBM, starting from its current weights."""
    dense, originals = stage.dense, model.parameters()
    rbm = BernoulliRBM(
        dense.in_features, dense.out_features, settings.k, settings.optimizer(), model.dtype, seed
    )
    parameters, index = rbm.parameters(), stage.indices[0]
    pairs = [
        (parameters["weight"], originals[f"{index}.weight"]),
        (parameters["hidden_bias"], originals[f"{index}.bias"]),
    ]
    for value, original in pairs:
        value[...] = original
    history = rbm.fit(
        x, epochs=settings.epochs, batch_size=settings.batch_size, callbacks=[watch], progress=False
    )
    for value, original in pairs:
        original[...] = value
    return history


def train_autoencoder(
    model: Sequential, stage: Stage, x: NDArray[Any], settings: _Settings, seed: int, watch: Watch
) -> History:
    """Trains a stage as the encoder of an autoencoder, whose linear decoder is discarded."""
    corrupt = Dropout(settings.corruption)
    decoder = Dense(stage.network(model).out_features, x.shape[1])
    network = stage.network(model, [corrupt], [decoder], seed)
    loss = settings.loss
    if loss is None:
        loss = "binary_cross_entropy_with_logits" if x.min() >= 0 and x.max() <= 1 else "mse"
    trainer = Trainer(network, loss, settings.optimizer(), seed=seed)
    history = trainer.fit(
        x,
        x,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        callbacks=[watch],
        progress=False,
        scale=1 - settings.corruption,  # dropout divides the values that it keeps by 1 - p
    )
    stage.copy_back(model, network, 1)
    return history


def greedy_layerwise(
    model: Sequential,
    X: ArrayLike,
    method: Method = "autoencoder",
    *,
    epochs: int = 10,
    batch_size: int | None = 32,
    optimizer: str | MakeOptimizer | None = None,
    lr: float | None = None,
    corruption: float = 0.25,
    k: int = 1,
    loss: str | None = None,
    seed: int | None = None,
    progress: Progress = "auto",
) -> list[History]:
    """Pre-train the hidden layers of a network without labels, one after the other.

    Each hidden Dense layer, with the activations and normalizations after it, learns to represent the outputs
    of the pre-trained layers before it; its parameters in the model are replaced. The last Dense layer is not
    changed. A `Trainer` then fine-tunes the whole network.

    Parameters
    ----------
    model : Sequential
        A network with at least two Dense layers. `Dropout` and `AlphaDropout` are left out of pre-training.
    X : array, shape (n, in_features)
        Training data, n >= 1.
    method : {"autoencoder", "denoising", "rbm"}
        "autoencoder" reconstructs the layer's input from its output by a linear decoder. "denoising" does so
        from an input in which random elements are set to zero. "rbm" trains a `BernoulliRBM`, which requires
        sigmoid layers and X in [0, 1].
    epochs : int
        Number of epochs for each layer, >= 1.
    batch_size : int or None
        Samples per step; None takes all.
    optimizer : str, callable or None
        Name of an optimizer, or a function that makes one for each layer, such as
        ``partial(optim.SGD, momentum=0.9)``. None is Adam, and for RBMs SGD with lr 0.1 and momentum 0.5.
    lr : float or None
        Learning rate; None is that of the optimizer.
    corruption : float
        Probability in [0, 1) with which "denoising" sets an element to zero.
    k : int
        Number of Gibbs sampling steps of "rbm", from 1 to 1000.
    loss : str or None
        Loss of the reconstruction by autoencoders. None is ``"binary_cross_entropy_with_logits"`` if the
        layer's inputs are in [0, 1], and ``"mse"`` otherwise.
    seed : int or None
        The same seed gives the same bits; None draws a seed.
    progress : bool or "auto"
        Show a tqdm bar over the epochs of all layers, as in `Trainer.fit`.

    Returns
    -------
    list of History
        The history of each hidden layer; its ``loss`` is that of the reconstruction (for an RBM the mean
        squared error).

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, shape or value, or a layer, which is named, cannot be pre-trained;
        nothing is changed.
    ImportError
        If ``progress=True`` and tqdm is missing.
    KeyboardInterrupt
        On Ctrl-C; the layers before the current one are trained.

    Examples
    --------
    >>> import numpy as np, simdnn
    >>> from simdnn import nn, pretrain
    >>> x = np.random.default_rng(0).random((200, 8), np.float32)
    >>> model = nn.Sequential(nn.Dense(8, 6, "sigmoid"), nn.Dense(6, 4, "sigmoid"), nn.Dense(4, 2), rng=0)
    >>> histories = pretrain.greedy_layerwise(model, x, "rbm", epochs=5, seed=0)
    >>> [history.epochs for history in histories]
    [5, 5]
    >>> history = simdnn.Trainer(model, seed=0).fit(x, (x[:, 0] > 0.5).astype(int), epochs=5)

    Source: Hinton, Osindero & Teh 2006, "A fast learning algorithm for deep belief nets", Neural Computation
    18 (rbm); Bengio, Lamblin, Popovici & Larochelle 2007, "Greedy layer-wise training of deep networks"
    (autoencoder); Vincent, Larochelle, Bengio & Manzagol 2008, "Extracting and composing robust features
    with denoising autoencoders" (denoising).
    """
    stages = stages_of(model)[:-1]
    check_name("method", method, ("autoencoder", "denoising", "rbm"))
    settings = _Settings(
        check_int("epochs", epochs),
        None if batch_size is None else check_int("batch_size", batch_size),
        optimizer_factory(optimizer, lr, method),
        check_probability("corruption", corruption) if method == "denoising" else 0.0,
        check_int("k", k, 1, MAX_GIBBS_STEPS),
        loss,
    )
    settings.optimizer()
    x = inputs_of(model, X, method)
    if method == "rbm":
        for stage in stages:
            check_rbm(stage)
    base = int.from_bytes(os.urandom(8), "little") if seed is None else check_int("seed", seed, 0, 2**64 - 1)
    seeds = np.random.SeedSequence(base).generate_state(len(stages), np.uint64).tolist()
    train = train_rbm if method == "rbm" else train_autoencoder
    histories = []
    with bar(progress, settings.epochs * len(stages), "pre-training") as shown:
        for i, stage in enumerate(stages):
            layer = f"{i + 1}/{len(stages)}"
            watch = lambda _, logs, layer=layer: advance(shown, logs, layer=layer)  # noqa: E731
            histories.append(train(model, stage, x, settings, seeds[i], watch))
            x = stage.network(model)(x)
    return histories


def optimizer_factory(optimizer: Any, lr: float | None, method: str) -> MakeOptimizer:
    """A function that makes a new optimizer for each layer."""
    if isinstance(optimizer, optim.Optimizer):
        raise TypeError("optimizer: each layer needs its own: expected a name or a function that makes one")

    def make() -> optim.Optimizer:
        if callable(optimizer):
            made = optim.unbound(optimizer())
        elif optimizer is None and method == "rbm":
            made = optim.SGD(lr=0.1, momentum=0.5)
        else:
            made = optim.unbound(optimizer)
        if lr is not None:
            made.lr = lr
        return made

    return make


def inputs_of(model: Sequential, X: ArrayLike, method: str) -> NDArray[Any]:
    """X as a contiguous array of the model's dtype; raises for a wrong dtype, shape or range."""
    if method == "rbm":
        return binary_inputs(X, model.in_features, model.dtype)
    x = as_cpu_array("X", X)
    if x.dtype.kind not in "biuf":
        raise TypeError(f"X: expected real numbers, got dtype {x.dtype}")
    if x.ndim != 2 or x.shape[1] != model.in_features or len(x) == 0:
        raise ValueError(f"X: expected shape (n, {model.in_features}) with n >= 1, got {x.shape}")
    return cast_to(model.dtype, "X", x)
