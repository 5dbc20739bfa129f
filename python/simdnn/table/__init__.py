"""Tables as networks want them: files of columns to numbers, and predictions back to words.

`read` takes CSV, Parquet and npz; `Columns` scales numbers and encodes categories as it learned from the
training data; `Target` does so with what is to be predicted. Plain dictionaries describe them, which
`simdnn.save` keeps beside a model.
"""

from ._columns import Columns
from ._read import Table as Table
from ._read import read
from ._target import TASKS as TASKS
from ._target import Target

__all__ = ["Columns", "Target", "read"]
