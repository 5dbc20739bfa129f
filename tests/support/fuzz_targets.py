"""Targets of the fuzzer: readers of files, each with valid seeds, a mutator of its format and its errors."""

import contextlib
import copy
import io
import json
import random
import struct
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import simdnn
from simdnn import Trainer, nn, onnx, optim, schedules, table
from simdnn.cli._described import load_described

#: Values in the place of others in a document.
JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 0.5, -0.0, 1e300, 2**31, 2**63, 2**64, 10**30, -(10**30)),
    *("", "x", "relu", "float64", "nan", "\x00", "é", "a" * 300, "0", "Dense"),
    *([], {}, [[]], [0], [1, 2], {"layer": "Tanh"}, {"": 0}, [None], [1e308, -1e308]),
    *(float("nan"), float("inf")),
)
#: Cells, marks and breaks of text tables.
WORDS = (
    *("1", "-1", "007", "1e999", "1e-400", "nan", "NA", "inf", "-inf", "9007199254740993", "0x10", "1_000"),
    *(
        "é",
        "\ufeff",
        '"',
        '""',
        '"a\nb"',
        ",",
        ",,",
        "\n",
        "\r\n",
        "\r",
        "\t",
        ";",
        " ",
        "\x00",
        "#",
        "2024-01-31",
    ),
    *("2024-01-31T10:00:00Z", "1,5", "'", "٣", "a" * 200, "\u2028", "\x1a", "-", "+", ".", "e", "1.", ".5"),
)


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes
    ----------
    ending : the end of the file's name
    seeds : a function of a folder that returns valid contents
    run : a function of a file's path that reads it
    mutate : (content, source of chance) -> another content, of the format more often than not
    modules : the modules whose branches guide the fuzzer
    """

    ending: str
    seeds: Callable[[Path], list[bytes]]
    run: Callable[[Path], Any]
    mutate: Callable[[bytes, random.Random], bytes]
    modules: tuple[str, ...]
    errors: tuple[type[Exception], ...] = (ValueError,)


def mutated_bytes(content: bytes, chance: random.Random) -> bytes:
    """The content with some bytes flipped, replaced, repeated, moved or left out."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 4, 8])):
        a, size = chance.randrange(len(data) + 1), chance.choice([1, 1, 2, 4, 8, 64])
        way = chance.randrange(6)
        if way == 0 and a < len(data):
            data[a] ^= 1 << chance.randrange(8)
        elif way == 1:
            data[a : a + size] = chance.randbytes(size)
        elif way == 2:
            del data[a : a + size]
        elif way == 3:
            data[a:a] = data[a : a + size] * chance.choice([1, 2, 5])
        elif way == 4:
            data[a : a + size] = chance.choice([b"\xff", b"\0", b"\x7f", b"\x80"]) * size
        else:
            b = chance.randrange(len(data) + 1)
            data[a:a] = data[b : b + size]
    return bytes(data)


def places(value: Any) -> list[tuple[Any, Any]]:
    """All (container, key) of a document."""
    found: list[tuple[Any, Any]] = []
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        found.append((value, key))
        found += places(value[key])
    return found


def mutated_document(document: Any, chance: random.Random) -> Any:
    """The document with one or more values replaced, left out, repeated or exchanged."""
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        spots = places(document)
        if not spots:
            return copy.deepcopy(chance.choice(JUNK))
        holder, key = chance.choice(spots)
        way = chance.randrange(6)
        if way <= 1:
            holder[key] = copy.deepcopy(chance.choice(JUNK))
        elif way == 2:
            del holder[key]
        elif way == 3:
            other, place = chance.choice(spots)
            if place in other if isinstance(other, dict) else place < len(other):
                holder[key] = json.loads(json.dumps(other[place]))
        elif way == 4 and isinstance(holder, list):
            holder.insert(key, json.loads(json.dumps(holder[key])))
        elif isinstance(holder, dict):
            value = holder.pop(key)
            holder[chance.choice([key + "x", "", "layer", "0", "version", str(chance.choice(spots)[1])])] = (
                value
            )
        elif type(holder[key]) in (int, float):
            holder[key] = holder[key] * chance.choice([-1, 2, 1000]) + chance.choice([0, 1, -1])
    return document


