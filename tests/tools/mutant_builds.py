"""Builds of mutants: each compiles the objects that read the changed file, and no others.

The kernels are compiled for one instruction-set level, which stands for all of them, and everything at low
optimization, with the assertions of the C++ library; the bits are the same by promise. The bindings, which
take long, are compiled where they alone read the file or a mutant survives; else the other objects come first
in the link, so that their copies of inline functions are taken.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
#: The level whose kernels are built, by the names of the objects' targets.
LEVELS = ("kernels_v3", "kernels_neon")
#: Tables of other levels, which the choice of a level names.
OTHERS = """#include "{tree}/cpp/kernels.hpp"
namespace simdnn {{
const Kernels& kernels_v3();
const Kernels& kernels_v2() {{ return kernels_v3(); }}
const Kernels& kernels_v4() {{ return kernels_v3(); }}
}}
"""


#: Layers are made by the bindings; here are their specifications and classes without them.
LAYERS = """#include "{tree}/cpp/net/layers.hpp"
#include "{tree}/cpp/net/optimizer_config.hpp"
namespace simdnn {{
template <class... Specs>
void* made(List<Specs...>) {{
  return new void*[]{{(new Specs)...}};
}}
void* all_layers() {{ return made(LayerSpecs{{}}); }}
OptimizerConfig* optimizer(int rule) {{ return new OptimizerConfig(rule); }}
}}
"""


class Object:
    """A source, the command that compiles it, and the files that it reads."""

    def __init__(self, source: Path, command: list[str], output: Path) -> None:
        self.source, self.command, self.output = source, command, output

    def compile(self, tree: Path, base: Path, output: Path) -> bool:
        """Compiles the copy of the source in a tree; returns False if the compiler refuses it."""
        words = [word.replace(str(base), str(tree)) if "/cpp/" in word else word for word in self.command]
        source = str(self.source).replace(str(base / "cpp"), str(tree / "cpp"))
        if tree != base and base / "cpp" not in self.source.parents:  # it includes files by whole paths
            text = self.source.read_text(encoding="utf-8").replace(str(base / "cpp"), str(tree / "cpp"))
            source = f"{output}.cpp"
            Path(source).write_text(text, encoding="utf-8")
        done = subprocess.run(
            [*words, "-MMD", "-MF", f"{output}.d", "-o", str(output), "-c", source],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 and tree == base:
            raise SystemExit(done.stderr)
        return done.returncode == 0

    def is_binding(self) -> bool:
        """True for a unit of bindings, which takes long to compile."""
        return "/Unity/" in str(self.source)

    def files(self) -> list[str]:
        """The files that the object was compiled from."""
        text = Path(f"{self.output}.d").read_text(encoding="utf-8")
        return text.replace("\\\n", " ").partition(":")[2].split()

    def is_fresh(self) -> bool:
        """True if an earlier run has compiled the object from these files."""
        if not self.output.exists() or not Path(f"{self.output}.d").exists():
            return False
        made = self.output.stat().st_mtime
        return all(Path(name).exists() and Path(name).stat().st_mtime < made for name in self.files())

    def reads(self, path: str) -> bool:
        """True if the object was compiled from a file of this path in the tree."""
        return any(os.path.normpath(name).endswith(f"/{path}") for name in self.files())


def words_of(entry: dict[str, Any], level: str) -> list[str]:
    """The options of a compiler's command, without its files."""
    words = [word for word in shlex.split(entry["command"]) if not re.fullmatch(r"-O\d|-g|-W\w+", word)]
    for option in ("-o", "-c"):
        begin = words.index(option)
        del words[begin : begin + 2]
    return [*words, level, "-D_GLIBCXX_ASSERTIONS"]


