"""Activations, softmax and losses as functions of arrays.

Every activation ``f`` has a derivative ``f_derivative(x)`` = f'(x) and a backward pass ``f_backward(dy, x)``
= dy f'(x). They are NumPy ufuncs, or thin functions around a ufunc if a parameter has a default value.
Therefore ``out=``, ``where=``, ``dtype=``, broadcasting and any strides work, Dask arrays stay Dask arrays,
float32 stays float32, and float16 is rounded once. Of a masked array, functions of single elements compute
all elements and keep the mask; functions over rows or groups, and losses, refuse it. Functions over rows also
refuse a DataFrame, of which pandas would give them the columns. `help` of each function states its formula,
its derivative at kinks, its accuracy and its source.

Allocating a new array of some megabytes takes longer than the arithmetic, because the operating system maps
each of its pages on first use: reuse an array through ``out=``.
"""

from .. import _core, losses
from . import _grouped, _parametric, _policy, _random, _softmax
from ._defaults import documentation, with_defaults

__all__: list[str] = []


def _register() -> None:
    """Adds the functions of the C++ registries to this module."""
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
# Some of these functions replace the registry's function of the same name: they wrap it.
for _module in (_parametric, _grouped, _random, _softmax, _policy, losses):
    for _name in _module.__all__:
        globals()[_name] = getattr(_module, _name)
        __all__.append(_name)
__all__ = sorted(set(__all__))
