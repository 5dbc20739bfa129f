"""Preprocessing of tables: columns of a file to a network's inputs, and its outputs to predictions.

`read` reads CSV, Parquet and npz files, and `chunks` large ones part by part. `Columns` scales numeric
columns and encodes categorical ones with statistics of the training data; `Target` encodes the column to
predict and decodes predictions. Both convert to plain dictionaries and lists, which `simdnn.save` stores in a
model's file as metadata.
"""

from ._cells import Table as Table
from ._chunks import chunks
from ._columns import Columns
from ._dates import numbers_of_dates as numbers_of_dates
from ._match import check_match as check_match
from ._mixed import mixed_hint as mixed_hint
from ._read import read
from ._target import TASKS as TASKS
from ._target import Target
from ._times import dates_of_words as dates_of_words

__all__ = ["Columns", "Target", "chunks", "read"]
