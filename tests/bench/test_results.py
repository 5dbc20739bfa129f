"""RESULTS.md is updated table by table; the README's table and picture show its numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("bench", reason="bench/ is not in this checkout")
from bench import __main__ as command
from bench import front_page, harness, picture, processor, report, results

MACHINE: Mapping[str, Any] = {
    "date": "2026-01-02T03:04:05+00:00",
    "cpu": "CPU B",
    "caches": ("L1d 32 KiB", "L2 1 MiB"),
    "cpus": 2,
    "isa": "v4",
    "isa_of_peers": None,
    "vectors_of_peers": {},
    "threads": 1,
    "compiler": "GCC 12",
    "versions": {"simdnn": "0.1.0", "NumPy": "2.4"},
}
TEXT = """# Results

About them.

## CPU A

Caches: L2 2 MiB.

### train step

| train step | simdnn | NumPy |
| --- | ---: | ---: |
| 2-16-2 | 1.33 | 38.6 (29.2x) |
| 8-64-4 |  | 73.8 |

2025-01-01, `python -m bench engine`

### losses

A table.

## CPU B

### train step

Old numbers.
"""


def result(group: str, name: str, **median: float) -> harness.Result:
    return harness.Result(harness.Case(group, name, list), rounds=3, disturbed=0.0, median=median)


def stored() -> results.Document:
    return results.Document.parse(results.PATH.read_text())


def test_a_document_survives_parsing() -> None:
    assert results.Document.parse(TEXT).render() == TEXT
    assert stored().render() == results.PATH.read_text()


def test_a_table_is_replaced_and_all_else_is_kept() -> None:
    document = results.Document.parse(TEXT)
    document.update("CPU A", "Caches: L2 2 MiB.", {"train step": "New numbers."})
    start, rest = TEXT.split("| train step |")
    expected = start + "New numbers.\n\n### losses" + rest.split("### losses")[1]
    assert document.render() == expected


def test_a_new_table_and_a_new_processor_come_last() -> None:
    document = results.Document.parse(TEXT)
    document.update("CPU B", "About B.", {"losses": "B's losses."})
    document.update("CPU C", "About C.", {"losses": "C's losses."})
    end = "Old numbers.\n\n### losses\n\nB's losses.\n\n## CPU C\n\nAbout C.\n\n### losses\n\nC's losses.\n"
    assert document.render().endswith(end)
    assert document.sections["CPU A"] == results.Document.parse(TEXT).sections["CPU A"]


def test_rows_are_read_by_name_and_column() -> None:
    rows = results.read_rows(results.Document.parse(TEXT).sections["CPU A"].tables["train step"])
    assert rows == {
        "2-16-2": {"simdnn": "1.33", "NumPy": "38.6 (29.2x)"},
        "8-64-4": {"simdnn": "", "NumPy": "73.8"},
    }


def test_stored_tables_have_ratios_and_no_goals() -> None:
    goal = harness.Case("b", "x", list, goals=(harness.BEST,), note="A note.")
    measured = [
        result("a", "one", simdnn=2.0, NumPy=4.0),
        harness.Result(goal, rounds=3, disturbed=0.5, median={"simdnn": 1.0}),
        result("a", "two", simdnn=150.0),
    ]
    tables = report.stored_tables(measured)
    assert results.read_rows(tables["a"]) == {
        "one": {"simdnn": "2.00", "NumPy": "4.00 (2.00x)"},
        "two": {"simdnn": "150", "NumPy": ""},
    }
    assert results.read_rows(tables["b"]) == {"x": {"simdnn": "1.00"}}
    assert "A note." in tables["b"]
    assert "b x (50%)" in tables["b"]
    assert "goal" not in tables["b"]


def test_runs_with_threads_or_at_a_level_have_tables_of_their_own() -> None:
    assert results.table_name("loss", dict(MACHINE)) == "loss"
    other = {**MACHINE, "threads": 2, "isa_of_peers": "v3"}
    assert results.table_name("loss", other) == "loss, 2 threads, level v3"


def test_a_table_says_where_it_comes_from() -> None:
    line = results.provenance(dict(MACHINE), "python -m bench loss --write")
    wanted = "2026-01-02, `python -m bench loss --write`, level v4, 1 thread, GCC 12, simdnn 0.1.0, NumPy 2.4"
    assert line == f"{wanted}; peers: no limit of\ninstructions"
    assert [results.short(one) for one in ("GCC 12.2.0", "2.13.0+cpu", "3.1")] == ["GCC 12.2", "2.13", "3.1"]
    assert results.about(dict(MACHINE)) == "Caches: L1d 32 KiB, L2 1 MiB. CPUs of the machine: 2."


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a RESULTS.md and a README.md to update, and two cases."""
    for module, name, text in ((results, "RESULTS.md", TEXT), (front_page, "README.md", "No marks here.\n")):
        path = tmp_path / name
        path.write_text(text)
        monkeypatch.setattr(module, "PATH", path)
    cases = [result("train step", "one").case, result("losses", "x").case, result("losses", "y").case]
    monkeypatch.setattr(command, "select_cases", lambda _: cases)
    return tmp_path


