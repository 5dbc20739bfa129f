"""`export_c`: names, errors, sizes, and the functions of the C library that a header needs."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import nn, table

from tests.support.c_programs import COMPILERS, compile_c, every_compiler, needs_compiler, run_test

CONTROLLER = (nn.Dense(8, 64, "tanh"), nn.Dense(64, 64, "tanh"), nn.Dense(64, 4))
CROSS, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"
ARM, AVR = "arm-none-eabi-gcc", "avr-gcc"


class Strange(nn.Layer):
    """A layer of a kind that has no emitter."""

    _kind = "softmax"


@pytest.mark.parametrize(
    ("model", "settings", "error", "message"),
    [
        ("net", {}, TypeError, "model: expected a Sequential, a Predictor or an Ensemble, got str"),
        (nn.Sequential(nn.ReLU(), Strange(), in_features=3), {}, TypeError, r"layers\[1\]: Strange has no"),
        (nn.Sequential(nn.Dense(2, 2), rng=0), {"name": "2nd"}, ValueError, "name: .*got '2nd'"),
        (nn.Sequential(nn.Dense(2, 2), rng=0), {"name": "main"}, ValueError, "name: .*got 'main'"),
        (nn.Sequential(nn.Dense(2, 2), rng=0), {"name": 3}, TypeError, "name: expected a string, got int"),
        (nn.Sequential(nn.Dense(2, 2), rng=0), {"exact": "no"}, TypeError, "exact: "),
        (
            nn.Sequential(nn.Dense(2, 2), rng=0),
            {"samples": [1.0, 2.0]},
            ValueError,
            "samples: expected shape",
        ),
        (
            nn.Sequential(nn.Dense(2, 2), rng=0),
            {"samples": [["a", "b"]]},
            TypeError,
            "samples: expected real",
        ),
        (
            nn.Sequential(nn.Dense(2, 2), rng=0),
            {"samples": [[0.0, 1e300]]},
            ValueError,
            r"samples: expected numbers that float32 can hold, got 1e\+300",
        ),
        (
            nn.Sequential(nn.Dense(2, 2), rng=0),
            {"columns": {"a": [1.0, 2.0]}},
            TypeError,
            "columns: expected a table.Columns or None, got dict",
        ),
        (
            nn.Sequential(nn.Dense(2, 2), rng=0),
            {"target": "y"},
            TypeError,
            "target: expected a table.Target or None, got str",
        ),
        (
            nn.Sequential(nn.Dense(2, 2), rng=0),
            {"target": table.Target("y", ("a", "b", "c"))},
            ValueError,
            "target: expected 2 outputs, got 3",
        ),
        (
            nn.Sequential(nn.Dense(3, 2), rng=0),
            {"columns": table.Columns.fit({"a": np.arange(3.0)})},
            ValueError,
            "columns: expected 3 features, got 1",
        ),
        (
            nn.Sequential(nn.Dense(2, 2), rng=0),
            {"columns": table.Columns.fit({"a b": np.arange(3.0), "a_b": np.arange(3.0)})},
            ValueError,
            "columns: 'a b' and 'a_b' have one name in C, a_b",
        ),
        (
            nn.Sequential(nn.RNN(1, 2), rng=0),
            {"columns": table.Columns.fit({"a": np.arange(3.0)})},
            ValueError,
            "columns: expected a model without sequences",
        ),
    ],
)
def test_errors_write_nothing(
    model: Any, settings: dict[str, Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        simdnn.export_c(model, tmp_path / "net.h", **settings)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_parameters_are_finite(value: float, tmp_path: Path) -> None:
    model = nn.Sequential(nn.Dense(2, 2), rng=0)
    model.parameters()["0.weight"][0, 0] = value
    with pytest.raises(ValueError, match=r"layers\[0\]: expected finite parameters"):
        simdnn.export_c(model, tmp_path / "net.h")


@every_compiler
@pytest.mark.parametrize("name", ["model.v2.h", "2nd-try.h", "int.h", "\u00fcber.h"])
def test_any_file_name_gives_a_name_in_c(compiler: str, name: str, tmp_path: Path) -> None:
    simdnn.export_c(nn.Sequential(nn.Dense(2, 2), rng=0), tmp_path / name)
    (tmp_path / "use.c").write_text(f'#include "{name}"\n', encoding="utf-8")
    compile_c(compiler, "-fsyntax-only", tmp_path / "use.c")


FILES = [
    "my-model.h",
    "2nd.h",
    "int.h",
    "\u00fcber.h",
    "a b's.h",
    "-x.h",
    "simdnn_net.h",
    "SIMDNN_NET.h",
    "a.txt",
]


@needs_compiler
@pytest.mark.parametrize("name", FILES)
def test_the_command_of_the_test_runs_in_the_folder_of_the_header(name: str, tmp_path: Path) -> None:
    simdnn.export_c(nn.Sequential(nn.Dense(2, 2), rng=0), tmp_path / name)
    text = (tmp_path / name).read_text(encoding="utf-8")
    (command,) = re.findall("^// Test: (cc .*)$", text, re.MULTILINE)
    command = command.replace("cc ", f"{COMPILERS[0]} ", 1)
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout[:5]) == (0, "0 of "), done.stderr


@needs_compiler
@pytest.mark.parametrize("name", ["a\nb.h", "a\u2028b.h", "a\udcffb.h"])
def test_names_of_no_line_stay_out_of_the_header(name: str, tmp_path: Path) -> None:
    try:
        simdnn.export_c(nn.Sequential(nn.Dense(2, 2), rng=0), tmp_path / name)
    except (OSError, UnicodeError):
        pytest.skip("no name of a file of this system")
    (tmp_path / "a.h").write_bytes((tmp_path / name).read_bytes())
    assert " -x c FILE -lm && ./a.out\n" in (tmp_path / "a.h").read_text(encoding="utf-8")
    compile_c(COMPILERS[0], "-fsyntax-only", tmp_path / "a.h")


@needs_compiler
@pytest.mark.parametrize("path", ["my-model.h", "folder/my-model.h"])
def test_the_command_that_is_printed_runs_here(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from simdnn.cli import main

    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    simdnn.save(nn.Sequential(nn.Dense(2, 2), rng=0), "net.safetensors")
    assert main(["export", "net.safetensors", "--c", path]) == 0
    (command,) = re.findall("^test +cc (.*)$", capsys.readouterr().out, re.MULTILINE)
    assert f" -x c {path} -lm" in command
    subprocess.run(f"{COMPILERS[0]} {command}", shell=True, check=True, capture_output=True)


@every_compiler
def test_two_headers_fit_in_one_program(compiler: str, tmp_path: Path) -> None:
    for i, name in enumerate(("actor", "critic")):
        simdnn.export_c(nn.Sequential(*CONTROLLER, rng=i), tmp_path / f"{name}.h")
    (tmp_path / "both.c").write_text('#include "actor.h"\n#include "critic.h"\n#include "actor.h"\n')
    compile_c(compiler, "-c", tmp_path / "both.c", "-o", tmp_path / "both.o")


def test_sizes_are_those_of_the_arrays(tmp_path: Path) -> None:
    model = nn.Sequential(*CONTROLLER, rng=0)
    sizes = simdnn.export_c(model, tmp_path / "net.h")
    assert sizes == (4 * model.flat_parameters.size, 4 * (64 + 64), 0)
    series = nn.Sequential(nn.LSTM(3, 5, stateful=True), rng=0)
    assert simdnn.export_c(series, tmp_path / "net.h").states == 4 * 2 * 5


@every_compiler
@pytest.mark.parametrize(
    ("exact", "allowed"), [(True, {"fmaf", "fma"}), (False, set())], ids=["exact", "rounded"]
)
def test_a_header_needs_fma_alone(compiler: str, exact: bool, allowed: set[str], tmp_path: Path) -> None:
    if shutil.which("nm") is None:
        pytest.skip("needs nm, of the binutils")
    layers = [nn.Dense(8, 64, name) for name in nn.ACTIVATIONS]
    model = nn.Sequential(
        nn.Concatenate(*layers), nn.LayerNorm(), nn.Dense(64 * len(layers), 4), nn.Softmax(), rng=0
    )
    simdnn.export_c(model, tmp_path / "net.h", exact=exact)
    (tmp_path / "use.c").write_text('#include "net.h"\nint (*use)(const float *, float *) = net_predict;\n')
    compile_c(compiler, "-fno-builtin-memcpy", "-c", tmp_path / "use.c", "-o", tmp_path / "use.o")
    done = subprocess.run(["nm", "-u", tmp_path / "use.o"], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) - {"U", "w", "memcpy", "memset", "_GLOBAL_OFFSET_TABLE_"} <= allowed


@pytest.mark.skipif(
    not (shutil.which(CROSS) and shutil.which(EMULATOR)), reason=f"needs {CROSS} and {EMULATOR}"
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_are_those_of_aarch64(dtype: Any, tmp_path: Path) -> None:
    first = nn.Concatenate(*(nn.Dense(6, 5, name) for name in nn.ACTIVATIONS))
    width = 5 * len(nn.ACTIVATIONS)
    models = {
        "dense": nn.Sequential(first, nn.LayerNorm(), nn.Dense(width, 70), nn.Softmax(), rng=0, dtype=dtype),
        "series": nn.Sequential(nn.LSTM(6, 9, return_sequences=True), nn.GRU(9, 5), rng=0, dtype=dtype),
    }
    for name, model in models.items():
        simdnn.export_c(model, tmp_path / f"{name}.h")
        shown = run_test(tmp_path / f"{name}.h", CROSS, "-static", emulator=(EMULATOR,))
        assert shown.startswith("0 of ")


@pytest.mark.skipif(shutil.which(ARM) is None, reason=f"needs {ARM}")
@pytest.mark.parametrize("exact", [True, False])
def test_a_controller_takes_little_code(exact: bool, tmp_path: Path) -> None:
    from simdnn.cli._code import code_size

    for name in ("relu", "tanh", "mish", "gelu"):
        model = nn.Sequential(nn.Dense(8, 64, name), nn.Dense(64, 64, name), nn.Dense(64, 4), rng=0)
        simdnn.export_c(model, tmp_path / "net.h", exact=exact)
        assert code_size(f"{ARM} -mcpu=cortex-m0 -mthumb", str(tmp_path / "net.h")) <= 2048, name


@pytest.mark.skipif(shutil.which(AVR) is None, reason=f"needs {AVR}")
def test_a_rounded_header_compiles_where_double_has_32_bits(tmp_path: Path) -> None:
    layers = (nn.Dense(8, 16, "tanh"), nn.LayerNorm(), nn.Dense(16, 4), nn.Softmax())
    simdnn.export_c(nn.Sequential(*layers, rng=0), tmp_path / "net.h", exact=False)
    (tmp_path / "use.c").write_text('#include "net.h"\nint (*use)(const float *, float *) = net_predict;\n')
    compile_c(AVR, "-mmcu=atmega2560", "-c", tmp_path / "use.c", "-o", tmp_path / "use.o")


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_a_header_is_cpp_too(tmp_path: Path) -> None:
    layers = (
        nn.LSTM(5, 9, stateful=True, mask_value=0.0),
        nn.Dense(9, 4, "gelu"),
        nn.LayerNorm(),
        nn.Softmax(),
    )
    simdnn.export_c(nn.Sequential(*layers, rng=0), tmp_path / "net.h")
    (tmp_path / "net.cpp").write_text('#define NET_TEST\n#include "net.h"\n')
    command = [
        "g++",
        "-std=c++17",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-O2",
        "-ffp-contract=off",
        "net.cpp",
        "-o",
        "net",
    ]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run([tmp_path / "net"], check=True, capture_output=True)


@needs_compiler
def test_the_command_prints_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from simdnn.cli import main

    simdnn.save(nn.Sequential(*CONTROLLER, rng=0), tmp_path / "net.safetensors")
    arguments = ["export", str(tmp_path / "net.safetensors"), "--c", str(tmp_path / "net.h")]
    assert main([*arguments, "--cc", COMPILERS[0]]) == 0
    shown = capsys.readouterr().out
    assert "19,984 bytes" in shown
    assert "512 bytes" in shown
    assert f"code ({COMPILERS[0]})" in shown
    assert run_test(tmp_path / "net.h", COMPILERS[0]).startswith("0 of ")
    assert main([*arguments, "--cc", "no-such-compiler"]) == 2
    assert main([*arguments, "--onnx", str(tmp_path / "net.onnx")]) == 2