class Build:
    """The objects of a tree without a mutation, and links of mutants."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self.tree, self.folder, self.jobs = folder / "base", folder / "objects", jobs
        copy_tree(self.tree)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.configure(folder / "cmake")
        self.objects = self.find_objects(folder / "cmake")
        with ThreadPoolExecutor(jobs) as pool:
            stale = [one for one in self.objects if not one.is_fresh()]
            list(pool.map(lambda one: one.compile(self.tree, self.tree, one.output), stale))

    def configure(self, folder: Path) -> None:
        """Lets CMake write the commands of the compiler."""
        found = subprocess.run(
            [sys.executable, "-m", "pybind11", "--cmakedir"], capture_output=True, text=True, check=True
        )
        subprocess.run(
            [
                *("cmake", "-S", str(self.tree), "-B", str(folder), "-G", "Ninja"),
                *("-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DSIMDNN_OPENMP=OFF", "-DSIMDNN_UNITY=ON"),
                *("-DSKBUILD_PROJECT_VERSION=0.1.0", f"-DPython_EXECUTABLE={sys.executable}"),
                f"-Dpybind11_DIR={found.stdout.strip()}",
            ],
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def find_objects(self, folder: Path) -> list[Object]:
        """The objects of the extension: units of bindings, files of the network, kernels of one level."""
        entries = json.loads((folder / "compile_commands.json").read_text(encoding="utf-8"))
        found: list[Object] = []

        def add(source: Path, words: list[str]) -> None:
            found.append(Object(source, words, self.folder / f"{len(found)}-{source.stem}.o"))

        for entry in entries:
            source = Path(entry["file"])
            target = str(entry["command"])
            if any(f"{level}.dir" in target for level in LEVELS):
                add(source, words_of(entry, "-O1"))
            elif "unit_models" in source.name or "unit_functions" in source.name:
                add(source, words_of(entry, "-O0"))
            elif "_core.dir" in target and "Unity" not in source.parts:
                options = words_of(entry, "-O1")
                add(source, options)
        for source in sorted((self.tree / "cpp" / "net").rglob("*.cpp")):
            add(source, options)
        written = {"others": OTHERS, "layers": LAYERS}
        if not any("kernels_v3.dir" in str(entry["command"]) for entry in entries):
            del written["others"]
        for name, text in written.items():
            path = self.folder / f"{name}.cpp"
            if not path.exists():  # an object that is fresh stays so
                path.write_text(text.format(tree=self.tree), encoding="utf-8")
            add(path, options)
        found.sort(key=Object.is_binding)  # they are last in the link
        return found

    def link(self, objects: Sequence[Path], output: Path) -> None:
        """Links an extension."""
        compiler = self.objects[0].command[0]
        subprocess.run(
            [compiler, "-shared", "-pthread", "-o", str(output), *map(str, objects), "-ldl"], check=True
        )

    def in_bindings(self, path: str) -> bool:
        """True if bindings and other objects read a file."""
        readers = {one.is_binding() for one in self.objects if one.reads(path)}
        return len(readers) == 2

    def mutant(self, worker: Path, path: str, bindings: bool) -> bool:
        """Builds the extension of a tree in which a file is changed; returns False if it is no C++."""
        readers = [one for one in self.objects if one.reads(path)]
        if not bindings:
            readers = [one for one in readers if not one.is_binding()] or readers
        objects = [one.output for one in self.objects if one not in readers]
        for one in readers:
            objects.insert(0, worker / "objects" / one.output.name)
            if not one.compile(worker, self.tree, objects[0]):
                return False
        self.link(objects, worker / "python" / "simdnn" / f"_core{suffix()}")
        return True


def suffix() -> str:
    """The end of an extension's name, for this Python."""
    import importlib.machinery

    return importlib.machinery.EXTENSION_SUFFIXES[0]


def copy_tree(folder: Path) -> None:
    """A copy of the sources and the tests, without extensions that were built before."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ignored = shutil.ignore_patterns("*.so", "__pycache__", "_build")
    for name in ("cpp", "python", "tests", "examples"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("CMakeLists.txt", "pyproject.toml", "ACCURACY.md"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "objects").mkdir()
