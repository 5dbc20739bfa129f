"""`MLPClassifier` and `MLPRegressor` with scikit-learn's parameters, attributes and methods.

Only the import changes: with the same ``random_state`` the initial weights, the order of the samples and, up
to rounding, the fitted network are those of scikit-learn's estimators. Training is many times faster, because
an epoch is one native call. Keyword-only parameters add every activation, loss, initializer and optimizer of
simdnn, dropout, batch normalization, residual layers, class weights, gradient clipping, an l1 penalty, a
validation set and callbacks.

The module needs scikit-learn 1.4 or later: ``pip install 'simdnn[sklearn]'``.
"""

try:
    import sklearn  # noqa: F401
except ImportError as error:
    raise ImportError("simdnn.sklearn needs scikit-learn: pip install 'simdnn[sklearn]'") from error

from ._classifier import MLPClassifier
from ._many import fit_many
from ._regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "fit_many"]
