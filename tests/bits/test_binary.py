"""The compiled module: instructions of an ISA level occur in functions of that level only."""

import platform
import re
import shutil
import subprocess
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from simdnn import _core

pytestmark = [
    pytest.mark.skipif(
        any(shutil.which(tool) is None for tool in ("nm", "objdump", "readelf")), reason="needs binutils"
    ),
    pytest.mark.skipif(
        platform.machine() != "x86_64", reason="levels v2, v3, v4 and amx are those of x86-64"
    ),
]

MODULE = Path(_core.__file__)
BUILDS = Path(__file__).resolve().parents[2] / "build"
#: Mangled names of code of an ISA level: simdnn::v3::..., simdnn::v4::..., simdnn::amx::..., and accessors of
#: their tables.
LEVEL = re.compile(r"\b\w*(?:6simdnn(?:2(v[234])|3(amx))|kernels_(v[234]|amx))")


class Function(NamedTuple):
    """A function of the binary: its symbol, and its instructions as pairs (mnemonic, operands)."""

    name: str
    instructions: list[tuple[str, str]]
    addresses: list[int]

    @property
    def level(self) -> str | None:
        """The ISA level whose namespace the function is in."""
        found = LEVEL.search(self.name)
        return (found[1] or found[2] or found[3]) if found else None

    def jumps(self) -> list[str]:
        """Functions to whose beginning this function jumps."""
        targets = [operands for name, operands in self.instructions if name == "jmp"]
        return [match[1] for target in targets if (match := re.search(r"<([^+>]+)>", target))]

    def loops(self) -> Iterator[list[tuple[str, str]]]:
        """The loops: the instructions between each conditional backward jump and its target."""
        for end, (name, operands) in enumerate(self.instructions):
            conditional = name.startswith("j") and name != "jmp"
            target = re.match(r"[0-9a-f]+", operands) if conditional else None
            if target and int(target[0], 16) <= self.addresses[end]:
                first = bisect_left(self.addresses, int(target[0], 16))
                yield self.instructions[first : end + 1]

    def uses(self, register: str) -> bool:
        return any(register in operands for _, operands in self.instructions)


