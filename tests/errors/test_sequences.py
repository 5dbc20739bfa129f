"""Sequences and paths: another object is an error that names the argument and what came."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
import simdnn.onnx
from simdnn import callbacks, data, distributed, nn, optim, plot, schedules, table

X = np.random.default_rng(0).random((8, 3), np.float32)
Y = np.arange(8) % 2
FITTED = table.Columns.fit({"a": [1.0, 2.0]})


def model() -> nn.Sequential:
    return nn.Sequential(nn.Dense(3, 2), rng=0)


def trainer() -> simdnn.Trainer:
    return simdnn.Trainer(model(), seed=0)


#: Functions of an argument that is a sequence, by its name in the errors.
SEQUENCES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "Trainer.fit": ("callbacks", lambda v: trainer().fit(X, Y, epochs=1, callbacks=v)),
    "fit_many": ("trainers", lambda v: simdnn.fit_many(v, X, Y, epochs=1)),
    "step_many": ("trainers", lambda v: simdnn.step_many(v, X, Y)),
    "predict_many": ("models", lambda v: simdnn.predict_many(v, X)),
    "Ensemble": ("models", nn.Ensemble),
    "weights": ("weights", lambda v: nn.Ensemble([model()], weights=5 if v is None else v)),
    "pad_sequences": ("sequences", nn.pad_sequences),
    "sequence": ("schedules", lambda v: schedules.sequence(v, [1])),
    "milestones": ("milestones", lambda v: schedules.sequence([schedules.constant(1)], v)),
    "Columns": ("parts", table.Columns),
    "shuffled": ("blocks", data.shuffled),
    "from_tables": ("tables", lambda v: data.from_tables(v, FITTED)),
    "optimizer": ("params", lambda v: optim.SGD(5 if v is None else v)),
    "optimizer.step": ("grads", lambda v: optim.SGD([np.zeros(1)]).step(5 if v is None else v)),
    "optimizer_paths": ("start", lambda v: plot.optimizer_paths(start=v)),
    "activation": ("name", plot.activation),
}


@pytest.mark.parametrize("value", [5, None, np.array(1)], ids=repr)
@pytest.mark.parametrize("name", SEQUENCES)
def test_an_object_without_items_is_refused(name: str, value: Any) -> None:
    pytest.importorskip("matplotlib")
    argument, call = SEQUENCES[name]
    with pytest.raises(TypeError, match=rf"^{argument}: expected .*, got "):
        call(value)


@pytest.mark.parametrize(
    "grads", [{"a": X}, {"a": X}.values(), {1.0}, (x for x in [X])], ids=lambda one: type(one).__name__
)
def test_gradients_are_a_sequence(grads: Any) -> None:
    own = [X.copy()]
    with pytest.raises(TypeError, match=rf"^grads: expected a list of arrays, got {type(grads).__name__}"):
        optim.SGD(own).step(grads)
    np.testing.assert_array_equal(own[0], X)


def test_a_part_of_columns_is_named() -> None:
    with pytest.raises(TypeError, match=r"^parts\[1\]: expected an encoder, got int"):
        table.Columns([*table.Columns.fit({"a": [1.0, 2.0]}).parts, 3])


@pytest.mark.parametrize("size", [np.array([1]), np.array([1, 2]), np.array([])], ids=repr)
def test_an_array_is_no_number(size: Any) -> None:
    with pytest.raises(TypeError, match=r"^batch_size: expected an integer, got ndarray"):
        trainer().fit(X, Y, epochs=1, batch_size=size)
    with pytest.raises(TypeError, match=r"^epochs: expected an integer, got ndarray"):
        trainer().fit(X, Y, epochs=size)


def test_a_size_beyond_all_integers_stands_for_all() -> None:
    fits = [trainer().fit(X, Y, epochs=2, batch_size=size).loss for size in (10**30, None)]
    assert fits[0] == fits[1]


AXES: dict[str, Callable[[Any], Any]] = {
    "crelu": lambda axis: F.crelu(X, axis),
    "maxout": lambda axis: F.maxout(X, 3, axis),
    "entropy": lambda axis: F.entropy(X, axis=axis),
}


@pytest.mark.parametrize("axis", [1.0, "1", np.array([1])], ids=repr)
@pytest.mark.parametrize("name", AXES)
def test_an_axis_is_an_integer(name: str, axis: Any) -> None:
    with pytest.raises(TypeError, match=r"^axis: expected an integer, got "):
        AXES[name](axis)


#: Functions of a path.
PATHS: dict[str, Callable[[Any], Any]] = {
    "read": table.read,
    "chunks": table.chunks,
    "ModelCheckpoint": callbacks.ModelCheckpoint,
    "CSVLogger": callbacks.CSVLogger,
    "save": lambda path: simdnn.save(model(), path),
    "load": simdnn.load,
    "load_metadata": simdnn.load_metadata,
    "Trainer.save": lambda path: trainer().save(path),
    "Trainer.load": simdnn.Trainer.load,
    "export_c": lambda path: simdnn.export_c(model(), path),
    "onnx.export": lambda path: simdnn.onnx.export(model(), path),
    "onnx.load": lambda path: simdnn.onnx.load(path),
}


@pytest.mark.parametrize("path", [5, None, ["a.csv"], np.array(1)], ids=repr)
@pytest.mark.parametrize("name", PATHS)
def test_another_object_is_no_path(name: str, path: Any) -> None:
    for module in ("safetensors", "onnx"):
        pytest.importorskip(module)
    with pytest.raises(TypeError, match=re.escape(f"path: expected a path, got {type(path).__name__}")):
        PATHS[name](path)


def test_a_path_may_be_bytes(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    name = str(path).encode()
    assert list(table.read(name)) == list(table.chunks(name, rows=1)[0]) == ["a", "b"]


def test_the_parts_of_a_batch_have_a_limit() -> None:
    with pytest.raises(ValueError, match=r"^accumulate: expected an integer from 1 to 65536, got 2147483648"):
        distributed.DataParallel(trainer(), accumulate=2**31)
