"""Exported rows of tables: the struct of a row, its encoding, and the class or number of the outputs."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import nn, table

from tests.support.c_programs import COMPILERS, Array, compile_c, every_compiler, needs_compiler, run_test
from tests.support.registry import same_bits

KINDS = ("cat", 'dog"?\\', "M\u00f6we", None, "1", "True")


def pets(rows: int = 300) -> dict[str, Array]:
    """A table with numbers, some of which are missing, words to escape, and many categories."""
    rng = np.random.default_rng(1)
    ages = np.where(rng.random(rows) < 0.1, np.nan, rng.normal(40, 10, rows))
    words = np.array([*KINDS, None], object)[rng.integers(len(KINDS), size=rows)]
    many = np.array([f"w{i}" for i in range(60)], object)[rng.integers(60, size=rows)]
    born = rng.integers(-(2**51), 2**51, rows).view("M8[us]")
    born[::7] = "NaT"
    numbers = {"age": ages, "int": rng.normal(0, 1, rows)}
    return {"kind of": words, **numbers, "many": many, "born": born, "sex": words == "cat"}


#: Options of `table.Columns.fit`.
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "robust": {"numbers": "robust", "binary": True, "min_frequency": 2},
    "bins": {"bins": 8, "numbers": "robust"},
    "many bins": {"bins": 100, "max_one_hot": 100},
}


def model_of(columns: table.Columns, outputs: int, dtype: Any = np.float32) -> nn.Sequential:
    """A network of the columns."""
    width, first = len(columns.features), []
    if columns.embeddings:
        first = [nn.Embedding(columns=columns.embeddings, in_features=width)]
        width = first[0]._output(nn._layer.Shape(width)).features
    if columns.encoded:
        return nn.Sequential(
            *first,
            nn.PiecewiseLinear(width, 16, encoded=columns.encoded, bins=columns.bins, activation="silu"),
            nn.Dense(16, outputs),
            rng=0,
            dtype=dtype,
        )
    return nn.Sequential(*first, nn.Dense(width, 16, "silu"), nn.Dense(16, outputs), rng=0, dtype=dtype)


TARGETS = {
    "classes": table.Target("t", ("a", 'b"', "\u00fc")),
    "number": table.Target("t", (), 3.5, 2.25),
    "clipped": table.Target("t", (), 3.5, 2.25, (3.0, 4.0)),
}


@every_compiler
@pytest.mark.parametrize(
    ("target", "dtype"), [("classes", np.float32), ("number", np.float64), ("clipped", np.float32)]
)
@pytest.mark.parametrize("options", OPTIONS)
def test_rows_are_encoded_as_by_the_columns(
    compiler: str, dtype: Any, target: str, options: str, tmp_path: Path
) -> None:
    columns = table.Columns.fit(pets(), dates=True, **OPTIONS[options])
    model = model_of(columns, TARGETS[target].outputs, dtype)
    simdnn.export_c(model, tmp_path / "pets.h", columns=columns, target=TARGETS[target])
    assert run_test(tmp_path / "pets.h", compiler) == f"0 of {8 * TARGETS[target].outputs} outputs differ\n"


ENCODE = """#include "cells.h"
#include <stdio.h>
int main(void) {
  cells_row row;
  while (fread(&row, sizeof row, 1, stdin) == 1) {
    float x[CELLS_INPUTS];
    if (cells_encode(&row, x) != 0) return 1;
    fwrite(x, sizeof x, 1, stdout);
  }
  return 0;
}
"""


def encoded_in_c(folder: Path, columns: table.Columns, cells: Array) -> Array:
    """The inputs [cells, features] of the cells of a column, eight bytes each."""
    model = nn.Sequential(nn.Dense(len(columns.features), 2), rng=0)
    simdnn.export_c(model, folder / "cells.h", columns=columns)
    (folder / "main.c").write_text(ENCODE)
    compile_c(COMPILERS[0], folder / "main.c", "-o", folder / "main", "-lm")
    done = subprocess.run([folder / "main"], input=cells.tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float32).reshape(len(cells), -1)


@needs_compiler
@pytest.mark.parametrize("dialect", ["c:gnu11", "c:c99", "c++:gnu++17", "c++:gnu++20"])
def test_words_of_c_and_macros_are_names_of_columns(dialect: str, tmp_path: Path) -> None:
    words = "linux unix i386 typeof static_assert thread_local concept co_await char8_t wchar_t xor_eq compl"
    names = [*words.split(), *("static_cast", "requires", "HUGE_VAL", "M_PI", "SIZE_MAX", "assert")]
    columns = table.Columns.fit({name: np.arange(3.0) for name in names})
    model = nn.Sequential(nn.Dense(len(names), 1), rng=0)
    simdnn.export_c(model, tmp_path / "row.h", columns=columns)
    (tmp_path / "use.c").write_text('#include <assert.h>\n#include "row.h"\n')
    language, standard = dialect.split(":")
    command = [COMPILERS[0], f"-std={standard}", "-x", language, "-fsyntax-only", tmp_path / "use.c"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@needs_compiler
def test_dates_are_those_of_the_columns(tmp_path: Path) -> None:
    """Every day of 900 years, leap centuries among them, and times before and after 1970."""
    days = np.arange("1600-01-01", "2500-01-01", dtype="M8[D]").astype("M8[us]")
    dates = np.concatenate([days, days + np.timedelta64(12345678901, "us"), [np.datetime64("NaT")]])
    columns = table.Columns.fit({"day": dates}, dates=True)
    assert np.array_equal(encoded_in_c(tmp_path, columns, dates), columns.transform({"day": dates}))


@needs_compiler
@pytest.mark.parametrize("options", OPTIONS)
def test_numbers_are_those_of_the_columns(options: str, tmp_path: Path) -> None:
    """Numbers of the training data, which are the borders of bins, numbers between them and far outside."""
    known = np.append(np.random.default_rng(0).standard_cauchy(500), np.nan)
    columns = table.Columns.fit({"x": known}, **OPTIONS[options])
    cells = np.concatenate([known, known * 1.01, known * 1e12, np.nextafter(known, 0), [-0.0, 3e38, -3e38]])
    wanted = columns.transform({"x": cells})
    assert same_bits(encoded_in_c(tmp_path, columns, cells), wanted)


@pytest.mark.parametrize(
    ("name", "field"), [("class", "column_class"), ("NULL", "column_NULL"), ("2nd", "column_2nd")]
)
def test_fields_are_names_in_c(name: str, field: str, tmp_path: Path) -> None:
    columns = table.Columns.fit({name: np.arange(3.0)})
    simdnn.export_c(nn.Sequential(nn.Dense(1, 1), rng=0), tmp_path / "net.h", columns=columns)
    assert f"  double {field};\n" in (tmp_path / "net.h").read_text()


@needs_compiler
def test_names_and_words_may_hold_the_prefix_of_the_header(tmp_path: Path) -> None:
    names = ["simdnn_a", "m_a", "SIMDNN_b", "M_b", "xSIMDNN_c", "xM_c", "simdnn_predict", "simdnn_"]
    columns = table.Columns.fit({name: np.arange(3.0) for name in names})
    target = table.Target("y", ("simdnn_yes", "SIMDNN_no"))
    model = nn.Sequential(nn.Dense(len(names), 2), rng=0)
    simdnn.export_c(model, tmp_path / "m.h", columns=columns, target=target)
    fields = ", ".join(f"&row.{name}" for name in names)
    (tmp_path / "main.c").write_text(f"""#include "m.h"