def output(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def build_id(path: Path) -> str:
    """The number that the linker gave to a module; it is the same before and after stripping."""
    found = re.search(r"Build ID: (\w+)", output("readelf", "--notes", path))
    return found[1] if found else ""


@pytest.fixture(scope="module")
def unstripped() -> Path:
    """The module with its symbols: the installed one, or that of the build folder from which it came."""
    wanted = build_id(MODULE)
    assert wanted, f"{MODULE} has no build ID"
    for path in (MODULE, *BUILDS.glob(f"*/{MODULE.name}")):
        if build_id(path) == wanted and ".symtab" in output("readelf", "--section-headers", "--wide", path):
            return path
    pytest.fail(f"{MODULE} has no symbols, and {BUILDS} has no build of it: install it from this tree")


@pytest.fixture(scope="module")
def functions(unstripped: Path) -> list[Function]:
    """The functions of the executable sections of the module."""
    found = list(parse(output("objdump", "--disassemble", "--no-show-raw-insn", "--wide", unstripped)))
    assert any(function.level for function in found)
    return found


def parse(listing: str) -> Iterator[Function]:
    """Parses the functions of a disassembly."""
    current: Function | None = None
    for line in listing.splitlines():
        if head := re.match(r"[0-9a-f]+ <(.+)>:$", line):
            if current:
                yield current
            current = Function(head[1], [], [])
        elif current and (body := re.match(r"\s+([0-9a-f]+):\s+(\S+)\s*(.*)", line)):
            current.addresses.append(int(body[1], 16))
            current.instructions.append((body[2], re.sub(r"#.*", "", body[3])))
    if current:
        yield current


def is_wide(function: Function) -> bool:
    """True for an instruction beyond level v2: a VEX or EVEX opcode (names with v...), or mask registers."""
    exceptions = {"verr", "verw"}
    return any(
        (name.startswith("v") and name not in exceptions) or re.search(r"%[yz]mm|%k[0-7]\b", operands)
        for name, operands in function.instructions
    )


def test_wide_instructions_stay_in_their_level(functions: list[Function]) -> None:
    leaked = [
        function.name
        for function in functions
        if function.level not in ("v3", "v4", "amx") and is_wide(function)
    ]
    assert not leaked


def test_wide_registers_belong_to_the_widest_level(functions: list[Function]) -> None:
    assert not [function.name for function in functions if function.level == "v3" and function.uses("%zmm")]
    assert any(function.uses("%zmm") for function in functions if function.level == "v4")
    assert any(function.uses("%ymm") for function in functions if function.level == "v3")
    assert not [function.name for function in functions if function.level != "amx" and function.uses("%tmm")]
    assert any(function.uses("%tmm") for function in functions if function.level == "amx")


def test_products_use_fused_multiply_add(functions: list[Function]) -> None:
    for level, register in (("v3", "%ymm"), ("v4", "%zmm")):
        tiles = [f for f in functions if f.level == level and re.search(r"4tileI[fd]|9bf16_tileI", f.name)]
        assert tiles
        for tile in tiles:
            assert any(
                name.startswith("vfmadd") and register in operands for name, operands in tile.instructions
            )


@pytest.mark.parametrize("level", ["v3", "v4"])
def test_tiles_keep_their_sums_in_registers(functions: list[Function], level: str) -> None:
    """No loop of fused multiply-adds stores a vector to the stack; v2 calls a function for each."""
    tiles = [f for f in functions if f.level == level and re.search(r"4tileI[fd]", f.name)]
    loops = {
        tile.name: [body for body in tile.loops() if any(name.startswith("vfmadd") for name, _ in body)]
        for tile in tiles
    }
    assert loops
    assert all(loops.values()), "no loop found in a tile"
    spilling = [
        name
        for name, bodies in loops.items()
        if any(
            re.search(r"%[xyz]mm", operands) and "%rsp" in operands for body in bodies for _, operands in body
        )
    ]
    assert not spilling


#: Instructions of packed arithmetic, without moves, conversions of layout and integer additions of addresses.
PACKED = re.compile(
    r"v(?:add|sub|mul|div|fn?m(?:add|sub)\d+|max|min|cmp\w*|blendm?|andn?|xor|or|range)p[sd]$"
)
PACKED_INTEGER = re.compile(r"v(?:pand|por|pxor|pcmp|pmin|pmax|pblend|pternlog|padd|psub)\w*$")


def kernels_of(functions: list[Function], level: str) -> dict[str, list[Function]]:
    """The loops of an ISA level by kind, class and type, as in "value Elu f"."""
    found: dict[str, list[Function]] = {}
    named = {function.name: function for function in functions}
    pattern = re.compile(r"\d+map_contiguousINS1_\d+(Value|Derivative|Backward)INS1_\d+(\w+?)EEE([fd])E")
    for function in functions:
        if function.level == level and (match := pattern.search(function.name)):
            kind, name, precision = match.groups()
            same = [
                named[target] for target in function.jumps() if target in named
            ]  # the linker merges equal code
            found.setdefault(f"{kind.lower()} {name} {precision}", []).extend([function, *same])
    return found


@pytest.mark.parametrize(("level", "register"), [("v3", "%ymm"), ("v4", "%zmm")])
def test_every_kernel_is_vectorized(functions: list[Function], level: str, register: str) -> None:
    """Each loop computes in the widest registers, and calls no function; half precision uses double's."""
    kernels = kernels_of(functions, level)
    rows = [(row["name"], ("value", "derivative", "backward")) for row in _core.activations()]
    rows += [(row["name"], ("value",)) for row in _core.elementary()]
    wanted = {
        f"{kind} {''.join(part.capitalize() for part in name.split('_'))} {precision}"
        for name, kinds in rows
        for kind in kinds
        for precision in "fd"
    }
    assert not wanted - kernels.keys(), "no loop found for these"
    scalar = []
    for name in sorted(wanted):
        instructions = [pair for function in kernels[name] for pair in function.instructions]
        packed = [
            mnemonic
            for mnemonic, operands in instructions
            if register in operands and (PACKED.match(mnemonic) or PACKED_INTEGER.match(mnemonic))
        ]
        called = [operands for mnemonic, operands in instructions if mnemonic == "call"]
        outside = [target for target in called if not re.search(r"memset|memcpy|memmove|stack_chk", target)]
        copies = name in ("value Identity f", "value Identity d")
        if outside or not (packed or copies):
            scalar.append((name, outside))
    assert not scalar


def test_code_of_a_level_is_local(unstripped: Path) -> None:
    """Functions of a level have internal linkage, so the linker cannot merge copies of several levels."""
    rows = [line.split() for line in output("nm", "--defined-only", unstripped).splitlines()]
    rows = [row for row in rows if len(row) == 3]
    assert rows
    shared = [name for _, kind, name in rows if "6simdnn2v" in name and kind not in "tdrbn"]
    assert not shared


def test_no_stack_is_executable_and_no_path_is_baked_in() -> None:
    shown = output("readelf", "--wide", "--program-headers", "--dynamic", MODULE)
    (stack,) = [line for line in shown.splitlines() if "GNU_STACK" in line]
    assert "RWE" not in stack
    assert "(RPATH)" not in shown
