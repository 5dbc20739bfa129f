"""The error about a file of text that is not UTF-8."""

from __future__ import annotations

import os
import shlex

#: The first bytes of files in UTF-16.
WIDE = (b"\xff\xfe", b"\xfe\xff")
#: The bytes that are letters and signs in Windows' encoding, and control characters in Latin-1.
WINDOWS = range(0x80, 0xA0)


def encoding_error(name: str) -> ValueError:
    """The error about a file that is not UTF-8: its first wrong byte, and the command that converts it."""
    stem, ending = os.path.splitext(name)
    found, encoding = first_wrong(name)
    command = f"iconv -f {encoding} -t utf-8 {shlex.quote(name)} > {shlex.quote(f'{stem}-utf8{ending}')}"
    return ValueError(f"{name}: {found}; if it is {encoding}, convert it: {command}")


def first_wrong(name: str) -> tuple[str, str]:
    """The first byte that is not UTF-8 and its line in words, and the encoding that the file may have."""
    with open(name, "rb") as file:
        for count, line in enumerate(file, 1):
            if count == 1 and line[:2] in WIDE:
                return "expected text in UTF-8", "utf-16"
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte, before = line[error.start], line[: error.start].decode()
                place = f", after {before[-20:]!r}," if before else ""
                encoding = "cp1252" if byte in WINDOWS else "latin1"
                return f"line {count}: byte 0x{byte:02x}{place} is not UTF-8", encoding
    return "expected text in UTF-8", "latin1"
