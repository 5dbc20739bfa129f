"""The page of a training: complete, self-contained, escaped, and equal for equal trainings."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn import cli as command_line
from simdnn import nn, plot, save

pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
pytest.importorskip("sklearn", reason="needs the extra [sklearn]: scikit-learn")
pytest.importorskip("matplotlib", reason="needs the extra [plot]: matplotlib")

TRAIN = ["train", "t.csv", "--target", "y", "--out", "m.safetensors", "--preset", "fast", "--members", "2"]
#: Elements without an end.
VOID = {"meta", "source", "img", "rect"}


class Outline(HTMLParser):
    """Collects tags, headings and links of a page; raises if elements do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)


def write(kind: str, rows: int = 120) -> None:
    """A table with a strange name and strange words; y are words or numbers."""
    rng, lines = np.random.default_rng(0), ["<b>a</b>,word,hole,y"]
    for i in range(rows):
        a, word = rng.normal(), ["<script>", "&amp;", "ä"][i % 3]
        y = f"{3 * a + (i % 3):.3f}" if kind == "numbers" else ["<yes>", "no"][a + i % 3 > 1]
        lines.append(f"{a:.4f},{word},,{y}")
    Path("t.csv").write_text("\n".join(lines) + "\n")


def page(kind: str, *options: str) -> tuple[str, Outline]:
    write(kind)
    assert command_line.main([*TRAIN, "--quiet", "--report", "report.html", *options]) == 0
    text, outline = Path("report.html").read_text(), Outline()
    outline.feed(text)
    assert not outline.open
    return text, outline


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", ["words", "numbers"])
def test_the_page_has_every_part(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, outline = page(kind)
    assert "The report is in report.html." in capsys.readouterr().out
    assert outline.headings == [
        "y: a model of 120 rows",
        "Results",
        "The data",
        "Training",
        "Errors",
        "Importance of the columns",
        "The rows with the largest errors",
        "How to use the model",
    ]
    assert sum(tag == "img" for tag, _ in outline.tags) == 3
    text = " ".join(outline.text)
    for word in (
        "constant guess",
        "linear model",
        "<b>a</b>",
        "simdnn predict m.safetensors",
        "tabular.load",
    ):
        assert word in text
    assert ("log loss" if kind == "words" else "RMSE") in text


def rows_of(text: str, heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without tags."""
    part = text.split(f"<h2>{heading}</h2>")[1].split("</table>")[0]
    rows = re.findall("<tr>(.*?)</tr>", part)
    return [[re.sub("<.*?>", "", one) for one in re.findall("<t[hd].*?</t[hd]>", row)] for row in rows]


def test_errors_have_the_sign_of_the_residuals(capsys: pytest.CaptureFixture[str]) -> None:
    """The largest errors are actual - predicted, as in the plot; large numbers have commas, no exponent."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=200)
    y = 1e6 + 2e5 * a
    y[17] += 3e6
    Path("t.csv").write_text("a,y\n" + "".join(f"{p:.4f},{q:.0f}\n" for p, q in zip(a, y, strict=True)))
    assert command_line.main([*TRAIN, "--quiet", "--report", "report.html"]) == 0
    text = Path("report.html").read_text()
    head, first, *_ = rows_of(text, "The rows with the largest errors")
    assert head[:4] == ["row", "actual", "predicted", "actual - predicted"]
    assert first[0] == "18"
    actual, predicted, residual = (float(one.replace(",", "")) for one in first[1:4])
    assert actual == pytest.approx(y[17], rel=1e-3)
    assert residual == pytest.approx(actual - predicted, abs=2e3)
    assert residual > 2e6
    assert first[3].startswith("+")
    assert "positive where the prediction is too low" in text
    for shown in (capsys.readouterr().out, re.sub(r"base64,[^\"]*", "", text)):
        assert not re.search(r"\de\+", shown)
    constant = dict((row[0], row[1:]) for row in rows_of(text, "Results"))["constant guess"]
    assert re.fullmatch(r"\d{3},\d00", constant[0])


def test_the_page_tells_the_epochs_that_are_kept() -> None:
    text = page("numbers")[0]
    assert "each keeps its epoch of the lowest loss. Losses are mean squared errors in units of" in text
    text = page("words")[0]
    assert "all keep the last epoch of about the highest mean accuracy. Losses are those of smoothed" in text
    assert len({epoch for _, epoch, _ in rows_of(text, "Training")[1:]}) == 1


def test_the_largest_errors_have_equal_decimals() -> None:
    for kind in ("words", "numbers"):
        _, *rows = rows_of(page(kind)[0], "The rows with the largest errors")
        places = [3] if kind == "words" else [1, 2, 3]
        decimals = {row[place].partition(".")[2] for row in rows for place in places}
        assert len({len(one) for one in decimals}) == 1
    assert not re.search(r"\de[+-]", " ".join(" ".join(row[1:4]) for row in rows))


def test_the_two_drawings_of_errors_say_two_things() -> None:
    titles: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plot._style, "title", lambda axes, text: titles.append(text))
        page("numbers")
    _, errors, sizes = dict.fromkeys(titles)
    assert re.fullmatch(r"R² \S+; errors of mean \S+, standard deviation \S+", errors)
    assert re.fullmatch(r"R² \S+; errors of at most \S+ in half of the rows", sizes)


def test_the_page_has_the_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    _, outline = page("words")
    Path("t.csv").write_text("key,a,y\n" + "".join(f"{7 * i},{i % 3},{i % 2}\n" for i in range(60)))
    assert command_line.main([*TRAIN, "--quiet", "--report", "report.html"]) == 0
    again = Outline()
    again.feed(Path("report.html").read_text())
    wanted = "column key: has a different whole number in each row, like an id"
    assert wanted in capsys.readouterr().err
    assert wanted in " ".join(again.text)
    assert wanted not in " ".join(outline.text)


def test_the_page_needs_nothing_else() -> None:
    text, outline = page("words")
    assert not any(tag in ("script", "link", "iframe") for tag, _ in outline.tags)
    for _, attributes in outline.tags:
        for name in ("src", "srcset", "href"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert "http" not in re.sub(r"base64,[^\"]*", "", text)
    assert all(attributes["alt"] for tag, attributes in outline.tags if tag == "img")


def test_narrow_pages_show_what_scrolls_and_wrap_code() -> None:
    text, outline = page("words")
    tables = [i for i, (tag, _) in enumerate(outline.tags) if tag == "table"]
    assert tables
    for i in tables:
        tag, attributes = outline.tags[i - 1]
        assert (tag, attributes["class"]) == ("div", "scroll")
    style = text.split("<style>")[1].split("</style>")[0]
    assert re.search(r"\.scroll \{ scrollbar-width: thin; .* local,", style, re.DOTALL)
    narrow = style.split("@media (max-width: 40rem)")[1]
    assert re.search(r"pre \{ white-space: pre-wrap; overflow-wrap: anywhere; \}", narrow)


def test_pictures_have_dark_twins() -> None:
    text, _ = page("numbers")
    drawings = re.findall(r"base64,([^\"]+)", text)
    assert len(drawings) == len(set(drawings)) == 6
    assert text.count('<source media="(prefers-color-scheme: dark)"') == 3


def test_the_same_seed_draws_the_same_page() -> None:
    found = [re.sub(r">\d+\.\d\d</td></tr>", "", page("words", "--seed", seed)[0]) for seed in "001"]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--report", "t.csv"], "--report: t.csv is read by this command"),
        (["--report", "m.safetensors"], "--report: m.safetensors is the file of --out"),
        (["--report", "no/r.html"], "No such file"),
    ],
)
def test_a_page_that_cannot_be_is_told_before_training(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("words")
    assert command_line.main([*TRAIN, *options]) == 2
    assert message in capsys.readouterr().err
    assert not Path("m.safetensors").exists()


def test_no_page_is_written_over_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    write("words")
    save(nn.Sequential(nn.Dense(1, 1)), "other")
    before = Path("other").read_bytes()
    for command in ([*TRAIN, "--report", "other"], ["predict", "other", TRAIN[1], "--out", "other.txt"]):
        Path("other.txt").write_bytes(before)
        assert command_line.main(command) == 2
        assert f"{command[-2]}: {command[-1]} is a model; write to another file" in capsys.readouterr().err
    assert Path("other").read_bytes() == Path("other.txt").read_bytes() == before


TABLES: dict[str, tuple[str, list[Any]]] = {
    "many classes": ("a,y\n", [f"{i},c{i % 35}\n" for i in range(140)]),
    "an empty column": ("a,b,y\n", [f"{i},,{i / 3}\n" for i in range(40)]),
    "a constant target": ("a,y\n", [f"{i},2.5\n" for i in range(40)]),
    "two rows": ("a,y\n", ["1,p\n", "2,q\n"]),
    "many columns": (
        ",".join(f"c{i}" for i in range(60)) + ",y\n",
        [",".join(str(i * j % 7) for j in range(60)) + f",{i % 2}\n" for i in range(40)],
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TABLES)
def test_odd_tables_have_a_page(name: str) -> None:
    head, rows = TABLES[name]
    Path("t.csv").write_text(head + "".join(rows))
    assert command_line.main([*TRAIN, "--quiet", "--report", "report.html"]) == 0
    outline = Outline()
    outline.feed(Path("report.html").read_text())
    assert "How to use the model" in outline.headings
    assert "nan" not in " ".join(outline.text)
