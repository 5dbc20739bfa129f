"""Random calls, good and bad: none crashes, and errors are documented and change nothing.

``python -m tests.tools.random_calls --calls 100000`` makes that many, and ends with status 1 if one was at
fault. A round of calls follows from `--seed` and its number, which is printed now and then: after a crash
``--begin`` repeats the last rounds.
"""

import argparse
import collections
import inspect
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import simdnn
import simdnn.functional as F

from tests.support.draws import JUNK, Draw
from tests.support.random_calls import ERRORS, OPERATIONS, Call, moderate, state_of
from tests.support.random_networks import random_case
from tests.support.registry import same_bits

Array = np.ndarray[Any, Any]
FUNCTIONS: list[str] = vars(F)["__all__"]
#: Calls of one trainer, and calls of functions, in a round.
CALLS = 20


def random_array(draw: Draw) -> Array:
    """Numbers of any size and type in any layout."""
    shape = tuple(draw.size(0, high) for high in (9, 70, 5)[: draw.size(1, 3)])
    if draw.chance(0.1):
        shape = (draw.size(0, 5000),)
    dtype = draw.pick(["f4", "f4", "f4", "f8", "f8", "f2", "i8", "i1", "?", ">f4", "g"])
    with np.errstate(all="ignore"):
        array = (draw.rng.normal(size=shape) * 10.0 ** draw.size(-3, 3)).astype(dtype)
    return draw.laid_out(array) if draw.chance(0.7) else draw.keep(array)


def argument(draw: Draw, name: str, x: Any) -> Any:
    """A further argument of a function of x."""
    shape = np.shape(x) if draw.chance(0.85) else (3, 2)
    if name in ("target", "y", "labels") and draw.chance(0.5):
        return draw.keep(draw.rng.integers(-1 if draw.chance(0.2) else 0, max(2, *shape[-1:], 2), shape[:-1]))
    if name in ("pieces", "axis"):
        return draw.size(-1, 3)
    if draw.chance(0.1):
        return draw.pick(JUNK)
    found = draw.rng.normal(size=shape).astype(draw.pick(["f4", "f8"]))
    return draw.spoiled(found) if draw.chance(0.1) and found.size else draw.laid_out(found)


def keywords(draw: Draw, function: Any, names: list[str]) -> dict[str, Any]:
    """Some keywords of a function."""
    found: dict[str, Any] = {"rng": 0} if "rng" in names else {}
    for name in names:
        if not draw.chance(0.2) or name in ("rng", "out"):
            continue
        if name in ("return_grad", "training", "return_slope"):
            found[name] = draw.chance(0.7)
        elif name == "reduction":
            found[name] = draw.pick(["mean", "sum", "none", "other"])
        else:
            found[name] = draw.pick(JUNK) if draw.chance(0.3) else draw.pick([0.5, 1.0, 0.1, 2, -1])
    return found


def plain(value: Any) -> Any:
    """A copy of an array in separate, contiguous memory; other values as they are."""
    if isinstance(value, np.ma.MaskedArray):
        return value.copy()
    return np.array(value, order="C") if isinstance(value, np.ndarray) else value


def same_results(a: Any, b: Any) -> bool:
    """True if two results have the same bits."""
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(map(same_results, a, b))
    return same_bits(a, b) if isinstance(a, np.ndarray | float | np.generic) else True


def outputs(draw: Draw, function: Any, arguments: list[Any]) -> Any:
    """Arrays for `out` of a ufunc: new ones, or memory of its arguments."""
    x = arguments[0]
    if not isinstance(x, np.ndarray):
        return None
    way = draw.pick(["new", "same", "shifted", "junk"])
    if way == "junk":
        return draw.pick(JUNK)
    if way == "new" or not x.flags.writeable:
        return np.empty(x.shape, x.dtype)
    memory = np.zeros(x.size + 3, x.dtype)
    arguments[0] = memory[1 : 1 + x.size].reshape(x.shape)
    arguments[0][...] = x
    begin = 1 if way == "same" else draw.size(0, 3)
    return memory[begin : begin + x.size].reshape(x.shape)


