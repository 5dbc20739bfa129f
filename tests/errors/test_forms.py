"""Every public function takes an array in any form with equal bits, or refuses it by the argument's name."""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from tests.errors.calls import CALLS, WITHOUT, Call
from tests.support.draws import frozen, unaligned
from tests.support.processes import without_sanitizer
from tests.support.registry import same_bits
from tests.support.sweep import times

Array = np.ndarray[Any, Any]

every_call = pytest.mark.parametrize("name", CALLS)


def test_every_function_has_a_call() -> None:
    assert set(vars(F)["__all__"]) - WITHOUT <= CALLS.keys()


def field(array: Array) -> Array:
    """A copy in a field of packed records."""
    records = np.zeros(array.shape, np.dtype([("before", "u1"), ("own", array.dtype)]))
    records["own"] = array
    return records["own"]


class Derived(np.ndarray[Any, Any]):
    """A subclass of NumPy's arrays without anything of its own."""


#: Forms that hold the same numbers.
ALIKE: dict[str, Callable[[Array], Any]] = {
    "reversed": lambda a: a[::-1].copy()[::-1],
    "of every third column": lambda a: np.repeat(a, 3, axis=-1)[..., 1::3],
    "of every second row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "in Fortran's order": np.asfortranarray,
    "in the other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "at an odd address": unaligned,
    "in a field of records": field,
    "read-only": frozen,
    "of a subclass": lambda a: a.view(Derived),
    "with an axis of any stride": lambda a: np.lib.stride_tricks.as_strided(
        a[np.newaxis], (1, *a.shape), (10**6 + 1, *a.strides)
    )[0],
}


def assert_same(found: Any, wanted: Any, path: str = "result") -> None:
    """Raises unless two results, which may be nested, have equal bits."""
    if isinstance(wanted, tuple | list):
        assert len(found) == len(wanted)
        for i, (one, other) in enumerate(zip(found, wanted, strict=True)):
            assert_same(one, other, f"{path}[{i}]")
    else:
        native = np.asarray(found)
        assert same_bits(native.astype(native.dtype.newbyteorder("=")), np.asarray(wanted)), path


@every_call
@pytest.mark.parametrize("form", ALIKE)
def test_a_form_with_the_same_numbers_gives_the_same_bits(name: str, form: str) -> None:
    call = CALLS[name]
    wanted = call.function(**{key: value.copy() for key, value in call.arrays.items()})
    for key, value in call.arrays.items():
        given_array = ALIKE[form](value)
        before = np.array(given_array)
        assert_same(call.function(**call.arrays | {key: given_array}), wanted)
        assert np.array_equal(given_array, before), f"{key} has been written to"


def bfloat16(array: Array) -> Any:
    return array.astype(pytest.importorskip("ml_dtypes", reason="needs ml_dtypes").bfloat16)


def nullable(array: Array) -> Any:
    """A table or column of pandas in which a number is missing; pandas makes NaN of it, or an object."""
    pd = pytest.importorskip("pandas", reason="needs pandas")
    values = array.astype(object)
    values.flat[-1] = pd.NA
    return (
        pd.DataFrame(values).convert_dtypes() if array.ndim == 2 else pd.array(list(values), dtype="Float64")
    )


#: Forms of no real numbers.
WRONG: dict[str, Callable[[Array], Any]] = {
    "complex": lambda a: a * (1 + 1j),
    "text": lambda a: a.astype(str),
    "bytes": lambda a: a.astype("S"),
    "objects": lambda a: np.full(a.shape, object()),
    "dates": lambda a: a.astype("i8").astype("M8[s]"),
    "records": lambda a: np.zeros(a.shape, [("a", "f4"), ("b", "f4")]),
    "raw bytes": lambda a: np.zeros(a.shape, "V8"),
    "None": lambda a: None,
    "a dictionary": lambda a: {"x": 1},
    "a function": lambda a: len,
    "text of numbers": lambda a: "1.0",
    "ragged": lambda a: [[1.0], [1.0, 2.0]],
    "a masked array": lambda a: np.ma.array(a, mask=a == a.flat[0]),
    "bfloat16": bfloat16,
    "a missing number": nullable,
}
#: Forms that functions of elements take as NumPy does, and that others refuse.
TAKEN_BY_NUMPY = {"bfloat16", "a masked array"}
#: Arguments that may be left out.
OPTIONAL = {"sample_weight"}