def mutated_safetensors(content: bytes, chance: random.Random) -> bytes:
    """Another description, header or array; the checksum, which would hide all others, is mostly left out."""
    try:
        size = struct.unpack("<Q", content[:8])[0]
        header, arrays = json.loads(content[8 : 8 + size]), content[8 + size :]
        document = json.loads(header["__metadata__"]["simdnn"])
    except (ValueError, KeyError, TypeError, struct.error, RecursionError):
        return mutated_bytes(content, chance)
    way = chance.random()
    if way < 0.05:
        return mutated_bytes(content, chance)
    if isinstance(document, dict) and chance.random() < 0.95:
        document.pop("checksum", None)
    if way < 0.75:
        document = mutated_document(document, chance)
    elif way < 0.9:
        tensors = {name: value for name, value in header.items() if name != "__metadata__"}
        changed = mutated_document(tensors, chance)
        header = {"__metadata__": header["__metadata__"]} | (changed if isinstance(changed, dict) else {})
    else:
        arrays = mutated_bytes(arrays, chance)
    header["__metadata__"]["simdnn"] = json.dumps(document)
    text = json.dumps(header).encode("utf-8", "replace")
    return struct.pack("<Q", len(text)) + text + arrays


def mutated_text(content: bytes, chance: random.Random) -> bytes:
    """Another table: cells, marks and lines that are replaced, put in or left out."""
    if chance.random() < 0.15:
        return mutated_bytes(content, chance)
    text = content.decode("utf-8", "replace")
    for _ in range(chance.choice([1, 1, 2, 5])):
        a, b = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        b = min(b, a + chance.choice([0, 0, 1, 3, 20]))
        text = text[:a] + chance.choice([*WORDS, "", text[a : a + 40]]) + text[b:]
    return text[:4000].encode("utf-8", "surrogateescape" if chance.random() < 0.1 else "replace")


def mutated_zip(content: bytes, chance: random.Random) -> bytes:
    """Another archive: a member whose header or data are changed, with checksums that fit."""
    if chance.random() < 0.3:
        return mutated_bytes(content, chance)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            members = {name: file.read(name) for name in file.namelist()}
    except Exception:  # an archive that was damaged before
        return mutated_bytes(content, chance)
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", chance.choice([0, 8])) as file:
        warnings.simplefilter("ignore")
        for name, value in members.items():
            if chance.random() < 0.1:
                continue
            file.writestr(
                name if chance.random() < 0.9 else chance.choice(["x", "x.npy", "é", "a.npy"]),
                mutated_bytes(value, chance) if chance.random() < 0.5 else value,
            )
    return out.getvalue()


def mutated_onnx(content: bytes, chance: random.Random) -> bytes:
    """Another graph: fields of its messages that are replaced, left out or repeated."""
    from onnx import ModelProto

    if chance.random() < 0.15:
        return mutated_bytes(content, chance)
    model = ModelProto()
    try:
        model.ParseFromString(content)
    except Exception:  # protobuf names no base of its exceptions
        return mutated_bytes(content, chance)
    for _ in range(chance.choice([1, 1, 2, 3])):
        with contextlib.suppress(ValueError):  # a number of no enumeration, or bytes that are no text
            mutate_message(model, chance)
    return model.SerializeToString()


def mutate_message(message: Any, chance: random.Random) -> None:
    """Changes a field of a message, or of one inside it."""
    fields = [field for field, _ in message.ListFields()]
    if not fields:
        return
    field = chance.choice(fields)
    value = getattr(message, field.name)
    inner = field.message_type is not None
    if not hasattr(value, "append") and not hasattr(value, "add"):  # a single value
        if chance.random() < 0.1:
            message.ClearField(field.name)
        elif inner:
            mutate_message(value, chance)
        else:
            setattr(message, field.name, other_value(value, chance))
        return
    place, way = chance.randrange(len(value)), chance.random()
    if way < 0.1:
        del value[place]
    elif way < 0.2 and inner:
        value.add().CopyFrom(value[place])
    elif way < 0.25 and not inner:
        value.append(value[place])
    elif inner:
        mutate_message(value[place], chance)
    else:
        value[place] = other_value(value[place], chance)


