"""Columns of dates: the numbers that they become are those of Python's calendar."""

import datetime
import itertools
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn import table

Array = np.ndarray[Any, Any]
UTC = datetime.timezone.utc
#: Points in time of 800 years around 1970, leap days and turns of centuries among them.
SPECIAL = [
    "1600-02-29",
    "1900-02-28",
    "1900-03-01",
    "1970-01-01",
    "1999-12-31T23:59:59.999999",
    "2000-02-29T06:30",
]
RANDOM = np.random.default_rng(5).integers(-12 * 10**15, 12 * 10**15, 300)
WHEN = np.concatenate([np.array([*SPECIAL, "2000-02-29T06:30"], "M8[us]"), RANDOM.astype("M8[us]")])


def numbers_of(at: datetime.datetime) -> dict[str, float]:
    """The numbers of a date, by Python's calendar."""
    since = (at - datetime.datetime(1970, 1, 1)) / datetime.timedelta(days=1)
    hour = at.hour + at.minute / 60 + (at.second + at.microsecond / 1e6) / 3600
    parts = {"days": since, "month": at.month, "day": at.day, "weekday": at.weekday(), "hour": hour}
    return {key: float(value) for key, value in parts.items()}


def test_numbers_of_dates_are_those_of_the_calendar() -> None:
    columns = table.Columns.fit({"when": WHEN}, dates=True)
    wanted = [numbers_of(at) for at in WHEN.tolist()]
    parts = {key: np.array([one[key] for one in wanted]) for key in wanted[0]}
    assert columns.features == [f"when: {key}" for key in parts]
    assert (columns.dates, columns.text) == (["when"], [])
    scaled = [(values - values.mean()) / values.std() for values in parts.values()]
    assert np.allclose(columns.transform({"when": WHEN}), np.column_stack(scaled), rtol=0, atol=1e-5)


def test_constant_numbers_of_dates_are_left_out() -> None:
    days = np.arange("2024-01-01", "2024-01-31", dtype="M8[D]")
    columns = table.Columns.fit({"when": days, "same": days[:1].repeat(30)}, dates=True, bins=4)
    assert columns.features == [
        *("when: days (0 to 4)", "when: day (0 to 4)", "when: weekday (0 to 4)"),
        *("when: days", "when: day", "when: weekday", "same: days"),
    ]
    assert (columns.encoded, columns.bins) == (3, 4)


def test_missing_dates_are_zero_and_an_indicator() -> None:
    when = WHEN[:6].copy()
    when[2] = np.datetime64("NaT")
    columns = table.Columns.fit({"when": when}, dates=True, numbers="robust", bins=16)
    x = columns.transform({"when": when})
    assert columns.features[-1] == "when is missing"
    assert x[:, -1].tolist() == [0, 0, 1, 0, 0, 0]
    assert (x[2, :-1] == 0).all()
    assert (columns.transform({"when": [None, None]})[:, -1] == 1).all()
    assert (columns.transform({"when": np.full(2, np.nan)})[:, -1] == 1).all()
    again = table.Columns.from_dict(json.loads(json.dumps(columns.to_dict())))
    assert again.features == columns.features
    assert again.transform({"when": when}).tobytes() == x.tobytes()
    full = table.Columns.fit({"when": WHEN}, dates=True)
    with pytest.warns(UserWarning, match="column when: all values are missing"):
        full.transform({"when": [None]})


def kinds(at: list[Any]) -> dict[str, Any]:
    """One column of dates in the types of several libraries."""
    pa, pd, pl = (pytest.importorskip(name) for name in ("pyarrow", "pandas", "polars"))
    zone = datetime.timezone(datetime.timedelta(hours=5))
    aware = [None if one is None else one.replace(tzinfo=UTC).astimezone(zone) for one in at]
    series = pd.Series(at, dtype="datetime64[us]")
    words = [None if one is None else one.isoformat() for one in at]
    return {
        "datetime64[us]": np.array(at, "M8[us]"),
        "datetime64[ns]": np.array(at, "M8[ns]"),
        "datetime": at,
        "objects": np.array(at, object),
        "datetime with a zone": aware,
        "pandas": series,
        "pandas with a zone": series.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
        "pandas of arrow": series.astype("timestamp[us][pyarrow]"),
        "polars": pl.Series(at),
        "polars with a zone": pl.Series(at).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo"),
        "arrow": pa.array(at),
        "arrow with a zone": pa.chunked_array([pa.array(aware)]),
        "words": words,
        "words of pandas": pd.Series(words, dtype="string"),
        "words of arrow": pa.array(words),
        "words of polars": pl.Series(words),
        "words in UTC": [None if one is None else f"{one}Z" for one in words],
    }