def test_only_whole_tables_are_written(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measured = [result("train step", "one", simdnn=1.0), result("losses", "x", simdnn=2.0)]
    command.write(measured, dict(MACHINE), "python -m bench x --write")
    assert "not written: losses, 1 of 2 cases" in capsys.readouterr().err
    sections = results.Document.parse((files / "RESULTS.md").read_text()).sections
    assert sections["CPU A"] == results.Document.parse(TEXT).sections["CPU A"]
    assert list(sections["CPU B"].tables) == ["train step"]
    assert "| one | 1.00 |" in sections["CPU B"].tables["train step"]
    assert (files / "README.md").read_text() == "No marks here.\n"


def test_nothing_is_written_without_a_whole_table(files: Path) -> None:
    command.write([result("losses", "x", simdnn=2.0)], dict(MACHINE), "python -m bench x --write")
    assert (files / "RESULTS.md").read_text() == TEXT


def test_filters_are_alternatives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "MODULES", ("serve", "loss"))
    options = command.make_parser().parse_args(["one sample", "1024 SAMPLES"])
    assert {case.group for case in command.select_cases(options.filter)} == {"one sample", "1024 samples"}


def test_the_readme_shows_the_stored_numbers() -> None:
    page = front_page.PATH.read_text()
    assert front_page.shown_processor(page) in stored().sections
    assert front_page.update(page, stored()) == page, "run python -m bench --write, or edit RESULTS.md alone"


def test_a_row_that_the_readme_lacks_is_named() -> None:
    with pytest.raises(LookupError, match="8-64-64-4, batch 32"):
        front_page.make_table(results.Document.parse(TEXT), "CPU A")


def test_the_picture_shows_the_stored_numbers() -> None:
    shown = front_page.shown_processor(front_page.PATH.read_text())
    bars = picture.read_bars(stored(), shown)
    assert len(bars) == len(picture.NETWORKS) * len(picture.COLORS)
    drawn = picture.PATH.read_text()
    missing = [bar for bar in bars if f">{bar.label}<" not in drawn]
    assert not missing, "run python -m bench.picture"
    assert shown in drawn
    assert picture.PATH.stat().st_size < 60_000


def test_the_picture_can_be_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra [plot]: matplotlib")
    bars = [picture.Bar(network, "NumPy", 2.0, "2.00x") for network in picture.NETWORKS]
    picture.draw(bars, "CPU A").savefig(tmp_path / "picture.svg")


@pytest.mark.parametrize(
    ("vendor", "model", "name"),
    [("AuthenticAMD", 17, "EPYC (Zen 4)"), ("Unheard", 3, "EPYC (family 25 model 3)")],
)
def test_a_processor_is_named_by_its_microarchitecture(
    tmp_path: Path, vendor: str, model: int, name: str
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    first = f"vendor_id : {vendor}\ncpu family\t: 25\nmodel\t\t: {model}\nmodel name\t: EPYC\n"
    cpuinfo.write_text(first + "\nmodel name : another\n")
    for index, (level, kind, size) in enumerate([("1", "Data", "48K"), ("2", "Unified", "2048K")]):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for file, text in (("level", level), ("type", kind), ("size", size)):
            (folder / file).write_text(text + "\n")
    found = processor.read_processor(cpuinfo, tmp_path)
    assert found.name == name
    assert found.caches == ("L1d 48 KiB", "L2 2 MiB")


def test_a_system_that_tells_nothing_has_a_processor(tmp_path: Path) -> None:
    found = processor.read_processor(tmp_path / "none", tmp_path)
    assert found.name == found.product
    assert found.caches == ()
