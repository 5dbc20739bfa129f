"""Activations, softmax and losses as functions of arrays.

Every activation ``f`` comes with ``f_derivative(x)`` = f'(x) and ``f_backward(dy, x)`` = dy f'(x). They are
NumPy ufuncs, or a thin function in front of one where a parameter has a default, so ``out=``, ``where=``,
``dtype=``, broadcasting and any strides work, Dask arrays stay Dask arrays, float32 stays float32, and
float16 is rounded once. `help` of each states its formula, its derivative at the kink, its accuracy and its
source.

New arrays of some megabytes cost more than the arithmetic (the system hands out every page by a fault): reuse
one through ``out=``.
"""

from .. import _core, losses
from . import _grouped, _parametric, _random, _softmax
from ._defaults import documentation, with_defaults

__all__: list[str] = []


def _register() -> None:
    """Fills this module from the registries."""
    functions = globals()
    for row in _core.elementary():
        functions[row["name"]] = getattr(_core, row["name"])
        __all__.append(row["name"])
    for row in _core.activations():
        for suffix, arrays in (("", ("x",)), ("_derivative", ("x",)), ("_backward", ("dy", "x"))):
            name, parameters = row["name"] + suffix, row["parameters"]
            ufunc = getattr(_core, name)
            if parameters:
                plain = getattr(_core, f"{name}_default")
                ufunc = with_defaults(name, arrays, parameters, plain, ufunc, documentation(ufunc))
            functions[name] = ufunc
            __all__.append(name)


_register()
# Some of their functions stand in front of the registry's own.
for _module in (_parametric, _grouped, _random, _softmax, losses):
    for _name in _module.__all__:
        globals()[_name] = getattr(_module, _name)
        __all__.append(_name)
__all__ = sorted(set(__all__))
