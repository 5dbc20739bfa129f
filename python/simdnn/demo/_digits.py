"""The demonstration program: a network for handwritten digits in simdnn, and the same network in NumPy."""

from __future__ import annotations

import argparse
import inspect
import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import simdnn
from simdnn import _core, nn, optim

from .._utils.extras import need
from . import _numpy_mlp
from ._picture import check_picture, draw_picture

if TYPE_CHECKING:
    from ._numpy_mlp import NumpyMLP

DESCRIPTION = (
    "Train a network on handwritten digits with simdnn and with plain NumPy, and compare their times."
)

#: Extras by the modules that the demonstration needs.
PACKAGES = {"sklearn": "demo", "tqdm": "demo"}
#: Limit of NumPy's training time in seconds: with one sample per step it would take minutes.
NUMPY_SECONDS = 10.0
#: Fraction of the images that are held out for the test.
TEST_FRACTION = 0.2
#: Learning rates that suit the digits; other optimizers use their own default. For batches smaller than
#: the default, the rate of SGD is proportional to the batch size (Goyal et al. 2017, section 2.1).
LEARNING_RATES = {"sgd": 0.05, "adam": 1e-3, "rmsprop": 1e-3, "lion": 3e-4}
#: Defaults of the options.
BATCH_SIZE = 32
MOMENTUM = 0.9


class Digits(NamedTuple):
    """Images [rows, 64] with values in [0, 1] and labels [rows], split into training and test."""

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.int64]


class Run(NamedTuple):
    """The result of a training: totals, mean losses of the first and last epoch, and test accuracy.

    ``accuracy`` is None if the training was stopped early.
    """

    steps: int
    samples: int
    seconds: float
    first_loss: float
    last_loss: float
    accuracy: float | None


def load_digits(seed: int) -> Digits:
    """Load the UCI handwritten digits from scikit-learn: 1797 images of 8x8 pixels, a fifth of them held out.

    Parameters
    ----------
    seed : int
        Seed of the choice of the images that are held out.

    Returns
    -------
    Digits

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn is not installed.
    """
    from sklearn.datasets import load_digits as load

    images, labels = load(return_X_y=True)
    x = (images / 16).astype(np.float32)
    order = np.random.default_rng(seed).permutation(len(x))
    test, train = np.split(order, [round(TEST_FRACTION * len(x))])
    return Digits(x[train], labels[train], x[test], labels[test])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the demonstration; choices come from the registries."""
    activations = [row["name"] for row in _core.activations()]
    add = parser.add_argument
    add(
        "--seed",
        type=_nonnegative,
        default=0,
        metavar="N",
        help="seed of split, initial weights and shuffling (default 0)",
    )
    add("--epochs", type=_positive, default=30, metavar="N", help="passes over the images (default 30)")
    add("--hidden", type=_widths, default=(128, 64), metavar="N,N", help="hidden widths (default 128,64)")
    add("--activation", choices=activations, default="relu", help="of hidden layers (default relu)")
    add("--optimizer", choices=sorted(optim.BY_NAME), default="adam", help="the update rule (default adam)")
    add("--lr", type=float, metavar="X", help="learning rate (default: one that suits the optimizer)")
    add("--momentum", type=float, metavar="X", help=f"for sgd (default {MOMENTUM}) and rmsprop (default 0)")
    add(
        "--batch-size",
        type=_batch_size,
        default=BATCH_SIZE,
        metavar="N|full",
        help=f"samples per step: 1 is one sample, full the whole batch (default {BATCH_SIZE})",
    )
    add(
        "--plot",
        metavar="FILE",
        help="draw training curves, confusion matrix and gradients into a .png, .svg or .pdf file",
    )


def run(options: argparse.Namespace) -> int:
    """Train on the digits with simdnn and with NumPy, and print accuracy and time of both.

    Parameters
    ----------
    options : argparse.Namespace
        Values of the options of `add_arguments`.

    Returns
    -------
    int
        The exit status, 0.

    Raises
    ------
    ValueError
        If a setting of the optimizer is out of its range, or the optimizer has no momentum.
    ImportError
        If scikit-learn or tqdm is not installed, or matplotlib, if a picture is wanted.
    ValueError, OSError
        If the picture that is wanted cannot be drawn: the file has no known format, or cannot be written.
    """
    settings = optimizer_settings(options)
    need("simdnn demo", PACKAGES | ({} if options.plot is None else {"matplotlib": "plot"}))
    if options.plot is not None:
        check_picture(options.plot)
    digits = load_digits(options.seed)
    widths = [digits.x.shape[1], *options.hidden, 10]
    pairs = list(itertools.pairwise(widths))
    hidden = [nn.Dense(inputs, outputs, activation=options.activation) for inputs, outputs in pairs[:-1]]
    model = nn.Sequential(*hidden, nn.Dense(*pairs[-1]), rng=options.seed)
    print(_heading(options, digits, widths, settings))
    peer = numpy_peer(model, options.activation, options.optimizer, settings)
    ours, trainer, history = train_simdnn(model, options, settings, digits)
    print(_row("simdnn", ours))
    if options.plot is not None:
        draw_picture(options.plot, trainer, history, digits)
        print(f"The picture is in {options.plot}.")
    if peer is None:
        print(
            f"NumPy    not compared: {options.activation} with {options.optimizer} is not implemented there"
        )
        return 0
    theirs = train_numpy(peer, options, digits)
    print(_row("NumPy", theirs))
    if theirs.accuracy is None:
        print(f"NumPy was stopped after {theirs.steps} of {ours.steps} steps ({NUMPY_SECONDS:g} s).")
    ratio = theirs.seconds / theirs.steps / (ours.seconds / ours.steps)
    print(f"A step of simdnn is {ratio:.1f} times as fast as the same step in NumPy.")
    return 0


def optimizer_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Hyper-parameters for the chosen optimizer; raises ValueError if one is out of its range."""
    known = inspect.signature(optim.BY_NAME[options.optimizer]).parameters
    settings: dict[str, Any] = {}
    if options.lr is not None:
        settings["lr"] = options.lr
    elif options.optimizer in LEARNING_RATES:
        scaled = options.optimizer == "sgd" and options.batch_size is not None
        scale = min(1.0, options.batch_size / BATCH_SIZE) if scaled else 1.0
        settings["lr"] = LEARNING_RATES[options.optimizer] * scale
    if options.momentum is not None:
        if "momentum" not in known:
            raise ValueError(f"--momentum: {options.optimizer} has none")
        settings["momentum"] = options.momentum
    elif options.optimizer == "sgd":
        settings["momentum"] = MOMENTUM
    make_optimizer(options, settings)  # checks the settings
    return settings


