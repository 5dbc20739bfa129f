"""Arithmetics to compute formulas in: float64 arrays, numbers of mpmath, or C++ with sweep.cpp."""

import ctypes
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

Array = np.ndarray[Any, Any]

SOURCE = Path(__file__).resolve().parent / "sweep.cpp"
FLAGS = ["-std=gnu++20", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-shared", "-fPIC"]
VECTORS = ["-O3", "-march=native", "-fopenmp", "-mprefer-vector-width=512"]  # lets sweep.cpp find libmvec
QUAD = ["-DSIMDNN_QUADMATH", "-lquadmath"]


class Double:
    """The functions that formulas use, for float64 arrays."""

    exp, expm1, log, log1p, sqrt = np.exp, np.expm1, np.log, np.log1p, np.sqrt
    tanh, cosh, where, constant = np.tanh, np.cosh, np.where, float

    @staticmethod
    def erfc(x: Any) -> Any:
        from scipy.special import erfc  # few tests need it; scikit-learn depends on it

        return erfc(x)


class Precise:
    """The functions that formulas use, for one number of mpmath in the precision of its context."""

    exp, expm1, sqrt = mpmath.exp, mpmath.expm1, mpmath.sqrt
    tanh, cosh, constant = mpmath.tanh, mpmath.cosh, mpmath.mpf

    @staticmethod
    def where(condition: bool, then: Any, otherwise: Any) -> Any:
        return then if condition else otherwise

    @staticmethod
    def log(x: Any) -> Any:
        return mpmath.log(x) if x >= 0 else mpmath.nan

    @staticmethod
    def log1p(x: Any) -> Any:
        return mpmath.log1p(x) if x >= -1 else mpmath.nan

    @staticmethod
    def erfc(x: Any) -> Any:
        far = abs(x) > 1e9  # mpmath overflows
        return 1 - mpmath.sign(x) if far else mpmath.erfc(x)


class Cpp:
    """The functions that formulas use, which write C++: a line per operation, equal operations once."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def line(self, expression: str) -> "Symbol":
        return Symbol(self, self.names.setdefault(expression, f"t{len(self.names)}"))

    def constant(self, digits: str) -> "Symbol":
        return self.line(f"T(DIGITS({digits}))")

    def where(self, condition: "Symbol", then: Any, otherwise: Any) -> "Symbol":
        return self.line(f"{condition.name} ? {text(then)} : {text(otherwise)}")

    def __getattr__(self, function: str) -> Callable[[Any], "Symbol"]:
        return lambda x: self.line(f"{function}({text(x)})")

    def template(self, name: str, formula: Callable[..., Any], parameters: int) -> str:
        """The C++ function template of a formula."""
        given = [Symbol(self, f"p[{i}]") for i in range(parameters)]
        result = formula(self, Symbol(self, "x"), *given)
        lines = [f"  const auto {symbol} = {expression};" for expression, symbol in self.names.items()]
        head = f"template <class T>\nT {name}(T x, const T* p) {{"
        return "\n".join([head, *lines, f"  return {text(result)};", "}\n"])


def text(value: Any) -> str:
    """The C++ text of a value."""
    if isinstance(value, int):
        return f"T({value})"
    if not isinstance(value, Symbol):
        raise TypeError(f"write {value!r}, which is rounded, as m.constant('...') in the formula")
    return value.name


def operation(pattern: str) -> Callable[..., "Symbol"]:
    """A method that writes the C++ code of an operation."""
    return lambda self, other=0: self.cpp.line(pattern.format(self.name, text(other)))


class Symbol:
    """A value in a formula that is written as C++."""

    def __init__(self, cpp: Cpp, name: str) -> None:
        self.cpp, self.name = cpp, name

    __add__, __radd__ = operation("{0} + {1}"), operation("{1} + {0}")
    __sub__, __rsub__ = operation("{0} - {1}"), operation("{1} - {0}")
    __mul__, __rmul__ = operation("{0} * {1}"), operation("{1} * {0}")
    __truediv__, __rtruediv__ = operation("{0} / {1}"), operation("{1} / {0}")
    __lt__, __gt__ = operation("{0} < {1}"), operation("{0} > {1}")
    __le__, __ge__ = operation("{0} <= {1}"), operation("{0} >= {1}")
    __neg__, __abs__ = operation("-{0}"), operation("fabs({0})")

    def __pow__(self, exponent: int) -> "Symbol":
        return self if exponent == 1 else self * self ** (exponent - 1)


class Worst(ctypes.Structure):
    _fields_ = (("error", ctypes.c_double), ("x", ctypes.c_double))


class Report(ctypes.Structure):
    """Results of sweep.cpp, where the fields are explained."""

    _fields_ = tuple((name, Worst) for name in ("normal", "subnormal", "near_root", "mismatch"))

    def merge(self, other: "Report") -> None:
        """Merges two reports: the larger errors, and the sum of mismatches."""
        mismatches = self.mismatch.error + other.mismatch.error
        for name, _ in self._fields_:
            if getattr(other, name).error > getattr(self, name).error:
                setattr(self, name, getattr(other, name))
        self.mismatch.error = mismatches


class Comparison:
    """The program sweep.cpp, compiled with the formulas of some cases."""

    def __init__(self, chosen: Sequence[Any]) -> None:
        self.names = [case.label for case in chosen]
        header = [
            Cpp().template(case.label, case.formula, len(case.row.get("parameters", {}))) for case in chosen
        ]
        table = ", ".join(f"each<T, {name}<T>>" for name in self.names)
        header.append(f"template <class T>\nconstexpr Formula<T> formulas[] = {{{table}}};\n")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "formulas.hpp").write_text("".join(header))
            self.library = ctypes.CDLL(str(self.build(Path(folder))))

    @staticmethod
    def build(folder: Path) -> Path:
        """Compiles with vectors and libquadmath, if the compiler has them."""
        library = folder / "sweep.so"
        compiler = os.environ.get("CXX", "g++")
        command = [compiler, *FLAGS, f"-I{folder}", str(SOURCE), "-o", str(library)]
        for quad, speed in itertools.product((QUAD, []), (VECTORS, ["-O2"])):
            done = subprocess.run([*command, *speed, *quad], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                break
        else:
            raise SystemExit(done.stderr)
        if not quad:
            print("no libquadmath: float64 is compared with long double", file=sys.stderr)
        return library

    def __call__(self, case: Any, x: Array, y: Array, known: Report) -> Report:
        """The errors of y = f(x) that exceed the given ones."""
        dtype, report = x.dtype.name, Report.from_buffer_copy(known)
        report.mismatch = Worst()
        if dtype == "float16":
            x, y = x.astype(np.float64), y.astype(np.float64)
        getattr(self.library, f"compare_{dtype}")(
            self.names.index(case.label),
            ctypes.c_void_p(x.ctypes.data),
            ctypes.c_void_p(y.ctypes.data),
            ctypes.c_int64(x.size),
            (ctypes.c_double * 2)(*case.parameters(dtype)),
            ctypes.c_double(case.root(dtype)),
            ctypes.byref(report),
        )
        return report
