"""Training on many processes and machines, by engines that exist: MPI for much data, Dask for many networks.

The engines come with the extra ``[distributed]``. `DataParallel` divides each batch among the processes of an
MPI job and keeps their networks equal. `fit_many` spreads a population of networks over the workers of a Dask
cluster, `fit_blocks` trains on Dask arrays block by block, and `predict` applies a model to one in the same
way. Any other engine can average gradients through ``Trainer(grad_hook=...)``.
"""

from ._blocks import fit_blocks
from ._data_parallel import DataParallel
from ._population import fit_many
from ._predict import predict

__all__ = ["DataParallel", "fit_blocks", "fit_many", "predict"]
