"""Model files: a loaded model has the bits of the saved one."""

import functools
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import nn, schedules

from tests.io.files import small
from tests.oracles.layers import ROWS, Row
from tests.support.registry import same_bits

pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
import safetensors.numpy


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


@pytest.fixture
def saved(path: Path) -> Path:
    simdnn.save(small(), path)
    return path


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_every_layer_comes_back(row: Row, dtype: Any, path: Path) -> None:
    model, x = row.model(dtype), row.x(20, dtype)
    model.forward(x, training=True)
    simdnn.save(model, path)
    same = simdnn.load(path)
    assert repr(same) == repr(model)
    assert (same.dtype, same.in_features) == (model.dtype, model.in_features)
    assert same_bits(same(x), model(x))
    assert same_bits(same.forward(x, training=True), model.forward(x, training=True))


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_every_layer_is_described_in_json(row: Row) -> None:
    description = json.loads(json.dumps(nn.layer_to_dict(row.layer)))
    again = nn.layer_from_dict(description)
    assert repr(again) == repr(row.layer)
    assert nn.layer_to_dict(again) == description


def test_a_description_makes_a_fresh_model() -> None:
    model = small()
    assert repr(nn.Sequential.from_dict(json.loads(json.dumps(model.to_dict())))) == repr(model)
    same = nn.Sequential.from_dict(model.to_dict(), rng=0)
    assert same_bits(same.flat_parameters, model.flat_parameters)


def test_initializers_are_names_or_left_out() -> None:
    init = simdnn.init
    for given_, wanted in (
        ("he_normal", "he_normal"),
        (init.orthogonal, "orthogonal"),
        (lambda shape, rng, dtype: np.ones(shape), None),
    ):
        assert nn.layer_to_dict(nn.Dense(2, 2, init=given_))["init"] == wanted


@pytest.mark.parametrize(
    "lam",
    [
        schedules.inverse_power(10.0, 0.1),
        schedules.warm_up(8, schedules.exponential(3.0, 0.9), 9.0),
        F.margin_annealing(10.0, 0.1),
        2.0,
    ],
    ids=repr,
)
def test_a_schedule_of_a_layer_comes_back(lam: Any, path: Path) -> None:
    last = nn.LargeMarginSoftmax(8, 3, margin=2, lam=lam)
    simdnn.save(nn.Sequential(last, rng=0), path)
    again = simdnn.load(path).layers[0]
    assert isinstance(again, nn.LargeMarginSoftmax)
    assert again.lam == last.lam
    assert repr(again) == repr(last)


def test_other_functions_of_a_layer_are_refused() -> None:
    layer = nn.LargeMarginSoftmax(8, 3, margin=2)
    vars(layer)["lam"] = abs
    with pytest.raises(TypeError, match=r"LargeMarginSoftmax: .*abs"):
        nn.layer_to_dict(layer)


def test_the_file_is_plain_safetensors_and_reproducible(saved: Path) -> None:
    model = small()
    arrays = safetensors.numpy.load_file(saved)
    assert arrays.keys() == model.state_dict().keys()
    assert all(same_bits(arrays[name], value) for name, value in model.state_dict().items())
    content = saved.read_bytes()
    simdnn.save(simdnn.load(saved), saved)
    assert saved.read_bytes() == content


@pytest.mark.parametrize("bad", [{"a": "x\ud800"}, {"\udfff": 1}, {"a": [{"b": np.array(["\ud800"])}]}])
def test_text_that_no_file_holds_is_named(bad: Any, path: Path) -> None:
    simdnn.save(small(), path)
    before = path.read_bytes()
    trainer = simdnn.Trainer(small())
    for save in (functools.partial(simdnn.save, small()), trainer.save):
        with pytest.raises(ValueError, match=r"^metadata: '.*ud[8f].*' has half of a surrogate pair"):
            save(path, metadata=bad)
    assert path.read_bytes() == before


def test_metadata_is_kept_beside(path: Path) -> None:
    metadata = {"classes": ["no", "yes"], "score": np.float64(0.25), "none": None, "ü": {"a": [1, 2.5, True]}}
    simdnn.save(small(), path, metadata=metadata)
    assert simdnn.load_metadata(path) == metadata
    for bad in ({1: "x"}, {"x": {1, 2}}, "text"):
        with pytest.raises(TypeError, match="metadata: "):
            simdnn.save(small(), path, metadata=bad)
    assert simdnn.load_metadata(path) == metadata


def test_a_write_is_whole_or_nothing(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = saved.read_bytes()

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        simdnn.save(nn.Sequential(nn.Dense(2, 2)), saved)
    assert saved.read_bytes() == content
    assert os.listdir(saved.parent) == [saved.name]


def test_links_and_permissions_stay(saved: Path, tmp_path: Path) -> None:
    link = tmp_path / "latest.safetensors"
    link.symlink_to(saved)
    simdnn.save(nn.Sequential(nn.Dense(2, 2)), link)
    assert link.is_symlink()
    assert simdnn.load(saved).in_features == 2
    plain = tmp_path / "plain"
    plain.touch()
    assert saved.stat().st_mode == plain.stat().st_mode


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(TypeError, match=r"model: .*Dense"):
        simdnn.save(nn.Dense(2, 2), "x")

    class Own(nn.Dropout):
        pass

    with pytest.raises(TypeError, match=r"Own is not a class of simdnn\.nn"):
        simdnn.save(nn.Sequential(Own(0.5), in_features=2), "x")


def test_a_missing_package_names_the_extra(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for call in (lambda: simdnn.save(small(), path), lambda: simdnn.load(path)):
        with pytest.raises(ImportError, match=r"simdnn\[io\]"):
            call()
    assert not path.exists()
