"""Sphinx extension: pages of the reference, written from the docstrings before a build."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import os
from pathlib import Path
from typing import Any

import docstrings
import inventory
import thumbnails
from sphinx.application import Sphinx


class Writer:
    """Writes the lines of one page; pictures go to a folder of the build."""

    def __init__(self, group: inventory.Group, sources: Path, pictures: Path) -> None:
        self.group, self.sources, self.pictures = group, sources, pictures
        self.module = importlib.import_module(group.module)
        self.owner = ""

    def link(self, name: str) -> str:
        """A link to the entry of an object, or of a member of the class that is written; else code."""
        member = inventory.place_of(f"{self.owner}.{name}", self.group.module) if self.owner else None
        place = member or inventory.place_of(name, self.group.module)
        return f":py:obj:`{name} <{place}>`" if place else f"``{name}``"

    def page(self) -> list[str]:
        title = self.group.title
        lines = [title, "=" * len(title), ""]
        if self.group.file in inventory.PACKAGES:
            lines += [*docstrings.rst(self.module, self.link), ""]
        if self.group.file == "activations":
            lines += self.gallery()
        lines += self.contents()
        for name in self.group.names:
            thing = getattr(self.module, name)
            lines += self.of_class(name, thing) if inspect.isclass(thing) else self.of_function(name, thing)
        return lines

    def gallery(self) -> list[str]:
        """The pictures of the functions of one number, as links to their entries."""
        lines = [".. grid:: 2 3 3 4", "   :gutter: 2", ""]
        for name in inventory.ROWS:
            place = f"#{self.group.module}.{name}"
            card = [f".. grid-item-card:: {name}", f"   :link: {place}", "", *indented(self.picture(name))]
            lines += indented(card)
        return [*lines, ""]

    def contents(self) -> list[str]:
        """A table of the names with a line about each."""
        lines = [".. list-table::", "   :class: names", "   :widths: auto", ""]
        for name in self.group.names:
            text = docstrings.summary(getattr(self.module, name), self.link)
            lines += [f"   * - :py:obj:`{name} <{self.group.module}.{name}>`", f"     - {text}"]
        return [*lines, ""]

    def of_function(self, name: str, thing: Any) -> list[str]:
        """A function, together with its derivative and its backward pass if it is an activation."""
        activation = self.group.file == "activations"
        names = [name, *(inventory.passes(self.group.module, name) if activation else ())]
        first, *others = [one + docstrings.signature(getattr(self.module, one)) for one in names]
        lines = [f".. py:function:: {first}", *(f"                 {one}" for one in others)]
        lines += [f"   :module: {self.group.module}", ""]
        if activation and name in inventory.ROWS:
            lines += indented(self.picture(name))
        return [*lines, *indented(docstrings.rst(thing, self.link)), ""]

    def picture(self, name: str) -> list[str]:
        path = os.path.relpath(thumbnails.draw(name, self.pictures), self.sources)
        text = f"{name} and its derivative, for x from {thumbnails.LOW} to {thumbnails.HIGH}"
        return [f".. image:: /{path}", f"   :alt: {text}", "   :class: thumbnail", ""]

    def of_class(self, name: str, thing: type) -> list[str]:
        bases = [base.__name__ for base in thing.__mro__[1:] if base.__name__ in inventory.BASES]
        lines = [f".. py:class:: {name}{docstrings.signature(thing)}", f"   :module: {self.group.module}", ""]
        if bases:
            lines += [f"   Base class: {self.link(bases[0])}.", ""]
        self.owner = name
        lines += indented(docstrings.rst(thing, self.link))
        for key, value in inventory.members(thing):
            lines += indented(["", *self.member(f"{name}.{key}", value)])
        self.owner = ""
        return [*lines, ""]

    def member(self, name: str, value: Any) -> list[str]:
        """A method or a property of a class."""
        options = [f"   :module: {self.group.module}"]
        if isinstance(value, property):
            lines = [f".. py:property:: {name}", *options, ""]
        else:
            if isinstance(value, classmethod | staticmethod):
                options.append(f"   :{type(value).__name__}:")
            arguments = docstrings.signature(getattr(value, "__func__", value))
            lines = [f".. py:method:: {name}{arguments}", *options, ""]
        return [*lines, *indented(docstrings.rst(value, self.link)), ""]


def commands() -> list[str]:
    """The page of the command line: its help."""
    from simdnn.cli import _main as cli

    lines = ["Command line", "============", ""]
    for command in ("", *cli.COMMANDS):
        title = f"simdnn {command}".rstrip()
        text = io.StringIO()
        with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
            cli.main([*command.split(), "--help"])
        lines += [title, "-" * len(title), "", ".. code-block:: text", ""]
        lines += [*indented(text.getvalue().splitlines()), ""]
    return lines


def indented(lines: list[str]) -> list[str]:
    return [f"   {line}" if line else "" for line in lines]


def write(path: Path, lines: list[str]) -> None:
    """Writes a page, unless it is as before, so that Sphinx need not read it again."""
    text = "\n".join(lines) + "\n"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def write_pages(app: Sphinx) -> None:
    """The pages of all groups, and that of the command line."""
    sources, pictures = Path(app.srcdir), Path(app.doctreedir).parent / "thumbnails"
    folder = sources / "reference"
    folder.mkdir(exist_ok=True)
    for group in inventory.groups():
        write(folder / f"{group.file}.rst", Writer(group, sources, pictures).page())
    write(folder / "command_line.rst", commands())


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