def make_optimizer(options: argparse.Namespace, settings: dict[str, Any]) -> optim.Optimizer:
    """Makes the chosen optimizer."""
    make: type = optim.BY_NAME[options.optimizer]
    optimizer: optim.Optimizer = make(**settings)
    return optimizer


def train_simdnn(
    model: nn.Sequential, options: argparse.Namespace, settings: dict[str, Any], digits: Digits
) -> tuple[Run, simdnn.Trainer, simdnn.History]:
    """Trains ``model`` with a progress bar; for a picture, it evaluates the test images after each epoch."""
    optimizer = make_optimizer(options, settings)
    trainer = simdnn.Trainer(model, loss="cross_entropy", optimizer=optimizer, seed=options.seed)
    history = trainer.fit(
        digits.x,
        digits.y,
        epochs=options.epochs,
        batch_size=options.batch_size,
        validation_data=None if options.plot is None else (digits.x_test, digits.y_test),
        progress=True,
    )
    _, accuracy = trainer.evaluate(digits.x_test, digits.y_test)
    samples = options.epochs * len(digits.x)
    run = Run(history.steps, samples, sum(history.seconds), history.loss[0], history.loss[-1], accuracy)
    return run, trainer, history


def numpy_peer(
    model: nn.Sequential, activation: str, optimizer: str, settings: dict[str, Any]
) -> NumpyMLP | None:
    """A copy of the model with its weights and optimizer in NumPy; None if `NumpyMLP` has no such part."""
    if activation not in _numpy_mlp.ACTIVATIONS or optimizer not in _numpy_mlp.OPTIMIZERS:
        return None
    rule = _numpy_mlp.OPTIMIZERS[optimizer](**settings)
    return _numpy_mlp.NumpyMLP(model.parameters(), activation, rule)


def train_numpy(peer: NumpyMLP, options: argparse.Namespace, digits: Digits) -> Run:
    """Trains ``peer`` with a progress bar, for at most `NUMPY_SECONDS`."""
    from tqdm import tqdm

    fit = peer.fit(
        digits.x,
        digits.y,
        epochs=options.epochs,
        batch_size=options.batch_size,
        rng=np.random.default_rng(options.seed),
        seconds=NUMPY_SECONDS,
    )
    epochs = list(tqdm(fit, total=options.epochs, desc="NumPy", unit="epoch"))
    samples = sum(epoch.samples for epoch in epochs)
    finished = samples == options.epochs * len(digits.x)
    return Run(
        steps=sum(epoch.steps for epoch in epochs),
        samples=samples,
        seconds=sum(epoch.seconds for epoch in epochs),
        first_loss=epochs[0].loss,
        last_loss=epochs[-1].loss,
        accuracy=peer.evaluate(digits.x_test, digits.y_test)[1] if finished else None,
    )


def _heading(options: argparse.Namespace, digits: Digits, widths: list[int], settings: dict[str, Any]) -> str:
    """Three lines about the configuration, the data and the options."""
    config: Any = simdnn.show_config(mode="dicts")
    shape = "-".join(map(str, widths))
    rule = " ".join([options.optimizer, *(f"{name}={value:g}" for name, value in settings.items())])
    steps = -(-len(digits.x) // (options.batch_size or len(digits.x)))
    return (
        f"simdnn {config['version']}, {config['isa']}, threads: {config['threads']}\n"
        f"{len(digits.x)} images of digits to train on, {len(digits.x_test)} to test on\n"
        f"{shape} {options.activation}, {rule}, batch size {options.batch_size or 'full'}, "
        f"epochs {options.epochs}, steps {options.epochs * steps}, seed {options.seed}"
    )


def _row(name: str, run: Run) -> str:
    """One line with the result of a training."""
    accuracy = "    --" if run.accuracy is None else f"{run.accuracy:.4f}"
    return (
        f"{name:8} test accuracy {accuracy}   loss {run.first_loss:.4f} -> {run.last_loss:.4f}   "
        f"{run.seconds / run.steps * 1e6:8.1f} us/step   {run.samples / run.seconds:12,.0f} samples/s   "
        f"{run.seconds:.3g} s"
    )


def _nonnegative(text: str, low: int = 0) -> int:
    """The value of an option that is an integer of at least `low`."""
    if not text.isdecimal() or int(text) < low:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least {low}, got {text!r}")
    return int(text)


def _positive(text: str) -> int:
    """The value of an option that is an integer of at least 1."""
    return _nonnegative(text, 1)


def _widths(text: str) -> tuple[int, ...]:
    """The value of ``--hidden``: widths of layers, separated by commas."""
    return tuple(_positive(part) for part in text.split(","))


def _batch_size(text: str) -> int | None:
    """The value of ``--batch-size``; None is the full batch."""
    return None if text == "full" else _positive(text)
