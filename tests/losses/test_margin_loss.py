"""Large-margin softmax: values, gradients, properties, bad input, and training."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import nn

from tests.oracles import margin as oracle
from tests.support.processes import LEVELS, run
from tests.support.registry import FLOATS, same_bits, spread, with_threads

Array = np.ndarray[Any, Any]

CASES = [(variant, margin) for variant, row in oracle.VARIANTS.items() for margin in row[0]]
every_case = pytest.mark.parametrize(("variant", "margin"), CASES)
every_float = pytest.mark.parametrize("dtype", FLOATS)


def sample(n: int = 40, d: int = 5, classes: int = 7, dtype: Any = np.float64) -> tuple[Array, Array, Array]:
    """Random features, weight and classes; few dimensions d, so that all angles occur."""
    x = spread(n * d, dtype, 1.5).reshape(n, d)
    w = spread(d * classes + 3, dtype, 0.9)[3:].reshape(d, classes)
    return x, w, np.arange(n) * 5 % classes


def wide(*arrays: Array) -> list[Array]:
    return [array.astype(np.float64) for array in arrays]


@every_float
@every_case
@pytest.mark.parametrize("lam", [0.0, 3.5])
def test_value_matches_the_papers(variant: str, margin: float, lam: float, dtype: Any) -> None:
    x, w, y = sample(dtype=dtype)
    found = F.large_margin_softmax(x, w, y, margin, lam, variant=variant, reduction="none")
    wanted = oracle.losses(*wide(x, w), y, variant, margin, lam)
    assert found.dtype == dtype
    tolerance = 1e-12 if dtype == np.float64 else 3e-5
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
    mean = F.large_margin_softmax(x, w, y, margin, lam, variant=variant)
    assert mean == pytest.approx(wanted.mean(), rel=tolerance)


@every_float
@every_case
@pytest.mark.parametrize("lam", [0.0, 2.0])
def test_gradients_match_central_differences(variant: str, margin: float, lam: float, dtype: Any) -> None:
    x, w, y = sample(13, dtype=dtype)
    settings: dict[str, Any] = {"variant": variant}
    if not oracle.VARIANTS[variant][2]:
        settings["scale"] = 4.0
    weight = np.linspace(0.5, 2, 13)
    _, (by_x, by_w) = F.large_margin_softmax(
        x, w, y, margin, lam, **settings, return_grad=True, sample_weight=weight
    )

    def mean(features: Array, matrix: Array) -> float:
        return float(
            np.average(oracle.losses(features, matrix, y, margin=margin, lam=lam, **settings), weights=weight)
        )

    x_wide, w_wide = wide(x, w)
    tolerance = 2e-8 if dtype == np.float64 else 2e-5
    by_difference = oracle.central_differences(lambda a: mean(a, w_wide), x_wide)
    np.testing.assert_allclose(by_x, by_difference, rtol=tolerance, atol=tolerance)
    by_difference = oracle.central_differences(lambda a: mean(x_wide, a), w_wide)
    np.testing.assert_allclose(by_w, by_difference, rtol=tolerance, atol=tolerance)
    assert by_x.dtype == by_w.dtype == dtype


@every_float
@pytest.mark.parametrize(("margin", "lam"), [(1, 0.0), (1, 7.0), (4, np.inf)])
def test_no_margin_is_cross_entropy(margin: int, lam: float, dtype: Any) -> None:
    x, w, y = sample(dtype=dtype)
    loss, (by_x, by_w) = F.large_margin_softmax(x, w, y, margin, lam, return_grad=True)
    model = nn.Sequential(nn.Dense(5, 7, bias=False), dtype=dtype)
    model.load_state_dict({"0.weight": w})
    wanted, dz = F.cross_entropy(model.forward(x, training=True), y, return_grad=True)
    assert loss == wanted
    assert same_bits(by_x, model.backward(dz))
    assert same_bits(by_w, model.gradients()["0.weight"])


def test_a_large_lambda_is_close_to_cross_entropy() -> None:
    x, w, y = sample()
    wanted = F.cross_entropy(x @ w, y)
    gaps = [F.large_margin_softmax(x, w, y, 4, lam) - wanted for lam in (0, 1e2, 1e4, 1e6)]
    assert gaps[0] > 1
    assert all(0 < later < gap / 50 for gap, later in pairwise(gaps))


@every_case
def test_target_logit_falls_with_its_angle(variant: str, margin: float) -> None:
    """The vector of one class rotates in a plane to which the vector of the other is orthogonal."""
    angles = np.linspace(1e-3, np.pi - 1e-3, 4001)
    x = np.stack([np.cos(angles), np.sin(angles), np.zeros_like(angles)], axis=1)
    w = np.array([[1.0, 0], [0, 0], [0, 1]])
    loss = F.large_margin_softmax(x, w, np.zeros(4001, int), margin, variant=variant, reduction="none")
    assert np.all(np.diff(loss) > 0)
    if variant in ("l_softmax", "a_softmax"):
        steps = np.diff(loss)
        assert np.abs(np.diff(steps)).max() < 1e-4 * max(1, margin**2), "the law has no kink or jump"


@every_case
def test_zero_vectors_have_finite_gradients(variant: str, margin: float) -> None:
    x, w, y = sample()
    x[3] = 0
    w[:, 2] = 0
    loss, gradients = F.large_margin_softmax(x, w, y, margin, variant=variant, return_grad=True)
    assert np.isfinite(loss)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    wanted = oracle.losses(x, w, y, variant, margin)
    found = F.large_margin_softmax(x, w, y, margin, variant=variant, reduction="none")
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


@every_case
def test_parallel_vectors_have_finite_gradients(variant: str, margin: float) -> None:
    w = np.eye(3)
    for x in (np.eye(3), -np.eye(3), 1e-150 * np.eye(3), 1e150 * np.eye(3)):
        loss, gradients = F.large_margin_softmax(x, w, [0, 1, 2], margin, variant=variant, return_grad=True)
        assert np.isfinite(loss)
        assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_the_slope_at_the_pole_of_the_angle_is_bounded() -> None:
    """For parallel features and weight, cos / sin has a sine of 2^-20, so that steps stay finite."""
    x, w, margin, scale = np.array([[2.0, 0.0]]), np.eye(2), 0.5, 30.0
    _, (dx, dw) = F.large_margin_softmax(x, w, [0], margin, variant="arcface", scale=scale, return_grad=True)
    share = 1 / (1 + np.exp(-scale * np.cos(margin)))
    slope = np.cos(margin) + 2.0**20 * np.sin(margin)
    wanted = np.array(
        [[0.0, (1 - share) * scale / 2]]
    )  # the radial part is 0, and the other class pulls along y
    assert np.allclose(dx, wanted, rtol=1e-9, atol=slope * 1e-9)
    assert np.isfinite(dw).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("variant", ["arcface", "a_softmax", "am_softmax"])
def test_a_cosine_above_one_by_rounding_is_one(variant: str, dtype: Any) -> None:
    w = spread(900, np.float64, 1.0).reshape(3, 300).astype(dtype)
    norms = np.linalg.norm(w.astype(np.float64), axis=0)
    x = (w * dtype(3)).T
    cosines = (x.astype(np.float64) * w.T).sum(axis=1) / np.linalg.norm(x.astype(np.float64), axis=1) / norms
    assert (cosines > 1).any(), "the sample shows no rounding above 1"
    margin = 2 if variant == "a_softmax" else 0.3
    loss, gradients = F.large_margin_softmax(
        x, w, np.arange(300), margin, variant=variant, reduction="none", return_grad=True
    )
    assert np.isfinite(loss).all()
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_weights_and_ignored_rows_count_as_in_cross_entropy() -> None:
    x, w, y = sample()
    y[::4] = 3
    class_weight, sample_weight = np.linspace(0.2, 2, 7), np.linspace(1, 3, 40)
    each = oracle.losses(x, w, y, "l_softmax", 3)
    share = np.where(y == 3, 0, class_weight[y] * sample_weight)
    loss, (by_x, _) = F.large_margin_softmax(
        x, w, y, 3, class_weight=class_weight, ignore_index=3, sample_weight=sample_weight, return_grad=True
    )
    assert loss == pytest.approx((each * share).sum() / share.sum(), rel=1e-12)
    assert np.all(by_x[y == 3] == 0)
    assert np.all(np.abs(by_x[y != 3]).sum(axis=1) > 0)


def test_reductions_and_empty_batches() -> None:
    x, w, y = sample()
    each, gradients = F.large_margin_softmax(x, w, y, 2, reduction="none", return_grad=True)
    total, of_sum = F.large_margin_softmax(x, w, y, 2, reduction="sum", return_grad=True)
    assert total == pytest.approx(each.sum())
    assert all(same_bits(a, b) for a, b in zip(gradients, of_sum, strict=True))
    loss, (by_x, by_w) = F.large_margin_softmax(x[:0], w, y[:0], 2, return_grad=True)
    assert np.isnan(loss)
    assert by_x.shape == (0, 5)
    assert not by_w.any()


@every_float
@pytest.mark.parametrize("variant", oracle.VARIANTS)
def test_threads_do_not_change_the_bits(variant: str, dtype: Any) -> None:
    x, w, y = sample(700, 130, 90, dtype)
    margin = oracle.VARIANTS[variant][0][-1]

    def work() -> list[Array]:
        loss, gradients = F.large_margin_softmax(x, w, y, margin, 0.5, variant=variant, return_grad=True)
        return [np.float64(loss), *gradients]

    results = [with_threads(n, work) for n in (1, 2, 3)]
    assert all(same_bits(a, b) for result in results for a, b in zip(result, results[0], strict=True))


BITS = """
from functools import partial
from tests.tools.golden import digest
from tests.support.networks import network
from tests.losses.test_margin_loss import CASES, sample
import numpy as np, simdnn, simdnn.functional as F

