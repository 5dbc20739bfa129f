"""The processor under test: its name with the microarchitecture, and the sizes of its caches."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import NamedTuple

#: Microarchitectures by vendor, family and model; virtual machines often hide the product's name.
MICROARCHITECTURES = {
    ("AuthenticAMD", 25, 1): "Zen 3",
    ("AuthenticAMD", 25, 17): "Zen 4",
    ("AuthenticAMD", 25, 97): "Zen 4",
    ("AuthenticAMD", 25, 160): "Zen 4c",
    ("AuthenticAMD", 26, 2): "Zen 5",
    ("GenuineIntel", 6, 85): "Skylake or Cascade Lake",
    ("GenuineIntel", 6, 106): "Ice Lake",
    ("GenuineIntel", 6, 143): "Sapphire Rapids",
    ("GenuineIntel", 6, 173): "Granite Rapids",
    ("GenuineIntel", 6, 207): "Emerald Rapids",
}


class Processor(NamedTuple):
    """A processor's product name, its family and model if known, and its caches, e.g. ``L2 1 MiB``."""

    product: str
    family: str
    caches: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name that identifies the processor in `RESULTS.md`."""
        return f"{self.product} ({self.family})" if self.family else self.product


def read_processor(
    cpuinfo: Path = Path("/proc/cpuinfo"), caches: Path = Path("/sys/devices/system/cpu/cpu0/cache")
) -> Processor:
    """The processor from the files of Linux, or from `platform` on other systems."""
    fields: dict[str, str] = {}
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    product = fields.get("model name") or platform.processor() or platform.machine()
    return Processor(product, _family(fields), tuple(_cache(path) for path in sorted(caches.glob("index*"))))


def _family(fields: dict[str, str]) -> str:
    """The microarchitecture if it is known, else family and model."""
    if "cpu family" not in fields:
        return ""
    family, model = int(fields["cpu family"]), int(fields["model"])
    known = MICROARCHITECTURES.get((fields.get("vendor_id", ""), family, model))
    return known or f"family {family} model {model}"


def _cache(path: Path) -> str:
    """The name and size of a cache from its sysfs folder, e.g. ``L1d 32 KiB``."""
    level, kind, size = ((path / name).read_text().strip() for name in ("level", "type", "size"))
    suffix = {"Data": "d", "Instruction": "i"}.get(kind, "")
    kibibytes = int(size.removesuffix("K"))
    shown = f"{kibibytes // 1024} MiB" if kibibytes % 1024 == 0 else f"{kibibytes} KiB"
    return f"L{level}{suffix} {shown}"
