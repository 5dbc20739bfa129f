"""The structure of the sources: includes, uses of threads and Python, compilation."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import ROOT

pytestmark = pytest.mark.skipif(
    not (ROOT / "cpp").is_dir(), reason="the source tree is not next to tests/: nothing to look at"
)

CPP = ROOT / "cpp"
SOURCES = sorted(path for path in CPP.rglob("*") if path.suffix in (".hpp", ".cpp"))

#: Layers from the bottom up; a file may include its own layer and those below.
LAYERS = ["base", "simd", "math", "ops", "loops", "kernels", "dispatch", "threads", "net", "bindings"]
#: Layers that are compiled once per instruction set, each in a separate namespace.
LEVEL_CODE = ("simd", "math", "ops", "loops")

every_source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(CPP)))


def name_of(path: Path) -> str:
    return path.relative_to(CPP).as_posix()


def layer_of(path: Path) -> str:
    """The folder below cpp/, or the name of a file that is directly in it."""
    return path.relative_to(CPP).parts[0].split(".")[0]


def includes(path: Path) -> list[Path]:
    """The files of the project that a file includes."""
    found = re.findall(r'^\s*#\s*include "([^"]+)"', path.read_text(), re.MULTILINE)
    return [(path.parent / name).resolve() for name in found]


def system_includes(path: Path) -> list[str]:
    return re.findall(r"^\s*#\s*include <([^>]+)>", path.read_text(), re.MULTILINE)


@every_source
def test_includes_point_one_way(path: Path) -> None:
    for included in includes(path):
        name = name_of(included)
        assert included.is_file(), f"{name} does not exist"
        assert layer_of(path) != "threads" or layer_of(included) in ("base", "threads"), (
            f"threads/ includes base/ alone, not {name}"
        )
        assert LAYERS.index(layer_of(included)) <= LAYERS.index(layer_of(path)), (
            f"{name_of(path)} must not include {name}: {' <- '.join(LAYERS)}"
        )


@every_source
def test_kernels_are_not_included_around_the_table(path: Path) -> None:
    """Code above kernels.* calls kernels only through the table."""
    if LAYERS.index(layer_of(path)) <= LAYERS.index("kernels") if layer_of(path) in LAYERS else True:
        return
    for included in includes(path):
        assert layer_of(included) not in LEVEL_CODE, f"{name_of(path)} includes {name_of(included)}"


@every_source
def test_openmp_is_in_threads(path: Path) -> None:
    if layer_of(path) == "threads" or name_of(path) == "bindings/openmp.cpp":
        return
    assert not re.search(r"#\s*pragma omp|omp\.h|\bomp_\w+\(", path.read_text())


@every_source
def test_python_is_in_the_bindings(path: Path) -> None:
    if layer_of(path) == "bindings":
        return
    foreign = [name for name in system_includes(path) if re.match(r"Python\.h|numpy/|pybind11/", name)]
    assert not foreign
    assert not re.search(r"\bPy[A-Z]\w+\(|\bpy::", path.read_text())


@every_source
def test_the_lock_of_the_interpreter_is_released_under_a_guard(path: Path) -> None:
    """A daemon thread that asks for the lock at the end of the program would abort it."""
    guard = name_of(path).startswith("bindings/exit_guard.")
    assert guard or "gil_scoped_release" not in path.read_text(), "use WithoutGil"


@every_source
def test_code_of_a_level_calls_no_library_function(path: Path) -> None:
    """Inline functions of the standard library would be merged across levels."""
    if layer_of(path) not in LEVEL_CODE:
        return
    allowed = {"cstddef", "cstdint", "immintrin.h", "arm_neon.h"}
    assert set(system_includes(path)) <= allowed
    text = re.sub(r"//.*", "", path.read_text())
    assert not set(re.findall(r"\bstd::(\w+)", text)) - {
        "int32_t",
        "int64_t",
        "uint8_t",
        "uint16_t",
        "uint32_t",
        "uint64_t",
        "size_t",
        "ptrdiff_t",
    }
    assert "SIMDNN_LEVEL_BEGIN" in text


@pytest.mark.parametrize(
    "flag",
    [
        "-ffast-math",
        "-Ofast",
        "-funsafe-math-optimizations",
        "-ffp-contract=fast",
        "-march=native",
        "-fassociative-math",
        "-freciprocal-math",
    ],
)
def test_no_flag_changes_the_arithmetic(flag: str) -> None:
    files = [ROOT / "CMakeLists.txt", ROOT / "cpp" / "CMakeLists.txt", ROOT / "pyproject.toml", *SOURCES]
    assert not [str(path) for path in files if flag in path.read_text()]


def test_contraction_is_off() -> None:
    assert "-ffp-contract=off" in (ROOT / "cpp" / "CMakeLists.txt").read_text()


@every_source
def test_files_are_short_and_say_what_they_are(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= 450
    assert path.suffix == ".cpp" or lines[0].startswith("// "), (
        "a header begins with one line that says what it is"
    )


@pytest.mark.parametrize(
    "path",
    [path for folder in ("python", "tests", "bench") for path in sorted((ROOT / folder).rglob("*.py"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_python_files_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 450


@pytest.mark.parametrize(
    "path", sorted((ROOT / "python" / "simdnn").glob("*.py")), ids=lambda path: path.name
)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert re.match(r'"""\S', path.read_text()) or path.name == "_version.py"


#: Folders at the top of the repository; a file there is a setting of a tool or a text in capitals.
FOLDERS = {".ci", ".github", "bench", "cpp", "docs", "examples", "python", "tests"}
FILES = re.compile(r"\.[a-z-]+(\.yaml)?|[A-Z]+(\.md)?|CMakeLists\.txt|noxfile\.py|pyproject\.toml")


def test_the_top_of_the_repository_has_no_other_files() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs the repository and git")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)
    paths = listed.stdout.splitlines()
    assert {path.split("/")[0] for path in paths if "/" in path} == FOLDERS
    assert not [path for path in paths if "/" not in path and not FILES.fullmatch(path)]
