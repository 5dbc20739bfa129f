"""Tests of every loss: oracle, derivatives, reductions, equal bits, targets of any shape, training."""

import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn.functional as F
from simdnn import Trainer, optim
from simdnn.losses._registry import NAMED

from tests import oracles
from tests.oracles import losses
from tests.support.networks import network_for, outputs, samples, targets
from tests.support.registry import FLOATS, LOSSES, compute_type, same_bits, wide, with_threads

Array = np.ndarray[Any, Any]

WIDTHS = [1, 2, 10, 16, 17, 48, 49, 64, 1000]

every_loss = pytest.mark.parametrize("name", oracles.LOSSES)
every_float = pytest.mark.parametrize("dtype", FLOATS)
every_storage = pytest.mark.parametrize("dtype", [np.float16, *FLOATS])


def every_loss_where(trait: Callable[[losses.Loss], bool]) -> Any:
    """Parametrizes a test over all losses with a given trait."""
    return pytest.mark.parametrize("name", [name for name, row in oracles.LOSSES.items() if trait(row)])


of_classes = every_loss_where(lambda row: row.classifies)
of_values = every_loss_where(lambda row: not row.classifies)
of_indices = every_loss_where(lambda row: row.target is losses.class_indices)


def tolerance(dtype: Any) -> dict[str, float]:
    """Tolerance of some units in the last place; more for float64, whose oracles have rounding errors."""
    return (
        {"rtol": 1e-6, "atol": 1e-6} if compute_type(dtype) == np.float32 else {"rtol": 1e-12, "atol": 1e-14}
    )


def divisor(each: Array, y: Array, weight: Any = None, ignore_index: int = -100, **others: Any) -> float:
    """Divisor of the mean: the class weights of targets that are not ignored, or 1 each."""
    if each.shape != y.shape or y.dtype.kind == "f":
        return float(each.size)
    kept = y[y != ignore_index]
    return float(kept.size if weight is None else weight[kept].sum())


@pytest.mark.parametrize("count", [1, 17, 300])
@every_storage
@every_loss
def test_value_and_gradient_match_oracle(name: str, dtype: Any, count: int) -> None:
    row, near = oracles.LOSSES[name], tolerance(dtype)
    for width in WIDTHS[: 8 if count == 300 else None]:
        x, y = outputs(name, count, width, dtype), targets(name, count, width, dtype)
        for settings in row.variants(width):
            each = row.each(wide(x), wide(y), **settings)
            slope = row.slope(wide(x), wide(y), **settings)
            share = {"mean": divisor(each, y, **settings), "sum": 1, "none": 1}
            for reduction, over in share.items():
                with np.errstate(all="ignore"):
                    found = each if reduction == "none" else each.sum() / over
                loss, gradient = NAMED[name](x, y, **settings, reduction=reduction, return_grad=True)
                assert gradient.shape == x.shape
                assert gradient.dtype == compute_type(dtype)
                assert np.allclose(loss, found, **near, equal_nan=over == 0)
                assert np.allclose(gradient * over, slope, **near)
                assert same_bits(NAMED[name](x, y, **settings, reduction=reduction), loss)


@every_loss
def test_gradient_matches_central_differences(name: str) -> None:
    x, y, h = outputs(name, 6, 7, bound=3), targets(name, 6, 7), 1e-6
    for settings in oracles.LOSSES[name].variants(7):
        for reduction in ("mean", "sum"):
            loss = functools.partial(NAMED[name], **settings, reduction=reduction)
            gradient = loss(x, y, return_grad=True)[1]
            for place in np.ndindex(x.shape):
                step = np.zeros_like(x)
                step[place] = h
                difference = (loss(x + step, y) - loss(x - step, y)) / (2 * h)
                assert difference == pytest.approx(gradient[place], rel=1e-6, abs=1e-7)


@every_float
@every_loss
def test_reductions_are_of_each(name: str, dtype: Any) -> None:
    x, y = outputs(name, 40, 9, dtype), targets(name, 40, 9, dtype)
    each, slope = NAMED[name](x, y, reduction="none", return_grad=True)
    total, total_slope = NAMED[name](x, y, reduction="sum", return_grad=True)
    mean, mean_slope = NAMED[name](x, y, return_grad=True)
    assert isinstance(mean, float)
    assert isinstance(total, float)
    assert each.shape == ((40,) if oracles.LOSSES[name].classifies else x.shape)
    assert total == pytest.approx(each.sum(dtype=np.float64), rel=1e-6 if dtype == np.float32 else 1e-13)
    assert mean == pytest.approx(total / each.size, rel=1e-14)
    assert same_bits(total_slope, slope)
    assert np.allclose(mean_slope * each.size, slope, rtol=4 * np.finfo(dtype).eps, atol=0)


