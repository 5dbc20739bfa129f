"""The data sets of the playground: points of the plane in a few classes, and handwritten digits."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._utils.check import check_finite, check_int, check_name

#: Points to train on, and as many to test on.
POINTS = 256
#: Fraction of the rare class in "rare", and of the digits that are held out.
RARE, HELD_OUT = 0.06, 0.2

Points = tuple[NDArray[np.float64], NDArray[np.int64]]


class Samples(NamedTuple):
    """Inputs [rows, features] and classes [rows] to train on and to test on."""

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.int64]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.y.max()) + 1

    @property
    def planar(self) -> bool:
        """True for points of the plane."""
        return bool(self.x.shape[1] == 2)


def samples(name: str, noise: float = 0.1, seed: int = 0) -> Samples:
    """Samples of a data set, split into training and test.

    Parameters
    ----------
    name : str
        "circles", "spirals", "xor", "moons", "blobs" or "rare", points of the plane with mean 0 and standard
        deviation 1, or "digits", images of 64 pixels in [0, 1].
    noise : float
        Spread of the points around their shape, from 0 to 1; the digits have none.
    seed : int
        Seed of the points, and of the choice of the digits to test on.

    Returns
    -------
    Samples
        The named tuple (x, y, x_test, y_test).

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or value.
    ImportError
        If the digits are wanted without scikit-learn, which the extra ``[demo]`` installs.

    Examples
    --------
    >>> from simdnn import playground
    >>> x, y, x_test, y_test = playground.samples("moons", noise=0.1, seed=0)
    >>> x.shape, y.max(), x_test.shape
    ((256, 2), 1, (256, 2))
    """
    check_name("data", name, NAMES)
    noise, seed = check_finite("noise", noise, 0, 1), check_int("seed", seed, 0)
    random = np.random.default_rng(seed)
    if name == "digits":
        images, labels = _digits()
        test, train = np.split(random.permutation(len(images)), [round(HELD_OUT * len(images))])
        return Samples(images[train], labels[train], images[test], labels[test])
    points, y = SHAPES[name](2 * POINTS, noise, random)
    x = ((points - points.mean(axis=0)) / points.std(axis=0)).astype(np.float32)
    by_class = np.argsort(y, kind="stable")  # both halves have as many points of each class
    test, train = by_class[::2], by_class[1::2]
    return Samples(x[train], y[train], x[test], y[test])


def _circles(n: int, noise: float, random: np.random.Generator) -> Points:
    """A disk and a ring around it."""
    y = np.arange(n) % 2
    radius = np.where(y == 0, 0.5 * np.sqrt(random.random(n)), 0.8 + 0.2 * random.random(n))
    return _polar(radius, 2 * np.pi * random.random(n)) + 0.3 * noise * random.standard_normal((n, 2)), y


def _spirals(n: int, noise: float, random: np.random.Generator) -> Points:
    """Two arms of a turn and a half each."""
    y, t = np.arange(n) % 2, np.sqrt(random.random(n))
    return _polar(t, 3 * np.pi * t + np.pi * y) + 0.2 * noise * random.standard_normal((n, 2)), y


def _xor(n: int, noise: float, random: np.random.Generator) -> Points:
    """Four squares, opposite ones alike."""
    corner = random.integers(0, 2, (n, 2))
    x = (2 * corner - 1) * (0.1 + 0.9 * random.random((n, 2)))
    return x + 0.5 * noise * random.standard_normal((n, 2)), corner[:, 0] ^ corner[:, 1]


def _moons(n: int, noise: float, random: np.random.Generator) -> Points:
    """Two half circles that reach into each other."""
    y, angle = np.arange(n) % 2, np.pi * random.random(n)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x[y == 1] = np.array([1.0, 0.4]) - x[y == 1]
    return x + noise * random.standard_normal((n, 2)), y


def _blobs(n: int, noise: float, random: np.random.Generator) -> Points:
    """Three clouds."""
    y = np.arange(n) % 3
    return _polar(np.ones(n), 2 * np.pi * y / 3 + 0.5) + (0.1 + noise) * random.standard_normal((n, 2)), y


def _rare(n: int, noise: float, random: np.random.Generator) -> Points:
    """A wide cloud, and within it a narrow one of few points."""
    y = (np.arange(n) < RARE * n).astype(np.int64)
    x = random.standard_normal((n, 2))
    x[y == 1] = np.array([0.5, 0.3]) + (0.2 + noise) * x[y == 1]
    return x, y


def _polar(radius: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points [n, 2] of the plane."""
    x: NDArray[np.float64] = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return x


@cache
def _digits() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The UCI handwritten digits of scikit-learn."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ImportError("data: the digits need scikit-learn: pip install 'simdnn[demo]'") from None
    images, labels = load_digits(return_X_y=True)
    return (images / 16).astype(np.float32), labels.astype(np.int64)


#: Functions of (number of points, noise, generator) that draw the points of the plane.
SHAPES: dict[str, Callable[[int, float, np.random.Generator], Points]] = {
    "circles": _circles,
    "spirals": _spirals,
    "xor": _xor,
    "moons": _moons,
    "blobs": _blobs,
    "rare": _rare,
}
#: Names of the data sets.
NAMES = (*SHAPES, "digits")
