"""A check of zip files, such as npz, that `zipfile` does not make."""

from __future__ import annotations

from typing import BinaryIO

#: Signature of the record at the end of a zip file, its length, and the longest comment after it.
END, LENGTH, COMMENT = b"PK\x05\x06", 22, 0xFFFF


def check_zip_end(file: BinaryIO, members: int) -> None:
    """Raises ValueError if the last record of a zip file counts other members than were found.

    `zipfile` reads the directory as far as that record says, so that a changed byte of it hides members.
    """
    file.seek(0, 2)
    file.seek(max(0, file.tell() - LENGTH - COMMENT))
    tail = file.read()
    start = tail.rfind(END)
    counts = [int.from_bytes(tail[start + at : start + at + 2], "little") for at in (8, 10)]
    if start < 0 or any(count not in (members, COMMENT) for count in counts):  # 0xffff: counted elsewhere
        raise ValueError(f"damaged: expected {max(counts)} arrays, found {members}")
