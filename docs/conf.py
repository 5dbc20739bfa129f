"""Settings of Sphinx for the documentation: `nox -s docs` builds it."""

import os
import sys
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS / "extensions"), str(DOCS.parent)]
# Cells import the tree's benchmark, and the library that the site is about.
inherited = os.environ.get("PYTHONPATH")
os.environ["PYTHONPATH"] = os.pathsep.join([str(DOCS.parent), *([inherited] if inherited else [])])

project = "simdnn"
author = "the authors of simdnn"
extensions = [
    "myst_nb",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
    "sphinx_design",
    "kernel",
    "figures",
    "reference",
]
exclude_patterns = ["_build"]

# Pages are MyST Markdown; cells of code run while the site is built, each page in a kernel of its own.
myst_enable_extensions = ["amsmath", "attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
nb_render_markdown_format = "myst"

# Links into the playground work while it runs on the reader's machine.
linkcheck_ignore = [r"http://127\.0\.0\.1:"]
linkcheck_timeout = 10
linkcheck_retries = 2

html_theme = "furo"
html_title = "simdnn"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

add_module_names = False
python_maximum_signature_line_length = 200


def setup(app: Sphinx) -> None:
    """MathJax's files, which belong to no page, may be added by a build in several processes."""
    app.extensions["sphinx-mathjax-offline"].parallel_read_safe = True
