"""Drawings of the page on the inside: the floor plan, and the way of a mini-batch."""

from __future__ import annotations

from typing import Any

from simdnn.plot import _style

Point = tuple[float, float]


class Sheet:
    """Axes to draw boxes, words and arrows on, in units of a tenth of an inch."""

    def __init__(self, width: float, height: float) -> None:
        self.axes = _style.single(None, (width / 10, height / 10))
        self.ink = _style.bare(self.axes)
        self.axes.set_xlim(0, width)
        self.axes.set_ylim(height, 0)

    def box(self, at: Point, size: Point, text: str, note: str = "", series: int | None = None) -> None:
        """A box with a name, and a smaller line below it; colored ones have the color of a series."""
        from matplotlib.patches import FancyBboxPatch

        (x, y), (width, height) = at, size
        edge = self.ink.soft if series is None else self.ink.series[series]
        style = "round,pad=0,rounding_size=0.8"
        patch = FancyBboxPatch((x, y), width, height, style, linewidth=1.2, edgecolor=edge, facecolor="none")
        self.axes.add_patch(patch)
        middle = y + height / 2
        self.write((x + width / 2, middle - (1.0 if note else 0)), text, weight="bold", ha="center")
        if note:
            self.write((x + width / 2, middle + 1.1), note, ha="center", color=self.ink.soft, fontsize=7.5)

    def write(self, at: Point, text: str, **options: Any) -> None:
        settings = {"fontsize": 8.5, "color": self.ink.text, "va": "center"} | options
        self.axes.text(*at, text, **settings)

    def arrow(self, start: Point, end: Point, series: int | None = None, bend: float = 0.0) -> None:
        color = self.ink.soft if series is None else self.ink.series[series]
        style = {"arrowstyle": "-|>", "color": color, "linewidth": 1.2, "mutation_scale": 9}
        connection = f"arc3,rad={bend}"
        self.axes.annotate("", end, start, arrowprops=style | {"connectionstyle": connection})


def floor_plan() -> Any:
    """The floors of the code: Python above the bindings, C++ below, kernels once for each level."""
    sheet = Sheet(72, 46)
    sheet.write((1, 2), "Python: names, checks, documentation", color=sheet.ink.series[0], weight="bold")
    sheet.box((1, 4), (70, 4), "sklearn   cli   demo", "front doors", 0)
    sheet.box((1, 9), (34, 4), "Trainer   callbacks   diagnostics   plot", "training, and looking at it", 0)
    sheet.box((37, 9), (34, 4), "table   data   onnx   io   distributed", "data, files, machines", 0)
    sheet.box((1, 14), (34, 4), "nn   optim", "models and optimizers", 0)
    sheet.box((37, 14), (34, 4), "functional   losses   init   schedules", "functions of arrays", 0)
    sheet.write((1, 21), "C++: arithmetic", color=sheet.ink.series[1], weight="bold")
    sheet.box((1, 23), (70, 4), "bindings", "the only pybind11 and NumPy C API", 1)
    sheet.box((1, 28), (46, 4), "net", "layers, plan, arena, mini-batches, optimizer: no Python", 1)
    sheet.box((49, 28), (22, 4), "threads", "limit, pool, tuner", 1)
    sheet.box((1, 33), (22, 4), "dispatch", "one choice, at import", 1)
    for i, level in enumerate(("x86-64-v2", "-v3", "-v4", "NEON")):
        x = 25 + 11.67 * i
        sheet.box((x, 33), (11, 8), level, "kernels, loops,\nops, math, simd", 2)
    sheet.write((48, 43.3), "one source, compiled for each level", ha="center", color=sheet.ink.soft)
    sheet.box((1, 38), (22, 3), "base", series=1)
    return sheet.axes


def mini_batch() -> Any:
    """The way of a mini-batch: through the layers and back, with one pass over memory for each arrow."""
    sheet = Sheet(72, 33)
    first, second = sheet.ink.series[0], sheet.ink.series[1]
    sheet.box((1, 8), (11, 6), "Loader", "gather, cast")
    for i, name in enumerate(("Dense, relu", "Dense, relu", "Dense")):
        x = 17 + 13.5 * i
        sheet.box((x, 8), (10.5, 6), name, "product + post-op")
    sheet.box((58, 8), (13, 6), "LossHead", "loss and gradient")
    for start, end in ((12, 17), (27.5, 30.5), (41, 44), (54.5, 58)):
        sheet.arrow((start, 9.8), (end, 9.8), 0)
        if start > 12:
            sheet.arrow((end, 12.4), (start, 12.4), 1)
    sheet.write((14.5, 5.6), "forward: outputs, and f' for later", color=first)
    sheet.write((50.4, 17), "backward: dy, times the f'\nof the layer before", color=second)
    sheet.box((17, 20), (37.5, 4), "Arena", "one block of memory for all activations of a batch size", 2)
    sheet.box((17, 26), (37.5, 4), "flat buffers", "parameters, gradients, running statistics", 2)
    sheet.box((58, 26), (13, 4), "Optimizer", "one pass", 3)
    for x in (22, 35.8, 49):
        sheet.arrow((x, 20), (x, 14.2))
    sheet.arrow((54.5, 27.2), (58, 27.2), 1)
    sheet.arrow((58, 28.9), (54.5, 28.9), 3)
    sheet.write((1, 2), "A step is one native call, and so is an epoch", weight="bold", fontsize=10)
    return sheet.axes
