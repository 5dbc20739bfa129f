"""Sphinx extension: drawings get twins for dark pages; a figure without an alternative text is a warning.

The colors of `simdnn.plot` are known, so a twin is the same SVG with the colors for dark pages in place of
them.
"""

import os
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from simdnn.plot._style import DARK, LIGHT
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)

#: Colors of drawings on white paper and those of their twins.
TWINS = {"#ffffff": "#131416", "#000000": DARK.text} | dict(
    zip(
        (LIGHT.text, LIGHT.soft, LIGHT.grid, LIGHT.band, *LIGHT.series),
        (DARK.text, DARK.soft, DARK.grid, DARK.band, *DARK.series),
        strict=True,
    )
)
#: Other colors keep their hue, and light and dark change places: rows of an affine map of red, green and blue
#: to 0.075 + 0.85 times the inverted color, which is turned by 180 degrees on the circle of hues.
INVERSE = (
    (0.488, -1.216, -0.122, 0.925),
    (-0.362, -0.366, -0.122, 0.925),
    (-0.362, -1.216, 0.728, 0.925),
)
COLOR = re.compile(r"#[0-9a-fA-F]{6}\b")


def darkened(drawing: str) -> str:
    """The text of an SVG in the colors for dark pages; images in it are inverted by a filter."""
    rows = " ".join(f"{r} {g} {b} 0 {constant}" for r, g, b, constant in INVERSE)
    night = (
        '<filter id="night" color-interpolation-filters="sRGB">'
        f'<feColorMatrix values="{rows} 0 0 0 1 0"/></filter>'
    )
    # An element without a color is black, unless the whole drawing has another one.
    text = COLOR.sub(lambda match: twin_of(match[0].lower()), drawing)
    text = re.sub(r"<svg ([^>]*)>", rf'<svg fill="{DARK.text}" \1>{night}', text, count=1)
    return text.replace("<image ", '<image filter="url(#night)" ')


def twin_of(color: str) -> str:
    """The color of the style for dark pages, or the inverse of any other color."""
    if color in TWINS:
        return TWINS[color]
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    values = [r * red + g * green + b * blue + constant for r, g, b, constant in INVERSE]
    return "#" + "".join(f"{round(255 * min(max(value, 0), 1)):02x}" for value in values)


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