#include <stdio.h>
int main(void) {{
  m_row row;
  const double *cells[] = {{{fields}}};
  for (int i = 0; i < 8; i++) if (cells[i] != (const double *)&row + i) return 1;
  float y[] = {{0, 1}};
  printf("%s\\n", m_class(y));
  return 0;
}}""")
    compile_c(COMPILERS[0], tmp_path / "main.c", "-o", tmp_path / "main", "-lm")
    done = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True)
    assert done.stdout == "SIMDNN_no\n"


PROGRAM = """#include "pets.h"
#include <stdio.h>
int main(void) {
  const char *const words[] = {"cat", "CAT", "1", "1.0", "1.5", "true", "True", "NA", "", NULL, "unseen"};
  for (int i = 0; i < 11; ++i) {
    const pets_row row = {words[i], 1};
    float x[PETS_INPUTS];
    pets_encode(&row, x);
    for (int j = 0; j < PETS_INPUTS; ++j) printf("%g ", (double)x[j]);
    printf("\\n");
  }
  const double numbers[] = {NAN, 1e300, -1e300, INFINITY, 2};
  for (int i = 0; i < 5; ++i) {
    const pets_row row = {"cat", numbers[i]};
    float y[PETS_OUTPUTS];
    printf("%d ", pets_predict_row(&row, y));
  }
  return 0;
}
"""


@needs_compiler
def test_the_training_data_are_known_in_their_own_spelling(tmp_path: Path) -> None:
    words = np.array([" 4", "5.", "-0", "x", "\t7.00 ", " NA ", "  "], object)
    columns = table.Columns.fit({"c": words})
    model = nn.Sequential(nn.Dense(6, 6, init="identity"), rng=0)
    simdnn.export_c(model, tmp_path / "m.h", columns=columns)
    cells = ", ".join(f'"{word}"' for word in words).replace("\t", "\\t")
    (tmp_path / "main.c").write_text(f"""#include "m.h"
#include <stdio.h>
int main(void) {{
  const char *words[] = {{{cells}}};
  for (int i = 0; i < 7; i++) {{
    m_row row = {{words[i]}};
    float y[6];
    m_predict_row(&row, y);
    for (int j = 0; j < 6; j++) printf("%g ", y[j]);
  }}
  return 0;
}}""")
    compile_c(COMPILERS[0], tmp_path / "main.c", "-o", tmp_path / "main", "-lm")
    shown = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout
    assert np.array_equal(np.array(shown.split(), float).reshape(7, 6), columns.transform({"c": words}))


@needs_compiler
def test_words_and_numbers_are_those_of_the_columns(tmp_path: Path) -> None:
    words = np.array(["cat", "1", "True", None], object)
    columns = table.Columns.fit({"kind": words, "n": np.arange(4.0)})
    model = nn.Sequential(nn.Dense(len(columns.features), 2), rng=0)
    simdnn.export_c(model, tmp_path / "pets.h", columns=columns)
    (tmp_path / "main.c").write_text(PROGRAM)
    compile_c(COMPILERS[0], tmp_path / "main.c", "-o", tmp_path / "main", "-lm")
    shown = subprocess.run(
        [tmp_path / "main"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    cells = ["cat", "CAT", "1", "1.0", "1.5", "true", "True", None, None, None, "unseen"]
    wanted = columns.transform({"kind": np.array(cells, object), "n": np.ones(11)})
    found = np.array([line.split() for line in shown[:11]], float)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert shown[11].split() == ["0", "-1", "-1", "-1", "0"]