def other_value(value: Any, chance: random.Random) -> Any:
    """Another value of the type of a field."""
    if isinstance(value, bytes):
        return mutated_bytes(value, chance)
    if isinstance(value, str):
        return chance.choice(["", "x", value + "x", "Relu", "Gemm", "Add", "LSTM", "Gather", "perm", "input"])
    if isinstance(value, float):
        return chance.choice([0.0, -1.0, 1e30, float("nan"), value * 2])
    return chance.choice([0, 1, 2, 3, 7, 11, 16, 2**31 - 1, -1, value + 1]) if type(value) is int else value


def described(model: nn.Sequential | nn.Ensemble, path: Path, metadata: Any = None) -> bytes:
    simdnn.save(model, path, metadata)
    return path.read_bytes()


def networks() -> list[nn.Sequential]:
    """Small networks with every kind of layer."""
    block = nn.Residual(
        nn.Dense(6, 6, nn.LeakyReLU(0.2)), nn.Dropout(0.3), shortcut=nn.Dense(6, 6, bias=False)
    )
    return [
        nn.Sequential(nn.Dense(4, 6, "gelu"), block, nn.SELU(), nn.BatchNorm1d(6), nn.Dense(6, 3), rng=0),
        nn.Sequential(
            nn.LSTM(3, 4, 2, True, mask_value=0.0, truncate=2),
            nn.LayerNorm(4),
            nn.GRU(4, 3, stateful=True),
            rng=0,
        ),
        nn.Sequential(
            nn.Embedding(in_features=3, columns={1: (5, 3)}),
            nn.Concatenate(nn.Maxout(5, 4, 3), (nn.PReLU(5), nn.Swish(1.5, True), nn.RReLU())),
            nn.PiecewiseLinear(9, 4, encoded=2, bins=3),
            nn.LargeMarginSoftmax(4, 3, 2),
            rng=0,
        ),
    ]


def model_seeds(folder: Path) -> list[bytes]:
    path, found = folder / "seed.safetensors", networks()
    contents = [described(model, path, {"classes": ["no", "yes"]}) for model in found]
    return [*contents, described(nn.Ensemble([found[0], found[0]]), path)]


def trainer_seeds(folder: Path) -> list[bytes]:
    path, contents = folder / "seed.safetensors", []
    rng = np.random.default_rng(0)
    shapes, rates = (
        ((5, 4), (5, 4, 3), (5, 3)),
        (schedules.one_cycle(1e-2, 30), schedules.reduce_on_plateau(0.1), 1e-2),
    )
    makers = (optim.Adam, optim.SGD, optim.RMSprop)
    for model, shape, rate, make in zip(networks(), shapes, rates, makers, strict=True):
        x = rng.integers(0, 5, shape).astype(np.float32)
        y = rng.integers(0, model.out_features, 5)
        trainer = Trainer(model, optimizer=make(lr=rate), seed=1)
        trainer.fit(x, y, epochs=1, progress=False)
        trainer.save(path)
        contents.append(path.read_bytes())
    return contents


def columns_seeds(folder: Path) -> list[bytes]:
    """Models with the columns and the target of a table, as the command `train` writes them."""
    path = folder / "seed.safetensors"
    words = np.array(["a", "b", "c", None] * 10, object)
    data = {"n": np.arange(40.0), "w": words, "m": np.where(np.arange(40) % 7, 1.5, np.nan)}
    contents = []
    for settings in ({}, {"numbers": "quantile"}, {"numbers": "piecewise"}):
        try:
            columns = table.Columns.fit(data, **settings)
        except (TypeError, ValueError):
            continue
        target = table.Target.fit({"y": np.array(["no", "yes"] * 20, object)}, "y")
        model = nn.Sequential(nn.Dense(len(columns.features), target.outputs), rng=0)
        metadata = {"table": {"columns": columns.to_dict(), "target": target.to_dict()}}
        contents.append(described(model, path, metadata))
    return contents


def onnx_seeds(folder: Path) -> list[bytes]:
    path, contents = folder / "seed.onnx", []
    for model in [
        nn.Sequential(
            nn.Dense(4, 6, "gelu"), nn.BatchNorm1d(6), nn.Residual(nn.Dense(6, 6, "tanh")), nn.CReLU(), rng=0
        ),
        nn.Sequential(nn.LSTM(3, 4, 2, True), nn.LayerNorm(4), nn.GRU(4, 3), nn.Dense(3, 2, "selu"), rng=0),
        nn.Sequential(
            nn.Embedding(in_features=3, columns={1: (5, 3)}),
            nn.Maxout(5, 4, 3),
            nn.PReLU(4),
            nn.Softmax(),
            rng=0,
        ),
    ]:
        onnx.export(model, path)
        contents.append(path.read_bytes())
    return contents


