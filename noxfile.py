"""Development tasks: `nox -s tests`, `nox -s peers`, `nox -s lint`, `nox -s clang`, `nox -s bench`."""

import nox

nox.options.sessions = ["lint", "tests"]


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
    session.install(".[test]", env={"CXX": "clang++"})
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Formats and types."""
    session.install(".[lint]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    sources = session.run("git", "ls-files", "cpp/*.hpp", "cpp/*.cpp", external=True, silent=True)
    session.run("clang-format", "--dry-run", "--Werror", *str(sources).split())


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmark, beside every peer."""
    session.install(".[peers]")
    session.run("python", "-m", "bench", *session.posargs)
