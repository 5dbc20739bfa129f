"""`load`: estimators from files."""

from __future__ import annotations

from .._utils.files import Path
from . import _files
from ._classifier import TabularClassifier
from ._regressor import TabularRegressor


def load(path: Path) -> TabularClassifier | TabularRegressor:
    """Read an estimator from a file of its method `save`.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    TabularClassifier or TabularRegressor
        It predicts with the same bits on any machine, with trees to rounding.

    Raises
    ------
    ValueError
        If the content does not have its checksum, or is inconsistent, of another format or of a newer version
        of the format. Loading runs no code of the file.
    OSError
        If the file cannot be read.
    ImportError
        If safetensors is not installed or, for ``preset="best"``, skops.

    Examples
    --------
    >>> import os, tempfile, numpy as np
    >>> from simdnn import tabular
    >>> X, y = np.eye(6), np.arange(6) % 2
    >>> model = tabular.TabularClassifier("fast", random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     model.save(path)
    ...     same = tabular.load(path)
    >>> bool((same.predict_proba(X) == model.predict_proba(X)).all())
    True
    """
    kinds = {kind.__name__: kind for kind in (TabularClassifier, TabularRegressor)}
    found = _files.load(kinds, path)
    assert isinstance(found, TabularClassifier | TabularRegressor)
    return found
