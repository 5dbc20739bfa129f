"""Tables that are read in chunks and need not fit into memory: rows to train on, and inputs to predict."""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from simdnn import data
from simdnn._utils.check import check_int

#: The size of a file, in bytes, from which on it is read in chunks, and the rows of such a chunk.
LARGE, CHUNK_ROWS = 2**30, 65_536


def add_chunk_rows(parser: argparse.ArgumentParser) -> None:
    """Adds the option that decides how a table is read."""
    parser.add_argument(
        "--chunk-rows",
        type=int,
        metavar="N",
        help="read the table in chunks of N rows, a Parquet file by row groups, so that it need not fit into"
        f" memory; 0 reads it at once (default: {CHUNK_ROWS} for files from {LARGE // 2**30} GiB on, else 0)",
    )


def chunk_rows(o: argparse.Namespace) -> int:
    """Rows of a chunk of the table; 0 if it is read at once."""
    if o.chunk_rows is None:
        large = os.path.getsize(o.data) >= LARGE and not o.data.lower().endswith(".npz")
        return CHUNK_ROWS if large else 0
    return check_int("--chunk-rows", o.chunk_rows, 0)


class Spool:
    """Encoded rows in ``.npy`` files, which are written block by block and then read as blocks."""

    def __init__(self, folder: str, name: str, rows: int) -> None:
        self.paths = [os.path.join(folder, f"{name}-{kind}.npy") for kind in ("x", "y")]
        self.rows, self.files = rows, [open(path, "wb") for path in self.paths]  # noqa: SIM115
        self.begun = False

    def add(self, *arrays: NDArray[Any]) -> None:
        """Writes rows of the inputs and of the targets."""
        for file, array in zip(self.files, arrays, strict=True):
            if not self.begun:
                shape = (self.rows, *array.shape[1:])
                described = {"descr": npy.dtype_to_descr(array.dtype), "fortran_order": False, "shape": shape}
                npy.write_array_header_1_0(file, described)
            file.write(np.ascontiguousarray(array).data)
        self.begun = True

    def blocks(self, rows: int) -> Any:
        """The rows as blocks, or None if there are no rows."""
        return data.from_arrays(*self.paths, rows=rows) if self.begun else None

    def close(self) -> None:
        """Ends the writing."""
        for file in self.files:
            file.close()


def spooled(folder: str, blocks: Any, held_out: NDArray[np.bool_], rows: int) -> tuple[Any, Any]:
    """Blocks of the rows to train on and of those to hold out, None if there are none of them."""
    count = int(held_out.sum())
    spools = Spool(folder, "train", held_out.size - count), Spool(folder, "validation", count)
    begin = 0
    with closing(spools[0]), closing(spools[1]):
        for x, y in blocks:
            mask = held_out[begin : begin + len(x)]
            for spool, chosen in zip(spools, (~mask, mask), strict=True):
                if chosen.any():
                    spool.add(x[chosen], y[chosen])
            begin += len(x)
    return spools[0].blocks(rows), spools[1].blocks(rows)


def held_out_rows(rows: int, fraction: float, seed: int) -> NDArray[np.bool_]:
    """A mask of the rows to hold out, those of `split`; it takes a byte a row, and five while it is made."""
    order = np.random.default_rng(seed).permutation(
        np.arange(rows, dtype=np.uint32 if rows < 2**32 else np.int64)
    )
    found = np.zeros(rows, bool)
    found[order[: int(rows * fraction)]] = True
    return found