@every_float
def test_batchmean_divides_by_the_first_axis(dtype: Any) -> None:
    """PyTorch's "mean" of kl_div divides by the number of elements; its "batchmean" is the divergence."""
    x, y = outputs("kl_div", 30, 7, dtype), targets("kl_div", 30, 7, dtype)
    total, slope = F.kl_div(x, y, reduction="sum", return_grad=True)
    found, gradient = F.kl_div(x, y, reduction="batchmean", return_grad=True)
    assert found == pytest.approx(total / 30, rel=1e-14)
    assert np.allclose(gradient * 30, slope, rtol=4 * np.finfo(dtype).eps, atol=0)
    with pytest.raises(ValueError, match=r"reduction: .*batchmean"):
        F.mse_loss(x, y, reduction="batchmean")


@of_classes
def test_sample_weight_is_repetition(name: str) -> None:
    x, y = outputs(name, 30, 7), targets(name, 30, 7)
    weight = np.arange(30) % 4
    for settings in oracles.LOSSES[name].variants(7):
        for reduction in ("mean", "sum"):
            loss = functools.partial(NAMED[name], **settings, reduction=reduction, return_grad=True)
            value, gradient = loss(x, y, sample_weight=weight)
            wanted, slope = loss(np.repeat(x, weight, axis=0), np.repeat(y, weight, axis=0))
            assert value == pytest.approx(wanted, rel=1e-13)
            starts = np.cumsum(weight)[weight > 0] - weight[weight > 0]
            assert np.allclose(gradient[weight > 0], np.add.reduceat(slope, starts), rtol=1e-12, atol=1e-15)
            assert not gradient[weight == 0].any()


@every_float
@every_loss
def test_threads_and_batches_do_not_change_a_row(name: str, dtype: Any) -> None:
    x, y = outputs(name, 500, 61, dtype), targets(name, 500, 61, dtype)
    for settings in oracles.LOSSES[name].variants(61):
        loss = functools.partial(NAMED[name], **settings, reduction="none", return_grad=True)
        whole = with_threads(1, lambda loss=loss: loss(x, y))
        for count in (2, 3):
            found = with_threads(count, lambda loss=loss: loss(x, y))
            assert all(same_bits(a, b) for a, b in zip(found, whole, strict=True))
        parts = [loss(x[a:b], y[a:b]) for a, b in itertools.pairwise([0, 1, 18, 35, 400, 500])]
        for i in range(2):
            assert same_bits(np.concatenate([part[i] for part in parts]), whole[i])


@every_float
@every_loss
def test_layout_does_not_change_a_bit(name: str, dtype: Any) -> None:
    x, y = outputs(name, 60, 44, dtype), targets(name, 60, 22, dtype)
    for view, target in (
        (x[:, ::2], y),
        (x[::-1, 22:], y[::-1]),
        (np.asfortranarray(x[:, :22]), np.asfortranarray(y)),
        (x[:, :22].astype(x.dtype.newbyteorder()), y.astype(y.dtype.newbyteorder())),
    ):
        for reduction in ("mean", "none"):
            loss = functools.partial(NAMED[name], reduction=reduction, return_grad=True)
            plain = loss(view.astype(dtype, order="C"), target.copy(order="C"))
            assert all(same_bits(a, b) for a, b in zip(loss(view, target), plain, strict=True))


@every_float
@every_loss
def test_a_nan_spoils_only_its_own(name: str, dtype: Any) -> None:
    """A NaN in the output or the target spoils its row for a loss of classes, else its element only."""
    x, y = outputs(name, 9, 21, dtype), targets(name, 9, 21, dtype)
    loss = functools.partial(NAMED[name], reduction="none", return_grad=True)
    clean = loss(x, y)
    spoiled = np.zeros((9, 21), bool)
    spoiled[4] = oracles.LOSSES[name].classifies
    spoiled[4, 20] = True
    pairs = [(np.where(spoiled, dtype(np.nan), x), y)]
    if y.dtype.kind == "f":
        pairs.append((x, np.where(spoiled, dtype(np.nan), y)))
    for pair in pairs:
        each, gradient = loss(*pair)
        hit = spoiled if each.ndim == 2 else spoiled.any(axis=1)
        assert np.isnan(each[hit]).all()
        assert same_bits(each[~hit], clean[0][~hit])
        assert same_bits(gradient[~spoiled], clean[1][~spoiled])
        assert np.isnan(NAMED[name](*pair))


