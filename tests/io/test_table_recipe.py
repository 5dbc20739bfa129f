"""Robust scaling, positions among quantiles, and the other options of a recipe for tables."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from simdnn import table
from simdnn.table import _quantiles

NAN = float("nan")
Array = NDArray[Any]
RNG = np.random.default_rng(23)

#: Columns of numbers with ties, heavy tails, holes and scales far from 1.
NUMBERS: dict[str, Array] = {
    "normal": RNG.normal(size=1000),
    "heavy": RNG.standard_cauchy(1000),
    "counts": RNG.poisson(0.3, 1000).astype(float),
    "mostly zero": np.where(RNG.random(1000) < 0.9, 0.0, RNG.normal(size=1000)),
    "tiny": RNG.normal(size=1000) * 1e-300,
    "large": RNG.uniform(-1e38, 1e38, 1000),
    "holes": np.where(RNG.random(1000) < 0.4, np.nan, RNG.exponential(size=1000)),
    "years": RNG.integers(1990, 2020, 1000).astype(float),
    "two values": RNG.integers(0, 2, 1000) * 3.5,
    "shifted": RNG.normal(size=1000) + 1e9,
}


def words(*cells: Any) -> Array:
    return np.array([*cells, None], object)[:-1]


def robust(x: Array, training: Array) -> Array:
    """The formula of robust scaling with smooth clip, in float64."""
    known = training[~np.isnan(training)]
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    scale = high - low if high > low else (known.max() - known.min()) / 2
    z = (x - middle) / scale
    return np.where(np.isnan(x), 0.0, z / np.sqrt(1 + (z / 3) ** 2))


def codes(x: Array, edges: Array) -> Array:
    """Piecewise-linear codes [rows, bins], by the formula of Gorishniy et al. 2022."""
    return np.clip((x[:, np.newaxis] - edges[:-1]) / (edges[1:] - edges[:-1]), 0, 1)


def edges_of(training: Array, bins: int) -> Array:
    """Quantiles of the distinct numbers, by NumPy."""
    distinct = np.unique(training[~np.isnan(training)])
    return np.asarray(np.quantile(distinct, np.linspace(0, 1, min(bins, len(distinct) - 1) + 1)))


@pytest.mark.parametrize("name", NUMBERS)
def test_robust_scaling_is_that_of_the_formula(name: str) -> None:
    x = NUMBERS[name]
    found = table.Columns.fit({"a": x}, numbers="robust").transform({"a": x})
    assert np.allclose(found[:, 0], robust(x, x), rtol=1e-6, atol=1e-7)
    assert abs(found[:, 0]).max() <= 3
    if np.isnan(x).any():
        assert (found[:, 1] == np.isnan(x)).all()


@pytest.mark.parametrize("bins", [1, 2, 7, 16, 100])
@pytest.mark.parametrize("name", NUMBERS)
def test_codes_of_positions_are_those_of_the_formula(name: str, bins: int) -> None:
    x = NUMBERS[name]
    columns = table.Columns.fit({"a": x}, bins=bins)
    edges = edges_of(x, bins)
    span = edges[-1] - edges[0]
    new = np.concatenate([x, edges, [edges[0] - span, edges[-1] + span, edges[0], NAN]])
    position = columns.transform({"a": new})[:, 0].astype(np.float64)
    assert (columns.encoded, columns.bins) == (1, len(edges) - 1)
    wanted = codes(np.where(np.isnan(new), -np.inf, new), edges)
    found = np.clip(position[:, np.newaxis] - np.arange(columns.bins), 0, 1)
    # float64 is scarce where numbers are close together far from 0, float32 where bins are many.
    narrow = np.abs(edges).max() / np.diff(edges).min()
    assert np.allclose(found, wanted, rtol=0, atol=1e-5 + 8 * narrow * 2.0**-53)
    assert np.array_equal(position[np.isnan(new)], np.zeros(np.isnan(new).sum()))


def test_positions_stand_before_all_inputs() -> None:
    data = {
        "kind": words("x", "y", "z"),
        "a": np.array([1.0, 2, 4]),
        "c": np.ones(3),
        "b": np.array([3, NAN, 0.0]),
    }
    columns = table.Columns.fit(data, bins=4)
    assert columns.features == [
        *("a (0 to 2)", "b (0 to 1)"),
        *("kind=x", "kind=y", "kind=z", "a", "c", "b", "b is missing"),
    ]
    assert columns.encoded == 2
    assert columns.transform(data)[:, :2].tolist() == [[0, 1], [1, 0], [2, 0]]
    plain = table.Columns.fit(data).transform(data)
    assert np.array_equal(columns.transform(data)[:, 2:], plain)
    many = table.Columns.fit({"kind": words(*map(str, range(40))), "a": np.arange(40.0)}, bins=4)
    assert many.embeddings == {1: (41, 13)}


def test_ties_take_no_bins_from_other_numbers() -> None:
    x = np.concatenate([np.zeros(10_000), np.arange(1.0, 101)])
    columns = table.Columns.fit({"a": x}, bins=10)
    assert np.allclose(columns.transform({"a": np.arange(0, 101, 10.0)})[:, 0], np.arange(11))


@pytest.mark.parametrize(
    "values", [np.full(9, 0.1), np.full(9, NAN), 0.1 * (1 + np.arange(9) % 2 * 2.0**-52)]
)
def test_constant_columns_have_no_bins(values: Array) -> None:
    columns = table.Columns.fit({"a": values, "b": np.arange(9.0)}, numbers="robust", bins=16)
    assert columns.encoded == 1
    assert abs(columns.transform({"a": values, "b": np.arange(9.0)})[:, 1]).max() <= 2.0**-53


def test_a_column_of_few_positive_numbers_is_scaled_by_half_its_range() -> None:
    x = np.array([0.0] * 90 + [4.0] * 10)
    found = table.Columns.fit({"a": x}, numbers="robust").transform({"a": x})
    assert np.allclose(np.unique(found), [0, 2 / np.sqrt(1 + 4 / 9)])


OPTIONS: dict[str, Any] = {"numbers": "robust", "bins": 8, "binary": True, "min_frequency": 2}


def mixed(rows: int) -> dict[str, Array]:
    """A table of numbers with ties and holes, and of words."""
    rng = np.random.default_rng(rows)
    return {
        "x": rng.normal(size=rows),
        "n": np.where(rng.random(rows) < 0.1, np.nan, rng.poisson(2, rows)),
        "sex": np.array(["female", "male"], object)[rng.integers(0, 2, rows)],
        "id": np.array([str(i) for i in rng.integers(0, 3 * rows, rows)], object),
    }


@pytest.mark.parametrize("most", [64, 2**17])
@pytest.mark.parametrize("rows", [1, 7, 100, 5000])
def test_a_table_in_parts_is_the_whole_table(rows: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_quantiles, "MOST_KEPT", most)
    monkeypatch.setattr(_quantiles, "SEGMENT", 100)
    data = mixed(1000)
    parts = [{name: x[at : at + rows] for name, x in data.items()} for at in range(0, 1000, rows)]
    whole = table.Columns.fit(data, **OPTIONS)
    assert table.Columns.fit(parts, **OPTIONS).to_dict() == whole.to_dict()


def test_quantiles_of_a_sample_are_near_those_of_all_numbers() -> None:
    x = np.random.default_rng(0).normal(size=1_000_000)
    (part,) = table.Columns.fit({"a": x}, numbers="robust", bins=16).parts
    assert (part.edges[0], part.edges[-1]) == (x.min(), x.max())
    ranks = np.searchsorted(np.sort(x), part.edges) / len(x)
    assert abs(ranks - np.linspace(0, 1, 17)).max() < 0.005  # four standard deviations of a sample of 65,536
    assert abs(part.center) < 0.02
    assert abs(part.scale / 1.349 - 1) < 0.02


def test_two_categories_are_minus_one_and_one() -> None:
    data = {"sex": words("f", "m", "f"), "hole": words("x", None, "x"), "three": words("p", "q", "r")}
    columns = table.Columns.fit(data, binary=True)
    assert columns.features[:2] == ["sex (f or m)", "hole (x or (missing))"]
    new = {"sex": words("m", "f", "new"), "hole": words(None, "x", "x"), "three": words("p", "p", "p")}
    assert columns.transform(new)[:, :2].tolist() == [[1, 1], [-1, -1], [0, -1]]


def test_rare_categories_train_the_input_of_unknown_ones() -> None:
    kind = words(*["a"] * 5, *["b"] * 3, "c", "d")
    columns = table.Columns.fit({"kind": kind}, min_frequency=2)
    assert columns.features == ["kind=a", "kind=b", "kind=(other)"]
    assert columns.transform({"kind": words("d", "new", "a")}).tolist() == [[0, 0, 1], [0, 0, 1], [1, 0, 0]]
    embedded = table.Columns.fit({"kind": kind}, min_frequency=2, max_one_hot=1)
    assert embedded.embeddings == {0: (3, 3)}
    assert embedded.transform({"kind": words("d", "new", "b")})[:, 0].tolist() == [2, 2, 1]


def test_ten_thousand_categories() -> None:
    ids = words(*map(str, range(10_000)))
    every = table.Columns.fit({"id": ids}, max_one_hot=10_000, max_categories=10_000)
    assert len(every.features) == 10_000
    assert np.array_equal(
        every.transform({"id": ids[:50]}).argmax(axis=1), [every.features.index(f"id={i}") for i in range(50)]
    )
    none = table.Columns.fit({"id": ids}, min_frequency=2)
    assert none.features == ["id=(other)"]
    assert (none.transform({"id": ids}) == 1).all()


def test_options_are_saved() -> None:
    data = mixed(500)
    columns = table.Columns.fit(data, **OPTIONS)
    description = json.loads(json.dumps(columns.to_dict()))
    assert description["version"] == 2
    again = table.Columns.from_dict(description)
    assert again.features == columns.features
    assert again.transform(data).tobytes() == columns.transform(data).tobytes()
    assert isinstance(table.Columns.fit(data).to_dict(), list)  # the first version of the format
    with pytest.raises(ValueError, match="expected version 2 or older, got 3"):
        table.Columns.from_dict(description | {"version": 3})
    numbers = {"name": "a", "mean": 0, "scale": 1, "missing": False}
    for edges in ([1.0], [1.0, 1.0], [2.0, 1.0], [0.0, NAN]):
        with pytest.raises(ValueError, match="edges: "):
            table.Columns.from_dict([numbers | {"edges": edges}])


REFUSED: dict[str, tuple[type[Exception], dict[str, Any], str]] = {
    "another scaling": (
        ValueError,
        {"numbers": "minmax"},
        "numbers: 'minmax' is not known; known: ",
    ),
    "a scaling by number": (TypeError, {"numbers": 1}, "numbers: expected a name"),
    "no bins": (ValueError, {"bins": 0}, "bins: expected an integer from 1 to 1024, got 0"),
    "half a bin": (TypeError, {"bins": 0.5}, "bins: expected an integer"),
    "no rows of a category": (ValueError, {"min_frequency": 0}, "min_frequency: "),
    "a word for a flag": (TypeError, {"binary": "yes"}, "binary: expected True or False"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_options_are_refused(name: str) -> None:
    kind, options, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        table.Columns.fit({"a": np.arange(3.0)}, **options)


FITTED = table.Columns.fit({"a": np.arange(9.0), "b": words(*"pqrpqrpqr")}, numbers="robust", bins=4)


def coded(values: Any) -> Array:
    """The inputs of rows with these values of column a."""
    return FITTED.transform({"a": values, "b": ["p"] * len(values)})


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "an infinite number in training": (
        lambda: table.Columns.fit({"a": [1.0, np.inf]}, numbers="robust", bins=4),
        "column a: row 1 \\(counted from 0\\) is infinite",
    ),
    "an infinite number": (
        lambda: FITTED.transform({"a": [0, np.inf], "b": ["p", "q"]}),
        "column a: row 1 \\(counted from 0\\) is inf",
    ),
    "a number beyond float32": (
        lambda: FITTED.transform({"a": [1e39], "b": ["p"]}),
        r"column a: row 0 \(counted from 0\) holds 1e\+39",
    ),
    "a word among numbers": (
        lambda: FITTED.transform({"a": ["x"], "b": ["p"]}),
        "column a: row 0 \\(counted from 0\\): 'x' is not a num",
    ),
    "a column of dates": (
        lambda: FITTED.transform({"a": np.array(["2020-01-01"], "M8[s]"), "b": ["p"]}),
        "column a: dates are not supported",
    ),
    "a missing column": (lambda: FITTED.transform({"a": [1.0]}), "column 'b' is missing"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_values_are_clear_errors(name: str) -> None:
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_masked_columns_are_refused() -> None:
    masked = np.ma.masked_array([1.0, 2.0], [False, True])
    with pytest.raises(TypeError, match="column a: a masked array"):
        table.Columns.fit({"a": masked}, bins=4)


def test_predictions_are_clipped_to_the_seen_range_if_wanted() -> None:
    y = {"y": np.array([1.5, -2.0, 9.0])}
    outputs = np.array([[-100.0], [0.0], [100.0], [NAN]])
    free = table.Target.fit(y, "y", "regression")
    assert free.seen is None
    assert free.restore(outputs)[2] > 9
    assert "seen" not in free.to_dict()
    clipped = table.Target.fit([y, {"y": [4.0]}], "y", "regression", clip=True)
    again = table.Target.from_dict(json.loads(json.dumps(clipped.to_dict())))
    for target in (clipped, again):
        found = target.restore(outputs)
        assert found[[0, 2]].tolist() == [-2.0, 9.0]
        assert np.isclose(found[1], 3.125)
        assert np.isnan(found[3])
    assert table.Target.fit({"y": words("a", "b")}, "y", clip=True).seen is None
    with pytest.raises(ValueError, match=r"seen\[0\] <= seen\[1\]"):
        table.Target.from_dict(clipped.to_dict() | {"seen": [1, 0]})


def test_a_share_of_categories_counts_as_unknown() -> None:
    data = {"kind": words(*map(str, range(40))), "a": np.arange(40.0), "two": words(*"pq" * 20)}
    columns = table.Columns.fit(data, bins=4, max_one_hot=10)
    ((at, (size, _)),) = columns.embeddings.items()
    many = {name: np.tile(values, 250) for name, values in data.items()}
    plain, hidden = columns.transform(many), columns.transform(many, unknown=0.1, rng=3)
    changed = plain != hidden
    assert np.flatnonzero(changed.any(axis=0)).tolist() == [at]
    assert (hidden[changed] == size - 1).all()
    assert 0.085 < changed[:, at].mean() < 0.115  # five standard deviations of 10,000 draws
    assert np.array_equal(columns.transform(many, unknown=0.1, rng=3), hidden)
    assert not np.array_equal(columns.transform(many, unknown=0.1, rng=4), hidden)
    share: Any
    for share, kind in ((1.0, ValueError), (-0.1, ValueError), ("all", TypeError)):
        with pytest.raises(kind, match="unknown: expected"):
            columns.transform(data, unknown=share)
