"""The optional packages of the commands, looked for before any work starts."""

from __future__ import annotations

from typing import Any

import simdnn
from simdnn._utils.extras import missing, need

#: Extras by the modules that model files, estimators of tables and their gradient boosting need.
FILES = {"safetensors": "io"}
TABULAR = {"sklearn": "tabular", "threadpoolctl": "tabular"}
TREES = {"skops": "tabular"}
#: Extras by the modules that pages, graphs and Parquet files need.
PAGES, GRAPHS, PARQUET = {"matplotlib": "plot"}, {"onnx": "onnx"}, {"pyarrow": "table"}


def packages_of_table(path: str) -> dict[str, str]:
    """The packages that the reader of a table needs."""
    return PARQUET if path.lower().endswith(".parquet") else {}


def need_with_model(what: str, path: str, packages: dict[str, str]) -> None:
    """Raises for missing packages, besides `packages` those that the model in a file needs."""
    of_model = FILES if missing(FILES) else packages_of_model(path)
    need(what, of_model | packages)


def packages_of_model(path: str) -> dict[str, str]:
    """The packages that the model in a file needs."""
    training: Any = simdnn.load_metadata(path).get("training")
    preset = training.get("preset") if isinstance(training, dict) else None
    return {} if preset is None else TABULAR | (TREES if preset == "best" else {})
