"""Elementwise functions behave like NumPy's ufuncs: any shape, stride, dtype, output and array type."""

import inspect
import pickle
import platform
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.processes import control_word
from tests.support.registry import ELEMENTWISE, FLOATS, Elementwise, same_bits, spread

Array = np.ndarray[Any, Any]

SIZES = [0, 1, 15, 16, 17, 63, 64, 65, 4096 + 7]

every_function = pytest.mark.parametrize("case", ELEMENTWISE, ids=lambda case: case.name)
every_float = pytest.mark.parametrize("dtype", FLOATS)
every_storage = pytest.mark.parametrize("dtype", [np.float16, *FLOATS])


def sample(n: int, dtype: Any) -> Array:
    return spread(n, dtype, bound=9)


@every_function
def test_is_a_ufunc_that_pickles(case: Elementwise) -> None:
    assert isinstance(case.ufunc, np.ufunc)
    assert case.ufunc.nin == case.arrays + len(case.defaults)
    assert pickle.loads(pickle.dumps(case.ufunc)) is case.ufunc
    assert pickle.loads(pickle.dumps(case.function)) is case.function


@every_storage
@every_function
def test_every_size_computes_each_element_alike(case: Elementwise, dtype: Any) -> None:
    x = sample(max(SIZES), dtype)
    whole = case.function(*case.repeated(x))
    for n in SIZES:
        assert same_bits(case.function(*case.repeated(x[:n])), whole[:n])
    for i in range(0, 97):
        one = case.function(*case.repeated(x[i]))
        assert type(one) is dtype
        assert same_bits(one, whole[i])


@every_storage
@every_function
def test_strides_do_not_change_a_bit(case: Elementwise, dtype: Any) -> None:
    wide = sample(4 * 1030, dtype)
    for step in (2, 3, -1, -2, -3):
        x = wide[::step][:1030]
        wanted = case.function(*case.repeated(x.copy()))
        assert same_bits(case.function(*case.repeated(x)), wanted)
        out = np.full_like(wide, 7)
        case.function(*case.repeated(x), out=out[::step][:1030])
        assert same_bits(out[::step][:1030], wanted)
        assert (out == 7).sum() >= wide.size - 1030
    matrix = wide[: 67 * 61].reshape(67, 61)
    assert same_bits(case.function(*case.repeated(matrix.T)), case.function(*case.repeated(matrix)).T)


@every_float
@every_function
def test_in_place_and_shifted_overlap_read_the_old_values(case: Elementwise, dtype: Any) -> None:
    for n in SIZES:
        wanted = case.function(*case.repeated(sample(n, dtype)))
        x = sample(n, dtype)
        assert case.function(*case.repeated(x), out=x) is x
        assert same_bits(x, wanted)
    for shift in (1, 3, 16):
        x = sample(500, dtype)
        wanted = case.function(*case.repeated(x[:-shift].copy()))
        case.function(*case.repeated(x[:-shift]), out=x[shift:])
        assert same_bits(x[shift:], wanted)
        x = sample(500, dtype)
        wanted = case.function(*case.repeated(x[shift:].copy()))
        case.function(*case.repeated(x[shift:]), out=x[:-shift])
        assert same_bits(x[:-shift], wanted)


@every_function
def test_keywords_of_ufuncs(case: Elementwise) -> None:
    x = sample(100, np.float32)
    wanted = case.function(*case.repeated(x))
    out = np.full(100, 7, np.float32)
    mask = np.arange(100) % 3 == 0
    assert case.function(*case.repeated(x), out=out, where=mask) is out
    assert same_bits(out, np.where(mask, wanted, np.float32(7)))
    wide = case.function(*case.repeated(x), dtype=np.float64)
    parameters = [np.float64(p) for p in case.defaults]
    assert same_bits(wide, case.plain(*case.repeated(x.astype(np.float64)), *parameters))
    assert same_bits(
        case.function(*case.repeated(x), out=np.empty(100, np.float64)).astype(np.float32), wanted
    )
    with pytest.raises(TypeError, match="same_kind"):
        case.function(*case.repeated(x), out=np.empty(100, np.int32))
    frozen = np.empty(100, np.float32)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        case.function(*case.repeated(x), out=frozen)


@every_float
@pytest.mark.parametrize("case", [case for case in ELEMENTWISE if case.defaults], ids=lambda case: case.name)
def test_parameters_broadcast_and_have_defaults(case: Elementwise, dtype: Any) -> None:
    x = sample(33, dtype)
    signature = inspect.signature(case.function)
    names = [name for name in signature.parameters if name not in ("x", "dy", "ufunc_keywords")]
    assert same_bits(
        case.function(*case.repeated(x)), case.ufunc(*case.repeated(x), *map(dtype, case.defaults))
    )
    values = np.array([0.25, 0.5, 1.0, 2.0], dtype)
    others = dict.fromkeys(names[1:], 3.0)  # the upper limit of the clip lies above the lower ones
    table = case.plain(*case.repeated(x), **{names[0]: values[:, None]}, **others)
    each = sample(4, dtype) + dtype(10)
    for value, row in zip(values, table, strict=True):
        assert same_bits(row, case.plain(*case.repeated(x), value, **others))
    wanted = [
        case.plain(*case.repeated(one), value, **others) for one, value in zip(each, values, strict=True)
    ]
    assert same_bits(case.plain(*case.repeated(each), values, **others), np.array(wanted))


