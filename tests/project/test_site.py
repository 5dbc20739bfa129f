"""The parts of the documentation that write and check pages: formulas, links, pictures, the reference."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest
from simdnn import _core

from tests.project.test_rooms import ROOMS
from tests.support.processes import ROOT

EXTENSIONS = ROOT / "docs" / "extensions"

pytestmark = pytest.mark.skipif(not EXTENSIONS.is_dir(), reason="the source tree is not next to tests/")


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    """The module of docs/extensions/ that the test names, imported as Sphinx imports it."""
    monkeypatch.syspath_prepend(EXTENSIONS)
    before = set(sys.modules)
    if "from sphinx" in (EXTENSIONS / f"{request.param}.py").read_text(encoding="utf-8"):
        pytest.importorskip("sphinx", reason="needs the extra [docs]: sphinx")
    module = importlib.import_module(request.param)
    for name in set(sys.modules) - before:
        if (EXTENSIONS / f"{name}.py").is_file():
            monkeypatch.delitem(sys.modules, name)
    return module


#: Packages whose public names are those of `simdnn`, of `simdnn.functional` or of the command line.
ELSEWHERE = {
    "c_code",
    "cli",
    "config",
    "demo",
    "functional",
    "io",
    "losses",
    "playground",
    "thinc",
    "training",
}


def uses(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("extension", [name], indirect=True, ids=[name])


@uses("formulas")
@pytest.mark.parametrize("row", _core.activations(), ids=lambda row: row["name"])
def test_each_formula_is_typeset(extension: ModuleType, row: dict[str, str]) -> None:
    for formula in (row["formula"], row["derivative_formula"]):
        text = extension.typeset(formula)
        assert text.count("{") == text.count("}")
        assert text.count(r"\left") == text.count(r"\right")
        assert "*" not in text


@uses("formulas")
@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("x / (1 + |x|)^2", r"\frac{x}{(1 + \left|x\right|)^{2}}"),
        ("1 if x else a", r"\begin{cases}1 & \text{if } x \\ a & \text{otherwise}\end{cases}"),
        ("p -= lr * (g + p)", r"p \leftarrow p - \mathrm{lr} \, (g + p)"),
        ("p -= a - b", r"p \leftarrow p - (a - b)"),
        ("exp(x[i] / T) / sum_j exp(x[j] / T)", r"\frac{e^{x_{i} / T}}{\sum_{j} e^{x_{j} / T}}"),
        ("exp(-x / a)", "e^{-x / a}"),
        ("loss = max(0, m - y x)", r"\mathrm{loss} = \max(0, m - y \, x)"),
        ("2 * sqrt(2 / pi) * x^3", r"2 \sqrt{\frac{2}{\pi}} \, x^{3}"),
        ("a = b c, b = sum_j exp(x[j])", r"a = b \, c,\quad b = \sum_{j} e^{x_{j}}"),
    ],
)
def test_formulas_become_latex(extension: ModuleType, formula: str, latex: str) -> None:
    assert extension.typeset(formula) == latex


@uses("formulas")
@pytest.mark.parametrize("text", ["x and y; both", "max(x", "x = 1 if", "(x", "|x", "x )"])
def test_words_are_no_formulas(extension: ModuleType, text: str) -> None:
    with pytest.raises(ValueError, match=r"not|expected"):
        extension.typeset(text)


@uses("docstrings")
def test_formulas_of_docstrings_are_typeset(extension: ModuleType) -> None:
    """Several equations are aligned, one is not; a paragraph of words stays as it is."""
    pytest.importorskip("sphinx", reason="needs the extra [docs]: sphinx")
    both = extension.converted("f(x) = x\nf'(x) = 1", str)
    assert [*both] == [".. math::", "", r"   f(x) &= x \\[4pt]", "   f'(x) &= 1"]
    alone = extension.converted("p -= lr * g. A step.", str)
    assert [*alone] == [".. math::", "", r"   p \leftarrow p - \mathrm{lr} \, g", "", "A step."]
    assert [*extension.converted("x = y is the law", str)] == ["x = y is the law"]


@uses("docstrings")
def test_a_summary_is_the_first_sentence(extension: ModuleType) -> None:
    pytest.importorskip("sphinx", reason="needs the extra [docs]: sphinx")
    summaries = [extension.summary(function, str) for function in (_core.relu, _core.relu_backward)]
    assert summaries[0] == "Rectified linear unit: the positive part of x"
    assert summaries[1].startswith("Gradient w.r.t. x through relu")


@uses("inventory")
def test_each_public_name_is_in_the_reference(extension: ModuleType) -> None:
    """A package without a page, or a name of `simdnn` without an entry, is missing."""
    pytest.importorskip("sklearn")
    rooms = {room for room in ROOMS if not room.startswith("_")}
    assert rooms <= {*extension.PACKAGES, *ELSEWHERE}, "add a row to PACKAGES of inventory.py"
    places = set(extension.places().values())
    missing = [
        f"{module}.{name}"
        for module in ("simdnn", *(f"simdnn.{name}" for name in ("functional", *extension.PACKAGES)))
        for name in extension.exported(module)
        if not isinstance(getattr(importlib.import_module(module), name), ModuleType | str)
        and f"{module}.{name}" not in places
    ]
    assert not missing, "add the names to TRAINING, FILES or SETTINGS of inventory.py"


@uses("inventory")
def test_each_page_of_the_reference_is_in_the_contents(extension: ModuleType) -> None:
    pytest.importorskip("sklearn")
    contents = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert not [group.file for group in extension.groups() if f"\nreference/{group.file}\n" not in contents]


@uses("links")
def test_broken_links_are_found(extension: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<h1 id="top"></h1><a href="b.html#end"><a href="https://there.org">')
    (tmp_path / "b.html").write_text('<a id="end" href="a.html#top"><img src="none.png"><a href="a.html#no">')
    assert sorted(extension.broken_links(tmp_path)) == ["b.html: a.html#no", "b.html: none.png"]


@uses("figures")
def test_drawings_get_the_colors_for_dark_pages(extension: ModuleType) -> None:
    """Colors of the style become those for a dark background; of other ones light and dark change places."""
    parts = ('<path style="fill: #ffffff; stroke: #123274"/>', '<g id="#p0a"/>', '<image href="x"/>')
    drawing = f'<svg width="1">{"".join(parts)}</svg>'
    dark = extension.darkened(drawing)
    assert extension.DARK.series[0] in dark
    assert "#ffffff" not in dark
    assert "#p0a" in dark
    assert '<image filter="url(#night)"' in dark
    assert extension.twin_of("#fdfdfd") < "#202020"
    assert extension.twin_of("#020202") > "#d0d0d0"
