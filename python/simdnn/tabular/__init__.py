"""`TabularClassifier` and `TabularRegressor`: the first models to try on a table.

Each is a bag of small networks, trained on folds of the rows with a recipe for tables, behind scikit-learn's
interface. Columns may be numbers or words with missing values; nothing needs to be scaled, encoded or filled
in before.

The module needs scikit-learn 1.4 or later: ``pip install 'simdnn[tabular]'``.
"""

try:
    import sklearn  # noqa: F401
except ImportError as error:
    raise ImportError("simdnn.tabular needs scikit-learn: pip install 'simdnn[tabular]'") from error

from ._classifier import TabularClassifier
from ._load import load
from ._regressor import TabularRegressor

__all__ = ["TabularClassifier", "TabularRegressor", "load"]
