"""The checksum of a model file: SHA-256 of all its bytes, with zeros in the place of the checksum itself."""

from __future__ import annotations

import re
from typing import BinaryIO

#: Placeholder for the checksum, in whose presence it is computed.
BLANK = "0" * 64
DIGITS = re.compile("[0-9a-f]{64}")
#: Bytes that are read at once.
CHUNK = 1 << 20


def seal(content: bytes) -> tuple[memoryview, bytes, memoryview]:
    """A file's content whose first `BLANK` is replaced by the checksum, in three parts."""
    import hashlib  # imported here to keep `import simdnn` fast

    start = content.index(BLANK.encode())
    digits = hashlib.sha256(content).hexdigest()
    whole = memoryview(content)
    return whole[:start], digits.encode(), whole[start + len(BLANK) :]


def verify(file: BinaryIO, checksum: object) -> None:
    """Raises ValueError if the content of an open file does not have this checksum, which it holds."""
    import hashlib

    if not isinstance(checksum, str) or not DIGITS.fullmatch(checksum):
        raise ValueError(f"checksum: expected 64 hexadecimal digits, got {checksum!r:.80}")
    length = file.read(8)
    header = length + file.read(int.from_bytes(length, "little"))
    digest = hashlib.sha256(header.replace(checksum.encode(), BLANK.encode(), 1))
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    if digest.hexdigest() != checksum:
        raise ValueError(f"damaged: the content has the checksum {digest.hexdigest()}, expected {checksum}")
