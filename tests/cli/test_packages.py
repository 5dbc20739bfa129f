"""Missing packages: one error before any work, whose command installs all of them."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from simdnn._utils.extras import DISTRIBUTIONS, LARGER
from simdnn.cli import _packages
from simdnn.demo import _digits

Run = Callable[..., tuple[int, list[str], str]]
PROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.fixture
def without(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that runs a command in a folder with a table, without some packages."""
    Path("t.csv").write_text("a,y\n" + "".join(f"{i},{i / 2}\n" for i in range(20)))
    Path("t.parquet").write_bytes(b"")

    def call(packages: str, *arguments: str) -> tuple[int, list[str], str]:
        for name in packages.split():
            monkeypatch.setitem(sys.modules, name, None)
        found = run(*arguments)
        assert sorted(path.name for path in Path().iterdir()) == ["t.csv", "t.parquet"]
        return found

    return call


TRAIN = "train t.csv --target y --out m.safetensors"
CASES = [
    ("matplotlib safetensors", f"{TRAIN} --report r.html", "matplotlib", "safetensors", "simdnn[io,plot]"),
    ("sklearn safetensors", TRAIN, "scikit-learn and safetensors", "simdnn[tabular]", "--plain trains"),
    ("skops", f"{TRAIN} --preset best", "--preset best needs skops", "simdnn[tabular]"),
    ("safetensors matplotlib", f"{TRAIN} --plain", "train needs safetensors: ", "simdnn[io]"),
    ("pyarrow safetensors", f"{TRAIN} --plain".replace(".csv", ".parquet"), "simdnn[table]"),
    (
        "pyarrow matplotlib sklearn",
        f"{TRAIN} --report r.html".replace(".csv", ".parquet"),
        "scikit-learn, pyarrow and matplotlib",
        "simdnn[plot,table,tabular]",
    ),
    (
        "sklearn threadpoolctl",
        "compare t.csv --target y",
        "scikit-learn and threadpoolctl",
        "simdnn[tabular]",
    ),
    (
        "threadpoolctl xgboost lightgbm",
        "compare t.csv --target y --models xgboost,LightGBM",
        "xgboost, lightgbm and threadpoolctl",
        "'simdnn[tabular]' xgboost lightgbm",
    ),
    ("safetensors pyarrow", "predict m.safetensors t.parquet", "simdnn[table]"),
    ("safetensors onnx", "export m.safetensors --onnx m.onnx", "simdnn[io,onnx]"),
    ("safetensors", "info m.safetensors", "simdnn[io]"),
    (
        "sklearn tqdm matplotlib",
        "demo --plot d.png",
        "scikit-learn, tqdm and matplotlib",
        "simdnn[demo,plot]",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[1].split()[0]} without {case[0]}")
def test_one_error_names_all_missing_packages(case: tuple[str, ...], without: Run) -> None:
    packages, command, *parts = case
    status, shown, errors = without(packages, *command.split())
    assert (status, shown) == (2, [])
    assert re.fullmatch(r"error: simdnn .* needs .*: pip install .*\n", errors), errors
    for part in parts:
        assert part in errors


def test_a_bag_in_a_file_needs_the_packages_of_the_bag(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
    pytest.importorskip("sklearn", reason="needs the extra [sklearn]: scikit-learn")
    Path("t.csv").write_text("a,y\n" + "".join(f"{i},{i / 2}\n" for i in range(20)))
    options = ["--preset", "fast", "--members", "2", "--quiet", "--out", "m.safetensors"]
    assert run("train", "t.csv", "--target", "y", *options)[0] == 0
    for name in ("sklearn", "pyarrow", "onnx"):
        monkeypatch.setitem(sys.modules, name, None)
    for arguments, names, extras in (
        (["predict", "m.safetensors", "t.parquet"], "scikit-learn and pyarrow", "table,tabular"),
        (["export", "m.safetensors", "--onnx", "m.onnx"], "scikit-learn and onnx", "onnx,tabular"),
        (["info", "m.safetensors"], "scikit-learn", "tabular"),
    ):
        status, shown, errors = run(*arguments)
        assert (status, shown) == (2, [])
        assert errors.endswith(f" needs {names}: pip install 'simdnn[{extras}]'\n")


@pytest.mark.skipif(not PROJECT.exists(), reason="needs the source tree")
def test_the_extras_have_these_packages() -> None:
    tomllib = pytest.importorskip("tomllib")
    extras = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    names = {extra: {re.split(r"[<>=;]", one)[0] for one in listed} for extra, listed in extras.items()}
    groups = [
        getattr(_packages, name) for name in ("FILES", "TABULAR", "TREES", "PAGES", "GRAPHS", "PARQUET")
    ]
    for module, extra in (pair for group in (*groups, _digits.PACKAGES) for pair in group.items()):
        assert DISTRIBUTIONS.get(module, module) in names[extra]
    for small, larger in LARGER.items():
        for extra in larger:
            assert names[small] <= names[extra]
