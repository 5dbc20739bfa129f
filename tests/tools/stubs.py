"""``python -m tests.tools.stubs --write``: the type stubs that follow from the registries."""

import argparse
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import simdnn
import simdnn.functional as F
from simdnn import _core, nn, optim
from simdnn.optim._settings import OPTIONS, Argument, argument_of

from .stub_text import (
    definition,
    literal,
    literal_aliases,
    parameter_list,
    value_text,
    with_imports,
)

COMMAND = "python -m tests.tools.stubs --write"
PACKAGE = Path(simdnn.__file__).parent
SOURCE = Path(__file__).parents[2] / "python" / "simdnn"
#: Names that simdnn.functional exports.
PUBLIC: list[str] = vars(F)["__all__"]
NOTICE = f"# Written by `{COMMAND}` from the registries.\n"

#: Second results by the flag that asks for them.
RESULTS = {"return_grad": "tuple[Any, NDArray[Any]]", "return_slope": "tuple[Any, Any]"}
#: Results of functions that differ from their annotations.
SPECIAL_RESULTS = {"large_margin_softmax": "tuple[Any, tuple[NDArray[Any], NDArray[Any]]]"}
RETURNS = {"margin_annealing": "Schedule"}
#: A metric, which refuses the flag.
WITHOUT_GRADIENT = {"zero_one_loss"}
#: Parameters of functions in front of ufuncs that are not numbers.
WORDS = {"approximate": literal(["none", "tanh"])}
#: An array for beta asks for its gradient too.
SWISH_BACKWARD = """@overload
def swish_backward(dy: ArrayLike, x: ArrayLike, /, beta: float = 1.0, **ufunc_keywords: Any) -> Any: ...
@overload
def swish_backward(
    dy: ArrayLike, x: ArrayLike, /, beta: NDArray[Any] | Sequence[Any], **ufunc_keywords: Any
) -> tuple[Any, Any]: ..."""
SUMMED = {row["function"] for row in _core.losses() if row["outputs"] == "summed"}


def functional() -> str:
    """The stub of `simdnn.functional`."""
    aliases: dict[str, str] = {}
    ufuncs = [f"{name}: np.ufunc" for name in PUBLIC if isinstance(getattr(F, name), np.ufunc)]
    functions = [declared(name, aliases) for name in PUBLIC if not isinstance(getattr(F, name), np.ufunc)]
    declarations = [f"_{name} = {value}" for name, value in sorted(aliases.items())]
    body = ["", *declarations, "", *ufuncs, "", *functions]
    return NOTICE + with_imports("\n".join(body) + "\n", numpy=True)


def declared(name: str, aliases: dict[str, str]) -> str:
    """The declarations of a function; the literal types that it uses join the aliases."""
    function = getattr(F, name)
    if name == "swish_backward":
        return SWISH_BACKWARD
    signature, literals = inspect.signature(function), literal_aliases(function)

    def annotation(parameter: inspect.Parameter) -> str:
        if parameter.annotation is parameter.empty:
            return untyped(parameter, front=not literals)
        text = str(parameter.annotation).replace("'", '"')
        if parameter.name == "reduction" and name in SUMMED:
            aliases["SumReduction"] = literal(["none", "mean", "batchmean", "sum"])
            return "_SumReduction"
        for alias in literals.keys() & set(re.findall(r"\w+", text)):
            aliases[alias] = literals[alias]
            text = re.sub(rf"\b{alias}\b", f"_{alias}", text)
        return text

    parameters = parameter_list(signature, annotation)
    if not inspect.isfunction(function) and getattr(_core, name).signature:  # a gufunc
        parameters[-1:-1] = ["*", "axis: int = -1", "out: NDArray[Any] | None = None"]
    returned = signature.return_annotation
    returns = RETURNS.get(name, "Any" if returned is signature.empty else str(returned))
    flag = next((flag for flag in RESULTS if flag in signature.parameters), None)
    if flag is None or name in WITHOUT_GRADIENT:
        return definition(name, parameters, returns)
    text = f"{flag}: bool = False"
    plain = [f"{flag}: Literal[False] = False" if one == text else one for one in parameters]
    asked = [f"{flag}: Literal[True]" if one == text else one for one in parameters]
    pair = definition(name, plain, returns), definition(name, asked, SPECIAL_RESULTS.get(name, RESULTS[flag]))
    return "\n".join(f"@overload\n{one}" for one in pair)


def untyped(parameter: inspect.Parameter, front: bool) -> str:
    """The type of a parameter that the registry describes: a number of a loss, an array before a ufunc."""
    if parameter.kind is parameter.VAR_KEYWORD:
        return "Any"
    return WORDS.get(parameter.name, "ArrayLike" if front else "float")


