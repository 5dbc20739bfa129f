"""Large-margin softmax as in its papers, in float64 with arccos, for losses of features and a weight."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

#: By variant: margins to test, the scale of its paper, and the norms that are factors of its logits.
VARIANTS: dict[str, tuple[tuple[float, ...], float | None, bool, bool]] = {
    "l_softmax": ((1, 2, 3, 4), None, True, True),
    "a_softmax": ((1, 2, 3, 4), None, True, False),
    "am_softmax": ((0, 0.35), 30.0, False, False),
    "arcface": ((0, 0.5, 1.2), 64.0, False, False),
}


def psi(angle: Array, margin: float) -> Array:
    """The function psi, equation 6 of Liu et al. 2016."""
    k = np.minimum(np.floor(angle * margin / np.pi), margin - 1)
    return (-1) ** k * np.cos(margin * angle) - 2 * k


def target_law(variant: str, angle: Array, margin: float) -> Array:
    """The value that replaces the cosine of the target class."""
    if variant == "am_softmax":
        return np.cos(angle) - margin
    if variant == "arcface":
        beyond = np.cos(angle) - margin * np.sin(margin)
        return np.where(angle < np.pi - margin, np.cos(angle + margin), beyond)
    return psi(angle, margin)


def logits(
    x: Array, w: Array, y: Array, variant: str, margin: float, lam: float = 0, scale: float | None = None
) -> Array:
    """All logits, with the target's logit lowered by the margin; a negative target stands for no class."""
    _, paper_scale, by_feature, by_weight = VARIANTS[variant]
    x_norm, w_norm = np.linalg.norm(x, axis=1)[:, None], np.linalg.norm(w, axis=0)
    norms = x_norm * w_norm
    cosine = np.clip(np.divide(x @ w, norms, out=np.zeros_like(norms), where=norms > 0), -1, 1)
    factor = (x_norm if by_feature else scale or paper_scale) * (
        w_norm if by_weight else np.ones_like(w_norm)
    )
    lowered = (lam * cosine + target_law(variant, np.arccos(cosine), margin)) / (1 + lam)
    return factor * np.where(np.arange(w.shape[1]) == y[:, None], lowered, cosine)


def losses(x: Array, w: Array, y: Array, *settings: Any, **more: Any) -> Array:
    """The loss of each sample; 0 for a negative target."""
    z = logits(x, w, y, *settings, **more)
    z = z - z.max(axis=1, keepdims=True)
    found = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]
    return np.where(y < 0, 0, found)


def central_differences(function: Any, at: Array, step: float = 1e-6) -> Array:
    """The gradient of a number w.r.t. every element of an array."""
    gradient = np.empty_like(at)
    for place in np.ndindex(at.shape):
        ends = []
        for sign in (1, -1):
            moved = at.copy()
            moved[place] += sign * step
            ends.append(function(moved))
        gradient[place] = (ends[0] - ends[1]) / (2 * step)
    return gradient
