"""`MLPClassifier` and `MLPRegressor` with scikit-learn's parameters, attributes and methods.

Change the import: the same ``random_state`` gives the same initial weights, the same order of samples and so,
up to rounding, the same network as scikit-learn's own, many times sooner, as an epoch is one native call.
Keyword-only parameters add what those lack: every activation, loss, initializer and optimizer of simdnn,
dropout, batch normalization, residual layers, class weights, clipping, l1, a validation set, callbacks.

Needs scikit-learn 1.4 or later: ``pip install 'simdnn[sklearn]'``.
"""

try:
    import sklearn  # noqa: F401
except ImportError as error:
    raise ImportError("simdnn.sklearn needs scikit-learn: pip install 'simdnn[sklearn]'") from error

from ._classifier import MLPClassifier
from ._regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
