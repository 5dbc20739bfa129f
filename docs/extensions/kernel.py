"""Sphinx extension: settings of the kernels that run the cells, so that figures are crisp drawings."""

import os
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

#: Figures as SVG, whose colors `figures` can exchange; the same names of their parts in each build.
SETTINGS = """\
c = get_config()
c.InlineBackend.figure_formats = {"svg"}
c.InlineBackend.rc = {"svg.hashsalt": "simdnn", "figure.dpi": 100}
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
