"""Training on many processes and machines, by engines that exist: MPI for much data, Dask for many networks.

The engines come with the extra ``[distributed]``. `DataParallel` divides each batch among the processes of an
MPI job and keeps their networks equal; `predict` applies a model to a Dask array block by block. Any other
engine can average gradients through ``Trainer(grad_hook=...)``.
"""

from ._dask import predict
from ._data_parallel import DataParallel

__all__ = ["DataParallel", "predict"]