@pytest.mark.parametrize("with_holes", [False, True])
def test_every_kind_of_dates_has_equal_bits(with_holes: bool) -> None:
    at = [datetime.datetime(2020, 2, 28 + i // 2, 7 * i % 24, 30) for i in range(4)]
    given = kinds([*at, None] if with_holes else at)
    wanted = table.Columns.fit({"when": given["datetime64[us]"]}, dates=True, bins=3)
    bits = wanted.transform({"when": given["datetime64[us]"]}).tobytes()
    for kind, values in given.items():
        assert table.Columns.fit({"when": values}, dates=True, bins=3).to_dict() == wanted.to_dict(), kind
        assert wanted.transform({"when": values}).tobytes() == bits, kind


def test_days_of_every_library() -> None:
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    at = [datetime.date(2020, 2, 28), datetime.date(2020, 3, 2), None]
    wanted = table.Columns.fit({"when": np.array(at, "M8[D]")}, dates=True).to_dict()
    for values in (at, pa.array(at), pl.Series(at), ["2020-02-28", "2020-03-02", None]):
        assert table.Columns.fit({"when": values}, dates=True).to_dict() == wanted


def test_dates_in_parts_are_those_of_the_whole() -> None:
    parts = [{"when": [None, None]}, {"when": WHEN[:3]}, {"when": [str(one) for one in WHEN[3:9]]}]
    whole = np.concatenate([np.full(2, "NaT", "M8[us]"), WHEN[:9]])
    options: dict[str, Any] = {"dates": True, "bins": 4, "numbers": "robust"}
    assert (
        table.Columns.fit(parts, **options).to_dict()
        == table.Columns.fit({"when": whole}, **options).to_dict()
    )


CELLS = ["2020-01-31", "2020-02-01", None, None, "unknown", "2020-01-31", "2020-03-01", "2020-03-02"]


@pytest.mark.parametrize("rows", [1, 2, 3, 8])
@pytest.mark.parametrize("text", [[], ["c"]])
@pytest.mark.parametrize("chosen", [None, [0, 1, 5, 6]])
def test_dates_in_some_parts_and_words_in_others_are_words_in_the_whole(
    rows: int, text: list[str], chosen: Any, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    lines = [f"{cell or ''},{i},2020-01-0{i + 1},{cell or ''}" for i, cell in enumerate(CELLS)]
    path.write_text("\n".join(["c,x,d,e", *lines]) + "\n")
    wanted = table.Columns.fit(table.read(path, dates=True), dates=True, rows=chosen)
    assert (wanted.text, wanted.dates) == (["c", "e"], ["d"])
    parts = table.chunks(path, rows=rows, text=text, dates=True)
    found = table.Columns.fit(parts, dates=True, rows=chosen)
    assert found.to_dict() == wanted.to_dict()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for part in parts:
            found.transform(part)
    listed = [{"c": CELLS[i : i + rows]} for i in range(0, len(CELLS), rows)]
    assert (
        table.Columns.fit(listed, dates=True).to_dict()
        == table.Columns.fit({"c": CELLS}, dates=True).to_dict()
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("cells", ["dates", "words", "numbers", "nothing"])
@pytest.mark.parametrize("blank", ["", "NA", None])
@pytest.mark.parametrize("kind", ["objects", "strings", "pandas", "polars", "arrow"])
def test_parts_without_a_value_have_no_kind(kind: str, blank: Any, cells: str) -> None:
    """Words for missing cells, and categories, are words also where a part has no other cells."""
    known: Any = {"dates": ["2020-01-31", "2020-02-01"], "words": ["a", "b"], "numbers": ["1", "2"]}
    if kind == "strings" and blank is None:
        return
    column = [blank, blank, *known.get(cells, [blank] * 2), blank, blank]

    def of(a: int, b: int) -> Any:
        if kind == "objects":
            return {"c": np.array(column, object)[a:b]}
        if kind == "strings":
            return {"c": np.array(column)[a:b]}
        if kind == "pandas":
            return pytest.importorskip("pandas").DataFrame({"c": column}, dtype="category")[a:b]
        if kind == "polars":
            pl = pytest.importorskip("polars")
            return pl.DataFrame({"c": pl.Series(column, dtype=pl.String)})[a:b]
        pa = pytest.importorskip("pyarrow")
        return pa.table({"c": pa.array(column, pa.string()).dictionary_encode()})[a:b]

    for dates in (False, True):
        wanted = table.Columns.fit(of(0, 6), dates=dates).to_dict()
        for ends in ((0, 2, 4, 6), (0, 3, 6), (0, 4, 6), (0, 2, 6), range(7)):
            parts = [of(a, b) for a, b in itertools.pairwise(ends)]
            assert table.Columns.fit(parts, dates=dates).to_dict() == wanted
            assert table.Columns.fit(iter(parts), dates=dates).to_dict() == wanted


def test_parts_that_cannot_be_read_twice_say_so() -> None:
    parts = [{"c": ["2020-01-31", "2020-02-01"]}, {"c": ["soon", "2020-01-31"]}]
    for listed in (parts, parts[::-1]):
        with pytest.raises(ValueError, match=r"^column c: dates in some parts, but text in others: give"):
            table.Columns.fit(iter(listed), dates=True)
    with pytest.raises(ValueError, match=r"^column c: dates .* if the dates are words, or read the column"):
        table.Columns.fit(iter([{"c": WHEN[:2]}, parts[1]]), dates=True)
    assert table.Columns.fit(iter(parts)).text == ["c"]


def test_parts_that_end_after_one_reading_say_so() -> None:
    class Kept:
        def __init__(self, parts: Any) -> None:
            self.parts = iter(parts)

        def __iter__(self) -> Any:
            return self.parts

    parts = [{"c": ["2020-01-31", "2020-02-01"]}, {"c": ["soon", "2020-01-31"]}]
    with pytest.raises(ValueError, match=r"^column c: .* give parts that can be read twice"):
        table.Columns.fit(Kept(parts), dates=True)
    assert table.Columns.fit(Kept(parts)).text == ["c"]


def test_points_in_time_and_words_are_of_two_kinds() -> None:
    parts = [{"c": WHEN[:2]}, {"c": ["soon", "later"]}, {"c": ["2020-01-31"]}]
    with pytest.raises(ValueError, match=r"^column c: dates in the parts before, but text in this one"):
        table.Columns.fit(parts, dates=True)
    with pytest.raises(ValueError, match=r"^column c: text in the parts before, but dates in this one"):
        table.Columns.fit(parts[::-1], dates=True)


def test_words_that_are_no_dates_stay_words() -> None:
    words = ["2020-01-31", "soon", None]
    columns = table.Columns.fit({"a": words, "b": ["2020-02-30", "2020-01-01", None]}, dates=True)
    assert columns.text == ["a", "b"]
    assert table.Columns.fit({"a": ["2020-01-31", "2021-01-31"]}).text == ["a"]


def test_other_values_are_clear_errors() -> None:
    columns = table.Columns.fit({"when": WHEN}, dates=True)
    for values, message in (
        (
            ["2020-01-31", "soon"],
            "column when: row 1 \\(counted from 0\\): 'soon' is not a date such as 2020-01-31",
        ),
        ([1.0], "column when: expected dates, got numbers"),
        (np.array([3], "m8[s]"), "column when: spans of time are not supported"),
        (np.array([10**9], "M8[Y]"), "column when: a date is more than 290,000 years from 1970"),
        (WHEN[:4].reshape(2, 2), r"column when: expected one dimension, got shape \(2, 2\)"),
    ):
        with pytest.raises(ValueError, match=message):
            columns.transform({"when": values})
    with pytest.raises(ValueError, match="column when: dates are not supported"):
        table.Columns.fit({"when": WHEN})
    with pytest.raises(ValueError, match="column when: dates in the parts before, but numbers in this one"):
        table.Columns.fit([{"when": WHEN}, {"when": [1.0]}], dates=True)
    with pytest.raises(TypeError, match="dates: expected True or False"):
        table.Columns.fit({"when": WHEN}, dates="when")


@pytest.mark.parametrize("kind", ["s", "ms", "day", "date64"])
def test_dates_of_arrow_that_microseconds_cannot_count_are_refused(kind: str, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs the extra [table]: pyarrow")
    of_kind = {"day": pa.date32(), "date64": pa.date64()}.get(kind) or pa.timestamp(kind)
    far = {"s": 2**60, "day": 2**31 - 1, "date64": 86_400_000 * 2**36}.get(kind, 2**62)
    given = pa.table({"when": pa.array([0, far], of_kind)})
    with pytest.raises(ValueError, match="column when: a date is more than 290,000 years from 1970"):
        table.Columns.fit(given, dates=True)
    if kind in ("ms", "day"):
        parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra [table]: pyarrow")
        parquet.write_table(given, tmp_path / "far.parquet")
        with pytest.raises(ValueError, match="column when: a date is more than 290,000 years from 1970"):
            table.read(tmp_path / "far.parquet", dates=True)


@pytest.mark.parametrize("order", "<>")
def test_dates_of_either_byte_order(order: str) -> None:
    wanted = table.Columns.fit({"when": WHEN}, dates=True)
    given = {"when": WHEN.astype(f"{order}M8[us]")}
    assert table.Columns.fit(given, dates=True).to_dict() == wanted.to_dict()
    assert wanted.transform(given).tobytes() == wanted.transform({"when": WHEN}).tobytes()


def test_dates_without_a_time_in_utc_name_their_column() -> None:
    east = datetime.timezone(datetime.timedelta(hours=5))
    with pytest.raises(ValueError, match="column when: a date in UTC is not in the years 1 to 9999"):
        table.Columns.fit({"when": [datetime.datetime(1, 1, 1, tzinfo=east)]}, dates=True)
    with pytest.raises(ValueError, match="column when: expected dates in a unit such as seconds"):
        table.Columns.fit({"when": np.array([5], "M8[as]")}, dates=True)


@pytest.mark.parametrize("runtime", ["reference", "onnxruntime"])
def test_dates_are_in_the_graph(runtime: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs the extra [onnx]: onnx")
    import simdnn.onnx
    from onnx.reference import ReferenceEvaluator
    from simdnn import nn

    when = np.append(WHEN, np.datetime64("NaT"))
    data = {"when": when, "x": np.arange(float(len(when)))}
    columns = table.Columns.fit(data, dates=True, numbers="robust", bins=8)
    width = len(columns.features)
    model = nn.Sequential(nn.Dense(width, width, init="identity"), rng=0)
    simdnn.onnx.export(model, tmp_path / "m.onnx", columns=columns)
    feed = {"when": when.astype(np.int64)[:, np.newaxis], "x": data["x"][:, np.newaxis]}
    if runtime == "reference":
        (found,) = ReferenceEvaluator(str(tmp_path / "m.onnx")).run(None, feed)
    else:
        peer = pytest.importorskip("onnxruntime", reason="needs the extra [peers]: onnxruntime")
        session = peer.InferenceSession(str(tmp_path / "m.onnx"), providers=["CPUExecutionProvider"])
        (found,) = session.run(None, feed)
    wanted = columns.transform(data)
    assert np.allclose(found, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("ending", ["npz", "parquet", "csv"])
def test_dates_are_read_from_files(ending: str, tmp_path: Path) -> None:
    path, when = tmp_path / f"data.{ending}", np.append(WHEN[:5], np.datetime64("NaT"))
    if ending == "npz":
        np.savez(path, when=when, day=when.astype("M8[D]"))
    elif ending == "parquet":
        pq = pytest.importorskip("pyarrow.parquet", reason="needs the extra [table]: pyarrow")
        import pyarrow as pa

        arrays = {
            "when": pa.array(when, pa.timestamp("us", "Europe/Berlin")),
            "day": pa.array(when.astype("M8[D]")),
        }
        pq.write_table(pa.table(arrays), path, row_group_size=2)
    else:
        rows = [f"{at},{str(at)[:10]}" for at in when.astype(str).tolist()]
        path.write_text("\n".join(["when,day", *rows]).replace("NaT", ""))
    data = {"when": when, "day": when.astype("M8[D]")}
    wanted = table.Columns.fit(data, dates=True)
    found = table.read(path, dates=True)
    assert table.Columns.fit(found, dates=True).to_dict() == wanted.to_dict()
    assert wanted.transform(found).tobytes() == wanted.transform(data).tobytes()
    if ending == "csv":
        with pytest.warns(UserWarning, match="look like dates"):
            table.read(path)
        return
    with pytest.raises(ValueError, match="column when: dates are not supported"):
        table.read(path)
    if ending == "parquet":
        parts = table.chunks(path, dates=True)
        assert len(parts) == 3
        assert table.Columns.fit(parts, dates=True).to_dict() == wanted.to_dict()