@pytest.mark.parametrize("shape", [(), (1,), (0,), (7,), (5, 3), (2, 3, 4), (3, 1025)], ids=str)
@every_float
@of_values
def test_elements_of_any_shape(name: str, dtype: Any, shape: tuple[int, ...]) -> None:
    size = int(np.prod(shape))
    x, y = outputs(name, 1, size, dtype), targets(name, 1, size, dtype)
    flat = NAMED[name](x[0], y[0], reduction="none", return_grad=True)
    found = NAMED[name](x.reshape(shape), y.reshape(shape), reduction="none", return_grad=True)
    assert all(same_bits(a, b.reshape(shape)) for a, b in zip(found, flat, strict=True))
    total = NAMED[name](x.reshape(shape), y.reshape(shape), reduction="sum")
    assert total == pytest.approx(NAMED[name](x[0], y[0], reduction="sum"), rel=1e-13)
    assert np.isnan(NAMED[name](x[0], y[0])) == (size == 0)


@every_float
@of_classes
def test_classes_lie_along_axis_one_as_in_pytorch(name: str, dtype: Any) -> None:
    x, y = outputs(name, 30, 7, dtype), targets(name, 30, 7, dtype)
    for settings in oracles.LOSSES[name].variants(7):
        for reduction in ("none", "mean", "sum"):
            loss = functools.partial(NAMED[name], **settings, reduction=reduction, return_grad=True)
            each, slope = loss(x, y)
            for shape in ((2, 15), (5, 2, 3)):
                image = np.moveaxis(x.reshape(*shape, 7), -1, 1)
                label = y.reshape(shape) if y.ndim == 1 else np.moveaxis(y.reshape(*shape, 7), -1, 1)
                got, gradient = loss(image, label)
                assert gradient.shape == image.shape
                assert same_bits(np.moveaxis(gradient, 1, -1).reshape(30, 7), slope)
                assert same_bits(got, np.reshape(each, shape if reduction == "none" else ()))
        one = NAMED[name](x[3], y[3], **settings, reduction="none", return_grad=True)
        rows = NAMED[name](x[3:4], y[3:4], **settings, reduction="none", return_grad=True)
        assert all(same_bits(a, b[0]) for a, b in zip(one, rows, strict=True))


@of_indices
def test_nothing_left_is_nan_as_in_pytorch(name: str) -> None:
    x, y = outputs(name, 12, 5), np.full(12, -100)
    assert np.isnan(NAMED[name](x, y))
    assert NAMED[name](x, y, reduction="sum") == 0
    assert not NAMED[name](x, y, return_grad=True)[1].any()


@every_float
@every_loss
def test_no_floating_point_warning(name: str, dtype: Any) -> None:
    limits = np.finfo(dtype)
    edges = [0, -0.0, limits.max, -limits.max, limits.smallest_subnormal, -np.inf, 88, -88]
    x = np.array(edges * 4, dtype).reshape(4, 8)
    if name == "binary_cross_entropy":
        x = np.clip(x, 0, 1)
    with np.errstate(all="raise"):
        NAMED[name](x, targets(name, 4, 8, dtype), return_grad=True)


@of_indices
@pytest.mark.parametrize("kind", [*"bBhHiIlLqQ", ">i4", ">i8", ">u2"])
def test_every_integer_dtype_is_a_label(name: str, kind: str) -> None:
    x, y = outputs(name, 8, 5), targets(name, 8, 5)
    assert same_bits(NAMED[name](x, y.astype(kind)), NAMED[name](x, y))
    twice = np.repeat(y, 2).astype(kind)[::2]
    assert same_bits(NAMED[name](x, twice), NAMED[name](x, y))


@of_indices
@pytest.mark.parametrize(("place", "label"), [(0, 5), (3, -1), (7, 2**31), (5, -101), (2, -(2**63))])
def test_the_first_bad_label_is_named(name: str, place: int, label: int) -> None:
    x, y = outputs(name, 8, 5), targets(name, 8, 5)
    y[7] = 99
    y[place] = label
    with pytest.raises(IndexError, match=rf"target\[{place}\]: class {label} "):
        NAMED[name](x, y, return_grad=True)


@of_indices
def test_labels_are_integers_in_the_shape_of_the_rows(name: str) -> None:
    x, y = outputs(name, 8, 5), targets(name, 8, 5)
    for wrong in (y.astype(float), y > 0, y.astype(str), y * 1j):
        with pytest.raises(TypeError, match=r"target: .*integer"):
            NAMED[name](x, wrong)
    for wrong in (y[:7], y[0], y.reshape(2, 4), y.reshape(8, 1)):
        with pytest.raises(ValueError, match=r"target: .*shape"):
            NAMED[name](x, wrong)