def csv_seeds(folder: Path) -> list[bytes]:
    return [
        b"kind,age\ncat,3\ndog,\n",
        b"a,b,c\n1,2,3\n4,5.5,-6e3\n7,,9\n",
        b'name,"the, note"\r\n"x ""y""",1\r\n"two\nlines",2\r\n\r\nz,NA\r\n',
        "\ufeffid,day,ü\n007,2024-01-31,1\n008,2024-02-01,x\n".encode(),
        b"a;b\n1,5;2\n1.000,5;3\n",
        b"x\n" + b"\n".join(b"%d" % i for i in range(30)),
    ]


def npz_seeds(folder: Path) -> list[bytes]:
    contents = []
    for arrays in (
        {"X": np.arange(12.0).reshape(4, 3), "y": np.arange(4)},
        {"w": np.array(["a", "b"]), "d": np.array(["2024-01-31", "NaT"], "M8[D]"), "f": np.ones(2, ">f4")},
        {"b": np.array([True, False, True])},
    ):
        out = io.BytesIO()
        np.savez(out, **arrays)
        contents.append(out.getvalue())
    return contents


def read_model(path: Path) -> None:
    """Reads a model; one that is accepted can be used, copied and saved."""
    simdnn.load_metadata(path)
    model = simdnn.load(path)
    if isinstance(model, nn.Sequential) and model.flat_parameters.size < 10**6:
        assert nn.Sequential.from_dict(model.to_dict()).to_dict() == model.to_dict()
        sequence = model._input.sequence
        model(np.zeros((1, 2, model.in_features) if sequence else (1, model.in_features)))


def read_trainer(path: Path) -> None:
    """Reads a trainer; one that is accepted can be copied."""
    copy.deepcopy(Trainer.load(path))


def read_described(path: Path) -> None:
    """Reads a model with its columns as the command `predict` does, and predicts."""
    found = load_described(str(path))
    names = list(found.columns.features)[:1]
    assert names or not found.columns.features


def tables(path: Path, **settings: Any) -> tuple[Any, str]:
    """The columns of a whole file, or ""; and the message of the error, without the name of the file."""
    try:
        return table.read(path, **settings), ""
    except ValueError as error:
        return None, str(error)


def read_csv(path: Path) -> None:
    """Reads a table whole and in chunks, which agree."""
    whole, message = tables(path, dates=True)
    try:
        parts = list(table.chunks(path, rows=2, dates=True))
    except ValueError:
        assert message, "chunks refuse a file that is read whole"
        return
    assert not message, f"chunks accept a file that is refused whole: {message}"
    for name, values in whole.items():
        joined = [one for part in parts for one in part[name].tolist()]
        assert len(joined) == len(values)
        assert all(alike(a, b) for a, b in zip(joined, values.tolist(), strict=True)), name
    for settings in ({"delimiter": ";", "decimal": ","}, {"text": list(whole)[:1]}, {"thousands": "'"}):
        tables(path, **settings)


def alike(a: Any, b: Any) -> bool:
    return a == b or (a != a and b != b) or str(a) == str(b)


READER_MODULES = ("simdnn.io", "simdnn._utils", "simdnn.nn._describe", "simdnn.nn._state", "simdnn.nn._layer")
TARGETS: dict[str, Target] = {
    "model": Target(".safetensors", model_seeds, read_model, mutated_safetensors, READER_MODULES),
    "trainer": Target(
        ".safetensors",
        trainer_seeds,
        read_trainer,
        mutated_safetensors,
        (*READER_MODULES, "simdnn.optim", "simdnn.schedules", "simdnn.training._trainer"),
    ),
    "described": Target(
        ".safetensors",
        columns_seeds,
        read_described,
        mutated_safetensors,
        ("simdnn.table", "simdnn.cli._described"),
    ),
    "onnx": Target(".onnx", onnx_seeds, lambda path: onnx.load(path), mutated_onnx, ("simdnn.onnx",)),
    "csv": Target(".csv", csv_seeds, read_csv, mutated_text, ("simdnn.table", "csv")),
    "npz": Target(
        ".npz", npz_seeds, lambda path: table.read(path, dates=True), mutated_zip, ("simdnn.table",)
    ),
}
