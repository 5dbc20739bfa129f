"""ONNX graphs of piecewise-linear codes: what they become, and what is no such code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn.onnx
from simdnn import nn

from tests.io.onnx_rows import close
from tests.support.registry import spread

pytest.importorskip("onnx", reason="needs the extra [onnx]: onnx")
import onnx
from onnx import numpy_helper

LAYER = nn.PiecewiseLinear(5, 4, encoded=2, bins=3, activation="tanh")
ALL = nn.PiecewiseLinear(5, 4, bins=3)
X = spread(50, np.float32, 2.5).reshape(10, 5) + 1.5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.onnx"


def edited(layer: nn.Layer, edit: Callable[[Any], None], path: Path) -> Path:
    """An exported layer whose graph is edited, and that has no checksum."""
    simdnn.onnx.export(nn.Sequential(layer, rng=0), path)
    proto = onnx.load(path)
    del proto.metadata_props[:]
    edit(proto.graph)
    path.write_bytes(proto.SerializeToString())
    return path


def replace(old: Any, new: Any) -> Callable[[Any], None]:
    """An edit that gives another value to the constants that are equal to `old`."""

    def edit(graph: Any) -> None:
        found = 0
        for one in graph.initializer:
            array = numpy_helper.to_array(one)
            if array.shape == np.shape(old) and (array == old).all():
                one.CopyFrom(numpy_helper.from_array(np.asarray(new, array.dtype), one.name))
                found += 1
        assert found

    return edit


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Residual(nn.PiecewiseLinear(5, 5, encoded=3, bins=4)),),
        (nn.Residual(nn.PiecewiseLinear(5, 5, bins=2, bias=False), nn.ReLU()),),
        (nn.Concatenate(LAYER, nn.Dense(5, 3), (nn.PiecewiseLinear(5, 2), nn.Tanh())), nn.Dense(9, 2)),
        (nn.Dense(5, 6), nn.PiecewiseLinear(6, 7, encoded=6, bins=1), nn.PiecewiseLinear(7, 2, encoded=1)),
    ],
    ids=repr,
)
def test_codes_within_a_network_come_back(layers: tuple[nn.Layer, ...], path: Path) -> None:
    model = nn.Sequential(*layers, rng=0)
    simdnn.onnx.export(model, path)
    same = simdnn.onnx.load(path)
    assert close(same(X), model(X))
    assert repr(same).count("PiecewiseLinear") == repr(model).count("PiecewiseLinear")


def test_graphs_without_a_checksum_are_read(path: Path) -> None:
    for layer in (LAYER, ALL):
        same = simdnn.onnx.load(edited(layer, lambda graph: None, path))
        assert close(same(X), nn.Sequential(layer, rng=0)(X))


@pytest.mark.parametrize(
    ("layer", "edit"),
    [
        (ALL, replace(np.arange(3), np.arange(3) + 0.5)),
        (ALL, replace(np.arange(3), np.arange(3)[::-1])),
        (ALL, replace(np.arange(3), np.arange(3)[:, None])),
        (ALL, replace(1.0, 2.0)),
        (ALL, replace(0.0, -1.0)),
        (ALL, replace([-1], [1])),
        (ALL, replace([0, 15], [0, -1])),
        (LAYER, replace([2], [3])),
        (LAYER, replace([0], [1])),
        (LAYER, replace([5], [4])),
        (LAYER, replace(np.arange(3), np.arange(3) * 2)),
        (LAYER, lambda graph: graph.node[0].input.pop()),
        (LAYER, lambda graph: [node.input.reverse() for node in graph.node if node.op_type == "Concat"]),
    ],
)
def test_other_codes_are_refused(layer: nn.Layer, edit: Callable[[Any], None], path: Path) -> None:
    with pytest.raises(ValueError, match=r"model\.onnx: "):
        simdnn.onnx.load(edited(layer, edit, path))
