"""Mutators of the fuzzer: other contents of a format, from valid ones."""

import contextlib
import copy
import io
import json
import random
import struct
import warnings
import zipfile
from typing import Any

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
