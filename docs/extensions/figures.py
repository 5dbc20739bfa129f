"""Sphinx extension: drawings get twins for dark pages; a figure without an alternative text is a warning.

The colors of `simdnn.plot` are known, so a twin is the same SVG with the colors for dark pages in place of
them.
"""

import os
from pathlib import Path
from typing import Any

from docutils import nodes
from simdnn.plot._style import DARK, LIGHT
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)

#: Colors of drawings on white paper and those of their twins; black is matplotlib's color of texts.
TWINS = {
    "#ffffff": "#131416",
    "#000000": DARK.text,
    **{
        light: dark
        for light, dark in zip(
            [LIGHT.text, LIGHT.soft, LIGHT.grid, LIGHT.band, *LIGHT.series],
            [DARK.text, DARK.soft, DARK.grid, DARK.band, *DARK.series],
            strict=True,
        )
    },
}


def darkened(drawing: str) -> str:
    """The text of an SVG in the colors for dark pages."""
    parts = drawing.split("#")
    for i, part in enumerate(parts[1:], 1):
        light = f"#{part[:6]}"
        parts[i] = TWINS.get(light.lower(), light)[1:] + part[6:]
    # Without a color of its own an element is black, unless the drawing has another color for all.
    return "#".join(parts).replace("<svg ", f'<svg fill="{DARK.text}" ', 1)


class DarkTwins(SphinxTransform):
    """Adds a twin after each drawing, shown on dark pages alone."""

    default_priority = 800  # after the cells' outputs have become images, before images are collected

    def apply(self, **kwargs: Any) -> None:
        for image in list(self.document.findall(nodes.image)):
            path = Path(self.env.relfn2path(image["uri"], self.env.docname)[1])
            if path.suffix == ".svg" and path.is_file():
                self.add_twin(image, path)
            if not image.get("alt"):
                logger.warning("a figure without an alternative text: %s", image["uri"], location=image)

    def add_twin(self, image: nodes.image, path: Path) -> None:
        """Writes the twin to the build folder, and shows it after the drawing."""
        folder = Path(self.app.doctreedir).parent / "twins"
        folder.mkdir(parents=True, exist_ok=True)
        dark = folder / f"{path.stem}.dark.svg"
        dark.write_text(darkened(path.read_text(encoding="utf-8")), encoding="utf-8")
        twin = image.deepcopy()
        twin["uri"] = "/" + os.path.relpath(dark, self.env.srcdir)
        twin["classes"] = [*image["classes"], "only-dark"]
        image["classes"] = [*image["classes"], "only-light"]
        image.parent.insert(image.parent.index(image) + 1, twin)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_transform(DarkTwins)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