def names(key: str, call: Call) -> str:
    """A pattern of the name of an argument in a message; those of NumPy name the function."""
    if call.by_numpy:
        return rf"ufunc|operand|not supported|inhomogeneous|axis -1|parameter|\b{key}\b"
    return rf"\b{key}\b"


@every_call
@pytest.mark.parametrize("form", WRONG)
def test_what_is_no_array_of_numbers_is_refused_by_name(name: str, form: str) -> None:
    call = CALLS[name]
    for key, value in call.arrays.items():
        if form == "None" and key in OPTIONAL:
            continue
        wrong = WRONG[form](value)
        if form == "a missing number" or (form in TAKEN_BY_NUMPY and call.by_numpy):
            answered_or_refused(call, call.arrays | {key: wrong})
            continue
        with pytest.raises((TypeError, ValueError), match=names(key, call)):
            call.function(**call.arrays | {key: wrong})


#: Forms of other shapes or other numbers: each is answered or refused.
ODD: dict[str, Callable[[Array], Any]] = {
    "empty": lambda a: a[:0],
    "of no columns": lambda a: a[..., :0],
    "of no axes": lambda a: a.flat[0],
    "of one axis more": lambda a: a[np.newaxis],
    "of one axis less": lambda a: a[0],
    "too short": lambda a: a[:-1],
    "too long": lambda a: np.concatenate([a, a]),
    "huge": lambda a: np.lib.stride_tricks.as_strided(a, (2**50, *a.shape[1:]), (0, *a.strides[1:])),
    "of huge rows": lambda a: np.lib.stride_tricks.as_strided(a, (1, 2**50), (0, 0)),
    "NaN": lambda a: np.full(a.shape, np.nan, np.float32),
    "infinite": lambda a: np.full(a.shape, -np.inf, np.float32),
    "the largest numbers": lambda a: np.full(a.shape, 3e38, np.float32),
    "subnormal": lambda a: np.full(a.shape, 1e-45, np.float32),
    "negative integers": lambda a: np.full(a.shape, -(2**62)),
    "large integers": lambda a: np.full(a.shape, 2**64 - 1, np.uint64),
    "booleans": lambda a: a > 0,
    "half precision": lambda a: a.astype(np.float16),
    "long double": lambda a: a.astype(np.longdouble),
    "a list": lambda a: a.tolist(),
}


#: A machine reads all of its samples, however many there are.
ENDLESS = {("BernoulliRBM.fit", "huge")}


def answered_or_refused(call: Call, given_arrays: dict[str, Any]) -> None:
    """Raises unless a call returns or raises a documented error; no argument is written to."""
    kept = {
        key: value.copy()
        for key, value in given_arrays.items()
        if isinstance(value, np.ndarray) and value.size < 10**6
    }
    documented = (TypeError, ValueError, IndexError, MemoryError)
    with np.errstate(all="ignore"), contextlib.suppress(*documented):
        call.function(**given_arrays)
    for key, value in kept.items():
        assert given_arrays[key].tobytes() == value.tobytes(), f"{key} has been written to"


@every_call
@pytest.mark.parametrize(
    "form", [pytest.param(form, marks=[without_sanitizer] if "huge" in form else []) for form in ODD]
)
def test_an_odd_form_is_answered_or_refused(name: str, form: str) -> None:
    call = CALLS[name]
    for key, value in call.arrays.items():
        if (name, form) not in ENDLESS:
            answered_or_refused(call, call.arrays | {key: ODD[form](value)})


DTYPES = st.one_of(
    arrays_of.floating_dtypes(),
    arrays_of.integer_dtypes(),
    arrays_of.unsigned_integer_dtypes(),
    arrays_of.boolean_dtypes(),
    arrays_of.complex_number_dtypes(),
    arrays_of.datetime64_dtypes(),
)
ANY_ARRAY = arrays_of.arrays(DTYPES, arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=13))


@settings(max_examples=times(300, 20_000), deadline=None)
@given(name=st.sampled_from(list(CALLS)), data=st.data())
def test_any_array_is_answered_or_refused(name: str, data: st.DataObject) -> None:
    call = CALLS[name]
    key = data.draw(st.sampled_from(list(call.arrays)))
    answered_or_refused(call, call.arrays | {key: data.draw(ANY_ARRAY)})
