"""The rows of an ``.npy`` file, read when they are asked for."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from .._utils.files import path_name


class NpyRows:
    """An array in a file, of which only the wanted rows are read; the file is not mapped into memory."""

    def __init__(self, name: str, path: Any) -> None:
        self.name, self.path = name, path_name(path, name)
        with open(self.path, "rb") as file:
            try:
                version = npy.read_magic(file)
                read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                self.shape, fortran, self.dtype = read(file)
            except ValueError as error:
                raise ValueError(f"{name}: {self.path}: {error}") from None
            self.begin = file.tell()
            stored = file.seek(0, os.SEEK_END) - self.begin
            file.seek(0)
            self.header = file.read(self.begin)
        if self.dtype.hasobject:
            raise ValueError(f"{name}: {self.path}: expected numbers, got pickled objects")
        if fortran and len(self.shape) > 1:
            raise ValueError(
                f"{name}: {self.path}: the columns are stored one after the other (Fortran order), but blocks"
                " are rows: save np.ascontiguousarray(array)"
            )
        if not self.shape:
            raise ValueError(f"{name}: {self.path}: expected rows, got shape ()")
        self.row_bytes = int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize
        if stored < self.row_bytes * self.shape[0]:
            raise ValueError(f"{name}: {self.path}: the file ends before its {self.shape[0]} rows do")

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        begin, end, _ = rows.indices(self.shape[0])
        found = np.empty((end - begin, *self.shape[1:]), self.dtype)
        with open(self.path, "rb") as file:
            if file.read(self.begin) != self.header:
                raise ValueError(
                    f"{self.name}: {self.path}: the file is another than the one that was opened, of"
                    f" {self.dtype} {self.shape}"
                )
            file.seek(self.begin + begin * self.row_bytes)
            read = file.readinto(found.reshape(-1).view(np.uint8).data) if found.nbytes else 0
        if read != found.nbytes:
            raise ValueError(f"{self.name}: {self.path}: the file has become shorter")
        return found
