"""Readers of tables: CSV, Parquet and npz files to columns."""

from __future__ import annotations

from collections.abc import Callable, Collection

from .._utils.files import Path, path_name
from ._cells import Table
from ._csv import read_csv
from ._encoding import encoding_error
from ._npz import read_npz
from ._parquet import read_parquet
from ._request import Request, ending_of, request_of


def read(
    path: Path,
    *,
    text: Collection[str] = (),
    columns: Collection[str] | None = None,
    ignore: Collection[str] = (),
    delimiter: str | None = None,
    decimal: str = ".",
    thousands: str | None = None,
    dates: bool = False,
) -> Table:
    """Read the columns of a CSV, Parquet or npz file.

    Parameters
    ----------
    path : str or path
        A file whose extension names its format: ``.csv``, ``.tsv``, ``.parquet`` or ``.npz``. The first line
        of a CSV file holds the names of the columns. A two-dimensional array ``X`` in an npz file becomes the
        columns ``"X.0"``, ``"X.1"``, ...
    text : collection of str
        Names of columns to read as text even if they look like numbers, such as postal codes.
    columns : collection of str, optional
        Names of the columns to read; by default all. The others may be of any type.
    ignore : collection of str
        Names of columns to leave out, which may be of any type.
    delimiter : str, optional
        Character between the cells of a CSV file; by default a comma, and a tab in ``.tsv`` files.
    decimal : str
        Decimal mark of the numbers in a CSV file, such as ``","``.
    thousands : str, optional
        Mark between groups of three digits in a CSV file, such as ``"."`` or ``"'"``.
    dates : bool
        If true, dates in Parquet and npz files are datetime64, in UTC and microseconds; `Columns.fit` takes
        them, and words of ISO 8601, if its option `dates` is true. By default dates are refused.

    Returns
    -------
    dict
        Arrays of shape (rows,) by name of the column, in the order of the file. Numeric columns are float64,
        with NaN for missing. Text columns have dtype object and hold str, with None for missing. A column of
        whole numbers from 2**53 on, which float64 cannot tell apart, is int64 or uint64.

    Raises
    ------
    TypeError
        If an argument has a wrong type.
    ValueError
        If there are no rows or no columns, two columns have the same name, a line of a CSV file has more or
        fewer cells than there are columns, a quotation mark that does not end or a NUL character, a wanted or
        ignored column is not there, arrays differ in length, or the format or a dtype is not supported.
    OSError
        If the file cannot be read.
    ImportError
        If pyarrow is needed, for Parquet, and missing: it comes with the extra ``[table]``.

    Warns
    -----
    UserWarning
        If a column of a CSV file has no name, and so is left out, or numbers the rows; or if words look like
        dates, or like numbers with another decimal mark or with groups of digits, or if nearly all words of a
        column are numbers, or numbers with a sign of percent or currency. Columns of dictionaries in Parquet
        files are words.

    Notes
    -----
    CSV files follow RFC 4180: cells and names in quotation marks may hold delimiters and line breaks. They
    are UTF-8; blank lines are skipped, and a line that begins with # is data, as for pandas. A column is
    numeric if all its cells are numbers or missing: ASCII digits with a sign, a decimal mark and an exponent,
    or inf; blanks around them do not count. An integer with leading zeros, such as 007, is an id: its column
    is text. Missing are, in text of every format, empty cells and blanks, ?, NA, N/A, n/a, NaN, nan, -NaN,
    -nan, null, NULL, None, ``<NA>``, NaT, #N/A, #N/A N/A, #NA, 1.#IND, -1.#IND, 1.#QNAN and -1.#QNAN.

    In Parquet files, decimals are numbers, and booleans and dictionaries text. Binary and nested columns are
    refused, unless they are left out; so are dates without `dates`.

    Examples
    --------
    >>> import os, tempfile
    >>> from simdnn import table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "pets.csv")
    ...     with open(path, "w") as file:
    ...         _ = file.write("kind,age\\ncat,3\\ndog,\\n")
    ...     table.read(path)
    {'kind': array(['cat', 'dog'], dtype=object), 'age': array([ 3., nan])}
    """
    name = path_name(path)
    ending = ending_of(name, READERS)
    request = request_of(name, text, columns, ignore, delimiter, decimal, thousands, dates)
    try:
        found = READERS[ending](name, request)
    except UnicodeDecodeError:
        raise encoding_error(name) from None
    if not found or len(next(iter(found.values()))) == 0:
        raise ValueError(f"{name}: expected columns with names and at least one row")
    return found


#: Reader of each file name extension.
READERS: dict[str, Callable[[str, Request], Table]] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
    ".npz": read_npz,
}
