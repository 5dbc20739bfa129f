"""Parts of reinforcement learning beside float64 formulas, differences and PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn.functional as F

from tests.support.registry import spread

Array = np.ndarray[Any, Any]
LOGITS = spread(40 * 5, np.float64, 4).reshape(40, 5)
ACTIONS = np.arange(40) % 5
MEAN, TAKEN = spread(120, np.float64, 2).reshape(40, 3), spread(121, np.float64, 3)[1:].reshape(40, 3)
LOG_STD = np.array([-0.7, 0.0, 0.4])
NEW, OLD = spread(60, np.float64, 1), spread(61, np.float64, 1)[1:]
GAIN = spread(63, np.float64, 2)[3:]


def differences(function: Callable[[Array], Any], x: Array, step: float = 1e-6) -> Array:
    """Central differences of the sum of a function's values."""
    found = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        ahead, back = x.copy(), x.copy()
        ahead[place] += step
        back[place] -= step
        found[place] = (np.sum(function(ahead)) - np.sum(function(back))) / (2 * step)
    return found


def test_categorical_log_probabilities_and_entropy() -> None:
    p = np.exp(LOGITS - LOGITS.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    value, grad = F.categorical_log_prob(LOGITS, ACTIONS, return_grad=True)
    np.testing.assert_allclose(value, np.log(p[np.arange(40), ACTIONS]), rtol=1e-13)
    np.testing.assert_allclose(grad, np.eye(5)[ACTIONS] - p, atol=1e-15)
    entropy, slope = F.categorical_entropy(LOGITS, return_grad=True)
    np.testing.assert_allclose(entropy, -(p * np.log(p)).sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(slope, differences(F.categorical_entropy, LOGITS), atol=1e-8)
    assert F.categorical_entropy(LOGITS.reshape(8, 5, 5)).shape == (8, 5)


def test_forbidden_actions_do_not_count() -> None:
    z = np.array([[1.0, -math.inf, 2.0], [-math.inf, 3.0, -math.inf]])
    allowed = np.array([1.0, 2.0])
    entropy, slope = F.categorical_entropy(z, return_grad=True)
    assert entropy[0] == pytest.approx(F.categorical_entropy(allowed), rel=1e-15)
    assert entropy[1] == 0
    assert np.all(slope[~np.isfinite(z)] == 0)
    np.testing.assert_allclose(
        F.categorical_log_prob(z, [2, 1]), [np.log(1 / (1 + np.exp(-1))), 0], atol=1e-15
    )


def test_actions_have_the_shape_of_the_rows_of_logits() -> None:
    cube, taken = LOGITS.reshape(8, 5, 5), ACTIONS[::-1].reshape(8, 5)
    flat, slopes = F.categorical_log_prob(LOGITS, taken.ravel(), return_grad=True)
    value, grad = F.categorical_log_prob(cube, taken, return_grad=True)
    np.testing.assert_array_equal(value, flat.reshape(8, 5))
    np.testing.assert_array_equal(grad, slopes.reshape(8, 5, 5))
    assert F.categorical_log_prob(np.zeros((0, 5)), []).shape == (0,)
    assert F.categorical_log_prob(LOGITS[0], 3) == F.categorical_log_prob(LOGITS[:1], [3])[0]


@pytest.mark.parametrize("wrong", [-(2**63), -1, 5, 2**63])
def test_actions_are_indices_of_columns(wrong: int) -> None:
    with pytest.raises(IndexError, match=rf"action: expected indices from 0 to 4, got {wrong}"):
        F.categorical_log_prob(LOGITS[:1], np.array([wrong]))
    with pytest.raises(TypeError, match="action: expected integers, got dtype float64"):
        F.categorical_log_prob(LOGITS[:1], np.eye(5)[:1])
    with pytest.raises(ValueError, match=r"action: expected shape \(2,\), got \(2, 1\)"):
        F.categorical_log_prob(LOGITS[:2], [[1], [2]])


def test_normal_log_probabilities_and_entropy() -> None:
    value, center, width = F.normal_log_prob(TAKEN, MEAN, LOG_STD, return_grad=True)
    std = np.exp(LOG_STD)
    each = -((TAKEN - MEAN) ** 2) / (2 * std**2) - np.log(std * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(value, each.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(center, (TAKEN - MEAN) / std**2, rtol=1e-12)
    of_width = differences(lambda s: F.normal_log_prob(TAKEN, MEAN, s), LOG_STD)
    np.testing.assert_allclose(width.sum(axis=0), of_width, rtol=1e-7)
    same = F.normal_log_prob(TAKEN, MEAN, np.broadcast_to(LOG_STD, MEAN.shape))
    np.testing.assert_array_equal(same, value)
    assert F.normal_entropy(LOG_STD) == pytest.approx(
        np.sum(0.5 * np.log(2 * np.pi * np.e * std**2)), rel=1e-14
    )


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_clipped_policy_loss(reduction: Any) -> None:
    loss, grad = F.clipped_policy_loss(NEW, OLD, GAIN, clip=0.2, reduction=reduction, return_grad=True)
    ratio = np.exp(NEW - OLD)
    each = -np.minimum(ratio * GAIN, np.clip(ratio, 0.8, 1.2) * GAIN)
    share = 1 / len(each) if reduction == "mean" else 1
    np.testing.assert_allclose(loss, each if reduction == "none" else each.sum() * share, rtol=1e-13)
    slope = differences(lambda x: F.clipped_policy_loss(x, OLD, GAIN, reduction="none"), NEW)
    np.testing.assert_allclose(grad, slope * share, atol=1e-8)
    assert (grad == 0).any()
    assert (grad != 0).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("clip", [1e39, 1e300])
def test_a_large_clip_is_none(clip: float, dtype: Any) -> None:
    new, old, gain = (one.astype(dtype) for one in (NEW, OLD, GAIN))
    assert F.clipped_policy_loss(new, old, gain, clip=clip) == F.clipped_policy_loss(
        new, old, gain, clip=np.inf
    )
    assert F.clipped_value_loss(new, gain, clip=clip, old_value=old) == F.clipped_value_loss(new, gain)


@pytest.mark.parametrize("clip", [None, 0.3])
def test_clipped_value_loss(clip: float | None) -> None:
    old = {} if clip is None else {"old_value": OLD}
    loss, grad = F.clipped_value_loss(NEW, GAIN, clip=clip, **old, reduction="none", return_grad=True)
    error = (NEW - GAIN) ** 2
    near = error if clip is None else (OLD + np.clip(NEW - OLD, -clip, clip) - GAIN) ** 2
    np.testing.assert_allclose(loss, np.maximum(error, near), rtol=1e-13)
    slope = differences(lambda x: F.clipped_value_loss(x, GAIN, clip=clip, **old, reduction="none"), NEW)
    np.testing.assert_allclose(grad, slope, atol=1e-8)


@pytest.mark.parametrize("place", range(3))
def test_a_nan_is_seen_in_the_clipped_value_loss(place: int) -> None:
    given = [np.ones(2), np.zeros(2), np.ones(2)]
    given[place][0] = math.nan
    found = F.clipped_value_loss(*given, clip=0.2, reduction="none", return_grad=True)
    assert [math.isnan(each[0]) for each in found] == [True, True]
    assert [each[1] for each in found] == [1, 2]


def test_mixed_types_of_the_clipped_value_loss_are_double() -> None:
    value, target, old = (np.array([one]) for one in (0.1, 0.3, 0.15))
    single = value.astype(np.float32), target.astype(np.float32)
    found = F.clipped_value_loss(*single, old, clip=1.0)
    assert found == (float(single[0][0]) - float(single[1][0])) ** 2


@pytest.mark.parametrize("shape", [(50,), (50, 3), (1, 4), (0, 4)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_advantages_follow_the_recursion(shape: tuple[int, ...], dtype: Any) -> None:
    size = math.prod(shape)
    reward, value = (spread(size + k, dtype, 2)[k:].reshape(shape) for k in (1, 2))
    done = (np.arange(size) % 7 == 3).reshape(shape)
    last = spread(max(math.prod(shape[1:]), 1), dtype, 2).reshape(shape[1:])
    found = F.generalized_advantage(reward, value, done, last, gamma=0.9, lam=0.8)
    assert found.dtype == dtype
    wanted, later, after = np.zeros(shape), np.zeros(shape[1:]), last.astype(np.float64)
    for t in reversed(range(shape[0])):
        alive = ~done[t]
        later = reward[t] + 0.9 * after * alive - value[t] + 0.9 * 0.8 * later * alive
        wanted[t], after = later, value[t].astype(np.float64)
    np.testing.assert_allclose(found, wanted, rtol=1e-5 if dtype == np.float32 else 1e-13, atol=1e-6)


def test_a_value_after_the_end_is_not_read() -> None:
    value, done = np.array([1.0, math.nan]), np.array([True, True])
    found = F.generalized_advantage(np.ones(2), value, done, math.inf)
    assert found[0] == 0
    assert math.isnan(found[1])


def test_errors_name_the_argument() -> None:
    with pytest.raises(TypeError, match="done: expected booleans, got dtype float64"):
        F.generalized_advantage(np.ones(2), np.ones(2), np.ones(2), 0.0)
    with pytest.raises(ValueError, match=r"last_value: expected shape \(3,\), got \(\)"):
        F.generalized_advantage(np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3), bool), 0.0)
    with pytest.raises(ValueError, match=r"gamma: expected a finite number from 0 to 1, got 1\.5"):
        F.generalized_advantage(np.ones(2), np.ones(2), np.ones(2, bool), 0.0, gamma=1.5)
    with pytest.raises(ValueError, match=r"advantage: expected shape \(2,\), that of log_prob, got \(3,\)"):
        F.clipped_policy_loss(np.ones(2), np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="clip: expected it together with old_value"):
        F.clipped_value_loss(np.ones(2), np.ones(2), clip=0.2)
    with pytest.raises(ValueError, match=r"log_std: expected shape \(2, 3\) or \(3,\), got \(2,\)"):
        F.normal_log_prob(np.ones((2, 3)), np.ones((2, 3)), np.ones(2))
    with pytest.raises(TypeError, match="logits: expected real numbers"):
        F.categorical_entropy(np.array(["a"]))
    with pytest.raises(ValueError, match="reduction"):
        F.clipped_policy_loss(np.ones(2), np.ones(2), np.ones(2), reduction="max")


@pytest.mark.peers
def test_torch_distributions_agree() -> None:
    torch = pytest.importorskip("torch", reason="needs the extra [peers]")
    z = torch.tensor(LOGITS, requires_grad=True)
    categorical = torch.distributions.Categorical(logits=z)
    log_prob = categorical.log_prob(torch.tensor(ACTIONS))
    for ours, theirs in (
        (F.categorical_log_prob(LOGITS, ACTIONS, return_grad=True), log_prob),
        (F.categorical_entropy(LOGITS, return_grad=True), categorical.entropy()),
    ):
        (slope,) = torch.autograd.grad(theirs.sum(), z, retain_graph=True)
        np.testing.assert_allclose(ours[0], theirs.detach().numpy(), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(ours[1], slope.numpy(), rtol=1e-12, atol=1e-12)
    mean, log_std = torch.tensor(MEAN, requires_grad=True), torch.tensor(LOG_STD, requires_grad=True)
    normal = torch.distributions.Normal(mean, log_std.exp())
    theirs = normal.log_prob(torch.tensor(TAKEN)).sum(dim=1)
    value, of_mean, of_width = F.normal_log_prob(TAKEN, MEAN, LOG_STD, return_grad=True)
    slopes = torch.autograd.grad(theirs.sum(), (mean, log_std))
    np.testing.assert_allclose(value, theirs.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(of_mean, slopes[0].numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(of_width.sum(axis=0), slopes[1].numpy(), rtol=1e-12, atol=1e-12)
    new = torch.tensor(NEW, requires_grad=True)
    ratio, gain = (new - torch.tensor(OLD)).exp(), torch.tensor(GAIN)
    loss = -torch.min(ratio * gain, ratio.clamp(0.8, 1.2) * gain).mean()
    (slope,) = torch.autograd.grad(loss, new)
    found, grad = F.clipped_policy_loss(NEW, OLD, GAIN, return_grad=True)
    assert found == pytest.approx(float(loss.detach()), rel=1e-12)
    np.testing.assert_allclose(grad, slope.numpy(), rtol=1e-12, atol=1e-14)
