"""Optional packages: one error that names all missing ones and the command that installs them."""

from __future__ import annotations

import importlib.util
import shlex
from collections.abc import Iterable, Mapping

#: Names of packages by the names of their modules, where they differ.
DISTRIBUTIONS = {"sklearn": "scikit-learn"}
#: The extras that hold all packages of another.
LARGER = {"io": ("table", "tabular"), "sklearn": ("tabular",)}


def missing(modules: Iterable[str]) -> list[str]:
    """The modules that are not installed."""
    return [name for name in modules if importlib.util.find_spec(name) is None]


def need(what: str, packages: Mapping[str, str], otherwise: str = "") -> None:
    """Raises one error for all packages that are missing.

    Parameters
    ----------
    what : str
        The command or function that needs them.
    packages : mapping of str to str
        The extra of simdnn by the name of a module; an empty text if no extra holds its package.
    otherwise : str
        The end of the error, such as a way to do without the packages.

    Raises
    ------
    ImportError
        If a package is not installed.
    """
    absent = missing(packages)
    if not absent:
        return
    names = [DISTRIBUTIONS.get(name, name) for name in absent]
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    wanted = {packages[name] for name in absent} - {""}
    extras = sorted(one for one in wanted if wanted.isdisjoint(LARGER.get(one, ())))
    parts = [f"simdnn[{','.join(extras)}]"] if extras else []
    parts += [name for name, module in zip(names, absent, strict=True) if not packages[module]]
    raise ImportError(f"{what} needs {listed}: pip install {shlex.join(parts)}{otherwise}")