@pytest.mark.parametrize("dtype", [np.bool_, *map(np.dtype, "bBhHiIlLqQe")], ids=str)
@every_function
def test_other_dtypes_are_promoted_as_exp_promotes_them(case: Elementwise, dtype: Any) -> None:
    x = np.array([0, 1, 0, 1, 1], dtype)
    wanted = np.exp(x).dtype
    got = case.function(*case.repeated(x))
    assert got.dtype == wanted
    assert same_bits(got, case.function(*case.repeated(x.astype(wanted))))


@every_function
def test_float32_stays_float32_beside_python_scalars(case: Elementwise) -> None:
    x = sample(5, np.float32)
    assert case.function(*case.repeated(x), *case.defaults).dtype == np.float32
    assert case.function(*case.repeated(np.float32(2)), *case.defaults).dtype == np.float32
    assert case.function(*[x, 2.0][: case.arrays], *case.defaults).dtype == np.float32
    assert type(case.function(*case.repeated(2.0))) is np.float64
    assert case.function(*case.repeated([1.0, -2.0])).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128, object, "U1", "M8[s]"], ids=str)
@every_function
def test_what_is_not_a_real_number_is_a_type_error(case: Elementwise, dtype: Any) -> None:
    x = np.array([1, 2]).astype(dtype)
    with pytest.raises(TypeError, match=case.ufunc.__name__):
        case.function(*case.repeated(x))


@every_float
@every_function
def test_unaligned_and_byte_swapped_inputs(case: Elementwise, dtype: Any) -> None:
    x = sample(301, dtype)
    wanted = case.function(*case.repeated(x))
    shifted = np.frombuffer(b"\0" + x.tobytes(), dtype=np.uint8)[1:].view(dtype)
    assert not shifted.flags.aligned
    assert same_bits(case.function(*case.repeated(shifted)), wanted)
    assert same_bits(case.function(*case.repeated(x.astype(x.dtype.newbyteorder()))), wanted)
    out = np.zeros(301 * x.itemsize + 1, np.uint8)[1:].view(dtype)
    case.function(*case.repeated(x), out=out)
    assert same_bits(out, wanted)


@every_storage
@every_function
def test_no_floating_point_warning(case: Elementwise, dtype: Any) -> None:
    limits = np.finfo(dtype)
    x = np.array(
        [0, -0.0, limits.max, -limits.max, limits.smallest_subnormal, np.inf, -np.inf, np.nan] * 5, dtype
    )
    with np.errstate(all="raise"):
        for n in (1, 8, 16, 17, 40):
            case.function(*case.repeated(x[:n]))
            case.function(*case.repeated(x[:n][::-1]))


@settings(deadline=None, derandomize=True, max_examples=15)
@given(data=st.data())
@every_function
def test_any_view_has_the_bits_of_its_copy(case: Elementwise, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([np.float16, *FLOATS]))
    shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    x = sample(int(np.prod(shape)), dtype).reshape(shape)
    axes = data.draw(st.permutations(range(x.ndim)))
    steps = data.draw(st.lists(st.sampled_from([1, 2, -1, -2]), min_size=x.ndim, max_size=x.ndim))
    view = x.transpose(axes)[tuple(slice(None, None, step) for step in steps)]
    if data.draw(st.booleans()):
        view = np.broadcast_to(view, (3, *view.shape))
    assert same_bits(case.function(*case.repeated(view)), case.function(*case.repeated(view.copy())))


@pytest.mark.skipif(platform.system() != "Linux", reason="reads the control word by the C library of Linux")
def test_control_word_is_left_alone() -> None:
    before = control_word()
    tiny = np.full(70, 1e-310)
    for case in ELEMENTWISE:
        case.function(*case.repeated(tiny))
        case.function(*case.repeated(sample(300_000, np.float32)))
        assert control_word() == before
    assert np.all(tiny * 0.5 > 0)


@every_function
def test_dask_arrays_stay_dask_arrays(case: Elementwise) -> None:
    dask_array = pytest.importorskip("dask.array", reason="needs the extra [test]: dask")
    x = sample(1000, np.float32)
    lazy = case.function(*case.repeated(dask_array.from_array(x, chunks=300)))
    assert isinstance(lazy, dask_array.Array)
    assert lazy.dtype == np.float32
    assert same_bits(lazy.compute(), case.function(*case.repeated(x)))


@every_function
def test_pandas_series_stay_series(case: Elementwise) -> None:
    pandas = pytest.importorskip("pandas", reason="needs the extra [peers]: pandas")
    x = pandas.Series(sample(10, np.float32), index=list("abcdefghij"), name="score")
    got = case.function(*case.repeated(x))
    assert isinstance(got, pandas.Series)
    assert list(got.index) == list("abcdefghij")
    assert same_bits(got.to_numpy(), case.function(*case.repeated(x.to_numpy())))
