"""Files of estimators: networks, columns, classes and trees in one safetensors file, without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import nn
from .._utils.check import check_int, check_real
from .._utils.files import Path
from .._utils.jsonable import jsonable, only_keys
from ..io import _safetensors, _saving
from ..table import Columns
from ..training import History
from . import _trees
from ._quantiles import QuantileHead

if TYPE_CHECKING:
    from ._base import BaseTabular

#: Keys of a description.
KEYS = ("kind", "settings", "features", "named", "columns", "target", "fitted", "history", "head")
#: Names of arrays besides those of the networks.
TREES, EDGES, RANKS, HEAD, OOF = (
    _saving.TABULAR + name for name in ("trees", "edges", "ranks", "head.", "oof")
)
#: Fitted numbers that a file holds.
FITTED = ("oof_score_", "temperature_", "networks_share_")


def save(estimator: BaseTabular, path: Path, metadata: Mapping[str, Any] | None) -> None:
    """Writes an estimator to a file: see `BaseTabular.save`."""
    arrays, described = _saving.parts_of_ensemble(estimator.ensemble_)
    arrays[OOF] = np.ascontiguousarray(estimator.oof_prediction_)
    if estimator.trees_ is not None:
        arrays |= {TREES: _trees.to_bytes(estimator.trees_)}
    own = jsonable(describe(estimator))
    if estimator.head_ is not None:
        head = estimator.head_
        others, own["head"] = _saving.parts_of_ensemble(head.ensemble)
        arrays |= {HEAD + name: value for name, value in others.items()}
        arrays |= {EDGES: head.edges, RANKS: head.ranks}
    described |= {"tabular": own} | _saving.described_metadata(metadata)
    _safetensors.write(path, arrays, described)


def describe(estimator: BaseTabular) -> dict[str, Any]:
    """The description of an estimator without its arrays; equal estimators have equal ones, without times."""
    names = getattr(estimator, "feature_names_in_", None)
    return {
        "kind": estimator._own_kind().__name__,
        "settings": settings_of(estimator),
        "features": int(estimator.n_features_in_),
        "named": None if names is None else list(names),
        "columns": estimator.columns_.to_dict(),
        "target": estimator._target_to_dict(),
        "fitted": {name: vars(estimator)[name] for name in FITTED if name in vars(estimator)},
        "history": [asdict(one) | {"seconds": []} for one in estimator.history_],
    }


def load(kinds: dict[str, type[BaseTabular]], path: Path) -> BaseTabular:
    """Reads an estimator from a file: see `simdnn.tabular.load`."""
    with _safetensors.opened(path) as file:
        found = only_keys(file.part("tabular"), KEYS, "tabular")
        if found["kind"] not in kinds:
            raise ValueError(f"kind: expected one of {', '.join(kinds)}, got {found['kind']!r}")
        settings = found["settings"]
        if isinstance(settings.get("class_weight"), list):
            settings["class_weight"] = dict(settings["class_weight"])
        estimator = kinds[found["kind"]](**settings)
        estimator.n_features_in_ = check_int("features", found["features"])
        if found["named"] is not None:
            estimator.feature_names_in_ = np.array(found["named"], dtype=object)
        estimator.columns_ = Columns.from_dict(found["columns"])
        estimator._target_from_dict(found["target"])
        for name, value in only_keys(found["fitted"], FITTED, "fitted").items():
            setattr(estimator, name, check_real(name, value))
        estimator.history_ = [History(**one) for one in found["history"]]
        estimator.ensemble_ = _saving.read_ensemble(file, file.part("ensemble"))
        estimator.trees_ = estimator.head_ = None
        if OOF in file.names:
            estimator.oof_prediction_ = checked_predictions(file, estimator)
        if TREES in file.names:
            outputs = estimator.ensemble_.out_features
            estimator.trees_ = _trees.from_bytes(file.array(TREES, "uint8"), outputs, estimator._classes)
        if "head" in found:
            ensemble = _saving.read_ensemble(file, found["head"]["ensemble"], HEAD)
            edges = checked_edges(file.array(EDGES, "float64"), ensemble)
            estimator.head_ = QuantileHead(ensemble, edges, checked_ranks(file.array(RANKS, "float64")))
        return estimator


def checked_predictions(file: _safetensors.Opened, estimator: BaseTabular) -> NDArray[Any]:
    """The predictions out of fold; those of networks alone may be float32."""
    found = file.array(OOF, file.dtype(OOF))
    outputs = estimator.ensemble_.out_features
    shaped = found.ndim == 2 and found.shape[1] == outputs
    if not (shaped or (found.ndim == 1 and outputs == 1)) or not np.isfinite(found).all():
        raise ValueError(f"oof: expected finite predictions of {outputs} outputs, got shape {found.shape}")
    return found


def checked_edges(edges: NDArray[Any], ensemble: nn.Ensemble) -> NDArray[Any]:
    """The borders of bins that the outputs of an ensemble are for."""
    if edges.shape != (ensemble.out_features + 1,) or not (np.diff(edges) > 0).all():
        raise ValueError(f"edges: expected {ensemble.out_features + 1} ascending numbers")
    return edges


def checked_ranks(ranks: NDArray[Any]) -> NDArray[Any]:
    """Ranks of the targets out of fold, from 0 to 1."""
    ascending = ranks.ndim == 1 and len(ranks) > 1 and (np.diff(ranks) >= 0).all()
    if not ascending or ranks[0] != 0 or ranks[-1] != 1:
        raise ValueError("ranks: expected ascending numbers from 0 to 1")
    return ranks


def settings_of(estimator: BaseTabular) -> dict[str, Any]:
    """The parameters, but a generator of random numbers, which is no setting; ``clip`` is that of the fit."""
    found = {name: getattr(estimator, name) for name in estimator._own_kind()._get_param_names()}
    if "clip" in found:
        found["clip"] = vars(estimator)["_clip"]
    if hasattr(found["random_state"], "get_state"):
        found["random_state"] = None
    if isinstance(found.get("class_weight"), dict):
        found["class_weight"] = [[plain(key), float(value)] for key, value in found["class_weight"].items()]
    return {name: jsonable(value) for name, value in found.items()}


def plain(value: Any) -> Any:
    """A scalar as one of Python's types."""
    return value.item() if isinstance(value, np.generic) else value


def classes_to_dict(classes: NDArray[Any]) -> dict[str, Any]:
    """The description of classes: numbers, booleans or words."""
    values = classes.tolist()
    if not all(isinstance(one, bool | int | float | str) for one in values):
        raise TypeError(f"classes: a file holds numbers, booleans and words, got {type(values[0]).__name__}")
    return {"dtype": "object" if classes.dtype == object else classes.dtype.str, "classes": values}


def classes_from_dict(description: Any) -> NDArray[Any]:
    """The classes that `classes_to_dict` has described."""
    found = only_keys(description, ("dtype", "classes"), "target")
    values = found["classes"]
    if not isinstance(values, list) or len(values) < 2:
        raise TypeError("target: expected at least two classes")
    dtype = np.dtype(str(found["dtype"]))
    if dtype.kind not in "biufUO":
        raise TypeError(f"target: expected classes as numbers, booleans or words, got {dtype}")
    return np.array(values, dtype=dtype)
