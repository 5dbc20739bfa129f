"""The picture of the demonstration: training curves, confusion matrix and gradients in one figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from simdnn import plot

if TYPE_CHECKING:
    import simdnn

    from ._digits import Digits

#: Width and height in inches, and pixels per inch.
SIZE, DPI = (8.8, 7.4), 120
#: Images of which the gradients are drawn.
SAMPLES = 512


def check_picture(path: str) -> None:
    """Raises if the name of the file tells no format, or its folder does not exist."""
    from matplotlib.backend_bases import FigureCanvasBase

    known = sorted(FigureCanvasBase.get_supported_filetypes())
    if Path(path).suffix.lower().removeprefix(".") not in known:
        raise ValueError(f"--plot: expected a file that ends in one of {', '.join(known)}, got {path}")
    if not Path(path).parent.is_dir():
        raise FileNotFoundError(f"--plot: the folder {Path(path).parent} does not exist")


def draw_picture(path: str, trainer: simdnn.Trainer, history: simdnn.History, digits: Digits) -> None:
    """Draws the picture of a training, and writes it to a file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE)
    figure.set_layout_engine("constrained", w_pad=0.15, h_pad=0.15)
    grid = figure.subplots(2, 2)
    plot.history(history, ax=list(grid[:, 0]))
    plot.confusion_matrix.from_estimator(trainer, digits.x_test, digits.y_test, ax=grid[0, 1])
    plot.gradient_flow(trainer.model, digits.x[:SAMPLES], digits.y[:SAMPLES], ax=grid[1, 1])
    parameters, rule = trainer.model.flat_parameters.size, type(trainer.optimizer).__name__
    heading = f"Handwritten digits: a network of {parameters:,} parameters, trained with {rule}"
    figure.suptitle(heading, x=0.012, ha="left", fontsize=10, color="#56616d")
    figure.savefig(path, dpi=DPI)