def activation_layers() -> str:
    """The stub of the activation layers."""
    made = nn._activation.CLASSES
    by_hand = sorted({kind.__name__ for kind in vars(nn._activation)["_BY_HAND"].values()} | {"Activation"})
    imports = [f"from ._elementwise import {name} as {name}" for name in sorted(by_hand, key=isort_key)]
    names = "".join(f'    "{name}",\n' for name in sorted(nn._activation.__all__, key=isort_key))
    classes = {kind.__name__: kind for kind in made.values() if kind.__name__ not in by_hand}
    bodies = [layer(classes[name]) for name in sorted(classes)]
    return (
        NOTICE
        + "\n".join(imports)
        + f"\n\n__all__ = [\n{names}]\n\n"
        + "CLASSES: dict[str, type[Activation]]\nACTIVATIONS: tuple[str, ...]\n\n"
        + "def activation_of(value: str | Activation | None) -> Activation: ...\n"
        + spaced(bodies)
    )


def layer(kind: type) -> str:
    """The class of a row of the registry."""
    parameters = inspect.signature(kind).parameters.values()
    if not parameters:
        return f"class {kind.__name__}(Activation): ..."
    fields = "".join(f"    {parameter.name}: float\n" for parameter in parameters)
    arguments = [f"{one.name}: float = {value_text(one.default)}" for one in parameters]
    init = definition("__init__", ["self", *arguments], "None", "    ")
    return f"class {kind.__name__}(Activation):\n{fields}{init}"


def isort_key(name: str) -> tuple[int, str]:
    """The order of ruff: constants, classes, functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def spaced(classes: list[str]) -> str:
    """Classes with blank lines around those that have a body."""
    text, before = "", True
    for one in classes:
        body = "\n" in one
        text += ("\n" if body or before else "") + one + "\n"
        before = body
    return text


def optimizers() -> str:
    """The stub of `simdnn.optim`."""
    kinds = {kind.__name__: kind for kind in optim.BY_NAME.values()}
    names = "".join(f'    "{name}",\n' for name in sorted(optim.__all__, key=isort_key))
    bodies = spaced([optimizer_class(kinds[name]) for name in sorted(kinds)])
    return NOTICE + with_imports(
        "\nfrom ._arrays import clip_grad_norm_ as clip_grad_norm_\n"
        "from ._arrays import clip_grad_value_ as clip_grad_value_\n"
        "from ._optimizer import Optimizer as Optimizer\n"
        "from ._optimizer import Params\n"
        "from ._options import Options\n"
        "from ._rates import Decay, Rate\n"
        "from ._registry import BY_NAME as BY_NAME\n"
        "from ._registry import from_name as from_name\n"
        "from ._registry import unbound as unbound\n"
        f"\n__all__ = [\n{names}]\n" + bodies
    )


def optimizer_class(kind: Any) -> str:
    """An optimizer with its attributes and its constructor."""
    arguments = {name: one for name, one in kind._arguments.items() if name != "lr"}
    lines = []
    for name, one in arguments.items():
        if name == "weight_decay":
            continue
        if name in kind._fixed:
            lines.append(f"    @property\n    def {name}(self) -> {type_of(one)}: ...\n")
        else:
            lines.insert(0, f"    {name}: {type_of(one)}\n")

    def annotation(parameter: inspect.Parameter) -> str:
        special = {"params": "Params", "lr": "Rate", "weight_decay": "Decay", "options": "Unpack[Options]"}
        return special.get(parameter.name) or type_of(arguments[parameter.name])

    parameters = parameter_list(inspect.signature(kind), annotation)
    init = definition("__init__", ["self", *parameters], "None", "    ")
    return f"class {kind.__name__}(Optimizer):\n{''.join(lines)}{init}"


def type_of(argument: Argument) -> str:
    """The type of an argument and its attribute."""
    if argument.kind == "choice":
        return literal(argument.choices)
    names = {"flag": "bool", "bound": "float | None", "pair": "tuple[float, float]"}
    return names.get(argument.kind, "float")


def options() -> str:
    """The stub of the options of every optimizer."""
    presets = ["torch", *sorted({like for kind in optim.BY_NAME.values() for like in kind._presets})]
    fields = "".join(f"    {name}: {type_of(argument_of(name, row))}\n" for name, row in OPTIONS.items())
    return NOTICE + with_imports(
        "\nfrom ._settings import Argument\n\n"
        f"class Options(TypedDict, total=False):\n    like: {literal(presets)}\n{fields}\n"
        "class Setting:\n    argument: Argument\n"
        "    def __init__(self, argument: Argument, fixed: bool = False) -> None: ...\n\n"
        f"class WithOptions:\n{fields}"
    )


#: Stubs by their path in the package.
STUBS: list[tuple[Path, Callable[[], str]]] = [
    (Path(F.__file__).relative_to(PACKAGE).with_suffix(".pyi"), functional),
    (Path("nn/_activation.pyi"), activation_layers),
    (Path("optim/__init__.pyi"), optimizers),
    (Path("optim/_options.pyi"), options),
]


def main(arguments: list[str]) -> int:
    """Compares the stubs, or writes them; returns the number of stubs that differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.stubs", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the stubs that differ")
    write = parser.parse_args(arguments).write
    different = 0
    for path, render in STUBS:
        target, text = SOURCE / path, render()
        if target.is_file() and target.read_text() == text:
            continue
        print(path, "written" if write else "differs")
        different += not write
        if write:
            target.write_text(text)
    return different


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
