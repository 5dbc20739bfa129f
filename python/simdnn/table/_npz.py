"""The reader of npz files."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib import format as npy

from .._utils.zip_files import check_zip_end
from ._arrays import as_column, check_lengths
from ._cells import Table
from ._hints import point_out_words
from ._request import Request


def read_npz(name: str, request: Request) -> Table:
    """Reads the wanted arrays of an npz file; pickled objects are refused."""
    try:
        with open(name, "rb") as content, np.load(content, allow_pickle=False) as file:
            check_zip_end(content, len(file.files))
            parts = {key: columns_of(key, shape_of(file, key)) for key in file.files}
            names = [column for columns in parts.values() for column in columns]
            wanted = set(request.wanted(name, names))
            arrays = {key: file[key] for key, columns in parts.items() if wanted.intersection(columns)}
    except Exception as error:  # zipfile and zlib have exceptions of their own
        raise ValueError(str(error) if name in str(error) else f"{name}: {error}") from None
    found: Table = {}
    for key, array in arrays.items():
        if array.ndim not in (1, 2):
            raise ValueError(f"{name}: {key}: expected one or two dimensions, got shape {array.shape}")
        each = [array] if array.ndim == 1 else array.T
        for column, values in zip(parts[key], each, strict=True):
            if column in wanted:
                dates = request.dates and values.dtype.kind == "M"
                found[column] = as_column(f"column {column}", values, column in request.text, dates)
    try:
        check_lengths(found)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    for column, values in found.items():
        if values.dtype == object and column not in request.text:
            point_out_words(column, values, request)
    return found


def shape_of(file: Any, key: str) -> tuple[int, ...]:
    """The shape of an array in an npz file, by its header; raises if the array is not there."""
    member = file.zip.getinfo(key if key in file.zip.namelist() else f"{key}.npy")
    with file.zip.open(member) as stream:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape: tuple[int, ...]
        shape, _, dtype = read(stream)
        size = 1 if dtype.hasobject else dtype.itemsize  # a pickled object takes a byte or more
        wanted, there = math.prod(shape) * size, member.file_size - stream.tell()
    if wanted > there:  # before names are made for its columns
        raise ValueError(f"{key}: expected {wanted} bytes for shape {shape}, got {there}")
    return shape


def columns_of(key: str, shape: tuple[int, ...]) -> list[str]:
    """Names of the columns that an array becomes."""
    return [f"{key}.{i}" for i in range(shape[1])] if len(shape) == 2 else [key]
