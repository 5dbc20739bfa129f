"""Sphinx extension: settings of the kernels that run the cells, so that figures are crisp drawings."""

import os
from pathlib import Path
from typing import Any

from simdnn.plot._style import LIGHT, NOTE, TICK, TITLE
from sphinx.application import Sphinx

#: matplotlib's settings: the style of `simdnn.plot` for axes that a cell draws by itself.
STYLE = {
    "svg.hashsalt": "simdnn",
    "figure.dpi": 100,
    "axes.prop_cycle": f"cycler('color', {list(LIGHT.series)!r})",
    "axes.edgecolor": LIGHT.soft,
    "axes.labelcolor": LIGHT.soft,
    "axes.labelsize": NOTE,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": LIGHT.text,
    "axes.titlelocation": "left",
    "axes.titlesize": TITLE,
    "axes.titleweight": "bold",
    "legend.fontsize": NOTE,
    "xtick.color": LIGHT.soft,
    "xtick.labelsize": TICK,
    "ytick.color": LIGHT.soft,
    "ytick.labelsize": TICK,
}
#: Figures as SVG, whose colors `figures` can exchange; the same names of their parts in each build.
SETTINGS = f"""\
c = get_config()
c.Application.log_level = "ERROR"
c.InlineBackend.figure_formats = {{"svg"}}
c.InlineBackend.rc = {STYLE!r}
"""


def write_settings(app: Sphinx) -> None:
    """Gives IPython a profile in the build folder, in place of the user's own."""
    profile = Path(app.outdir).parent / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(SETTINGS)
    os.environ["IPYTHONDIR"] = str(profile.parent)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", write_settings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