def function_call(draw: Draw) -> Call:
    """A random call of a function; its result must not depend on layouts and overlap."""
    name = draw.pick(FUNCTIONS)
    function = getattr(F, name)
    x = random_array(draw)
    parameters = inspect.signature(function).parameters.values()
    required = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD,)]
    optional = [p.name for p in parameters if p.default is not p.empty]
    named: dict[str, Any] = {}
    if isinstance(function, np.ufunc):
        required = required[: function.nin]
    else:
        named = keywords(draw, function, optional)
    arguments: list[Any] = [x, *(argument(draw, one, x) for one in required[1:])][: len(required)]
    takes_out = isinstance(function, np.ufunc) or type(function).__name__ == "Function"
    out = outputs(draw, function, arguments) if takes_out and arguments and draw.chance(0.3) else None
    separate = [plain(one) for one in arguments]
    given = named if out is None else named | {"out": out}

    def check(found: Any) -> None:
        if out is None:
            assert same_results(found, function(*separate, **named))
        elif isinstance(out, np.ndarray):
            assert found is out
            assert same_bits(out, function(*separate, **named, out=np.zeros_like(out)))

    written = [out] if isinstance(out, np.ndarray) else []
    return Call(f"F.{name}", lambda: function(*arguments, **given), False, check, ERRORS, False, written)


def fault_of(call: Call, draw: Draw, state: Callable[[], Any]) -> tuple[str, str]:
    """The outcome of a call, the name of an exception or "ok"; and a description of what is wrong, or ""."""
    before, written = state(), [array.tobytes() for array in call.written]
    try:
        result = call.run()
    except call.errors as error:
        outcome = type(error).__name__
        if call.good:
            return outcome, "good arguments are refused\n" + traceback.format_exc()
        if state() != before:
            return outcome, "an error has changed the trainer\n" + traceback.format_exc()
        if [array.tobytes() for array in call.written] != written:
            return outcome, "an error has changed the result's memory\n" + traceback.format_exc()
    except Exception as error:
        return type(error).__name__, "undocumented exception\n" + traceback.format_exc()
    else:
        outcome = "ok"
        if call.still and state() != before:
            return outcome, "the call has changed the trainer"
        try:
            call.check(result)
        except Exception:
            return outcome, "wrong result\n" + traceback.format_exc()
    return outcome, "an argument was written to" if draw.changed() else ""


def calls_of_round(draw: Draw, folder: Path) -> Iterator[tuple[Call, Callable[[], Any]]]:
    """The calls of a trainer, and of functions; each with the state that an error must not change."""
    simdnn.set_num_threads(draw.pick([1, 2, 3]))
    case = random_case(draw)
    for _ in range(CALLS):
        if not moderate(case.model.flat_parameters):
            case = random_case(draw)
        draw.forget()
        yield draw.pick(OPERATIONS)(draw, case, folder), lambda case=case: state_of(case.trainer)
    for _ in range(CALLS):
        draw.forget()
        yield function_call(draw), lambda: None


def random_calls(seed: int, begin: int, count: int, most: int = 20, progress: bool = False) -> Any:
    """Makes calls until there are enough of them or of faults; returns counts of outcomes, and the faults."""
    counts: collections.Counter[str] = collections.Counter()
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for number in range(begin, begin + -(-count // (2 * CALLS))):
            if progress and number % 50 == 0:
                print(f"round {number}", file=sys.stderr, flush=True)
            draw = Draw(seed, number)
            try:
                for call, state in calls_of_round(draw, Path(folder)):
                    outcome, fault = fault_of(call, draw, state)
                    counts[outcome] += 1
                    if fault:
                        faults.append(f"round {number}, {call.name}: {fault}")
            except Exception:  # in a good call before the one that is counted
                faults.append(f"round {number}: a preparation failed\n{traceback.format_exc()}")
            if len(faults) >= most:
                break
    simdnn.set_num_threads(None)
    return counts, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--begin", type=int, default=0, help="number of the first round")
    parser.add_argument("--most", type=int, default=20, help="faults after which it ends")
    given = parser.parse_args()
    counts, faults = random_calls(given.seed, given.begin, given.calls, given.most, progress=True)
    print(*faults, sep="\n")
    print(f"{counts.total()} calls, {len(faults)} faults: {dict(counts)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
