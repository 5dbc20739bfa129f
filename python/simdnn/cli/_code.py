"""The use of a C header, and the size of its code, as a compiler makes it."""

from __future__ import annotations

import os
import re
import shlex
import struct
import subprocess
import tempfile
from pathlib import Path

from simdnn._utils.files import in_shell

from ._common import fail

#: The flag of a section of machine code, and the type of one without contents, in an ELF file.
EXECUTABLE, EMPTY = 4, 8


def code_size(compiler: str, header: str) -> int:
    """Bytes of machine code of a prediction, without the functions of the C library."""
    path = Path(header).resolve()
    words = shlex.split(compiler) or fail("--cc: expected a compiler, got nothing")
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "size.c"), Path(folder, "size.o")
        source.write_text(f'#include "{path}"\n{entry(path.read_text())}\n')
        command = [*words, "-std=c99", "-Os", "-ffp-contract=off", "-c", str(source), "-o", str(made)]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except OSError as error:
            fail(f"--cc: {words[0]}: {error.strerror}")
        if done.returncode:
            fail(f"--cc: {words[0]} failed: {' '.join(done.stderr.splitlines()[:1]) or done.returncode}")
        return machine_code(made.read_bytes())


def usage(header: str) -> list[tuple[str, str]]:
    """Rows of a name and a value: the functions of a C header, and the command of its test."""
    text = Path(header).read_text()
    name, given = re.findall(r"static inline int (\w+_predict(?:_row)?)\((.*?)\) \{", text)[-1]
    arguments = ", ".join(one.split()[-1].lstrip("*") for one in given.split(","))
    after = re.search(rf" \*?({name.split('_predict')[0]}_(?:class|value))\(", text)
    calls = f"{name}({arguments})" + (f" and {after[1]}(y)" if after else "")
    test = re.search("^// Test: (.*)$", text, re.MULTILINE)
    inside, here = (f" -x c {in_shell(one)} -lm" for one in (os.path.basename(header), header))
    rows = [("in C", f'#include "{os.path.basename(header)}", then {calls}')]
    return [*rows, *([("test", test[1].replace(inside, here))] if test else [])]


def entry(header: str) -> str:
    """A pointer to the function that predicts, which a compiler must therefore make."""
    name = re.findall(r"static inline int (\w+_predict(?:_row)?)\(", header)[-1]
    return f"__typeof__({name}) *entry = {name};"


def machine_code(elf: bytes) -> int:
    """Bytes of the sections of machine code in an ELF file."""
    if elf[:4] != b"\x7fELF" or elf[5] != 1:
        fail("--cc: expected a compiler that writes little-endian ELF files")
    wide = elf[4] == 2
    (table,) = struct.unpack_from("<Q" if wide else "<I", elf, 40 if wide else 32)
    size, count = struct.unpack_from("<HH", elf, 58 if wide else 46)
    total = 0
    for at in range(table, table + size * count, size):
        kind, flags = struct.unpack_from("<IQ" if wide else "<II", elf, at + 4)
        (length,) = struct.unpack_from("<Q" if wide else "<I", elf, at + (32 if wide else 20))
        total += length if flags & EXECUTABLE and kind != EMPTY else 0
    return total