for dtype in (np.float32, np.float64):
    for variant, margin in CASES:
        x, w, y = sample(50, 33, 19, dtype)
        loss, gradients = F.large_margin_softmax(x, w, y, margin, 0.5, variant=variant, return_grad=True)
        model = network([33, 21, 19], "relu", bias=False, dtype=dtype)
        lam = F.margin_annealing(9.0, minimum=1.0)
        used = partial(F.large_margin_softmax, margin=margin, variant=variant, lam=lam)
        simdnn.Trainer(model, loss=used, seed=0).fit(x, y, epochs=2, batch_size=13)
        print(dtype.__name__, variant, margin, loss, digest(*gradients, model.flat_parameters))
"""


def test_levels_have_the_same_bits() -> None:
    levels = [level for level in LEVELS if level in simdnn.show_config("dicts")["isa_available"]]
    printed = [run(BITS, timeout=120, SIMDNN_ISA=level) for level in levels]
    assert all(text == printed[0] for text in printed)


BAD: list[tuple[str, Callable[[Array, Array, Array], Any], type[Exception], str]] = [
    ("margin 5", lambda x, w, y: F.large_margin_softmax(x, w, y, 5), ValueError, "margin: .*1, 2, 3 or 4.*5"),
    ("margin 0", lambda x, w, y: F.large_margin_softmax(x, w, y, 0), ValueError, "margin: .*1, 2, 3 or 4.*0"),
    ("margin 2.5", lambda x, w, y: F.large_margin_softmax(x, w, y, 2.5), ValueError, "margin: .*2.5"),
    ("margin NaN", lambda x, w, y: F.large_margin_softmax(x, w, y, np.nan), ValueError, "margin: .*nan"),
    ("margin text", lambda x, w, y: F.large_margin_softmax(x, w, y, "two"), TypeError, "margin: .*str"),
    (
        "angular margin for arcface",
        lambda x, w, y: F.large_margin_softmax(x, w, y, variant="arcface"),
        ValueError,
        r"margin: .*arcface.*1\.5.*0\.5.*got 4",
    ),
    ("lam < 0", lambda x, w, y: F.large_margin_softmax(x, w, y, lam=-1), ValueError, "lam: .*-1"),
    (
        "lam of steps",
        lambda x, w, y: F.large_margin_softmax(x, w, y, lam=F.margin_annealing()),
        TypeError,
        "lam: .*schedule.*Trainer",
    ),
    (
        "variant",
        lambda x, w, y: F.large_margin_softmax(x, w, y, variant="b"),
        ValueError,
        "variant: 'b'.*arcface",
    ),
    ("scale", lambda x, w, y: F.large_margin_softmax(x, w, y, scale=2.0), ValueError, "scale: .*l_softmax"),
    (
        "scale 0",
        lambda x, w, y: F.large_margin_softmax(x, w, y, 0.1, variant="arcface", scale=0),
        ValueError,
        "scale: .*> 0.*0",
    ),
    (
        "features flat",
        lambda x, w, y: F.large_margin_softmax(x[0], w, y),
        ValueError,
        r"features: .*\(n, 5\)",
    ),
    (
        "features wide",
        lambda x, w, y: F.large_margin_softmax(x[:, 1:], w, y),
        ValueError,
        r"features: .*\(40, 4\)",
    ),
    ("features complex", lambda x, w, y: F.large_margin_softmax(x * 1j, w, y), TypeError, "features: "),
    ("weight flat", lambda x, w, y: F.large_margin_softmax(x, w[0], y), ValueError, r"weight: .*\(7,\)"),
    (
        "weight empty",
        lambda x, w, y: F.large_margin_softmax(x, w[:, :0], y),
        ValueError,
        r"weight: .*\(5, 0\)",
    ),
    ("target short", lambda x, w, y: F.large_margin_softmax(x, w, y[1:]), ValueError, r"target: .*\(40,\)"),
    (
        "target beyond",
        lambda x, w, y: F.large_margin_softmax(x, w, y + 1),
        IndexError,
        r"target\[4\]: class 7",
    ),
    (
        "target negative",
        lambda x, w, y: F.large_margin_softmax(x, w, y - 1),
        IndexError,
        r"target\[0\]: class -1",
    ),
    (
        "target of floats",
        lambda x, w, y: F.large_margin_softmax(x, w, y * 1.0),
        TypeError,
        "target: .*float64",
    ),
    ("probabilities", lambda x, w, y: F.large_margin_softmax(x, w, np.ones((40, 7))), TypeError, "target: "),
    (
        "class_weight",
        lambda x, w, y: F.large_margin_softmax(x, w, y, class_weight=[1.0, -1.0]),
        ValueError,
        "class_weight: .*>= 0",
    ),
    (
        "class_weight short",
        lambda x, w, y: F.large_margin_softmax(x, w, y, class_weight=[1.0, 2.0]),
        ValueError,
        "class_weight: .*7.*2",
    ),
    (
        "reduction",
        lambda x, w, y: F.large_margin_softmax(x, w, y, reduction="max"),
        ValueError,
        "reduction: ",
    ),
    (
        "sample_weight",
        lambda x, w, y: F.large_margin_softmax(x, w, y, sample_weight=np.ones(3)),
        ValueError,
        "sample_weight: ",
    ),
    ("power", lambda x, w, y: F.margin_annealing(power=1.5), TypeError, "power: "),
    ("power is huge", lambda x, w, y: F.margin_annealing(power=10**9), ValueError, "power: .*100"),
    ("minimum", lambda x, w, y: F.margin_annealing(minimum=-1), ValueError, "minimum: .*-1"),
]


@pytest.mark.parametrize(("call", "error", "message"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_input_is_refused(call: Any, error: type[Exception], message: str) -> None:
    x, w, y = sample()
    before = [x.copy(), w.copy(), y.copy()]
    with pytest.raises(error, match=message):
        call(x, w, y)
    assert all(same_bits(a, b) for a, b in zip((x, w, y), before, strict=True))
