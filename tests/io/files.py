"""Networks to save, and helpers that change saved files."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from simdnn import nn


def small(dtype: Any = np.float32) -> nn.Sequential:
    """A small network with nested layers."""
    block = nn.Residual(
        nn.Dense(6, 6, nn.LeakyReLU(0.2)), nn.Dropout(0.3), shortcut=nn.Dense(6, 6, bias=False)
    )
    return nn.Sequential(nn.Dense(4, 6, "gelu"), block, nn.SELU(), nn.Dense(6, 3), rng=0, dtype=dtype)


def header_of(path: Path) -> tuple[dict[str, Any], bytes]:
    """The header of a safetensors file, and the bytes of its arrays."""
    content = path.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def rewritten(path: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """Changes the description in a file, removes its checksum, and returns its path."""
    header, arrays = header_of(path)
    description = json.loads(header["__metadata__"]["simdnn"])
    description.pop("checksum", None)
    answer = change(description)
    text = answer if isinstance(answer, str) else json.dumps(description)
    header["__metadata__"]["simdnn"] = text
    content = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(content)) + content + arrays)
    return path
