"""The page of the playground: HTML with its style and its programs inside, made of the files in ``page/``."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

import simdnn

from ._presets import PRESETS
from ._settings import PACES, described

#: Programs of the page, in the order in which they run.
SCRIPTS = ("ink.js", "surface.js", "charts.js", "controls.js", "report.js", "calls.js", "main.js")


@cache
def _text(*names: str) -> str:
    """The text of files of the page, one after the other."""
    folder = files(__package__).joinpath("page")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


def page(token: str) -> bytes:
    """The page for a server with this token, which needs nothing else."""
    facts: dict[str, Any] = {
        "token": token,
        "version": simdnn.__version__,
        "settings": described(),
        "paces": PACES,
        "presets": {name: vars(preset) for name, preset in PRESETS.items()},
    }
    parts = {
        "<!-- style -->": f"<style>{_text('style.css')}</style>",
        "<!-- facts -->": json.dumps(facts).replace("<", "\\u003c"),
        "<!-- programs -->": f'<script type="module">{_text(*SCRIPTS)}</script>',
    }
    found = _text("index.html")
    for place, part in parts.items():
        found = found.replace(place, part)
    return found.encode()


@cache
def policy() -> str:
    """The content security policy: the page's own style and programs, and calls to this server, alone."""
    style, programs = (_hash(text) for text in (_text("style.css"), _text(*SCRIPTS)))
    return (
        f"default-src 'none'; style-src {style}; script-src {programs}; connect-src 'self'; img-src data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash(text: str) -> str:
    """The source of a policy that allows this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
