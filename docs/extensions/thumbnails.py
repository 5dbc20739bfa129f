"""Small pictures of the activations and their derivatives, for the reference."""

from pathlib import Path

import matplotlib.figure
from simdnn import plot

SIZE = (2.9, 2.0)
LOW, HIGH = -6, 6


def draw(name: str, folder: Path) -> Path:
    """Draws f and f' into a file of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.svg"
    with matplotlib.rc_context({"svg.hashsalt": "simdnn"}):
        figure = matplotlib.figure.Figure(figsize=SIZE, layout="constrained")
        axes = plot.activation(name, low=LOW, high=HIGH, ax=figure.subplots())
        for text in [one for one in axes.texts if one.get_text().startswith("f'(")]:
            text.remove()  # the text of the entry tells the values at kinks
        axes.set_title("")
        axes.set_xlabel("")
        figure.savefig(path, metadata={"Date": None})
    return path
