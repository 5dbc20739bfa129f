"""The start of a program: `import simdnn` imports little, and every public name is there when it is used."""

import json
import subprocess
import sys

import pytest
import simdnn

SUBPACKAGES = ("callbacks", "functional", "init", "io", "losses", "nn", "optim", "schedules", "training")


def run(code: str) -> str:
    """The output of a Python program of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def imported(statement: str) -> set[str]:
    """Modules that a statement imports in a program that has imported NumPy."""
    code = f"import json, sys, numpy; before = set(sys.modules); {statement}\n"
    return set(json.loads(run(code + "print(json.dumps(sorted(set(sys.modules) - before)))")))


def test_import_reads_the_extension_and_the_configuration_alone() -> None:
    found = imported("import simdnn")
    assert {"simdnn", "simdnn._core", "simdnn.config"} <= found
    assert not [name for name in found if name.startswith(tuple(f"simdnn.{name}" for name in SUBPACKAGES))]


@pytest.mark.parametrize("statement", ["import simdnn", "from simdnn import Trainer, functional, nn, optim"])
def test_import_leaves_heavy_modules_out(statement: str) -> None:
    heavy = {
        "argparse",
        "asyncio",
        "concurrent.futures",
        "ctypes.util",
        "email",
        "http",
        "logging",
        "sqlite3",
    }
    heavy |= {
        "matplotlib",
        "onnx",
        "pandas",
        "pyarrow",
        "safetensors",
        "scipy",
        "sklearn",
        "tqdm",
        "unittest",
    }
    heavy |= {
        f"simdnn.{name}"
        for name in ("cli", "demo", "diagnostics", "onnx", "plot", "pretrain", "sklearn", "table")
    }
    assert not heavy & imported(statement)


def test_the_name_that_pytorch_has_for_a_dense_layer_is_explained() -> None:
    with pytest.raises(
        AttributeError, match=r"'simdnn.nn' has no attribute 'Linear'; its name here is Dense"
    ):
        simdnn.nn.Linear  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("backwards", [False, True])
def test_each_name_is_found_at_its_first_use(backwards: bool) -> None:
    names = sorted({*simdnn.__all__, *SUBPACKAGES} - {"plot"}, reverse=backwards)
    missing = f"[name for name in {names} if getattr(simdnn, name) is not getattr(simdnn, name)]"
    assert run(f"import simdnn; print({missing}, set({names}) - set(dir(simdnn)))") == "[] set()\n"
    assert (
        run(f"from simdnn import {', '.join(names)}; print(Trainer.__module__)")
        == "simdnn.training._trainer\n"
    )


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'simdnn' has no attribute 'train'"):
        simdnn.train  # noqa: B018


def test_a_pickle_loads_where_nothing_has_been_imported() -> None:
    dump = "import pickle, simdnn; print(pickle.dumps(simdnn.optim.Adam(lr=0.5)).hex())"
    load = "import pickle, sys; print(pickle.loads(bytes.fromhex({!r})).lr)"
    assert run(load.format(run(dump).strip())) == "0.5\n"
