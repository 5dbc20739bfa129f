"""Softmax losses with a margin: the mean loss, and its gradients w.r.t. features and weight."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from simdnn import functional as F
from simdnn.demo import _numpy_mlp

from bench import peers
from bench.harness import OURS, Case, Contestant

Array = NDArray[Any]
Answer = tuple[Any, Any, Any]

#: Shapes (rows, features, classes).
SHAPES = ((64, 64, 10), (128, 128, 1000))
#: Margin of each timed variant, and the scale of its paper.
VARIANTS = {"l_softmax": (4, None), "arcface": (0.5, 64.0)}
NOTE = "PyTorch: the paper's formula by arccos, backward by autograd"


def cases() -> Iterator[Case]:
    """A row per variant and shape."""
    for variant in VARIANTS:
        for shape in SHAPES:
            build = functools.partial(contestants, variant, shape)
            yield Case("margin", "{} {}x{}x{}".format(variant, *shape), build, note=NOTE)


def contestants(variant: str, shape: tuple[int, int, int]) -> list[Contestant]:
    """simdnn, NumPy in float32 and PyTorch."""
    rows, features, classes = shape
    rng = np.random.default_rng(rows)
    x = rng.normal(size=(rows, features)).astype(np.float32)
    w = rng.normal(size=(features, classes)).astype(np.float32) / np.float32(features**0.5)
    y = np.arange(rows) * 7 % classes
    margin = VARIANTS[variant][0]
    expected = _numpy(variant, x.astype(np.float64), w.astype(np.float64), y)

    def ours() -> Answer:
        settings: dict[str, Any] = {"margin": margin, "variant": variant}
        loss, (dx, dw) = F.large_margin_softmax(x, w, y, **settings, return_grad=True)
        return loss, dx, dw

    found = [
        _checked(OURS, ours, expected),
        _checked("NumPy", functools.partial(_numpy, variant, x, w, y), expected),
    ]
    if torch := peers.torch():
        found.append(_checked("PyTorch", _torch(torch, variant, x, w, y), expected))
    return found


def _checked(name: str, run: Callable[[], Answer], expected: Answer) -> Contestant:
    def check() -> None:
        for got, wanted in zip(run(), expected, strict=True):
            np.testing.assert_allclose(np.asarray(got), wanted, rtol=2e-3, atol=2e-5 * np.abs(wanted).max())

    return Contestant(name, run, check)


def _lowered(variant: str, cosine: Array) -> tuple[Array, Array]:
    """The function that replaces the cosine of the target, and its derivative w.r.t. that cosine."""
    margin = VARIANTS[variant][0]
    angle = np.arccos(cosine)
    if variant == "arcface":
        inside = angle < np.pi - margin
        value = np.where(inside, np.cos(angle + margin), cosine - margin * np.sin(margin))
        return value, np.where(inside, np.sin(angle + margin) / np.sin(angle), 1)
    k = np.floor(angle * margin / np.pi)
    sign = (-1) ** k
    return sign * np.cos(margin * angle) - 2 * k, sign * margin * np.sin(margin * angle) / np.sin(angle)


def _numpy(variant: str, x: Array, w: Array, y: Array) -> Answer:
    """The loss, and its gradients through the cosines and, where they are factors of logits, the norms."""
    scale, every = VARIANTS[variant][1], np.arange(len(x))
    x_norm, w_norm = np.linalg.norm(x, axis=1, keepdims=True), np.linalg.norm(w, axis=0)
    x_unit, w_unit = x / x_norm, w / w_norm
    cosine = x_unit @ w_unit
    law, slope = cosine.copy(), np.ones_like(cosine)
    law[every, y], slope[every, y] = _lowered(variant, cosine[every, y])
    factor = x_norm * w_norm if scale is None else np.asarray(scale, x.dtype)
    loss, gradient = _numpy_mlp.cross_entropy(factor * law, y)
    by_cosine = gradient * factor * slope
    x_part, w_part = by_cosine @ w_unit.T, x_unit.T @ by_cosine
    dx = (x_part - x_unit * (x_part * x_unit).sum(axis=1, keepdims=True)) / x_norm
    dw = (w_part - w_unit * (w_part * w_unit).sum(axis=0)) / w_norm
    if scale is None:
        dx += x_unit * (gradient * law * w_norm).sum(axis=1, keepdims=True)
        dw += w_unit * (gradient * law * x_norm).sum(axis=0)
    return loss, dx, dw


def _torch(torch: Any, variant: str, x: Array, w: Array, y: Array) -> Callable[[], Answer]:
    leaves = [torch.from_numpy(array).requires_grad_() for array in (x, w)]
    target = torch.from_numpy(y)
    marks = torch.nn.functional.one_hot(target, w.shape[1]).bool()
    margin, scale = VARIANTS[variant]

    def lowered(cosine: Any) -> Any:
        angle = torch.arccos(cosine)
        if variant == "arcface":
            beyond = cosine - margin * np.sin(margin)
            return torch.where(angle < np.pi - margin, torch.cos(angle + margin), beyond)
        k = torch.floor(angle.detach() * margin / np.pi)
        return (1 - 2 * (k % 2)) * torch.cos(margin * angle) - 2 * k

    def run() -> Answer:
        for leaf in leaves:
            leaf.grad = None
        features, weight = leaves
        x_norm, w_norm = features.norm(dim=1, keepdim=True), weight.norm(dim=0)
        cosine = (features / x_norm) @ (weight / w_norm)
        own = lowered(cosine.gather(1, target[:, None]))
        logits = torch.where(marks, own, cosine) * (x_norm * w_norm if scale is None else scale)
        loss = torch.nn.functional.cross_entropy(logits, target)
        loss.backward()
        return loss.detach(), features.grad, weight.grad

    return run
