"""`export_c`: models to C headers."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from numpy.typing import ArrayLike

from .. import nn
from .._utils.check import check_flag
from .._utils.files import Path, check_ending, check_writable, path_name, write_atomically
from . import _recurrent as _recurrent  # registers its emitter
from ._ensemble import emit
from ._header import header
from ._program import Program, Value
from ._table import Table
from ._test import test_program

if TYPE_CHECKING:
    from ..table import Columns, Target

#: A name of C that begins with a letter.
IDENTIFIER = re.compile(r"[A-Za-z]\w*", re.ASCII)
#: Words that no function may have as its prefix, as the header would not compile.
RESERVED = frozenset(("main", "fma", "fmaf"))


class Sizes(NamedTuple):
    """The memory of an exported model in bytes: constants, working memory, states between calls."""

    constants: int
    work: int
    states: int


def export_c(
    model: nn.Sequential | nn.Predictor | nn.Ensemble,
    path: Path,
    *,
    name: str | None = None,
    exact: bool = True,
    columns: Columns | None = None,
    target: Target | None = None,
    samples: ArrayLike | None = None,
) -> Sizes:
    """Write a model to a C header that computes the model's predictions.

    The header is C99 without dependencies: no allocation, and of the C library only ``fmaf`` and ``fma``. It
    has the weights, a function ``NAME_predict(x, y)``, and samples with their predictions: compiled with
    ``-DNAME_TEST``, the name in capitals, it is a program that compares.

    Parameters
    ----------
    model : Sequential, Predictor or Ensemble
        The model to export.
    path : str or path
        The file to write; an existing one is replaced atomically.
    name : str or None
        The prefix of all names in the header; None is the name of the file.
    exact : bool
        True gives the bits of `Predictor.predict` on every processor. False computes a product and a sum in
        place of each fused multiply-add, for controllers without one; outputs then differ by rounding.
    columns : table.Columns or None
        Preprocessing to include: ``NAME_predict_row(row, y)`` takes a struct with the cells of a row, numbers
        as ``double`` with NaN for missing, text as ``const char *`` with NULL for missing.
    target : table.Target or None
        Postprocessing to include: ``NAME_class(y)``, the name of the most probable class, or
        ``NAME_value(y)``, the number in the target's units.
    samples : array, shape (n, in_features) or, of sequences, (n, time, in_features)
        The samples of the test; None is eight random ones, or with `columns` eight rows of random cells.

    Returns
    -------
    Sizes
        Bytes of the ``constants``, of the memory on the stack for a prediction (``work``), and of the
        ``states`` between calls. The code is a few hundred bytes to 2 kB more, which depends on the compiler.

    Raises
    ------
    TypeError
        If the model is of another class, a layer has no counterpart in C, or columns or target are
        of another class.
    ValueError
        If the name is no name in C, parameters are infinite or NaN, columns or target do not fit the model,
        two columns have one name in C, or a network has the precision bf16, whose float32 copy
        ``model.copy(precision="float32")`` can be exported.
    OSError
        If the file cannot be written, or is no regular file.

    Notes
    -----
    ``NAME_predict(x, y)`` takes one sample, and ``NAME_predict(x, steps, y)`` the time steps of one sequence.
    It returns 0, or -1 if an input selects no entry of an embedding. A model with stateful layers has a first
    argument, a pointer to a ``NAME_state``, which ``NAME_reset`` initializes. Compile with
    ``-ffp-contract=off``.

    Examples
    --------
    >>> import os, tempfile, simdnn
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dense(8, 64, activation="tanh"), nn.Dense(64, 4), rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     simdnn.export_c(model, os.path.join(folder, "controller.h"))
    Sizes(constants=3344, work=272, states=0)
    """
    if not isinstance(model, nn.Sequential | nn.Predictor | nn.Ensemble):
        raise TypeError(
            f"model: expected a Sequential, a Predictor or an Ensemble, got {type(model).__name__}"
        )
    nn.need_full_precision(model, "C")
    prefix = checked_name(path, name)
    exact = check_flag("exact", exact)
    table = Table(columns, target)
    table.check(model)
    check_ending("path", path, ".h")
    check_writable(path)
    program = compiled(model)
    test = test_program(program, model, exact, table, samples)
    text = header(prefix, path_name(path), program, model, exact, table, test)
    write_atomically(path, text.encode())
    return sizes(program)


def checked_name(path: Path, name: str | None) -> str:
    """The prefix of the header's names."""
    if name is None:
        name = re.sub(r"\W", "_", os.path.basename(path_name(path)).partition(".")[0], flags=re.ASCII)
        name = name if IDENTIFIER.fullmatch(name) else f"model_{name}"
    elif not isinstance(name, str):
        raise TypeError(f"name: expected a string, got {type(name).__name__}")
    if not IDENTIFIER.fullmatch(name) or name in RESERVED:
        raise ValueError(f"name: expected a name in C such as 'controller', got {name!r}")
    return name


def compiled(model: nn.Sequential | nn.Predictor | nn.Ensemble) -> Program:
    """The program of a model."""
    program = Program(model.dtype)
    y = emit(program, model, Value("row" if model._input.sequence else "x", model.in_features))
    to = f"y + (size_t)t * {y.size}" if model._output.sequence else "y"
    program.call(model._output.sequence, "copy", y, y.size, to)
    return program


def sizes(program: Program) -> Sizes:
    """The bytes of the program's constants and numbers."""
    item = program.dtype.itemsize
    constants = sum(one.size for _, one in program.constants)
    groups = [(sum(one.size for one in states), states) for states in (program.states, program.carried)]
    constants += sum(count for count, states in groups if any(one.any() for one in states))
    (own, _), (carried, _) = groups
    work = item * (program.memory.size + own) + 8 * program.sums
    return Sizes(item * constants, work, item * carried)
