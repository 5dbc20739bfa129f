"""Training on many processes and machines, by engines that exist: MPI for much data, Dask for many networks.

The engines come with the extra ``[distributed]``. `DataParallel` divides each batch among the processes of an
MPI job and keeps their networks equal. `fit_many` spreads a population of networks over the workers of a Dask
cluster, and `predict` applies a model to a Dask array block by block; `Trainer.fit` trains on blocks of one.
Any other engine can average gradients through ``Trainer(grad_hook=...)``.
"""

from ._data_parallel import DataParallel
from ._population import fit_many
from ._predict import predict

__all__ = ["DataParallel", "fit_many", "predict"]