@of_values
def test_targets_have_the_shape_of_the_outputs(name: str) -> None:
    x, y = outputs(name, 8, 5), targets(name, 8, 5)
    for wrong in (y[:7], y[0], y.T, y[None]):
        with pytest.raises(ValueError, match=r"target: .*shape"):
            NAMED[name](x, wrong)


@pytest.mark.parametrize("name", LOSSES)
def test_parameters_out_of_range_are_named(name: str) -> None:
    for key in [key for key in LOSSES[name]["parameters"] if key in keywords_of(NAMED[name])]:
        for value in (-1.0, np.nan, np.inf):
            with pytest.raises(ValueError, match=f"{key}: expected"):
                NAMED[name](np.ones((2, 3)), targets(name, 2, 3), **{key: value})
        with pytest.raises(TypeError, match=f"{key}: "):
            NAMED[name](np.ones((2, 3)), targets(name, 2, 3), **{key: "much"})


def keywords_of(function: Any) -> Any:
    return inspect.signature(function).parameters


@every_float
@every_loss
def test_a_trainer_lowers_the_loss(name: str, dtype: Any) -> None:
    x, y = samples(name, 64, 6, 5, dtype)
    for settings in oracles.LOSSES[name].variants(5):
        model = network_for(name, [6, 24, 5], dtype=dtype)
        loss = functools.partial(NAMED[name], **settings) if settings else name
        history = Trainer(model, loss=loss, optimizer=optim.Adam(lr=0.01), seed=0).fit(
            x, y, epochs=30, batch_size=16
        )
        assert np.isfinite(history.loss).all()
        assert history.loss[-1] < history.loss[0]


@of_indices
def test_a_trainer_ignores_marked_samples(name: str) -> None:
    """The loss and the gradients of a step are those of the samples that are not ignored."""
    x, y = samples(name, 40, 6, 5)
    marked = np.where(np.arange(40) % 3 == 0, -100, y)
    found = []
    for inputs, classes in ((x, marked), (x[marked >= 0], y[marked >= 0])):
        model = network_for(name, [6, 24, 5])
        loss = Trainer(model, loss=name).step(inputs, classes)
        found.append((loss, model.flat_gradients.copy()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-13)
    assert np.allclose(found[0][1], found[1][1], rtol=1e-12, atol=1e-15)


def test_every_named_loss_trains_or_refuses() -> None:
    assert NAMED.keys() == oracles.LOSSES.keys() | oracles.METRICS | oracles.HEADS


@pytest.mark.parametrize("name", oracles.METRICS)
def test_a_metric_explains_why_it_is_no_loss(name: str) -> None:
    model = network_for("cross_entropy", [3, 4])
    for loss in (name, NAMED[name]):
        with pytest.raises(ValueError, match=f"{name}: .*metric.*gradient"):
            Trainer(model, loss=loss)
    with pytest.raises(ValueError, match="'zero' is not known") as raised:
        Trainer(model, loss="zero")
    listed = str(raised.value).partition("known: ")[2].split(", ")
    assert set(listed) == NAMED.keys() - oracles.METRICS
    with pytest.raises(ValueError, match=f"{name}: .*metric.*gradient"):
        NAMED[name](np.eye(4), [0, 1, 2, 3], return_grad=True)


def test_zero_one_counts_errors() -> None:
    scores, y = outputs("cross_entropy", 50, 7), targets("cross_entropy", 50, 7)
    wrong = (scores.argmax(axis=1) != y).astype(float)
    for given in (scores, scores.argmax(axis=1)):
        assert F.zero_one_loss(given, y) == wrong.mean()
        assert F.zero_one_loss(given, y, reduction="sum") == wrong.sum()
        assert same_bits(F.zero_one_loss(given, y, reduction="none"), wrong)
    with pytest.raises(TypeError, match=r"target: .*integer"):
        F.zero_one_loss(scores, y * 1.0)
    with pytest.raises(ValueError, match=r"target: .*shape"):
        F.zero_one_loss(scores, y[:3])


@pytest.mark.parametrize("dtype", FLOATS)
def test_infinite_logits_of_the_right_sign_cost_nothing(dtype: Any) -> None:
    """A factor of 0 leaves an infinite part out; the wrong sign costs infinity, with a slope of 1."""
    x, y = np.array([np.inf, -np.inf, np.inf, -np.inf], dtype), np.array([1, 0, 0, 1], dtype)
    loss, gradient = F.binary_cross_entropy_with_logits(x, y, reduction="none", return_grad=True)
    assert loss.tolist() == [0, 0, np.inf, np.inf]
    assert gradient.tolist() == [0, 0, 1, -1]
    _, weighed = F.binary_cross_entropy_with_logits(
        x, y, pos_weight=np.full(4, 3.0), reduction="none", return_grad=True
    )
    assert weighed.tolist() == [0, 0, 1, -3]
